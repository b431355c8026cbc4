"""What the fake Google remembers: calendars, their events as Google tells them, and what changed since which token.

Rules are those of the reference (developers.google.com/workspace/calendar/api/v3/reference/events): client-made ids,
etags, JSON merge patch, tombstones, exceptions by `recurringEventId` and `originalStartTime`, sync tokens that belong
to their parameters and are over one day.
"""

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from wedsync.kit import clock

EVENTS_MAX: Final = 20_000
_ID = re.compile(r"[a-v0-9]{5,1024}")
_INSTANCE = re.compile(r"(?P<series>.+)_(?P<day>\d{8})(?:T(?P<time>\d{6})Z)?$")
# Not together with a syncToken.
_UNSYNCED: Final = frozenset({"iCalUID", "orderBy", "privateExtendedProperty", "q", "timeMin", "timeMax", "updatedMin"})
_WHERE: Final = frozenset({"syncToken", "pageToken", "timeMin", "timeMax"})
_USUAL: Final = {"transparency": "opaque", "visibility": "default", "summary": "", "description": "", "location": ""}

Event = dict[str, Any]


class GoogleError(Exception):
    """An error as Google tells it."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {
                "code": status,
                "message": message,
                "errors": [{"domain": "global", "reason": reason, "message": message}],
            }
        }


class Token(msgspec.Struct, frozen=True):
    """Changes after number `after` up to `upto`; a page token has where it goes on, a sync token has not."""

    calendar: str
    epoch: int
    parameters: str
    after: int
    upto: int
    is_listing: bool
    is_page: bool


class Calendar:
    """One calendar. `events` by id with tombstones, each with the number of its last change in `numbers`."""

    def __init__(
        self, id: str, owner: str, title: str, *, zone: str, role: str = "owner", primary: bool = False
    ) -> None:
        self.id = id
        self.owner = owner
        self.title = title
        self.zone = zone
        self.role = role
        self.primary = primary
        self.events: dict[str, Event] = {}
        self.numbers: dict[str, int] = {}

    def entry(self) -> Event:
        return {
            "kind": "calendar#calendarListEntry",
            "etag": f'"{len(self.title)}"',
            "id": self.id,
            "summary": self.title,
            "timeZone": self.zone,
            "accessRole": self.role,
            "selected": True,
            **({"primary": True} if self.primary else {}),
        }

    def living(self) -> list[Event]:
        """Masters and single events that are there."""
        return [one for one in self.events.values() if one["status"] != "cancelled" and "recurringEventId" not in one]


class Store:
    def __init__(self) -> None:
        self.calendars: dict[str, Calendar] = {}
        self.epoch = 1
        self.page_size = 250
        self._number = 0

    def of(self, account: str) -> list[Calendar]:
        return [calendar for calendar in self.calendars.values() if calendar.owner == account]

    def calendar(self, id: str, account: str) -> Calendar:
        found = next((one for one in self.of(account) if one.id == id or (id == "primary" and one.primary)), None)
        if found is None:
            raise GoogleError(404, "notFound", "Not Found")
        return found

    def page(self, calendar: Calendar, query: Mapping[str, str]) -> Event:
        """A page of `events.list`."""
        token = self._token(calendar, query)
        ahead = sorted((number, id) for id, number in calendar.numbers.items() if token.after < number <= token.upto)
        ahead = [one for one in ahead if not token.is_listing or _is_listed(calendar, calendar.events[one[1]], query)]
        size = min(self.page_size, int(query.get("maxResults", "250")))
        told, rest = ahead[:size], ahead[size:]
        if rest:
            follows = msgspec.structs.replace(token, after=told[-1][0], is_page=True)
            ending = {"nextPageToken": _written(follows)}
        else:
            over = msgspec.structs.replace(token, after=token.upto, is_listing=False, is_page=False)
            ending = {"nextSyncToken": _written(over)}
        answer = {
            "kind": "calendar#events",
            "etag": f'"p{self._number}"',
            "summary": calendar.title,
            "updated": _now(),
            "timeZone": calendar.zone,
            "accessRole": calendar.role,
            "defaultReminders": [],
            **ending,
            "items": [_told(calendar.events[id], query) for _, id in told],
        }
        return masked(answer, query["fields"]) if "fields" in query else answer

    def get(self, calendar: Calendar, id: str) -> Event:
        found = calendar.events.get(id) or _instance(calendar, id)
        if found is None:
            raise GoogleError(404, "notFound", "Not Found")
        return found

    def insert(self, calendar: Calendar, body: Event) -> Event:
        _writable(calendar)
        id = body.get("id") or f"g{_hex(self._number)}"
        if not _ID.fullmatch(id):
            raise GoogleError(400, "invalid", "Invalid resource id value.")
        if id in calendar.events:
            raise GoogleError(409, "duplicate", "The requested identifier already exists.")
        if len(calendar.events) >= EVENTS_MAX:
            raise GoogleError(403, "quotaExceeded", "Calendar usage limits exceeded.")
        made = {
            "kind": "calendar#event",
            "id": id,
            "htmlLink": f"https://www.google.com/calendar/event?eid={id}",
            "created": _now(),
            "creator": {"email": calendar.owner, "self": True},
            "organizer": {"email": calendar.id, "displayName": calendar.title, "self": True},
            "iCalUID": f"{id}@google.com",
            "eventType": "default",
            "reminders": {"useDefault": True},
        }
        return self._keep(calendar, {**made, **body, "id": id})

    def patch(self, calendar: Calendar, id: str, body: Event, *, etag: str = "") -> Event:
        there = self.get(calendar, id)
        _editable(calendar, there, etag)
        return self._keep(calendar, merged(there, body))

    def remove(self, calendar: Calendar, id: str, *, etag: str = "") -> None:
        """A series takes its exceptions with it; of an exception a tombstone stays that says which day is off."""
        there = self.get(calendar, id)
        if there["status"] == "cancelled":
            raise GoogleError(410, "deleted", "Resource has been deleted")
        _editable(calendar, there, etag)
        for one in [other for other in calendar.events.values() if other.get("recurringEventId") == id]:
            self._bury(calendar, one)
        self._bury(calendar, there)

    def _bury(self, calendar: Calendar, event: Event) -> None:
        self._number += 1
        kept: Event = {
            name: event[name] for name in ("kind", "id", "recurringEventId", "originalStartTime") if name in event
        }
        mine = {"extendedProperties": event["extendedProperties"]} if "extendedProperties" in event else {}
        stone: Event = {**kept, **mine, "status": "cancelled", "etag": f'"{self._number}000"', "updated": _now()}
        calendar.events[event["id"]] = stone
        calendar.numbers[event["id"]] = self._number

    def _keep(self, calendar: Calendar, event: Event) -> Event:
        self._number += 1
        kept = settled(event, calendar.zone)
        kept |= {"etag": f'"{self._number}000"', "updated": _now(), "sequence": event.get("sequence", -1) + 1}
        calendar.events[kept["id"]] = kept
        calendar.numbers[kept["id"]] = self._number
        return kept

    def _token(self, calendar: Calendar, query: Mapping[str, str]) -> Token:
        parameters = _digest({name: value for name, value in query.items() if name not in _WHERE})
        if "syncToken" in query and _UNSYNCED & set(query):
            raise GoogleError(400, "badRequest", "Sync token cannot be used with other query restrictions.")
        text = query.get("pageToken") or query.get("syncToken")
        if text is None:
            return Token(calendar.id, self.epoch, parameters, 0, self._number, is_listing=True, is_page=False)
        try:
            token = msgspec.json.decode(urlsafe_b64decode(text), type=Token)
        except (ValueError, msgspec.DecodeError) as cause:
            raise GoogleError(400, "invalid", "Invalid token value.") from cause
        if token.calendar != calendar.id or token.parameters != parameters or token.is_page != ("pageToken" in query):
            raise GoogleError(400, "invalid", "The token belongs to other parameters.")
        if token.epoch != self.epoch:
            raise GoogleError(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
        return token if token.is_page else msgspec.structs.replace(token, upto=self._number)


def settled(event: Event, zone: str) -> Event:
    """As Google keeps it: times with their offset, without what is usual. Raises GoogleError."""
    kept = {name: value for name, value in event.items() if value is not None and value != _USUAL.get(name)}
    kept.setdefault("status", "confirmed")
    if not kept.get("recurrence"):
        kept.pop("recurrence", None)
    if "start" not in kept or "end" not in kept:
        raise GoogleError(400, "required", "Missing start or end time.")
    if "recurrence" in kept and "dateTime" in kept["start"] and not kept["start"].get("timeZone"):
        raise GoogleError(400, "required", "Missing time zone definition for start time.")
    if ("date" in kept["start"]) != ("date" in kept["end"]):
        raise GoogleError(400, "invalid", "Start and end times must either both be date or both be dateTime.")
    kept["start"], kept["end"] = _moment(kept["start"], zone), _moment(kept["end"], zone)
    if _at(kept["end"], zone) < _at(kept["start"], zone):
        raise GoogleError(400, "timeRangeEmpty", "The specified time range is empty.")
    return kept


def merged(event: Event, patch: Event) -> Event:
    """JSON merge patch (RFC 7396)."""
    kept = dict(event)
    for name, value in patch.items():
        if value is None:
            kept.pop(name, None)
        elif isinstance(value, dict):
            kept[name] = merged(kept.get(name) or {}, value)
        else:
            kept[name] = value
    return kept


def masked(value: Any, fields: str) -> Any:
    """A partial answer: `a,b(c,d)`."""
    if isinstance(value, list):
        return [masked(one, fields) for one in value]
    if not isinstance(value, dict):
        return value
    wanted = dict(_parts(fields))
    return {name: masked(one, wanted[name]) if wanted[name] else one for name, one in value.items() if name in wanted}


def _parts(fields: str) -> Iterator[tuple[str, str]]:
    depth, begun = 0, 0
    for place, sign in enumerate(f"{fields},"):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            name, _, inner = fields[begun:place].partition("(")
            yield name, inner.removesuffix(")")
            begun = place + 1


def _told(event: Event, query: Mapping[str, str]) -> Event:
    guests = event.get("attendees", [])
    if len(guests) <= int(query.get("maxAttendees", "1000")):
        return event
    return {**event, "attendees": [one for one in guests if one.get("self")], "attendeesOmitted": True}


def _is_listed(calendar: Calendar, event: Event, query: Mapping[str, str]) -> bool:
    if event["status"] == "cancelled":
        return "recurringEventId" in event
    since, until = (query.get(name) for name in ("timeMin", "timeMax"))
    if until and _at(event["start"], calendar.zone) >= datetime.fromisoformat(until):
        return False
    is_over = since and _at(event["end"], calendar.zone) <= datetime.fromisoformat(since)
    return not is_over or "recurrence" in event


def _instance(calendar: Calendar, id: str) -> Event | None:
    """An occurrence of a series that is like the others, as the exception it is about to become."""
    found = _INSTANCE.fullmatch(id)
    series = calendar.events.get(found["series"]) if found else None
    if found is None or series is None or "recurrence" not in series:
        return None
    if found["time"] is None:
        first = date.fromisoformat(found["day"])
        days = date.fromisoformat(series["end"]["date"]) - date.fromisoformat(series["start"]["date"])
        start, end = {"date": first.isoformat()}, {"date": (first + days).isoformat()}
    else:
        length = _at(series["end"], calendar.zone) - _at(series["start"], calendar.zone)
        name = series["start"]["timeZone"]
        at = datetime.strptime(found["day"] + found["time"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        places = (one.astimezone(ZoneInfo(name)).isoformat() for one in (at, at + length))
        start, end = ({"dateTime": place, "timeZone": name} for place in places)
    rest = {name: value for name, value in series.items() if name != "recurrence"}
    return {**rest, "id": id, "start": start, "end": end, "originalStartTime": start, "recurringEventId": series["id"]}


def _moment(moment: Event, zone: str) -> Event:
    try:
        if "date" in moment:
            return {"date": date.fromisoformat(moment["date"]).isoformat()}
        name = moment.get("timeZone") or zone
        at = datetime.fromisoformat(moment["dateTime"])
        place = ZoneInfo(name)
        at = at.replace(tzinfo=place) if at.tzinfo is None else at
        # An hour that clocks skip is told as the hour it turns out to be.
        told = at.astimezone(UTC).astimezone(place).isoformat(timespec="seconds")
    except (KeyError, TypeError, ValueError) as cause:
        raise GoogleError(400, "invalid", "Invalid start or end time.") from cause
    return {"dateTime": told, "timeZone": name}


def _at(moment: Event, zone: str) -> datetime:
    if "date" in moment:
        return datetime.combine(date.fromisoformat(moment["date"]), time(), ZoneInfo(zone))
    return datetime.fromisoformat(moment["dateTime"])


def _writable(calendar: Calendar) -> None:
    if calendar.role not in ("owner", "writer"):
        raise GoogleError(403, "requiredAccessLevel", "You need to have writer access to this calendar.")


def _editable(calendar: Calendar, event: Event, etag: str) -> None:
    _writable(calendar)
    if etag and etag != event["etag"]:
        raise GoogleError(412, "conditionNotMet", "Precondition Failed")
    is_own = event.get("organizer", {}).get("self", True) or event.get("guestsCanModify", False)
    if not is_own or event.get("locked"):
        raise GoogleError(403, "forbiddenForNonOrganizer", "Shared properties can only be changed by the organizer.")


def _hex(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:25]


def _digest(parameters: Mapping[str, str]) -> str:
    return hashlib.sha256(msgspec.json.encode(parameters, order="sorted")).hexdigest()[:16]


def _written(token: Token) -> str:
    return urlsafe_b64encode(msgspec.json.encode(token)).decode()


def _now() -> str:
    return clock.machine_now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
