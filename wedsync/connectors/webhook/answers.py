"""What a receiver's answer to a webhook means, in the words of the contract."""

from collections.abc import Mapping
from datetime import datetime

from wedsync.connections import replies
from wedsync.connections.contract import Attempt, Delivered, Outcome, Rejected, RetryLater
from wedsync.kit.http import Failure, Reply


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
    wishes = headers.get("webhook-delivery")
    return {wish.strip().lower() for wish in wishes.split(",")} if wishes else set()
