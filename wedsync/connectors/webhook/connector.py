"""Delivers events to webhook endpoints and reads from the answer what to do next.

2xx is delivered; 408, 425, 429, 5xx and silence pass; 410 and `webhook-delivery: disable` end the endpoint; any other
status is tried thrice and then given up, because only a person can mend it; it can be sent again from the log.
Redirects are not followed: a receiver that has moved must say so to the tenant, not to us. A repeat is always safe,
since it carries the same `webhook-id`.
"""

from collections.abc import Mapping
from datetime import datetime

from wedsync.connections import replies
from wedsync.connections.contract import (
    Attempt,
    Connection,
    Delivered,
    Delivery,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
)
from wedsync.connectors.webhook import client, mapper
from wedsync.kit.http import Failure, Reply


class Webhook:
    """Sends what is owed to endpoints."""

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now

    async def deliver(self, delivery: Delivery, connection: Connection) -> Outcome:
        """`connection.settings["url"]` is where to, `connection.secrets["secret"]` every secret to sign with."""
        secrets = connection.secrets.get("secret", ())
        if not secrets:
            return ReconnectNeeded(reason="The endpoint has no signing secret. Rotate its secret to make one.")
        if delivery.event is None:
            return Rejected(reason="There is no event to send: its content has been erased.")
        exchange, attempt = await client.post(
            self._wire,
            connection.settings["url"],
            message_id=str(delivery.id if delivery.as_new else delivery.event["id"]),
            body=mapper.to_body(
                delivery.event, previous_seq=delivery.previous_seq, data=delivery.data, is_test=delivery.is_test
            ),
            secrets=secrets,
            at=self._machine_now(),
            timeout_s=delivery.timeout_s,
        )
        return to_outcome(exchange, attempt, now=self._machine_now())

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""


def connect(tools: Tools) -> Webhook:
    return Webhook(tools)


def to_outcome(exchange: Reply | Failure, attempt: Attempt, *, now: datetime) -> Outcome:
    """What the receiver's answer means."""
    if isinstance(exchange, Failure):
        return replies.no_answer(exchange, attempt)
    wishes = _wishes(exchange.headers)
    is_end = exchange.status == 410 or "disable" in wishes
    if 200 <= exchange.status < 300:
        return Delivered(disable=is_end, attempt=attempt)
    reason = _reason(exchange.status, wishes)
    if is_end or "abort-message" in wishes:
        return Rejected(reason=reason, disable=is_end, attempt=attempt)
    if replies.is_passing(exchange.status):
        after_s = replies.retry_after_s(exchange.headers, now=now)
        return RetryLater(reason=reason, after_s=after_s, attempt=attempt)
    return RetryLater(reason=reason, tries_max=replies.SHORT_LADDER, attempt=attempt)


def _reason(status: int, wishes: set[str]) -> str:
    if status == 410:
        return "The receiver answered 410: it is gone for good."
    if "disable" in wishes:
        return f"The receiver answered {status} and asked for no more deliveries."
    if "abort-message" in wishes:
        return f"The receiver answered {status} and asked for no repeat of this one."
    if 300 <= status < 400:
        return f"The receiver answered {status}, a redirect. Change the endpoint's address to where it leads."
    return f"The receiver answered {status}."


def _wishes(headers: Mapping[str, str]) -> set[str]:
    """The receiver's `webhook-delivery` header, a convention of Svix (docs.svix.com/receiving/delivery-control)."""
    return {wish.strip().lower() for wish in headers.get("webhook-delivery", "").split(",")}
