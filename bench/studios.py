"""Businesses whose Google calendar is connected, chosen and in step: what the scenarios of calendars share.

The accounts are made as rows, for thousands of consents would take an hour and measure something else; what is sealed
of them is sealed as the product does it. Everything from there on is the product's: a worker lists each calendar,
writes the booking there and, where it is to be told, watches.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from datetime import time as local_time
from typing import TypeVar
from uuid import UUID, uuid4

import msgspec

from bench.peers import Peer
from bench.provider import START, ZONE, Asked, Taken, Write
from bench.report import Figures, spread
from bench.stage import Stage, StageFailed
from wedsync.bookings import actions as bookings
from wedsync.bookings.rows import NewBooking
from wedsync.connections import actions as hooks
from wedsync.connections.accounts import actions as accounts
from wedsync.connections.accounts import opening
from wedsync.connections.accounts.model import Credentials
from wedsync.connections.calendars.kept import Named, Seals
from wedsync.connections.contract import Account
from wedsync.connections.model import ACCOUNT_RATE_PER_MINUTE, HookSettings, Kept, new_secret
from wedsync.connectors.google_calendar.fake import Google
from wedsync.processes.drills.calls import request
from wedsync.processes.drills.cast import Business, businesses, each

T = TypeVar("T")

CONNECTOR = "google_calendar"
SECRET = new_secret()
"""What every channel of the load says."""
SETTINGS = msgspec.json.encode(HookSettings(rate_per_minute=ACCOUNT_RATE_PER_MINUTE)).decode()
FIRST = date.today() + timedelta(days=30)
TOGETHER = 500
"""Calendars whose first run is owed at once: a stage waits for so long and no longer."""
QUIET_S = 5.0
ADD_CONNECTION = """insert into connections (id, tenant_id, connector, title, scheme, settings, sealed, state, state_at,
      account_key)
    values ($1, $2, 'google_calendar', 'Google', 'google_channel', $3, $4, 'active', app.now(), $5)"""
ADD_ACCOUNT = """insert into connection_accounts (connection_id, tenant_id, account_sealed, credentials_sealed)
    values ($1, $2, $3, $4)"""
ADD_HEALTH = "insert into connection_health (connection_id, tenant_id) values ($1, $2)"
ADD_CALENDAR = """insert into calendars (id, tenant_id, connection_id, remote_key, sealed, zone, is_writable,
      is_primary, direction)
    values ($1, $2, $3, $4, $5, $6, true, true, 'both')"""
ADD_PROGRESS = """insert into calendar_progress (calendar_id, tenant_id, next_poll_at, watch_until, watch_again_at)
    values ($1, $2, 'infinity', $3::timestamptz, $3)"""
TOLD_UNTIL = "select case when $1 then app.now() + interval '1 day' end"
OWE = "select app.owe_syncs($1, true)"
NOT_IN_STEP = "select count(*) from calendar_progress g where g.outcome <> 'done'"
MOVED = """select e.stream_id, e.record ->> 'on' as "on", extract(epoch from e.recorded_at)::float8 as at from events e
    where e.type = 'booking.changed' and e.actor_kind = 'person' and e.recorded_at >= to_timestamp($1)"""


class Studio(msgspec.Struct):
    """A business, its one booking, and its calendar there. `moves` counts the days the booking has been on."""

    business: Business
    booking: UUID
    account: str
    token: str
    connection: UUID = msgspec.field(default_factory=uuid4)
    calendar: UUID = msgspec.field(default_factory=uuid4)
    moves: int = 0

    def next_day(self) -> str:
        """A day on which the booking has never been."""
        self.moves += 1
        return (FIRST + timedelta(days=self.moves)).isoformat()


class Provider:
    """The process of the fake, asked by one at a time."""

    def __init__(self, peer: Peer, at: str) -> None:
        self._peer = peer
        self._turn = asyncio.Lock()
        self.environ: Mapping[str, str] = {
            f"WEDSYNC_{name.upper()}": str(value) for name, value in Google().settings_at(at).items()
        }

    async def ask(self, asked: Asked, kind: type[T]) -> T:
        async with self._turn:
            await self._peer.tell(asked)
            return await self._peer.answer(kind, patience_s=30)

    async def take(self) -> Taken:
        return await self.ask(Asked(ask="take"), Taken)


async def found(peer: Peer) -> Provider:
    """The provider, as soon as it answers."""
    return Provider(peer, await peer.answer(str, patience_s=20))


async def opened(stage: Stage, provider: Provider, count: int, *, is_told: bool = False) -> list[Studio]:
    """So many, in step; a worker runs. `is_told`: what they watch there is taken for granted, so nobody asks for it."""
    owners = await businesses(stage, count)
    known = await provider.ask(Asked(ask="accounts", count=count), list[tuple[str, str]])

    async def book(numbered: tuple[Business, tuple[str, str]]) -> Studio:
        business, (account, token) = numbered
        new = NewBooking(on=FIRST, at_local=local_time.fromisoformat(START), minutes=60, zone=ZONE, category="client")
        async with stage.door.enter(business.owner.actor, business.id) as tx:
            booking = await bookings.add(tx, stage.ring, new)
        return Studio(business, booking, account, token)

    made = await each(book, zip(owners, known, strict=True))
    await stage.settled()
    await _connect(stage, made, is_told=is_told)
    await stage.analyze()
    for first in range(0, count, TOGETHER):
        await stage.admin.execute(OWE, [studio.calendar for studio in made[first : first + TOGETHER]])
        await stage.settled()
    left = await stage.admin.fetchval(NOT_IN_STEP)
    if left:
        raise StageFailed(f"{left} of {count} calendars are not in step after their first run.")
    await stage.analyze()
    return made


async def _connect(stage: Stage, studios: Sequence[Studio], *, is_told: bool) -> None:
    until = await stage.admin.fetchval(TOLD_UNTIL, is_told)
    ring = stage.ring
    connections, kept, health, calendars, progress = [], [], [], [], []
    for one in studios:
        tenant, id = one.business.id, one.connection
        (key, *_) = accounts.account_keys(ring, tenant, CONNECTOR, one.account)
        connections.append((id, tenant, SETTINGS, hooks.seal(ring, tenant, id, [Kept(SECRET)]), key))
        account = accounts.seal_account(ring, tenant, id, Account(id=one.account, title=one.account))
        credentials = opening.seal_credentials(ring, tenant, id, Credentials(access_token=one.token))
        kept.append((id, tenant, account, credentials))
        health.append((id, tenant))
        seals = Seals(ring, tenant)
        sealed = seals.seal(Named(id=one.account, title=one.account), table="calendars", row=one.calendar)
        calendars.append((one.calendar, tenant, id, seals.calendar_key(one.account), sealed, ZONE))
        progress.append((one.calendar, tenant, until))
    for statement, rows in (
        (ADD_CONNECTION, connections),
        (ADD_ACCOUNT, kept),
        (ADD_HEALTH, health),
        (ADD_CALENDAR, calendars),
        (ADD_PROGRESS, progress),
    ):
        await stage.admin.executemany(statement, rows)


def moving(studios: Sequence[Studio]) -> Callable[[], bytes]:
    """Makes requests: the booking of each business in turn, to another day."""
    turns = itertools.cycle(studios)

    def make() -> bytes:
        studio = next(turns)
        path = f"/api/v1/bookings/{studio.booking}"
        return request("PATCH", path, token=studio.business.owner.token, body={"on": studio.next_day()})

    return make


async def accepted(stage: Stage, provider: Provider, studios: Sequence[Studio], since: float) -> tuple[Figures, Taken]:
    """From each move that was committed since then to the moment its write was accepted there, once no more come.

    The moment of a move is that of its event, just before the commit.
    """
    taken = Taken()
    rows = await stage.admin.fetch(MOVED, since)
    of = {studio.business.id: studio.account for studio in studios}
    moved = {(of[row["stream_id"]], row["on"]): row["at"] for row in rows}
    quiet_at = time.monotonic() + QUIET_S
    written: dict[tuple[str, str], float] = {}
    while len(written.keys() & moved.keys()) < len(moved) and time.monotonic() < quiet_at:
        more = await provider.take()
        taken.writes += more.writes
        taken.questions += more.questions
        if more.writes:
            quiet_at = time.monotonic() + QUIET_S
        written |= _first(more.writes, written)
        await asyncio.sleep(0.25)
    stage.check()
    delays = [(written[move] - at) * 1000 for move, at in moved.items() if move in written]
    figures = {
        "accepted_mean_ms": sum(delays) / max(1, len(delays)),
        **spread("accepted", delays),
        "missing": float(len(moved) - len(delays)),
        "moves": float(len(moved)),
    }
    return figures, taken


def _first(writes: Sequence[Write], known: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for one in writes:
        if (one.calendar, one.on) not in known:
            found.setdefault((one.calendar, one.on), one.at)
    return found
