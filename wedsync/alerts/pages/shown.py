"""What the pages of both faces share: the list, one alert with who was called, and the buttons under it."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Response

from wedsync.alerts import actions, model
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell

queries = sql.load("wedsync.alerts")
SHOWN_MAX = 50
WAYS = {"in_app": "here", "email": "mail", "sms": "text", "voice": "call"}
BLANK = {"what": "", "detail": "", "place": "", "severity": ""}
WRONG = {
    "what": FieldError("what", "is missing", "Choose what it is about."),
    "detail": FieldError("detail", "is missing", "Say what happened and what is needed, in up to 500 characters."),
    "severity": FieldError("severity", "is none of the list", "Choose one of it."),
    "place": FieldError("place", "is too long", "Name the place in up to 120 characters."),
}


# The form once more: what was typed, and what is wrong with it.
Again = Callable[[dict[str, str], Refusal], Awaitable[Response[Any]]]


async def listed(ctx: Context, tx: Tx) -> list[model.Alert]:
    """The newest alerts of the entered wedding."""
    return [model.opened(ctx.ring, row) for row in await tx.rows(queries.list, None, False, SHOWN_MAX)]


async def about(tx: Tx) -> dict[str, Any]:
    """Whose wedding it is, and what the reader may do. Raises Refusal 404 for whoever does not see the schedule."""
    me = await tx.row(queries.me)
    if me is None or not me["mask"] & actions.SCHEDULE:
        raise not_found("wedding")
    return dict(me) | {
        "may_raise": me["role"] == "couple" or (me["role"] in ("helper", "supplier") and me["is_the_day"])
    }


async def one(ctx: Context, tx: Tx, shell: Shell, alert_id: UUID, *, base: str, name: str) -> Response[Any]:
    """One alert, by the template named."""
    row = await tx.row(queries.one, alert_id)
    if row is None:
        raise not_found("alert")
    return respond.html(
        name,
        shell,
        alert=model.opened(ctx.ring, row),
        calls=[dict(call) | {"ways": _ways(call["channels"])} for call in await tx.rows(queries.calls, alert_id)],
        about=await about(tx),
        base=base,
        words=model,
    )


async def raised(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, *, base: str, again: Again
) -> Response[Any]:
    """Raises what the form says and leads to it; where something is missing, the form again."""
    form = await forms.read(request)
    try:
        new = wanted(form)
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            alert_id, _ = await actions.raise_(tx, ctx.ring, new)
    except Refusal as refusal:
        if not refusal.errors:
            raise
        return await again(dict(form.items()), refusal)
    return respond.done(request, f"{base}/{alert_id}")


async def answered(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, alert_id: UUID, *, base: str
) -> Response[Any]:
    """A button under an alert, and the alert again."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await act(tx, alert_id, form, via="page")
    return respond.done(request, f"{base}/{alert_id}")


async def act(tx: Tx, alert_id: UUID, form: Form, *, via: model.Via, name: str = "") -> None:
    """What a button under an alert says. Raises Refusal 403, 404, 409 or 422."""
    match form.text("do"):
        case "acknowledge":
            await actions.acknowledge(tx, alert_id, via=via, name=name)
        case "decline":
            await actions.decline(tx, alert_id)
        case "hold":
            await actions.keep(tx, alert_id)
        case "resolve":
            await actions.resolve(tx, alert_id, form.text("outcome")[:500])
        case "cancel":
            await actions.cancel(tx, alert_id, form.text("outcome")[:500])
        case _:
            raise forms.wrong(FieldError("do", "is not one of the buttons", "Reload the page and press one of them."))


def wanted(form: Form) -> model.NewAlert:
    """The form as a new alert. Raises Refusal 422."""
    given: dict[str, Any] = {name: form.text(name) for name in ("what", "detail", "place")}
    given["severity"] = form.text("severity") or None
    return forms.checked(model.NewAlert, given, WRONG)


def _ways(channels: list[str]) -> str:
    return ", ".join(words for way, words in WAYS.items() if way in channels)
