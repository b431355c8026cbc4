"""Writes one event so that writing it twice makes it once: an id of our own for what is new, the etag for the rest."""

import hashlib
from base64 import b32hexencode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from wedsync.connections.calendars.contract import Gone, Moved, Push, Pushed, ReadOnly
from wedsync.connections.calendars.event import CalendarEvent, EventError
from wedsync.connections.contract import Outcome
from wedsync.connectors.google_calendar import mapper
from wedsync.connectors.google_calendar.answers import heard, wrote
from wedsync.connectors.google_calendar.client import Client
from wedsync.connectors.google_calendar.mapper import Item
from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply

Answer = Pushed | Moved | Gone | ReadOnly | Outcome


async def write(push: Push, client: Client, *, machine_now: Callable[[], datetime]) -> Answer:
    """An event that is cancelled is one that is deleted: Google knows no difference."""
    until = clock.monotonic() + push.timeout_s
    event = push.event
    if event is None or event.status == "cancelled":
        return await _delete(push, client, now=machine_now()) if push.id else Gone()
    try:
        body = mapper.to_body(event, marker=push.marker, zone=push.zone, id=push.id)
        if push.id:
            exchange = await client.patch_event(push.calendar, push.id, body, etag=push.etag, timeout_s=_left_s(until))
            return _pushed(exchange, now=machine_now())
        return await _insert(push, event, body, client, until=until, machine_now=machine_now)
    except EventError as error:
        return ReadOnly(reason=f"Google Calendar cannot hold it: {error}.")


def new_id(key: str) -> str:
    """An id that Google takes (base32hex, 5 to 1024 characters) and that is the same for every try."""
    return b32hexencode(hashlib.sha256(key.encode()).digest()[:20]).decode().lower()


async def _insert(
    push: Push,
    event: CalendarEvent,
    body: Mapping[str, Any],
    client: Client,
    *,
    until: float,
    machine_now: Callable[[], datetime],
) -> Answer:
    id = new_id(push.key)
    exchange = await client.insert_event(push.calendar, {**body, "id": id}, timeout_s=_left_s(until))
    status = heard(exchange).status
    if status == 404:
        return Gone(is_calendar=True, attempt=heard(exchange).attempt)
    if status != 409:
        return _pushed(exchange, now=machine_now())
    # An earlier try made it, or it was made and deleted: Google keeps the id for ever, so it is made again by changing.
    exchange = await client.get_event(push.calendar, id, timeout_s=_left_s(until))
    there = wrote(exchange, Item, now=machine_now())
    if not isinstance(there, Item):
        return there
    if there.status != "cancelled" and there.extended_properties.private.get(mapper.MARKER) != push.marker:
        return Moved(reason="Google Calendar has another event of this id.", attempt=heard(exchange).attempt)
    body = mapper.to_body(event, marker=push.marker, zone=push.zone, id=id)
    exchange = await client.patch_event(push.calendar, id, body, etag=there.etag, timeout_s=_left_s(until))
    return _pushed(exchange, now=machine_now())


async def _delete(push: Push, client: Client, *, now: datetime) -> Answer:
    exchange = await client.delete_event(push.calendar, push.id, etag=push.etag, timeout_s=push.timeout_s)
    done = wrote(exchange, dict[str, Any], now=now)
    return Pushed(id=push.id, attempt=heard(exchange).attempt) if isinstance(done, dict) else done


def _pushed(exchange: Reply | Failure, *, now: datetime) -> Answer:
    item = wrote(exchange, Item, now=now)
    return Pushed(id=item.id, etag=item.etag, attempt=heard(exchange).attempt) if isinstance(item, Item) else item


def _left_s(until: float) -> float:
    return max(until - clock.monotonic(), 0.001)
