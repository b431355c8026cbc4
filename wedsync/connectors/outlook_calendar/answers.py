"""What Graph's answers mean, in the words of the contract."""

from datetime import datetime
from typing import Final

from wedsync.connections import graph, replies
from wedsync.connections.calendars.contract import CursorLost, Gone
from wedsync.connections.contract import Outcome, ReconnectNeeded, RetryLater
from wedsync.connections.graph import Answer

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
    if answer.code in NO_MAILBOX and not graph.is_passing(answer):
        return ReconnectNeeded(reason=WITHOUT_MAILBOX, attempt=answer.attempt)
    return graph.to_outcome(answer, now=now, is_write=is_write, signed_out=SIGN_IN, not_allowed=NO_RIGHTS)


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
