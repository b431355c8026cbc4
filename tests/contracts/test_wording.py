"""Words of notices through the door: each reader's language, an operator's versions, and flows that follow a change."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.contracts.alert_house import house
from tests.contracts.town import Somebody, Town
from wedsync.kit import clock
from wedsync.notices.wording.tongues import SHARED, WordMissing

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


async def test_everybody_is_told_in_their_language_in_the_words_of_the_newest(town: Town, ana: Somebody) -> None:
    otto = await town.operator()
    wedding = await town.wedding(ana)
    dutch, english = await town.linked(ana, wedding), await town.linked(ana, wedding)
    chosen = await dutch.owner.got("PATCH", "/api/v1/me/preferences", {"locale": "nl-BE"})
    assert chosen["locale"] == "nl-BE"
    wrong = await dutch.owner.got("PATCH", "/api/v1/me/preferences", {"locale": "tlh"}, code=422)
    assert wrong["errors"][0]["field"] == "locale"
    page = await dutch.owner.see(f"/studio/{dutch.supplier}/preferences")
    assert "Your language" in page
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:00"})
    await town.react(wedding)

    async def told(one: Any) -> tuple[str, str, str]:
        mail = [m for m in await town.mails(wedding, to=one.owner.email) if "/ack/" in m["text"]][-1]
        return (await inbox(one.owner))[0]["title"], mail["subject"], mail["language"]

    assert await told(english) == (
        "Ana & Ben: The ceremony has changed",
        "Ana & Ben: The ceremony has changed: 14:00",
        "en-GB",
    )
    assert await told(dutch) == (
        "Ana & Ben: Tijd van de ceremonie gewijzigd",
        "Ana & Ben: Tijd van de ceremonie gewijzigd: 14:00",
        "nl-BE",
    )
    # An operator says it otherwise, in Dutch alone.
    one = f"/api/v1/platform/wordings/{KEY}/nl"
    known = await otto.got("GET", "/api/v1/platform/wordings")
    assert {"key": KEY, "locale": "nl", "number": 0, "is_shipped": True, "is_own": False} in known
    for title, why in (("Nieuw: {veld}", "veld"), ("Kijk op www.example.test", "link"), ("Nieuw: {field", "brace")):
        refused = await otto.got("PUT", one, {"title": title}, code=422)
        assert refused["errors"][0]["field"] == "title"
        assert why in refused["detail"]
    drawn = await otto.got("POST", f"{one}/preview", {"title": "Let op: {field}"})
    assert drawn["subject"] == "Ana & Ben: Let op: tijd van de ceremonie: 13:30 → 14:00"
    assert drawn["sms"]["segments"] <= 2
    assert drawn["card"]["version"] == "1.4"
    assert (await otto.got("GET", one))["version"] == 0
    first = await otto.got("PUT", one, {"title": "Let op: {field}", "confirm": "Begrepen"}, if_match='"0"')
    assert (first["version"], first["used"]["confirm"]) == (1, "Begrepen")
    await otto.got("PUT", one, {"title": "Nog eens"}, code=412, if_match='"0"')
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "15:00"})
    await town.react(wedding)
    assert (await told(dutch))[1] == "Ana & Ben: Let op: tijd van de ceremonie: 14:00 → 15:00"
    assert "Begrepen: http" in (await town.mails(wedding, to=dutch.owner.email))[-1]["text"]
    assert (await told(english))[1] == "Ana & Ben: The ceremony has changed: 14:00 → 15:00"
    back = await otto.got("POST", f"{one}/roll-back", {"number": 0})
    assert (back["version"], back["used"]["title"]) == (2, "{field} gewijzigd")
    assert [v["number"] for v in back["history"]] == [2, 1]
    again = await otto.got("POST", f"{one}/roll-back", {"number": 1})
    assert again["used"]["title"] == "Let op: {field}"
    await _sampled_and_shown(town, otto, one)
    for path in ("/api/v1/platform/wordings", one):
        await ana.got("GET", path, code=403)
    await ana.got("PUT", one, {"title": "Mine"}, code=403)


async def _sampled_and_shown(town: Town, otto: Somebody, one: str) -> None:
    platform = "00000000-0000-7000-8000-000000000000"
    await otto.got("POST", f"{one}/roll-back", {"number": 9}, code=404)
    await otto.got("POST", f"{one}/sample", code=202)
    (mail,) = await town.mails(platform, to=otto.email)
    assert mail["subject"].startswith("[Sample] Ana & Ben: Let op")
    assert mail["unsubscribe_url"] == ""
    assert "Let op: {field}" in await otto.see("/ops/wording/wedding.times_changed/nl")
    assert KEY in await otto.see("/ops/wording")
    for key in SHARED:
        assert "Slack" in await otto.see(f"/ops/wording/{key}/en")
    letter = await otto.ask("GET", "/ops/wording/wedding.times_changed/nl/mail")
    assert "default-src 'none'" in letter.headers["content-security-policy"]
    assert '<html lang="nl">' in letter.text
    path = "/ops/wording/wedding.times_changed/nl"
    looked = await otto.send(path, do="preview", title="Nieuw: {field}", version="3")
    assert "As it would be" in looked.text and "Nieuw: tijd" in looked.text
    wrong = await otto.send(path, do="save", title="Nieuw: {veld}", version="3")
    assert wrong.status_code == 422 and "which this notice does not have" in wrong.text
    assert (await otto.send(path, do="save", title="Nieuw: {field}", version="3")).status_code == 303
    assert (await otto.send(f"{path}/roll-back", number="1")).status_code == 303
    assert (await otto.got("GET", one))["version"] == 5
    await otto.got("POST", f"{one}/roll-back", {"number": 0})


async def test_a_word_that_is_missing_sends_nothing_and_says_so(town: Town, ana: Somebody) -> None:
    """Who writes past the door makes a text that cannot be said: the reaction fails where operators see it."""
    wedding = await town.wedding(ana)
    business = await town.linked(ana, wedding)
    await town.react(wedding)
    add = """insert into wordings (key, locale, number, words, made_by, made_at)
        values ($1, 'en', 1, '{"title": "{field} at {place}"}', $2, now())"""
    await town.admin.execute(add, "wedding.estimate_changed", ana.id)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"guest_estimate": 90})
    with pytest.raises(WordMissing, match=r"needs \{place\}"):
        await town.react(wedding)
    assert await inbox(business.owner) == []
    await town.admin.execute("delete from wordings where key = 'wedding.estimate_changed'")
    await town.admin.execute("update jobs set lease_token = null where tenant_id = $1", UUID(wedding))
    await town.react(wedding)
    assert [n["title"] for n in await inbox(business.owner)] == ["Ana & Ben: The estimated guest count has changed"]


async def test_an_emergency_calls_each_in_their_language_in_the_words_of_the_newest(town: Town, ana: Somebody) -> None:
    otto = await town.operator()
    one = await house(town, ana, clock.now() + timedelta(days=60))
    planner, photographer = one.planner.owner, one.photographer.owner
    await planner.got("PATCH", "/api/v1/me/preferences", {"locale": "de"})
    alert = await one.raised(severity="p0")
    await one.work()
    said = {}
    for who in (planner, photographer):
        (mail,) = await one.mails(who)
        (notice,) = await inbox(who)
        said[who.email] = (mail["subject"], mail["language"], notice["title"], notice["detail"])
        assert "/alarm/" in mail["text"]
    assert said[planner.email] == (
        "Notfall: Ein Dienstleister ist nicht gekommen (Barn) · Ana & Ben",
        "de",
        "Ana & Ben: Notfall: Ein Dienstleister ist nicht gekommen (Barn)",
        "Öffnen Sie es und sagen Sie, dass Sie sich kümmern.",
    )
    assert said[photographer.email][:2] == ("Ana & Ben: Emergency: A supplier has not come (Barn)", "en-GB")
    (german,) = await one.mails(planner)
    assert "sagen Sie, dass Sie sich kümmern" in german["text"]
    assert "Jetzt antworten: http" in german["text"]
    page = "/api/v1/platform/wordings/alert.supplier_missing/de"
    drawn = await otto.got("POST", f"{page}/preview", {"title": "Wer fehlt?"})
    assert drawn["subject"] == "Ana & Ben: Wer fehlt?"
    await otto.got("PUT", page, {"title": "Wer fehlt?"}, if_match='"0"')
    # The first mails have left by now.
    await town.admin.execute("delete from jobs where name = 'mail' and tenant_id = $1", UUID(one.wedding))
    await ana.got("POST", f"/api/v1/alerts/{alert}/resolve", {"outcome": "Here."})
    await one.raised(severity="p0")
    await one.work()
    assert (await one.mails(planner))[-1]["subject"] == "Ana & Ben: Wer fehlt? (Barn)"
    assert (await one.mails(photographer))[-1]["subject"] == "Ana & Ben: Emergency: A supplier has not come (Barn)"
