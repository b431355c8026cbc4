"""An API of a business's own: tried, connected by its description and map, and kept in step like any CRM."""

import re
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import msgspec
import pytest_asyncio

from tests.contracts.record_house import CARLA, DARIO, Book, Lane, laned
from tests.contracts.town import Linked
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connections.calendars import driven
from wedsync.connections.records.record import Record
from wedsync.connectors.custom_api.fake import KEYS, MONEY, TOKENS
from wedsync.kit.config import Settings

DAY, LATER = date(2027, 6, 5), date(2027, 6, 12)
MARIA = Record(name="Maria Santos", partner_name="Tom Okafor", email="maria@example.org", wedding_on=DAY)
SECRETS = ("734511", "912733")


@pytest_asyncio.fixture(scope="module")
async def lane(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Lane]:
    async with laned(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def business(lane: Lane) -> Linked:
    lane.forget()
    return await lane.supplier()


def described(lane: Lane, account: str = CARLA, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(lane.api.described(lane.at, account, **fields))
    return found


def new(lane: Lane, account: str = CARLA, **fields: Any) -> dict[str, Any]:
    api, rules = described(lane, account, **fields), msgspec.to_builtins(lane.api.rules)
    if not api.get("write"):
        rules = [rule | {"direction": "in"} for rule in rules]
    return {"title": "Ours", "api": api, "password": KEYS[account], "rules": rules}


async def connected(lane: Lane, business: Linked, **fields: Any) -> Book:
    path = f"/api/v1/suppliers/{business.supplier}/records"
    made = await business.owner.got("POST", path, new(lane, **fields), code=201)
    book = Book(lane=lane, business=business, account=CARLA, id=made["connection"]["id"])
    await book.settle()
    return book


async def test_a_trial_guesses_shows_and_keeps_nothing(lane: Lane, business: Linked) -> None:
    for number in range(3):
        await lane.api.make(CARLA, msgspec.structs.replace(MARIA, name=f"Maria {number}", stage="booked"))
    path = f"/api/v1/suppliers/{business.supplier}/records/trial"
    asked = {"api": described(lane), "password": KEYS[CARLA]}
    tried = await business.owner.got("POST", path, asked)
    assert (tried["reason"], tried["is_suggested"], tried["trial"]["read"]) == ("", True, 3)
    sources = {rule["target"]: rule["source"][0] for rule in tried["rules"]}
    assert sources["wedding_on"] == "$.event.day"
    assert sources["venue"] == "$.event.venue"
    assert sources["stage"] == "$.status"
    assert not [one for one in SECRETS if one in str(tried)]
    whole = await business.owner.got("POST", path, asked | {"rules": msgspec.to_builtins(lane.api.rules)})
    read = msgspec.convert(whole["trial"]["records"][0]["record"], Record)
    assert read == msgspec.structs.replace(MARIA, name="Maria 0", stage="booked")
    dead = await business.owner.got("POST", path, asked | {"password": "another"})
    assert (dead["trial"], "does not let us in" in dead["reason"]) == (None, True)
    nowhere = await business.owner.got("POST", path, asked | {"api": described(lane, items="$.rows")})
    assert "no list" in nowhere["reason"]
    assert (await business.owner.got("GET", f"/api/v1/suppliers/{business.supplier}/clients"))["items"] == []


async def test_what_cannot_work_is_refused_by_field(lane: Lane, business: Linked) -> None:
    path = f"/api/v1/suppliers/{business.supplier}/records/trial"
    bad = {
        "base_url": ({"base_url": "https://169.254.169.254/latest"}, {"base_url": "file:///etc/passwd"}),
        "auth_name": ({"auth": "header"},),
        "token_url": ({"auth": "oauth2"}, {"auth": "oauth2", "token_url": "https://10.0.0.1/token"}),
        "item_path": ({"item_path": "/bookings"}, {"item_path": "//elsewhere.example/{id}"}),
        "list_path": ({"list_path": "bookings"}, {"list_path": "/../admin"}),
        "next_at": ({"paging": "cursor"},),
        "id": ({"id": "$.a[0]"},),
    }
    for field, several in bad.items():
        for one in several:
            answer = await business.owner.ask("POST", path, {"api": described(lane) | one, "password": "x"})
            assert answer.status_code == 422, (one, answer.text)
            assert field in {wrong["field"] for wrong in answer.json()["errors"]}, (one, answer.text)
    calls = len(lane.api.exchanges)
    answer = await business.owner.ask("POST", path, {"api": described(lane)})
    assert [wrong["field"] for wrong in answer.json()["errors"]] == ["password"]
    assert len(lane.api.exchanges) == calls
    unmapped = await business.owner.ask("POST", path.removesuffix("/trial"), new(lane) | {"rules": []})
    assert unmapped.status_code == 422


async def test_its_records_are_clients_and_follow_both_ways(lane: Lane, business: Linked) -> None:
    booking = await lane.api.make(CARLA, MARIA)
    book = await connected(lane, business)
    client = await book.client(booking)
    assert (client["couple_names"], client["wedding_on"], client["source"]) == (
        *("Maria Santos & Tom Okafor", DAY.isoformat(), "custom_api"),
    )
    await lane.api.change(CARLA, booking, stage="booked", wedding_on=LATER)
    await book.poll()
    client = await book.client(booking)
    assert (client["stage"], client["wedding_on"]) == ("booked", LATER.isoformat())
    assert not [one for one in lane.api.exchanges if one.method != "GET"]
    await book.choose("both")
    await book.edit(client, stage="fulfilled", phone="+351 210 000 000", partner_name="")
    await book.settle()
    there = lane.api.seen(CARLA)[booking]
    assert (there.stage, there.phone, there.partner_name) == ("fulfilled", "+351 210 000 000", "")
    (written,) = [one for one in lane.api.exchanges if one.method != "GET"]
    assert written.body == {
        "status": "Shot",
        "couple": {"one": {"phone": "+351 210 000 000"}, "two": {"name": None}},
    }
    # What we do not map stands as it stood.
    assert {name: lane.api.studios[CARLA][booking][name] for name in MONEY} == MONEY
    for _ in range(2):
        await book.poll()
    assert len([one for one in lane.api.exchanges if one.method != "GET"]) == 1
    assert await book.conflicts() == []
    lane.api.moods.switch(driven.DEAD)
    await book.poll()
    assert (await book.state())["outcome"] == "reconnect"


async def test_a_list_that_tells_everything_needs_no_question_for_each(lane: Lane, business: Linked) -> None:
    ids = [await lane.api.make(CARLA, msgspec.structs.replace(MARIA, name=f"Maria {n}", email="")) for n in range(5)]
    lane.api.page_size = 2
    try:
        book = await connected(lane, business, item_path="", item_at="", write="", modified="", since_name="")
        assert (await book.state())["clients"] == 5
        assert {one.path for one in lane.api.exchanges} == {"/carla/bookings"}
        pages = len(lane.api.exchanges)
        await book.poll()
        assert len(lane.api.exchanges) <= 2 * pages
        await lane.api.change(CARLA, ids[3], name="Renamed There")
        await lane.api.delete(CARLA, ids[4])
        await book.sweep()
        assert (await book.client(ids[3]))["name"] == "Renamed There"
        assert [one["kind"] for one in await book.conflicts()] == ["removed"]
    finally:
        lane.api.page_size = 100


async def test_without_a_map_it_is_read_and_becomes_nobodys_client(lane: Lane, business: Linked) -> None:
    await lane.api.make(CARLA, MARIA)
    whole = new(lane)
    text = msgspec.json.encode(whole["api"]).decode()
    given = {"description": text, "password": whole["password"]}
    path = f"/api/v1/suppliers/{business.supplier}/connections/custom_api"
    made = await business.owner.got("POST", path, given, code=201)
    book = Book(lane=lane, business=business, account=CARLA, id=made["connection"]["id"])
    await book.settle()
    state = await book.state()
    assert (state["outcome"], state["clients"], "Its fields" in state["reason"]) == ("held", 0, True)
    page = await business.owner.see(f"/studio/{business.supplier}/records/{book.id}/fields")
    for words in ("We have guessed", 'value="$.event.day"', "Maria Santos"):
        assert words in page, words
    await business.owner.got("PUT", f"{book.path}/map", {"rules": whole["rules"]})
    await book.settle()
    (client,) = await book.clients()
    assert client["couple_names"] == "Maria Santos & Tom Okafor"
    assert (await book.state())["outcome"] == "done"


async def test_a_description_is_mended_without_its_key_and_never_sent_elsewhere(lane: Lane, business: Linked) -> None:
    booking = await lane.api.make(CARLA, MARIA)
    book = await connected(lane, business)
    path = f"/api/v1/connections/{book.id}/records/api"
    held = await book.owner.got("GET", path)
    assert (held["has_password"], held["api"]["list_path"]) == (True, "/bookings")
    assert KEYS[CARLA] not in str(held)
    mended = described(lane, paging="link", since_name="")
    assert (await book.owner.got("PUT", path, {"api": mended}))["api"]["paging"] == "link"
    await lane.api.change(CARLA, booking, stage="booked")
    await book.settle()
    assert (await book.client(booking))["stage"] == "booked"
    moved = mended | {"base_url": mended["base_url"].replace("127.0.0.1", "localhost")}
    refused = await book.owner.ask("PUT", path, {"api": moved})
    assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (422, ["password"])
    otherwise = await book.owner.ask("PUT", path, {"api": mended | {"auth": "query", "auth_name": "key"}})
    assert [one["field"] for one in otherwise.json()["errors"]] == ["password"]
    stranger = await lane.supplier("Others")
    for method, body in (("GET", None), ("PUT", {"api": mended})):
        assert (await stranger.owner.ask(method, path, body)).status_code == 404
    trial = {"api": mended, "connection_id": book.id}
    theirs = f"/api/v1/suppliers/{stranger.supplier}/records/trial"
    assert (await stranger.owner.ask("POST", theirs, trial)).status_code == 404


async def test_keys_and_descriptions_stand_sealed_only(lane: Lane, business: Linked) -> None:
    await lane.api.make(CARLA, MARIA)
    await connected(lane, business)
    rows = ""
    for table in ("connections", "connection_accounts", "record_documents", "record_items", "events", "connection_log"):
        rows += "".join(str(dict(row)) for row in await lane.admin.fetch(f"select * from {table}"))
    assert not [one for one in (*KEYS.values(), *TOKENS.values(), "/carla", "Santos") if one in rows]
    # Six digits stand in some id, too.
    assert not [one for one in SECRETS if re.search(rf"(?<![0-9a-f]){one}(?![0-9a-f])", rows)]


async def test_the_page_tries_and_connects(lane: Lane, business: Linked) -> None:
    await lane.api.make(CARLA, msgspec.structs.replace(MARIA, stage="booked"))
    studio = f"/studio/{business.supplier}"
    path = f"{studio}/records/new/custom_api"
    gallery = await business.owner.see(f"{studio}/accounts")
    assert f"{studio}/accounts/new/custom_api" in gallery
    assert "Where it is" in await business.owner.see(path)
    posted = await business.owner.send(f"{studio}/accounts/new/custom_api", title="x")
    assert (posted.status_code, posted.headers["location"]) == (303, path)
    fields: dict[str, Any] = {name: str(value) for name, value in described(lane).items()}
    wrong = await business.owner.send(path, **fields | {"list_path": "bookings", "do": "try"}, password=KEYS[CARLA])
    assert wrong.status_code == 422
    assert "Is not a path of the API" in wrong.text
    tried = await business.owner.send(path, **fields, password=KEYS[CARLA], do="try")
    assert tried.status_code == 200
    for words in ("We have guessed", "Tom Okafor", "$.event.day", "not used", "Which value is which"):
        assert words in tried.text, words
    assert not [one for one in (*SECRETS, KEYS[CARLA]) if one in tried.text]
    rules: dict[str, Any] = {"source.name": "$.couple.one.name", "source.wedding_on": "$.event.day"}
    table: dict[str, Any] = {
        "source.stage": "$.status",
        "how.stage": "table",
        "table.stage": "Lead = enquiry\nWon = booked\nLost = cancelled",
    }
    done = await business.owner.send(path, **fields, **rules, **table, password=KEYS[CARLA], title="Ours", do="connect")
    assert done.status_code == 303, done.text
    book = Book(lane=lane, business=business, account=CARLA, id=done.headers["location"].rpartition("/")[2])
    await book.settle()
    (client,) = await book.clients()
    assert (client["couple_names"], client["stage"]) == ("Maria Santos", "booked")
    page = await business.owner.see(f"{studio}/records/{book.id}/api")
    assert 'value="$.couple.one.name"' in page
    assert KEYS[CARLA] not in page
    saved = await business.owner.send(f"{studio}/records/{book.id}/api", **fields, **rules, **table, do="connect")
    assert saved.status_code == 303, saved.text
    assert "Its API" in await business.owner.see(f"{studio}/records/{book.id}")


async def test_another_studio_is_another_account_and_the_same_is_refused(lane: Lane, business: Linked) -> None:
    await connected(lane, business)
    path = f"/api/v1/suppliers/{business.supplier}/records"
    assert (await business.owner.ask("POST", path, new(lane))).status_code == 409
    assert (await business.owner.ask("POST", path, new(lane, DARIO))).status_code == 201
