"""What the fake CalDAV server keeps: calendars with their objects as text, and what has changed since when."""

from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final
from uuid import uuid4

import msgspec
from icalendar import Calendar as Text

from wedsync.connections.calendars.driven import Seen
from wedsync.connections.calendars.event import Days, Timed, Times
from wedsync.kit import clock

OBJECTS_MAX: Final = 20_000


class Object(msgspec.Struct, frozen=True, kw_only=True):
    body: str
    etag: str
    uid: str
    seq: int


class Calendar(msgspec.Struct, kw_only=True):
    """A collection. `gone` keeps at which number an object went, by its path."""

    path: str
    title: str
    zone: str
    component: str = "VEVENT"
    is_writable: bool = True
    seq: int = 0
    objects: OrderedDict[str, Object] = msgspec.field(default_factory=OrderedDict)
    gone: dict[str, int] = msgspec.field(default_factory=dict)

    def put(self, path: str, body: str) -> Object:
        self.seq += 1
        etag = f'"C={self.seq}@U={blake2b(body.encode(), digest_size=8).hexdigest()}"'
        made = Object(body=body, etag=etag, uid=uid_of(body), seq=self.seq)
        self.objects[path] = made
        self.gone.pop(path, None)
        while len(self.objects) > OBJECTS_MAX:
            self.objects.popitem(last=False)
        return made

    def remove(self, path: str) -> None:
        self.seq += 1
        del self.objects[path]
        self.gone[path] = self.seq

    def since(self, seq: int) -> list[tuple[int, str]]:
        """Every path that has changed, with the number of its last change, oldest first."""
        changed = [(one.seq, path) for path, one in self.objects.items()]
        return sorted(entry for entry in [*changed, *((at, path) for path, at in self.gone.items())] if entry[0] > seq)


def uid_of(body: str) -> str:
    return next((line[4:] for line in body.replace("\r\n ", "").splitlines() if line.upper().startswith("UID:")), "")


def written(title: str, times: Times, *, uid: str = "") -> str:
    """A new event as Apple's calendar writes it."""
    text = "".join(f"\\{letter}" if letter in "\\;," else letter for letter in title).replace("\n", "\\n")
    lines = [
        "BEGIN:VCALENDAR",
        "CALSCALE:GREGORIAN",
        "PRODID:-//Apple Inc.//macOS 26.1//EN",
        "VERSION:2.0",
        "BEGIN:VEVENT",
        f"CREATED:{_now()}",
        *_ends(times),
        f"DTSTAMP:{_now()}",
        f"LAST-MODIFIED:{_now()}",
        "SEQUENCE:0",
        f"SUMMARY:{text}",
        "TRANSP:OPAQUE",
        f"UID:{uid or str(uuid4()).upper()}",
        "X-APPLE-CREATOR-IDENTITY:com.apple.calendar",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "\r\n".join(lines) + "\r\n"


def moved(body: str, times: Times) -> str:
    """The same object at another time; only lines of the first VEVENT's start and end are touched."""
    out: list[str] = []
    is_in_event = is_done = False
    for line in body.replace("\r\n ", "").splitlines():
        is_in_event = is_in_event or line == "BEGIN:VEVENT"
        if (
            is_in_event
            and not is_done
            and line.split(":")[0].split(";")[0] in ("DTSTART", "DTEND", "DURATION", "SEQUENCE")
        ):
            continue
        if is_in_event and not is_done and line == "END:VEVENT":
            out += [*_ends(times), "SEQUENCE:1"]
            is_done = True
        out.append(f"LAST-MODIFIED:{_now()}" if line.startswith("LAST-MODIFIED:") else line)
    return "\r\n".join(out) + "\r\n"


def seen(path: str, body: str) -> Seen | None:
    """The event or series in an object, as a person sees it."""
    parsed: Any = Text.from_ical(body)
    for event in parsed.events:
        if "RECURRENCE-ID" not in event:
            return Seen(id=path, title=str(event.get("SUMMARY", "")), times=_times(event))
    return None


def _times(event: Any) -> Times:
    start, end = event["DTSTART"], event.get("DTEND")
    if not isinstance(start.dt, datetime):
        return Days(on=start.dt.isoformat(), until=(end.dt if end else start.dt + timedelta(days=1)).isoformat())
    last = end or start
    zone, end_zone = _zone(start), _zone(last)
    return Timed(
        start=start.dt.replace(tzinfo=None).isoformat(timespec="seconds"),
        end=last.dt.replace(tzinfo=None).isoformat(timespec="seconds"),
        zone=zone,
        end_zone="" if end_zone == zone else end_zone,
    )


def _zone(value: Any) -> str:
    return str(value.params.get("TZID", "UTC" if value.dt.tzinfo is not None else ""))


def _ends(times: Times) -> list[str]:
    if isinstance(times, Days):
        first, last = (f"{date.fromisoformat(one):%Y%m%d}" for one in (times.on, times.until))
        return [f"DTSTART;VALUE=DATE:{first}", f"DTEND;VALUE=DATE:{last}"]
    return [_end("DTSTART", times.start, times.zone), _end("DTEND", times.end, times.end_zone or times.zone)]


def _end(key: str, wall: str, zone: str) -> str:
    text = f"{datetime.fromisoformat(wall):%Y%m%dT%H%M%S}"
    if zone == "UTC":
        return f"{key}:{text}Z"
    return f"{key};TZID={zone}:{text}" if zone else f"{key}:{text}"


def _now() -> str:
    return f"{clock.machine_now().astimezone(UTC):%Y%m%dT%H%M%SZ}"
