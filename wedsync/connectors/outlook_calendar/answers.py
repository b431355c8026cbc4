"""What Graph's answers mean, in the words of the contract."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from wedsync.connections import replies
from wedsync.connections.calendars.contract import CursorLost, Gone
from wedsync.connections.contract import Outcome, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.connectors.outlook_calendar.client import Answer
from wedsync.kit.http import Failure

LOST: Final = frozenset({"SyncStateNotFound", "SyncStateInvalid", "resyncRequired", "ResyncRequired"})
NO_MAILBOX: Final = frozenset(
    {"MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "MailboxNotHostedInExchangeOnline"}
)
SIGN_IN: Final = "Microsoft takes this connection's sign-in no more. Connect the account again."
NO_RIGHTS: Final = (
    "Microsoft says this connection may not do that. Connect the account again and allow all it asks for."
)
WITHOUT_MAILBOX: Final = "This Microsoft account has no Outlook calendar. Connect one that has a mailbox."


def to_outcome(answer: Answer, *, now: datetime, is_write: bool = False) -> Outcome:
    """What an answer means that is not what was hoped for. `is_write`: something there may have changed by it."""
    if isinstance(answer.exchange, Failure):
        if is_write and answer.exchange.may_have_arrived:
            return Unknown(reason=answer.exchange.reason, repeat_is_safe=True, attempt=answer.attempt)
        return replies.no_answer(answer.exchange, answer.attempt)
    if answer.status < 300:
        return _unreadable(answer, is_write)
    if replies.is_passing(answer.status) or answer.status in (409, 423):
        after_s = replies.retry_after_s(answer.exchange.headers, now=now)
        return RetryLater(reason=f"Microsoft answered {answer.status}.", after_s=after_s, attempt=answer.attempt)
    if answer.code in NO_MAILBOX:
        return ReconnectNeeded(reason=WITHOUT_MAILBOX, attempt=answer.attempt)
    if answer.status in (401, 403):
        return ReconnectNeeded(reason=SIGN_IN if answer.status == 401 else NO_RIGHTS, attempt=answer.attempt)
    return Rejected(reason=f"Microsoft answered {answer.status} ({answer.code or 'no code'}).", attempt=answer.attempt)


def to_loss(answer: Answer, *, now: datetime) -> CursorLost | Gone | Outcome:
    """The same for a listing."""
    if answer.status == 410 or answer.code in LOST:
        return CursorLost(reason=f"Microsoft has forgotten what was told last ({answer.code}).", attempt=answer.attempt)
    if answer.status == 404 and answer.code not in NO_MAILBOX:
        return Gone(is_calendar=True, attempt=answer.attempt)
    return to_outcome(answer, now=now)


def elsewhere(answer: Answer) -> RetryLater:
    """For an answer whose link does not lead to where it came from."""
    return RetryLater(
        reason="Microsoft's answer goes on at an address that is not the one set for it. Ask the operator to look at "
        "WEDSYNC_OUTLOOK_CALENDAR_BASE_URL.",
        tries_max=replies.SHORT_LADDER,
        attempt=answer.attempt,
    )


def _unreadable(answer: Answer, is_write: bool) -> Unknown | RetryLater:
    reason = "Microsoft's answer was cut off, or is not what it should be."
    if is_write:
        return Unknown(reason=reason, repeat_is_safe=True, attempt=answer.attempt)
    return RetryLater(reason=reason, attempt=answer.attempt)


def list_of(data: Mapping[str, object] | None) -> list[Mapping[str, object]]:
    """The items of a collection; what is none of it is left out."""
    value = (data or {}).get("value")
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
