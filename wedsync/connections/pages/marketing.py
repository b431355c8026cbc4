"""Pages of one connected marketing account: its list and campaigns, and who among the clients agreed."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.clients.model import STAGES
from wedsync.commerce.charts import Chart, bars
from wedsync.connections.marketing import actions, looking, model
from wedsync.connections.marketing.model import Campaign
from wedsync.connections.pages.place import Place, entered
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context, invalid
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.connections.marketing")
PATH: Final = "/studio/{tenant:uuid}/marketing/{audience_id:uuid}"
MEMBERS_SHOWN: Final = 50
CHARTED: Final = 12
WORDS: Final = {
    "waiting": ("Begins in a moment", ""),
    "done": ("In step", "good"),
    "held": ("Waits for you", "wait"),
    "later": ("Tries again soon", "wait"),
    "quota": ("Used up for today", "wait"),
    "failed": ("Something is wrong", "bad"),
    "reconnect": ("Connect it again", "bad"),
}
STATES: Final = {
    "sending": ("On its way", "wait"),
    "there": ("In the list", "good"),
    "refused": ("Not taken", "bad"),
    "out": ("Out", ""),
}
WHYS: Final = {
    "unsubscribed": "unsubscribed there",
    "bounced": "the mailbox does not take mail",
    "complained": "reported a letter",
    "withdrawn": "withdrew here",
}


@get(PATH, include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, audience_id: UUID) -> Response[str]:
    """The list, how it does, what became of campaigns."""
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        return await _page(ctx, place, audience_id)


async def _page(ctx: Context, place: Place, audience_id: UUID, refusal: Refusal | None = None) -> Response[str]:
    found = await looking.audience(place.tx, audience_id)
    rows = await place.tx.rows(queries.members_page, audience_id, None, None, MEMBERS_SHOWN)
    campaigns = await looking.campaigns(place.tx, audience_id)
    held = {row["milestone"]: row["place"] for row in await place.tx.rows(queries.triggers, audience_id)}
    return respond.html(
        "connections/marketing.html",
        place.shell,
        code=422 if refusal is not None else 200,
        path=f"{place.shell.base}/marketing/{audience_id}",
        one=found,
        words=WORDS,
        states=STATES,
        whys=WHYS,
        lists=[("", "None yet"), *((each.id, each.title) for each in found.lists)],
        members=looking.members(ctx.ring, place.tenant, rows),
        campaigns=campaigns,
        charts=charts(campaigns),
        templates=await place.tx.rows(queries.templates, audience_id),
        has_triggers=model.has_triggers(found.connector),
        milestones=[(name, title, held.get(name, "")) for name, title in model.MILESTONES.items()],
        refusal=refusal,
    )


@post(PATH, include_in_schema=False)
async def change(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, audience_id: UUID) -> Response[Any]:
    """Which list, and whether templates are written."""
    form = await forms.read(request)
    wanted = model.AudienceChange(
        list_id=form.text("list_id"), is_on=bool(form.text("is_on")), has_templates=bool(form.text("has_templates"))
    )
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        await actions.change(place.tx, audience_id, wanted)
        return respond.see_other(f"{place.shell.base}/marketing/{audience_id}")


@post(PATH + "/sync", include_in_schema=False)
async def look(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, audience_id: UUID) -> Response[Any]:
    """At once."""
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        await actions.look_now(place.tx, audience_id)
        return respond.see_other(f"{place.shell.base}/marketing/{audience_id}")


@post(PATH + "/triggers", include_in_schema=False)
async def put_triggers(
    request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, audience_id: UUID
) -> Response[Any]:
    """Those that are filled in."""
    form = await forms.read(request)
    typed = {name: form.text(name).strip() for name in model.MILESTONES}
    given = [{"milestone": name, "place": place} for name, place in typed.items() if place]
    try:
        wanted = forms.checked(model.TriggerRules, {"triggers": given}, {})
        async with entered(request, ctx, actor, tenant, here="accounts") as place:
            await actions.put_triggers(place.tx, audience_id, wanted.triggers)
            return respond.see_other(f"{place.shell.base}/marketing/{audience_id}#journeys")
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        said = invalid("journeys", "are not all named as Mailchimp names them", "Write journey/step or event:name.")
        async with entered(request, ctx, actor, tenant, here="accounts") as place:
            return await _page(ctx, place, audience_id, said)


@get(PATH + "/people", include_in_schema=False)
async def people(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, audience_id: UUID) -> Response[str]:
    """Who agreed, and to what."""
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        return await _people(ctx, place, audience_id)


async def _people(ctx: Context, place: Place, audience_id: UUID, refusal: Refusal | None = None) -> Response[str]:
    found = await looking.audience(place.tx, audience_id)
    rows = await place.tx.rows(queries.consents_page, None, None, MEMBERS_SHOWN)
    return respond.html(
        "connections/marketing_people.html",
        place.shell,
        code=422 if refusal is not None else 200,
        path=f"{place.shell.base}/marketing/{audience_id}",
        one=found,
        people=await looking.asked(place.tx, ctx.ring, place.tenant),
        ledger=looking.entries(ctx.ring, place.tenant, rows),
        stages=STAGES,
        refusal=refusal,
    )


@post(PATH + "/people", include_in_schema=False)
async def say(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, audience_id: UUID) -> Response[Any]:
    """One person agreed, or withdrew."""
    form = await forms.read(request)
    try:
        named = ("act", "who", "wording", "source")
        said = forms.checked(model.NewConsent, {name: form.text(name) for name in named}, {})
        client_id = _client(form.text("client_id"))
        async with entered(request, ctx, actor, tenant, here="accounts") as place:
            await actions.say(place.tx, ctx.ring, tenant, client_id, said, by_api=False)
            return respond.see_other(f"{place.shell.base}/marketing/{audience_id}/people")
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        async with entered(request, ctx, actor, tenant, here="accounts") as place:
            return await _people(ctx, place, audience_id, refusal)


def _client(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise not_found("client") from error


def charts(campaigns: list[Campaign]) -> list[tuple[str, str, Chart]]:
    """The last campaigns, the oldest first."""
    last = list(reversed(campaigns[:CHARTED]))

    def drawn(title: str, name: str) -> Chart:
        values = [(f"{each.sent_at:%-d %b}", getattr(each, name)) for each in last]
        return bars(title, values, unit="people")

    kinds = [("Sent to", "sends"), ("Opened", "opens"), ("Clicked", "clicks"), ("Unsubscribed", "unsubscribes")]
    return [(title, "People", drawn(title, name)) for title, name in kinds]


ROUTES = (one, change, look, put_triggers, people, say)
