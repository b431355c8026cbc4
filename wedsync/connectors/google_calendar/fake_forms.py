"""How the fake Google writes what a person typed, and what it adds when it is in the mood for novelties."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from wedsync.connections.calendars.event import Days, Timed, Times
from wedsync.connectors.google_calendar.fake_store import Event
from wedsync.kit.errors import Refusal


def ends(times: Times) -> Event:
    """`start` and `end`, as Google's own pages write them."""
    if isinstance(times, Days):
        return {"start": {"date": times.on}, "end": {"date": times.until}}
    start = {"dateTime": times.start, "timeZone": times.zone or None}
    return {"start": start, "end": {"dateTime": times.end, "timeZone": times.end_zone or times.zone or None}}


def cleared(both: Event) -> Event:
    """The same as a patch that leaves nothing of what was there."""
    empty = {"date": None, "dateTime": None, "timeZone": None}
    return {name: {**empty, **moment} for name, moment in both.items()}


def times_of(event: Event) -> Times:
    """What a person reads."""
    start, end = event["start"], event["end"]
    if "date" in start:
        return Days(on=start["date"], until=end["date"])
    first, last = (datetime.fromisoformat(one["dateTime"]) for one in (start, end))
    return Timed(
        start=first.replace(tzinfo=None, fold=0).isoformat(timespec="seconds"),
        end=last.replace(tzinfo=None, fold=0).isoformat(timespec="seconds"),
        zone=start["timeZone"],
        end_zone="" if end["timeZone"] == start["timeZone"] else end["timeZone"],
    )


def typed(data: Mapping[str, str], zone: str) -> Times:
    """The times of a form: `start` and `end` as a browser's date and time fields send them, dates for whole days."""
    try:
        if "T" not in data.get("start", ""):
            last = date.fromisoformat(data["end"] or data["start"])
            return Days(on=date.fromisoformat(data["start"]).isoformat(), until=(last + timedelta(days=1)).isoformat())
        start, end = (datetime.fromisoformat(data[name]).isoformat(timespec="seconds") for name in ("start", "end"))
    except (KeyError, ValueError) as cause:
        raise Refusal(422, "no_time", "Say when it begins and ends.") from cause
    return Timed(start=start, end=end, zone=zone)


def odd(answer: Any) -> Any:
    """With a member in every object that nobody has heard of; own properties are the owner's and stay."""
    if isinstance(answer, list):
        return [odd(one) for one in answer]
    if not isinstance(answer, dict):
        return answer
    kept = {name: value if name in ("private", "shared") else odd(value) for name, value in answer.items()}
    return {**kept, "xFuture": {"of": ["tomorrow", 1]}}
