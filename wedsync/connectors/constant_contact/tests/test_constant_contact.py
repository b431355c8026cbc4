"""What is peculiar to Constant Contact: imports that go on behind, contacts written whole, an allowance."""

from collections.abc import AsyncIterator

import pytest_asyncio

from wedsync.connections import stage
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Delivered, Rejected, RetryLater, Tools
from wedsync.connections.marketing import starter
from wedsync.connections.marketing.contract import Contact, Left, Pending, Spent, Tagging, Upsert, Upserted, Written
from wedsync.connections.marketing.driven import SPENT
from wedsync.connectors.constant_contact.connector import connect
from wedsync.connectors.constant_contact.fake import ConstantContact
from wedsync.kit import clock
from wedsync.kit.http import Wire

CARLA = ACCOUNTS[0]
MANY = tuple(Contact(email=f"c{number}@example.org", first_name=f"C{number}") for number in range(12))


class Desk:
    """The connector and its fake."""

    def __init__(self, fake: ConstantContact, at: str, wire: Wire) -> None:
        self.fake = fake
        self.ours = connect(Tools(wire=wire, machine_now=clock.machine_now, settings=dict(fake.settings_at(at))))
        self.ours._pace._gap_s = 0.0
        self.connection = fake.connection(at, CARLA)
        self.home = fake.accounts[CARLA]
        self.list_id = self.home.list_id


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    fake, wire = ConstantContact(), Wire()
    async with stage.serving([fake]) as at:
        yield Desk(fake, at, wire)
    await wire.close()


async def test_an_import_goes_on_behind_and_refuses_whom_it_cannot_take(desk: Desk) -> None:
    desk.home.imports_wait = True
    long, back = Contact(email=f"{'x' * 60}@example.org"), Contact(email="back@example.org", is_again=True)
    said = await desk.ours.upsert(Upsert(list_id=desk.list_id, contacts=(*MANY, long, back)), desk.connection)
    assert isinstance(said, Pending) and set(said.refused) == {long.email, back.email}
    asked = Upsert(list_id=desk.list_id, contacts=(), pending=said.id)
    assert isinstance(await desk.ours.upsert(asked, desk.connection), Pending)
    assert await desk.ours.upsert(asked, desk.connection) == Upserted()
    assert len(desk.home.contacts) == len(MANY)
    none = await desk.ours.upsert(Upsert(list_id=desk.list_id, contacts=(long,)), desk.connection)
    assert isinstance(none, Upserted) and set(none.refused) == {long.email}
    desk.home.imports[said.id]["state"] = "failed"
    assert isinstance(await desk.ours.upsert(asked, desk.connection), Rejected)


async def test_tags_find_their_contacts_over_pages_and_who_left_comes_over_pages(desk: Desk) -> None:
    desk.fake.page_size = 5
    await desk.ours.upsert(Upsert(list_id=desk.list_id, contacts=MANY), desk.connection)
    emails = tuple(one.email for one in MANY)
    said = await desk.ours.tag(Tagging(list_id=desk.list_id, gains={"role: client": emails}), desk.connection)
    assert isinstance(said, Delivered)
    assert {one.tags for one in desk.home.seen().values()} == {frozenset({"role: client"})}
    for email in emails:
        await desk.fake.unsubscribe(CARLA, email)
    found, cursor = [], ""
    for _ in range(10):
        page = await desk.ours.left(desk.list_id, cursor, desk.connection, timeout_s=20)
        assert isinstance(page, Left)
        found += [one.email for one in page.gone]
        cursor = page.cursor
        if not page.is_more:
            break
    assert sorted(found) == sorted(emails)
    # From there again, some may come again: what is told twice is taken once.
    again = await desk.ours.left(desk.list_id, cursor, desk.connection, timeout_s=20)
    assert isinstance(again, Left) and '"since"' in again.cursor


async def test_a_contact_that_is_taken_out_keeps_all_else_that_the_business_knows(desk: Desk) -> None:
    await desk.ours.upsert(Upsert(list_id=desk.list_id, contacts=MANY[:1]), desk.connection)
    await desk.ours.tag(Tagging(list_id=desk.list_id, gains={"vip": (MANY[0].email,)}), desk.connection)
    said = await desk.ours.withdraw(desk.list_id, MANY[0].email, desk.connection, timeout_s=20)
    assert isinstance(said, Delivered)
    held = desk.home.contacts[MANY[0].email]
    assert held["email_address"]["permission_to_send"] == "unsubscribed"
    assert (held["first_name"], held["list_memberships"]) == ("C0", [desk.list_id])
    assert desk.home.seen()[MANY[0].email].tags == {"vip"}


async def test_letters_are_drafts_that_hold_what_they_must(desk: Desk) -> None:
    (first, *_) = starter.templates("Rose & Co")
    made = await desk.ours.write(first, desk.connection)
    again = await desk.ours.write(first, desk.connection)
    assert isinstance(made, Written) and made == again
    (draft,) = desk.home.emails.values()
    html = draft["content"]["html_content"]
    assert "[[trackingImage]]" in html and "[[FIRSTNAME]]" in html and "{{" not in html
    assert (draft["content"]["from_name"], draft["content"]["from_email"]) == ("Rose & Co", CARLA)


async def test_a_probe_says_that_its_time_has_not_come_and_not_that_the_account_is_closed(desk: Desk) -> None:
    desk.fake.moods.switch(SPENT)
    said = await desk.ours.account(desk.connection, timeout_s=20)
    assert isinstance(said, RetryLater) and said.after_s is not None and said.after_s <= 86_400
    assert isinstance(await desk.ours.lists(desk.connection, timeout_s=20), Spent)
