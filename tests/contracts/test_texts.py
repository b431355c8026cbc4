"""Texts and calls of notices: who gets them, what people answer, and what becomes of those that do not arrive."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.contracts.alert_house import house as alert_house
from tests.contracts.phone_house import PHONE, PhoneHouse, housed
from tests.contracts.test_notices import run_again
from tests.contracts.town import LEASE_WORK, Linked, Somebody
from tests.engines_fixture import Database, RunningPostgres
from wedsync.acknowledgements import actions as acknowledgements
from wedsync.alerts import calling
from wedsync.connections.phoning import work
from wedsync.events.jobs import Job
from wedsync.kit import clock
from wedsync.kit.actor import Actor
from wedsync.kit.config import Settings
from wedsync.notices.why import NOT_TEXTED
from wedsync.phones.model import WORDING_VERSION
from wedsync.processes.forgetting import forget_phones
from wedsync.processes.ticks import minding_texts

NUMBERS = count(7_400_200_000)


@pytest_asyncio.fixture(scope="module")
async def house(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[PhoneHouse]:
    async with housed(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def ana(house: PhoneHouse) -> AsyncIterator[Somebody]:
    yield await house.person("ana")
    house.twilio.moods.switch("fine")


@pytest.fixture
def number() -> str:
    return f"+44{next(NUMBERS)}"


async def test_a_supplier_is_texted_a_change_and_confirms_it_by_answering(
    house: PhoneHouse, ana: Somebody, number: str
) -> None:
    wedding, business = await house.asked(ana, number)
    await run_again(house, wedding, "notices.tell", "wedding.times_changed")
    assert await house.send() == []
    (text,) = house.texts(number)[1:]
    assert text.startswith("Ana & Ben: The ceremony has changed")
    assert "Reply OK 10 to confirm" in text
    assert "http://test/ack/" in text
    assert await house.stands(ana, wedding) == [("open", None)]
    assert await house.writes(number, "ok") == "Thank you. Confirmed: Ana & Ben: The ceremony has changed"
    assert await house.stands(ana, wedding) == [("acknowledged", "text")]
    (given,) = await house.events(wedding, "acknowledgement.given")
    assert given.actor.id == business.owner.id
    assert "nothing waits" in await house.writes(number, "ok")
    used = await house.admin.fetchval("select sum(sms) from usage_days where supplier_id = $1", UUID(business.supplier))
    assert used == 1


async def test_answers_mean_what_they_say_and_the_question_they_name(
    house: PhoneHouse, ana: Somebody, number: str
) -> None:
    wedding, business = await house.asked(ana, number)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"guest_estimate": 90})
    await house.react(wedding)
    await house.send()
    assert "OK 11" in house.texts(number)[-1]
    assert "please answer OK 11" in await house.writes(number, "who is this?")
    assert "The ceremony has changed" in await house.writes(number, "NO 10")
    stands = dict(sorted(zip(("times", "estimate"), await house.stands(ana, wedding), strict=True)))
    assert ("seen", "text") in stands.values()
    (declined,) = await house.events(wedding, "acknowledgement.declined")
    assert declined.record is not None
    assert declined.record["cannot_at"]
    await house.react(wedding)
    told = (await ana.got("GET", "/api/v1/me/inbox"))["items"]
    assert any("cannot do" in one["title"] for one in told)
    assert "Confirmed" in await house.writes(number, "11")
    assert {status for status, _ in await house.stands(ana, wedding)} == {"seen", "acknowledged"}
    assert business.owner.id is not None


async def test_an_answer_to_what_has_changed_again_confirms_nothing(
    house: PhoneHouse, ana: Somebody, number: str
) -> None:
    wedding, _ = await house.asked(ana, number)
    await house.moved(ana, wedding, "15:00")
    assert "changed again" in await house.writes(number, "OK 10")
    assert await house.stands(ana, wedding) == [("open", None)]
    assert "Confirmed" in await house.writes(number, "OK")
    assert await house.stands(ana, wedding) == [("acknowledged", "text")]


async def test_whose_link_has_ended_answers_in_vain(house: PhoneHouse, ana: Somebody, number: str) -> None:
    wedding, business = await house.asked(ana, number)
    await ana.got("DELETE", f"/api/v1/links/{business.link}", code=204)
    assert "do not work on this wedding" in await house.writes(number, "OK")
    before = len(house.texts(number))
    await house.moved(ana, wedding, "16:00")
    assert len(house.texts(number)) == before


async def test_stop_ends_everything_also_what_was_decided_before(house: PhoneHouse, ana: Somebody, number: str) -> None:
    wedding, business = await house.asked(ana, number, calls=True)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "15:00"})
    await house.react(wedding)
    assert "no more texts" in await house.writes(number, " Stop. ")
    sent = len(house.twilio.store.messages)
    assert await house.send() == []
    assert len(house.twilio.store.messages) == sent
    state = await house.admin.fetchval(
        """select d.state from deliveries d join phone_messages m on m.id = d.id
        where m.person_id = $1 and m.state = 'owed'""",
        business.owner.id,
    )
    assert state == "revoked"
    mine = await business.owner.got("GET", PHONE)
    assert (mine["phone"]["is_stopped"], mine["phone"]["takes_texts"]) == (True, False)
    more = {"takes_texts": True, "takes_calls": True, "wording_version": WORDING_VERSION}
    assert (await business.owner.got("PUT", f"{PHONE}/consent", more, code=409))["code"] == "stopped"
    assert "answered STOP" in await business.owner.see("/me/phone")
    await business.owner.got("DELETE", PHONE, code=204)
    assert (await house.give(business.owner, number, code=409))["code"] == "stopped"
    await house.moved(ana, wedding, "17:00")
    assert "again" in await house.writes(number, "START")
    await house.proved(business.owner, number)


async def test_start_gives_texts_back_to_whom_stop_took_them_and_help_helps(
    house: PhoneHouse, ana: Somebody, number: str
) -> None:
    _, business = await house.asked(ana, number, calls=True)
    assert "STOP" in await house.writes(number, "HELP")
    await house.writes(number, "STOP")
    await house.writes(number, "START")
    mine = (await business.owner.got("GET", PHONE))["phone"]
    assert (mine["takes_texts"], mine["takes_calls"], mine["is_stopped"]) == (True, False, False)
    ledger = (await business.owner.got("GET", f"{PHONE}/consents"))["items"]
    assert (ledger[0]["act"], ledger[0]["channel"], ledger[0]["method"]) == ("given", "text", "text")
    changed = await house.events(str(business.owner.id), "phone.changed", kind="person")
    assert len(changed) == 3


async def test_states_go_forward_in_whatever_order_and_however_often_they_come(
    house: PhoneHouse, ana: Somebody, number: str
) -> None:
    for mood in ("shuffled", "duplicate"):
        house.twilio.moods.switch(mood)
        _, business = await house.asked(ana, f"+44{next(NUMBERS)}")
        rows = await house.admin.fetch(
            "select state, sealed from phone_messages where person_id = $1", business.owner.id
        )
        assert {row["state"] for row in rows} == {"delivered"}
        assert all(row["sealed"] is None for row in rows)


async def test_a_phone_that_is_off_is_texted_once_more(house: PhoneHouse, ana: Somebody, number: str) -> None:
    wedding = await prepared(house, ana, number)
    house.twilio.moods.switch("phone off", 1)
    await house.moved(ana, wedding, "14:00")
    assert len(house.texts(number)) == 2
    assert await house.send() == []
    house.twilio.moods.switch("phone off", 1)
    assert len(await house.send(early=True)) == 1
    assert len(house.texts(number)) == 3
    assert house.texts(number)[1] == house.texts(number)[2]
    assert await house.send(early=True) == []
    assert "Confirmed" in await house.writes(number, "1")


async def test_a_number_that_nobody_has_is_not_used_again(house: PhoneHouse, ana: Somebody, number: str) -> None:
    wedding = await prepared(house, ana, number)
    house.twilio.moods.switch("unknown number", 1)
    await house.moved(ana, wedding, "14:00")
    await house.moved(ana, wedding, "15:00")
    assert len(house.texts(number)) == 2
    state = await house.admin.fetchval("select state from phones where number_index = any ($1)", house.indexes(number))
    assert state == "invalid"


async def test_hooks_of_strangers_are_refused_and_change_nothing(house: PhoneHouse, ana: Somebody, number: str) -> None:
    wedding, _ = await house.asked(ana, number)
    url = "http://test/hooks/twilio/phone/texts"
    form = {"MessageSid": "SM" + "1" * 32, "From": number, "Body": "OK"}
    assert (await house.knock(url, form, secret="another"))[0] == 401
    assert (await house.knock(url, {"MessageSid": "SM1"}))[0] == 422
    assert (await house.knock("http://test/hooks/smtp/phone/texts", form))[0] == 404
    nobody = f"http://test/hooks/twilio/phone/status/{uuid4()}"
    assert (await house.knock(nobody, {"MessageSid": "SM1", "MessageStatus": "sent"}))[0] == 204
    voice = f"http://test/hooks/twilio/phone/voice/{uuid4()}"
    assert "settled" in (await house.knock(voice, {"CallSid": "CA1"}))[1]
    assert "settled" in (await house.knock(f"{voice}/key", {"CallSid": "CA1", "Digits": "1"}))[1]
    assert await house.stands(ana, wedding) == [("open", None)]
    assert (await house.knock(url, form))[1].count("Confirmed") == 1
    assert "<Message>" not in (await house.knock(url, form))[1]


async def called(house: PhoneHouse, ana: Somebody, number: str) -> tuple[str, str]:
    """(wedding, the ringing call) of a text that was of high importance and went to a landline."""
    wedding = await prepared(house, ana, number, calls=True)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:00"})
    await house.react(wedding)
    await house.admin.execute("update phone_messages set severity = 'high' where tenant_id = $1", UUID(wedding))
    house.twilio.moods.switch("landline", 1)
    await house.send()
    assert house.calls(number) == []
    await house.send()
    (call,) = house.calls(number)
    return wedding, call["sid"]


async def test_what_a_landline_does_not_read_is_said_and_confirmed_by_a_key(
    house: PhoneHouse, ana: Somebody, number: str
) -> None:
    wedding, sid = await called(house, ana, number)
    call = await house.twilio.store.pick_up(sid)
    assert "The ceremony has changed" in call["_said"][0]
    assert "Press 1 to confirm" in call["_said"][0]
    assert "Press 1" in (await house.twilio.store.press(sid, "7"))["_said"][-1]
    assert "It is confirmed" in (await house.twilio.store.press(sid, "1"))["_said"][-1]
    await house.hear()
    assert await house.stands(ana, wedding) == [("acknowledged", "call")]
    assert "settled" in (await house.knock(call["_url"], {"CallSid": sid}))[1]


async def test_the_other_key_says_that_it_cannot_be(house: PhoneHouse, ana: Somebody, number: str) -> None:
    wedding, sid = await called(house, ana, number)
    await house.twilio.store.pick_up(sid)
    assert "told that you cannot" in (await house.twilio.store.press(sid, "2"))["_said"][-1]
    await house.hear()
    assert await house.stands(ana, wedding) == [("seen", "call")]
    assert len(await house.events(wedding, "acknowledgement.declined")) == 1


async def test_a_voice_mail_hears_nothing_of_it_and_confirms_nothing(
    house: PhoneHouse, ana: Somebody, number: str
) -> None:
    wedding, sid = await called(house, ana, number)
    call = await house.twilio.store.pick_up(sid, by="machine_start")
    assert (call["status"], "ceremony" in call["_said"][0]) == ("completed", False)
    key = call["_url"].replace("?", "/key?")
    assert "settled" in (await house.knock(key, {"CallSid": sid, "Digits": "1", "AnsweredBy": "machine_start"}))[1]
    await house.hear()
    assert await house.stands(ana, wedding) == [("open", None)]


@pytest.mark.parametrize(
    ("locale", "voice", "hello", "keys", "thanks", "settled"),
    [
        ("nl-BE", ("Polly.Lotte", "nl-NL"), "Goedendag", "Toets 1", "Het is bevestigd", "is geregeld"),
        ("de", ("Polly.Vicki", "de-DE"), "Guten Tag", "Drücken Sie 1", "Es ist bestätigt", "erledigt"),
        ("fr-CA", ("Polly.Chantal", "fr-CA"), "Bonjour", "Appuyez sur 1", "confirmé", "réglé"),
        ("es", ("Polly.Lucia", "es-ES"), "Hola", "Pulse 1", "Está confirmado", "resuelto"),
        ("en-GB", ("Polly.Amy", "en-GB"), "Hello", "Press 1", "It is confirmed", "settled"),
    ],
)
async def test_a_call_is_in_the_language_of_whoever_takes_it(
    house: PhoneHouse,
    number: str,
    locale: str,
    voice: tuple[str, str],
    hello: str,
    keys: str,
    thanks: str,
    settled: str,
) -> None:
    one = await alert_house(house, await house.person("ana"), clock.now() + timedelta(days=60))
    planner = one.planner.owner
    await planner.got("PATCH", "/api/v1/me/preferences", {"locale": locale})
    await house.proved(planner, number, calls=True)
    await one.raised(what="medical")
    await one.work()
    await one.later(15)
    await house.send()
    (call,) = house.calls(number)
    taken = await house.twilio.store.pick_up(call["sid"])
    assert hello in taken["_said"][0]
    assert keys in taken["_said"][0]
    for key, said in (("7", keys), ("1", thanks)):
        assert said in (await house.twilio.store.press(call["sid"], key))["_said"][-1]
    assert set(taken["_voices"]) == {voice}
    again = (await house.knock(call["_url"], {"CallSid": call["sid"]}))[1]
    assert settled in again
    assert f'language="{voice[1]}"' in again


async def test_a_drill_is_answered_by_text_also_when_it_is_over(house: PhoneHouse, number: str) -> None:
    one = await alert_house(house, await house.person("ana"), clock.now() + timedelta(hours=2))
    await house.proved(one.planner.owner, number)
    await house.admin.fetchval("select app.poke_drills()")
    await one.work(calling.DRILL)
    await one.work()
    await house.send()
    assert "Drill" in house.texts(number)[-1]
    over = "update jobs set run_at = clock_timestamp() where name = 'alerts.step' and tenant_id = $1"
    await house.admin.execute(over, UUID(one.wedding))
    await one.work()
    (drill,) = (await one.ana.got("GET", one.path))["items"]
    assert drill["state"] == "resolved"
    assert (await house.writes(number, "NO")).startswith("Thank you.")
    calls = (await one.ana.got("GET", f"/api/v1/alerts/{drill['id']}/calls"))["items"]
    assert [one["answer"] for one in calls if one["answer"]] == ["cannot"]


async def test_a_text_that_answers_is_answered_in_its_writers_language(house: PhoneHouse, number: str) -> None:
    ana = await house.person("ana")
    wedding = await house.wedding(ana)
    await house.react(wedding)
    business = await house.linked(ana, wedding)
    await business.owner.got("PATCH", "/api/v1/me/preferences", {"locale": "de"})
    await house.proved(business.owner, number)
    await house.moved(ana, wedding, "14:00")
    assert "Antworten Sie OK 10" in house.texts(number)[-1]
    assert "Bitte antworten Sie OK 10" in await house.writes(number, "wie bitte?")
    assert (await house.writes(number, "Ja")).startswith("Danke. Bestätigt: ")
    assert await house.stands(ana, wedding) == [("acknowledged", "text")]


async def test_who_confirmed_on_the_page_is_not_texted_or_called_about_it_any_more(
    house: PhoneHouse, ana: Somebody, number: str
) -> None:
    wedding = await prepared(house, ana, number)
    house.twilio.moods.switch("phone off", 1)
    await house.moved(ana, wedding, "14:00")
    (ack,) = (await ana.got("GET", f"/api/v1/weddings/{wedding}/acknowledgements"))["items"]
    link = await house.admin.fetchval("select supplier_id from links where wedding_id = $1", UUID(wedding))
    owner = await house.admin.fetchval("select person_id from supplier_members where supplier_id = $1", link)
    async with house.door.enter(Actor(kind="person", id=owner), UUID(wedding)) as tx:
        await acknowledgements.give(tx, UUID(ack["id"]), via="page")
    assert await house.send(early=True) == []


async def test_what_the_provider_refuses_at_once_says_something_of_the_number(
    house: PhoneHouse, ana: Somebody, number: str
) -> None:
    wedding = await prepared(house, ana, number, calls=True)
    house.twilio.store.stopped.add(number)
    await house.moved(ana, wedding, "14:00")
    await minding_texts(nobody)(house.admin)
    state = await house.admin.fetchrow(
        "select state, error_code, fate from phone_messages where tenant_id = $1", UUID(wedding)
    )
    assert tuple(state) == ("refused", 21610, "stopped")
    stopped = await house.admin.fetchval(
        "select reason from phone_stops where number_index = any ($1)", house.indexes(number)
    )
    assert stopped == "carrier"
    landline = f"+44{next(NUMBERS)}"
    wedding = await prepared(house, ana, landline, calls=True)
    house.twilio.moods.switch("not a mobile", 1)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:00"})
    await house.react(wedding)
    await house.admin.execute("update phone_messages set severity = 'high' where tenant_id = $1", UUID(wedding))
    await house.send()
    await minding_texts(nobody)(house.admin)
    row = await house.admin.fetchrow(LEASE_WORK, UUID(wedding), work.WORK)
    await work.works(house.ring)[work.WORK](house.door, Job(**row))
    await house.send()
    assert len(house.calls(landline)) == 1
    await forget_phones(house.admin)


async def nobody(_: str) -> None:
    """Nobody looks on."""


async def test_a_plan_without_texts_sends_none_and_says_nothing_of_it(
    house: PhoneHouse, ana: Somebody, number: str
) -> None:
    wedding = await prepared(house, ana, number)
    supplier = await house.admin.fetchval("select supplier_id from links where wedding_id = $1", UUID(wedding))
    await house.admin.fetchval("select app.set_plan($1, 'free', $2, 'test')", supplier, '{"sms": 1}')
    await house.moved(ana, wedding, "14:00")
    await house.moved(ana, wedding, "15:00")
    assert len(house.texts(number)) == 2
    owner = house.owners[wedding]
    later, first = (await owner.got("GET", "/api/v1/me/notices"))["items"][:2]
    assert first["outcomes"]["sms"]["do"] == "send"
    assert later["outcomes"]["sms"] == {"do": "suppress", "reason": NOT_TEXTED}
    assert NOT_TEXTED[1:] in await owner.see(f"/studio/{supplier}/inbox/{later['event_id']}/why")


async def prepared(house: PhoneHouse, ana: Somebody, number: str, **more: Any) -> str:
    """A wedding whose supplier has a phone, and nothing has happened yet."""
    wedding = await house.wedding(ana)
    await house.react(wedding)
    business: Linked = await house.linked(ana, wedding)
    house.owners[wedding] = business.owner
    await house.proved(business.owner, number, **more)
    return wedding
