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

NAME_MAX: Final = 80
TEXT_MAX: Final = 2900
"""A section takes 3,000 characters, and a message is short."""
TITLE_MAX: Final = 300
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


def escaped(text: str, limit: int = TEXT_MAX) -> str:
    """As text of a message; cut before it is escaped, so that no escape is cut."""
    return text[:limit].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def summary(saying: Saying) -> str:
    """What is read out and shown on a phone: the change itself comes first."""
    return f"{saying.title}: {saying.before} → {saying.after}" if saying.after else saying.title


def blocks(saying: Saying, key: str) -> list[dict[str, Any]]:
    """A message as Block Kit: title, change, what became of it, and the buttons."""
    lines = [f"*{escaped(saying.title, TITLE_MAX)}*"]
    if saying.after:
        before = f"~{escaped(saying.before, TITLE_MAX)}~  →  " if saying.before else ""
        lines.append(f"{before}*{escaped(saying.after, TITLE_MAX)}*")
    found: list[dict[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)}}]
    if saying.note:
        # Ours, with mentions that are to work: whoever wrote it has escaped what was typed.
        found.append({"type": "context", "elements": [{"type": "mrkdwn", "text": saying.note[:TEXT_MAX]}]})
    elements = [*_confirming(saying), *_opening(saying)]
    if elements:
        found.append({"type": "actions", "block_id": f"notice:{key}"[:255], "elements": elements})
    return found


def to_post(channel: str, saying: Saying, key: str, *, thread: str = "") -> Mapping[str, str]:
    """The form of chat.postMessage. Its metadata is how a message is found whose answer was lost."""
    metadata = {"event_type": EVENT, "event_payload": {"key": key}}
    form = {
        "channel": channel,
        "text": escaped(summary(saying)),
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
        "text": escaped(summary(saying)),
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
    text = {"type": "plain_text", "text": "Seen and fine"}
    return [{"type": "button", "action_id": ACTION, "text": text, "style": "primary", "value": saying.button}]


def _opening(saying: Saying) -> list[dict[str, Any]]:
    if not saying.url:
        return []
    text = {"type": "plain_text", "text": "Open in WedSync"}
    return [{"type": "button", "action_id": OPEN, "text": text, "url": saying.url}]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
