"""The supplier's pages: its journeys, the editor of one with a look at a real wedding, and who is on the way."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.journeys import actions, model, preview, starters, view
from wedsync.journeys.actions import queries
from wedsync.journeys.model import Journey, JourneyChange, NewJourney, Step
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in

PAGE: Final = "/studio/{supplier_id:uuid}/journeys"
ONE: Final = f"{PAGE}/{{journey_id:uuid}}"
SHOWN: Final = 50
WRONG: Final = {
    "name": FieldError("name", "is missing, or longer than 120 letters", "Give it a name."),
    "title": FieldError("title", "is missing, or longer than 120 letters", "Say in a few words what happens."),
    "at": FieldError("at", "is no time", "Write it like 10:00."),
    "days": FieldError("days", "are too many", "Up to 1,100 days are possible."),
    "days_max": FieldError("days_max", "are too many", "Up to 730 days are possible."),
    "due_days": FieldError("due_days", "are too many", "Up to 365 days are possible."),
    "call": FieldError("call", "has letters that no name has", "Use small letters, digits, dots and dashes."),
    "words": FieldError("words", "are too long", "Six thousand letters are possible."),
    "subject": FieldError("subject", "is too long", "Two hundred letters are possible."),
}


@get(PAGE, include_in_schema=False)
async def journeys(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """All of them, and what to begin from."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings")
        found = await actions.page(tx, None, SHOWN)
        role = await tx.value(queries.role)
    return respond.html(
        "journeys/journeys.html",
        shell,
        journeys=[view.summary(one) for one in found],
        starters=[(key, one.name, len(one.steps)) for key, one in starters.STARTERS.items()],
        may_write=role in actions.LEADERS,
    )


@post(PAGE, include_in_schema=False)
async def make(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """From a template, or empty; it begins for nobody before somebody has read it."""
    form = await forms.read(request)
    chosen = starters.STARTERS.get(form.text("from"))
    new = chosen or NewJourney(name="New journey", steps=[view.FRESH["mail"]])
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        made = await actions.add(tx, msgspec.structs.replace(new, starts="by_hand"))
    return respond.done(request, f"/studio/{supplier_id}/journeys/{made}")


@get(ONE, include_in_schema=False)
async def journey(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, journey_id: UUID
) -> Response[Any]:
    """Its steps as rows, a look at a real wedding, and the weddings on it."""
    return await _page(request, ctx, signed_in(request, actor), supplier_id, journey_id)


@post(ONE, include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, journey_id: UUID) -> Response[Any]:
    """Its name, when it begins, whether it is switched on."""
    form = await forms.read(request)
    given = {"name": form.text("name"), "starts": form.text("starts"), "is_active": form.on("is_active")}
    return await _written(
        request,
        ctx,
        actor,
        (supplier_id, journey_id),
        form,
        lambda _: forms.checked(JourneyChange, given, WRONG),
    )


@post(f"{ONE}/steps", include_in_schema=False)
async def add_step(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, journey_id: UUID
) -> Response[Any]:
    """At the end, filled with something to write over."""
    form = await forms.read(request)
    fresh = view.FRESH.get(form.text("kind"))
    if fresh is None:
        raise not_found("page")
    return await _written(
        request,
        ctx,
        actor,
        (supplier_id, journey_id),
        form,
        lambda one: JourneyChange(steps=[*one.steps, fresh]),
    )


@post(f"{ONE}/steps/{{key:str}}/{{act:str}}", include_in_schema=False)
async def change_step(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, journey_id: UUID, key: str, act: str
) -> Response[Any]:
    """Save one, move it up or down, take it out."""
    form = await forms.read(request)
    acts: Mapping[str, Callable[[Journey], list[Step]]] = {
        "save": lambda one: view.replaced(one.steps, _typed(form, one, key)),
        "up": lambda one: view.moved(one.steps, key, -1),
        "down": lambda one: view.moved(one.steps, key, 1),
        "remove": lambda one: view.without(one.steps, key),
    }
    if act not in acts:
        raise not_found("page")
    return await _written(
        request,
        ctx,
        actor,
        (supplier_id, journey_id),
        form,
        lambda one: JourneyChange(steps=acts[act](one)),
        open_key=key,
    )


@post(f"{ONE}/begin", include_in_schema=False)
async def begin(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, journey_id: UUID) -> Response[Any]:
    """All weddings ahead, or only those on it, which then follow this version."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        await actions.begin(tx, journey_id, None, is_update=form.on("is_update"))
    return respond.done(request, f"/studio/{supplier_id}/journeys/{journey_id}#weddings")


@post(f"{ONE}/remove", include_in_schema=False)
async def remove(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, journey_id: UUID) -> Response[Any]:
    """Weddings on their way stay on it."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        await actions.remove(tx, journey_id, version=form.number("version"))
    return respond.done(request, f"/studio/{supplier_id}/journeys")


def _typed(form: Form, journey: Journey, key: str) -> Step:
    step = next((one for one in journey.steps if one.key == key), None)
    if step is None:
        raise not_found("step")
    return forms.checked(Step, view.from_form(form, step), WRONG)


async def _written(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    place: tuple[UUID, UUID],
    form: Form,
    wanted: Callable[[Journey], JourneyChange],
    *,
    open_key: str = "",
) -> Response[Any]:
    """Back to the page; with what is wrong where it was refused."""
    supplier_id, journey_id = place
    try:
        async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
            change = wanted(await actions.one(tx, journey_id))
            await actions.change(tx, journey_id, change, version=form.number("version"))
    except Refusal as refusal:
        if refusal.status not in (412, 422):
            raise
        return await _page(request, ctx, actor, supplier_id, journey_id, refusal=refusal, form=form, open_key=open_key)
    return respond.done(request, f"/studio/{supplier_id}/journeys/{journey_id}")


async def _page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    journey_id: UUID,
    *,
    refusal: Refusal | None = None,
    form: Form | None = None,
    open_key: str = "",
) -> Response[Any]:
    async with ctx.door.enter(actor, supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings")
        one = await actions.one(tx, journey_id)
        role = await tx.value(queries.role)
        ahead = await tx.rows(queries.weddings_ahead)
        on_it = await tx.rows(queries.enrolments_of, journey_id, None, SHOWN)
    asked = request.query_params.get("wedding", "")
    chosen = next((w for w in ahead if str(w["wedding_id"]) == asked), ahead[0] if ahead else None)
    rows = [view.step_row(n, step, one.steps) for n, step in enumerate(one.steps, 1)]
    if form is not None and open_key:
        _keep_typed(rows, form, open_key)
    said = refusal.errors[0].fix or refusal.detail if refusal is not None and refusal.errors else ""
    return respond.html(
        "journeys/journey.html",
        shell,
        code=refusal.status if refusal is not None else 200,
        path=f"/studio/{supplier_id}/journeys/{journey_id}",
        journey=one,
        rows=rows,
        open_key=open_key,
        said=said or (refusal.detail if refusal is not None else ""),
        options=OPTIONS,
        may_write=role in actions.LEADERS,
        weddings=[(str(w["wedding_id"]), w["couple_names"]) for w in ahead],
        chosen="" if chosen is None else str(chosen["wedding_id"]),
        plan=[] if chosen is None else await _plan(ctx, actor, supplier_id, chosen["wedding_id"], one),
        on_it=[_on_it(row) for row in on_it],
        enrolled=view.ENROLLED,
    )


def _keep_typed(rows: list[dict[str, Any]], form: Form, key: str) -> None:
    """What was typed is shown again where it was refused."""
    for row in rows:
        if row["key"] == key:
            row["form"] |= {name: text for name, text in form.items() if name in row["form"]}


async def _plan(ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, one: Journey) -> list[dict[str, Any]]:
    async with ctx.door.enter(actor, wedding_id) as tx:
        found = await preview.of(tx, supplier_id, one.steps)
        return view.plan_rows(found.steps, found.whose["time_zone"])


def _on_it(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("wedding_id", "couple_names", "on", "state", "taken", "failed", "next_at", "journey_version")
    return {name: row[name] for name in kept}


OPTIONS: Final[Mapping[str, Any]] = {
    "kinds": list(model.KINDS.items()),
    "anchors": list(model.ANCHORS.items()),
    "milestones": list(model.MILESTONES.items()),
    "sides": [("before", "before"), ("after", "after")],
    "late": list(view.LATE),
    "starts": view.STARTS,
    "whom": view.WHOM,
    "variables": [f"{{{name}}}" for name in model.VARIABLES],
}


async def of_wedding(tx: Tx) -> list[tuple[str, str]]:
    """The journeys a wedding can begin, inside the supplier's transaction."""
    return [(str(one.id), one.name) for one in await actions.page(tx, None, SHOWN) if one.is_active]


ROUTES = (journeys, make, journey, save, add_step, change_step, begin, remove)
