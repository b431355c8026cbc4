"""The operator's JSON door to mail: who sends now, how each provider is, what became of mails, and who gets none."""

from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter
from msgspec import Meta

from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.mailing import health
from wedsync.connections.mailing.health import Health
from wedsync.connections.mailing.kept import queries
from wedsync.consents import sealed
from wedsync.kit import clock
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import not_found
from wedsync.web.context import Context

PLATFORM: Final = UUID("00000000-0000-7000-8000-000000000000")
Hours = Annotated[int, Parameter(ge=1, le=720, description="How many hours of figures.")]


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One provider as all workers see it. `position` is its place in the chain; null: it is not set up any more.

    `state` is `well`; `resting`, asked by it to wait; `down`; or `trying`, down until a mail has been taken. Some
    seconds behind: that all goes well is noted every half minute.
    """

    name: str
    title: str
    position: int | None
    state: str
    reason: str
    changed_at: datetime
    succeeded_at: datetime | None
    failed_at: datetime | None
    probed_at: datetime | None
    took_ms: float | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of the mails that anything is known of after they left: hooks came, or another provider stood in."""

    mails: int
    delivered: int
    delayed: int
    failed: int
    bounced: int
    complained: int
    failed_over: int
    possible_duplicates: int
    suppressed_addresses: int


class Mailing(msgspec.Struct, frozen=True, kw_only=True):
    """`sends_now` takes the next mail; null: no worker has told its chain yet."""

    sends_now: str | None
    providers: list[Provider]
    hours: int
    figures: Figures


class Lift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The address that takes mail after all."""

    email: Annotated[str, Meta(min_length=3, max_length=254)]


@get(
    "/api/v1/platform/mail",
    summary="How mail is",
    description="For the operator: the chain of providers, how each is, who sends now, and what became of mails.",
)
async def mailing(ctx: Context, desk: Desk, actor: Actor, hours: Hours = 24) -> Mailing:
    """404 for everybody but the operator."""
    now = clock.machine_now()
    async with ctx.door.enter(actor, PLATFORM) as tx:
        rows = await tx.rows(queries.providers)
        figures = await tx.row(queries.figures, now - timedelta(hours=hours))
    if figures is None:
        raise not_found("item")
    at = now.timestamp()
    healths = {row["name"]: msgspec.json.decode(row["health"], type=Health) for row in rows}
    names = [row["name"] for row in rows if row["position"] is not None]
    titles = {name: manifest.title for name, manifest in desk.host.manifests.items()}
    return Mailing(
        sends_now=next(iter(health.order(names, healths, now=at)), None),
        providers=[_provider(row, healths[row["name"]], titles, at) for row in rows],
        hours=hours,
        figures=Figures(**dict(figures)),
    )


@post(
    "/api/v1/platform/mail/lift",
    status_code=204,
    summary="Let an address take mail again",
    description="For the operator, when somebody's mailbox is there after all. What its owner asked for or reported "
    "still holds for invitations.",
)
async def lift(ctx: Context, actor: Actor, data: Lift) -> None:
    """404 for everybody but the operator, and for an address that takes mail."""
    async with ctx.door.enter(actor, PLATFORM) as tx:
        if not await tx.value(queries.lift, sealed.indexes(ctx.ring, data.email)):
            raise not_found("address")


def _provider(row: Row, known: Health, titles: dict[str, str], at: float) -> Provider:
    return Provider(
        title=titles.get(row["name"], row["name"]),
        state=_state(known, at),
        **{name: row[name] for name in Provider.__struct_fields__ if name not in ("title", "state")},
    )


def _state(known: Health, at: float) -> str:
    may_try = health.may_try(known, now=at)
    if health.is_down(known, now=at):
        return "trying" if may_try else "down"
    return "well" if may_try else "resting"


ROUTES = (mailing, lift)
