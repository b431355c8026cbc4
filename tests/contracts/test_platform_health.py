"""Health is judged by what was tried, and alerts are told once with whom they would hit, taken up, silenced, ended."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from tests.contracts.town import Somebody, Town
from wedsync.kit import sketch
from wedsync.operations.health import actions as health
from wedsync.operations.health import judging
from wedsync.operations.slo import actions
from wedsync.processes import health_watch

ALERTS = "/api/v1/platform/alerts"
DELIVERY = """insert into deliveries (id, made_at, tenant_id, connector, destination_id, type, lane, state, attempts)
    values ($1, clock_timestamp(), $2, $3, $2, 'rsvp.replied', 1, $4, 1)"""
ATTEMPT = """insert into attempts (delivery_id, tenant_id, number, outcome, status, total_ms, started_at)
    values ($1, $2, 1, $3, $4, $5, clock_timestamp())"""


@pytest.fixture(scope="module")
def town(own_town: Town) -> Town:
    """A town of its own: what others try must not be judged here."""
    return own_town


@pytest_asyncio.fixture(scope="module")
async def clock(town: Town) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(town.settings.door("service"))
    yield connection
    await connection.close()


async def tried(
    town: Town, tenant: UUID, name: str, outcome: str, times: int, *, ms: float = 40.0, lives: bool = False
) -> None:
    for _ in range(times):
        delivery = uuid4()
        state = {"delivered": "delivered", "rejected": "dead"}.get(outcome, "deferred")
        await town.admin.execute(DELIVERY, delivery, tenant, name, state)
        status = {"delivered": 200, "rejected": 422}.get(outcome, 503)
        await town.admin.execute(ATTEMPT, delivery, tenant, outcome, status, ms)
        if lives:
            await town.admin.execute(
                """insert into jobs (id, kind, name, lane, tenant_id, destination_id, run_at)
                values ($1, 'delivery', $3, 1, $2, $2, 'infinity')""",
                delivery,
                tenant,
                name,
            )


async def judged(town: Town, clock: asyncpg.Connection) -> int:
    """One round of the clock's; how many alerts the operators were mailed of."""
    await health.gather(clock.fetchval, timedelta())
    await actions.fire(clock.fetchval, clock.fetch, await health.facts(clock.fetchval))
    return await actions.tell(clock.fetchval, clock.fetch, town.ring, "http://test")


async def letters(town: Town, person: UUID | None) -> list[dict[str, Any]]:
    assert person is not None
    rows = await town.admin.fetch(
        "select id, sealed from deliveries where recipient_id = $1 and type = 'platform.alerted' order by made_at",
        person,
    )
    opened = [
        town.ring.open(r["sealed"], tenant=person, table="deliveries", column="sealed", row=r["id"]) for r in rows
    ]
    return [msgspec.json.decode(one) for one in opened]


async def signal(otto: Somebody, kind: str, name: str) -> dict[str, object]:
    found = (await otto.got("GET", "/api/v1/platform/health"))["signals"]
    [one] = [one for one in found if (one["kind"], one["name"]) == (kind, name)]
    return dict(one)


async def test_tries_are_counted_once_and_told_with_percentiles(
    town: Town, otto: Somebody, clock: asyncpg.Connection
) -> None:
    name = f"acme_{uuid4().hex[:8]}"
    tenant = uuid4()
    await tried(town, tenant, name, "delivered", 16, ms=100.0)
    await tried(town, uuid4(), name, "delivered", 2, ms=4000.0)
    await tried(town, uuid4(), name, "retry_later", 2)
    await tried(town, uuid4(), name, "rejected", 3)
    await health.gather(clock.fetchval, timedelta())
    await health.gather(clock.fetchval, timedelta())
    one = await signal(otto, "channel", name)
    assert (one["results"], one["refused"], one["error_rate"]) == (20, 3, 0.1)
    assert one["p50_ms"] is not None and abs(float(str(one["p50_ms"])) - 100) < 1.1
    assert abs(float(str(one["p95_ms"])) - 4000) < 40
    assert one["p99_ms"] is None, "of eighteen nobody knows"
    hours = await town.admin.fetchrow(
        "select good, bad, refused, slow from health_series where step_s = 3600 and name = $1", name
    )
    assert tuple(hours) == (18, 2, 3, 2)
    days = await town.admin.fetchrow("select good, connector from delivery_days where tenant_id = $1", tenant)
    assert tuple(days) == (16, name)
    [part] = [
        part
        for part in (await otto.got("GET", "/api/v1/platform/health"))["parts"]
        if part["part"] == f"deliveries {name}"
    ]
    assert part["status"] == "bad", "one of ten fails"
    for ms in (0.05, 0.1, 1, 99, 100.5, 86_400_001):
        assert await clock.fetchval("select app.bucket($1)", ms) == sketch.bucket(ms)


async def test_the_page_judges_by_the_season_as_the_clock_and_its_alerts_do(town: Town, otto: Somebody) -> None:
    plain = (await otto.got("GET", "/api/v1/platform/health"))["limits"]["latency_ms"]
    ana = await town.person("ana")
    on = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    wedding = await town.wedding(ana, on=on, time_zone="Asia/Bangkok")
    strict = (await otto.got("GET", "/api/v1/platform/health"))["limits"]["latency_ms"]
    assert strict == plain / 2, "weddings are all year round there"
    await town.admin.execute("update weddings set date_status = 'cancelled' where wedding_id = $1", UUID(wedding))


async def test_an_alert_of_a_rule_that_is_no_more_is_told_by_its_name(town: Town, otto: Somebody) -> None:
    await town.admin.execute(
        """insert into platform_alerts (rule, subject, severity, says, opened_at, last_at)
        values ('moon_phase', 'tide', 'ticket', 'It is high.', now(), now())"""
    )
    assert "Moon phase" in await otto.see("/ops/alerts")
    await town.admin.execute("delete from platform_alerts where rule = 'moon_phase'")


async def test_the_clock_watches_and_what_failed_and_came_back_is_remembered(
    town: Town, otto: Somebody, clock: asyncpg.Connection
) -> None:
    heard: list[str] = []
    is_away = [True]

    async def published(nudge: str) -> bool:
        heard.append(nudge)
        return not is_away[0]

    await health_watch.watching(town.settings, published)(clock)
    assert heard
    is_away[0] = False
    await health_watch.watching(town.settings, published)(clock)
    watch = health_watch.watching(town.settings, published)
    await watch(clock)
    looked = len(heard)
    await watch(clock)
    assert len(heard) == looked, "not again before it is time"
    changes = (await otto.got("GET", "/api/v1/platform/health"))["changes"]
    back = next(one for one in changes if one["part"] == "probe valkey")
    assert (back["was"], back["status"]) == ("bad", "look"), "it answers again, and failed a moment ago"
    assert back["lasted_s"] > 0
    found = await otto.got("GET", "/api/v1/platform/health")
    assert {"probe database", "database", "queue critical"} <= {one["part"] for one in found["parts"]}
    assert {one["name"] for one in found["signals"] if one["kind"] == "gauge"} >= {"database connections", "queue low"}
    assert found["judged_every_s"] in (10.0, 30.0)
    ladders = {one["what"]: one["steps"] for one in found["fallbacks"]}
    assert ladders["E-mail"][-1] == "in the app"
    assert {"Chat", "Live screens", "Word of a commit", "Google Calendar"} <= set(ladders)


async def test_a_process_that_falls_silent_is_missed_and_one_that_says_goodbye_is_not(
    town: Town, otto: Somebody, clock: asyncpg.Connection
) -> None:
    silent, leaving = uuid4(), uuid4()
    beat = "select app.beat($1, 'gateway', clock_timestamp(), $2, $3, $4)"
    pool = msgspec.json.encode({"pool_max": 4, "pool_in_use": 4, "pool_waiting": 2, "lag_ms": 1.0}).decode()
    frames = [{"kind": "edge", "name": "screens", "good": 990, "bad": 10, "sketch": {"250": 1000}}]
    lines = msgspec.json.encode(frames).decode()
    await clock.execute(beat, silent, pool, lines, False)
    facts = await health.facts(clock.fetchval)
    parts = {one.part: one for one in judging.judge(facts, judging.limits_of(facts))}
    assert parts["process gateway"].status == "good"
    assert parts["pool gateway"].status == "bad", "full, and somebody waits"
    assert parts["answers screens"].says.startswith("1000 results in five minutes, 1.0% failed")
    await town.admin.execute("update process_beats set at = at - interval '1 minute' where id = $1", silent)
    await clock.execute(beat, leaving, pool, "[]", False)
    facts = await health.facts(clock.fetchval)
    parts = {one.part: one for one in judging.judge(facts, judging.limits_of(facts))}
    assert parts["process gateway"].status == "look"
    await clock.execute(beat, leaving, pool, "[]", True)
    facts = await health.facts(clock.fetchval)
    parts = {one.part: one for one in judging.judge(facts, judging.limits_of(facts))}
    assert parts["process gateway"].status == "bad"
    await town.admin.execute("delete from process_beats where id = any($1)", [silent, leaving])
    page = await otto.see("/ops/health")
    for words in ("Every process, lane", "What stands in", "Share of a limit", "probe valkey"):
        assert words in page, words
    await clock.fetchval(health.queries.forget)
    await town.admin.execute("delete from health_series")
    await town.admin.execute("delete from platform_alerts")


async def test_a_kind_of_process_that_never_came_back_is_missed_for_a_week(
    town: Town, clock: asyncpg.Connection
) -> None:
    lost, later = uuid4(), uuid4()
    beat = "select app.beat($1, 'gateway', clock_timestamp(), '{}', '[]', $2)"
    await clock.execute(beat, lost, False)
    await town.admin.execute("update process_beats set at = at - interval '26 hours' where id = $1", lost)
    await clock.fetchval(health.queries.forget)

    async def status() -> str | None:
        facts = await health.facts(clock.fetchval)
        parts = {one.part: one.status for one in judging.judge(facts, judging.limits_of(facts))}
        return parts.get("process gateway")

    assert await status() == "bad"
    await clock.execute(beat, later, False)
    assert await status() == "good", "another one lives, and the old one is forgotten"
    await clock.execute(beat, later, True)
    assert await status() is None, "it said goodbye: nobody misses it"
    await town.admin.execute("delete from process_beats where id = any($1)", [lost, later])


async def test_an_outage_is_told_once_with_whom_it_would_hit_and_taken_up(
    town: Town, otto: Somebody, clock: asyncpg.Connection
) -> None:
    couple = await town.person()
    wedding = UUID(await town.wedding(couple))
    await town.admin.execute(
        """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
        values ($1, current_date, 'Europe/London', now() + interval '1 h', now() + interval '9 h')""",
        wedding,
    )
    await town.admin.execute(
        """insert into schedule_items (wedding_id, kind, title, "on", at_local, zone)
        values ($1, 'ceremony', 'Our secret', (now() at time zone 'Europe/London' + interval '5 h')::date,
          (now() at time zone 'Europe/London' + interval '5 h')::time, 'Europe/London')""",
        wedding,
    )
    await town.admin.execute("select pg_advisory_lock($1)", 0x57434C4B)
    await tried(town, wedding, "acme_mail", "retry_later", 12, lives=True)
    await tried(town, wedding, "acme_mail", "delivered", 8)
    await tried(town, wedding, "acme_chat", "delivered", 30)
    assert await judged(town, clock) == 1
    assert await judged(town, clock) == 0, "once"
    [alert] = await otto.got("GET", ALERTS)
    assert (alert["rule"], alert["subject"], alert["severity"]) == ("errors", "channel acme_mail", "page")
    assert alert["says"].startswith("60.0% of acme_mail failed in five minutes")
    assert alert["risk"].startswith("1 wedding of the next 72 h is owed 12 messages; first …")
    assert "the ceremony at " in alert["risk"] and "Our secret" not in alert["risk"]
    letter = (await letters(town, otto.id))[-1]
    assert letter["subject"].startswith("Now: 60.0% of acme_mail failed")
    assert "is owed 12 messages" in letter["text"] and "http://test/ops/alerts" in letter["text"]
    page = await otto.see("/ops/alerts")
    assert "is owed 12 messages" in page and "I take it up" in page
    await town.admin.execute("update platform_alerts set told_at = told_at - interval '16 min'")
    assert await judged(town, clock) == 1, "nobody took it up"
    assert "still nobody has taken it up" in (await letters(town, otto.id))[-1]["text"]
    assert (await otto.send(f"/ops/alerts/{alert['id']}/acknowledge")).status_code == 303
    await town.admin.execute("update platform_alerts set told_at = told_at - interval '16 min'")
    assert await judged(town, clock) == 0
    await otto.got("POST", f"{ALERTS}/{uuid4()}/acknowledge", code=404)

    # The provider is back: what is old leaves the five minutes, and two minutes later the alert ends.
    await town.admin.execute("update health_series set at = at - interval '10 min' where step_s = 60")
    await town.admin.execute("update platform_alerts set last_at = last_at - interval '3 min'")
    await judged(town, clock)
    [ended] = await otto.got("GET", ALERTS)
    assert ended["ended_at"] is not None
    await tried(town, wedding, "acme_mail", "retry_later", 10)
    assert await judged(town, clock) == 0, "back within ten minutes, it is the same alert, and taken up"
    [again] = await otto.got("GET", ALERTS)
    assert (again["id"], again["times"], again["ended_at"]) == (alert["id"], 2, None)
    await town.admin.execute("delete from health_series")


async def test_rules_are_set_and_silences_keep_the_mail_away(
    town: Town, otto: Somebody, clock: asyncpg.Connection
) -> None:
    rules = {one["rule"]: one for one in await otto.got("GET", "/api/v1/platform/alert-rules")}
    assert (rules["latency"]["threshold"], rules["errors"]["threshold"], rules["promise"]["threshold"]) == (
        500,
        0.01,
        0.999,
    )
    set_to = await otto.got("PUT", "/api/v1/platform/alert-rules/latency", {"threshold": 30})
    assert (set_to["threshold"], set_to["is_default"]) == (30, False)
    for body in ({"threshold": 0}, {"threshold": 2}, {"threshold": "much"}):
        rule = "errors" if body["threshold"] == 2 else "latency"
        await otto.got("PUT", f"/api/v1/platform/alert-rules/{rule}", body, code=422)
    await otto.got("PUT", "/api/v1/platform/alert-rules/nine", {"threshold": 1}, code=404)
    assert (await otto.send("/ops/alerts/rules/latency", threshold="soon", is_on="on")).status_code == 422
    silence = {"rule": "latency", "subject": "channel acme_slow", "reason": "They move house.", "minutes": 60}
    made = await otto.got("POST", "/api/v1/platform/alert-silences", silence, code=201)
    await otto.got("POST", "/api/v1/platform/alert-silences", silence | {"rule": "nine"}, code=422)
    await tried(town, uuid4(), "acme_slow", "delivered", 12)
    assert await judged(town, clock) == 0
    [alert] = [one for one in await otto.got("GET", ALERTS) if one["subject"] == "channel acme_slow"]
    assert (alert["is_silenced"], alert["severity"]) == (True, "ticket")
    assert alert["risk"] == "No wedding of the next 72 hours is owed anything by it."
    await otto.got("DELETE", f"/api/v1/platform/alert-silences/{made['id']}", code=204)
    assert await judged(town, clock) == 1
    back = await otto.got("PUT", "/api/v1/platform/alert-rules/latency", {"threshold": None})
    assert (back["threshold"], back["is_default"]) == (500, True)


async def test_promises_providers_and_figures_are_the_operators_and_a_report_each_tenants_own(
    town: Town, otto: Somebody, clock: asyncpg.Connection
) -> None:
    business = await town.supplier()
    await tried(town, UUID(business.supplier), "acme_report", "delivered", 30)
    await tried(town, UUID(business.supplier), "acme_report", "rejected", 2)
    await judged(town, clock)
    report = await business.owner.got("GET", f"/api/v1/suppliers/{business.supplier}/reliability")
    [line] = report["lines"]
    assert (line["connector"], line["delivered"], line["failed"], line["refused"]) == ("acme_report", 30, 0, 2)
    assert line["verdict"] == "kept"
    stranger = await town.supplier()
    await stranger.owner.got("GET", f"/api/v1/suppliers/{business.supplier}/reliability", code=404)
    assert (await stranger.owner.got("GET", f"/api/v1/suppliers/{stranger.supplier}/reliability"))["lines"] == []

    promises = {one["name"]: one for one in (await otto.got("GET", "/api/v1/platform/slo"))["promises"]}
    assert promises["deliveries"]["goal"] == 0.999
    assert promises["deliveries"]["kept"] is not None
    found = {one["name"]: one for one in await otto.got("GET", "/api/v1/platform/providers")}
    assert found["acme_report"]["reliability"]["success"]["score"] == pytest.approx(88.65, abs=0.1), (
        "Wilson of 30 of 30"
    )
    text = (await otto.ask("GET", "/api/v1/platform/metrics")).text
    for line_of in ('wedsync_part_status{part="queue critical"} 0.0', "wedsync_slo_burn_rate{", "# EOF"):
        assert line_of in text, line_of
    assert business.supplier not in text
    assert "acme_report" in await otto.see("/ops/alerts")
    for path in ("slo", "providers", "metrics", "alerts", "alert-rules", "alert-silences"):
        await business.owner.got("GET", f"/api/v1/platform/{path}", code=403)
    await business.owner.see("/ops/alerts", code=403)
    assert "Promises of 30 days" in await otto.see("/ops/health")


async def opened_alert(otto: Somebody, rule: str) -> dict[str, Any]:
    [one] = [one for one in await otto.got("GET", ALERTS) if one["rule"] == rule and one["ended_at"] is None]
    return dict(one)


async def test_many_refusals_are_an_alert_with_its_runbook(
    town: Town, otto: Somebody, clock: asyncpg.Connection
) -> None:
    refused = """insert into security_events (kind, detail, at)
        values ('token.refused', $1, clock_timestamp() - $2::interval)"""
    await town.admin.execute(refused, '{"times": 5000}', timedelta(minutes=11))
    await town.admin.execute(refused, '{"times": 400}', timedelta())
    await judged(town, clock)
    assert [one for one in await otto.got("GET", ALERTS) if one["rule"] == "refused"] == []
    await town.admin.execute(refused, '{"times": 101}', timedelta())
    await judged(town, clock)
    told = await opened_alert(otto, "refused")
    assert (told["severity"], told["runbook"]) == ("ticket", "docs/runbooks/security-incident.md")
    (count,) = re.findall(r"^(\d+) requests were refused in ten minutes", told["says"])
    assert 501 <= int(count) < 520, "what the process itself refused meanwhile counts too"
    await town.admin.execute("delete from security_events")


async def test_how_much_comes_from_memory_is_looked_at(clock: asyncpg.Connection) -> None:
    """What is made of it: tests/rules/test_slo_model.py."""
    found = msgspec.json.decode(await clock.fetchval(health.queries.facts, 1))
    assert "cache_hit_ratio" in found["database"]
