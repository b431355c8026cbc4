"""A person's phone: given, proved, agreed to, taken away; and nothing that is sealed or stopped leaves."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.contracts.phone_house import PHONE, PhoneHouse, housed
from tests.contracts.town import Somebody
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings
from wedsync.phones.model import CODE_TRIES, WORDING_VERSION


@pytest_asyncio.fixture(scope="module")
async def house(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[PhoneHouse]:
    async with housed(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def carla(house: PhoneHouse) -> Somebody:
    return await house.person("carla")


async def test_a_number_is_its_persons_once_the_texted_code_comes_back(house: PhoneHouse, carla: Somebody) -> None:
    number = "+447400123401"
    given = await house.give(carla, "+44 7400 123 401")
    assert (given["phone"]["number"], given["phone"]["state"], given["phone"]["line"]) == (
        number,
        "unverified",
        "mobile",
    )
    await house.send()
    code = house.code(number)
    assert (
        await carla.ask("POST", f"{PHONE}/verify", {"code": "000000" if code != "000000" else "111111"})
    ).status_code == 422
    mine = await carla.got("POST", f"{PHONE}/verify", {"code": f"{code[:3]} {code[3:]}"})
    assert (mine["phone"]["state"], mine["phone"]["last_text"]) == ("verified", "delivered")
    ledger = (await carla.got("GET", f"{PHONE}/consents"))["items"]
    assert [(one["act"], one["channel"], one["method"]) for one in ledger] == [("given", "text", "api")]
    assert ledger[0]["wording"] == mine["wording"]["texts"]
    events = await house.events(str(carla.id), kind="person")
    assert [one.type for one in events] == ["phone.added", "phone.changed"]
    assert "number" not in str(events[0].record)
    row = await house.admin.fetchrow("select sealed, number_index from phones where person_id = $1", carla.id)
    assert number.encode() not in row["sealed"]
    agent = await house.admin.fetchval("select source from phone_consents where person_id = $1", carla.id)
    assert agent == PHONE


async def test_a_code_is_guessed_a_few_times_and_then_it_is_over(house: PhoneHouse, carla: Somebody) -> None:
    number = "+447400123402"
    await house.give(carla, number)
    await house.send()
    wrong = "123456" if house.code(number) != "123456" else "654321"
    for _ in range(CODE_TRIES):
        await carla.got("POST", f"{PHONE}/verify", {"code": wrong}, code=422)
    refused = await carla.got("POST", f"{PHONE}/verify", {"code": house.code(number)}, code=410)
    assert refused["code"] == "code_over"
    await carla.got("POST", f"{PHONE}/code", code=202)
    await carla.got("POST", f"{PHONE}/code", code=202)
    limited = await carla.ask("POST", f"{PHONE}/code")
    assert (limited.status_code, "retry-after" in limited.headers) == (429, True)
    await house.send()
    await carla.got("POST", f"{PHONE}/verify", {"code": house.code(number)})


async def test_what_is_no_phone_of_a_person_is_refused_and_nothing_is_kept(house: PhoneHouse, carla: Somebody) -> None:
    for number in ("07400123401", "+4474001234", "+44 909 879 0123", "hello", "+1 900 555 0123"):
        answer = await house.give(carla, number, code=422)
        assert answer["errors"][0]["field"] == "number", number
    old = {"number": "+447400123403", "takes_texts": True, "wording_version": "1999"}
    assert (await carla.got("PUT", PHONE, old, code=422))["errors"][0]["field"] == "wording_version"
    silent = {"number": "+447400123403", "takes_texts": False, "wording_version": WORDING_VERSION}
    await carla.got("PUT", PHONE, silent, code=422)
    key = await carla.got("POST", "/api/v1/api-keys", {"name": "program"}, code=201)
    program = Somebody(house.app, bearer=key["secret"])
    assert (await house.give(program, "+447400123403", code=403))["code"] == "session_required"
    assert (await carla.got("GET", PHONE))["phone"] is None
    await carla.got("POST", f"{PHONE}/verify", {"code": "1"}, code=404)
    await carla.got("DELETE", PHONE, code=404)
    assert await house.send() == []


async def test_a_number_is_changed_taken_back_and_forgotten_while_the_ledger_stays(
    house: PhoneHouse, carla: Somebody
) -> None:
    await house.proved(carla, "+447400123404", calls=True)
    less = {"takes_texts": True, "takes_calls": False, "wording_version": "any"}
    assert (await carla.got("PUT", f"{PHONE}/consent", less))["phone"]["takes_calls"] is False
    await house.give(carla, "+447400123405")
    mine = await carla.got("GET", PHONE)
    assert (mine["phone"]["state"], mine["phone"]["takes_calls"]) == ("unverified", False)
    await carla.got("DELETE", PHONE, code=204)
    assert (await carla.got("GET", PHONE))["phone"] is None
    ledger = (await carla.got("GET", f"{PHONE}/consents"))["items"]
    assert [(one["act"], one["channel"], one["method"]) for one in reversed(ledger)] == [
        ("given", "text", "api"),
        ("given", "call", "api"),
        ("withdrawn", "call", "api"),
        ("withdrawn", "text", "removed"),
        ("given", "text", "api"),
        ("withdrawn", "text", "removed"),
    ]


async def test_the_page_does_the_same_without_a_script(house: PhoneHouse, carla: Somebody) -> None:
    number = "+447400123406"
    page = await carla.see("/me/phone")
    assert "Give your number" in page
    asked: Any = {"takes_texts": "on", "wording_version": WORDING_VERSION}
    refused = await carla.send("/me/phone", number="07400", **asked)
    assert (refused.status_code, "Begin with +" in refused.text) == (422, True)
    assert (await carla.send("/me/phone", number=number, **asked)).status_code == 303
    await house.send()
    assert "Not proved yet" in await carla.see("/me/phone")
    assert (await carla.send("/me/phone/verify", code="nothing")).status_code == 422
    assert (await carla.send("/me/phone/code")).status_code == 303
    await house.send()
    assert (await carla.send("/me/phone/verify", code=house.code(number))).status_code == 303
    assert (await carla.send("/me/phone/consent", takes_calls="on", **asked)).status_code == 303
    page = await carla.see("/me/phone")
    assert "+44 7400 123406" in page
    assert page.count(" checked") == 2
    assert (await carla.send("/me/phone/remove")).status_code == 303
    stranger = await house.public.send("/me/phone/remove")
    assert stranger.status_code in (303, 401)
