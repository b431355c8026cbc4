"""The rules of bookings: when one starts and ends and what it blocks, what may become of it, who may ask for what."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.bookings import facts
from wedsync.bookings.rows import Slot
from wedsync.events.catalogue import EventType
from wedsync.kit import clock
from wedsync.kit.errors import FieldError, Refusal
from wedsync.schedule.model import check_moment, check_zone, instant

EVENTS = facts.EVENTS
ALIVE: Final = ("hold", "booked")
RANGE_DAYS_MAX: Final = 366
PUBLIC_DAYS_MAX: Final = 62
HOLD_HOURS: Final = 72
DEFAULT_RESOURCE: Final = "Us"
_TIME_FIELDS: Final = ("on", "at_local", "minutes", "days", "zone", "before_minutes", "after_minutes")


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A slot that is known to be right: in whole minutes, in a zone there is, with what it blocks."""

    on: date
    at_local: time | None
    minutes: int | None
    days: int | None
    zone: str
    before_minutes: int
    after_minutes: int

    @property
    def starts_at(self) -> datetime:
        return instant(self.on, self.at_local or time(), self.zone)

    @property
    def ends_at(self) -> datetime:
        """Whole days end at midnight there, however many hours they have."""
        if self.minutes is not None:
            return self.starts_at + timedelta(minutes=self.minutes)
        return instant(self.on + timedelta(days=self.days or 1), time(), self.zone)

    @property
    def blocked_from(self) -> datetime:
        return self.starts_at - timedelta(minutes=self.before_minutes)

    @property
    def blocked_until(self) -> datetime:
        return self.ends_at + timedelta(minutes=self.after_minutes)


def stretch(slot: Slot, home_zone: str) -> Stretch:
    """Raises Refusal 422 for a time that says too little, too much, or is in no zone."""
    zone = slot.zone or home_zone
    check_zone(zone)
    at_local = check_moment(slot.on, slot.at_local or time())
    if slot.days is not None and (slot.at_local is not None or slot.minutes is not None):
        raise invalid("days", "cannot go with a time", "Send at_local and minutes, or days alone.")
    if (slot.at_local is None) != (slot.minutes is None):
        missing = "minutes" if slot.minutes is None else "at_local"
        raise invalid(missing, "is missing", "Send at_local and minutes, or neither for whole days.")
    is_timed = slot.at_local is not None
    return Stretch(
        on=slot.on,
        at_local=at_local if is_timed else None,
        minutes=slot.minutes,
        days=None if is_timed else slot.days or 1,
        zone=zone,
        before_minutes=slot.before_minutes,
        after_minutes=slot.after_minutes,
    )


def changed_slot(before: Mapping[str, Any], fields: Mapping[str, Any]) -> Slot | None:
    """When a booking is to be by a change, or None when it stays. A named time takes the place of days, and back."""
    named = {name: fields[name] for name in _TIME_FIELDS if name in fields}
    if all(before[name] == value for name, value in named.items()):
        return None
    kept = {name: before[name] for name in _TIME_FIELDS}
    if named.get("days") is not None:
        kept |= {"at_local": None, "minutes": None}
    elif named.get("at_local") is not None or named.get("minutes") is not None:
        kept["days"] = None
    return Slot(**(kept | named))


def expiry(now: datetime, hours: int) -> datetime:
    """When a hold made now ends."""
    return now + timedelta(hours=hours)


def check_category(role: str, category: str, link_id: UUID | None) -> None:
    """Raises Refusal 403 for a member's booking that is not their own private time, 422 for a link on another kind."""
    if role == "member" and category != "private":
        raise Refusal(
            403, "forbidden", "Only an owner or admin books for the business. You may keep private time free."
        )
    if link_id is not None and category != "wedding":
        raise invalid("link_id", "goes with category wedding only", "Leave it out, or send category wedding.")


def check_alive(state: str) -> None:
    """Raises Refusal 409 for what is over."""
    if state not in ALIVE:
        words = "was let go" if state == "cancelled" else "is over"
        raise Refusal(409, "booking_ended", f"This booking {words}. Make a new one instead.")


def day_range(first: date | None, last: date | None, longest: int) -> tuple[date, date]:
    """Both days, where they were left out from today on. Raises Refusal 422 for a range that is none, or too long."""
    start = first or clock.now().date()
    check_moment(start, time())
    end = last or start + timedelta(days=30)
    check_moment(end, time())
    if end < start:
        raise invalid("to", "is before from", "Send the earlier day as from.")
    if (end - start).days >= longest:
        raise invalid("to", f"is more than {longest} days after from", "Ask in several steps.")
    return start, end


def span(first: date, last: date, zone: str) -> tuple[datetime, datetime]:
    """From the first day's midnight to the one after the last, where the supplier is."""
    return instant(first, time(), zone), instant(last + timedelta(days=1), time(), zone)


def kind_of(state: str, before: str) -> EventType:
    """What a change of state is told as."""
    if state == before:
        return facts.CHANGED
    return {"booked": facts.BOOKED, "hold": facts.HELD, "cancelled": facts.CANCELLED}[state]


def public_token(secret: str, supplier_id: UUID, number: int) -> str:
    """The signed link by which anybody may ask for free days. It says whose and which number; a higher one ends it."""
    said = supplier_id.bytes + number.to_bytes(4)
    return base64.urlsafe_b64encode(said + _signature(secret, said)).decode().rstrip("=")


def read_public_token(secret: str, token: str) -> tuple[UUID, int] | None:
    """(supplier, number) of a token that was signed here, None for any other."""
    if len(token) != 48 or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        return None
    said, signed = raw[:20], raw[20:]
    if not hmac.compare_digest(_signature(secret, said), signed):
        return None
    return UUID(bytes=said[:16]), int.from_bytes(said[16:])


def _signature(secret: str, said: bytes) -> bytes:
    return hmac.digest(secret.encode(), b"availability|" + said, hashlib.sha256)[:16]


def range_words(start: datetime, end: datetime) -> str:
    """A range as PostgreSQL reads one."""
    return f"[{start.astimezone(UTC).isoformat()},{end.astimezone(UTC).isoformat()})"


def invalid(field: str, reason: str, fix: str = "") -> Refusal:
    """One field that cannot be taken."""
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])
