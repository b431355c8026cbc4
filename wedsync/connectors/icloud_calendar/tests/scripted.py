"""A network whose answers are written down beforehand: what no real server can be made to say."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from wedsync.connections.calendars.contract import Pull, Push
from wedsync.connections.calendars.event import CalendarEvent, Timed, checked
from wedsync.connections.contract import Connection, Tools
from wedsync.connectors.icloud_calendar.connector import Caldav, connect
from wedsync.kit.http import Ending, Failure, Kind, Reply, Timing, Wire

BASE = "https://dav.example/"
CALENDAR = f"{BASE}1/cal/"
PATH = "/1/cal/x.ics"
NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)
SINCE, UNTIL = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
EVENT = checked(
    CalendarEvent(
        times=Timed(start="2027-06-12T14:00:00", end="2027-06-12T15:30:00", zone="Europe/Berlin"), title="Ceremony"
    )
)
OBJECT = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Somebody//EN\r
BEGIN:VEVENT\r
UID:x\r
DTSTAMP:20260101T000000Z\r
DTSTART:20270605T120000Z\r
DTEND:20270605T130000Z\r
SUMMARY:Tasting\r
END:VEVENT\r
END:VCALENDAR\r
"""
_SPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"'
KIND = "<resourcetype><collection/><C:calendar/></resourcetype>"


class Asked(NamedTuple):
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


class Script(Wire):
    """Gives its answers one after the other, and keeps what was asked."""

    def __init__(self, *answers: Reply | Failure) -> None:
        super().__init__()
        self.left = list(answers)
        self.asked: list[Asked] = []

    async def request(self, method: str, url: str, **how: Any) -> Reply | Failure:
        self.asked.append(Asked(method, url, how["headers"], how["body"]))
        assert self.left, f"nothing was written down for {method} {url}"
        return self.left.pop(0)

    @property
    def said(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.asked]


def reply(status: int, body: str | bytes = b"", *, ending: Ending = "whole", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body.encode() if isinstance(body, str) else body
    return Reply(status=status, headers=named, body=content, ending=ending, timing=Timing())


def failure(kind: Kind, *, may_have_arrived: bool = False) -> Failure:
    return Failure(kind=kind, reason=f"It is {kind}.", may_have_arrived=may_have_arrived, timing=Timing())


def one(href: str, props: str = "", *, status: str = "") -> str:
    """A response of a multistatus: with properties that were found, or a status of its own."""
    own = f"<status>HTTP/1.1 {status}</status>" if status else ""
    found = f"<propstat><prop>{props}</prop><status>HTTP/1.1 200 OK</status></propstat>" if props else ""
    return f"<response><href>{href}</href>{own}{found}</response>"


def many(*responses: str, token: str = "", ending: Ending = "whole") -> Reply:
    last = f"<sync-token>{token}</sync-token>" if token else ""
    return reply(207, f"<multistatus {_SPACES}>{''.join(responses)}{last}</multistatus>", ending=ending)


def refusal(status: int, condition: str) -> Reply:
    return reply(status, f"<error {_SPACES}><{condition}/></error>")


def there(token: str = "t1", tag: str = "g1", more: str = "") -> Reply:
    """The calendar, asked how far it is."""
    far = f"<sync-token>{token}</sync-token><S:getctag>{tag}</S:getctag>"
    return many(one("/1/cal/", KIND + far + more))


def content(path: str = PATH, body: str = OBJECT, etag: str = '"e1"') -> str:
    return one(path, f"<getetag>{etag}</getetag><C:calendar-data>{body}</C:calendar-data>")


def listed(path: str = PATH, etag: str = '"e1"') -> str:
    return one(path, f"<getetag>{etag}</getetag>")


def connection(**secrets: str) -> Connection:
    values = {"username": "vera@flora.example", "password": "tulip", **secrets}
    return Connection(
        id=UUID("01970000-0000-7000-8000-00000000c001"), secrets={name: (value,) for name, value in values.items()}
    )


def authorization() -> str:
    return f"Basic {b64encode(b'vera@flora.example:tulip').decode()}"


def connector(script: Script, base_url: str = BASE) -> Caldav:
    settings = {"icloud_calendar_base_url": base_url}
    return connect(Tools(wire=script, machine_now=lambda: NOW, settings=settings))


async def pulled(script: Script, cursor: str = "", calendar: str = CALENDAR, **secrets: str) -> Any:
    wanted = Pull(calendar=calendar, cursor=cursor, since=SINCE, until=UNTIL)
    return await connector(script).pull(wanted, connection(**secrets))


async def pushed(script: Script, event: CalendarEvent | None = EVENT, *, id: str = "", **more: Any) -> Any:
    values = {"calendar": CALENDAR, "key": "k1", "marker": "m-k1", "etag": "", **more}
    return await connector(script).push(Push(id=id, event=event, **values), connection())
