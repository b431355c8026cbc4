"""Buttons that come back from chat programs: whose they are at the inbound door, and what they do afterwards.

One address takes the buttons of all workspaces, signed with the operator's secret for the program. A button's value is
the id of our message, which only those who can read the message know; it counts only in the message's own channel. It
does what the link that the channel is of may do, and nothing beside: confirm, or see to an emergency.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final
from uuid import UUID

from wedsync.acknowledgements import actions as acknowledgements
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.chatting import alarming
from wedsync.connections.chatting.contract import Pressed, Pressing
from wedsync.connections.elements import Element
from wedsync.connections.host import Host
from wedsync.connections.inbox import Denied, Source
from wedsync.connections.incoming import ENTER_LINK, Done, Taker
from wedsync.connections.manifest import operators
from wedsync.connections.verify.request import Request
from wedsync.connections.verify.scheme import verify
from wedsync.events.jobs import Job
from wedsync.kit import clock, sql
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.web.context import Context

queries = sql.load("wedsync.connections.chatting")
RATE_PER_MINUTE: Final = 6_000
CONFIRMED: Final = "notice.confirmed"
NOTHING: Final = "There is nothing to confirm there any more."


def is_pressed(desk: Desk, connector: str) -> bool:
    """Whether buttons of this connector come to the platform's address."""
    return desk.host.connector(connector, Pressing) is not None


def heard(desk: Desk, connector: str, headers: Mapping[str, str], body: bytes) -> Pressed | None | str:
    """The button, None for what says nothing to us, or why it is not verified. Raises Denied 422."""
    manifest, pressing = desk.host.manifests[connector], desk.host.connector(connector, Pressing)
    if pressing is None or manifest.chats is None or manifest.chats.scheme is None:
        return "buttons of this program do not come back"
    held = str(operators(desk.settings, manifest.chats.secrets))
    secrets = [one.strip() for one in held.split(",") if one.strip()]
    asked = Request(headers=headers, body=body, url="", secrets=secrets, now=clock.machine_now().timestamp())
    why = verify(manifest.chats.scheme, asked)
    if why is not None:
        return why
    try:
        return pressing.pressed(body)
    except ValueError as error:
        wrong = "the body is not what it should be"
        raise Denied(422, "invalid", "The body is not what this provider sends.", reason=wrong) from error


async def source(ctx: Context, desk: Desk, connector: str, pressed: Pressed) -> Source | None:
    """Whose workspace it was pressed in; None where the button is of no message in that channel."""
    message_id = _id(pressed.button)
    if message_id is None:
        return None
    async with ctx.door.bare(ANONYMOUS) as tx:
        row = await tx.row(queries.of_button, connector, message_id, pressed.channel)
    if row is None:
        return None
    chats = desk.host.manifests[connector].chats
    by = (chats.scheme if chats is not None else None) or ""
    return Source(id=row["connection_id"], tenant=row["tenant_id"], connector=connector, verified_by=by)


def element(pressed: Pressed, body: bytes) -> Element:
    """As it is kept: the same press told twice is one."""
    return Element(pressed.key[:200], body)


def takers(host: Host) -> Mapping[str, Taker]:
    """For every connector whose buttons come back."""
    found = {name: host.connector(name, Pressing) for name in host.manifests}
    return {name: partial(_take, pressing) for name, pressing in found.items() if pressing is not None}


async def _take(pressing: Pressing, tx: Tx, job: Job, row: Row, body: bytes) -> Done:
    """Confirm as the link. Who pressed is noted first, so that the message can say so."""
    try:
        pressed = pressing.pressed(body)
    except ValueError as error:
        raise Refusal(422, "invalid", "The body is not what this provider sends.") from error
    message_id = None if pressed is None else _id(pressed.button)
    message = None
    if pressed is not None and message_id is not None:
        message = await tx.row(queries.pressed, message_id, pressed.channel)
    if pressed is None or message is None:
        return Done(type=CONFIRMED, status="ignored", why=NOTHING)
    link: UUID = message["link_id"]
    # In the link's place nothing of the channel can be written, so this comes first.
    await tx.run(queries.note_presser, message["id"], pressed.by)
    if message["about"].startswith(alarming.ABOUT):
        return await alarming.pressed(tx, job, message)
    if await tx.value(ENTER_LINK, job.id, job.lease_token, link) is None:
        return Done(type=CONFIRMED, status="ignored", why="You are no longer linked to this wedding.")
    waiting = await tx.row(queries.to_confirm, message["about"])
    if waiting is None or waiting["status"] == "acknowledged":
        return Done(type=CONFIRMED, status="ignored", why="It is confirmed already.", link=link)
    await acknowledgements.give(tx, waiting["id"], via="chat")
    return Done(type=CONFIRMED, status="applied", link=link)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
