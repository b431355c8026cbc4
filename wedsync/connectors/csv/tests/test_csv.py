"""What is peculiar to lists at an address: how a row is known again, what is not read, and answers that are no list."""

from collections.abc import AsyncIterator
from datetime import date
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Account, Connection, ReconnectNeeded, Rejected, Tools
from wedsync.connections.records import documents
from wedsync.connections.records.contract import Pull, Pulled, Push, ReadOnly
from wedsync.connections.records.fields import compiled
from wedsync.connections.records.mapped import Mapped
from wedsync.connections.records.record import Record
from wedsync.connections.stage import serving
from wedsync.connectors.csv import mapper
from wedsync.connectors.csv.connector import connect
from wedsync.connectors.csv.fake import MONEY, Lists
from wedsync.kit import clock
from wedsync.kit.http import Wire

CARLA = ACCOUNTS[0]
MARIA = Record(name="Maria Santos", partner_name="Tom", email="maria@example.org", wedding_on=date(2027, 6, 5))
text = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12)


@pytest.fixture
async def at() -> AsyncIterator[tuple[Lists, Wire, str]]:
    fake, wire = Lists(), Wire(allow=("127.0.0.0/8",))
    try:
        async with serving([fake]) as base:
            yield fake, wire, base
    finally:
        await wire.close()


async def test_a_list_is_read_once_until_it_changes_and_nothing_about_money_is_in_it(
    at: tuple[Lists, Wire, str],
) -> None:
    fake, wire, base = at
    plain, connection = connect(Tools(wire=wire, machine_now=clock.machine_now)), fake.connection(base, CARLA)
    connector = Mapped(plain, compiled(fake.rules, may_write=False), connection)
    id = await fake.make(CARLA, MARIA)
    first = await connector.pull(Pull(cursor=""), connection)
    assert isinstance(first, Pulled)
    (hint,) = first.hints
    assert hint.found is not None and (hint.id, hint.found.record) == (id, MARIA)
    kept = repr(documents.kept(hint.found.document))
    assert not any(value in kept for value in MONEY.values())
    again = await connector.pull(Pull(cursor=first.cursor), connection)
    assert isinstance(again, Pulled) and again.hints == ()
    await fake.change(CARLA, id, wedding_on=date(2027, 7, 3))
    after = await connector.pull(Pull(cursor=first.cursor), connection)
    assert isinstance(after, Pulled)
    (moved,) = after.hints
    assert moved.id == id and moved.etag != hint.etag
    push = Push(id=id, etag="", record=MARIA, before=MARIA)
    assert isinstance(await plain.push(push, connection), ReadOnly)
    for address, word in (
        (f"{base}/csv/page.csv", Rejected),
        ("", ReconnectNeeded),
        (f"{base}/csv/no", ReconnectNeeded),
    ):
        there = Connection(id=uuid4(), secrets={"address": (address,)})
        assert isinstance(await plain.account(there, timeout_s=10), word), address
    assert isinstance(await plain.account(connection, timeout_s=10), Account)


def test_a_row_is_known_by_its_number_else_its_mail_else_its_names() -> None:
    numbered = mapper.read(b"Job ID,Name,Email\n7,Ana,a@x.org\n8,Ana,a@x.org\n")
    assert list(numbered.found) == ["7", "8"]
    doubled = mapper.read(b"Job ID,Name,Email\n7,Ana,a@x.org\n7,Ben,b@x.org\n,Cy,c@x.org\n")
    assert len(doubled.found) == 3 and "7" not in doubled.found
    mailed = mapper.read(b"Name,Email,Wedding date\nAna,a@x.org,5/6/2027\nBen,,6/6/2027\n")
    assert (len(mailed.found), mailed.unread) == (1, 1)
    (one,) = mapper.read(b"Email,Wedding date\na@x.org,1/1/2028\n").found
    assert one in mailed.found
    named = mapper.read(b"Bride,Groom,Wedding date\nAna,Ben,5/6/2027\n")
    assert len(named.found) == 1


@pytest.mark.parametrize("body", [b"", b"\n\n", b"<!doctype html>", b"%PDF-1.7", b"PK\x03\x04", b"\x00\x01\x02" * 9])
def test_what_is_no_list_says_what_it_is(body: bytes) -> None:
    with pytest.raises(mapper.ListError):
        mapper.read(body)


@settings(max_examples=30)
@given(st.lists(st.tuples(text, text), max_size=8))
def test_any_cells_make_rows_whose_ids_and_etags_hold(cells: list[tuple[str, str]]) -> None:
    rows = "".join(
        f'{number},"{a.replace(chr(34), "")}","{b.replace(chr(34), "")}"\n' for number, (a, b) in enumerate(cells)
    )
    data = f"Job ID,Name,Odd.head[1]\n99,Last,One\n{rows}".encode()
    first, again = mapper.read(data), mapper.read(data)
    assert {id: one.etag for id, one in first.found.items()} == {id: one.etag for id, one in again.found.items()}
    assert "99" in first.found
