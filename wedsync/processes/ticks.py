"""What the clock does by itself: jobs and leases, what falls due in each noun, and what the operator is told of."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import structlog

from wedsync.connections import manifest as manifests
from wedsync.connections.phoning.contract import phones_of
from wedsync.events.catalogue import Lane
from wedsync.events.jobs import is_passing, queries
from wedsync.events.retry import TRIES_MAX
from wedsync.kit import clock, sql
from wedsync.kit.config import Settings
from wedsync.operations.freeze import actions as freeze
from wedsync.operations.health.model import PATIENCE_S as PATIENCE

accounts = sql.load("wedsync.connections.accounts")
alerts = sql.load("wedsync.alerts")
bookings = sql.load("wedsync.bookings")
calendars = sql.load("wedsync.connections.calendars")
mailing = sql.load("wedsync.connections.mailing")
commerce = sql.load("wedsync.commerce")
database = sql.load("wedsync.operations.database")
records = sql.load("wedsync.connections.records")
marketing = sql.load("wedsync.connections.marketing")
phoning = sql.load("wedsync.connections.phoning")
forms = sql.load("wedsync.forms")
invitations = sql.load("wedsync.invitations")
modes = sql.load("wedsync.operations.modes")
journeys = sql.load("wedsync.journeys")
notices = sql.load("wedsync.notices")
payments = sql.load("wedsync.payments")
photos = sql.load("wedsync.photos")
tasks = sql.load("wedsync.tasks")
wedding_days = sql.load("wedsync.operations.wedding_day")
log = structlog.get_logger("clock")

PATIENCE_S: Final = tuple(PATIENCE.values())
"""How long a ready job of each lane may wait, critical first, before the operator is told."""
DENSITY_WINDOW: Final = timedelta(days=2)

Tick = Callable[[Any], Awaitable[None]]
"""Takes the leader's connection."""


async def reclaim(connection: Any) -> None:
    """Jobs whose worker is gone are ready again."""
    lapsed = await connection.fetchval(queries.reclaim, TRIES_MAX)
    if lapsed:
        log.warning("leases_lapsed", jobs=lapsed)


async def expire(connection: Any) -> None:
    """Jobs whose time has passed end."""
    ended = await connection.fetchval(queries.expire)
    if ended:
        log.info("jobs_expired", jobs=ended)


def one_by_one(published: Callable[[str], Awaitable[Any]], which: str, act: str) -> Tick:
    """Each tenant that the statement `which` names has something due; `act` does it for one and returns its nudge.

    One for whom it cannot be done keeps nobody else waiting: that is logged, and tried again at the next look.
    """

    async def tick(connection: Any) -> None:
        for due in await connection.fetch(which):
            try:
                nudge = await connection.fetchval(act, due[0])
            except Exception as error:
                if is_passing(error):
                    raise
                log.error("tenant_not_done", tenant_id=str(due[0]), exc_info=error)
                continue
            if nudge is not None:
                await published(nudge)

    return tick


def ending_bookings(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Holds whose time is over end, and bookings that are over are fulfilled; each supplier by itself."""
    return one_by_one(published, bookings.suppliers_due, bookings.end_bookings)


def warning_of_photos(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Promised photographs that become late, or are: their suppliers are told, once of each promise."""
    return one_by_one(published, photos.weddings_of_late, photos.warn_of_late)


def reminding_of_payments(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Payments whose day comes close or has passed: the couple is told, and then both, once of each day."""
    return one_by_one(published, payments.weddings_of_due, payments.remind_of_due)


def reminding_of_tasks(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Tasks whose day comes near or has passed: whoever has them to do is reminded, on a ladder."""
    return one_by_one(published, tasks.weddings_of_due, tasks.remind_of_due)


def reminding_of_forms(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Forms that are wanted soon, or were, and are not answered: the couple is reminded, on a ladder."""
    return one_by_one(published, forms.weddings_of_due, forms.remind_of_due)


def minding_invitations(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """What became of invitations' mails, those that nobody answered, and whose mails are due: suppliers' workers."""

    async def mind(connection: Any) -> None:
        for statement in (invitations.follow, invitations.expire):
            for row in await connection.fetch(statement):
                await published(row[0])
        if await connection.fetchval(invitations.poke):
            await published("[]")

    return mind


def minding_journeys(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Weddings where a step of a journey is due: a worker takes it."""

    async def mind(connection: Any) -> None:
        if await connection.fetchval(journeys.poke):
            await published("[]")

    return mind


def passing_milestones(published: Callable[[str], Awaitable[Any]], within_s: float = 0.0) -> Tick:
    """Weddings that passed a milestone of the calendar: six months to go, or over. At a midnight that is all of one
    date: each has its own turn within so many seconds."""

    async def look(connection: Any) -> None:
        if await connection.fetchval(journeys.poke_milestones, clock.pace(within_s)):
            await published("[]")

    return look


def making_digests(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Notices that waited and are due: what is told together becomes a digest of each person."""

    async def make(connection: Any) -> None:
        for row in await connection.fetch(notices.make_digests):
            await published(row["nudge"])

    return make


def minding_alerts(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Steps of alerts that nobody took in time are owed once more, and the operator is told: somebody waits."""

    async def mind(connection: Any) -> None:
        late = await connection.fetch(alerts.late)
        for one in late:
            log.error(
                "alert_overdue",
                wedding=str(one["wedding_id"]),
                alert=str(one["alert_id"]),
                late_s=round(one["late_s"], 1),
            )
        if late:
            await published("[]")

    return mind


def drilling(published: Callable[[str], Awaitable[Any]], within_s: float) -> Tick:
    """The morning of a wedding: who is on call is asked to answer once. Weddings begin at full hours, many at the same:
    each has its own turn within so many seconds."""

    async def drill(connection: Any) -> None:
        if await connection.fetchval(alerts.poke_drills, clock.pace(within_s)):
            await published("[]")

    return drill


def minding_days(published: Callable[[str], Awaitable[Any]], every_s: float) -> Tick:
    """Wedding days that should be looked at: who is asked when they come, who does not come, whose packs are due, and
    whose weather is to be asked for. Until the next tick each wedding has its own turn: they are not begun at once."""

    async def mind(connection: Any) -> None:
        found = await connection.fetchval(wedding_days.poke, clock.pace(every_s))
        if await connection.fetchval(wedding_days.poke_weather) or found:
            await published("[]")

    return mind


def warning_of_limits(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Businesses whose limits come near, or are reached: told once of each, and again after there was room."""
    return one_by_one(published, commerce.near, commerce.warn)


def minding_texts(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Texts that the provider refused at once: what that says of the number, and a call where one may do."""
    refused = [row for name in phones_of(manifests.find()) for row in manifests.module(name, "taxonomy").ERRORS.items()]
    codes = [[str(code) for code, row in refused if row.fate == fate] for fate in ("stopped", "invalid", "call")]

    async def mind(connection: Any) -> None:
        for row in await connection.fetch(phoning.mind_refused, *codes):
            await published(row[0])

    return mind


def poking_accounts(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Connected calendars whose time to be asked has come, or whose watch is to be renewed; CRMs; mailing lists."""

    async def poke(connection: Any) -> None:
        for due in (calendars.poke_due, records.poke_due, marketing.poke_due):
            if await connection.fetchval(due):
                await published("[]")

    return poke


def probing_mail(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Providers of mail of whom nothing was heard for minutes, and those that are down: a worker asks them."""

    async def probe(connection: Any) -> None:
        if await connection.fetchval(mailing.poke_probes):
            await published("[]")

    return probe


def minding(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Endpoints that fail for long: their owners are warned, in the end they are switched off. Client certificates that
    come to their end: their owners are warned in time."""

    async def mind(connection: Any) -> None:
        for statement in (queries.mind_failing, queries.mind_certificates):
            for row in await connection.fetch(statement):
                await published(row["nudge"])

    return mind


def judging_connections(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Accounts that were not judged for 30 seconds (10 on a wedding day), by their own traffic."""

    async def judge(connection: Any) -> None:
        for row in await connection.fetch(accounts.judge_connections):
            await published(row["nudge"])

    return judge


def telling_of_modes(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Weddings that are near are told of a mode once, and once that it is over."""
    return one_by_one(published, modes.weddings_of_modes, modes.tell_of_modes)


def planning_freezes(settings: Settings) -> Tick:
    """The stretches in which the platform is frozen, for the database to refuse by itself; said when it changes."""
    last: list[bool] = [False]

    async def plan(connection: Any) -> None:
        found = await freeze.plan(connection.fetchval, settings)
        if found.is_frozen != last[0]:
            log.info("freeze_entered" if found.is_frozen else "freeze_left", reason=found.reason)
        last[0] = found.is_frozen

    return plan


async def sample_sizes(connection: Any) -> None:
    """How large the tables are today: their growth is told from it."""
    await connection.fetchval(database.sample)


async def make_partitions(connection: Any) -> None:
    """Three months ahead there is always a place for events."""
    made = await connection.fetchval(queries.make_partitions)
    if made:
        log.info("partitions_made", partitions=made)


async def check_density(connection: Any) -> None:
    """The log of every stream is dense: a hole would be a lost fact, so it is an error for the operator."""
    for row in await connection.fetch(queries.sparse_streams, DENSITY_WINDOW):
        log.error("stream_not_dense", **{key: str(value) for key, value in row.items()})


def queue_watch() -> Tick:
    """Says once when a lane's oldest job has waited too long, and once when it no longer has."""
    waiting: set[int] = set()

    async def watch(connection: Any) -> None:
        ages = {row["lane"]: row["oldest_s"] for row in await connection.fetch(queries.queue_ages)}
        late = {lane for lane, oldest_s in ages.items() if oldest_s > PATIENCE_S[lane]}
        for lane in late - waiting:
            log.warning("lane_waits", lane=Lane(lane).name.lower(), oldest_s=round(ages[lane], 1))
        for lane in waiting - late:
            log.info("lane_flows", lane=Lane(lane).name.lower())
        waiting.clear()
        waiting.update(late)

    return watch
