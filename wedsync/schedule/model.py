"""The rules of the schedule: the instant of a local time, the days items make, and the phase a wedding is in."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET

from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.zones import zones
from wedsync.schedule import facts, wording
from wedsync.schedule.rows import CoreTime, Kind, MoveItem, NewItem, Phase, Slot, Span, WeddingDay

S = TypeVar("S", bound=Slot)
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)
EVENTS = facts.EVENTS
LIVE_BEFORE = LIVE_AFTER = timedelta(hours=2)
STAND_DOWN = timedelta(hours=24)
# An item that starts before this hour belongs to the evening before, when there is one.
SMALL_HOURS_END = time(5)
YEAR_MIN, YEAR_MAX = 1990, 2190
ITEMS_MAX = 500


def check_zone(zone: str) -> None:
    """Raises Refusal 422 for an unknown IANA zone."""
    if zone not in zones():
        raise _invalid("zone", "is not an IANA time zone", "Use a name such as Europe/London or Pacific/Auckland.")


def check_moment(on: date, at_local: time) -> time:
    """The time in whole minutes as a clock on the wall shows it. Raises Refusal 422."""
    if not YEAR_MIN <= on.year <= YEAR_MAX:
        raise _invalid("on", f"is not between the years {YEAR_MIN} and {YEAR_MAX}", "Check the year.")
    if at_local.tzinfo is not None:
        raise _invalid(
            "at_local", "carries a time zone", "Send the local time alone, such as 14:30:00, and the zone in `zone`."
        )
    return at_local.replace(second=0, microsecond=0, fold=0)


def instant(on: date, at_local: time, zone: str) -> datetime:
    """The instant of a local time, as PostgreSQL's `timezone(zone, timestamp)` has it.

    A time that clocks show twice is the second one; a time they skip is as much later as they jump.
    """
    known = ZoneInfo(zone)
    local = datetime.combine(on, at_local.replace(fold=0))
    return max(local.replace(tzinfo=known, fold=fold).astimezone(UTC) for fold in (0, 1))


def local_of(at: datetime, zone: str) -> tuple[date, time]:
    """Day and time where the zone is."""
    there = at.astimezone(ZoneInfo(zone))
    return there.date(), there.time().replace(fold=0)


def phase(day: WeddingDay | Span, now: datetime) -> Phase:
    """Where a wedding day stands. Days count on the calendar of its zone, hours on the clock, both from its first item.

    Live from two hours before the first item until two hours after the last; stand-down until a day after the last.
    """
    first = day.live_from + LIVE_BEFORE
    on, at_local = local_of(first, day.zone)
    starts: tuple[tuple[datetime, Phase], ...] = (
        (instant(on - timedelta(days=21), at_local, day.zone), "readiness"),
        (instant(on - timedelta(days=7), at_local, day.zone), "soft_freeze"),
        (first - timedelta(hours=72), "supplier_confirm"),
        (first - timedelta(hours=24), "hard_freeze"),
        (day.live_from, "live"),
        (day.live_until, "stand_down"),
        (day.live_until - LIVE_AFTER + STAND_DOWN, "aftercare"),
    )
    reached = bisect_right([at for at, _ in starts], now)
    return starts[reached - 1][1] if reached else "planning"


_WEIGHT: tuple[Phase, ...] = (
    "aftercare",
    "planning",
    "readiness",
    "soft_freeze",
    "supplier_confirm",
    "stand_down",
    "hard_freeze",
    "live",
)


def wedding_phase(days: Iterable[WeddingDay | Span], now: datetime) -> Phase:
    """Where a wedding of several days stands: at what asks for most; a day to come outweighs one that is over."""
    return max((phase(day, now) for day in days), key=_WEIGHT.index, default="planning")


def days_of(items: Iterable[Slot]) -> list[Span]:
    """The days the items make."""
    by_day = grouped_by_day(items)
    return [_span(on, by_day[on]) for on in sorted(by_day)]


def grouped_by_day(items: Iterable[S]) -> dict[date, list[S]]:
    """Items by wedding day. What starts in the small hours belongs to the evening before, when there was one."""
    by_day: dict[date, list[S]] = {}
    late: list[S] = []
    for item in items:
        (late if item.at_local < SMALL_HOURS_END else by_day.setdefault(item.on, [])).append(item)
    evenings = frozenset(by_day)
    for item in late:
        eve = item.on - timedelta(days=1)
        by_day.setdefault(eve if eve in evenings else item.on, []).append(item)
    return by_day


def _span(on: date, items: Sequence[Slot]) -> Span:
    first = min(items, key=lambda item: (item.starts_at, item.id))
    return Span(
        on=on,
        zone=first.zone,
        live_from=first.starts_at - LIVE_BEFORE,
        live_until=max(item.ends_at for item in items) + LIVE_AFTER,
    )


CORE_TIMES: tuple[tuple[Kind, str], ...] = (("ceremony", "ceremony_at"), ("reception", "reception_at"))
_OWNERS = ("owner_link_id", "owner_membership_id")
_TAKES_RSVPS = frozenset({"ceremony", "reception", "evening", "brunch"})


def core_item(items: Iterable[S], kind: Kind, on: date | None) -> S | None:
    """The ceremony (or reception) the wedding's core speaks of: the first of its kind on the wedding's date."""
    held = (item for item in items if item.kind == kind and (on is None or item.on == on))
    return min(held, key=lambda item: (item.starts_at, item.id), default=None)


def core_times(
    items: Iterable[Slot], kinds: set[Kind], on: date | None, zone: str, known: Mapping[str, time | None]
) -> list[CoreTime]:
    """The core times that the items of these kinds now contradict; an item told in another zone says nothing."""
    held = list(items)
    found = ((field, core_item(held, kind, on)) for kind, field in CORE_TIMES if kind in kinds)
    return [
        CoreTime(field=field, before=known[field], after=item.at_local)
        for field, item in found
        if item is not None and item.zone == zone and item.at_local != known[field]
    ]


def settle(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields fit to be written: text cleaned, a known zone, one owner. Raises Refusal 422."""
    out = dict(fields)
    if "title" in out:
        out["title"] = wording.required("title", out["title"])
    if "place" in out:
        out["place"] = wording.line(out["place"])
    if "zone" in out:
        check_zone(out["zone"])
    for owner, other in (_OWNERS, _OWNERS[::-1]):
        if out.get(owner) is not None:
            if out.get(other) is not None:
                raise _invalid(other, "an item has one owner", f"Send {owner} or {other}, not both.")
            out[other] = None
    return out


def placed(item: S, fields: Mapping[str, Any]) -> S:
    """The item with these fields, at the instant they put it. Raises Refusal 422."""
    out = msgspec.structs.replace(item, **fields)
    at_local = check_moment(out.on, out.at_local)
    return msgspec.structs.replace(out, at_local=at_local, starts_at=instant(out.on, at_local, out.zone))


def draft(item_id: UUID, fields: Mapping[str, Any]) -> Slot:
    """A new item before it is a row. Raises Refusal 422."""
    taken: dict[str, Any] = {f: fields.get(f) for f in Slot.__struct_fields__} | {
        "id": item_id,
        "starts_at": _SOME_TIME,
    }
    return placed(Slot(**taken), {})


def fields_of_move(item: Slot, to: MoveItem) -> dict[str, Any]:
    """A move as fields of the item. Raises Refusal 422 when it says two things at once, or nothing."""
    named = {f: v for f in to.__struct_fields__ if (v := getattr(to, f)) is not None}
    by_minutes = named.pop("by_minutes", None)
    if by_minutes is None:
        if not named:
            raise _invalid("at_local", "a move says where to", "Send by_minutes, or on, at_local or minutes.")
        return named
    if named.keys() & {"on", "at_local", "zone"}:
        raise _invalid("by_minutes", "cannot go with a day or time", "Send by_minutes, or on and at_local.")
    on, at_local = local_of(item.starts_at + timedelta(minutes=by_minutes), item.zone)
    return named | {"on": on, "at_local": at_local}


def fields_of_new(new: NewItem, on: date | None, zone: str, *, by_couple: bool) -> dict[str, Any]:
    """A new item's fields, with what it takes over from the wedding. Raises Refusal 422."""
    fields = {f: getattr(new, f) for f in new.__struct_fields__ if f != "after"}
    takes_rsvps = new.takes_rsvps if new.takes_rsvps is not UNSET else by_couple and new.kind in _TAKES_RSVPS
    audience = new.audience if new.audience is not UNSET else ("invited" if takes_rsvps else "linked")
    if new.on is None and on is None:
        raise _invalid("on", "the wedding has no date yet", "Send the day, or set the wedding's date first.")
    taken = {"on": new.on or on, "zone": new.zone or zone, "takes_rsvps": takes_rsvps, "audience": audience}
    return settle(fields | taken)


def check_unguarded(guard: str | None) -> None:
    """Raises Refusal 409 from 24 hours before the day: the plan stands, and what changes is told to everybody."""
    if guard == "hard":
        raise Refusal(
            409,
            "amend",
            "The plan stands from 24 hours before the first item. Change it by an amendment with its reason, on the "
            "page of the day (POST /api/v1/weddings/{id}/amendments): everybody reads it at once and confirms it.",
        )


def check_audience(takes_rsvps: bool, audience: str) -> None:
    """Raises Refusal 422 where guests would answer for something they cannot see."""
    if takes_rsvps and audience == "linked":
        raise _invalid("audience", "guests answer for this, so they must see it", "Choose invited or public.")


def settle_contact(fields: dict[str, Any]) -> dict[str, Any]:
    """An on-day contact's fields, cleaned. Raises Refusal 422."""
    out = {key: wording.line(value) if isinstance(value, str) else value for key, value in fields.items()}
    if "name" in out:
        out["name"] = wording.required("name", out["name"])
    return out


def _invalid(field: str, reason: str, fix: str) -> Refusal:
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])
