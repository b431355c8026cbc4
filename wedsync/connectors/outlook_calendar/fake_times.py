"""Times as the owner of a fake mailbox means them, in Graph's form and back; never by the connector's mapper."""

from datetime import UTC, date, datetime
from typing import Any, Final

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from wedsync.connections.calendars.event import Days, Timed, Times
from wedsync.connectors.outlook_calendar.fake_mailbox import ZONE, Span, zone_of
from wedsync.kit.errors import Refusal

_WINDOWS: Final = {zone: name for name, zone in WINDOWS_TO_OLSON.items()}


def said(times: Times) -> dict[str, Any]:
    """start, end and isAllDay as Outlook would send them."""
    if isinstance(times, Days):
        ends = [{"dateTime": f"{day}T00:00:00", "timeZone": ZONE} for day in (times.on, times.until)]
        return {"isAllDay": True, "start": ends[0], "end": ends[1]}
    return {
        "isAllDay": False,
        "start": _end(times.start, times.zone, times.start_fold),
        "end": _end(times.end, times.end_zone or times.zone, times.end_fold),
    }


def times_of(span: Span) -> Times:
    if span.is_all_day:
        return Days(on=span.start.date().isoformat(), until=span.end.date().isoformat())
    zones = [zone_of(name) for name in (span.start_zone, span.end_zone)]
    first, last = span.start.astimezone(zones[0]), span.end.astimezone(zones[1])
    return Timed(
        start=first.replace(tzinfo=None, fold=0).isoformat(timespec="seconds"),
        end=last.replace(tzinfo=None, fold=0).isoformat(timespec="seconds"),
        zone=zones[0].key,
        end_zone="" if zones[1].key == zones[0].key else zones[1].key,
        start_fold=first.fold,
        end_fold=last.fold,
    )


def typed(form: dict[str, str]) -> Times:
    """What a person filled into the page: days, or local times of the mailbox. Refusal 422."""
    start, end = form.get("start", ""), form.get("end", "") or form.get("start", "")
    try:
        if len(start) == 10 and len(end) == 10:
            return Days(on=date.fromisoformat(start).isoformat(), until=date.fromisoformat(end).isoformat())
        walls = [datetime.fromisoformat(text).isoformat(timespec="seconds") for text in (start, end)]
    except ValueError as cause:
        raise Refusal(422, "unreadable_time", "Give times such as 2027-06-12T14:00, or days.") from cause
    return Timed(start=walls[0], end=walls[1], zone=zone_of(ZONE).key)


def local(span: Span) -> tuple[str, str]:
    """Both ends as a form shows them."""
    if span.is_all_day:
        return span.start.date().isoformat(), span.end.date().isoformat()
    zone = zone_of(ZONE)
    first, last = (at.astimezone(zone).replace(tzinfo=None) for at in (span.start, span.end))
    return first.isoformat(timespec="minutes"), last.isoformat(timespec="minutes")


def _end(wall: str, zone: str, fold: int) -> dict[str, str]:
    name = _WINDOWS.get(zone, zone) if zone else ZONE
    if not fold:
        return {"dateTime": wall, "timeZone": name}
    at = datetime.fromisoformat(wall).replace(tzinfo=zone_of(name), fold=fold).astimezone(UTC)
    return {"dateTime": at.replace(tzinfo=None).isoformat(), "timeZone": "UTC"}
