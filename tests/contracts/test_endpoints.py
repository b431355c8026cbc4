"""Webhook endpoints: added, changed, rotated and removed, and the ledger of what they were owed."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.contracts.town import Somebody, Town
from wedsync.subscriptions.actions import ENDPOINTS_MAX

HOOK = {"url": "https://example.com/hook", "events": ["wedding.*"], "description": "Our CRM"}


async def add(ana: Somebody, wedding: str, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = await ana.got("POST", f"/api/v1/weddings/{wedding}/endpoints", HOOK | fields, code=201)
    return made


async def ledger(ana: Somebody, wedding: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await ana.got("GET", f"/api/v1/weddings/{wedding}/deliveries{query}"))["items"]
    return [d for d in found if d["connector"] == "webhook"]


async def end_all(town: Town, endpoint: str, state: str) -> None:
    """As the worker would, when everything owed to an endpoint has ended this way."""
    await town.admin.execute("delete from jobs where destination_id = $1", UUID(endpoint))
    await town.admin.execute(
        "update deliveries set state = $2, done_at = clock_timestamp() where destination_id = $1", UUID(endpoint), state
    )


async def test_the_secret_is_shown_once_and_in_no_image(town: Town, ana: Somebody, wedding: str) -> None:
    made = await add(ana, wedding)
    assert made["secret"].startswith("whsec_")
    (listed,) = (await ana.got("GET", f"/api/v1/weddings/{wedding}/endpoints"))["items"]
    assert "secret" not in listed
    assert "secret" not in await ana.got("GET", f"/api/v1/endpoints/{made['id']}")
    (event,) = await town.events(wedding, "endpoint.added")
    assert event.record is not None
    assert not [key for key in event.record if "secret" in key]


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "ftp://example.com/hook"},
        {"url": "https:///hook"},
        {"url": "https://user:word@example.com/hook"},
        {"events": []},
        {"events": ["rsvp"]},
        {"events": ["*; drop"]},
    ],
)
async def test_an_endpoint_that_cannot_be_is_refused(ana: Somebody, wedding: str, fields: dict[str, Any]) -> None:
    answer = await ana.ask("POST", f"/api/v1/weddings/{wedding}/endpoints", HOOK | fields)
    assert answer.status_code in (400, 422)
    assert (await ana.got("GET", f"/api/v1/weddings/{wedding}/endpoints"))["items"] == []


async def test_an_endpoint_is_its_tenants_alone(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.linked(ana, wedding, "full")
    made = await add(ana, wedding)
    for who, path in (
        (business.owner, f"/api/v1/endpoints/{made['id']}"),
        (await town.person("eve"), f"/api/v1/endpoints/{made['id']}"),
    ):
        await who.got("GET", path, code=404)
        assert (await who.ask("DELETE", path)).status_code in (403, 404)
    assert (await business.owner.got("GET", f"/api/v1/weddings/{wedding}/endpoints"))["items"] == []
    refused = await business.owner.ask("POST", f"/api/v1/weddings/{wedding}/endpoints", HOOK)
    assert refused.status_code in (403, 404)
    own = f"/api/v1/suppliers/{business.supplier}/endpoints"
    assert (await business.owner.got("POST", own, HOOK, code=201))["tenant_id"] == business.supplier


async def test_a_change_names_its_version_and_pausing_says_why(ana: Somebody, wedding: str) -> None:
    made = await add(ana, wedding)
    path = f"/api/v1/endpoints/{made['id']}"
    tag = (await ana.ask("GET", path)).headers["etag"]
    paused = await ana.got("PATCH", path, {"state": "paused"}, if_match=tag)
    assert (paused["state"], paused["state_reason"]) == ("paused", "paused by its owner")
    lost = await ana.got("PATCH", path, {"url": "https://example.com/x"}, code=412, if_match=tag)
    assert lost["current"]["state"] == "paused"
    assert "secret_sealed" not in lost["current"]
    resumed = await ana.got("PATCH", path, {"state": "active", "events": ["*"], "url": "https://example.com/x"})
    assert (resumed["state"], resumed["state_reason"], resumed["events"]) == ("active", "", ["*"])
    assert (await ana.ask("PATCH", path, {"url": "ftp://x"})).status_code in (400, 422)


async def test_rotating_keeps_the_old_secret_for_the_overlap_alone(town: Town, ana: Somebody, wedding: str) -> None:
    made = await add(ana, wedding)
    path = f"/api/v1/endpoints/{made['id']}/rotate-secret"
    secrets = [made["secret"], (await ana.got("POST", path))["secret"]]
    assert len(set(secrets)) == 2
    held = "select old_secrets from endpoints where id = $1"
    (old,) = msgspec.json.decode(await town.admin.fetchval(held, UUID(made["id"])))
    place = {"table": "endpoints", "column": "secret_sealed", "row": UUID(made["id"])}
    assert town.ring.open(bytes.fromhex(old["sealed"]), tenant=UUID(wedding), **place).decode() == made["secret"]
    await ana.got("POST", path, {"overlap_hours": 0})
    assert len(msgspec.json.decode(await town.admin.fetchval(held, UUID(made["id"])))) == 1
    assert (await ana.ask("POST", path, {"overlap_hours": 169})).status_code in (400, 422)


async def test_removing_cancels_what_was_owed(ana: Somebody, wedding: str) -> None:
    made = await add(ana, wedding)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"guest_estimate": 80})
    assert [d["state"] for d in await ledger(ana, wedding)] == ["pending"]
    path = f"/api/v1/endpoints/{made['id']}"
    await ana.got("DELETE", path, code=204)
    (cancelled,) = await ledger(ana, wedding)
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "the endpoint was deleted")
    for method, at, body in (
        ("GET", path, None),
        ("DELETE", path, None),
        ("PATCH", path, {"state": "paused"}),
        ("POST", f"{path}/rotate-secret", None),
    ):
        await ana.got(method, at, body, code=404)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"guest_estimate": 81})
    assert len(await ledger(ana, wedding)) == 1


async def test_the_ledger_is_read_newest_first_page_by_page(ana: Somebody, wedding: str) -> None:
    made = await add(ana, wedding)
    for estimate in (80, 81, 82):
        await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"guest_estimate": estimate})
    whole = await ledger(ana, wedding, f"?endpoint={made['id']}&status=pending")
    assert [d["seq"] for d in whole] == sorted((d["seq"] for d in whole), reverse=True)
    assert [d["previous_seq"] for d in whole[:2]] == [d["seq"] for d in whole[1:]]
    path = f"/api/v1/weddings/{wedding}/deliveries?endpoint={made['id']}&limit=2"
    first = await ana.got("GET", path)
    rest = await ana.got("GET", with_cursor(path, first))
    assert [d["id"] for d in first["items"] + rest["items"]] == [d["id"] for d in whole]
    assert (await ana.got("GET", f"{path}&cursor=yesterday", code=422))["errors"][0]["field"] == "cursor"
    one = await ana.got("GET", f"/api/v1/deliveries/{whole[0]['id']}")
    assert (one["delivery"]["id"], one["attempts"]) == (whole[0]["id"], [])


def with_cursor(path: str, page: dict[str, Any]) -> str:
    return f"{path}&cursor={page['next'].replace('+', '%2B')}"


async def test_what_has_ended_is_sent_again_and_what_has_not_is_left(town: Town, ana: Somebody, wedding: str) -> None:
    made = await add(ana, wedding)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"guest_estimate": 80})
    (owed,) = await ledger(ana, wedding)
    again = f"/api/v1/deliveries/{owed['id']}/replay"
    assert await ana.got("POST", again, code=202) == {"replayed": 0}
    await end_all(town, made["id"], "delivered")
    assert await ana.got("POST", again, code=202) == {"replayed": 1}
    newest = (await ledger(ana, wedding))[0]
    assert (newest["replay_of"], newest["event_id"], newest["lane"]) == (owed["id"], owed["event_id"], 3)
    await (await town.person("eve")).got("POST", again, code=404)


async def test_recovery_sends_again_what_failed_since(town: Town, ana: Somebody, wedding: str) -> None:
    made = await add(ana, wedding)
    for estimate in (80, 81):
        await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"guest_estimate": estimate})
    await end_all(town, made["id"], "dead")
    path = f"/api/v1/endpoints/{made['id']}/recover"
    assert await ana.got("POST", path, {"since": "2999-01-01T00:00:00Z"}, code=202) == {"replayed": 0}
    assert await ana.got("POST", path, {"since": "2020-01-01T00:00:00Z"}, code=202) == {"replayed": 2}
    assert await ana.got("POST", path, {"since": "2020-01-01T00:00:00Z"}, code=202) == {"replayed": 0}


async def test_the_order_is_chosen_and_changed_and_the_breaker_is_told(town: Town, ana: Somebody, wedding: str) -> None:
    made = await add(ana, wedding, mode="ordered")
    path = f"/api/v1/endpoints/{made['id']}"
    assert (made["mode"], made["breaker"]) == (
        "ordered",
        {"state": "closed", "failures": 0, "until": None, "host": None},
    )
    assert (await ana.got("PATCH", path, {"mode": "latest"}))["mode"] == "latest"
    assert await town.admin.fetchval("select mode from subscriptions where id = $1", UUID(made["id"])) == "latest"
    assert (await ana.got("PATCH", path, {"mode": "random"}, code=422))["errors"][0]["field"] == "mode"
    trip = "update destinations set breaker_failures = 5, breaker_until = clock_timestamp() + $2 where id = $1"
    for after_s, state in ((60, "open"), (-1, "half_open")):
        await town.admin.execute(trip, UUID(made["id"]), timedelta(seconds=after_s))
        told = (await ana.got("GET", path))["breaker"]
        assert (told["state"], told["failures"]) == (state, 5)
    assert (await ana.got("PATCH", path, {"description": "Mended"}))["breaker"]["state"] == "closed"


async def test_a_resting_host_is_told_with_the_endpoint(town: Town, ana: Somebody, wedding: str) -> None:
    made = await add(ana, wedding, url="https://resting.example/hook")
    await town.admin.execute(
        "insert into hosts (host, open_until) values ('resting.example:443', clock_timestamp() + interval '1 minute')"
    )
    told = (await ana.got("GET", f"/api/v1/endpoints/{made['id']}"))["breaker"]
    assert (told["state"], told["host"]["host"], told["host"]["state"]) == ("closed", "resting.example:443", "open")
    await town.admin.execute("delete from hosts")


async def park(town: Town, endpoint: str) -> list[str]:
    """As the worker would, when everything owed was refused so often that a person must look at it; oldest first."""
    await town.admin.execute(
        "update jobs set run_at = 'infinity', attempt = 3 where destination_id = $1", UUID(endpoint)
    )
    rows = await town.admin.fetch(
        """update deliveries set state = 'parked', reason = 'The receiver answered 404.', attempts = 3
        where destination_id = $1 and done_at is null returning id, seq""",
        UUID(endpoint),
    )
    return [str(row["id"]) for row in sorted(rows, key=lambda row: row["seq"])]


async def test_what_waits_for_a_person_is_released_or_cancelled(town: Town, ana: Somebody, wedding: str) -> None:
    made = await add(ana, wedding)
    for estimate in (80, 81, 82):
        await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"guest_estimate": estimate})
    one, two, three = await park(town, made["id"])
    await ana.got("POST", f"/api/v1/deliveries/{one}/replay", code=202)
    assert len(await ledger(ana, wedding)) == 3
    assert await ana.got("POST", f"/api/v1/deliveries/{one}/release", code=202) == {"released": 1}
    assert await ana.got("POST", f"/api/v1/deliveries/{one}/release", code=202) == {"released": 0}
    gone = await ana.got("POST", f"/api/v1/deliveries/{two}/cancel")
    assert (gone["state"], gone["actor_kind"], gone["actor_id"]) == ("cancelled", "person", str(ana.id))
    late = await ana.got("POST", f"/api/v1/deliveries/{two}/cancel", code=409)
    assert late["code"] == "not_waiting"
    path = f"/api/v1/endpoints/{made['id']}"
    assert await ana.got("POST", f"{path}/release?type=no.such", code=202) == {"released": 0}
    await ana.got("PATCH", path, {"state": "paused"})
    assert (await ana.got("POST", f"{path}/release", code=409))["code"] == "endpoint_not_active"
    await ana.got("PATCH", path, {"state": "active"})
    await park(town, made["id"])
    kinds = {d["type"] for d in await ledger(ana, wedding)}
    assert await ana.got("POST", f"{path}/release?type={kinds.pop()}", code=202) == {"released": 2}
    states = {d["id"]: d["state"] for d in await ledger(ana, wedding)}
    assert states == {one: "pending", two: "cancelled", three: "pending"}
    eve = await town.person("eve")
    for action in (f"/api/v1/deliveries/{one}/release", f"/api/v1/deliveries/{one}/cancel", f"{path}/release"):
        await eve.got("POST", action, code=404)


async def test_a_tenant_has_as_many_endpoints_as_it_may_have_and_no_more(
    ana: Somebody, wedding: str, town: Town
) -> None:
    path = f"/api/v1/weddings/{wedding}/endpoints"
    there = len((await ana.got("GET", path))["items"])
    await town.admin.execute(
        """insert into endpoints (tenant_id, url, secret_sealed)
        select $1, 'https://crm.example.test/' || n, '' from generate_series(1, $2) n""",
        UUID(wedding),
        ENDPOINTS_MAX - 1 - there,
    )
    last = await ana.got("POST", path, HOOK, code=201)
    refused = await ana.got("POST", path, HOOK, code=409)
    assert (refused["code"], refused["max"]) == ("too_many_endpoints", ENDPOINTS_MAX)
    assert "Remove one" in refused["detail"]
    # One that was removed has left its place.
    await ana.got("DELETE", f"/api/v1/endpoints/{last['id']}", code=204)
    await ana.got("POST", path, HOOK, code=201)
