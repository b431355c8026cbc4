"""The rules of the schedule: the instant of a local time, the days items make, and the phase a wedding is in."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from msgspec import UNSET

from wedsync.kit.errors import FieldError, Refusal
from wedsync.schedule import facts, wording
from wedsync.schedule.rows import Kind, NewItem, Phase, PlannedItem, Span, WeddingDay

EVENTS = facts.EVENTS
LIVE_BEFORE = LIVE_AFTER = timedelta(hours=2)
STAND_DOWN = timedelta(hours=24)
# An item that starts before this hour belongs to the evening before, when there is one.
SMALL_HOURS_END = time(5)
YEAR_MIN, YEAR_MAX = 1990, 2190
ITEMS_MAX = 500


@cache
def zones() -> frozenset[str]:
    """The time zones there are; reading their folder takes milliseconds, so once."""
    return frozenset(available_timezones())


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


def days_of(items: Iterable[PlannedItem]) -> list[Span]:
    """The days the items make. What starts in the small hours belongs to the evening before, when there was one."""
    by_day: dict[date, list[PlannedItem]] = {}
    late: list[PlannedItem] = []
    for item in items:
        (late if item.at_local < SMALL_HOURS_END else by_day.setdefault(item.on, [])).append(item)
    evenings = frozenset(by_day)
    for item in late:
        eve = item.on - timedelta(days=1)
        by_day.setdefault(eve if eve in evenings else item.on, []).append(item)
    return [_span(on, by_day[on]) for on in sorted(by_day)]


def _span(on: date, items: list[PlannedItem]) -> Span:
    first = min(items, key=lambda item: (item.starts_at, item.id))
    return Span(
        on=on,
        zone=first.zone,
        live_from=first.starts_at - LIVE_BEFORE,
        live_until=max(item.ends_at for item in items) + LIVE_AFTER,
    )


CORE_TIMES: tuple[tuple[Kind, str], ...] = (("ceremony", "ceremony_at"), ("reception", "reception_at"))
_TAKES_RSVPS = frozenset({"ceremony", "reception", "evening", "brunch"})


def core_item(items: Iterable[PlannedItem], kind: Kind, on: date | None) -> PlannedItem | None:
    """The ceremony (or reception) the wedding's core speaks of: the first of its kind on the wedding's date."""
    held = (item for item in items if item.kind == kind and (on is None or item.on == on))
    return min(held, key=lambda item: (item.starts_at, item.id), default=None)


def settle(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields fit to be written: text cleaned, whole minutes, a known zone. Raises Refusal 422."""
    out = dict(fields)
    if "title" in out:
        out["title"] = wording.required("title", out["title"])
    if "place" in out:
        out["place"] = wording.line(out["place"])
    if "zone" in out:
        check_zone(out["zone"])
    return out


def rsvp_defaults(new: NewItem) -> dict[str, Any]:
    """Whether guests answer, and so who may see the item, where the couple did not say."""
    takes_rsvps = new.takes_rsvps if new.takes_rsvps is not UNSET else new.kind in _TAKES_RSVPS
    audience = new.audience if new.audience is not UNSET else ("invited" if takes_rsvps else "linked")
    return {"takes_rsvps": takes_rsvps, "audience": audience}


def check_owner(link: UUID | None, membership: UUID | None) -> None:
    """Raises Refusal 422 for an item of two owners."""
    if link is not None and membership is not None:
        raise _invalid(
            "owner_membership_id", "an item has one owner", "Send null for owner_link_id or for owner_membership_id."
        )


def settle_contact(fields: dict[str, Any]) -> dict[str, Any]:
    """An on-day contact's fields, cleaned. Raises Refusal 422."""
    out = {key: wording.line(value) if isinstance(value, str) else value for key, value in fields.items()}
    if "name" in out:
        out["name"] = wording.required("name", out["name"])
    return out


def _invalid(field: str, reason: str, fix: str) -> Refusal:
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])
