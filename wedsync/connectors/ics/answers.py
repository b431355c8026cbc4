"""What a feed's server answered, and what is to be done."""

from datetime import datetime

from wedsync.connections import replies
from wedsync.connections.contract import Attempt, Outcome, ReconnectNeeded, Rejected, RetryLater
from wedsync.connectors.ics import client, mapper
from wedsync.connectors.ics.mapper import FeedError
from wedsync.kit.http import Reply


def refused(reply: Reply, attempt: Attempt, now: datetime) -> Outcome:
    """What is neither the feed nor the word that it has not changed."""
    if replies.is_passing(reply.status):
        after_s = replies.retry_after_s(reply.headers, now=now)
        return RetryLater(reason=f"The feed's server answered {reply.status}.", after_s=after_s, attempt=attempt)
    if reply.status in (401, 403, 404, 410):
        return ReconnectNeeded(
            reason=f"The feed is not at this address any more ({reply.status}). Copy its address anew.",
            attempt=attempt,
        )
    return RetryLater(
        reason=f"The feed's server answered {reply.status}.", tries_max=replies.SHORT_LADDER, attempt=attempt
    )


def whole(reply: Reply, attempt: Attempt) -> Reply | Outcome:
    """The feed, if it is a calendar and all of it."""
    if reply.ending == "capped":
        size = reply.headers.get("content-length", "")
        told = f"{int(size) / 1_048_576:.0f} MiB" if size.isascii() and size.isdigit() else "larger"
        most = client.BODY_MAX_BYTES >> 20
        return Rejected(
            reason=f"The feed is {told}; at most {most} MiB are read. Publish only the months to come, and reconnect.",
            attempt=attempt,
        )
    try:
        blocks = mapper.opened(reply.body, content_type=reply.headers.get("content-type", "").lower())
    except FeedError as error:
        return Rejected(reason=f"The address leads to {error}.", attempt=attempt)
    if reply.ending == "cut" or not blocks.is_complete:
        # Half a feed would look as if all the rest had been deleted.
        return RetryLater(reason="Only a part of the feed came.", attempt=attempt)
    return reply


def attempt_of(reply: Reply) -> Attempt:
    """For the log of what was said."""
    return Attempt(status=reply.status, address=reply.timing.address or "", total_ms=reply.timing.total_ms)
