"""One wedding on its way: begin, rest, go on, end; what it has passed; and whether the couple takes offers."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import Parameter

from wedsync.journeys import enrolling, milestones, model, preview
from wedsync.journeys.actions import queries
from wedsync.journeys.preview import EnrolmentView
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.web.context import Context, versioned

LINK = "/api/v1/links/{link_id:uuid}"
ENROLMENT = "/api/v1/enrolments/{enrolment_id:uuid}"
Named = Annotated[str, Parameter(description=", ".join(model.MILESTONES))]


class Enrol(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which journey a wedding begins."""

    journey_id: UUID


class Offers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a person of the couple takes offers and review requests of one supplier."""

    wanted: bool


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """The milestones of one link, oldest first."""

    items: list[model.MilestoneRow]


class OnTheirWay(msgspec.Struct, frozen=True, kw_only=True):
    """The journeys of one link, each with its plan."""

    items: list[EnrolmentView]


@get(
    f"{LINK}/enrolments",
    summary="Journeys of a link",
    description="Each with every step: when it was or is due, what became of it, why one is not taken. For the "
    "supplier and the couple.",
)
async def list_enrolments(ctx: Context, actor: Actor, link_id: UUID) -> OnTheirWay:
    """The plan is made as it stands now."""
    async with ctx.door.enter_at(actor, "links", link_id) as tx:
        await enrolling.about(tx, link_id)
        rows = await tx.rows(queries.enrolments, link_id)
        return OnTheirWay(items=[await preview.enrolment(tx, row) for row in rows])


@post(
    f"{LINK}/enrolments",
    summary="Begin a journey",
    description="For one wedding; whoever is on it follows its newest version, one that was ended goes on. Steps whose "
    "moment has passed are left out unless they say otherwise. For the supplier of the link.",
)
async def enrol(ctx: Context, actor: Actor, link_id: UUID, data: Enrol) -> Response[EnrolmentView]:
    """409 for a journey that is switched off."""
    async with ctx.door.enter_at(actor, "links", link_id) as tx:
        made = await enrolling.enrol(tx, link_id, data.journey_id, restarts=True)
        return await _one(tx, made, status=201)


@get(ENROLMENT, summary="One wedding on a journey", description="With its plan and its ETag.")
async def get_enrolment(ctx: Context, actor: Actor, enrolment_id: UUID) -> Response[EnrolmentView]:
    """For the supplier and the couple."""
    async with ctx.door.enter_at(actor, "enrolments", enrolment_id) as tx:
        return await _one(tx, enrolment_id)


@post(f"{ENROLMENT}/pause", status_code=200, summary="Let a journey rest", description="Nothing is taken meanwhile.")
async def pause(ctx: Context, actor: Actor, enrolment_id: UUID) -> Response[EnrolmentView]:
    """For the supplier of the link."""
    async with ctx.door.enter_at(actor, "enrolments", enrolment_id) as tx:
        await enrolling.pause(tx, enrolment_id)
        return await _one(tx, enrolment_id)


@post(
    f"{ENROLMENT}/resume",
    status_code=200,
    summary="Go on with a journey",
    description="What was due while it rested is past.",
)
async def resume(ctx: Context, actor: Actor, enrolment_id: UUID) -> Response[EnrolmentView]:
    """For the supplier of the link."""
    async with ctx.door.enter_at(actor, "enrolments", enrolment_id) as tx:
        await enrolling.resume(tx, enrolment_id)
        return await _one(tx, enrolment_id)


@post(
    f"{ENROLMENT}/stop",
    status_code=200,
    summary="End a journey",
    description="For this wedding; what was sent stays listed. Begin it again to go on.",
)
async def stop(ctx: Context, actor: Actor, enrolment_id: UUID) -> Response[EnrolmentView]:
    """For the supplier of the link."""
    async with ctx.door.enter_at(actor, "enrolments", enrolment_id) as tx:
        await enrolling.stop(tx, enrolment_id)
        return await _one(tx, enrolment_id)


@get(f"{LINK}/milestones", summary="Milestones of a link", description="What it has passed, oldest first.")
async def list_milestones(ctx: Context, actor: Actor, link_id: UUID) -> Passed:
    """For the supplier and the couple."""
    async with ctx.door.enter_at(actor, "links", link_id) as tx:
        await enrolling.about(tx, link_id)
        return Passed(items=await enrolling.milestones(tx, link_id))


@put(
    f"{LINK}/milestones/{{name:str}}",
    status_code=200,
    summary="Say that a milestone is reached",
    description="`final_details`; the others follow from what happens. For the supplier of the link.",
)
async def say_milestone(ctx: Context, actor: Actor, link_id: UUID, name: Named) -> Passed:
    """Twice is once."""
    return await _said(ctx, actor, link_id, name, is_reached=True)


@delete(
    f"{LINK}/milestones/{{name:str}}",
    status_code=200,
    summary="Say that a milestone is not reached after all",
    description="For the supplier of the link.",
)
async def unsay_milestone(ctx: Context, actor: Actor, link_id: UUID, name: Named) -> Passed:
    """What followed from it stays."""
    return await _said(ctx, actor, link_id, name, is_reached=False)


@put(
    f"{LINK}/offers",
    status_code=200,
    summary="Take offers of a supplier, or not",
    description="Offers and review requests; what belongs to the booking still comes. For each of the couple.",
)
async def put_offers(ctx: Context, actor: Actor, link_id: UUID, data: Offers) -> Offers:
    """Each for themselves."""
    async with ctx.door.enter_at(actor, "links", link_id) as tx:
        await enrolling.offers(tx, link_id, wanted=data.wanted)
    return data


async def _said(ctx: Context, actor: Actor, link_id: UUID, name: str, *, is_reached: bool) -> Passed:
    if name not in model.MILESTONES:
        raise not_found("milestone")
    async with ctx.door.enter_at(actor, "links", link_id) as tx:
        await milestones.say(tx, link_id, name, is_reached=is_reached)
        return Passed(items=await enrolling.milestones(tx, link_id))


async def _one(tx: Tx, enrolment_id: UUID, *, status: int = 200) -> Response[EnrolmentView]:
    row = await tx.row(queries.enrolment, enrolment_id)
    if row is None:
        raise not_found("enrolment")
    return versioned(await preview.enrolment(tx, row), status=status)


ROUTES = (
    *(list_enrolments, enrol, get_enrolment, pause, resume, stop),
    *(list_milestones, say_milestone, unsay_milestone, put_offers),
)
