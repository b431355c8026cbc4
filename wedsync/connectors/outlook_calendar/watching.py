"""Asks to be told of changes: a subscription for each calendar, short enough for Graph, and renewed before it ends.

What lifecycle notices say (access must be confirmed, the subscription is gone, something was missed) comes to the same
address. The first two have the host renew it at once; all mean what every notification means: look what has changed.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from wedsync.connections.calendars.contract import Watch, Watching
from wedsync.connections.contract import Connection, Delivered, Outcome, RetryLater
from wedsync.connections.graph import Answer, segment
from wedsync.connectors.outlook_calendar import answers
from wedsync.connectors.outlook_calendar.client import Graph, stamp

LIFE_MAX: Final = timedelta(minutes=4200)
"""Graph's own documents say 4230 minutes here and 10080 there."""

REFUSED_TRIES_MAX: Final = 3


async def watch(graph: Graph, asked: Watch, connection: Connection, *, now: datetime) -> Watching | Outcome:
    body = {
        "changeType": "created,updated,deleted",
        "notificationUrl": asked.address,
        "lifecycleNotificationUrl": asked.address,
        "resource": f"/me/calendars/{asked.calendar}/events",
        "expirationDateTime": stamp(_ends_at(asked, now)),
        "clientState": asked.token,
    }
    answer = await graph.call("POST", "/subscriptions", connection, timeout_s=asked.timeout_s, body=body)
    return _watching(answer, now)


async def renew(
    graph: Graph, watching: Watching, asked: Watch, connection: Connection, *, now: datetime
) -> Watching | Outcome:
    """The same subscription for longer; one that Graph does not know any more is made anew."""
    path = f"/subscriptions/{segment(watching.id)}"
    body = {"expirationDateTime": stamp(_ends_at(asked, now))}
    answer = await graph.call("PATCH", path, connection, timeout_s=asked.timeout_s, body=body)
    if answer.status == 404:
        return await watch(graph, asked, connection, now=now)
    return _watching(answer, now)


async def unwatch(graph: Graph, watching: Watching, connection: Connection, *, now: datetime) -> Outcome:
    path = f"/subscriptions/{segment(watching.id)}"
    answer = await graph.call("DELETE", path, connection, timeout_s=10.0)
    if answer.is_fine or answer.status == 404:
        return Delivered(remote_id=watching.id, attempt=answer.attempt)
    return answers.to_outcome(answer, now=now)


def _ends_at(asked: Watch, now: datetime) -> datetime:
    return min(asked.expires_at, now + LIFE_MAX)


def _watching(answer: Answer, now: datetime) -> Watching | Outcome:
    if answer.status == 400:
        # Graph has asked our address and was not content; until then calendars are asked on the clock.
        reason = f"Microsoft could not reach our address for notifications ({answer.code or 'no code'})."
        return RetryLater(reason=reason, tries_max=REFUSED_TRIES_MAX, attempt=answer.attempt)
    data: Any = answer.data or {}
    ends_at = _instant(data.get("expirationDateTime"))
    if not answer.is_fine or "id" not in data or ends_at is None:
        return answers.to_outcome(answer, now=now, is_write=True)
    return Watching(id=str(data["id"]), expires_at=ends_at, attempt=answer.attempt)


def _instant(text: object) -> datetime | None:
    """None where Graph does not say when."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
