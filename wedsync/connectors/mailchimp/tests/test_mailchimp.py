"""What is peculiar to Mailchimp: nobody is written back in, tags by hundreds, journeys, hooks, tokens."""

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from wedsync.connections import manifest as manifests
from wedsync.connections import stage
from wedsync.connections.accounts import grants
from wedsync.connections.calendars.driven import ACCOUNTS, LOST
from wedsync.connections.contract import Delivered, ReconnectNeeded, Rejected, RetryLater, Tools, Unknown
from wedsync.connections.marketing.contract import Contact, Left, Tagging, Tells, Trigger, Triggers, Upsert, Upserted
from wedsync.connectors.mailchimp import leaving, tagging
from wedsync.connectors.mailchimp.connector import connect
from wedsync.connectors.mailchimp.fake import BARE, Mailchimp
from wedsync.connectors.mailchimp.fake_store import digest
from wedsync.connectors.mailchimp.putting import AT_ONCE
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.http import Reply, Timing, Wire

CARLA = ACCOUNTS[0]
MANY = tuple(Contact(email=f"c{number}@example.org") for number in range(30))
ADDRESS = "https://wedsync.test/hooks/mailchimp/1?secret=s"


class Desk:
    """The connector and its fake."""

    def __init__(self, fake: Mailchimp, at: str, wire: Wire) -> None:
        self.fake = fake
        self.ours = connect(Tools(wire=wire, machine_now=clock.machine_now, settings=dict(fake.settings_at(at))))
        self.connection = fake.connection(at, CARLA)
        self.home = fake.accounts[CARLA]
        self.list_id = self.home.list_id

    async def put(self, *contacts: Contact) -> None:
        said = await self.ours.upsert(Upsert(list_id=self.list_id, contacts=contacts), self.connection)
        assert said == Upserted(), said


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    fake, wire = Mailchimp(), Wire()
    async with stage.serving([fake]) as at:
        yield Desk(fake, at, wire)
    await wire.close()


async def test_nobody_is_ever_written_as_subscribed_and_who_is_refused_stops_nobody_else(desk: Desk) -> None:
    assert AT_ONCE < 10
    await desk.put(*MANY)
    bodies = [one.body for one in desk.fake.exchanges if one.method == "PUT"]
    assert len(bodies) == len(MANY) and not [one for one in bodies if "status" in one]
    bad = msgspec.structs.replace(MANY[0], email="no address")
    asked = Upsert(list_id=desk.list_id, contacts=(bad, MANY[1]))
    said = await desk.ours.upsert(asked, desk.connection)
    assert isinstance(said, Upserted) and set(said.refused) == {"no address"}
    gone = await desk.ours.upsert(Upsert(list_id="another", contacts=(MANY[1],)), desk.connection)
    assert isinstance(gone, Upserted) and "any more" in gone.refused[MANY[1].email]


async def test_tags_are_changed_by_hundreds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagging, "BATCH_MAX", 10)
    await desk.put(*MANY)
    emails = tuple(one.email for one in MANY)
    said = await desk.ours.tag(Tagging(list_id=desk.list_id, gains={"role: client": emails}), desk.connection)
    assert isinstance(said, Delivered)
    wanted = Tagging(list_id=desk.list_id, gains={"role: past client": emails[:1]}, losses={"role: client": emails})
    assert isinstance(await desk.ours.tag(wanted, desk.connection), Delivered)
    assert {one.tags for one in desk.home.seen().values()} == {frozenset(), frozenset({"role: past client"})}
    calls = [one for one in desk.fake.exchanges if one.method == "POST" and "/segments" in one.path]
    assert len(calls) == 1 + 2 + 3 + 1


async def test_who_left_is_told_page_by_page_in_the_order_it_changed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "PAGE", 4)
    await desk.put(*MANY)
    for one in MANY[:10]:
        await desk.fake.unsubscribe(CARLA, one.email)
    desk.home.patch(digest(MANY[20].email), {"status": "cleaned"})
    found, cursor = [], ""
    for _ in range(20):
        said = await desk.ours.left(desk.list_id, cursor, desk.connection, timeout_s=20)
        assert isinstance(said, Left)
        found += [(one.email, one.why) for one in said.gone]
        cursor = said.cursor
        if not said.is_more:
            break
    assert sorted(found) == sorted([*((one.email, "unsubscribed") for one in MANY[:10]), (MANY[20].email, "bounced")])


async def test_who_leaves_in_the_second_of_the_last_look_is_not_missed(desk: Desk) -> None:
    await desk.put(*MANY[:2])

    async def look(cursor: str) -> tuple[set[str], str]:
        found: set[str] = set()
        while True:
            said = await desk.ours.left(desk.list_id, cursor, desk.connection, timeout_s=20)
            assert isinstance(said, Left)
            found |= {one.email for one in said.gone}
            cursor = said.cursor
            if not said.is_more:
                return found, cursor

    first, second = (digest(one.email) for one in MANY[:2])
    desk.home.patch(first, {"status": "unsubscribed"})
    at = desk.home.members[first]["last_changed"]
    _, cursor = await look("")
    desk.home.patch(second, {"status": "unsubscribed"})
    desk.home.members[second]["last_changed"] = at
    found, cursor = await look(cursor)
    assert MANY[1].email in found
    # However often nobody leaves, it stays where it is.
    for _ in range(3):
        again, later = await look(cursor)
        assert (again, later) == (found, cursor)


async def test_journeys_and_events_begin_for_one_and_a_lost_answer_is_unknown(desk: Desk) -> None:
    await desk.put(*MANY[:1])
    assert isinstance(desk.ours, Triggers) and isinstance(desk.ours, Tells)

    async def begin(place: str) -> object:
        asked = Trigger(list_id=desk.list_id, email=MANY[0].email, milestone="booked", place=place)
        return await desk.ours.trigger(asked, desk.connection)

    assert isinstance(await begin("12/34"), Delivered) and isinstance(await begin("event:booked"), Delivered)
    assert isinstance(await begin("12"), Rejected) and isinstance(await begin("a/b"), Rejected)
    desk.fake.moods.switch(LOST, 1)
    assert isinstance(await begin("12/34"), Unknown)
    assert desk.home.begun == [(MANY[0].email, "12/34"), (MANY[0].email, "event:booked"), (MANY[0].email, "12/34")]


async def test_a_hook_is_asked_for_once_and_hears_people_but_not_ourselves(desk: Desk) -> None:
    for _ in range(2):
        said = await desk.ours.hook(desk.list_id, ADDRESS, desk.connection, timeout_s=20)
        assert isinstance(said, Delivered)
    (hook,) = desk.home.hooks.values()
    assert (hook["url"], hook["sources"]) == (ADDRESS, {"user": True, "admin": True, "api": False})


async def test_too_many_calls_are_no_closed_account_and_an_ended_token_is_one(desk: Desk) -> None:
    desk.fake.moods.switch(BARE)
    assert isinstance(await desk.ours.lists(desk.connection, timeout_s=20), RetryLater)
    desk.fake.moods.switch("dead token")
    assert isinstance(await desk.ours.account(desk.connection, timeout_s=20), ReconnectNeeded)


def test_a_token_that_lives_no_seconds_does_not_end() -> None:
    connect_by = manifests.find()["mailchimp"].connect
    assert connect_by is not None
    client = grants.client_of(connect_by, Settings())
    asked = grants.authorize_url(client, state="s", verifier="v", redirect_uri="https://a.test")
    assert "scope=" not in asked
    body = b'{"access_token": "t1", "expires_in": 0, "scope": null}'
    reply = Reply(status=200, headers={}, body=body, ending="whole", timing=Timing())
    found = grants._answered(reply, client, clock.machine_now())
    assert isinstance(found, grants.Tokens) and (found.expires_at, found.missing) == (None, ())
