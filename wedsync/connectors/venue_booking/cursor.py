"""How far the bookings of a venue's system have been read, by its own clock."""

import msgspec

from wedsync.connectors.venue_booking.mapper import Page


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`since` is the system's own clock when the last reading began; `next` and `as_of` are of the one under way."""

    since: str = ""
    next: str = ""
    as_of: str = ""


def read(text: str) -> Cursor:
    """What cannot be read begins anew."""
    try:
        return msgspec.json.decode(text, type=Cursor) if text else Cursor()
    except msgspec.DecodeError:
        return Cursor()


def after(cursor: Cursor, page: Page) -> Cursor:
    """The next page, or the next reading from when this one began."""
    as_of = cursor.as_of or page.as_of
    return Cursor(since=cursor.since, next=page.next, as_of=as_of) if page.next else Cursor(since=as_of)


def written(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
