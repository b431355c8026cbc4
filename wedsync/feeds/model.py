"""What a feed is, the token in its address, and what stands in it."""

import base64
import hashlib
import hmac
from datetime import date, datetime, time
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta

EVENTS: Final = ()
"""A feed is a credential: what it shows is told by the nouns that change."""
FEEDS_MAX: Final = 20


class NewFeed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: Annotated[str, Meta(max_length=120, description="For yourself, such as the phone it is for")] = ""


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is only told to the person whose feed it is; whoever has it reads the calendar."""

    id: UUID
    title: str
    of: str
    is_own: bool
    url: str | None
    read_at: datetime | None
    created_at: datetime
    version: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a feed: a wall time with minutes, or whole days. `uid` never changes."""

    uid: str
    title: str
    on: date
    at_local: time | None = None
    zone: str = "UTC"
    minutes: int = 0
    days: int = 1
    place: str = ""
    text: str = ""
    is_tentative: bool = False
    is_busy: bool = True
    changed_at: datetime
    version: int = 1


def token(secret: str, feed_id: UUID) -> str:
    """43 letters: the id and a keyed digest of it."""
    return base64.urlsafe_b64encode(feed_id.bytes + _signature(secret, feed_id)).decode().rstrip("=")


def feed_of(secret: str, text: str) -> UUID | None:
    """Whose token it is; None for any that was not signed here."""
    if len(text) != 43 or not text.isascii():
        return None
    try:
        raw = base64.b64decode(f"{text}=", altchars=b"-_", validate=True)
    except ValueError:
        return None
    feed_id = UUID(bytes=raw[:16])
    return feed_id if hmac.compare_digest(_signature(secret, feed_id), raw[16:]) else None


def _signature(secret: str, feed_id: UUID) -> bytes:
    return hmac.digest(secret.encode(), b"feed|" + feed_id.bytes, hashlib.sha256)[:16]
