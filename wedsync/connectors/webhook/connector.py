"""Delivers events to webhook endpoints and reads from the answer what to do next.

2xx is delivered; 408, 425, 429, 5xx and silence pass; 410 and `webhook-delivery: disable` end the endpoint; any other
status is tried thrice and then waits, because only a person can mend it and send it then.
Redirects are not followed: a receiver that has moved must say so to the tenant, not to us. A repeat is always safe,
since it carries the same `webhook-id`. A test is tried once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import structs

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
from wedsync.connectors.webhook.proof import ProofError, Prover
from wedsync.kit import clock, credentials
from wedsync.kit.credentials import Credentials
from wedsync.kit.http import Failure, Reply
from wedsync.kit.oauth import TokenError


class Webhook:
    """Sends what is owed to endpoints."""

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now
        self._prover = Prover(tools.wire)

    async def deliver(self, delivery: Delivery, connection: Connection) -> Outcome:
        """`connection.settings["url"]` is where to, `connection.secrets["secret"]` every secret to sign with, and
        `connection.secrets["credentials"]` how we prove who we are, where that is asked.
        """
        if not connection.secrets.get("secret"):
            return ReconnectNeeded(reason="The endpoint has no signing secret. Rotate its secret to make one.")
        if delivery.event is None:
            return Rejected(reason="There is no event to send: its content has been erased.")
        (text,) = connection.secrets.get("credentials", ("{}",))
        held = credentials.from_text(text)
        try:
            outcome = await self._sent(delivery, delivery.event, connection, held)
        except TokenError as error:
            ladder = None if error.is_passing else replies.SHORT_LADDER
            outcome = RetryLater(
                reason=str(error), tries_max=ladder, is_ours=error.is_ours, is_unasked=True, attempt=_told(error)
            )
        except TimeoutError:
            reason = f"The token server gave no token within {delivery.timeout_s:g} s."
            outcome = RetryLater(reason=reason, is_unasked=True)
        except ProofError as error:
            outcome = ReconnectNeeded(reason=str(error), attempt=_told(error))
        masked = (*outcome.attempt.masked, *held.secrets)
        outcome = structs.replace(outcome, attempt=structs.replace(outcome.attempt, masked=masked))
        return _once(outcome) if delivery.is_test else outcome

    async def _sent(
        self, delivery: Delivery, event: Mapping[str, Any], connection: Connection, held: Credentials
    ) -> Outcome:
        """One deadline over the token and the call. A token that is refused may have been revoked: once, another,
        where there is another.
        """
        until = clock.monotonic() + delivery.timeout_s
        body = mapper.to_body(event, previous_seq=delivery.previous_seq, data=delivery.data, is_test=delivery.is_test)
        refused: str | None = None
        outcome: Outcome | None = None
        while True:
            proof = await self._prover.proof(
                held, connection.id, now=self._machine_now(), timeout_s=_left_s(until), refused=refused
            )
            if outcome is not None and proof.token == refused:
                return outcome
            exchange, attempt = await client.post(
                self._wire,
                connection.settings["url"],
                message_id=str(delivery.id if delivery.as_new else event["id"]),
                body=body,
                secrets=connection.secrets["secret"],
                proof=proof,
                at=self._machine_now(),
                timeout_s=_left_s(until),
            )
            outcome = to_outcome(exchange, structs.replace(attempt, masked=proof.secrets), now=self._machine_now())
            is_refused = isinstance(exchange, Reply) and exchange.status == 401 and proof.token is not None
            if not is_refused or refused is not None:
                return _own(outcome) if proof.identity else outcome
            refused = proof.token

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""


def connect(tools: Tools) -> Webhook:
    return Webhook(tools)


def _left_s(until: float) -> float:
    return max(until - clock.monotonic(), 0.001)


def _told(error: Exception) -> Attempt:
    return Attempt(detail=str(error))


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


def _own(outcome: Outcome) -> Outcome:
    """A receiver that will not talk to this certificate may well talk to others."""
    return structs.replace(outcome, is_unreachable=False) if isinstance(outcome, RetryLater) else outcome


def _once(outcome: Outcome) -> Outcome:
    """Somebody waits for what a test comes to, and asks again when the receiver is mended."""
    if not isinstance(outcome, RetryLater):
        return outcome
    return Rejected(reason=outcome.reason, attempt=outcome.attempt)


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
