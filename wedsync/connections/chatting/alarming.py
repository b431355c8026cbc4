"""Emergencies in channels: told to every channel that sees the schedule, answered by a button, and settled in place; a
severe allergy to those alone that are shown named needs.

A channel is no tier of the ladder: people are called as if it were not there. Who presses answers for their business.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from wedsync.alerts import actions as alerts
from wedsync.alerts import facts, ladder, model
from wedsync.connections.chatting import model as chatting
from wedsync.connections.chatting.contract import Saying
from wedsync.connections.incoming import ENTER_LINK, Done
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.events.jobs import Job
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.notices.wording.tongues import SHARED, spoken_by, versions_of

queries = sql.load("wedsync.connections.chatting")
Orders = Callable[[Tx, Event, Callable[[Row], chatting.Order], int], Awaitable[None]]
"""Owes what is made of each channel that may see the event, and has one of these scopes."""
ABOUT: Final = "alert:"
SEEN_TO: Final = "alert.seen_to"
CALLS: Final = (facts.RAISED.type, facts.LAPSED.type, facts.BREACHED.type)
OVER: Final = (facts.RESOLVED.type, facts.CANCELLED.type, facts.UNANSWERED.type)
EMERGENCY: Final = '$.record.kind == "emergency"'
CALLING: Final = '$.record.kind == "emergency" || $.record.kind == "dietary"'
DIETARY: Final = "dietary"


def reactions(settings: Settings, orders: Orders) -> tuple[Reaction, ...]:
    """When it calls, and when somebody sees to it or it is over."""

    async def alarm(tx: Tx, event: Event) -> None:
        record = event.record or {}
        key = model.text_of(record["kind"], record["what"])
        words = await tx.row(queries.words, event.tenant, [key, *SHARED])
        await orders(tx, event, lambda row: _alarm(settings, event, row, words), _scope(event))

    async def seen_to(tx: Tx, event: Event) -> None:
        is_dietary = (event.record or {})["kind"] == DIETARY
        await orders(
            tx, event, lambda row: _settled(event, row, "confirmed" if is_dietary else "seen_to"), _scope(event)
        )

    async def over(tx: Tx, event: Event) -> None:
        await orders(tx, event, lambda row: _settled(event, row, "over"), _scope(event))

    return (
        Reaction(name="chatting.alarm", types=CALLS, run=alarm, condition=CALLING, needs="chats"),
        Reaction(
            name="chatting.seen_to", types=(facts.ACKNOWLEDGED.type,), run=seen_to, condition=CALLING, needs="chats"
        ),
        Reaction(name="chatting.over", types=OVER, run=over, condition=EMERGENCY, needs="chats"),
    )


async def pressed(tx: Tx, job: Job, message: Row) -> Done:
    """Somebody in the channel sees to it. The couple's own channel is entered already, a supplier's as its link."""
    link: UUID | None = message["link_id"]
    if link is not None and await tx.value(ENTER_LINK, job.id, job.lease_token, link) is None:
        return Done(type=SEEN_TO, status="ignored", why="You are no longer linked to this wedding.")
    try:
        await alerts.acknowledge(tx, UUID(message["about"].removeprefix(ABOUT)), via="chat")
    except Refusal as refusal:
        return Done(type=SEEN_TO, status="ignored", why=refusal.detail, link=link)
    return Done(type=SEEN_TO, status="applied", link=link)


def _alarm(settings: Settings, event: Event, row: Row, words: Row | None) -> chatting.Order:
    """In the language of whoever connected the workspace, else of the wedding."""
    record = event.record or {}
    locale, versions = (None, ()) if words is None else (words["locale"], versions_of(words["wordings"]))
    tongue = spoken_by(model.text_of(record["kind"], record["what"]), (row["locale"], locale), versions)
    title = model.title(record["kind"], record["what"], record["place"], tongue)
    is_late = event.type != facts.RAISED.type
    base = f"/me/{event.tenant}" if row["link_id"] is None else f"/studio/{row['tenant_id']}/weddings/{event.tenant}"
    saying = Saying(
        title=tongue.phrase("unanswered", title=title) if is_late else title,
        url=f"{settings.public_url}/?next={base}/alerts/{event.subject.id}",
        confirm_label=tongue.phrase("kitchen_knows" if record["kind"] == DIETARY else "i_see_to_it"),
        open_label=tongue.phrase("open"),
    )
    return chatting.Order(do="tell", about=f"{ABOUT}{event.subject.id}", saying=saying, confirms=True)


def _scope(event: Event) -> int:
    """Who is shown named needs hears of a severe allergy; of an emergency whoever sees the schedule."""
    return ladder.DIETARY_SCOPE if (event.record or {})["kind"] == DIETARY else event.scope


def _settled(event: Event, _: Row, how: chatting.Settled) -> chatting.Order:
    return chatting.Order(do="settle", about=f"{ABOUT}{event.subject.id}", settled=how)
