"""What is peculiar to an API that is only described: ways in, ways of paging, whole records, and where it may lead."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Account, Connection, ReconnectNeeded, Rejected, RetryLater, Tools
from wedsync.connections.records import documents
from wedsync.connections.records.contract import Found, Gone, Listed, Pull, Pulled, Push, Pushed
from wedsync.connections.records.described import Described, faults
from wedsync.connections.records.record import Record
from wedsync.connections.stage import serving
from wedsync.connectors.custom_api import mapper
from wedsync.connectors.custom_api.connector import CustomApi, connect
from wedsync.connectors.custom_api.fake import KEYS, MONEY, Api
from wedsync.connectors.custom_api.listing import linked
from wedsync.kit import clock
from wedsync.kit.http import Wire

CARLA = ACCOUNTS[0]
MARIA = Record(name="Maria Santos", partner_name="Tom Okafor", wedding_on=date(2027, 6, 5))
PAGED: dict[str, dict[str, Any]] = {
    "page": {"paging": "page"},
    "page from 1 with a size": {"paging": "page", "size_name": "per_page", "size": 3},
    "offset": {"paging": "offset", "page_name": "offset"},
    "cursor": {"paging": "cursor", "page_name": "cursor", "next_at": "$.next"},
    "link": {"paging": "link"},
}


class Desk(msgspec.Struct):
    """The connector, its fake, and where that is."""

    fake: Api
    connector: CustomApi
    at: str

    def connection(self, *, user: str = "", key: str = KEYS[CARLA], **fields: Any) -> Connection:
        api = self.fake.described(self.at, CARLA, **fields)
        secrets = {"description": (msgspec.json.encode(api).decode(),), "password": (key,), "username": (user,)}
        return Connection(id=uuid4(), secrets=secrets)

    async def pulled(self, connection: Connection, text: str = "") -> tuple[list[str], str, int]:
        ids: list[str] = []
        for number in range(100):
            page = await self.connector.pull(Pull(cursor=text), connection)
            assert isinstance(page, Pulled), page
            ids, text = [*ids, *(hint.id for hint in page.hints)], page.cursor
            if not page.has_more:
                return ids, text, number + 1
        raise AssertionError("it never ends")


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    fake, wire = Api(), Wire(allow=("127.0.0.0/8",))
    try:
        async with serving([fake]) as at:
            yield Desk(fake, connect(Tools(wire=wire, machine_now=clock.machine_now)), at)
    finally:
        await wire.close()


@pytest.mark.parametrize("way", sorted(PAGED))
async def test_every_way_of_paging_comes_to_the_end_once(desk: Desk, way: str) -> None:
    made = [await desk.fake.make(CARLA, MARIA) for _ in range(7)]
    desk.fake.page_size = 3
    connection = desk.connection(since_name="", **PAGED[way])
    ids, cursor, _ = await desk.pulled(connection)
    assert sorted(ids) == made
    assert sorted((await desk.pulled(connection, cursor))[0]) == made
    listed: list[str] = []
    page: Any = Listed(ids=(), has_more=True)
    while page.has_more:
        page = await desk.connector.listed(page.cursor, connection, timeout_s=20)
        listed += page.ids
    assert sorted(listed) == made


async def test_a_list_that_gives_the_same_page_for_ever_ends(desk: Desk) -> None:
    made = [await desk.fake.make(CARLA, MARIA) for _ in range(2)]
    ids, _, pages = await desk.pulled(desk.connection(paging="offset", page_name="nobody_reads_this", since_name=""))
    assert (sorted(set(ids)), pages) == (made, 2)


async def test_only_what_changed_since_is_asked_for(desk: Desk) -> None:
    await desk.fake.make(CARLA, MARIA)
    old = (datetime.now(UTC) - timedelta(days=3)).isoformat().replace("+00:00", "Z")
    for one in desk.fake.studios[CARLA].values():
        one["updatedAt"] = old
    new = await desk.fake.make(CARLA, MARIA)
    connection = desk.connection()
    _, cursor, _ = await desk.pulled(connection)
    assert (await desk.pulled(connection, cursor))[0] == [new]


@pytest.mark.parametrize(
    ("way", "user"),
    [
        ({"auth": "bearer"}, ""),
        ({"auth": "header", "auth_name": "X-API-Key"}, ""),
        ({"auth": "query", "auth_name": "key"}, ""),
        ({"auth": "basic"}, "carla"),
        ({"auth": "oauth2", "token_url": "{at}/custom-api/v1/token"}, "carla"),
    ],
)
async def test_every_way_in_opens_with_the_key_and_not_without(desk: Desk, way: dict[str, str], user: str) -> None:
    way = {name: value.replace("{at}", desk.at) for name, value in way.items()}
    let_in = await desk.connector.account(desk.connection(user=user, **way), timeout_s=10)
    assert isinstance(let_in, Account), let_in
    refused = await desk.connector.account(desk.connection(user=user, key="another", **way), timeout_s=10)
    assert isinstance(refused, ReconnectNeeded), refused
    odd = await desk.connector.account(desk.connection(user=user, key="two\nlines", **way), timeout_s=10)
    assert isinstance(odd, Rejected)


async def test_a_whole_record_is_put_with_all_that_we_do_not_read(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    connection = desk.connection(write="PUT")
    values = ((("couple", "one", "name"), "Maria Okafor"),)
    push = Push(
        id=id, etag="", record=MARIA, before=MARIA, values=values, was=((("couple", "one", "name"), "Maria Santos"),)
    )
    for _ in range(2):
        assert isinstance(await desk.connector.push(push, connection), Pushed)
    there = desk.fake.studios[CARLA][id]
    assert there["couple"]["one"]["name"] == "Maria Okafor"
    assert {name: there[name] for name in MONEY} == MONEY
    assert [one.method for one in desk.fake.exchanges].count("PUT") == 1


async def test_a_record_without_an_address_is_found_in_the_list(desk: Desk) -> None:
    ids = [await desk.fake.make(CARLA, MARIA) for _ in range(5)]
    desk.fake.page_size = 2
    connection = desk.connection(item_path="", write="")
    found = await desk.connector.read(ids[-1], connection, timeout_s=10)
    assert isinstance(found, Found)
    assert not desk.connector.may_write(connection)
    assert isinstance(await desk.connector.read("nobody", connection, timeout_s=10), Gone)
    page = await desk.connector.pull(Pull(cursor=""), connection)
    assert isinstance(page, Pulled)
    assert all(hint.found is not None for hint in page.hints)


async def test_a_page_that_leads_elsewhere_is_not_followed(desk: Desk) -> None:
    await desk.fake.make(CARLA, MARIA)
    cursor = msgspec.json.encode({"at": "https://elsewhere.example/steal"}).decode()
    said = await desk.connector.pull(Pull(cursor=cursor), desk.connection(paging="link"))
    assert isinstance(said, RetryLater)
    assert "another host" in said.reason


async def test_what_leads_inside_is_never_asked() -> None:
    wire = Wire()
    try:
        connector = connect(Tools(wire=wire, machine_now=clock.machine_now))
        for url in ("http://127.0.0.1:1/", "https://169.254.169.254/latest", "https://[::1]/"):
            text = msgspec.json.encode(Described(base_url=url, list_path="/x", auth="none")).decode()
            said = await connector.account(Connection(id=uuid4(), secrets={"description": (text,)}), timeout_s=5)
            assert isinstance(said, RetryLater), said
            assert said.tries_max is not None
    finally:
        await wire.close()


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (
            '<https://a.example/x?page=2>; rel="next", <https://a.example/x?page=9>; rel="last"',
            "https://a.example/x?page=2",
        ),
        ('<https://a.example/1>; rel="prev", <https://a.example/3>; rel="next last"', "https://a.example/3"),
        ("<https://a.example/3>; rel=next", "https://a.example/3"),
        ('<https://a.example/1>; rel="prev"', ""),
        ("", ""),
    ],
)
def test_the_next_page_is_read_from_its_header(header: str, address: str) -> None:
    assert linked(header) == address


@pytest.mark.parametrize(
    "text", ["2027-06-05T10:00:00Z", "2027-06-05T12:00:00+02:00", "2027-06-05", "1811234567", "1811234567000"]
)
def test_a_time_is_asked_by_in_the_form_it_is_told(text: str) -> None:
    moment = mapper.moment(text)
    assert moment is not None
    assert mapper.moment(mapper.like(text, moment)) == moment


def test_items_without_an_id_are_left_out_and_no_list_is_told() -> None:
    api = Described(base_url="https://a.example", list_path="/x", items="$.data")
    several = mapper.items(api, {"data": [{"id": 7}, {"id": ""}, {"x": 1}, "no", {"id": "a" * 900}]})
    assert [one.id for one in several or ()] == ["7"]
    assert mapper.items(api, {"data": {"id": 1}}) is None
    assert mapper.items(api, []) is None


def test_a_description_that_is_right_has_no_faults() -> None:
    api = Described(base_url="https://a.example", list_path="/x?type=wedding", item_path="/x/{id}", write="PATCH")
    assert faults(api) == []
    assert documents.written([(("a", "b"), 1), (("a", "c"), None)]) == {"a": {"b": 1, "c": None}}
