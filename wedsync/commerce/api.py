"""The JSON door of plans and usage."""

from datetime import date
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import Parameter

from wedsync.commerce import model, reading
from wedsync.kit import clock
from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.web.context import Context, invalid

DAYS_MAX: Final = 400
Since = Annotated[date | None, Parameter(description="The first day (UTC); 30 days before `until` where absent.")]
Until = Annotated[date | None, Parameter(description="The last day (UTC), included; today where absent.")]


class Plans(msgspec.Struct, frozen=True, kw_only=True):
    """All tiers, the smallest first."""

    items: list[model.Plan]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Days on which something was used, oldest first."""

    items: list[model.UsageDay]


@get(
    "/api/v1/plans",
    summary="Plans",
    description="The tiers of this installation and what each holds; null is no limit. Couples are never limited.",
)
async def list_plans(ctx: Context) -> Plans:
    """For everybody."""
    async with ctx.door.bare(ANONYMOUS) as tx:
        return Plans(items=await reading.plans(tx))


@get(
    "/api/v1/suppliers/{supplier_id:uuid}/plan",
    summary="Plan of a business",
    description="What it has, what it uses, and how each limit stands: open, near (eight tenths), reached, or free of "
    "any. For owners and admins.",
)
async def get_plan(ctx: Context, actor: Actor, supplier_id: UUID) -> model.Report:
    """API calls are some seconds behind."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return await reading.report(tx)


@get(
    "/api/v1/suppliers/{supplier_id:uuid}/usage",
    summary="Usage of a business",
    description="API calls and text messages by day. For owners and admins.",
)
async def get_usage(ctx: Context, actor: Actor, supplier_id: UUID, since: Since = None, until: Until = None) -> Usage:
    """At most 400 days in one answer."""
    last = until or clock.now().date()
    first = since or date.fromordinal(max(1, last.toordinal() - 29))  # the calendar has a first day
    if not 0 <= (last - first).days < DAYS_MAX:
        raise invalid("since", f"is not within {DAYS_MAX} days before until", "Ask for a shorter time.")
    async with ctx.door.enter(actor, supplier_id) as tx:
        return Usage(items=await reading.usage(tx, first, last))


ROUTES = (list_plans, get_plan, get_usage)
