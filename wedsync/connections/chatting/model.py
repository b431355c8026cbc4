"""A wedding's channel as doors and events show it, what people may change of it, and what a delivery to it says."""

import re
import unicodedata
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.connections.chatting.contract import Saying
from wedsync.events.catalogue import EventType
from wedsync.events.scope import Scope

State = Literal["opening", "waiting", "active", "paused", "failed", "closed"]
Settled = Literal["confirmed", "seen_to", "over"]
NAME_MAX: Final = 74
"""Six more characters make it the only one of its name."""
EVERYTHING: Final = 2047
"""What a couple's own channel may see."""
Name = Annotated[str, Meta(max_length=NAME_MAX)]


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """A channel of one wedding in a connected workspace; with a `link_id` it hears what that link may see.

    `state` opening until the workspace has made it, failed where it will not: `reason` says why. Where its program lets
    nobody post with the account that made it, it is waiting until `posts_by` says which account takes its messages.
    `people` is how many were to be invited, `strangers` how many of them could not be; `url` is where people open it.
    """

    id: UUID
    tenant_id: UUID
    connection_id: UUID
    wedding_id: UUID
    link_id: UUID | None
    name: str
    is_private: bool
    state: State
    reason: str
    remote_id: str
    url: str
    posts_by: UUID | None
    people: int
    strangers: int
    version: int
    created_at: datetime
    updated_at: datetime


class NewChat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A channel to be: of which wedding, in which workspace. A couple's is of their own wedding."""

    connection_id: UUID
    wedding_id: UUID | None = None
    name: Name = ""
    is_private: bool = True


class ChatChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Paused, nothing is posted, nor posted later; `posts_by` is the account that takes its messages from now on, for a
    channel whose program needs one. What is absent stays."""

    state: Literal["active", "paused"] | UnsetType = UNSET
    posts_by: UUID | UnsetType = UNSET


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a delivery to a channel is to do, sealed with it.

    `open` makes the channel and invites its people; `tell` brings the message of a matter up to date, and tells of it
    anew where it was there before; `settle` notes in it that the matter is confirmed; `archive` ends the channel. `url`
    is where the wedding is.
    """

    do: Literal["open", "tell", "settle", "archive"]
    about: str = ""
    saying: Saying | None = None
    confirms: bool = False
    settled: Settled = "confirmed"
    url: str = ""


def named(on: date | None, couple: str, id: UUID) -> str:
    """`2027-06-05-maria-and-tom-1f3a`: what people look for first, and nobody else's name."""
    plain = unicodedata.normalize("NFKD", couple.replace("&", " and ")).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "wedding"
    return unique(f"{on:%Y-%m-%d}-{words}" if on else words, id)


def unique(name: str, id: UUID) -> str:
    """The same with digits of its own, by which it is found again."""
    return f"{name[:NAME_MAX].strip('- ')}-{id.hex[-4:]}"


_AT = "2026-11-21T10:00:00Z"
_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-0000000000c1",
    "tenant_id": "01920000-0000-7000-8000-00000000000a",
    "connection_id": "01920000-0000-7000-8000-00000000000e",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "link_id": "01920000-0000-7000-8000-00000000000b",
    "name": "2027-06-05-maria-and-tom-1f3a",
    "is_private": True,
    "state": "active",
    "reason": "",
    "remote_id": "C024BE91L",
    "url": "",
    "posts_by": None,
    "people": 3,
    "strangers": 0,
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
}


def _type(name: str, text: str) -> EventType:
    return EventType(
        type=f"chat.{name}", scope=Scope.PRIVATE, table="chats", row=Chat, description=text, example=_EXAMPLE
    )


ADDED = _type("added", "A channel for a wedding is to be made in a connected workspace.")
CHANGED = _type(
    "changed",
    "A wedding's channel was made, given the account that takes its messages, paused, resumed or closed, or could not "
    "be made.",
)
EVENTS = (ADDED, CHANGED)
