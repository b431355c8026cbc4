"""Calendar objects as changes: one object is one event, or a whole series with its exceptions (RFC 4791 4.1).

An exception is addressed by the object's path and the start it had: `/1/calendars/home/x.ics#2026-06-13T14:00:00`.
"""

import base64
import binascii
import zlib
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from wedsync.connections.calendars.contract import Change
from wedsync.connections.calendars.ical_write import parts

#: A cursor that unpacks to more was not made by us.
CURSOR_MAX_BYTES: Final = 32 * 1024 * 1024
MARK: Final = "1."

Way = Literal["sync", "etags"]


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where we are. `token` is the server's, or with `etags` the calendar's own tag. `todo` is still to be fetched,
    `gone` still to be told. `exceptions`: which starts each series has exceptions for, since a server tells only that
    the object has changed, never that an exception in it is gone."""

    way: Way
    token: str = ""
    todo: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    etags: dict[str, str] = {}
    exceptions: dict[str, tuple[str, ...]] = {}
    is_listing: bool = False
    is_cut: bool = False


def written(cursor: Cursor) -> str:
    """As text that a database keeps; a calendar of 5,000 events without sync-collection takes about 250 kB."""
    return MARK + base64.urlsafe_b64encode(zlib.compress(msgspec.json.encode(cursor))).decode()


def read_cursor(text: str) -> Cursor | None:
    """None where it is none of ours."""
    try:
        packed = base64.urlsafe_b64decode(text.removeprefix(MARK).encode())
        opened = zlib.decompressobj().decompress(packed, CURSOR_MAX_BYTES)
        return msgspec.json.decode(opened, type=Cursor)
    except (binascii.Error, zlib.error, msgspec.MsgspecError, ValueError):
        return None


def split_id(id: str) -> tuple[str, str]:
    """Path of the object, and the start of the exception in it or ""."""
    path, _, original = id.partition("#")
    return path, original


def to_changes(path: str, etag: str, data: bytes, *, own: frozenset[str]) -> tuple[list[Change], int]:
    """What an object says, the event or series first, and how many of its parts could not be read."""
    found, unread = parts(data, own=own)
    has_master = any(not one.original for one in found)
    changes = [
        Change(
            id=f"{path}#{one.original}" if one.original else path,
            etag=etag,
            event=one.event,
            # Who is invited to one day of a series only has an exception without its series.
            series=path if one.original and has_master else "",
            original=one.original,
            marker=one.marker,
            is_editable=one.is_editable,
            updated_at=one.updated_at,
        )
        for one in found
    ]
    return changes, unread


def gone(path: str, originals: Iterable[str]) -> list[Change]:
    """An object that is no more, with the exceptions that were in it."""
    return [Change(id=path), *vanished(path, originals)]


def vanished(path: str, originals: Iterable[str]) -> list[Change]:
    """Exceptions that are not in the object any more: the series has their days again, unless it leaves them out."""
    return [Change(id=f"{path}#{original}") for original in originals]


def originals(changes: Sequence[Change]) -> tuple[str, ...]:
    return tuple(change.original for change in changes if change.original)
