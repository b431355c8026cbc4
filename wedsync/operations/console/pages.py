"""The operator's console: today at a glance, the stream of events, what was given up, tenants, refusals and acts."""

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit import clock
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError
from wedsync.operations import drawing, security
from wedsync.operations.console import actions, model, reading
from wedsync.operations.freeze import actions as freeze
from wedsync.operations.health import reading as health
from wedsync.operations.platform import entered
from wedsync.operations.shell import BASE, MODE, operator_shell
from wedsync.operations.slo import actions as alerts
from wedsync.operations.slo import reading as slo
from wedsync.operations.status import actions as status
from wedsync.operations.status import windows
from wedsync.web import forms, respond
from wedsync.web.context import Context, invalid
from wedsync.web.forms import AnyRequest, signed_in

PHASES: Final = {
    "planning": ("Planned", ""),
    "readiness": ("Getting ready", ""),
    "soft_freeze": ("Soft freeze", "info"),
    "supplier_confirm": ("Suppliers confirm", "info"),
    "hard_freeze": ("Hard freeze", "wait"),
    "live": ("Live", "accent"),
    "stand_down": ("Stand-down", "good"),
    "aftercare": ("Over", ""),
}
CHANNELS: Final = 8
TYPES: Final = 12
ACTS: Final = {
    "deliveries.replayed": "Sent again what was given up",
    "work.raised": "Let work run again",
    "announcement.made": "Announced",
    "announcement.changed": "Said more of what was announced",
}


@get(BASE, include_in_schema=False)
async def today(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """The board; as a part of the page it is drawn anew every few seconds."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        known = await _today(ctx, tx)
        waiting = await alerts.waiting(tx)
    shell = operator_shell(request, ctx, actor, "today", waiting=waiting)
    template = "operations/_today.html" if forms.is_fragment(request) else "operations/today.html"
    return respond.html(template, shell, **today_values(**known, now=shell.now))


async def _today(ctx: Context, tx: Tx) -> dict[str, Any]:
    return {
        "board": await reading.board(tx),
        "found": await health.health(tx, ctx.settings),
        "promises": await slo.slo(tx),
        "raised": [one for one in await alerts.alerts(tx) if one.ended_at is None],
        "stream": await reading.stream(tx),
        "dead": await reading.dead_letters(tx),
        "verdict": await freeze.verdict(tx.value, ctx.settings),
        "proposed": await status.proposed(tx, ctx.settings),
    }


def today_values(
    *,
    board: model.Board,
    found: health.Health,
    promises: slo.Slo,
    raised: list[alerts.PlatformAlert],
    stream: model.Stream,
    dead: model.DeadLetters,
    verdict: Any,
    proposed: list[windows.Proposal],
    now: datetime,
) -> dict[str, Any]:
    """What the template needs."""
    drawn = drawing.values(found, [], promises)
    channels = [one for one in found.signals if one.kind == "channel"]
    channels.sort(key=lambda one: (-(one.error_rate_now or 0.0), -one.results, one.name))
    return {
        "board": board,
        "weddings": [(one, *PHASES[one.phase], _local(one, now), _calls(one)) for one in board.weddings],
        "live": sum(one.phase == "live" for one in board.weddings),
        "calls": sum(one.open for one in board.weddings),
        "status": drawn["status"],
        "troubles": drawn["troubles"][:CHANNELS],
        "parts": len(found.parts),
        "promises": drawn["promises"],
        "channels": [(one, drawing.spark(one)) for one in channels[:CHANNELS]],
        "raised": raised[:CHANNELS],
        "raised_whole": len(raised),
        "stream": stream,
        "dead": dead,
        "work": sum(one.dead for one in dead.work),
        "verdict": verdict,
        "proposed": proposed,
    }


def _local(one: model.BoardLine, now: datetime) -> str:
    """Since when or until when, by the clocks of the venue."""
    times = windows.local(one.live_from, one.zone), windows.local(one.live_until, one.zone)
    return f"{times[0]} to {times[1]}, it is {windows.local(now, one.zone)} there"


def _calls(one: model.BoardLine) -> list[tuple[str, str]]:
    counts = (("P0", one.p0, "bad"), ("P1", one.p1, "bad"), ("P2", one.p2, "wait"), ("P3", one.p3, ""))
    return [(f"{number} {name}", tone) for name, number, tone in counts if number]


@get(MODE, include_in_schema=False)
async def mode(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """Whether it is a wedding day, as it stands at the head of every page."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        waiting = await alerts.waiting(tx)
    return respond.html("_mode.html", operator_shell(request, ctx, actor, "today", waiting=waiting))


@get(f"{BASE}/events", include_in_schema=False)
async def events(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """The newest, by type, lane and id; as a part of the page every two seconds."""
    asked = {name: request.query_params.get(name, "").strip() for name in ("type", "lane", "id")}
    if len(asked["type"]) > 80:
        raise invalid("type", "is no type of event")
    async with entered(ctx, signed_in(request, actor)) as tx:
        found = await reading.stream(tx, type=asked["type"], lane=asked["lane"], id=_id(asked["id"]))
        waiting = await alerts.waiting(tx)
    shell = operator_shell(request, ctx, actor, "events", waiting=waiting)
    template = "operations/_events.html" if forms.is_fragment(request) else "operations/events.html"
    return respond.html(template, shell, **event_values(found, asked))


def event_values(found: model.Stream, asked: dict[str, str]) -> dict[str, Any]:
    """What the template needs."""
    query = urlencode({name: value for name, value in asked.items() if value})
    most = max((one.times for one in found.types), default=1)
    return {
        "stream": found,
        "types": [(one, round(100 * one.times / most, 1)) for one in found.types[:TYPES]],
        "asked": asked,
        "lanes": [("", "Every lane"), *((name, name.capitalize()) for name in model.LANES)],
        "source": f"{BASE}/events?{query}" if query else f"{BASE}/events",
        "looked_max": model.LOOKED,
    }


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise invalid("id", "is no id", "Paste the whole id of a wedding, a business or an event.") from error


@get(f"{BASE}/dead-letters", include_in_schema=False)
async def dead_letters(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """What was given up, by where it was owed to and by what it was."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        found = await reading.dead_letters(tx)
        waiting = await alerts.waiting(tx)
    shell = operator_shell(request, ctx, actor, "dead-letters", waiting=waiting)
    return respond.html("operations/dead_letters.html", shell, found=found, replayed=_count(request))


def _count(request: AnyRequest) -> int | None:
    text = request.query_params.get("replayed", "")
    return int(text) if text.isdigit() and len(text) <= 6 else None


@post(f"{BASE}/dead-letters/{{destination_id:uuid}}/replay", include_in_schema=False)
async def replay(request: AnyRequest, ctx: Context, actor: Actor, destination_id: UUID) -> Response[Any]:
    """Once more, with a reason that stays on record."""
    asked = await _reason(request)
    async with entered(ctx, signed_in(request, actor)) as tx:
        made = await actions.replay(tx, destination_id, asked)
    return respond.done(request, f"{BASE}/dead-letters?replayed={made.replayed}")


@post(f"{BASE}/dead-letters/work", include_in_schema=False)
async def raise_work(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """Reactions and work of one name, once more."""
    form = await forms.read(request)
    asked = await _reason(request)
    async with entered(ctx, signed_in(request, actor)) as tx:
        made = await actions.raise_work(tx, form.text("kind")[:20], form.text("name")[:100], asked)
    return respond.done(request, f"{BASE}/dead-letters?replayed={made.replayed}")


async def _reason(request: AnyRequest) -> model.Replay:
    form = await forms.read(request)
    words = {"reason": FieldError("reason", "says too little or too much", "Write 3 to 300 characters.")}
    return forms.checked(model.Replay, {"reason": form.text("reason")}, words)


@get(f"{BASE}/tenants", include_in_schema=False)
async def tenants(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """Plan, use and health of businesses, those in trouble first."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        found = await reading.tenants(tx)
        waiting = await alerts.waiting(tx)
    return respond.html(
        "operations/tenants.html", operator_shell(request, ctx, actor, "tenants", waiting=waiting), found=found
    )


@get(f"{BASE}/security", include_in_schema=False)
async def refusals(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """What was refused to anybody in a day, and what operators did."""
    kind = request.query_params.get("kind", "")
    if kind and kind not in security.KINDS:
        raise invalid("kind", "is no kind of security event")
    async with entered(ctx, signed_in(request, actor)) as tx:
        kinds = await reading.refusal_kinds(tx)
        found = await reading.refusals(tx, kind)
        acts = await reading.acts(tx)
        waiting = await alerts.waiting(tx)
    shell = operator_shell(request, ctx, actor, "security", waiting=waiting)
    return respond.html("operations/console_security.html", shell, **security_values(kinds, found, acts, kind))


def security_values(
    kinds: list[tuple[str, int]], found: list[model.Refused], acts: list[model.Act], kind: str
) -> dict[str, Any]:
    """What the template needs."""
    base = f"{BASE}/security"
    tabs = [("", "Everything", base, sum(times for _, times in kinds))]
    tabs += [(one, one.replace(".", " ").replace("_", " "), f"{base}?kind={one}", times) for one, times in kinds]
    return {
        "tabs": tabs,
        "kind": kind,
        "refusals": [(one, *security.KINDS.get(one.kind, (one.kind, "plain"))) for one in found],
        "acts": [(one, ACTS[one.act]) for one in acts],
        "machine_now": clock.machine_now(),
    }


ROUTES = (today, mode, events, dead_letters, replay, raise_work, tenants, refusals)
