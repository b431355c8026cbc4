"""Graph's events <-> CalendarEvent, both ways and without any input or output.

Times are asked for in UTC and turned into wall times of the zone the event was planned in; `dateTime` has no offset of
its own, so it is never read without its `timeZone`. Attendees are never written: Graph would send them mail.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
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
    span,
)
from wedsync.connectors.outlook_calendar import recurrence
from wedsync.connectors.outlook_calendar.recurrence import Unholdable
from wedsync.connectors.outlook_calendar.zones import to_iana, to_windows

MARKER: Final = "String {5a9d3c3e-7c0b-4e57-9b1e-2f6d0c8a7e11} Name wedsyncMarker"
"""The extended property that our marker is kept in; the namespace is ours and must never change."""

ZONES: Final = MARKER.replace("wedsyncMarker", "wedsyncZones")
"""Beside it, the zone that we planned in, and that of the end where it differs: Windows has fewer zones than the world,
and an hour that comes twice can only be written in UTC."""

HALF_A_YEAR: Final = timedelta(days=182)

OWN: Final = "wedsync-"
"""Begins every transactionId of ours: what bears one was made by us."""

FREE: Final = frozenset({"free", "workingElsewhere"})
PRIVATE: Final = frozenset({"private", "personal", "confidential"})
UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


def to_calendar(item: Mapping[str, Any], *, zone: str) -> RemoteCalendar:
    return RemoteCalendar(
        id=item["id"],
        title=item.get("name") or "",
        zone=zone,
        is_writable=bool(item.get("canEdit")),
        is_primary=bool(item.get("isDefaultCalendar")),
    )


def to_change(item: Mapping[str, Any], *, zone: str) -> Change:
    """A single event or a series. `zone` is the calendar's. Raises EventError."""
    try:
        return Change(
            id=item["id"],
            etag=item.get("@odata.etag") or "",
            event=_to_event(item, zone),
            marker=_property(item, MARKER),
            is_editable=_is_editable(item),
            updated_at=_updated_at(item),
        )
    except UNREADABLE as cause:
        raise EventError("the event lacks something, or has it in a form that is not known") from cause


def to_exception(item: Mapping[str, Any], series: Mapping[str, Any], *, zone: str) -> Change:
    """An exception of a series. Raises EventError."""
    change = to_change(item, zone=zone)
    try:
        times = _times(series, zone)
        original = _original(_stamp(item["originalStart"]), times, zone)
    except UNREADABLE as cause:
        raise EventError("the exception does not say what it is one of") from cause
    return msgspec.structs.replace(change, series=series["id"], original=original)


def begins_on(occurrence: Mapping[str, Any], series: Mapping[str, Any], *, zone: str) -> date | None:
    """The date an occurrence was to begin on, in the zone of its series; None where it does not say."""
    try:
        times = _times(series, zone)
        said = occurrence.get("originalStart")
        began = _stamp(said) if said else _instant(occurrence["start"])
        return date.fromisoformat(_original(began, times, zone)[:10])
    except UNREADABLE:
        return None


def is_own(item: Mapping[str, Any]) -> bool:
    return str(item.get("transactionId") or "").startswith(OWN)


def to_new(event: CalendarEvent, *, key: str, marker: str, zone: str) -> tuple[dict[str, Any], frozenset[date]]:
    """What is posted, and the dates a series leaves out. Raises EventError and Unholdable."""
    fields, left_out = _fields(event, zone)
    properties = [{"id": MARKER, "value": marker}, *_zones(event)]
    return fields | {"transactionId": transaction_id(key), "singleValueExtendedProperties": properties}, left_out


def to_changes(event: CalendarEvent, item: Mapping[str, Any], *, zone: str) -> tuple[dict[str, Any], frozenset[date]]:
    """What must be patched for `item` to say `event`, and dates to leave out beside those it leaves out already.

    Only what differs: a text that is not ours stays rich, a place keeps its coordinates. Raises EventError, Unholdable.
    """
    wanted, left_out = _fields(event, zone)
    try:
        theirs = _to_event(item, zone)
    except UNREADABLE as cause:
        raise EventError("the event there cannot be read, so it cannot be changed either") from cause
    alike = {
        "subject": event.title == theirs.title,
        "body": event.text == theirs.text,
        "location": event.place == theirs.place,
        "showAs": (event.is_busy, event.status) == (theirs.is_busy, theirs.status),
        "sensitivity": event.is_private == theirs.is_private,
        "recurrence": recurrence.same(wanted["recurrence"], item.get("recurrence")),
        **dict.fromkeys(("start", "end", "isAllDay"), _same_times(event, theirs, zone)),
    }
    changes = {name: value for name, value in wanted.items() if not alike.get(name)}
    if not alike["start"] and _zones(event):
        changes["singleValueExtendedProperties"] = _zones(event)
    if not (alike["recurrence"] and alike["start"]):
        # A series that is planned anew has lost what was left out of it.
        return changes, left_out
    gone = frozenset(_cancelled(item))
    if gone - left_out:
        raise Unholdable("an occurrence that was deleted there and is to come back")
    return changes, left_out - gone


def transaction_id(key: str) -> str:
    """One key, one id: Graph makes one event of any number of tries."""
    return OWN + hashlib.sha256(key.encode()).hexdigest()[:32]


def writable_reason(item: Mapping[str, Any]) -> str:
    """Why it cannot be changed by us, or ""."""
    if item.get("isOrganizer") is False:
        return "Somebody else invited to this event. Only they can change it."
    if item.get("attendees"):
        return "This event has guests, who would get mail for every change of ours. Change it in Outlook."
    return ""


def _to_event(item: Mapping[str, Any], zone: str) -> CalendarEvent:
    times = _times(item, zone)
    shown, answer = item.get("showAs") or "busy", (item.get("responseStatus") or {}).get("response")
    rules: tuple[str, ...] = ()
    if item.get("recurrence"):
        rules = recurrence.to_lines(item["recurrence"], times, _cancelled(item))
    is_tentative = shown == "tentative" or answer == "tentativelyAccepted"
    status: Status = "cancelled" if item.get("isCancelled") else "tentative" if is_tentative else "confirmed"
    body = item.get("body") or {}
    return checked(
        CalendarEvent(
            times=times,
            title=item.get("subject") or "",
            text=body.get("content") or "",
            place=(item.get("location") or {}).get("displayName") or "",
            rules=rules,
            status=status,
            is_busy=shown not in FREE and answer != "declined" and not item.get("isCancelled"),
            is_private=item.get("sensitivity") in PRIVATE,
        )
    )


def _times(item: Mapping[str, Any], zone: str) -> Times:
    start, end = _instant(item["start"]), _instant(item["end"])
    start_zone = _planned_in(item.get("originalStartTimeZone"), item, zone)
    if item.get("isAllDay"):
        return Days(on=_midnight(start, start_zone).isoformat(), until=_midnight(end, start_zone).isoformat())
    ours, _, ours_at_end = _property(item, ZONES).partition(" ")
    if item.get("recurrence"):
        # A series has one zone only: that of its rule.
        start_zone = ours if _go_alike(ours, start_zone, start) else start_zone
        return _walls(start, end, start_zone, start_zone)
    end_zone = to_iana(item.get("originalEndTimeZone") or "") or start_zone
    start_zone, end_zone = _kept(ours, start_zone, start), _kept(ours_at_end or ours, end_zone, end)
    return _walls(start, end, start_zone, end_zone)


def _kept(ours: str, told: str, at: datetime) -> str:
    """Our own word for the zone, unless the event has been planned in another since."""
    return ours if ours and (told == "UTC" or _go_alike(ours, told, at)) else told


def _go_alike(ours: str, told: str, at: datetime) -> bool:
    """Whether clocks of both zones show the same, in summer and in winter."""
    if not ours or not to_iana(ours):
        return False
    zones = (known_zone(ours), known_zone(told))
    return all(len({when.astimezone(zone).utcoffset() for zone in zones}) == 1 for when in (at, at + HALF_A_YEAR))


def _instant(said: Mapping[str, Any]) -> datetime:
    """A dateTimeTimeZone as the instant it is; without a zone of its own it is in that which we asked for, UTC."""
    at = datetime.fromisoformat(said["dateTime"]).replace(microsecond=0)
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    name = to_iana(said.get("timeZone") or "UTC")
    return at.replace(tzinfo=known_zone(name or "?")).astimezone(UTC)


def _stamp(text: str) -> datetime:
    at = datetime.fromisoformat(text).replace(microsecond=0)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _planned_in(original: str | None, item: Mapping[str, Any], zone: str) -> str:
    """The zone an event was planned in; a rule of its own that has no name counts as the calendar's."""
    ruled = ((item.get("recurrence") or {}).get("range") or {}).get("recurrenceTimeZone")
    names = (ruled, original) if ruled else (original,)
    return next((found for name in names if name and (found := to_iana(name))), zone)


def _midnight(at: datetime, zone: str) -> date:
    """Whole days run from midnight to midnight: of UTC, as Graph tells them, or of the zone they were planned in."""
    for place in (ZoneInfo("UTC"), known_zone(zone)):
        local = at.astimezone(place)
        if local.time() == time():
            return local.date()
    raise EventError("an event of whole days does not begin and end at midnight")


def _walls(start: datetime, end: datetime, start_zone: str, end_zone: str) -> Timed:
    first, last = start.astimezone(known_zone(start_zone)), end.astimezone(known_zone(end_zone))
    return Timed(
        start=first.replace(tzinfo=None, fold=0).isoformat(timespec="seconds"),
        end=last.replace(tzinfo=None, fold=0).isoformat(timespec="seconds"),
        zone=start_zone,
        end_zone="" if end_zone == start_zone else end_zone,
        start_fold=first.fold,
        end_fold=last.fold,
    )


def _original(began: datetime, times: Times, zone: str) -> str:
    if isinstance(times, Days):
        return _midnight(began.astimezone(UTC), zone).isoformat()
    local = began.astimezone(known_zone(times.zone or zone))
    return local.replace(tzinfo=None).isoformat(timespec="seconds")


def _cancelled(item: Mapping[str, Any]) -> list[date]:
    """Of `OID.<id of the series>.2026-06-13`, the date the occurrence was to begin on."""
    return [date.fromisoformat(one.rpartition(".")[2]) for one in item.get("cancelledOccurrences") or ()]


def _property(item: Mapping[str, Any], name: str) -> str:
    properties: Sequence[Mapping[str, Any]] = item.get("singleValueExtendedProperties") or ()
    return next((str(one.get("value") or "") for one in properties if str(one.get("id")).lower() == name.lower()), "")


def _is_editable(item: Mapping[str, Any]) -> bool:
    """A series in a zone without a name would be moved by whatever zone we wrote."""
    zone = ((item.get("recurrence") or {}).get("range") or {}).get("recurrenceTimeZone") or ""
    return not writable_reason(item) and bool(to_iana(zone))


def _updated_at(item: Mapping[str, Any]) -> datetime | None:
    said = item.get("lastModifiedDateTime")
    return datetime.fromisoformat(said) if said else None


def _fields(event: CalendarEvent, zone: str) -> tuple[dict[str, Any], frozenset[date]]:
    if event.status == "cancelled":
        raise Unholdable("an event that is cancelled and still there. Delete it")
    start, end = _ends(event, zone)
    planned = event.times
    if isinstance(planned, Timed) and not planned.zone:
        planned = msgspec.structs.replace(planned, zone=zone)
    recurs, left_out = recurrence.to_recurrence(event.rules, planned)
    return {
        "subject": event.title,
        "body": {"contentType": "text", "content": event.text},
        "location": {"displayName": event.place},
        "isAllDay": isinstance(event.times, Days),
        "start": start,
        "end": end,
        "showAs": _shown(event),
        "sensitivity": "private" if event.is_private else "normal",
        "recurrence": recurs,
    }, left_out


def _shown(event: CalendarEvent) -> str:
    if not event.is_busy:
        if event.status == "tentative":
            raise Unholdable("an event that is tentative and takes no time")
        return "free"
    return "tentative" if event.status == "tentative" else "busy"


def _ends(event: CalendarEvent, zone: str) -> tuple[dict[str, str], dict[str, str]]:
    times = event.times
    if isinstance(times, Days):
        # Both midnights in one zone, or Graph refuses it.
        return _said(f"{times.on}T00:00:00", zone), _said(f"{times.until}T00:00:00", zone)
    if event.rules:
        if times.end_zone or times.start_fold or times.end_fold:
            raise Unholdable("a series that ends in another time zone, or begins in an hour that comes twice")
        return _said(times.start, times.zone or zone), _said(times.end, times.zone or zone)
    first, last = span(times, calendar_zone=zone)
    return _said_at(first, times.zone or zone), _said_at(last, times.end_zone or times.zone or zone)


def _said(wall: str, zone: str) -> dict[str, str]:
    return {"dateTime": wall, "timeZone": to_windows(zone)}


def _said_at(at: datetime, zone: str) -> dict[str, str]:
    """A wall time that comes twice can be told by no zone but UTC."""
    local = at.astimezone(known_zone(zone))
    if local.fold:
        return _said(at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds"), "UTC")
    return _said(local.replace(tzinfo=None).isoformat(timespec="seconds"), zone)


def _zones(event: CalendarEvent) -> list[dict[str, str]]:
    if isinstance(event.times, Days) or not event.times.zone:
        return []
    return [{"id": ZONES, "value": f"{event.times.zone} {event.times.end_zone}".strip()}]


def _same_times(event: CalendarEvent, theirs: CalendarEvent, zone: str) -> bool:
    """By instants and zones: a wall time that clocks skip comes back as the one they show then."""
    ours, other = event.times, theirs.times
    if isinstance(ours, Days) or isinstance(other, Days):
        return ours == other
    is_one_zone = (ours.zone or zone, ours.end_zone) == (other.zone, other.end_zone)
    return is_one_zone and span(ours, calendar_zone=zone) == span(other, calendar_zone=zone)
