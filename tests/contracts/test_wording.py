"""Words of notices through the door: each reader's language, an operator's versions, and flows that follow a change."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.contracts.alert_house import house
from tests.contracts.town import Somebody, Town
from wedsync.kit import clock

KEY = "wedding.times_changed"


async def inbox(somebody: Somebody) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await somebody.got("GET", "/api/v1/me/inbox"))["items"]
    return found


async def test_names_and_contacts_are_told_to_those_who_are_shown_them(town: Town, ana: Somebody) -> None:
    wedding = await town.wedding(ana)
    narrow = await town.linked(ana, wedding, level="basic")
    wide = await town.linked(ana, wedding, level="full", can_view_contacts=True)
    contact = {"email": "carla@example.test"}
    guests = [{"first_name": "Carla", "last_name": "Doe", "contact": contact}]
    body = {"name": "Carla", "guests": guests}
    await ana.got("POST", f"/api/v1/weddings/{wedding}/parties", body, code=201)
    (guest,) = [g["id"] for g in (await ana.got("GET", f"/api/v1/weddings/{wedding}/guests"))["items"]]
    await town.react(wedding)
    before = len(await inbox(wide.owner))
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"couple_names": "Ana & Bernard"})
    await ana.got("PATCH", f"/api/v1/guests/{guest}", {"last_name": "Roe"})
    await ana.got("PATCH", f"/api/v1/guests/{guest}", {"role": "Witness"})
    await ana.got("PUT", f"/api/v1/guests/{guest}/contact", {"email": "roe@example.test"}, code=204)
    await town.react(wedding)
    told = [n["title"] for n in (await inbox(wide.owner))[: len(await inbox(wide.owner)) - before]]
    assert told == [
        "Ana & Bernard: How a guest is reached has changed",
        "Ana & Bernard: The name of a guest has changed: Carla Roe",
        "Ana & Bernard: Changed: names of the couple",
    ]
    assert [n["type"] for n in await inbox(narrow.owner)] == ["wedding.changed"]
    mails = [m["subject"] for m in await town.mails(wedding, to=wide.owner.email)]
    assert mails[-1].endswith("Ana & Bernard"), "what is of single guests waits for the day's digest"


async def test_whoever_confirms_elsewhere_has_acted_on_their_notice(town: Town, ana: Somebody) -> None:
    wedding = await town.wedding(ana)
    alone = await town.linked(ana, wedding)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:00"})
    await town.react(wedding)
    assert [n["acted_at"] for n in await inbox(alone.owner)] == [None]
    (mail,) = [m for m in await town.mails(wedding, to=alone.owner.email) if "/ack/" in m["text"]]
    path = "/ack/" + mail["text"].split("/ack/")[1].split()[0]
    page = await town.public.see(path)
    assert "Seen and fine" in page
    assert [n["acted_at"] for n in await inbox(alone.owner)] == [None], "looking is not acting"
    await town.public.send(path, id=re.findall(r'name="id" value="([^"]+)"', page))
    await town.react(wedding)
    (notice,) = await inbox(alone.owner)
    assert notice["acted_at"] and notice["read_at"]
    state = await alone.owner.got("GET", "/api/v1/me/inbox/counts")
    assert (state["unread"], state["unseen"]) == (0, 0)


async def test_a_severe_allergy_in_the_last_days_calls_the_caterer_until_somebody_confirms(
    town: Town, ana: Somebody
) -> None:
    for days, calls in ((30, 0), (2, 1)):
        one = await house(town, ana, clock.now() + timedelta(days=days))
        cook = one.photographer
        await town.admin.execute("update links set category = 'caterer' where id = $1", UUID(cook.link))
        await ana.got("PATCH", f"/api/v1/links/{cook.link}", {"can_view_dietary": True})
        body = {"name": "Carla", "guests": [{"first_name": "Carla"}]}
        await ana.got("POST", f"/api/v1/weddings/{one.wedding}/parties", body, code=201)
        (guest,) = [g["id"] for g in (await ana.got("GET", f"/api/v1/weddings/{one.wedding}/guests"))["items"]]
        needs = {"allergens": [{"key": "peanuts", "severity": "anaphylaxis"}]}
        await ana.got("PUT", f"/api/v1/guests/{guest}/needs", needs, code=204)
        await town.react(one.wedding)
        await one.work()
        open_now = (await ana.got("GET", one.path))["items"]
        assert len(open_now) == calls
        if not calls:
            continue
        (alert,) = open_now
        assert (alert["kind"], alert["state"]) == ("dietary", "triggered")
        assert "Carla" not in alert["detail"] and "peanut" not in alert["detail"].lower()
        assert await one.called(alert["id"]) == {"photographer": {"in_app", "sms", "email", "voice"}}
        (mail,) = await one.mails(cook.owner)
        assert mail["subject"] == "Ana & Ben: A severe allergy has changed: tell the kitchen"
        await cook.owner.got("POST", f"/api/v1/alerts/{alert['id']}/acknowledge", code=200)
        ended = await one.one(alert["id"])
        assert ended["state"] == "resolved"
        assert "Photographer" in ended["acknowledged_name"]
        await town.react(one.wedding)
        (notice,) = [n for n in await inbox(cook.owner) if n["type"] == "alert.raised"]
        assert notice["acted_at"]
