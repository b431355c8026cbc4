"""A Graph whose answers are written down beforehand: what its stand-in does not say."""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from wedsync.connections.calendars.contract import Pull, Push
from wedsync.connections.calendars.event import CalendarEvent
from wedsync.connections.contract import Connection, Tools
from wedsync.connectors.outlook_calendar.connector import OutlookCalendar, connect
from wedsync.connectors.outlook_calendar.tests.staged import BERLIN, CEREMONY, SINCE, UNTIL
from wedsync.kit.http import Ending, Failure, Kind, Reply, Timing, Wire

BASE = "https://graph.example/v1.0"
NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)
HELD = Connection(id=UUID("01970000-0000-7000-8000-00000000c002"), secrets={"access_token": ("tulip",)})


class Asked(NamedTuple):
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


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
        return [f"{one.method} {urlsplit(one.url).path.removeprefix('/v1.0')}" for one in self.asked]


def reply(status: int, data: Any = None, *, ending: Ending = "whole", **headers: str) -> Reply:
    body = b"" if data is None else data if isinstance(data, bytes) else msgspec.json.encode(data)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body=body, ending=ending, timing=Timing())


def refusal(status: int, code: str = "", **headers: Any) -> Reply:
    return reply(status, {"error": {"code": code, "message": "No."}}, **headers)


def failure(kind: Kind, *, may_have_arrived: bool = False) -> Failure:
    return Failure(kind=kind, reason=f"It is {kind}.", may_have_arrived=may_have_arrived, timing=Timing())


def connector(script: Script) -> OutlookCalendar:
    return connect(Tools(wire=script, machine_now=lambda: NOW, settings={"outlook_calendar_base_url": BASE}))


async def pulled(script: Script, cursor: str = "") -> Any:
    wanted = Pull(calendar="c1", cursor=cursor, since=SINCE, until=UNTIL, zone=BERLIN)
    return await connector(script).pull(wanted, HELD)


async def pushed(script: Script, event: CalendarEvent | None = CEREMONY, **more: Any) -> Any:
    values = {"calendar": "c1", "key": "k1", "marker": "m'1", "zone": BERLIN, **more}
    return await connector(script).push(Push(event=event, **values), HELD)
