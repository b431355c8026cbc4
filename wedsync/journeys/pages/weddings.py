"""One wedding on its way, for its supplier: every step with its day and why; and what a couple gets, for the couple."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.journeys import enrolling, milestones, model, preview, view
from wedsync.journeys.actions import queries
from wedsync.journeys.pages.studio import of_wedding
from wedsync.journeys.preview import StepView
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings.shell import couple_shell

WEDDING: Final = "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/journeys"
COUPLE: Final = "/me/{wedding_id:uuid}/journeys"
ACTS: Final = {"pause": enrolling.pause, "resume": enrolling.resume, "stop": enrolling.stop}
SHOWN_TO_COUPLE: Final = frozenset({"mail", "text", "form", "review"})
COMES: Final = frozenset({"planned", "held", "due", "sent", "done"})
"""What a couple is shown: what came and what comes; why something does not is between the supplier and us."""


@get(WEDDING, include_in_schema=False)
async def wedding(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """What was sent, what comes, and why not."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings", wedding_id=wedding_id)
        known = await of_wedding(tx)
    async with ctx.door.enter(actor, wedding_id) as tx:
        whose = await enrolling.about(tx, await _link(tx, supplier_id))
        found = [await _seen(tx, row, whose["time_zone"]) for row in await _enrolments(tx, whose["link_id"])]
        passed = await enrolling.milestones(tx, whose["link_id"])
    on_it = {one["journey_id"] for one in found if one["state"] != "stopped"}
    return respond.html(
        "journeys/wedding.html",
        shell,
        path=f"/studio/{supplier_id}/weddings/{wedding_id}",
        couple=whose["couple_names"],
        enrolments=found,
        enrolled=view.ENROLLED,
        free=[(key, name) for key, name in known if key not in on_it],
        milestones=[(model.MILESTONES[one.name], one.reached_at) for one in passed],
        is_final="final_details" in {one.name for one in passed},
    )


@post(WEDDING, include_in_schema=False)
async def enrol(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Response[Any]:
    """Begin a journey here."""
    form = await forms.read(request)
    try:
        journey_id = UUID(form.text("journey"))
    except ValueError as error:
        raise not_found("journey") from error
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await enrolling.enrol(tx, await _link(tx, supplier_id), journey_id, restarts=True)
    return respond.done(request, _page(supplier_id, wedding_id))


@post(f"{WEDDING}/details", include_in_schema=False)
async def details(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """The final details are in, or not after all."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        link_id = await _link(tx, supplier_id)
        await milestones.say(tx, link_id, "final_details", is_reached=form.on("reached"))
    return respond.done(request, _page(supplier_id, wedding_id))


@post(f"{WEDDING}/{{enrolment_id:uuid}}/{{act:str}}", include_in_schema=False)
async def act_on(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    wedding_id: UUID,
    enrolment_id: UUID,
    act: str,
) -> Response[Any]:
    """Let it rest, go on, end it for this wedding."""
    if act not in ACTS:
        raise not_found("page")
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await ACTS[act](tx, enrolment_id)
    return respond.done(request, _page(supplier_id, wedding_id))


@get(COUPLE, include_in_schema=False)
async def of_couple(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """What each supplier has sent and will send, and whether offers may come."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        found = [await _for_couple(tx, row) for row in await tx.rows(queries.offers, None)]
    return respond.html("journeys/couple.html", shell, suppliers=found)


@post(f"{COUPLE}/{{link_id:uuid}}", include_in_schema=False)
async def choose(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, link_id: UUID) -> Response[Any]:
    """Offers, or none: each of the couple for themselves."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await enrolling.offers(tx, link_id, wanted=form.on("wanted"))
    return respond.done(request, f"/me/{wedding_id}/journeys")


async def _for_couple(tx: Tx, row: Any) -> dict[str, Any]:
    whose = await enrolling.about(tx, row["link_id"])
    seen = [await _seen(tx, one, whose["time_zone"], is_couple=True) for one in await _enrolments(tx, row["link_id"])]
    return {
        "id": str(row["link_id"]),
        "name": row["supplier_name"],
        "takes_offers": not row["is_stopped"],
        "steps": [step for one in seen if one["state"] == "active" for step in one["plan"]],
    }


def for_couple(steps: Sequence[StepView]) -> list[StepView]:
    """What reaches them, without our reasons."""
    return [
        msgspec.structs.replace(one, why="", arrived={})
        for one in steps
        if one.kind in SHOWN_TO_COUPLE and one.state in COMES
    ]


async def _enrolments(tx: Tx, link_id: UUID) -> list[Any]:
    return list(await tx.rows(queries.enrolments, link_id))


async def _seen(tx: Tx, row: Any, zone: str, *, is_couple: bool = False) -> dict[str, Any]:
    seen = await preview.enrolment(tx, row)
    steps = for_couple(seen.steps) if is_couple else seen.steps
    return {
        "id": str(seen.id),
        "journey_id": str(seen.journey_id),
        "name": seen.name,
        "state": seen.state,
        "began_at": seen.began_at,
        "plan": view.plan_rows(steps, zone),
    }


async def _link(tx: Tx, supplier_id: UUID) -> UUID:
    found: UUID | None = await tx.value(queries.my_link, supplier_id)
    if found is None:
        raise Refusal(404, "not_found", "There is no such wedding, or you do not work for it.")
    return found


def _page(supplier_id: UUID, wedding_id: UUID) -> str:
    return f"/studio/{supplier_id}/weddings/{wedding_id}/journeys"


ROUTES = (wedding, enrol, details, act_on, of_couple, choose)
