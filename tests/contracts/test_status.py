"""Anybody sees how the platform does, from what was judged and announced, cheaply, and with the database away."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.contracts.town import Somebody, Town
from wedsync.kit import clock
from wedsync.kit.actor import ANONYMOUS
from wedsync.operations.status import actions, model

ANNOUNCEMENTS = "/api/v1/platform/announcements"


@pytest.fixture(scope="module")
def town(own_town: Town) -> Town:
    """Of its own: what is announced here is everybody's."""
    return own_town


async def judge(town: Town, part: str, status: str) -> None:
    """As the clock writes it down; the next look asks."""
    await town.admin.execute(
        """insert into health_parts (part, status, says, since, judged_at) values ($1, $2, '', now(), clock_timestamp())
        on conflict (tenant_id, part) do update set status = excluded.status, judged_at = excluded.judged_at""",
        part,
        status,
    )
    town.app.state.status.forget()


async def areas(town: Town) -> dict[str, dict[str, object]]:
    found = await town.public.got("GET", "/status.json")
    return {one["name"]: one for one in found["areas"]}


async def test_what_nobody_judged_is_not_claimed_to_work(town: Town) -> None:
    found = await town.public.got("GET", "/status.json")
    assert (found["is_known"], found["state"]) == (False, "unknown")
    assert "We cannot tell how it does just now" in await town.public.see("/status")


async def test_parts_are_told_in_plain_words_with_ninety_days(town: Town) -> None:
    for part in ("probe database", "process web", "mail resend", "mail smtp", "queue critical", "clock"):
        await judge(town, part, "good")
    assert {one["state"] for one in (await areas(town)).values()} == {"works"}
    page = await town.public.see("/status")
    assert "Everything works" in page
    await judge(town, "mail resend", "bad")
    assert (await areas(town))["mail"]["state"] == "works", "another stands in for it"
    await judge(town, "mail smtp", "bad")
    assert (await areas(town))["mail"]["state"] == "down"
    await judge(town, "accounts tave", "look")
    assert (await areas(town))["accounts"]["state"] == "works", "one account to be connected again is nobody's business"
    await town.admin.execute(
        """insert into health_series (step_s, at, kind, name, good, bad) values
        (3600, date_trunc('hour', now()) - interval '3 days', 'edge', 'web', 9990, 10),
        (3600, date_trunc('hour', now()), 'edge', 'web', 1000, 0)"""
    )
    town.app.state.status.forget()
    pages = (await areas(town))["pages"]
    days = pages["days"]
    assert isinstance(days, list) and len(days) == model.DAYS
    assert [one["available"] for one in days if one["available"] is not None] == [0.999, 1.0]
    page = await town.public.see("/status")
    assert "99.909 % went well in ninety days" in page
    assert "part of it is down" in page
    for words in ("resend", "tave", "twilio", "queue"):
        assert words not in page.lower(), words
    await judge(town, "mail smtp", "good")


async def test_an_incident_is_told_changed_and_over(town: Town, otto: Somebody) -> None:
    body = {
        "kind": "incident",
        "title": "Mails arrive late",
        "says": "By some minutes.",
        "areas": ["mail"],
        "state": "slow",
    }
    id = (await otto.got("POST", ANNOUNCEMENTS, body, code=201))["id"]
    assert (await areas(town))["mail"]["state"] == "slow"
    page = await town.public.see("/status")
    assert "Mails arrive late" in page and "otto" not in page
    await otto.got(
        "POST", f"{ANNOUNCEMENTS}/{id}/say", {"says": "Half of them are through.", "state": "down"}, code=204
    )
    assert (await areas(town))["mail"]["state"] == "down"
    over = await otto.send(f"/ops/status/announcements/{id}/say", says="All of them are through.", is_over="on")
    assert over.status_code == 303
    assert (await areas(town))["mail"]["state"] == "works"
    page = await town.public.see("/status")
    assert "Half of them are through." in page and "All of them are through." in page
    await otto.got("POST", f"{ANNOUNCEMENTS}/{id}/say", {"says": "Once more."}, code=404)
    wrongs: list[dict[str, object]] = [{"areas": ["budget"]}, {"areas": []}, {"state": "planned"}, {"title": ""}]
    for wrong in wrongs:
        await otto.got("POST", ANNOUNCEMENTS, body | wrong, code=422)
    refused = await otto.send("/ops/status/announcements", kind="incident", title="Mails", says="They are late.")
    assert refused.status_code == 422 and "They are late." in refused.text
    ana = await town.person()
    await ana.got("POST", ANNOUNCEMENTS, body, code=403)


async def test_maintenance_is_proposed_away_from_weddings_and_announced(town: Town, otto: Somebody) -> None:
    ana = await town.person()
    wedding = await town.wedding(ana)
    at = clock.now().replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=2)
    await town.admin.execute(
        """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
        values ($1::text::uuid, $2, 'UTC', $3, $4)""",
        wedding,
        at.date(),
        at,
        at + timedelta(hours=12),
    )
    proposed = await otto.got("GET", "/api/v1/platform/maintenance-windows")
    assert len(proposed) == 3
    for one in proposed:
        begins, ends = datetime.fromisoformat(one["starts_at"]), datetime.fromisoformat(one["ends_at"])
        assert ends <= at - timedelta(hours=2) or begins >= at + timedelta(hours=14)
    body = {"kind": "maintenance", "title": "New disks", "says": "Pages may be away.", "areas": ["pages"]}
    near = {"starts_at": (at + timedelta(hours=3)).isoformat(), "ends_at": (at + timedelta(hours=4)).isoformat()}
    problem = await otto.got("POST", ANNOUNCEMENTS, body | near, code=409)
    assert problem["code"] == "weddings_near" and "the day of a wedding" in problem["detail"]
    await otto.got("POST", ANNOUNCEMENTS, body, code=422)
    page = await otto.see("/ops/status")
    hidden = page.partition('name="starts_at" value="')[2].partition('"')[0]
    until = page.partition('name="ends_at" value="')[2].partition('"')[0]
    form: dict[str, Any] = {"kind": "maintenance", "starts_at": hidden, "ends_at": until, "areas": ["pages", "screens"]}
    taken = await otto.send("/ops/status/announcements", title="New disks", says="Pages may be away.", **form)
    assert taken.status_code == 303, taken.text
    page = await town.public.see("/status")
    assert "New disks" in page and "Pages and API, Live screens" in page
    assert (await areas(town))["pages"]["state"] == "works", "not yet"
    [ahead] = (await town.public.got("GET", "/status.json"))["ahead"]
    await otto.got("POST", f"{ANNOUNCEMENTS}/{ahead['id']}/say", {"says": "Not needed.", "is_over": True}, code=204)
    found = await town.public.got("GET", "/status.json")
    assert found["ahead"] == [] and "New disks" in {one["title"] for one in found["past"]}


async def test_however_many_look_the_database_is_asked_once_and_its_loss_is_told(town: Town) -> None:
    asked: list[int] = []

    async def ask() -> model.Status:
        asked.append(1)
        if len(asked) > 1:
            raise ConnectionRefusedError("away")
        async with town.door.bare(ANONYMOUS) as tx:
            return await actions.look(tx)

    kept = actions.Kept(ask)
    for _ in range(50):
        first = await kept.status()
    assert len(asked) == 1
    kept.forget()
    lost = await kept.status()
    assert (lost.state, lost.is_known) == ("down", False)
    assert {one.name: one.state for one in lost.areas}["mail"] == "unknown"
    assert [one.days for one in lost.areas] == [one.days for one in first.areas], "history is kept"
    answer = await town.public.ask("GET", "/status.json")
    assert answer.headers["cache-control"] == "public, max-age=15"
