"""The JSON door of the platform: how its parts stand, and which breakers are open; for the operator alone."""

from datetime import datetime
from typing import Literal

import msgspec
from litestar import get

from wedsync.kit.actor import Actor
from wedsync.operations.freeze import actions as freeze
from wedsync.operations.platform import entered
from wedsync.operations.security import queries
from wedsync.web.context import Context, as_struct

Status = Literal["good", "look", "bad"]
WORST: tuple[Status, ...] = ("good", "look", "bad")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A lane of the queue, the clock, deliveries or accounts of one connector. Counts, of no tenant which."""

    part: str
    status: Status
    says: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is that of the worst part."""

    status: Status
    is_frozen: bool
    live_weddings: int
    parts: list[Part]


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """The destinations of one connector together, or one host that several tenants share."""

    kind: Literal["connector", "host"]
    name: str
    state: Literal["closed", "open", "half_open"]
    open_until: datetime | None
    openings: int
    destinations: int
    failing: int


@get(
    "/api/v1/platform/health",
    summary="Health of the platform",
    description="For the operator: the queue by lane, the clock, deliveries and accounts by connector, the freeze.",
)
async def health(ctx: Context, actor: Actor) -> Health:
    """Of this moment; the database's own is at /api/database/health."""
    async with entered(ctx, actor) as tx:
        parts = [as_struct(Part, row) for row in await tx.rows(queries.parts)]
        frozen = await freeze.verdict(tx.value, ctx.settings)
    return Health(
        status=max((one.status for one in parts), key=WORST.index, default="good"),
        is_frozen=frozen.is_frozen,
        live_weddings=frozen.live_weddings,
        parts=parts,
    )


@get(
    "/api/v1/platform/breakers",
    summary="Breakers",
    description="For the operator: of each connector how many destinations fail, and hosts that several tenants share.",
)
async def breakers(ctx: Context, actor: Actor) -> list[Breaker]:
    """A host is named only where more than one tenant uses it, and something was wrong with it."""
    async with entered(ctx, actor) as tx:
        return [as_struct(Breaker, row) for row in await tx.rows(queries.breakers)]


ROUTES = (health, breakers)
