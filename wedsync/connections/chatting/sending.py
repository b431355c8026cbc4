"""Brings a delivery to a channel: looks once more whether it may be heard there, then makes, posts or changes.

The account is opened for each, so a token is always fresh and every exchange counts for the account's health. What was
said is kept before the delivery ends: tried again, a message that is there is found, not posted twice.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.connections.accounts.opening import Accounts
from wedsync.connections.chatting import actions, model
from wedsync.connections.chatting.contract import Chats, Gone, Opened, Opening, Post, Posted, Saying, Update
from wedsync.connections.contract import Connection, Delivered, Outcome, ReconnectNeeded, Rejected
from wedsync.connections.host import Host
from wedsync.events.event import Event, decode
from wedsync.events.jobs import Payload
from wedsync.kit import sql
from wedsync.kit.actor import SYSTEM
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.connections.chatting")
TABLE: Final = "chat_messages"
WHAT: Final = {"open": "channel", "tell": "message", "settle": "message", "archive": "channel"}
SETTLED: Final = {
    "confirmed": ("Confirmed by {by}.", "Confirmed in WedSync."),
    "seen_to": ("{by} sees to it.", "Somebody sees to it."),
    "over": ("It is over.", "It is over."),
}
"""What stands in the place of the button: with whoever pressed it, and without."""
OVER: Final = "The channel was closed."
PAUSED: Final = "The channel is paused; what happens meanwhile is not posted later."
UNMADE: Final = "The channel was never made."
UNWIRED: Final = "The channel has no workflow yet; what happens meanwhile is not posted later."
UNSEEN: Final = "The supplier may no longer see this."
SAID: Final = ("tell", "settle")
"""What goes by the account that takes a channel's messages, where that is another than the one that made it."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One try of one delivery: the channel as it is now, what is to be done, and by which account, opened."""

    chat_id: UUID
    chat: Row
    connector: str
    order: model.Order
    event: Event
    payload: Payload
    connection: Connection
    timeout_s: float
    updates: bool
    invites: bool


class Messenger:
    """The way to channels of one process."""

    def __init__(self, *, host: Host, accounts: Accounts, door: Door, ring: KeyRing) -> None:
        self._host = host
        self._accounts = accounts
        self._door = door
        self._ring = ring

    async def send(self, payload: Payload) -> Outcome:
        """One try. Raises only for bugs of our own."""
        job = payload.job
        if payload.sealed is None or payload.event is None or payload.recipient_id is None:
            return Rejected(reason="There is nothing to be said.")
        plain = self._ring.open(payload.sealed, tenant=job.tenant_id, table="deliveries", column="sealed", row=job.id)
        order, event = msgspec.json.decode(plain, type=model.Order), decode(payload.event)
        async with self._door.bare(SYSTEM) as tx:
            # Its own channel's making is nothing of the wedding's: there it counts only that the link is active.
            scope = event.scope if order.do in SAID else model.EVERYTHING
            values = (payload.recipient_id, scope, event.link_id, event.membership_id)
            chat = await tx.row(queries.now, *values)
        why = _unwanted(chat, order)
        if why or chat is None:
            return Rejected(reason=why or OVER)
        account, name = _by(chat, order)
        opened = await self._accounts.open(account, chat["tenant_id"])
        connector = self._host.connector(name, Chats)
        if not isinstance(opened, Connection):
            return opened
        if connector is None:
            return ReconnectNeeded(reason=f"This installation has no connector {name!r} for channels.")
        limits = self._host.manifests[name].limits
        turn = Turn(
            chat_id=payload.recipient_id,
            chat=chat,
            connector=name,
            order=order,
            event=event,
            payload=payload,
            connection=opened,
            timeout_s=limits.timeout_s,
            updates=connector.updates,
            invites=connector.invites,
        )
        outcome = await self._done(turn)
        heard = None if isinstance(outcome, Delivered) else outcome
        await self._accounts.heard(account, chat["tenant_id"], heard, what=WHAT[order.do])
        return outcome

    async def _done(self, turn: Turn) -> Outcome:
        match turn.order.do:
            case "open":
                return await self._open(turn)
            case "tell":
                return await self._tell(turn)
            case "settle":
                return await self._settle(turn)
            case _:
                return await self._archive(turn)

    async def _archive(self, turn: Turn) -> Outcome:
        channel, timeout_s = turn.chat["remote_id"], turn.timeout_s
        said: Outcome = await self._asked(turn, lambda c: c.archive(channel, turn.connection, timeout_s=timeout_s))
        return said

    async def _open(self, turn: Turn) -> Outcome:
        if turn.chat["remote_id"]:
            return Delivered(remote_id=turn.chat["remote_id"])
        async with self._enter(turn) as tx:
            known = await tx.rows(queries.people, turn.chat_id) if turn.invites else []
        emails = tuple(row["email"] for row in known)
        opening = Opening(
            name=turn.chat["name"],
            about="What changes in this wedding, told by WedSync.",
            key=str(turn.chat_id),
            url=turn.order.url,
            emails=emails,
            is_private=turn.chat["is_private"],
            timeout_s=turn.timeout_s,
        )
        said = await self._asked(turn, lambda c: c.open(opening, turn.connection))
        if isinstance(said, Opened):
            async with self._enter(turn) as tx:
                waits = bool(actions.poster(turn.connector))
                await actions.made(tx, turn.chat_id, said, people=len(emails), waits=waits)
            return Delivered(remote_id=said.id, attempt=said.attempt)
        if isinstance(said, Rejected):
            async with self._enter(turn) as tx:
                await actions.refused(tx, turn.chat_id, said.reason)
        return said  # type: ignore[no-any-return]

    async def _tell(self, turn: Turn) -> Outcome:
        """The message of the matter says what is so now; where it was there before, a reply tells of it."""
        saying = turn.order.saying
        held = await self._message(turn)
        if held is None or saying is None:
            return Rejected(reason="There is nothing to be said.")
        key = str(held["id"])
        full = msgspec.structs.replace(saying, button=key if turn.order.confirms and not saying.confirm_url else "")
        is_tried = turn.payload.job.attempt > 1
        if not held["remote_id"] or not turn.updates:
            key = key if turn.updates else str(turn.payload.job.id)
            return await self._post(turn, held, Post(channel="", key=key, saying=full, may_be_there=is_tried))
        said = await self._update(turn, held["remote_id"], key, full)
        if isinstance(said, Gone):
            # Somebody deleted it: whoever is concerned reads it anew.
            anew = Post(channel="", key=str(turn.payload.job.id), saying=full, may_be_there=is_tried)
            return await self._post(turn, held, anew)
        if not isinstance(said, Posted):
            return said
        bare = msgspec.structs.replace(saying, url="", confirm_url="")
        reply = Post(
            channel=turn.chat["remote_id"],
            key=str(turn.payload.job.id),
            saying=bare,
            thread=said.id,
            may_be_there=is_tried,
            timeout_s=turn.timeout_s,
        )
        told = await self._asked(turn, lambda c: c.post(reply, turn.connection))
        if not isinstance(told, Posted):
            return told  # type: ignore[no-any-return]
        await self._keep(turn, held, said.id, full, pressed_by="")
        return Delivered(remote_id=said.id, attempt=told.attempt)

    async def _settle(self, turn: Turn) -> Outcome:
        """The button goes, and who confirmed it stands in its place."""
        held = await self._message(turn)
        if held is None or not held["remote_id"] or held["sealed"] is None or not turn.updates:
            return Delivered()
        saying = self._opened(turn, held)
        by = held["pressed_by"]
        named, unnamed = SETTLED[turn.order.settled]
        note = named.format(by=by) if by else unnamed
        full = msgspec.structs.replace(saying, button="", confirm_url="", note=note)
        said = await self._update(turn, held["remote_id"], str(held["id"]), full)
        if isinstance(said, Gone):
            return Delivered()
        if not isinstance(said, Posted):
            return said
        await self._keep(turn, held, said.id, full, pressed_by=by)
        return Delivered(remote_id=said.id, attempt=said.attempt)

    async def _post(self, turn: Turn, held: Row, post: Post) -> Outcome:
        whole = msgspec.structs.replace(post, channel=turn.chat["remote_id"], timeout_s=turn.timeout_s)
        said = await self._asked(turn, lambda c: c.post(whole, turn.connection))
        if not isinstance(said, Posted):
            return said  # type: ignore[no-any-return]
        await self._keep(turn, held, said.id, post.saying, pressed_by="")
        return Delivered(remote_id=said.id, attempt=said.attempt)

    async def _update(self, turn: Turn, message: str, key: str, saying: Saying) -> Posted | Gone | Outcome:
        update = Update(
            channel=turn.chat["remote_id"], message=message, key=key, saying=saying, timeout_s=turn.timeout_s
        )
        return await self._asked(turn, lambda c: c.update(update, turn.connection))  # type: ignore[no-any-return]

    async def _asked(self, turn: Turn, act: Callable[[Chats], Awaitable[Any]]) -> Any:
        return await self._host.call(turn.connector, Chats, act, turn.connection, timeout_s=turn.timeout_s)

    async def _message(self, turn: Turn) -> Row | None:
        async with self._enter(turn) as tx:
            return await tx.row(queries.message, turn.chat_id, turn.order.about)

    async def _keep(self, turn: Turn, held: Row, remote_id: str, saying: Saying, *, pressed_by: str) -> None:
        sealed = self._ring.seal(
            msgspec.json.encode(saying), tenant=turn.chat["tenant_id"], table=TABLE, column="sealed", row=held["id"]
        )
        async with self._enter(turn) as tx:
            await actions.said(tx, held["id"], remote_id, sealed, pressed_by)

    def _opened(self, turn: Turn, held: Row) -> Saying:
        plain = self._ring.open(
            held["sealed"], tenant=turn.chat["tenant_id"], table=TABLE, column="sealed", row=held["id"]
        )
        return msgspec.json.decode(plain, type=Saying)

    @asynccontextmanager
    async def _enter(self, turn: Turn) -> AsyncIterator[Tx]:
        """As the system, in the tenant whose workspace it is."""
        async with self._door.bare(SYSTEM) as tx:
            await tx.value(queries.enter, turn.chat["connection_id"], turn.chat["tenant_id"])
            yield tx


def _by(chat: Row, order: model.Order) -> tuple[UUID, str]:
    """The account that does it, and its connector."""
    if order.do in SAID and chat["posts_by"] is not None:
        return chat["posts_by"], chat["poster"]
    return chat["connection_id"], chat["connector"]


def _unwanted(chat: Row | None, order: model.Order) -> str:
    """Why nothing may be said there now, if so."""
    if chat is None or (chat["state"] in ("closed", "failed") and order.do != "archive"):
        return OVER
    if order.do == "archive":
        return "" if chat["remote_id"] else UNMADE
    if order.do == "open":
        return "" if chat["link_id"] is None or chat["may_see"] else UNSEEN
    if not chat["may_see"]:
        return UNSEEN
    if chat["state"] == "paused":
        return PAUSED
    if chat["posts_by"] is None and actions.poster(chat["connector"]):
        return UNWIRED
    return "" if chat["remote_id"] else UNMADE
