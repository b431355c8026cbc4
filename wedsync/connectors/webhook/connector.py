"""Delivers events to webhook endpoints and reads from the answer what to do next.

2xx is delivered; 408, 425, 429, 5xx and silence pass; 410 and `webhook-delivery: disable` end the endpoint; any other
status is tried thrice and then waits, because only a person can mend it and send it then.
Redirects are not followed: a receiver that has moved must say so to the tenant, not to us. A repeat is always safe,
since it carries the same `webhook-id`. A test is tried once.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from wedsync.connections import replies
from wedsync.connections.contract import (
    Attempt,
    Connection,
    Delivery,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
)
from wedsync.connectors.webhook import client, mapper
from wedsync.connectors.webhook.answers import to_outcome
from wedsync.connectors.webhook.proof import ProofError, Prover
from wedsync.kit import clock, credentials
from wedsync.kit.credentials import Credentials
from wedsync.kit.http import Reply
from wedsync.kit.oauth import TokenError

NOTHING = Credentials()
"""Most endpoints ask for no proof beside the signature."""


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
        texts = connection.secrets.get("credentials", ())
        held = credentials.from_text(*texts) if texts else NOTHING
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
        if held is not NOTHING:
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
            if proof.secrets:
                attempt = structs.replace(attempt, masked=proof.secrets)
            outcome = to_outcome(exchange, attempt, now=self._machine_now())
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


def _own(outcome: Outcome) -> Outcome:
    """A receiver that will not talk to this certificate may well talk to others."""
    return structs.replace(outcome, is_unreachable=False) if isinstance(outcome, RetryLater) else outcome


def _once(outcome: Outcome) -> Outcome:
    """Somebody waits for what a test comes to, and asks again when the receiver is mended."""
    if not isinstance(outcome, RetryLater):
        return outcome
    return Rejected(reason=outcome.reason, attempt=outcome.attempt)
