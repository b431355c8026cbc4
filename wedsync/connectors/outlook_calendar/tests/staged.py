"""The Outlook connector on stage with a Graph that really listens."""

from datetime import UTC, datetime
from typing import Any

from wedsync.connections.calendars.contract import Change, Pull, Pulled, Push
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.calendars.event import CalendarEvent, Timed
from wedsync.connections.contract import Connection, Tools
from wedsync.connectors.outlook_calendar.connector import OutlookCalendar, connect
from wedsync.connectors.outlook_calendar.fake import Exchange, Outlook
from wedsync.kit import clock
from wedsync.kit.http import Wire

SINCE = datetime(2027, 1, 1, tzinfo=UTC)
UNTIL = datetime(2028, 6, 1, tzinfo=UTC)
BERLIN = "Europe/Berlin"
PULLS_MAX = 60


def timed(start: str, end: str, zone: str = BERLIN) -> Timed:
    return Timed(start=start, end=end, zone=zone)


CEREMONY = CalendarEvent(
    times=timed("2027-06-12T14:00:00", "2027-06-12T15:00:00"),
    title="Ceremony",
    text="Bring the long lens.\nZoë is shy 🎉",
    place="Old chapel",
)


def held(change: Change) -> CalendarEvent:
    """The event, where it is not gone."""
    assert change.event is not None
    return change.event


class Stage:
    """`fake` is spoken to by `connector` as `held`, the first account, about its first calendar."""

    def __init__(self, fake: Outlook, wire: Wire, at: str) -> None:
        self.fake = fake
        self.at = at
        settings = fake.settings_at(at)
        self.connector: OutlookCalendar = connect(Tools(wire=wire, machine_now=clock.machine_now, settings=settings))
        self.held: Connection = fake.connection(at, ACCOUNTS[0])
        self.calendar, self.birthdays = fake.mailboxes[ACCOUNTS[0]].books

    async def pull(self, cursor: str = "", **changes: Any) -> Any:
        values: dict[str, Any] = {
            "calendar": self.calendar,
            "cursor": cursor,
            "since": SINCE,
            "until": UNTIL,
            "zone": BERLIN,
        }
        return await self.connector.pull(Pull(**(values | changes)), self.held)

    async def round(self, cursor: str = "") -> tuple[dict[str, Change], str]:
        """A whole round: the last word on each event, and the cursor of the next."""
        found: dict[str, Change] = {}
        for _ in range(PULLS_MAX):
            page = await self.pull(cursor)
            assert isinstance(page, Pulled), page
            found |= {change.id: change for change in page.changes}
            cursor = page.cursor
            if not page.has_more:
                return found, cursor
        raise AssertionError("the round does not end")

    async def push(self, event: CalendarEvent | None, **changes: Any) -> Any:
        values: dict[str, Any] = {"calendar": self.calendar, "key": "key-1", "marker": "event/1", "zone": BERLIN}
        return await self.connector.push(Push(event=event, **(values | changes)), self.held)

    def calls(self) -> list[Exchange]:
        """Oldest first."""
        return list(self.fake.kept)[::-1]
