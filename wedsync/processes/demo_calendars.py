"""The demo's suppliers connect their calendars to the sandbox's providers, step by step as they would themselves.

Done when everything answers, beside the running product, so that nobody waits for it. What the sandbox had forgotten
since the start before is connected anew.
"""

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import structlog

from wedsync.kit.config import Settings
from wedsync.kit.http import Reply, Wire

log = structlog.get_logger()

FIND_PATIENCE_S: Final = 60.0
ASK_EVERY_S: Final = 0.5
APP_PASSWORD: Final = "abcd-efgh-ijkl-mnop"  # noqa: S105 - of the sandbox's CalDAV server, whose page shows it
CHOSEN: Final = {"direction": "both", "has_bookings": True, "has_schedule": True}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Who connects what. `events`: (title, days before the wedding, from, until), which stay theirs alone."""

    who: str
    connector: str
    account: str
    events: tuple[tuple[str, int, str, str], ...]


PLANS: Final = (
    Plan(
        who="photographer",
        connector="google_calendar",
        account="carla@sandbox.example",
        events=(
            ("Dentist", 53, "09:30", "10:30"),
            ("Portraits, the Osei family", 46, "14:00", "17:00"),
            ("Camera to the workshop", 39, "11:00", "12:00"),
            ("Sister’s birthday", 0, "18:00", "22:00"),
        ),
    ),
    Plan(
        who="venue",
        connector="outlook_calendar",
        account="dario@sandbox.example",
        events=(("Board of trustees", 50, "10:00", "12:30"), ("Chimney sweep", 32, "08:00", "09:00")),
    ),
    Plan(
        who="florist",
        connector="icloud_calendar",
        account="carla@sandbox.example",
        events=(("Flower market", 44, "06:00", "09:00"), ("Yoga", 37, "18:30", "20:00")),
    ),
)


class Undone(Exception):  # noqa: N818 - what could not be done, told in one line of the log
    """A step of a plan was refused or did not answer."""


async def connect(settings: Settings, demo: Mapping[str, Any]) -> None:
    """All of them; one that cannot be is told in the log, since the demo is worth having without it."""
    wire = Wire()
    try:
        for plan in PLANS:
            try:
                await _Person(wire, settings, demo[plan.who]).carry_out(plan, demo["wedding_id"])
            except (Undone, TimeoutError) as undone:
                reason = str(undone) or f"its calendars were not found within {FIND_PATIENCE_S:g} s"
                log.warning("demo.calendar_not_connected", connector=plan.connector, reason=reason)
    finally:
        await wire.close()


class _Person:
    """One of the demo's people at a browser."""

    def __init__(self, wire: Wire, settings: Settings, told: Mapping[str, Any]) -> None:
        self._wire = wire
        self._settings = settings
        self._web = settings.public_url
        self._supplier = f"/api/v1/suppliers/{told['supplier_id']}"
        self._headers = {"authorization": f"Bearer {told['token']}", "content-type": "application/json"}

    async def carry_out(self, plan: Plan, wedding_id: str) -> None:
        on = date.fromisoformat((await self._asked("GET", f"/api/v1/weddings/{wedding_id}"))["on"])
        await self._leave(plan.connector)
        await self._connect(plan)
        await self._live(plan, on)
        calendar = await self._found(plan.connector)
        await self._asked("PATCH", f"/api/v1/calendars/{calendar}", CHOSEN)
        log.info("demo.calendar_connected", connector=plan.connector, who=plan.who)

    async def _leave(self, connector: str) -> None:
        """What an earlier start connected: the sandbox does not know it any more."""
        for one in (await self._asked("GET", f"{self._supplier}/calendars"))["items"]:
            if one["connector"] == connector and one["direction"] != "off":
                await self._asked("PATCH", f"/api/v1/calendars/{one['id']}", {"direction": "off"})
        for one in (await self._asked("GET", f"{self._supplier}/connections"))["items"]:
            if one["connector"] == connector:
                if one["state"] != "disconnected":
                    await self._asked("POST", f"/api/v1/connections/{one['id']}/disconnect")
                await self._asked("DELETE", f"/api/v1/connections/{one['id']}")

    async def _connect(self, plan: Plan) -> None:
        path = f"{self._supplier}/connections/{plan.connector}"
        if plan.connector == "icloud_calendar":
            at = f"{self._settings.sandbox_url}/caldav/"
            await self._asked("POST", path, {"username": plan.account, "password": APP_PASSWORD, "address": at})
            return
        begun = await self._asked("POST", path, {})
        allowed = await self._send("GET", f"{begun['authorize_url']}&{urlencode({'auto': plan.account})}", b"")
        if allowed.status != 303:
            raise Undone(f"the sandbox's consent answered {allowed.status}")
        back = await self._send("GET", allowed.headers["location"], b"")
        if back.status >= 400:
            raise Undone(f"coming back from consent was answered {back.status}")

    async def _live(self, plan: Plan, on: date) -> None:
        """What is in their calendar anyway."""
        events = [
            {"title": title, "on": str(on - timedelta(days=days)), "from": f"{start}:00", "until": f"{end}:00"}
            for title, days, start, end in plan.events
        ]
        body = {"of": plan.connector, "account": plan.account, "zone": "Europe/London", "events": events}
        told = await self._send("POST", f"{self._settings.sandbox_url}/api/events", msgspec.json.encode(body))
        if told.status != 201:
            raise Undone(f"the sandbox answered {told.status} to events")

    async def _found(self, connector: str) -> str:
        """The calendar to keep: the main one that can be written, as soon as the worker has found it."""
        async with asyncio.timeout(FIND_PATIENCE_S):
            while True:
                for one in (await self._asked("GET", f"{self._supplier}/calendars"))["items"]:
                    is_alive = one["connection_state"] not in (None, "disconnected")
                    if one["connector"] == connector and is_alive and one["is_writable"] and one["is_there"]:
                        return str(one["id"])
                await asyncio.sleep(ASK_EVERY_S)

    async def _asked(self, method: str, path: str, body: Any = None) -> Any:
        sent = b"" if body is None else msgspec.json.encode(body)
        told = await self._send(method, self._web + path, sent)
        if told.status >= 400:
            raise Undone(f"{method} {path} was answered {told.status}: {told.body[:300].decode(errors='replace')}")
        return msgspec.json.decode(told.body or b"null")

    async def _send(self, method: str, url: str, body: bytes) -> Reply:
        told = await self._wire.request(method, url, headers=self._headers, body=body, timeout_s=30.0, trusted=True)
        if not isinstance(told, Reply):
            raise Undone(f"{method} {url.partition('?')[0]}: {told.reason}")
        return told
