"""What a feed's server answered, and what is to be done."""

from wedsync.connections import published
from wedsync.connections.contract import Attempt, Outcome, Rejected, RetryLater
from wedsync.connectors.ics import client, mapper
from wedsync.connectors.ics.mapper import FeedError
from wedsync.kit.http import Reply


def whole(reply: Reply, attempt: Attempt) -> Reply | Outcome:
    """The feed, if it is a calendar and all of it."""
    if reply.ending == "capped":
        told = published.size_told(reply)
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
