"""Google's events as ours and ours as Google's: pure, both ways.

What Google says is in https://developers.google.com/workspace/calendar/api/v3/reference/events. A planned time is sent
as wall time and zone; an offset stands with it only where clocks go back and the wall time comes twice. Read back it
has an offset, which is turned into the wall time of the event's own zone.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from wedsync.connections.calendars.contract import Change, RemoteCalendar
from wedsync.connections.calendars.event import (
    CalendarEvent,
    Days,
    EventError,
    Status,
    Timed,
    Times,
    checked,
    known_zone,
)
from wedsync.connectors.google_calendar import markup

MARKER: Final = "wedsync"
FLOATING: Final = "wedsyncFloating"
"""Google knows no floating times: the zone such a time was given is noted, and taken off again if it is still that."""

WRITERS: Final = frozenset({"owner", "writer", "writerWithoutPrivateAccess"})
# Where somebody works and whose birthday it is takes nobody's time.
IDLE_KINDS: Final = frozenset({"workingLocation", "birthday"})
_RULE = re.compile(r"(RRULE|RDATE|EXDATE|EXRULE)[;:]", re.IGNORECASE)
_INSTANCE = re.compile(r"_\d{8}(T\d{6}Z)?$")

FIELDS: Final = (
    "nextPageToken,nextSyncToken,timeZone,accessRole,items(id,etag,status,updated,summary,description,location,"
    "start,end,recurrence,recurringEventId,originalStartTime,transparency,visibility,eventType,locked,guestsCanModify,"
    "organizer(self),attendees(self,responseStatus),extendedProperties(private))"
)
"""What is asked for of a page: who else is invited is never fetched."""


class Moment(msgspec.Struct, frozen=True, rename="camel"):
    date: str | None = None
    date_time: str | None = None
    time_zone: str | None = None


class Whom(msgspec.Struct, frozen=True, rename="camel"):
    self: bool = False
    response_status: str = ""


class Extended(msgspec.Struct, frozen=True):
    private: dict[str, str] = {}


class Item(msgspec.Struct, frozen=True, rename="camel"):
    """One event as Google tells it; of one that is gone only the id is sure."""

    id: str
    etag: str = ""
    status: str = "confirmed"
    updated: str = ""
    summary: str = ""
    description: str = ""
    location: str = ""
    start: Moment | None = None
    end: Moment | None = None
    recurrence: tuple[str, ...] = ()
    recurring_event_id: str = ""
    original_start_time: Moment | None = None
    transparency: str = "opaque"
    visibility: str = "default"
    event_type: str = "default"
    locked: bool = False
    guests_can_modify: bool = False
    organizer: Whom | None = None
    attendees: tuple[Whom, ...] = ()
    extended_properties: Extended = Extended()


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """A page of events; each is read by itself, so that one that cannot be understood spoils no other."""

    items: tuple[msgspec.Raw, ...] = ()
    next_page_token: str = ""
    next_sync_token: str = ""
    access_role: str = "reader"


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """A calendar in the account's list."""

    id: str
    summary: str = ""
    summary_override: str = ""
    time_zone: str = "UTC"
    access_role: str = "reader"
    primary: bool = False
    deleted: bool = False


class Entries(msgspec.Struct, frozen=True, rename="camel"):
    items: tuple[Entry, ...] = ()
    next_page_token: str = ""


def to_calendars(entries: Sequence[Entry]) -> tuple[RemoteCalendar, ...]:
    return tuple(
        RemoteCalendar(
            id=entry.id,
            title=entry.summary_override or entry.summary,
            zone=entry.time_zone,
            is_writable=entry.access_role in WRITERS,
            is_primary=entry.primary,
        )
        for entry in entries
        if not entry.deleted
    )


def to_changes(page: Page, *, zone: str) -> tuple[tuple[Change, ...], int]:
    """The changes of a page, and how many could not be understood."""
    changes: list[Change] = []
    unread = 0
    for raw in page.items:
        try:
            item = msgspec.json.decode(raw, type=Item)
            changes.append(to_change(item, zone=zone, is_writable=page.access_role in WRITERS))
        except (msgspec.ValidationError, EventError):
            unread += 1
    return tuple(changes), unread


def to_change(item: Item, *, zone: str, is_writable: bool = True) -> Change:
    """`zone` is the calendar's. Raises EventError."""
    mine = item.extended_properties.private
    is_gone = item.status == "cancelled"
    return Change(
        id=item.id,
        etag=item.etag,
        event=None if is_gone else to_event(item, zone=zone),
        series=item.recurring_event_id,
        original=_original(item.original_start_time, zone),
        marker=mine.get(MARKER, ""),
        is_editable=is_writable and _is_editable(item),
        updated_at=_instant(item.updated),
    )


def to_event(item: Item, *, zone: str) -> CalendarEvent:
    """What is private to its owner and not made by us is told as time only. Raises EventError."""
    is_private = item.visibility in ("private", "confidential")
    is_told = not is_private or MARKER in item.extended_properties.private
    answer = next((whom.response_status for whom in item.attendees if whom.self), "")
    is_tentative = item.status == "tentative" or answer in ("tentative", "needsAction")
    if any(not _RULE.match(line) for line in item.recurrence):
        raise EventError("the event repeats in a way that nobody knows")
    return checked(
        CalendarEvent(
            times=_times(item, zone),
            title=item.summary if is_told else "",
            text=markup.plain(item.description) if is_told else "",
            place=item.location if is_told else "",
            rules=item.recurrence,
            status="tentative" if is_tentative else "confirmed",
            is_busy=item.transparency != "transparent" and answer != "declined" and item.event_type not in IDLE_KINDS,
            is_private=is_private,
        )
    )


def to_body(event: CalendarEvent, *, marker: str, zone: str, id: str = "") -> dict[str, Any]:
    """The body that makes the event or, with the `id` it has there, changes it (JSON merge patch: null takes away)."""
    status: Status = "tentative" if event.status == "tentative" else "confirmed"
    floating = zone if isinstance(event.times, Timed) and not event.times.zone else None
    mine = {MARKER: marker, FLOATING: floating}
    body: dict[str, Any] = {
        "status": status,
        "transparency": "opaque" if event.is_busy else "transparent",
        "extendedProperties": {"private": mine if id else {name: text for name, text in mine.items() if text}},
        **_both_ends(event.times, zone, is_patch=bool(id)),
    }
    texts = {"summary": event.title, "description": markup.written(event.text), "location": event.place}
    if not (id and event.is_private and not any(texts.values())):
        # A private event comes without its words: they are not ours to take away.
        body |= texts
    if event.is_private or not id:
        body["visibility"] = "private" if event.is_private else "default"
    if event.rules or (id and not _INSTANCE.search(id)):
        body["recurrence"] = list(event.rules)
    return body


def _is_editable(item: Item) -> bool:
    is_ours = item.organizer is None or item.organizer.self or item.guests_can_modify
    return is_ours and not item.locked and item.event_type == "default"


def _times(item: Item, zone: str) -> Times:
    start, end = item.start, item.end or item.start
    if start is None or end is None:
        raise EventError("the event has no start")
    if start.date:
        return Days(on=start.date, until=end.date or start.date)
    own = _zone_of(start, zone, is_needed=bool(item.recurrence))
    end_own = _zone_of(end, own) if end.time_zone else own
    first, last = _wall(start, own), _wall(end, end_own)
    is_floating = item.extended_properties.private.get(FLOATING) == own == end_own
    return Timed(
        start=first.replace(tzinfo=None, fold=0).isoformat(timespec="seconds"),
        end=last.replace(tzinfo=None, fold=0).isoformat(timespec="seconds"),
        zone="" if is_floating else own,
        end_zone="" if end_own == own else end_own,
        start_fold=first.fold,
        end_fold=last.fold,
    )


def _zone_of(moment: Moment, calendar: str, *, is_needed: bool = False) -> str:
    """One event is an instant whatever its zone is called; a series is repeated in its zone."""
    name = moment.time_zone or calendar
    try:
        known_zone(name)
    except EventError:
        if is_needed:
            raise
        return calendar
    return name


def _wall(moment: Moment, zone: str) -> datetime:
    try:
        at = datetime.fromisoformat(moment.date_time or "")
        return at if at.tzinfo is None else at.astimezone(known_zone(zone))
    except (ValueError, OverflowError) as cause:
        raise EventError("the event has a date or time that is none") from cause


def _original(moment: Moment | None, zone: str) -> str:
    if moment is None:
        return ""
    if moment.date:
        return moment.date
    wall = _wall(moment, _zone_of(moment, zone))
    return wall.replace(tzinfo=None).isoformat(timespec="seconds")


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _both_ends(times: Times, zone: str, *, is_patch: bool) -> Mapping[str, dict[str, Any]]:
    # A patch leaves what it does not name: whole days would keep the hour that the event had.
    if isinstance(times, Days):
        rest = {"dateTime": None, "timeZone": None} if is_patch else {}
        return {"start": {"date": times.on, **rest}, "end": {"date": times.until, **rest}}
    rest = {"date": None} if is_patch else {}
    own = times.zone or zone
    end_own = times.end_zone or own
    return {
        "start": {"dateTime": _said(times.start, own, times.start_fold), "timeZone": own, **rest},
        "end": {"dateTime": _said(times.end, end_own, times.end_fold), "timeZone": end_own, **rest},
    }


def _said(wall: str, zone: str, fold: int) -> str:
    place: ZoneInfo = known_zone(zone)
    at = datetime.fromisoformat(wall).replace(tzinfo=place, fold=fold)
    other = at.replace(fold=1 - fold).utcoffset()
    first, second = (other, at.utcoffset()) if fold else (at.utcoffset(), other)
    comes_twice = first is not None and second is not None and first > second
    return at.isoformat(timespec="seconds") if comes_twice else wall
