"""Sending again what an endpoint missed: first how many it would be, then a press; and one delivery by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, not_found
from wedsync.subscriptions import actions, model
from wedsync.subscriptions.pages.log import queries
from wedsync.subscriptions.pages.place import entered, paths
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest

BEGINNING: Final = datetime(2020, 1, 1, tzinfo=UTC)
SPANS: Final = (("", "Ever"), ("1", "The last hour"), ("24", "The last 24 hours"), ("168", "The last 7 days"))
WHAT: Final[dict[str, tuple[str, tuple[model.Missed, ...]]]] = {
    "dead": ("What was given up", ("dead",)),
    "missed": ("Everything it missed: given up, too late, cancelled", model.MISSED),
}


@get(paths("/{endpoint_id:uuid}/replay"), include_in_schema=False)
async def ask(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID) -> Response[str]:
    """How many would be sent again; nothing is sent."""
    asked = {name: request.query_params.get(name, "") for name in ("what", "span", "at")}
    what = asked["what"] if asked["what"] in WHAT else "dead"
    async with entered(request, ctx, actor, tenant) as place:
        card = await place.card(endpoint_id)
        since = _since(asked["span"], asked["at"], place.now)
        count = await actions.recover(place.tx, endpoint_id, since, WHAT[what][1], dry_run=True)
        return respond.html(
            "subscriptions/replay.html",
            place.shell,
            path=place.path,
            endpoint=card,
            count=count,
            count_max=model.REPLAYED_MAX,
            what=what,
            choices=[(key, words) for key, (words, _) in WHAT.items()],
            span=asked["span"],
            spans=[*SPANS, ("at", "A time of your own")],
            at=asked["at"],
            since="" if since == BEGINNING else f"{since:%Y-%m-%d %H:%M} UTC",
            since_iso=since.isoformat(),
        )


def _since(span: str, at: str, now: datetime) -> datetime:
    """The time that was chosen; typed times are UTC. Raises Refusal 422."""
    if span == "at" and at:
        try:
            typed = datetime.fromisoformat(at)
        except ValueError:
            raise forms.wrong(FieldError("at", "is not a time", "Write it as 2027-06-05T14:30.")) from None
        return typed if typed.tzinfo else typed.replace(tzinfo=UTC)
    hours = int(span) if span.isdecimal() and len(span) < 5 else 0
    return now - timedelta(hours=hours) if hours else BEGINNING


@post(paths("/{endpoint_id:uuid}/replay"), include_in_schema=False)
async def send(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID) -> Response[Any]:
    """Owed again, in the low lane. What a press before this one put back is not sent twice."""
    form = await forms.read(request)
    what = form.text("what")
    if what not in WHAT:
        raise forms.wrong(FieldError("what", "is not one of the choices"))
    since = _since("at", form.text("since"), BEGINNING)
    async with entered(request, ctx, actor, tenant) as place:
        await place.endpoint(endpoint_id)
        count = await actions.recover(place.tx, endpoint_id, since, WHAT[what][1], as_new=form.on("as_new"))
        return respond.see_other(f"{place.path}/{endpoint_id}?{sent(count, form)}")


def sent(count: int, form: forms.Form) -> str:
    """What the page that follows says."""
    return f"again={count}{'&as_new=1' if form.on('as_new') else ''}"


@post(paths("/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}/replay"), include_in_schema=False)
async def send_one(
    request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID, delivery_id: UUID
) -> Response[Any]:
    """One again, whatever became of it; what is still on its way is left alone."""
    form = await forms.read(request)
    async with entered(request, ctx, actor, tenant) as place:
        await place.endpoint(endpoint_id)
        row = await place.tx.row(queries.delivery, delivery_id)
        if row is None or row["destination_id"] != endpoint_id:
            raise not_found("delivery")
        count = await actions.replay_one(place.tx, delivery_id, as_new=form.on("as_new"))
        return respond.see_other(f"{place.path}/{endpoint_id}?{sent(count, form)}")


ROUTES = (ask, send, send_one)
