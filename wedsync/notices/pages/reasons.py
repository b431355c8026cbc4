"""Why did I (not) get this: what became of one notice on each channel, and what each rule said on the way."""

from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.notices import why
from wedsync.notices.pages.place import framed, paths
from wedsync.notices.preferences import channel_words
from wedsync.web import respond
from wedsync.web.context import Context, person_of
from wedsync.web.formats import clock, day_short
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.notices")
DID: Final = {
    "send": ("Sent at once", "good"),
    "defer": ("Held for your quiet hours", "wait"),
    "digest": ("Collected with others", "wait"),
    "suppress": ("Not sent", ""),
}
ENDED: Final = {
    None: "It waits until {at}.",
    "sent": "It was told together with what else waited, {at}.",
    "stale": "It was over before it could be told, so it was left out.",
    "revoked": "What it is about is no longer shared with you, so it was left out.",
}
RULES: Final = {
    "law": "May it be sent there at all",
    "emergency": "Is it an emergency",
    "wedding day": "Is the wedding on now",
    "critical": "Is it of a kind that is always sent",
    "address": "Is there an address",
    "preference": "What was chosen",
    "quiet hours": "Are there quiet hours now",
    "limit": "Is there room in the hour",
    "send": "Then",
}


@get(paths("/inbox/{event_id:uuid}/why"), include_in_schema=False)
async def reason(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, event_id: UUID) -> Response[str]:
    """Of one's own notices."""
    shell = await framed(request, ctx, actor, tenant)
    person = person_of(actor)
    async with ctx.door.enter(actor, person) as tx:
        decided = await why.one(tx, person, event_id)
        zone = await tx.value(queries.my_zone, person) or "UTC"
    return respond.html("notices/why.html", shell, one=decided, ways=_ways(decided, zone), zone=zone)


def _ways(decided: why.Decided, zone: str) -> list[dict[str, Any]]:
    waiting = {one.channel: one for one in decided.waiting}
    ways = []
    for channel, outcome in decided.outcomes.items():
        held = waiting.get(channel)
        ways.append(
            {
                "channel": channel_words(channel),
                "badge": DID[outcome["do"]],
                "reason": outcome["reason"],
                "held": "" if held is None else ENDED[held.ended].format(at=_local(held.ended_at or held.due_at, zone)),
                "steps": [(RULES[s.rule], s.said) for s in decided.trace if s.channel == channel],
            }
        )
    return ways


def _local(at: Any, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{day_short(local)}, {clock(local, zone)}"


ROUTES = (reason,)
