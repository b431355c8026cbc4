"""What the fake keeps: mailboxes, their calendars and events, and each in the form that Graph tells it.

Times are kept as instants beside the zone they were written in, and told in UTC, as the connector asks for them. A
series keeps which days are left out and which are different.
"""

import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from wedsync.connectors.outlook_calendar import fake_series
from wedsync.kit import clock

ZONE: Final = "W. Europe Standard Time"
EVENTS_MAX: Final = 20_000
FAR: Final = timedelta(days=3 * 366)
TIMES: Final = ("start", "end", "isAllDay")


class GraphError(Exception):
    """An answer that is an error, as Graph words it."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message or code


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """When an event is. Whole days are midnights of UTC; the zones are those it was written in."""

    start: datetime
    end: datetime
    start_zone: str
    end_zone: str
    is_all_day: bool

    def told(self) -> dict[str, Any]:
        return {
            "start": {"dateTime": f"{self.start:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"},
            "end": {"dateTime": f"{self.end:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"},
            "isAllDay": self.is_all_day,
            "originalStartTimeZone": self.start_zone,
            "originalEndTimeZone": self.end_zone,
        }

    def on(self, day: date) -> "Span":
        """The same on another day, by the clock of its zone."""
        zone = ZoneInfo("UTC") if self.is_all_day else zone_of(self.start_zone)
        wall = self.start.astimezone(zone)
        length = self.end.astimezone(zone).replace(tzinfo=None) - wall.replace(tzinfo=None)
        first = datetime.combine(day, wall.time())
        return msgspec.structs.replace(
            self,
            start=first.replace(tzinfo=zone).astimezone(UTC),
            end=(first + length).replace(tzinfo=zone).astimezone(UTC),
        )


class Entry(msgspec.Struct, kw_only=True):
    """One event. `changed` is the number of its newest change in its mailbox; `other` are the days that differ."""

    id: str
    calendar: str
    span: Span
    fields: dict[str, Any]
    made_at: datetime
    changed_at: datetime
    changed: int = 0
    is_gone: bool = False
    cancelled: list[date] = []
    other: dict[date, "Entry"] = {}
    properties: dict[str, str] = {}

    @property
    def etag(self) -> str:
        return f'W/"{self.id[-12:]}{self.changed:08d}"'

    @property
    def recurrence(self) -> Mapping[str, Any] | None:
        return self.fields.get("recurrence")

    def told(self) -> dict[str, Any]:
        """Single event or series, without what is only told when it is asked for."""
        return {
            "@odata.etag": self.etag,
            "id": self.id,
            "changeKey": self.etag[3:-1],
            "createdDateTime": _stamp(self.made_at),
            "lastModifiedDateTime": _stamp(self.changed_at),
            "type": "seriesMaster" if self.recurrence else "singleInstance",
            "seriesMasterId": None,
            "isOrganizer": True,
            "isCancelled": False,
            "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
            "attendees": [],
            **DEFAULTS,
            **self.fields,
            **self.span.told(),
        }

    def occurrences(self, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
        """Those that touch the time; one that is like its series is told in brief."""
        for day in fake_series.days(self.recurrence or {}, until=until.date() + timedelta(days=2)):
            if day in self.cancelled:
                continue
            other = self.other.get(day)
            span = other.span if other else self.span.on(day)
            if span.end > since and span.start < until:
                yield other.exception(self, day) if other else self.occurrence(day)

    def occurrence(self, day: date) -> dict[str, Any]:
        span = self.span.on(day)
        head = {"@odata.etag": self.etag, "id": occurrence_id(self.id, day), "seriesMasterId": self.id}
        return {**head, "type": "occurrence", "originalStart": _stamp(span.start), **span.told()}

    def exception(self, series: "Entry", day: date) -> dict[str, Any]:
        began = _stamp(series.span.on(day).start)
        head = {"type": "exception", "seriesMasterId": series.id, "originalStart": began, "recurrence": None}
        return {**self.told(), **head}

    def exceptions(self) -> list[dict[str, Any]]:
        return [one.exception(self, day) for day, one in sorted(self.other.items()) if day not in self.cancelled]

    def oids(self) -> list[str]:
        return [f"OID.{self.id}.{day.isoformat()}" for day in sorted(self.cancelled)]


DEFAULTS: Final[Mapping[str, Any]] = {
    "subject": "",
    "bodyPreview": "",
    "body": {"contentType": "text", "content": ""},
    "location": {"displayName": "", "locationType": "default", "uniqueIdType": "unknown"},
    "showAs": "busy",
    "sensitivity": "normal",
    "importance": "normal",
    "categories": [],
    "isReminderOn": True,
    "reminderMinutesBeforeStart": 15,
    "isOnlineMeeting": False,
    "hasAttachments": False,
    "recurrence": None,
    "transactionId": None,
}
WRITABLE: Final = frozenset({*DEFAULTS, "attendees"}) - {"bodyPreview", "hasAttachments", "transactionId"}


PATTERN: Final[Mapping[str, Any]] = {
    "month": 0,
    "dayOfMonth": 0,
    "daysOfWeek": [],
    "firstDayOfWeek": "sunday",
    "index": "first",
}
RANGE: Final[Mapping[str, Any]] = {"endDate": "0001-01-01", "numberOfOccurrences": 0}


def written(said: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of what was sent; a recurrence as Graph tells it, with all that it does not need."""
    kept = {name: said[name] for name in said if name in WRITABLE}
    recurs = kept.get("recurrence")
    if recurs:
        kept["recurrence"] = {"pattern": {**PATTERN, **recurs["pattern"]}, "range": {**RANGE, **recurs["range"]}}
    return kept


def properties_of(said: Mapping[str, Any]) -> dict[str, str]:
    return {one["id"].lower(): one["value"] for one in said.get("singleValueExtendedProperties", ())}


class Book(msgspec.Struct, kw_only=True):
    """A calendar."""

    id: str
    name: str
    can_edit: bool = True
    is_default: bool = False
    entries: dict[str, Entry] = {}

    def told(self, account: str, name: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "color": "auto",
            "changeKey": "DxYSthXJXEWwAQSYQnXvIgAAIxGttg==",
            "canEdit": self.can_edit,
            "canShare": self.can_edit,
            "canViewPrivateItems": True,
            "isDefaultCalendar": self.is_default,
            "isRemovable": not self.is_default,
            "owner": {"name": name, "address": account},
        }


class Mailbox:
    """One account's. Every change has a number, which delta tokens are about."""

    def __init__(self, account: str, name: str) -> None:
        self.account = account
        self.name = name
        self.user = str(uuid5(NAMESPACE_URL, account))
        self.changes = 0
        self.books = {
            book.id: book
            for book in (
                Book(id=_new_id(), name="Calendar", is_default=True),
                Book(id=_new_id(), name="Birthdays", can_edit=False),
            )
        }

    def book(self, id: str) -> Book:
        if id not in self.books:
            raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return self.books[id]

    def find(self, id: str) -> tuple[Entry, date | None]:
        """An event, and the day where the id is that of an occurrence."""
        of, _, day = id.partition(".")
        found = next((book.entries[of] for book in self.books.values() if of in book.entries), None)
        on = date.fromisoformat(day) if day else None
        if found is None or found.is_gone or on in found.cancelled:
            raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return found, on

    def make(self, book: Book, said: Mapping[str, Any]) -> Entry:
        """A new event. The same transactionId twice makes one, if it says the same."""
        known = self._made_before(book, said)
        if known is not None:
            return known
        now = clock.machine_now()
        entry = Entry(id=_new_id(), calendar=book.id, span=read_span(said), fields={}, made_at=now, changed_at=now)
        entry.fields = written(said) | {name: said[name] for name in ("transactionId",) if name in said}
        entry.properties = properties_of(said)
        book.entries[entry.id] = entry
        while len(book.entries) > EVENTS_MAX:
            del book.entries[next(iter(book.entries))]
        self.touch(entry)
        return entry

    def change(self, id: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """The event as it is then. An occurrence that is changed becomes an exception."""
        series, day = self.find(id)
        entry = series
        if day is not None:
            entry = series.other.get(day) or _exception_of(series, day)
            series.other[day] = entry
        if any(name in said for name in TIMES):
            entry.span = read_span({**_as_said(entry.span), **said})
        fields = written(said)
        if "recurrence" in fields and fields["recurrence"] != entry.recurrence:
            entry.cancelled, entry.other = [], {}
        entry.fields |= fields
        entry.properties |= properties_of(said)
        self.touch(series)
        if day is None:
            return entry.told()
        self.touch(entry)
        return entry.exception(series, day)

    def delete(self, id: str) -> Entry:
        entry, day = self.find(id)
        if day is None:
            entry.is_gone = True
        else:
            entry.cancelled = [*entry.cancelled, day]
        self.touch(entry)
        return entry

    def touch(self, entry: Entry) -> None:
        self.changes += 1
        entry.changed = self.changes
        entry.changed_at = clock.machine_now()

    def changed(self, book: Book, since: datetime, until: datetime, after: int) -> list[dict[str, Any]]:
        """What a delta round tells: all in the window at first, later what changed; occurrences never one by one."""
        told: list[dict[str, Any]] = []
        for entry in sorted(book.entries.values(), key=lambda one: one.changed):
            if entry.changed <= after:
                continue
            found = [] if entry.is_gone else list(_view(entry, since, until))
            told += found
            if not found and after:
                reason = "deleted" if entry.is_gone else "changed"
                told.append({"id": entry.id, "@removed": {"reason": reason}})
        return told

    def _made_before(self, book: Book, said: Mapping[str, Any]) -> Entry | None:
        key = said.get("transactionId")
        for entry in book.entries.values():
            if key and entry.fields.get("transactionId") == key and not entry.is_gone:
                if entry.fields.get("subject") == said.get("subject") and entry.span == read_span(said):
                    return entry
                raise GraphError(
                    409,
                    "ErrorDuplicateTransactionId",
                    "The TransactionId specified in the request has already been used to create a different event.",
                )
        return None


def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(WINDOWS_TO_OLSON.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise GraphError(400, "TimeZoneNotSupportedException", "A time zone name is not supported.") from cause


def read_span(said: Mapping[str, Any]) -> Span:
    """The times of what was sent, by Graph's rules; GraphError where they are broken."""
    start, end = said.get("start") or {}, said.get("end") or {}
    if not (start.get("dateTime") and end.get("dateTime")):
        raise GraphError(400, "ErrorInvalidRequest", "Start and end are required.")
    is_all_day = bool(said.get("isAllDay"))
    walls = [datetime.fromisoformat(one["dateTime"]).replace(tzinfo=None, microsecond=0) for one in (start, end)]
    zones = [one.get("timeZone") or "UTC" for one in (start, end)]
    if is_all_day and (zones[0] != zones[1] or any(wall.time() != time() for wall in walls)):
        raise GraphError(400, "ErrorInvalidAllDayEvent", "Whole days run from midnight to midnight of one zone.")
    places = [ZoneInfo("UTC") if is_all_day else zone_of(name) for name in zones]
    first, last = (wall.replace(tzinfo=place).astimezone(UTC) for wall, place in zip(walls, places, strict=True))
    if last < first or (is_all_day and last == first):
        raise GraphError(400, "ErrorCalendarEndDateIsEarlierThanStartDate", "The event ends before it begins.")
    return Span(start=first, end=last, start_zone=zones[0], end_zone=zones[1], is_all_day=is_all_day)


def occurrence_id(series: str, day: date) -> str:
    return f"{series}.{day.isoformat()}"


def _view(entry: Entry, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
    if not entry.recurrence:
        if entry.span.end >= since and entry.span.start < until:
            yield entry.told()
        return
    found = list(entry.occurrences(since, until))
    if found:
        yield entry.told()
    yield from found


def _exception_of(series: Entry, day: date) -> Entry:
    return msgspec.structs.replace(
        series,
        id=occurrence_id(series.id, day),
        span=series.span.on(day),
        fields={name: value for name, value in series.fields.items() if name != "recurrence"},
        cancelled=[],
        other={},
        properties={},
    )


def _as_said(span: Span) -> dict[str, Any]:
    zone = "UTC" if span.is_all_day else span.start_zone
    ends = {"start": (span.start, zone), "end": (span.end, "UTC" if span.is_all_day else span.end_zone)}
    return {
        "isAllDay": span.is_all_day,
        **{
            name: {"dateTime": at.astimezone(zone_of(place)).replace(tzinfo=None).isoformat(), "timeZone": place}
            for name, (at, place) in ends.items()
        },
    }


def _new_id() -> str:
    return f"AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A{secrets.token_urlsafe(18)}AAA="


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
