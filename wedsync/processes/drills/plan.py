"""What a drill of a Saturday is to do: how many weddings, how fast the day goes by, and what fails when."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from wedsync.processes.failures import CannotRun

ZONE: Final = "Europe/London"
SATURDAY: Final = 5
PARTS: Final = ("web", "gateway", "worker", "clock", "postgres", "valkey")
"""What is killed at once and comes back by itself; anything else is a provider of the sandbox."""
USUAL: Final = ("resend@14:05+10m", "worker@14:30", "gateway@15:00", "postgres@15:30")
WORDS: Final = re.compile(
    r"(?P<what>[a-z_]+)@(?P<hour>\d{1,2}):(?P<minute>\d{2})(?:\+(?P<lasts>\d{1,3})m)?(?:=(?P<how>[a-z0-9 -]+))?"
)
CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})")
DAY: Final = 24 * 60


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that fails: `at` and `lasts` in minutes of the wedding day; `how` is a mood of the provider's."""

    what: str
    at: int
    lasts: int = 0
    how: str = ""

    @property
    def is_part(self) -> bool:
        return self.what in PARTS


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`begin` and `end` are minutes of the day; `per_min` how often each wedding does something in one of them."""

    weddings: int
    speed: float
    begin: int
    end: int
    per_min: float
    on: date
    troubles: Sequence[Trouble] = ()

    def moment(self, minute: float) -> datetime:
        """A minute of the day as an instant of wedding time."""
        midnight = datetime.combine(self.on, time(), tzinfo=ZoneInfo(ZONE))
        return (midnight + timedelta(minutes=minute)).astimezone(UTC)

    def seconds(self, minute: float) -> float:
        """Machine seconds from the beginning until a minute of the day."""
        return (minute - self.begin) * 60.0 / self.speed

    @property
    def takes_s(self) -> float:
        return self.seconds(self.end)


def next_saturday(today: date) -> date:
    """The first one after today: what is planned then is ahead, as it would be."""
    return today + timedelta(days=(SATURDAY - today.weekday() - 1) % 7 + 1)


def minute_of(text: str) -> int:
    """`14:05` as a minute of the day. Raises CannotRun."""
    found = CLOCK.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else DAY + 1
    if found is None or int(found[2]) > 59 or minute > DAY:
        raise CannotRun(f"{text!r} is no time of day. Write it as 14:05.")
    return minute


def troubles_of(texts: Sequence[str]) -> list[Trouble]:
    """What `--fail` says, in the order of the day. Raises CannotRun."""
    found = []
    for text in texts:
        words = WORDS.fullmatch(text)
        if words is None:
            raise CannotRun(
                f"{text!r} does not say what fails when. Write resend@14:05+10m for a provider, with =mood behind it "
                f"where another of its moods is meant, or worker@14:30 for one of {', '.join(PARTS)}."
            )
        at = minute_of(f"{words['hour']}:{words['minute']}")
        trouble = Trouble(what=words["what"], at=at, lasts=int(words["lasts"] or 0), how=words["how"] or "")
        if not trouble.is_part and not trouble.lasts:
            raise CannotRun(f"{text!r} does not say for how long. Write {text}+10m.")
        found.append(trouble)
    return sorted(found, key=lambda one: one.at)


def planned(
    *, weddings: int, speed: float, begin: str, end: str, rate: float, fail: Sequence[str], today: date
) -> Plan:
    """What the options ask for. `rate` 1 is a change or a look in each wedding every ten minutes. Raises CannotRun."""
    first, last = minute_of(begin), minute_of(end)
    if first >= last:
        raise CannotRun(f"The day ends at {end} before it begins at {begin}.")
    if weddings < 1 or not 1 <= speed <= 3600 or rate <= 0:
        raise CannotRun("Ask for at least one wedding, a speed from 1 to 3600, and a rate above 0.")
    troubles = [one for one in troubles_of(fail) if first <= one.at < last]
    return Plan(
        weddings=weddings,
        speed=speed,
        begin=first,
        end=last,
        per_min=rate / 10,
        on=next_saturday(today),
        troubles=troubles,
    )
