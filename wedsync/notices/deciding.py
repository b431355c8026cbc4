"""Whether, when and how one person is told of one fact outside of the product, and why; pure.

For each channel the rules are asked in one order and the first that has an answer decides; what the others said on the
way stays in the trace. The inbox is not asked about: what concerns a person always stands there.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from wedsync.notices.preferences import MANDATORY, Severity, Want

HOUR: Final = timedelta(hours=1)
LIMIT: Final = 10
"""Notices an hour that a person gets outside of the product, over all weddings and channels."""
RESERVED: Final = 3
"""Of these, kept for what much hangs on."""
LIVE_LIMIT: Final = 30
"""The same for a wedding that is on."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """What happened. `is_live`: its wedding is on now, and `live_from` says when it will be; `stale_at`: when nobody is
    helped by it any more.
    """

    type: str
    category: str
    severity: Severity = "normal"
    is_emergency: bool = False
    is_live: bool = False
    live_from: datetime | None = None
    stale_at: datetime | None = None


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """How one person can be reached now.

    `blocked`: channels nothing may be sent on whatever happens (STOP, a complaint, consent withdrawn), with the reason;
    `able`: channels with an address that may be used. `recent`: when they were told, lately; `waiting_until`: what was
    too much waits until then.
    """

    zone: str
    able: frozenset[str]
    wants: Mapping[str, Want]
    blocked: Mapping[str, str] = {}
    quiet: tuple[time, time] | None = None
    digest_at: time = time(18)
    recent: tuple[datetime, ...] = ()
    waiting_until: datetime | None = None


class Send(msgspec.Struct, frozen=True, tag_field="do", tag="send"):
    """Now."""

    reason: str


class Defer(msgspec.Struct, frozen=True, tag_field="do", tag="defer"):
    """When their quiet hours are over; several at once become one."""

    reason: str
    until: datetime


class Digest(msgspec.Struct, frozen=True, tag_field="do", tag="digest"):
    """Together with others of its `key`, at `until`."""

    reason: str
    key: str
    until: datetime


class Suppress(msgspec.Struct, frozen=True, tag_field="do", tag="suppress"):
    """Not on this channel."""

    reason: str


Outcome = Send | Defer | Digest | Suppress


class Step(msgspec.Struct, frozen=True):
    """What one rule said of one channel; the last of a channel decided."""

    channel: str
    rule: str
    said: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a fact for one person, by channel, and how it came about."""

    outcomes: Mapping[str, Outcome]
    trace: tuple[Step, ...]

    @property
    def counts(self) -> bool:
        """Whether the hour's limit has one less afterwards: a notice counts once, on however many channels it goes."""
        return any(isinstance(outcome, Send) for outcome in self.outcomes.values())


Rule = Callable[[Fact, Reach, str, datetime], Outcome | str]
"""An outcome ends the asking; words go into the trace, and the next rule is asked."""


def decide(fact: Fact, person: Reach, now: datetime) -> Decision:
    """The one decision; the same question has the same answer. `now` has its zone."""
    trace: list[Step] = []
    outcomes: dict[str, Outcome] = {}
    for channel in sorted({*person.wants, *person.able, *person.blocked}):
        for name, rule in RULES:
            said = rule(fact, person, channel, now)
            trace.append(Step(channel, name, said if isinstance(said, str) else said.reason))
            if not isinstance(said, str):
                outcomes[channel] = said
                break
    return Decision(outcomes=outcomes, trace=tuple(trace))


def quiet_until(zone: str, quiet: tuple[time, time] | None, now: datetime) -> datetime | None:
    """The end of the quiet hours that `now` lies in, in UTC; None where it lies in none.

    Local times: where the clocks go forward over one of them it counts as it would have been, so no night is lost.
    """
    if quiet is None or quiet[0] == quiet[1]:
        return None
    place = ZoneInfo(zone)
    today = now.astimezone(place).date()
    for day in (today - timedelta(days=1), today):
        begins = _at(day, quiet[0], place)
        ends = _at(day if quiet[1] > quiet[0] else day + timedelta(days=1), quiet[1], place)
        if begins <= now < ends:
            return ends
    return None


def free_at(recent: Iterable[datetime], now: datetime, allowed: int) -> datetime | None:
    """When the next notice fits into the hour's limit; None for now."""
    inside = sorted(at for at in recent if at > now - HOUR)
    return None if len(inside) < allowed else inside[len(inside) - allowed] + HOUR


def _at(day: date, at: time, place: ZoneInfo) -> datetime:
    return datetime.combine(day, at, place).astimezone(ZoneInfo("UTC"))


def _law(fact: Fact, person: Reach, channel: str, now: datetime) -> Outcome | str:
    why = person.blocked.get(channel)
    return Suppress(why) if why is not None else "nothing forbids it"


def _emergency(fact: Fact, person: Reach, channel: str, now: datetime) -> Outcome | str:
    if not fact.is_emergency:
        return "no emergency"
    return Send("an emergency") if channel in person.able else Suppress("there is no address to use")


def _wedding_day(fact: Fact, person: Reach, channel: str, now: datetime) -> Outcome | str:
    if not fact.is_live:
        return "the wedding is not on now"
    is_urgent = fact.severity in ("high", "critical") and channel in person.able
    return Send("the wedding is on, and much hangs on it") if is_urgent else "the wedding is on, but this can be chosen"


def _critical(fact: Fact, person: Reach, channel: str, now: datetime) -> Outcome | str:
    if fact.severity != "critical" and fact.category not in MANDATORY:
        return "it can be switched off"
    is_used = channel in person.able and (fact.severity == "critical" or person.wants[channel].how != "off")
    return Send("this kind is always sent") if is_used else "this kind is always sent, but not here"


def _consent(fact: Fact, person: Reach, channel: str, now: datetime) -> Outcome | str:
    if channel in person.able:
        return "there is an address to use"
    return Suppress("there is no address to use")


def _preference(fact: Fact, person: Reach, channel: str, now: datetime) -> Outcome | str:
    want = person.wants.get(channel, Want("off", "WedSync"))
    if want.how == "off":
        return Suppress(f"switched off by {want.by}")
    if want.how == "now" or fact.is_live:
        return f"wanted at once by {want.by}"
    until = next_digest(person, now)
    if fact.stale_at is not None and fact.stale_at <= until:
        return "the next digest would come too late"
    day = until.astimezone(ZoneInfo(person.zone)).date()
    return Digest(f"collected by {want.by}", f"daily {day.isoformat()}", until)


def next_digest(person: Reach, now: datetime) -> datetime:
    """When the next of the day's digests goes out; after the quiet hours where it would fall into them."""
    place = ZoneInfo(person.zone)
    today = now.astimezone(place).date()
    due = next(at for at in (_at(today + timedelta(days=n), person.digest_at, place) for n in range(3)) if at > now)
    return quiet_until(person.zone, person.quiet, due) or due


def _quiet(fact: Fact, person: Reach, channel: str, now: datetime) -> Outcome | str:
    until = quiet_until(person.zone, person.quiet, now)
    if until is None:
        return "no quiet hours now"
    if fact.is_live:
        return "quiet hours do not hold while the wedding is on"
    if fact.live_from is not None and now < fact.live_from < until:
        until = fact.live_from
    if fact.stale_at is not None and now < fact.stale_at <= until:
        if fact.severity in ("high", "critical"):
            return "it would be over by the end of the quiet hours"
        return Suppress("it is over before the quiet hours are")
    return Defer("quiet hours", until)


def _limit(fact: Fact, person: Reach, channel: str, now: datetime) -> Outcome | str:
    is_high = fact.severity in ("high", "critical")
    allowed = LIVE_LIMIT if fact.is_live else LIMIT if is_high else LIMIT - RESERVED
    free = free_at(person.recent, now, allowed)
    if free is not None:
        return Digest("more than one hour takes", "limit", max(free, person.waiting_until or free))
    if not is_high and not fact.is_live and person.waiting_until is not None and person.waiting_until > now:
        return Digest("others wait for room in the hour", "limit", person.waiting_until)
    return "there is room in the hour"


def _send(fact: Fact, person: Reach, channel: str, now: datetime) -> Outcome | str:
    return Send("nothing holds it back")


RULES: Final[tuple[tuple[str, Rule], ...]] = (
    ("law", _law),
    ("emergency", _emergency),
    ("wedding day", _wedding_day),
    ("critical", _critical),
    ("address", _consent),
    ("preference", _preference),
    ("quiet hours", _quiet),
    ("limit", _limit),
    ("send", _send),
)
"""In the order they are asked."""
