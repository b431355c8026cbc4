"""The fake's notification channels: an empty POST with headers whenever something in a calendar has changed.

As in developers.google.com/workspace/calendar/api/guides/push: first `sync`, then `exists`; numbers only grow. What is
sent is sent once and never again, so that nobody comes to rely on it.
"""

import asyncio
from collections import OrderedDict
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

import msgspec

from wedsync.connections.calendars import driven
from wedsync.connections.fakes import Moods
from wedsync.connectors.google_calendar.fake_store import Calendar, GoogleError
from wedsync.kit import clock
from wedsync.kit.http import Wire

LIFE_S: Final = 604_800.0
CHANNELS_MAX: Final = 10_000
TIMEOUT_S: Final = 10.0


class Channel(msgspec.Struct, kw_only=True):
    id: str
    resource: str
    calendar: str
    owner: str
    address: str
    token: str
    until: float
    number: int = 0
    sent: int = 0


class Channels:
    def __init__(self, moods: Moods) -> None:
        self._moods = moods
        self._wire: Wire | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self.open: OrderedDict[str, Channel] = OrderedDict()

    async def start(self) -> None:
        self._wire = Wire(user_agent="APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)")

    async def stop(self) -> None:
        for task in self._sending:
            task.cancel()
        if self._wire is not None:
            await self._wire.close()

    def watch(self, calendar: Calendar, body: dict[str, Any]) -> dict[str, Any]:
        """Raises GoogleError."""
        id = str(body.get("id", ""))
        if not 0 < len(id) <= 64 or body.get("type") not in ("web_hook", "webhook"):
            raise GoogleError(400, "invalid", "A channel needs an id of at most 64 characters and the type web_hook.")
        if not str(body.get("address", "")).startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise GoogleError(400, "push.webhookUrlNotHttps", "WebHook callback must be HTTPS.")
        if id in self.open:
            raise GoogleError(400, "channelIdNotUnique", "Channel id not unique")
        now = clock.machine_now().timestamp()
        asked = float(body.get("expiration") or 0) / 1000 or now + LIFE_S
        channel = Channel(
            id=id,
            resource=f"r-{len(calendar.id)}-{calendar.owner.partition('@')[0]}",
            calendar=calendar.id,
            owner=calendar.owner,
            address=str(body["address"]),
            token=str(body.get("token", "")),
            until=min(asked, now + LIFE_S),
        )
        self.open[id] = channel
        while len(self.open) > CHANNELS_MAX:
            self.open.popitem(last=False)
        self._tell(channel, "sync")
        return {
            "kind": "api#channel",
            "id": id,
            "resourceId": channel.resource,
            "resourceUri": f"https://www.googleapis.com/calendar/v3/calendars/{calendar.id}/events?alt=json",
            "token": channel.token,
            "expiration": str(int(channel.until * 1000)),
        }

    def end(self, body: dict[str, Any], account: str) -> None:
        """Raises GoogleError."""
        channel = self.open.get(str(body.get("id", "")))
        if channel is None or channel.owner != account or channel.resource != body.get("resourceId"):
            raise GoogleError(404, "notFound", f"Channel '{body.get('id')}' not found for project.")
        del self.open[channel.id]

    def changed(self, calendar: Calendar) -> None:
        """Tells everybody who watches it, without waiting for them."""
        now = clock.machine_now().timestamp()
        for id in [channel.id for channel in self.open.values() if channel.until <= now]:
            del self.open[id]
        if self._moods.current == driven.OFF:
            return
        for channel in self.open.values():
            if channel.calendar == calendar.id and channel.owner == calendar.owner:
                for _ in range(2 if self._moods.current == driven.DUPLICATE else 1):
                    self._tell(channel, "exists")

    def _tell(self, channel: Channel, state: str) -> None:
        channel.number += 1 if state == "sync" else 2
        headers = {
            "x-goog-channel-id": channel.id,
            "x-goog-channel-token": channel.token,
            "x-goog-channel-expiration": format_datetime(datetime.fromtimestamp(channel.until, UTC), usegmt=True),
            "x-goog-resource-id": channel.resource,
            "x-goog-resource-uri": f"https://www.googleapis.com/calendar/v3/calendars/{channel.calendar}/events",
            "x-goog-resource-state": state,
            "x-goog-message-number": str(channel.number),
        }
        task = asyncio.create_task(self._post(channel, headers))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _post(self, channel: Channel, headers: dict[str, str]) -> None:
        if self._wire is not None:
            await self._wire.request("POST", channel.address, headers=headers, timeout_s=TIMEOUT_S, trusted=True)
            channel.sent += 1
