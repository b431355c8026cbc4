"""Ours to Slack's and back: names of channels, messages as Block Kit, and what a pressed button says.

Everything people typed is escaped (`&`, `<`, `>`), so that nobody mentions a whole channel by naming a wedding
`<!channel>`. Nothing here talks to anybody.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from wedsync.connections.chatting.contract import Pressed, Saying
from wedsync.notices.wording import drawing

NAME_MAX: Final = 80
ABOUT_MAX: Final = 250
ACTION: Final = "wedsync_confirm"
OPEN: Final = "wedsync_open"
EVENT: Final = "wedsync_notice"
FIELDS_MAX: Final = 20


class _Action(msgspec.Struct, frozen=True):
    action_id: str = ""
    value: str = ""
    action_ts: str = ""


class _Named(msgspec.Struct, frozen=True):
    id: str = ""


class _Interaction(msgspec.Struct, frozen=True):
    type: str
    user: _Named = _Named()
    team: _Named | None = None
    channel: _Named | None = None
    actions: tuple[_Action, ...] = ()


def channel_name(name: str) -> str:
    """Lower case letters, digits, hyphens: at most 80 (docs.slack.dev, conversations.create)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:NAME_MAX].strip("-") or "wedding"


def summary(saying: Saying) -> str:
    """What is read out and shown on a phone: the change itself comes first."""
    return f"{saying.title}: {saying.before} → {saying.after}" if saying.after else saying.title


def blocks(saying: Saying, key: str) -> list[Any]:
    """A message as Block Kit. Of a note whoever wrote it has escaped what was typed."""
    buttons = [*_confirming(saying), *_opening(saying)]
    return drawing.blocks(saying.content(), key=key, note=saying.note, buttons=buttons)


def to_post(channel: str, saying: Saying, key: str, *, thread: str = "") -> Mapping[str, str]:
    """The form of chat.postMessage. Its metadata is how a message is found whose answer was lost."""
    metadata = {"event_type": EVENT, "event_payload": {"key": key}}
    form = {
        "channel": channel,
        "text": drawing.escaped(summary(saying)),
        "blocks": _json(blocks(saying, key)),
        "metadata": _json(metadata),
        "unfurl_links": "false",
        "unfurl_media": "false",
    }
    return form | ({"thread_ts": thread, "reply_broadcast": "true"} if thread else {})


def to_update(channel: str, message: str, saying: Saying, key: str) -> Mapping[str, str]:
    """The form of chat.update: blocks and text are replaced as a whole, metadata stays."""
    return {
        "channel": channel,
        "ts": message,
        "text": drawing.escaped(summary(saying)),
        "blocks": _json(blocks(saying, key)),
    }


def pressed(body: bytes) -> Pressed | None:
    """A pressed button that confirms. None for every other interaction. Raises ValueError."""
    fields = parse_qs(body.decode(), max_num_fields=FIELDS_MAX)
    said = msgspec.json.decode(fields.get("payload", [""])[0], type=_Interaction)
    one = next((action for action in said.actions if action.action_id == ACTION and action.value), None)
    if said.type != "block_actions" or one is None or said.channel is None:
        return None
    key = hashlib.sha256(f"{said.channel.id} {said.user.id} {one.value} {one.action_ts}".encode()).hexdigest()
    by = f"<@{said.user.id}>" if re.fullmatch(r"[UW][A-Z0-9]{2,20}", said.user.id) else ""
    return Pressed(key=key, channel=said.channel.id, button=one.value[:200], by=by)


def _confirming(saying: Saying) -> list[dict[str, Any]]:
    if not saying.button:
        return []
    text = {"type": "plain_text", "text": saying.confirm_label}
    return [{"type": "button", "action_id": ACTION, "text": text, "style": "primary", "value": saying.button}]


def _opening(saying: Saying) -> list[dict[str, Any]]:
    if not saying.url:
        return []
    text = {"type": "plain_text", "text": saying.open_label}
    return [{"type": "button", "action_id": OPEN, "text": text, "url": saying.url}]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
