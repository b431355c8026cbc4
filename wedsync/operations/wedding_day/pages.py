"""Pages of the protocol: what is missing before the day, what to do when somebody does not come, and the day pack."""

from typing import Any
from uuid import UUID

from litestar import Response, get

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.operations.platform import entered
from wedsync.operations.shell import BASE, operator_shell
from wedsync.operations.slo import actions as alerts
from wedsync.operations.wedding_day import pack
from wedsync.operations.wedding_day.reading import afterwards, as_file, judged, missing, today
from wedsync.schedule.model import local_of
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import respond
from wedsync.web.context import Context
from wedsync.web.formats import clock
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings.shell import couple_shell

STUDIO = "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}"


@get("/me/{wedding_id:uuid}/readiness", include_in_schema=False)
async def show_readiness(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The score, and what it is made of."""
    return await _readiness("operations/readiness.html", request, ctx, actor, wedding_id)


@get("/me/{wedding_id:uuid}/fragments/readiness", include_in_schema=False)
async def readiness_fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The same, when something of it changed."""
    return await _readiness("operations/_readiness.html", request, ctx, actor, wedding_id)


@get("/me/{wedding_id:uuid}/day/missing/{arrival_id:uuid}", include_in_schema=False)
async def show_missing(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, arrival_id: UUID
) -> Response[Any]:
    """Whom to ring, what is held up, who could stand in."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "schedule")
        found = await missing(tx, arrival_id)

    def local(at: Any) -> str:
        return clock(local_of(at, found.zone)[1], found.zone)

    delayed = [
        (d.title, local(d.planned_at), local(d.expected_at)) for d in (*found.impact.theirs, *found.impact.others)
    ]
    return respond.html("operations/missing.html", shell, one=found, expected=local(found.expected_at), delayed=delayed)


@get("/me/{wedding_id:uuid}/day-pack", include_in_schema=False)
async def couple_pack(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[bytes]:
    """As it is now, to keep."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        return await _pack(ctx, tx)


@get(f"{STUDIO}/day-pack", include_in_schema=False)
async def supplier_pack(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[bytes]:
    """What this supplier may see of it."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        return await _pack(ctx, tx)


@get("/me/{wedding_id:uuid}/afterwards", include_in_schema=False)
async def couple_afterwards(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """What is still open, whose it is, and by when."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "schedule")
        found = await afterwards(tx)
    return respond.html("operations/afterwards.html", shell, found=found, up=(f"/me/{wedding_id}/day", "The day"))


@get(f"{STUDIO}/afterwards", include_in_schema=False)
async def supplier_afterwards(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """A supplier's own part of it."""
    who = signed_in(request, actor)
    async with ctx.door.enter(who, supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings")
    async with ctx.door.enter(who, wedding_id) as tx:
        found = await afterwards(tx)
    up = (f"/studio/{supplier_id}/weddings/{wedding_id}/day", "The day")
    return respond.html("operations/afterwards.html", shell, found=found, up=up)


@get(f"{BASE}/days", include_in_schema=False)
async def operators_days(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """What is live, and what is spared for it."""
    who = signed_in(request, actor)
    async with entered(ctx, who) as tx:
        found, waiting = await today(tx), await alerts.waiting(tx)
    return respond.html("operations/days.html", operator_shell(request, ctx, who, "days", waiting=waiting), found=found)


async def _pack(ctx: Context, tx: Tx) -> Response[bytes]:
    return as_file(await pack.made(tx, ctx.ring))


async def _readiness(name: str, request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "schedule")
        found = await judged(tx)
    return respond.html(name, shell, found=found)


ROUTES = (
    *(show_readiness, readiness_fragment, show_missing, couple_pack, supplier_pack),
    *(couple_afterwards, supplier_afterwards, operators_days),
)
