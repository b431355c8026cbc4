"""A supplier's journeys: made, changed, looked at for a real wedding, begun by many at once."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import Parameter
from msgspec import Meta

from wedsync.journeys import actions, model, preview, starters
from wedsync.journeys.actions import queries
from wedsync.journeys.model import Journey, JourneyChange, NewJourney
from wedsync.journeys.preview import StepView
from wedsync.kit.actor import Actor
from wedsync.web.context import Context, IfMatch, Page, as_struct, expected_version, versioned

JOURNEYS = "/api/v1/suppliers/{supplier_id:uuid}/journeys"
ONE = f"{JOURNEYS}/{{journey_id:uuid}}"
Limit = Annotated[int, Parameter(ge=1, le=200)]
Cursor = Annotated[UUID | None, Parameter(description="`next` of the page before")]


class Begin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which weddings begin it: by their links, or all that are ahead; or those on it follow its newest version."""

    links: Annotated[list[UUID], Meta(max_length=1000)] = []
    all: bool = False
    is_update: bool = False


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """How many weddings are on their way to it; each does so by itself."""

    weddings: int


class OnTheWay(msgspec.Struct, frozen=True, kw_only=True):
    """One wedding on a journey, as its supplier lists them."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    couple_names: str | None
    on: date | None
    journey_version: int
    state: model.State
    reason: str
    next_at: datetime | None
    began_at: datetime
    taken: int
    failed: int


@get(
    "/api/v1/journey-templates",
    summary="Journeys to begin from",
    description="For photographers, venues and planners. Post one, changed or not, to make it yours.",
)
async def list_templates(actor: Actor) -> list[dict[str, Any]]:
    """The same for everybody."""
    return starters.listed()


@get(JOURNEYS, summary="A supplier's journeys", description="Oldest first. For the team.")
async def list_journeys(
    ctx: Context, actor: Actor, supplier_id: UUID, cursor: Cursor = None, limit: Limit = 50
) -> Page:
    """The whole team reads."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        found = await actions.page(tx, cursor, limit)
    return Page(list(found[:limit]), str(found[limit - 1].id) if len(found) > limit else None)


@post(JOURNEYS, summary="Make a journey", description="Steps may be empty. Owners and admins.")
async def add_journey(ctx: Context, actor: Actor, supplier_id: UUID, data: NewJourney) -> Response[Journey]:
    """422 says which step cannot be taken, and why."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        made = await actions.add(tx, data)
        return versioned(await actions.one(tx, made), status=201)


@get(ONE, summary="One journey", description="With its ETag.")
async def get_journey(ctx: Context, actor: Actor, supplier_id: UUID, journey_id: UUID) -> Response[Journey]:
    """For the team."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return versioned(await actions.one(tx, journey_id))


@patch(
    ONE,
    summary="Change a journey",
    description="What is absent stays. A step keeps its `key` for ever; leave it out for a new one. Weddings on their "
    "way keep the version they follow until they are brought to the newest. Owners and admins.",
)
async def change_journey(
    ctx: Context, actor: Actor, supplier_id: UUID, journey_id: UUID, data: JourneyChange, if_match: IfMatch = None
) -> Response[Journey]:
    """412 carries the current row."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.change(tx, journey_id, data, version=expected_version(if_match))
        return versioned(await actions.one(tx, journey_id))


@delete(ONE, summary="Take a journey away", description="Weddings on their way stay on it. Owners and admins.")
async def remove_journey(
    ctx: Context, actor: Actor, supplier_id: UUID, journey_id: UUID, if_match: IfMatch = None
) -> None:
    """It can be made again from its steps."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.remove(tx, journey_id, version=expected_version(if_match))


@post(
    f"{ONE}/begin",
    summary="Have weddings begin a journey",
    description="Named links, or `all` weddings ahead. Whoever is on it already follows its newest version; what was "
    "taken stays taken. `is_update` reaches only those on it. Owners and admins.",
)
async def begin_journey(ctx: Context, actor: Actor, supplier_id: UUID, journey_id: UUID, data: Begin) -> Response[Owed]:
    """202: each wedding does so by itself."""
    links = None if data.all or data.is_update else data.links
    async with ctx.door.enter(actor, supplier_id) as tx:
        owed = await actions.begin(tx, journey_id, links, is_update=data.is_update)
    return Response(Owed(weddings=owed), status_code=202)


@get(f"{ONE}/enrolments", summary="Weddings on a journey", description="Newest first; a member sees those assigned.")
async def list_on_the_way(
    ctx: Context, actor: Actor, supplier_id: UUID, journey_id: UUID, cursor: Cursor = None, limit: Limit = 50
) -> Page:
    """For the team."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.one(tx, journey_id)
        rows = await tx.rows(queries.enrolments_of, journey_id, cursor, limit + 1)
    items = [as_struct(OnTheWay, row) for row in rows[:limit]]
    return Page(list(items), str(items[-1].id) if len(rows) > limit else None)


@get(
    f"{ONE}/preview",
    summary="A journey for a real wedding",
    description="Every step with the day it would be due if the wedding began it now, and why one would not be taken.",
)
async def preview_journey(
    ctx: Context, actor: Actor, supplier_id: UUID, journey_id: UUID, wedding_id: UUID
) -> list[StepView]:
    """Nothing is kept. 404 for a wedding this supplier does not work for."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        journey = await actions.one(tx, journey_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        return (await preview.of(tx, supplier_id, journey.steps)).steps


ROUTES = (
    *(list_templates, list_journeys, add_journey, get_journey, change_journey, remove_journey),
    *(begin_journey, list_on_the_way, preview_journey),
)
