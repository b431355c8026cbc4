"""Events as every calendar can say them, made up by Hypothesis; and how two are compared."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

import msgspec
from hypothesis import strategies as st

from wedsync.connections.calendars.event import CalendarEvent, Days, Timed, Times, checked, from_instants

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "Pacific/Apia")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
numbers = count(1)

_letters = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"))
_words = st.one_of(
    st.text(_letters, max_size=40),
    st.sampled_from(
        ["Zoë & Ben 🎉", "a <b>c</b> d", "1 < 2 > 0", "C:\\x; y, z", "&amp; <br> ok", "'\"` “q” —", "طعام"]
    ),
)
_lines = st.lists(_words, max_size=3).map("\n".join)


def unique_title() -> str:
    return f"Wedding no. {next(numbers)}"


@st.composite
def timed(draw: st.DrawFn) -> Timed:
    """Made from instants: never in the hour that clocks skip, at times in the one that comes twice."""
    minutes = draw(st.integers(0, 2 * 365 * 24 * 12)) * 5
    # Often near the change of clocks in Europe and America.
    around = draw(st.sampled_from([datetime(2026, 1, 2), datetime(2026, 10, 25), datetime(2026, 11, 1)]))
    begin = (around + timedelta(minutes=minutes if around.month == 1 else minutes % 300)).replace(tzinfo=UTC)
    end = begin + timedelta(minutes=draw(st.integers(1, 600)) * 5)
    zone = draw(st.sampled_from(ZONES))
    times = from_instants(begin, end, zone)
    if draw(st.integers(0, 4)) == 0:
        other = from_instants(begin, end, draw(st.sampled_from(ZONES)))
        times = msgspec.structs.replace(times, end=other.end, end_fold=other.end_fold, end_zone=other.zone)
    return times


@st.composite
def whole_days(draw: st.DrawFn) -> Days:
    on = draw(st.dates(date(2026, 1, 2), date(2027, 12, 20)))
    return Days(on=on.isoformat(), until=(on + timedelta(days=draw(st.integers(1, 9)))).isoformat())


@st.composite
def rules(draw: st.DrawFn, times: Times) -> tuple[str, ...]:
    """A series that its first day is part of."""
    if draw(st.integers(0, 2)) or (isinstance(times, Timed) and times.end_zone):
        return ()
    first = datetime.fromisoformat(times.start if isinstance(times, Timed) else times.on)
    day = DAYS[first.weekday()]
    rule = draw(
        st.sampled_from(
            [
                "FREQ=DAILY;INTERVAL=4;COUNT=5",
                f"FREQ=WEEKLY;COUNT=10;BYDAY={day}",
                f"FREQ=WEEKLY;INTERVAL=2;BYDAY={day}",
                f"FREQ=MONTHLY;COUNT=3;BYMONTHDAY={first.day}",
                f"FREQ=YEARLY;COUNT=4;BYMONTH={first.month};BYMONTHDAY={first.day}",
            ]
        )
    )
    lines = [f"RRULE:{rule}"]
    if "DAILY" in rule and draw(st.booleans()):
        off = first + timedelta(days=4)
        lines.append(
            f"EXDATE;TZID={times.zone}:{off:%Y%m%dT%H%M%S}"
            if isinstance(times, Timed)
            else f"EXDATE;VALUE=DATE:{off:%Y%m%d}"
        )
    return tuple(sorted(lines))


@st.composite
def events(draw: st.DrawFn) -> CalendarEvent:
    times: Times = draw(st.one_of(timed(), whole_days()))
    return checked(
        CalendarEvent(
            times=times,
            title=draw(_words) or "Untitled",
            text=draw(_lines),
            place=draw(_words),
            rules=draw(rules(times)),
            status=draw(st.sampled_from(["confirmed", "tentative"])),
            is_busy=draw(st.booleans()),
            is_private=draw(st.booleans()),
        )
    )


def alike(event: CalendarEvent) -> CalendarEvent:
    """The form in which events are compared: the parts of a recurrence rule have no order (RFC 5545 3.3.10)."""
    parts = [line.partition(":") for line in event.rules]
    ordered = (f"{name}:{';'.join(sorted(value.split(';')))}" for name, _, value in parts)
    return msgspec.structs.replace(checked(event), rules=tuple(sorted(ordered)))
