"""The fake's subscriptions: asks an address whether it is wanted before it sends to it, and tells it of changes.

Nothing that is sent says what has changed, only where; what a watcher answers is kept for the page.
"""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import msgspec

from wedsync.connectors.outlook_calendar.fake_mailbox import Entry, GraphError, Mailbox
from wedsync.kit import clock
from wedsync.kit.http import Reply, Wire

LIFE_MAX: Final = timedelta(minutes=4230)
LIFE_MIN: Final = timedelta(minutes=45)
CLIENT_STATE_MAX: Final = 128
VALIDATION_TIMEOUT_S: Final = 10.0
NOTICE_TIMEOUT_S: Final = 3.0
SUBSCRIPTIONS_MAX: Final = 1000
TENANT: Final = "84bd8158-6d4d-4958-8b9f-9d6445542f95"


class Subscription(msgspec.Struct, kw_only=True):
    """`answered` is the status of the last notification, 0 for none."""

    id: str
    user: str
    calendar: str
    said: dict[str, Any]
    ends_at: datetime
    answered: int = 0
    sent: int = 0

    def told(self) -> dict[str, Any]:
        """clientState is told to nobody but who made it, and only then."""
        return {**self.said, "id": self.id, "expirationDateTime": _stamp(self.ends_at), "clientState": None}


class Watchers:
    """All subscriptions; `start` in a running loop."""

    def __init__(self) -> None:
        self.held: dict[str, Subscription] = {}
        self._wire: Wire | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._wire = Wire(user_agent="Microsoft-Graph-Fake/1")

    async def stop(self) -> None:
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._wire is not None:
            await self._wire.close()

    async def make(self, mailbox: Mailbox, said: dict[str, Any]) -> dict[str, Any]:
        """A new subscription, once its addresses have said that they want it. GraphError."""
        ends_at = _judged(said)
        parts = str(said.get("resource", "")).strip("/").split("/")
        if parts[:2] != ["me", "calendars"] or parts[3:] != ["events"] or len(self.held) >= SUBSCRIPTIONS_MAX:
            raise GraphError(400, "ValidationError", "The resource cannot be subscribed to.")
        mailbox.book(parts[2])
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            if name in said:
                await self._validate(str(said[name]))
        one = Subscription(id=str(uuid4()), user=mailbox.user, calendar=parts[2], said=said, ends_at=ends_at)
        self.held[one.id] = one
        return {**one.told(), "clientState": said.get("clientState"), "creatorId": mailbox.user}

    def find(self, id: str, mailbox: Mailbox) -> Subscription:
        one = self.held.get(id)
        if one is None or one.user != mailbox.user or one.ends_at <= clock.machine_now():
            raise GraphError(404, "ResourceNotFound", f"The object was not found: {id}.")
        return one

    def renew(self, id: str, mailbox: Mailbox, said: dict[str, Any]) -> dict[str, Any]:
        one = self.find(id, mailbox)
        one.ends_at = _judged({**one.said, **said})
        return one.told()

    def tell(self, mailbox: Mailbox, entry: Entry, kind: str, *, times: int) -> "asyncio.Task[None]":
        """Sends to all who watch the calendar, beside whatever is going on; the task ends when all have answered."""
        due = [one for one in self.held.values() if one.calendar == entry.calendar and one.user == mailbox.user]
        return self._begin([(one, _notice(one, entry, kind)) for one in due for _ in range(times)])

    def tell_lifecycle(self, word: str) -> "asyncio.Task[None]":
        """reauthorizationRequired, missed, or subscriptionRemoved, which ends them all."""
        due = list(self.held.values())
        if word == "subscriptionRemoved":
            self.held.clear()
        return self._begin([(one, _lifecycle(one, word)) for one in due if "lifecycleNotificationUrl" in one.said])

    def _begin(self, notices: Sequence[tuple[Subscription, dict[str, Any]]]) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._send(notices))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        return task

    async def _send(self, notices: Sequence[tuple[Subscription, dict[str, Any]]]) -> None:
        now = clock.machine_now()
        for one, notice in notices:
            if one.ends_at > now:
                address = one.said["lifecycleNotificationUrl" if "lifecycleEvent" in notice else "notificationUrl"]
                body = msgspec.json.encode({"value": [notice]})
                reply = await self._post(address, body, "application/json", NOTICE_TIMEOUT_S)
                one.sent += 1
                one.answered = reply.status if reply is not None else 0

    async def _validate(self, address: str) -> None:
        token = f"Validation: Testing client application reachability <{secrets.token_urlsafe(16)}>"
        query = urlencode({"validationToken": token})
        joint = "&" if "?" in address else "?"
        reply = await self._post(f"{address}{joint}{query}", b"", "text/plain; charset=utf-8", VALIDATION_TIMEOUT_S)
        is_plain = reply is not None and reply.headers.get("content-type", "").startswith("text/plain")
        if reply is None or reply.status != 200 or not is_plain or reply.body.decode() != token:
            raise GraphError(400, "ValidationError", "Subscription validation request failed.")

    async def _post(self, address: str, body: bytes, kind: str, timeout_s: float) -> Reply | None:
        if self._wire is None:
            return None
        headers = {"content-type": kind}
        reply = await self._wire.request("POST", address, headers=headers, body=body, timeout_s=timeout_s, trusted=True)
        return reply if isinstance(reply, Reply) else None


def _judged(said: dict[str, Any]) -> datetime:
    """When it ends; what is too short is made longer, what is too long refused."""
    if len(str(said.get("clientState") or "")) > CLIENT_STATE_MAX:
        raise GraphError(400, "ValidationError", "The clientState is too long.")
    now = clock.machine_now()
    ends_at = datetime.fromisoformat(str(said.get("expirationDateTime"))).astimezone(UTC)
    if ends_at > now + LIFE_MAX:
        message = "Subscription expiration can only be 4230 minutes in the future."
        raise GraphError(400, "ExtensionError", message)
    return max(ends_at, now + LIFE_MIN)


def _notice(one: Subscription, entry: Entry, kind: str) -> dict[str, Any]:
    resource = f"Users/{one.user}/Events/{entry.id}"
    data = {
        "@odata.type": "#Microsoft.Graph.Event",
        "@odata.id": resource,
        "@odata.etag": entry.etag,
        "id": entry.id,
    }
    return {**_head(one), "changeType": kind, "resource": resource, "resourceData": data}


def _lifecycle(one: Subscription, word: str) -> dict[str, Any]:
    """As documented, with changeType although that says nothing here: the schema demands it."""
    return {**_head(one), "changeType": "updated", "resource": one.said["resource"], "lifecycleEvent": word}


def _head(one: Subscription) -> dict[str, Any]:
    return {
        "subscriptionId": one.id,
        "subscriptionExpirationDateTime": _stamp(one.ends_at),
        "clientState": one.said.get("clientState"),
        "tenantId": TENANT,
    }


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
