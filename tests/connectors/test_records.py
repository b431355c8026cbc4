"""Every connector of records keeps the same promises; its fake is driven by `connections.records.driven`."""

from collections.abc import AsyncIterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.connectors.stages import Bell
from wedsync.clients.model import STAGES
from wedsync.connections import manifest as manifests
from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import (
    Account,
    Connection,
    Connects,
    Delivered,
    ReconnectNeeded,
    RetryLater,
    Tools,
    Unknown,
)
from wedsync.connections.elements import hinted, split
from wedsync.connections.manifest import Manifest
from wedsync.connections.records.contract import (
    Documents,
    Found,
    Gone,
    Hint,
    Hooks,
    Listed,
    Moved,
    Pull,
    Pulled,
    Push,
    Pushed,
    ReadOnly,
    Records,
)
from wedsync.connections.records.driven import MOODS, READ_ONLY, Driven
from wedsync.connections.records.fields import Compiled, compiled
from wedsync.connections.records.mapped import Mapped
from wedsync.connections.records.record import Field, Record, checked
from wedsync.connections.stage import serving
from wedsync.connections.verify.request import Request
from wedsync.connections.verify.scheme import verify
from wedsync.kit import clock
from wedsync.kit.config import FIELDS, Settings
from wedsync.kit.http import Wire

FOUND = {name: manifest for name, manifest in manifests.find().items() if "records" in manifest.does}
PAGES_MAX = 200
CARLA, DARIO = ACCOUNTS
numbers = count(1)
letters = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=30)


class Through(Mapped):
    """A connector of documents as the engine sees it: through the map that its fake gives."""

    def __init__(self, made: Any, by: Compiled, connection: Connection) -> None:
        super().__init__(made, by, connection)
        self.account = made.account


class Stage:
    """One connector, its fake served alone, and somebody whom hooks are sent to."""

    def __init__(self, manifest: Manifest, fake: Driven, at: str, wire: Wire, bell: Bell) -> None:
        self.manifest, self.fake, self.at, self.bell = manifest, fake, at, bell
        self.is_writing = manifest.status != "import only"
        self._settings = msgspec.structs.replace(Settings(), **fake.settings_at(at))
        self._wire = wire
        self.connector: Any = self.another()
        self.connection, self.other = fake.connection(at, CARLA), fake.connection(at, DARIO)

    def another(self) -> Any:
        """The connector as another process has it."""
        names = (*self.manifest.operator_settings, *self.manifest.operator_secrets)
        own = {name: getattr(self._settings, name) for name in names}
        made = manifests.module(self.manifest.name, "connector").connect(
            Tools(wire=self._wire, machine_now=clock.machine_now, settings=own)
        )
        if self.manifest.records is None or not self.manifest.records.is_document:
            return made
        assert isinstance(made, Documents)
        rules: Any = self.fake.rules  # type: ignore[attr-defined]
        return Through(made, compiled(rules, may_write=True), self.fake.connection(self.at, CARLA))

    @contextmanager
    def mood(self, mood: str) -> Any:
        self.fake.moods.switch(mood)
        try:
            yield
        finally:
            self.fake.moods.switch("fine")

    @contextmanager
    def losing(self, number: int) -> Any:
        """The answer of this call is lost, of all others none."""
        moods = self.fake.moods
        calls, usual = count(1), moods.take
        moods.take = lambda: driven.LOST if next(calls) == number else "fine"  # type: ignore[method-assign]
        try:
            yield
        finally:
            moods.take = usual  # type: ignore[method-assign]

    async def pull(self, cursor: str, *, timeout_s: float = 20.0) -> Any:
        return await self.connector.pull(Pull(cursor=cursor, timeout_s=timeout_s), self.connection)

    async def pulled(self, cursor: str = "") -> tuple[list[Hint], str]:
        """Every hint from a cursor on, and the cursor for the next time."""
        hints: list[Hint] = []
        for _ in range(PAGES_MAX):
            page = await self.pull(cursor)
            assert isinstance(page, Pulled), page
            hints += page.hints
            cursor = page.cursor
            if not page.has_more:
                return hints, cursor
        raise AssertionError("it never ends")

    async def read(self, id: str) -> Any:
        return await self.connector.read(id, self.connection, timeout_s=20.0)

    async def push(self, id: str, record: Record, before: Record, *, timeout_s: float = 20.0) -> Any:
        asked = Push(id=id, etag="", record=record, before=before, timeout_s=timeout_s)
        return await self.connector.push(asked, self.connection)


@pytest.fixture(scope="module", params=sorted(FOUND))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    fake: Driven = manifests.module(request.param, "fake").build(Settings())
    bell, wire = Bell(), Wire(allow=("127.0.0.0/8",))
    try:
        async with serving([fake], others=[bell.route()]) as at:
            yield Stage(FOUND[request.param], fake, at, wire, bell)
    finally:
        await wire.close()


def job(**fields: Any) -> Record:
    number = next(numbers)
    usual: dict[str, Any] = {
        "name": f"Maria Santos {number}",
        "partner_name": "Tom Okafor",
        "email": f"maria{number}@example.org",
        "partner_email": f"tom{number}@example.org",
        "phone": "+351210000000",
        "partner_phone": "+351210000001",
        "wedding_on": date(2027, 6, 5),
        "venue": "Quinta da Serra",
    }
    return Record(**(usual | fields))


async def every_call(stage: Stage, id: str, *, timeout_s: float = 20.0) -> dict[str, Any]:
    """What each call comes to just now."""
    connector, to = stage.connector, stage.connection
    before = stage.fake.seen(CARLA)[id]
    after = msgspec.structs.replace(before, stage="completed" if before.stage == "booked" else "booked")
    told = {
        "account": await connector.account(to, timeout_s=timeout_s),
        "pull": await stage.pull("", timeout_s=timeout_s),
        "read": await connector.read(id, to, timeout_s=timeout_s),
        "listed": await connector.listed("", to, timeout_s=timeout_s),
    }
    return told | ({"push": await stage.push(id, after, before, timeout_s=timeout_s)} if stage.is_writing else {})


def only_where_it_writes(stage: Stage) -> None:
    if not stage.is_writing:
        pytest.skip(f"{stage.manifest.name} only reads")


def test_it_is_what_its_manifest_says(stage: Stage) -> None:
    manifest, connector = stage.manifest, stage.connector
    assert isinstance(connector, Records)
    assert isinstance(connector, Connects)
    assert isinstance(connector, Hooks) == (manifest.hooks is not None and manifest.hooks.told_by == "us")
    assert connector.writes <= set(get_args(Field))
    assert isinstance(stage.fake, Driven)
    moods = set(MOODS) if manifest.hooks is not None else set(MOODS) - {driven.DUPLICATE, driven.OFF}
    assert moods <= set(stage.fake.moods.known)
    assert set(stage.fake.settings_at("http://x")) <= set(FIELDS)
    assert {*manifest.operator_settings, *manifest.operator_secrets} <= set(FIELDS)


async def test_two_connections_of_one_account_are_known_to_be_one_and_another_is_not(stage: Stage) -> None:
    again = stage.fake.connection(stage.at, CARLA)
    to = (stage.connection, again, stage.other)
    first, second, other = [await stage.connector.account(one, timeout_s=20) for one in to]
    assert isinstance(first, Account)
    assert first.id
    assert first == second
    assert other.id != first.id


async def test_each_word_of_trouble_is_the_right_one(stage: Stage) -> None:
    id = await stage.fake.make(CARLA, job())
    with stage.mood(driven.DEAD):
        assert {type(one) for one in (await every_call(stage, id)).values()} == {ReconnectNeeded}
    with stage.mood(driven.BUSY):
        told = await every_call(stage, id)
        assert {type(one) for one in told.values()} == {RetryLater}
        assert {one.after_s for one in told.values()} == {driven.RETRY_AFTER_S}
    for mood in (driven.BROKEN, driven.TRUNCATED):
        with stage.mood(mood):
            assert {type(one) for one in (await every_call(stage, id)).values()} == {RetryLater}, mood
    with stage.mood(driven.SLOW):
        told = await every_call(stage, id, timeout_s=0.2)
    assert {type(one) for one in told.values()} <= {RetryLater, Unknown}
    with stage.mood(READ_ONLY):
        told = await every_call(stage, id)
    assert not stage.is_writing or isinstance(told.pop("push"), ReadOnly)
    assert {type(one) for one in told.values()} == {Account, Pulled, Found, Listed}


async def test_a_lost_reply_is_told_apart_and_the_same_push_twice_is_one_change(stage: Stage) -> None:
    only_where_it_writes(stage)
    id = await stage.fake.make(CARLA, job())
    before = stage.fake.seen(CARLA)[id]
    after = msgspec.structs.replace(before, stage="booked", name="Maria Okafor", wedding_on=date(2027, 7, 3))
    # Each call of the push loses its answer in turn: the reading before, a write, the reading after.
    for lost in range(1, 6):
        with stage.losing(lost):
            said = await stage.push(id, after, before)
        assert isinstance(said, Pushed | RetryLater | Unknown)
        assert not isinstance(said, Unknown) or said.repeat_is_safe
    again = [await stage.push(id, after, before) for _ in range(2)]
    assert {type(one) for one in again} == {Pushed}
    assert stage.fake.seen(CARLA)[id] == after
    assert checked(again[-1].found.record) == after


async def test_what_nobody_has_heard_of_is_tolerated(stage: Stage) -> None:
    id = await stage.fake.make(CARLA, job())
    plain = await stage.read(id)
    with stage.mood(driven.ODD):
        odd = await stage.read(id)
        assert id in {one.id for one in (await stage.pulled())[0]}
    assert odd.record == plain.record


async def test_pages_are_followed_and_another_process_resumes_with_only_what_changed(stage: Stage) -> None:
    usual, stage.fake.page_size = stage.fake.page_size, 2
    try:
        ids = [await stage.fake.make(CARLA, job()) for _ in range(5)]
        named, cursor = await stage.pulled()
        assert set(ids) <= {one.id for one in named}
        assert len({one.id for one in named}) == len(named)
        new = await stage.fake.make(CARLA, job())
        await stage.fake.change(CARLA, ids[0], stage="booked")
        await stage.fake.change(CARLA, ids[1], name="Renamed There")
        stage.connector = stage.another()
        told = {one.id for one in (await stage.pulled(cursor))[0]}
        assert {new, *ids[:2]} <= told
        listed: list[str] = []
        page: Any = Listed(ids=(), has_more=True)
        while page.has_more:
            page = await stage.connector.listed(page.cursor, stage.connection, timeout_s=20)
            listed += page.ids
        assert sorted(listed) == sorted(stage.fake.seen(CARLA))
    finally:
        stage.fake.page_size = usual


async def test_a_cursor_that_cannot_be_read_begins_anew(stage: Stage) -> None:
    id = await stage.fake.make(CARLA, job())
    assert id in {one.id for one in (await stage.pulled("no cursor of ours"))[0]}


async def test_what_is_not_there_is_gone(stage: Stage) -> None:
    id = await stage.fake.make(CARLA, job())
    found = stage.fake.seen(CARLA)[id]
    await stage.fake.delete(CARLA, id)
    for missing in (id, "01hq2v7c5p8x9r3k4m6n8t0w2y", "../studio/me"):
        assert isinstance(await stage.read(missing), Gone), missing
    changed = msgspec.structs.replace(found, stage="booked")
    assert isinstance(await stage.push(id, changed, found), Gone if stage.is_writing else ReadOnly)
    assert id not in {one.id for one in (await stage.pulled())[0]}


async def test_what_was_changed_there_meanwhile_is_not_overwritten(stage: Stage) -> None:
    only_where_it_writes(stage)
    id = await stage.fake.make(CARLA, job())
    before = stage.fake.seen(CARLA)[id]
    await stage.fake.change(CARLA, id, wedding_on=date(2027, 8, 1))
    ours = msgspec.structs.replace(before, wedding_on=date(2027, 9, 1))
    assert isinstance(await stage.push(id, ours, before), Moved)
    assert stage.fake.seen(CARLA)[id].wedding_on == date(2027, 8, 1)
    # Another field is nobody's collision.
    other = msgspec.structs.replace(before, stage="booked")
    assert isinstance(await stage.push(id, other, before), Pushed)
    now = stage.fake.seen(CARLA)[id]
    assert (now.stage, now.wedding_on) == ("booked", date(2027, 8, 1))


@settings(max_examples=25)
@given(stage_=st.sampled_from(list(STAGES)), on=st.none() | st.dates(), name=letters, partner=letters, phone=letters)
async def test_records_survive_ours_to_theirs_to_ours(
    stage: Stage, stage_: Any, on: date | None, name: str, partner: str, phone: str
) -> None:
    only_where_it_writes(stage)
    id = await stage.fake.make(CARLA, job())
    before = checked((await stage.read(id)).record)
    words = {"name": name or "A", "partner_name": partner or "B", "phone": phone}
    ours = checked(msgspec.structs.replace(before, stage=stage_, wedding_on=on, **words))
    wanted = checked(stage.connector.spelled(ours))
    assert checked(stage.connector.spelled(wanted)) == wanted
    pushed = await stage.push(id, wanted, before)
    assert isinstance(pushed, Pushed), pushed
    assert checked(pushed.found.record) == wanted


async def test_no_secret_and_nothing_personal_is_in_outcomes_or_logs(stage: Stage) -> None:
    record = job(name="Wilhelmine Geheim")
    id = await stage.fake.make(CARLA, record)
    told: list[Any] = []
    with capture_logs() as logs:
        for mood in ("fine", *(set(stage.fake.moods.known) - {driven.SLOW, driven.DUPLICATE, driven.OFF})):
            with stage.mood(mood):
                told += (await every_call(stage, id)).values()
    words = [msgspec.json.encode(getattr(one, "attempt", None)).decode() + getattr(one, "reason", "") for one in told]
    said = "\n".join([*words, repr(logs), repr(stage.connection)])
    secrets = [secret for several in stage.connection.secrets.values() for secret in several]
    personal = [record.name, record.email, record.phone, *ACCOUNTS, *secrets]
    assert not [one for one in personal if one and one in said]


async def test_hooks_name_the_job_and_of_all_else_nothing_is_kept(stage: Stage) -> None:
    if stage.manifest.hooks is None:
        pytest.skip(f"{stage.manifest.name} sends no hooks")
    address = f"{stage.at}/bell?secret=open-sesame"
    for _ in range(2):
        if stage.manifest.hooks.told_by == "person":
            stage.fake.subscribe(CARLA, address, "open-sesame")  # type: ignore[attr-defined]
            continue
        said = await stage.connector.hook(address, stage.connection, timeout_s=20)
        assert isinstance(said, Delivered), said
    id = await stage.fake.make(CARLA, job())
    await stage.bell.wait_for(lambda rung: len(rung) >= 1)
    with stage.mood(driven.DUPLICATE):
        await stage.fake.make(CARLA, job())
        await stage.bell.wait_for(lambda rung: len(rung) >= 3)
    assert len(stage.bell.rung) == 3
    one = stage.bell.rung[0]
    now = clock.machine_now().timestamp()
    asked = Request(headers=one.headers, body=one.body, url=one.url, secrets=["open-sesame"], now=now)
    assert verify(stage.manifest.hooks.scheme, asked) is None
    assert verify(stage.manifest.hooks.scheme, msgspec.structs.replace(asked, secrets=["another"])) is not None
    (kept,) = split(stage.manifest.hooks.scheme, asked)
    assert hinted(kept.body) == [id]
    assert b"734511" in one.body
    assert b"734511" not in kept.body
