"""What channels hear because of facts: each what its link may see, and no more; decided once, and looked at again when
it is sent (`sending`)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.acknowledgements import model as acknowledgements
from wedsync.connections import model as connections
from wedsync.connections.accounts import model as accounts
from wedsync.connections.chatting import actions, alarming, model
from wedsync.connections.chatting.contract import Saying
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Row, Tx
from wedsync.kit.seal import KeyRing
from wedsync.notices import model as notices
from wedsync.notices import saying
from wedsync.notices.wording.tongues import SHARED, spoken_by, versions_of
from wedsync.suppliers import model as suppliers
from wedsync.weddings.actions import passes_of_links

queries = sql.load("wedsync.connections.chatting")
TOLD: Final = tuple(
    kind for kind in (*notices.TO_LINKS, *notices.TO_COUPLE, *notices.TO_BOTH) if kind not in notices.PERSONAL
)
URGENT: Final = 0
CONNECTION: Final = (accounts.CONNECTED.type, accounts.MENDED.type, connections.CHANGED.type)


def reactions(ring: KeyRing, settings: Settings) -> tuple[Reaction, ...]:
    """What is owed is sealed, and a page to confirm at has a pass: both come from the process that runs these."""

    async def tell(tx: Tx, event: Event) -> None:
        await _tell(tx, ring, settings, event)

    async def settle(tx: Tx, event: Event) -> None:
        await _settle(tx, ring, event)

    async def make(tx: Tx, event: Event) -> None:
        record = event.record or {}
        wedding = UUID(record["wedding_id"])
        row = {"link_id": record["link_id"], "tenant_id": event.tenant}
        order = model.Order(do="open", url=_url(settings, wedding, row))
        await _owe(tx, ring, event, [(event.subject.id, None, order)])

    async def ordered(tx: Tx, event: Event, made: Callable[[Row], model.Order], scope: int) -> None:
        seeing = (row for row in await tx.rows(queries.chats_of, event.tenant) if row["mask"] & event.scope)
        chats = [row for row in seeing if row["mask"] & scope]
        await _owe(tx, ring, event, [(row["chat_id"], row["link_id"], made(row)) for row in chats], lane=URGENT)

    async def archive(tx: Tx, event: Event) -> None:
        await _owe(tx, ring, event, [(event.subject.id, None, model.Order(do="archive"))])

    return (
        Reaction(name="chatting.tell", types=TOLD, run=tell, needs="chats"),
        Reaction(name="chatting.settle", types=(acknowledgements.GIVEN.type,), run=settle, needs="chats"),
        Reaction(name="chatting.make", types=(model.ADDED.type,), run=make),
        Reaction(
            name="chatting.archive",
            types=(model.CHANGED.type,),
            run=archive,
            condition='$.record.state == "closed" && $.old.state != "closed" && $.record.reason == ""',
        ),
        Reaction(name="chatting.reopen", types=CONNECTION, run=_reopen),
        Reaction(name="chatting.end", types=(suppliers.REVOKED.type,), run=_end),
        *alarming.reactions(settings, ordered),
    )


async def _tell(tx: Tx, ring: KeyRing, settings: Settings, event: Event) -> None:
    """Every channel of the wedding that may see it and is meant by its type."""
    chats = {row["chat_id"]: row for row in await tx.rows(queries.chats_of, event.tenant)}
    told = [chats[one.person_id] for one in notices.chosen(event, [_listener(row) for row in chats.values()])]
    if not told:
        return
    asked: dict[UUID, str] = {}
    if event.type not in notices.UNCONFIRMED:
        asked = {row["link_id"]: row["about"] for row in await tx.rows(queries.asked, event.tenant, event.id)}
    pages = await _pages(tx, settings, event.tenant, {row["link_id"] for row in told} & asked.keys())
    wedding: Any = await tx.row(queries.words, event.tenant, [event.type, *SHARED])
    await _owe(
        tx,
        ring,
        event,
        [
            (
                row["chat_id"],
                row["link_id"],
                model.Order(
                    do="tell",
                    about=asked.get(row["link_id"], f"{event.type}:{event.subject.id}"),
                    saying=msgspec.structs.replace(
                        _said(event, wedding, row["locale"]),
                        url=_url(settings, event.tenant, row),
                        confirm_url="" if _is_pressed(row) else pages.get(row["link_id"], ""),
                    ),
                    confirms=row["link_id"] in asked,
                ),
            )
            for row in told
        ],
    )


def _said(event: Event, wedding: Row, locale: str | None) -> Saying:
    """In the language of whoever connected the workspace, else of the wedding."""
    tongue = spoken_by(event.type, (locale, wedding["locale"]), versions_of(wedding["wordings"]))
    said, words = saying.saying(event, tongue), tongue.words(event.type)
    return Saying(
        title=said.title,
        before=said.before,
        after=said.after,
        confirm_label=words.confirm,
        open_label=tongue.phrase("open"),
    )


async def _settle(tx: Tx, ring: KeyRing, event: Event) -> None:
    """A link has confirmed a matter: its own channels show that, nobody else's."""
    link, about = event.link_id, (event.record or {}).get("about", "")
    chats = [row for row in await tx.rows(queries.chats_of, event.tenant) if row["link_id"] == link is not None]
    await _owe(
        tx, ring, event, [(row["chat_id"], link, model.Order(do="settle", about=about)) for row in chats if about]
    )


async def _reopen(tx: Tx, event: Event) -> None:
    """A workspace lets us in again: what waited for it is sent."""
    if (event.record or {}).get("state") in accounts.OPEN and await tx.value(queries.reopen, event.subject.id):
        tx.nudges.append("[]")


async def _end(tx: Tx, event: Event) -> None:
    tx.nudges += [row[0] for row in await tx.rows(queries.end, event.subject.id)]


async def _owe(
    tx: Tx, ring: KeyRing, event: Event, orders: Sequence[tuple[UUID, UUID | None, model.Order]], *, lane: int = 1
) -> None:
    """One delivery per event and channel, in one statement; owed again it is the same one."""
    rows: list[dict[str, Any]] = []
    for chat, link, order in orders:
        id = notices.delivery_id(event.id, "chat", chat, order.do)
        plain = msgspec.json.encode(order)
        sealed = ring.seal(plain, tenant=event.tenant, table="deliveries", column="sealed", row=id)
        told = {"id": id, "chat": chat, "link": link, "about": order.about, "sealed": sealed.hex(), "lane": lane}
        rows.append(told | {"event_id": event.id, "seq": event.seq, "type": event.type})
    if rows:
        await tx.value(queries.owe, msgspec.json.encode(rows).decode())


def _listener(row: Row) -> notices.Recipient:
    """A channel as one who may be told: the rule is the same as for people."""
    return notices.Recipient(
        person_id=row["chat_id"],
        email="",
        name="",
        role="couple" if row["link_id"] is None else "supplier",
        link_id=row["link_id"],
        supplier_id=None if row["link_id"] is None else row["tenant_id"],
        mask=row["mask"],
        since=row["since"],
    )


def _is_pressed(row: Row) -> bool:
    """Whether a button of this program comes back to us."""
    return actions.program(row["connector"]).scheme is not None


def _url(settings: Settings, wedding: UUID, row: Row | Mapping[str, Any]) -> str:
    is_couple = row["link_id"] is None
    path = f"/me/{wedding}" if is_couple else f"/studio/{row['tenant_id']}/weddings/{wedding}"
    return f"{settings.public_url}/?next={path}"


async def _pages(tx: Tx, settings: Settings, wedding_id: UUID, links: set[UUID]) -> dict[UUID, str]:
    """Where a link confirms without signing in: the same page that its mails lead to."""
    found = await passes_of_links(tx, settings.jwt_secret, "ack", wedding_id, links)
    return {link: f"{settings.public_url}/ack/{token}" for link, (_, token) in found.items()}
