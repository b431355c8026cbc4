"""What a preflight is made of: what is known, the questions' answers, and when it is made."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

AHEAD: Final = timedelta(hours=96)
"""From Friday's first hour in Auckland to Sunday's last in Honolulu, and a day of margin."""
FRIDAY: Final = 4
HOUR_UTC: Final = 5
"""Early enough on Friday for a working day to mend what is found."""
AGAIN: Final = timedelta(hours=6)
"""It is looked at again until Sunday is over; whoever was told is not told twice."""

Status = Literal["good", "look", "bad"]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The accounts of the weekend's weddings at one provider. `ended`: a credential that was not renewed in time."""

    connector: str
    accounts: int
    weddings: int
    broken: int = 0
    degraded: int = 0
    ended: int = 0
    silent: int = 0


class MailWay(msgspec.Struct, frozen=True):
    name: str
    is_down: bool


class Standby(msgspec.Struct, frozen=True):
    name: str
    lag_s: float


class Server(msgspec.Struct, frozen=True, kw_only=True):
    refuses_ddl: bool
    archives: bool
    archived_at: datetime | None = None
    archive_failures: int = 0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the database knows (`ops.preflight_facts`). `now` is wedding time."""

    now: datetime
    machine_now: datetime
    weddings: int
    first_at: datetime | None = None
    last_at: datetime | None = None
    accounts: Sequence[Account] = ()
    mail: Sequence[MailWay] = ()
    endpoints: int = 0
    owed: int = 0
    oldest_s: float = 0.0
    parked: int = 0
    given_up: int = 0
    breakers: int = 0
    unacknowledged: int = 0
    proposals: int = 0
    alerts: int = 0
    emergencies: int = 0
    operators: int = 0
    used: int = 0
    max: int = 1
    fullest_so_far: int = 0
    fullest: int = 0
    clock_leads: bool = False
    processes: Sequence[str] = ()
    examined_at: datetime | None = None
    flaws: int = 0
    defects: Sequence[str] = ()
    server: Server
    standbys: Sequence[Standby] = ()
    migration_waits: bool = False


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What only the machine that asks can see; null where it cannot."""

    env: str = "production"
    certificate_ends_at: datetime | None = None
    has_certificate: bool = False
    is_bundled: Annotated[bool, Meta(description="The PostgreSQL is one that we start, and copy.")] = True
    backup_at: datetime | None = None
    backup_flaw: str = ""
    has_archive: bool = False
    drilled_at: datetime | None = None
    drill_flaws: int = 0
    pending: Sequence[str] = ()
    disk_free: float | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question and its answer; `do` is empty where nothing is to be done."""

    name: str
    title: str
    status: Status
    says: str
    do: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`is_ready`: nothing is bad. `weekend` is the date of its Friday."""

    weekend: date
    at: datetime
    weddings: int
    is_ready: bool
    checks: Sequence[Check]

    @property
    def to_do(self) -> list[Check]:
        """What is bad first."""
        return sorted((one for one in self.checks if one.status != "good"), key=lambda one: one.status != "bad")


def weekend_of(on: date) -> date:
    """Monday to Thursday look ahead to their Friday, Friday to Sunday belong to it."""
    return on + timedelta(days=FRIDAY - on.weekday())


def is_due(now: datetime, last: datetime | None) -> bool:
    """From Friday 05:00 UTC to the end of Sunday, and then again every six hours."""
    if now.weekday() < FRIDAY or (now.weekday() == FRIDAY and now.hour < HOUR_UTC):
        return False
    return last is None or now - last >= AGAIN


def lines(report: Report) -> Iterator[str]:
    """For a terminal, what is bad first."""
    order = {"bad": 0, "look": 1, "good": 2}
    for one in sorted(report.checks, key=lambda check: order[check.status]):
        yield f"{one.status:4}  {one.title}: {one.says}{f' {one.do}' if one.do else ''}"
