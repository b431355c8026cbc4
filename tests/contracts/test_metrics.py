"""`/metrics` of the web process: what OpenMetrics readers understand, by route template, without an id of anybody."""

import re
from collections import Counter

from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.desk import Desk

WEDDING = "/api/v1/weddings/{wedding}"
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


async def samples(desk: Desk) -> dict[str, list[Sample]]:
    answer = await desk.ask("GET", "/metrics", who="nobody")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert not UUIDS.search(answer.text)
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(answer.text):  # type: ignore[no-untyped-call]
        assert family.documentation
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def counted(found: dict[str, list[Sample]]) -> Counter[tuple[str, str, str]]:
    """Requests by route, method and status."""
    every = found.get("wedsync_web_requests_total", [])
    return Counter({(s.labels["route"], s.labels["method"], s.labels["status"]): int(s.value) for s in every})


def measured(found: dict[str, list[Sample]], route: str) -> float:
    """Of how many requests the time was taken."""
    took = found.get("wedsync_web_latency_ms_bucket", [])
    return sum(s.value for s in took if s.labels["route"] == route and s.labels["le"] == "+Inf")


async def test_requests_are_counted_by_template_method_and_status(desk: Desk) -> None:
    route = "/api/v1/weddings/{wedding_id}"
    before = await samples(desk)
    for _ in range(3):
        await desk.ask("GET", WEDDING)
    await desk.ask("GET", WEDDING, who="stranger")
    await desk.ask("GET", "/api/v1/nowhere/ana.and.ben@example.com")
    await desk.ask("BREW", "/api/v1/coffee")
    found = await samples(desk)
    more = counted(found) - counted(before)
    assert more[route, "GET", "200"] == 3
    assert more[route, "GET", "404"] == 1
    assert more["none", "GET", "404"] == 1
    assert all("ana" not in name for name, _, _ in counted(found))
    assert {method for _, method, _ in more} == {"GET", "other"}
    assert measured(found, route) - measured(before, route) == 4


async def test_the_pool_and_the_build_are_told_per_worker(desk: Desk) -> None:
    await desk.ask("GET", WEDDING)
    found = await samples(desk)
    for name in ("pool_in_use", "pool_size", "pool_waiting", "build_info"):
        assert len(found[f"wedsync_web_{name}"]) == 1
    assert found["wedsync_web_pool_size"][0].value >= 1
    assert found["wedsync_web_pool_waiting"][0].value == 0
    assert found["wedsync_web_build_info"][0].labels["version"]
    assert len({s.labels["worker"] for each in found.values() for s in each}) == 1
