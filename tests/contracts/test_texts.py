"""Texts and calls of notices: who gets them, what people answer, and what becomes of those that do not arrive."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.contracts.phone_house import PHONE, PhoneHouse, housed
from tests.contracts.test_notices import run_again
from tests.contracts.town import Linked, Somebody
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings
from wedsync.phones.model import WORDING_VERSION

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
    await ana.got("POST", f"/api/v1/links/{business.link}/end", {}, code=204)
    assert "do not work on this wedding" in await house.writes(number, "OK")
    await house.moved(ana, wedding, "16:00")
    assert len(house.texts(number)) == 2


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
    changed = await house.events(business.owner.id, "phone.changed", kind="person")
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


async def prepared(house: PhoneHouse, ana: Somebody, number: str, **more: Any) -> str:
    """A wedding whose supplier has a phone, and nothing has happened yet."""
    wedding = await house.wedding(ana)
    await house.react(wedding)
    business: Linked = await house.linked(ana, wedding)
    await house.proved(business.owner, number, **more)
    return wedding
