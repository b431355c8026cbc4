"""Every write of channels: asked for, paused and closed by people; made, refused and written into by the engine."""

from functools import cache
from typing import Final
from uuid import UUID, uuid4

from msgspec import UNSET

from wedsync.connections.accounts.actions import must_be
from wedsync.connections.chatting import model
from wedsync.connections.chatting.contract import Opened
from wedsync.connections.manifest import ChatsNote, find
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import invalid, stale

queries = sql.load("wedsync.connections.chatting")
REASON_MAX: Final = 500
IN_USE: Final = "This channel is used already. Connect the address of another one."
URL_MAX: Final = 1000


@cache
def programs() -> tuple[str, ...]:
    """The connectors that channels are made with."""
    return tuple(name for name, manifest in find().items() if manifest.chats is not None)


@cache
def program(connector: str) -> ChatsNote:
    """How channels of this connector are; nothing peculiar where there is none of this name."""
    manifest = find().get(connector)
    return (manifest.chats if manifest is not None else None) or ChatsNote()


def poster(connector: str) -> str:
    """The connector that takes the messages of channels made by this one; "" where it does so itself."""
    return program(connector).posts_by


async def create(tx: Tx, tenant: UUID, wanted: model.NewChat, *, is_couple: bool) -> UUID:
    """Ask for a channel; the workspace makes it in a moment. Raises Refusal 403, 404, 409 or 422."""
    await must_be(tx)
    known = await tx.rows(queries.workspaces, tenant, list(programs()))
    workspace = next((row for row in known if row["id"] == wanted.connection_id), None)
    if workspace is None:
        raise invalid("connection_id", "is no workspace that is connected", "Connect Slack or Teams first.")
    wedding_id = tenant if is_couple else wanted.wedding_id
    if wedding_id is None:
        raise invalid("wedding_id", "is missing", "Say which wedding the channel is for.")
    found = await (
        tx.row(queries.wedding, wedding_id) if is_couple else tx.row(queries.weddings_of_supplier, tenant, wedding_id)
    )
    if found is None:
        raise not_found("wedding")
    await _is_free(tx, workspace, wedding_id)
    chat_id = uuid4()
    link_id = None if is_couple else found["id"]
    named = model.unique(wanted.name, chat_id) if wanted.name.strip() else None
    name = named or model.named(found["on"], found["couple_names"], chat_id)
    values = (chat_id, tenant, wanted.connection_id, wedding_id, link_id, name, wanted.is_private)
    record(tx, model.ADDED, op="INSERT", row=_there(await tx.row(queries.add, *values)))
    return chat_id


async def change(tx: Tx, chat_id: UUID, wanted: model.ChatChange, *, version: int | None = None) -> int:
    """Give it the account that takes its messages, pause it or go on; returns the version.

    Raises Refusal 403, 404, 409, 412 or 422.
    """
    held = await _held(tx, chat_id)
    if version not in (None, held["version"]):
        raise await stale(tx, queries.current, chat_id)
    if wanted.posts_by is not UNSET:
        held = await _wire(tx, held, wanted.posts_by)
    known: int = held["version"]
    if wanted.state is UNSET or wanted.state == held["state"]:
        return known
    if held["state"] not in ("active", "paused"):
        raise Refusal(409, "not_now", f"The channel is {held['state']}, so this cannot be done now.")
    row = _there(await tx.row(queries.move, chat_id, wanted.state, ""))
    record(tx, model.CHANGED, op="UPDATE", row=row)
    return int(row["version"])


async def close(tx: Tx, chat_id: UUID) -> None:
    """Nothing is posted any more, and the workspace is asked to archive it. Raises Refusal 403, 404."""
    held = await _held(tx, chat_id)
    if held["state"] == "closed":
        return
    record(tx, model.CHANGED, op="UPDATE", row=_there(await tx.row(queries.move, chat_id, "closed", "")))


async def made(tx: Tx, chat_id: UUID, opened: Opened, *, people: int, waits: bool = False) -> None:
    """The workspace has made it. `waits`: its messages need an account of their own."""
    url = opened.url if opened.url.startswith("https://") and len(opened.url) <= URL_MAX else ""
    row = _there(await tx.row(queries.made, chat_id, opened.id, people, opened.strangers, url, waits))
    record(tx, model.CHANGED, op="UPDATE", row=row)


async def refused(tx: Tx, chat_id: UUID, reason: str) -> None:
    """The workspace will not make it."""
    row = await tx.row(queries.refused, chat_id, reason[:REASON_MAX])
    if row is not None:
        record(tx, model.CHANGED, op="UPDATE", row=row)


async def said(tx: Tx, message_id: UUID, remote_id: str, sealed: bytes, pressed_by: str) -> None:
    """The message of a matter says this now."""
    await tx.run(queries.said, message_id, remote_id, sealed, pressed_by)


async def _wire(tx: Tx, held: Row, connection_id: UUID) -> Row:
    """Raises Refusal 409, 422."""
    known = {row["id"]: row for row in await tx.rows(queries.workspaces, held["tenant_id"], list(programs()))}
    maker, taker = known.get(held["connection_id"]), known.get(connection_id)
    wanted = poster(maker["connector"]) if maker is not None else ""
    if taker is None or not wanted or taker["connector"] != wanted:
        detail = "Connect the address of the channel's workflow first." if wanted else "Leave it out."
        raise invalid("posts_by", "is no account that takes this channel's messages", detail)
    if held["state"] not in ("waiting", "active", "paused"):
        raise Refusal(409, "not_now", f"The channel is {held['state']}, so this cannot be done now.")
    await tx.row(queries.hold_workspace, connection_id)
    user = await tx.row(queries.open_one, connection_id, None)
    if user is not None and user["id"] != held["id"]:
        raise Refusal(409, "chat_exists", IN_USE)
    row = _there(await tx.row(queries.wire, held["id"], connection_id))
    record(tx, model.CHANGED, op="UPDATE", row=row)
    return _there(await tx.row(queries.hold, held["id"]))


async def _is_free(tx: Tx, workspace: Row, wedding_id: UUID) -> None:
    """Raises Refusal 409. What is one channel itself is one wedding's."""
    is_one = program(workspace["connector"]).is_one
    if is_one:
        await tx.row(queries.hold_workspace, workspace["id"])
    if await tx.row(queries.open_one, workspace["id"], None if is_one else wedding_id) is None:
        return
    if is_one:
        raise Refusal(409, "chat_exists", IN_USE)
    raise Refusal(409, "chat_exists", "This wedding has a channel in this workspace already.")


async def _held(tx: Tx, chat_id: UUID) -> Row:
    await must_be(tx)
    return _there(await tx.row(queries.hold, chat_id))


def _there(row: Row | None) -> Row:
    if row is None:
        raise not_found("chat")
    return row
