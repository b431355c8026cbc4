"""The memory of the fake Slack: workspaces with people, channels and messages, and the rules each method keeps.

Whatever is refused raises SlackError with Slack's own word for it.
"""

import itertools
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

Object = dict[str, Any]
CREATED: Final = 1_790_000_000
BLOCKS_MAX: Final = 50
SECTION_MAX: Final = 3000
TEXT_MAX: Final = 40_000
_numbers = itertools.count(1)


class SlackError(Exception):
    """`ok: false`, with this error."""


class Channel(msgspec.Struct, kw_only=True):
    id: str
    name: str
    is_private: bool
    topic: str = ""
    is_archived: bool = False
    members: list[str] = []
    messages: list[Object] = []

    def shown(self) -> Object:
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": True,
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_general": False,
            "is_shared": False,
            "is_ext_shared": False,
            "is_org_shared": False,
            "is_member": True,
            "created": CREATED,
            "creator": "U0WEDSYNC",
            "topic": {"value": self.topic, "creator": "U0WEDSYNC", "last_set": CREATED},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "num_members": len(self.members) + 1,
        }

    def message(self, ts: str) -> Object | None:
        return next((one for one in self.messages if one["ts"] == ts), None)


class Workspace(msgspec.Struct, kw_only=True):
    """`people`: e-mail address -> user id. What one workspace has no other sees."""

    id: str
    name: str
    people: dict[str, str]
    channels: dict[str, Channel] = {}

    def add_person(self, email: str) -> str:
        return self.people.setdefault(email.lower(), f"U{next(_numbers):08d}")

    def channel(self, id: str) -> Channel:
        if id not in self.channels:
            raise SlackError("channel_not_found")
        return self.channels[id]

    def named(self, name: str) -> Channel:
        """For tests. Raises StopIteration."""
        return next(one for one in self.channels.values() if one.name == name)

    def auth_test(self, form: Mapping[str, str]) -> Object:
        return {
            "url": f"https://{self.name.lower().replace(' ', '-')}.slack.com/",
            "team": self.name,
            "user": "wedsync",
            "team_id": self.id,
            "user_id": "U0WEDSYNC",
            "bot_id": "B0WEDSYNC",
            "is_enterprise_install": False,
        }

    def create(self, form: Mapping[str, str]) -> Object:
        name = form.get("name", "")
        if not name:
            raise SlackError("invalid_name_required")
        if len(name) > 80:
            raise SlackError("invalid_name_maxlength")
        if not re.fullmatch(r"[a-z0-9_-]+", name):
            raise SlackError("invalid_name_specials")
        if any(one.name == name for one in self.channels.values()):
            raise SlackError("name_taken")
        id = f"C{next(_numbers):09d}"
        self.channels[id] = Channel(id=id, name=name, is_private=form.get("is_private") == "true")
        return {"channel": self.channels[id].shown()}

    def list(self, form: Mapping[str, str]) -> Object:
        """Pages, as small as is asked for."""
        limit, begin = int(form.get("limit", "100")), int(form.get("cursor") or "0")
        known = [one for one in self.channels.values() if not one.is_archived]
        if "private_channel" not in form.get("types", "public_channel"):
            known = [one for one in known if not one.is_private]
        cursor = str(begin + limit) if begin + limit < len(known) else ""
        shown = [one.shown() for one in known[begin : begin + limit]]
        return {"channels": shown, "response_metadata": {"next_cursor": cursor}}

    def set_topic(self, form: Mapping[str, str]) -> Object:
        channel = self._open(form)
        if len(form.get("topic", "")) > 2500:
            raise SlackError("too_long")
        channel.topic = form.get("topic", "")
        return {"channel": channel.shown()}

    def look_up(self, form: Mapping[str, str]) -> Object:
        email = form.get("email", "").lower()
        if email not in self.people:
            raise SlackError("users_not_found")
        profile = {"email": email, "real_name": email, "avatar_hash": "a", "display_name": ""}
        user = {"id": self.people[email], "name": email.partition("@")[0], "team_id": self.id, "profile": profile}
        return {"user": user | {"is_bot": False, "updated": CREATED, "is_app_user": False, "deleted": False}}

    def invite(self, form: Mapping[str, str]) -> Object:
        channel, ids = self._open(form), form.get("users", "").split(",")
        if any(id not in self.people.values() for id in ids):
            raise SlackError("user_not_found")
        if any(id in channel.members for id in ids):
            raise SlackError("already_in_channel")
        channel.members += ids
        return {"channel": channel.shown()}

    def archive(self, form: Mapping[str, str]) -> Object:
        channel = self.channel(form.get("channel", ""))
        if channel.is_archived:
            raise SlackError("already_archived")
        channel.is_archived = True
        return {}

    def post(self, form: Mapping[str, str]) -> Object:
        channel = self._open(form)
        message = _message(form)
        thread = form.get("thread_ts", "")
        if thread and channel.message(thread) is None:
            raise SlackError("thread_not_found")
        ts = f"{CREATED + len(channel.messages)}.{next(_numbers):06d}"
        subtype = {"subtype": "thread_broadcast"} if form.get("reply_broadcast") == "true" else {}
        message |= {"type": "message", "user": "U0WEDSYNC", "ts": ts} | (
            {"thread_ts": thread} | subtype if thread else {}
        )
        channel.messages.append(message)
        return {"channel": channel.id, "ts": ts, "message": _plain(message)}

    def update(self, form: Mapping[str, str]) -> Object:
        channel = self._open(form)
        message = channel.message(form.get("ts", ""))
        if message is None:
            raise SlackError("message_not_found")
        message.update({name: value for name, value in _message(form).items() if name != "metadata"})
        message["edited"] = {"user": "U0WEDSYNC", "ts": message["ts"]}
        told = {"text": message["text"]}
        return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": told}

    def history(self, form: Mapping[str, str]) -> Object:
        channel = self.channel(form.get("channel", ""))
        found = [one for one in reversed(channel.messages) if "thread_ts" not in one or "subtype" in one]
        messages = found[: int(form.get("limit", "100"))]
        if form.get("include_all_metadata") != "true":
            messages = [_plain(one) for one in messages]
        return {
            "messages": messages,
            "has_more": len(found) > len(messages),
            "pin_count": 0,
            "channel_actions_ts": None,
            "channel_actions_count": 0,
        }

    def _open(self, form: Mapping[str, str]) -> Channel:
        channel = self.channel(form.get("channel", ""))
        if channel.is_archived:
            raise SlackError("is_archived")
        return channel


METHODS: Final = {
    "auth.test": Workspace.auth_test,
    "conversations.create": Workspace.create,
    "conversations.list": Workspace.list,
    "conversations.setTopic": Workspace.set_topic,
    "conversations.invite": Workspace.invite,
    "conversations.archive": Workspace.archive,
    "conversations.history": Workspace.history,
    "users.lookupByEmail": Workspace.look_up,
    "chat.postMessage": Workspace.post,
    "chat.update": Workspace.update,
}
CHANGING: Final = frozenset(
    name for name in METHODS if name not in ("auth.test", "conversations.list", "conversations.history")
)


def _message(form: Mapping[str, str]) -> Object:
    """Text, blocks and metadata of a form, judged as Slack does."""
    blocks = _decoded(form.get("blocks", "[]"), "invalid_blocks_format")
    if not form.get("text") and not blocks:
        raise SlackError("no_text")
    if len(form.get("text", "")) > TEXT_MAX:
        raise SlackError("msg_too_long")
    if len(blocks) > BLOCKS_MAX or not all(_is_block(one) for one in blocks):
        raise SlackError("invalid_blocks")
    metadata = {"metadata": _decoded(form["metadata"], "invalid_metadata_format")} if "metadata" in form else {}
    return {"text": form.get("text", ""), "blocks": blocks, **metadata}


def _is_block(block: Any) -> bool:
    """The kinds that we make, with the limits that docs.slack.dev has for them."""
    kind = block.get("type")
    if kind == "section":
        return 0 < len(block["text"]["text"]) <= SECTION_MAX
    if kind == "context":
        return 0 < len(block["elements"]) <= 10
    elements = block.get("elements", [])
    is_short = all(len(one["text"]["text"]) <= 75 and len(one.get("value", "")) <= 2000 for one in elements)
    ids = [one["action_id"] for one in elements]
    return kind == "actions" and 0 < len(elements) <= 25 and is_short and len(set(ids)) == len(ids)


def _decoded(text: str, error: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as cause:
        raise SlackError(error) from cause


def _plain(message: Object) -> Object:
    return {name: value for name, value in message.items() if name not in ("metadata", "edited")}
