"""The public page of the platform, and the operator's, where incidents and maintenance are announced."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal
from wedsync.operations.platform import entered
from wedsync.operations.shell import BASE, operator_shell
from wedsync.operations.slo import actions as alerts
from wedsync.operations.status import actions, api, model, windows
from wedsync.operations.status.actions import Kept
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.visitor import plain_shell

PAGE: Final = f"{BASE}/status"
#: state -> (words, tone, the sentence at the head of the page)
STATES: Final[dict[model.State, tuple[str, str, str]]] = {
    "works": ("Works", "good", "Everything works"),
    "planned": ("Maintenance", "info", "Planned maintenance is going on"),
    "unknown": ("Not known", "wait", "We cannot tell how it does just now"),
    "slow": ("Slow", "wait", "Some of it is slow"),
    "partly": ("Works in part", "wait", "Some of it does not work"),
    "down": ("Down", "bad", "A part of it is down"),
}
IMPACTS: Final = tuple((state, STATES[state][0]) for state in ("partly", "slow", "down", "works"))
FINE: Final = 0.999
POOR: Final = 0.99


@get("/status", include_in_schema=False)
async def public(request: AnyRequest, actor: Actor, kept: Kept) -> Response[str]:
    """For anybody; the same for everybody but the look they chose."""
    shell = plain_shell(request)
    found = await kept.status()
    return respond.html("operations/status.html", shell, headers=api.PUBLIC | {"Vary": "Cookie"}, **values(found))


def values(found: model.Status) -> dict[str, Any]:
    """What the template needs."""
    return {
        "status": found,
        "head": STATES[found.state],
        "areas": [(one, *STATES[one.state][:2], _bars(one.days), percent(one.available)) for one in found.areas],
        "open": [(one, *STATES[one.state][:2], _named(one)) for one in found.open],
        "ahead": [(one, _named(one)) for one in found.ahead],
        "past": [(one, _named(one)) for one in found.past],
    }


def _bars(days: list[model.Day]) -> list[tuple[int, str, str]]:
    """(x, kind, words) of each day."""
    return [(x, _kind(one.available), f"{one.on:%d %b}: {percent(one.available)}") for x, one in enumerate(days)]


def _kind(available: float | None) -> str:
    if available is None:
        return "rest"
    return "good" if available >= FINE else "wait" if available >= POOR else "bad"


def percent(share: float | None) -> str:
    """Never rounded up to all of it."""
    if share is None:
        return "nothing was asked of it"
    if share == 1:
        return "100 %"
    return f"{int(share * 100_000) / 1000:.3f} %"


def _named(one: model.Announcement) -> str:
    return ", ".join(model.BY_NAME[name].title for name in one.areas if name in model.BY_NAME)


@get(PAGE, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """What is announced, when to maintain, and what to say."""
    return await _page(request, ctx, actor)


@post(f"{PAGE}/announcements", include_in_schema=False)
async def announce(request: AnyRequest, ctx: Context, actor: Actor, kept: Kept) -> Response[Any]:
    """An incident, or a maintenance at one of the times that are proposed."""
    form = await forms.read(request)
    names = ("kind", "title", "says", "state", "starts_at", "ends_at")
    given: dict[str, Any] = {name: form.text(name) for name in names} | {"areas": form.many("areas")}
    try:
        asked = forms.checked(actions.Announce, {k: v for k, v in given.items() if v}, WORDS)
        async with entered(ctx, signed_in(request, actor)) as tx:
            await actions.announce(tx, ctx.settings, asked)
    except Refusal as refusal:
        return await _refused(request, ctx, actor, refusal, given)
    kept.forget()
    return respond.done(request, PAGE)


@post(f"{PAGE}/announcements/{{announcement_id:uuid}}/say", include_in_schema=False)
async def say_more(request: AnyRequest, ctx: Context, actor: Actor, kept: Kept, announcement_id: UUID) -> Response[Any]:
    """One more word, or that it is over."""
    form = await forms.read(request)
    given = {"says": form.text("says"), "state": form.text("state") or None, "is_over": form.on("is_over")}
    try:
        asked = forms.checked(actions.SayMore, given, WORDS)
        async with entered(ctx, signed_in(request, actor)) as tx:
            await actions.say_more(tx, announcement_id, asked)
    except Refusal as refusal:
        return await _refused(request, ctx, actor, refusal, {})
    kept.forget()
    return respond.done(request, PAGE)


WORDS: Final = {
    "title": FieldError("title", "says too little or too much", "Write 3 to 120 characters."),
    "says": FieldError("says", "says too little or too much", "Write 3 to 1,000 characters."),
    "areas": FieldError("areas", "names nothing", "Choose at least one part."),
    "starts_at": FieldError("starts_at", "is no time", "Write it like 2027-06-05T03:00:00Z."),
    "ends_at": FieldError("ends_at", "is no time", "Write it like 2027-06-05T04:00:00Z."),
}


async def _refused(
    request: AnyRequest, ctx: Context, actor: Actor, refusal: Refusal, given: dict[str, Any]
) -> Response[str]:
    if refusal.status not in (409, 422):
        raise refusal
    return await _page(request, ctx, actor, refused=refusal.detail, given=given, code=refusal.status)


async def _page(
    request: AnyRequest, ctx: Context, actor: Actor, *, refused: str = "", given: Any = None, code: int = 200
) -> Response[str]:
    async with entered(ctx, signed_in(request, actor)) as tx:
        found = await actions.look(tx)
        proposed = await actions.proposed(tx, ctx.settings)
        waiting = await alerts.waiting(tx)
    shell = operator_shell(request, ctx, actor, "status", waiting=waiting)
    told = operator_values(found, proposed, refused=refused, given=given or {})
    return respond.html("operations/status_ops.html", shell, code=code, **told)


def operator_values(
    found: model.Status, proposed: list[windows.Proposal], *, refused: str = "", given: dict[str, Any]
) -> dict[str, Any]:
    """What the template needs."""
    blank: dict[str, Any] = {"kind": "incident", "title": "", "says": "", "state": "partly", "areas": []}
    return values(found) | {
        "proposed": [(one, _minute(one.starts_at), _minute(one.ends_at)) for one in proposed],
        "impacts": IMPACTS,
        "known": model.AREAS,
        "refused": refused,
        "given": blank | given,
    }


def _minute(at: datetime) -> str:
    """As a form holds it."""
    return f"{at:%Y-%m-%dT%H:%M}:00Z"


ROUTES = (public, show, announce, say_more)
