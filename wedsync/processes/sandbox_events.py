"""Events for the sandbox's calendars, by program: what people have in theirs without WedSync having put it there."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, post
from msgspec import Meta

from wedsync.connections import manifest as manifests
from wedsync.connections.calendars.contract import RemoteCalendar
from wedsync.connections.calendars.driven import Driven
from wedsync.connections.calendars.event import Timed
from wedsync.connections.contract import Tools
from wedsync.kit import clock
from wedsync.kit.config_connectors import ConnectorSettings
from wedsync.kit.errors import Refusal
from wedsync.kit.http import Wire
from wedsync.processes.sandbox_board import Board

ASK_S = 10.0


class NewEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Local times of `zone`; until earlier than from is the next day."""

    title: Annotated[str, Meta(max_length=300)]
    on: date
    start: time = msgspec.field(name="from")
    until: time


class NewEvents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`of` is the provider as `/api/moods` calls it, `account` one of its own; they go into its main calendar."""

    of: str
    account: str
    zone: str = "Europe/London"
    events: Annotated[list[NewEvent], Meta(max_length=500)]


@post("/api/events", status_code=201)
async def put_events(board: Board, request: "Request[Any, Any, Any]", data: NewEvents) -> dict[str, list[str]]:
    """The ids of the new events, in their order."""
    fake = board.place(data.of).fake
    if not isinstance(fake, Driven):
        raise Refusal(422, "no_calendars", f"{data.of} has no calendars.")
    calendar = await _main(data.of, fake, str(request.base_url).rstrip("/"), data.account)
    return {"ids": [await fake.make(calendar, title=one.title, times=_times(one, data.zone)) for one in data.events]}


async def _main(name: str, fake: Driven, at: str, account: str) -> str:
    """Which calendar it is only the provider's own list says, so it is asked as the connector would."""
    wire = Wire(allow=("127.0.0.0/8", "::1/128"))
    try:
        manifest = manifests.find()[name]
        wanted = (*manifest.operator_settings, *manifest.operator_secrets)
        settings = {key: getattr(ConnectorSettings(), key, "") for key in wanted} | dict(fake.settings_at(at))
        connector = manifests.module(name, "connector").connect(
            Tools(wire=wire, machine_now=clock.machine_now, settings=settings)
        )
        found = await connector.calendars(fake.connection(at, account), timeout_s=ASK_S)
    finally:
        await wire.close()
    calendars: list[RemoteCalendar] = list(found) if isinstance(found, tuple) else []
    if not calendars:
        raise Refusal(422, "no_calendars", f"{account} has no calendar there.")
    return max(calendars, key=lambda one: (one.is_writable, one.is_primary)).id


def _times(one: NewEvent, zone: str) -> Timed:
    start = datetime.combine(one.on, one.start)
    end = datetime.combine(one.on, one.until)
    end += timedelta(days=1 if end <= start else 0)
    return Timed(start=start.isoformat(), end=end.isoformat(), zone=zone)
