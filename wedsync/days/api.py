"""The JSON door of wedding days: amendments, now and next, who comes and is there, and changes that wait."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import Parameter

from wedsync.days import actions, gates, model, running, weather
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.schedule.actions import planned
from wedsync.web.context import Context, IfMatch, as_struct, expected_version

queries = sql.load("wedsync.days")
WEDDING = "/api/v1/weddings/{wedding_id:uuid}"
AMENDMENTS = f"{WEDDING}/amendments"
ARRIVALS = f"{WEDDING}/arrivals"
HELD = f"{WEDDING}/held-changes"
GATES = f"{WEDDING}/weather-gates"


class AmendmentView(model.Amendment, frozen=True, kw_only=True):
    """An amendment, and how many of those it concerns have confirmed it."""

    asked: int
    confirmed: int
    waiting_for: list[str]


class AmendmentPage(msgspec.Struct, frozen=True, kw_only=True):
    """Amendments, newest first; `next` goes back in as `?cursor=`."""

    items: list[AmendmentView]
    next: str | None = None


class ArrivalPage(msgspec.Struct, frozen=True, kw_only=True):
    """Who comes when, in the order in which they come; all of them, so `next` is null."""

    items: list[model.Arrival]
    next: str | None = None


class GatePage(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of their items; all of them, so `next` is null."""

    items: list[weather.WeatherGate]
    next: str | None = None


class HeldChangePage(msgspec.Struct, frozen=True, kw_only=True):
    """Changes that wait for a second word, or had it, newest first."""

    items: list[model.HeldChange]
    next: str | None = None


@get(
    AMENDMENTS, summary="Amendments", description="What was changed on the day, by whom and why. Needs scope schedule."
)
async def list_amendments(
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    cursor: Annotated[UUID | None, Parameter(description="`next` of the page before")] = None,
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> AmendmentPage:
    """Numbered without a gap."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.amendments, cursor, limit + 1)
        standing = {row["about"]: row for row in await tx.rows(queries.standing)}
    views = [_amendment(row, standing) for row in rows[:limit]]
    return AmendmentPage(items=views, next=str(views[-1].id) if len(rows) > limit else None)


@post(
    AMENDMENTS,
    summary="Amend the plan",
    description="From 24 hours before the first item, by the couple and whoever may edit the timeline. With "
    "`schedule_item_id` that item changes, or is left out by `is_dropped`; `title` with `at_local` puts one in; "
    "`title` alone tells everybody something. Nobody changes or removes an amendment.",
)
async def amend(ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewAmendment) -> AmendmentView:
    """Everybody who sees the schedule reads it at once and is asked to confirm it."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        made = await actions.amend(tx, data)
        row = await tx.row(queries.amendment, made)
    if row is None:
        raise not_found("amendment")
    return _amendment(row, {})


@get(
    f"{WEDDING}/now",
    summary="Now and next",
    description="What happens now and what next, with everything that runs late counted in. Needs scope schedule.",
)
async def now_and_next(ctx: Context, actor: Actor, wedding_id: UUID) -> running.Board:
    """The plan itself stays as it is."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await read_board(tx)


@post(
    f"{WEDDING}/schedule/{{item_id:uuid}}/mark",
    status_code=200,
    summary="Say how far an item is",
    description="Started, done, or so many minutes late, by whoever is responsible for it or leads the day. What "
    "follows is expected later; the plan stays as it is until somebody amends it.",
)
async def mark(ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID, data: model.MarkChange) -> running.Board:
    """Now and next, as it makes them."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await actions.mark(tx, item_id, data)
        return await read_board(tx)


@get(ARRIVALS, summary="Who comes when", description="And whether they are there. A supplier sees its own at least.")
async def list_arrivals(ctx: Context, actor: Actor, wedding_id: UUID) -> ArrivalPage:
    """Of every day of the wedding."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return ArrivalPage(items=[as_struct(model.Arrival, row) for row in await tx.rows(queries.arrivals, None)])


@post(
    ARRIVALS,
    summary="Say when you come",
    description="And whom to ring there on the day. Saying it again replaces it. With `?link_id=` by the couple or "
    "whoever leads the day, for a supplier who told them.",
)
async def confirm_arrival(
    ctx: Context, actor: Actor, wedding_id: UUID, data: model.Confirmation, link_id: UUID | None = None
) -> model.Arrival:
    """409 where there is no such day."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _arrival(tx, await actions.confirm(tx, data, link_id=link_id))


@post(
    f"{ARRIVALS}/{{arrival_id:uuid}}/step",
    status_code=200,
    summary="On my way, on site, ready, left",
    description="By the supplier, or whoever leads the day for them.",
)
async def step_arrival(
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    arrival_id: UUID,
    data: model.ArrivalStep,
    if_match: IfMatch = None,
) -> model.Arrival:
    """Whoever is on site is not looked for any more."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await actions.step(tx, arrival_id, data, version=expected_version(if_match))
        return await _arrival(tx, arrival_id)


@get(HELD, summary="Changes that wait", description="For a second word of the couple's side, and those that had it.")
async def list_held(ctx: Context, actor: Actor, wedding_id: UUID) -> HeldChangePage:
    """For the couple."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return HeldChangePage(items=[_held(row) for row in await tx.rows(queries.held_changes, None)])


@post(
    HELD,
    summary="Ask for a change in the last week",
    description="Of date, places or times. It is made when somebody else of the couple's side confirms it; whoever is "
    "alone confirms it themselves.",
)
async def hold_change(ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewHeldChange) -> model.HeldChange:
    """409 where nothing holds it back, or another one waits."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _one_held(tx, await actions.hold(tx, data))


@post(
    f"{HELD}/{{change_id:uuid}}/confirm", status_code=200, summary="The second word", description="The change is made."
)
async def confirm_change(ctx: Context, actor: Actor, wedding_id: UUID, change_id: UUID) -> model.HeldChange:
    """409 for whoever asked for it, where there is somebody else."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await actions.second(tx, change_id)
        return await _one_held(tx, change_id)


@post(f"{HELD}/{{change_id:uuid}}/withdraw", status_code=200, summary="Take it back", description="Nothing is changed.")
async def withdraw_change(ctx: Context, actor: Actor, wedding_id: UUID, change_id: UUID) -> model.HeldChange:
    """409 where it was decided."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await actions.withdraw(tx, change_id)
        return await _one_held(tx, change_id)


@get(
    GATES,
    summary="Plans for bad weather",
    description="What is out of doors, what is done instead, by when that is decided, and what the forecast says.",
)
async def list_gates(ctx: Context, actor: Actor, wedding_id: UUID) -> GatePage:
    """Needs scope schedule."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return GatePage(items=[_gate(row) for row in await tx.rows(queries.gates, None)])


@post(
    GATES,
    summary="Plan for bad weather",
    description="Of one item; said again it replaces what was said, and asks for the forecast anew. By the couple and "
    "whoever may edit the timeline, who are asked once the forecast is beyond one of the limits.",
)
async def put_gate(ctx: Context, actor: Actor, wedding_id: UUID, data: weather.NewGate) -> weather.WeatherGate:
    """409 where the moment of the decision has passed."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _one_gate(tx, await gates.put(tx, data))


@post(
    f"{GATES}/{{gate_id:uuid}}/decide",
    status_code=200,
    summary="Decide about the weather",
    description="Keep it as planned, or take the plan for bad weather. From 24 hours before the first item that is an "
    "amendment, which everybody reads and confirms.",
)
async def decide_gate(
    ctx: Context, actor: Actor, wedding_id: UUID, gate_id: UUID, data: weather.GateDecision
) -> weather.WeatherGate:
    """409 where it was decided."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await gates.decide(tx, gate_id, data)
        return await _one_gate(tx, gate_id)


@delete(f"{GATES}/{{gate_id:uuid}}", summary="No plan for bad weather", description="The item stays as it is.")
async def remove_gate(ctx: Context, actor: Actor, wedding_id: UUID, gate_id: UUID) -> None:
    """404 where there is none."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await gates.remove(tx, gate_id)


async def read_board(tx: Tx) -> running.Board:
    """How the day of the entered wedding stands now. Raises Refusal 404 for a stranger."""
    about = await tx.row(queries.about)
    if about is None:
        raise not_found("wedding")
    items = list(planned(await tx.rows(queries.plan)).values())
    marks = [as_struct(model.ItemMark, row) for row in await tx.rows(queries.marks)]
    return running.board(items, marks, about["now"])


def _amendment(row: Row, standing: dict[str, Row]) -> AmendmentView:
    stands = standing.get(f"amendments:{row['id']}")
    given: dict[str, Any] = dict(row) | {name: msgspec.json.decode(row[name]) for name in ("before", "after")}
    counted: dict[str, Any] = {"asked": 0, "confirmed": 0, "waiting_for": []} if stands is None else dict(stands)
    return AmendmentView(**{name: (given | counted)[name] for name in AmendmentView.__struct_fields__})


async def _arrival(tx: Tx, arrival_id: UUID) -> model.Arrival:
    row = await tx.row(queries.arrival, arrival_id)
    if row is None:
        raise not_found("arrival")
    return as_struct(model.Arrival, row)


def _held(row: Row) -> model.HeldChange:
    given = dict(row) | {"fields": msgspec.json.decode(row["fields"])}
    return model.HeldChange(**given)


def _gate(row: Row) -> weather.WeatherGate:
    return weather.WeatherGate(**{name: row[name] for name in weather.WeatherGate.__struct_fields__})


async def _one_gate(tx: Tx, gate_id: UUID) -> weather.WeatherGate:
    row = await tx.row(queries.gates, gate_id)
    if row is None:
        raise not_found("weather gate")
    return _gate(row)


async def _one_held(tx: Tx, change_id: UUID) -> model.HeldChange:
    row = await tx.row(queries.held_changes, change_id)
    if row is None:
        raise not_found("change")
    return _held(row)


ROUTES = (
    *(list_amendments, amend, now_and_next, mark, list_arrivals, confirm_arrival, step_arrival),
    *(list_held, hold_change, confirm_change, withdraw_change),
    *(list_gates, put_gate, decide_gate, remove_gate),
)
