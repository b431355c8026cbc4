"""What Light Blue's answers mean in the words of the contract.

It answers 200 whatever happened; the first line of the body says what did. So 200 alone is never a success, and a body
that does not begin with a status is no answer at all.
"""

import re
from datetime import datetime
from typing import Final

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import Attempt, Outcome, ReconnectNeeded, Rejected, RetryLater, Unknown, attempt_of
from wedsync.connections.records.contract import Known, Sent
from wedsync.kit.http import Failure, Reply

DONE: Final = 0
NO_KEY: Final = (-1, -2)
UNUSABLE: Final = -3
DUPLICATE: Final = -4
NO_HTTPS: Final = -20
KEY: Final = "Light Blue does not know this key any more. Copy it again from its online services, and connect again."
UNREADABLE: Final = "Light Blue's answer broke off or could not be read."
_STATUS: Final = re.compile(rb"\s*(-?\d{1,4})\s*(?:[\r\n]|\Z)")


def status_of(exchange: Reply | Failure) -> int | None:
    """The status in the body of a whole 200; None where there is none."""
    if not isinstance(exchange, Reply) or exchange.status != 200 or exchange.ending != "whole":
        return None
    found = _STATUS.match(exchange.body.removeprefix(b"\xef\xbb\xbf"))
    return None if found is None else int(found[1])


def tried(exchange: Reply | Failure) -> Attempt:
    """For the log of what was said, without a word of the answer."""
    attempt: Attempt = msgspec.structs.replace(attempt_of(exchange), response_head="", request_headers={})
    return attempt


def checked(exchange: Reply | Failure, *, now: datetime) -> Outcome | None:
    """Of the call that changes nothing; None: the key is good."""
    return None if status_of(exchange) == DONE else trouble(exchange, now=now)


def taken(exchange: Reply | Failure, *, now: datetime) -> Sent | Known | Outcome:
    """Of the call that hands something in. What may have come is sent again under the same reference."""
    attempt, status = tried(exchange), status_of(exchange)
    if status == DONE:
        return Sent(attempt=attempt)
    if status == DUPLICATE:
        return Known(
            reason="Light Blue has something with this reference already, so it took nothing.", attempt=attempt
        )
    if isinstance(exchange, Failure) and exchange.may_have_arrived:
        return Unknown(reason=exchange.reason, repeat_is_safe=True, attempt=attempt)
    if isinstance(exchange, Reply) and exchange.status < 300 and status is None:
        return Unknown(reason=UNREADABLE, repeat_is_safe=True, attempt=attempt)
    return trouble(exchange, now=now)


def trouble(exchange: Reply | Failure, *, now: datetime) -> Outcome:
    """What to do about an answer that is not the one that was hoped for."""
    attempt = tried(exchange)
    if isinstance(exchange, Failure):
        return replies.no_answer(exchange, attempt)
    if exchange.status >= 300:
        return _refused(exchange, attempt, now=now)
    status = status_of(exchange)
    if status is None:
        return RetryLater(reason=UNREADABLE, attempt=attempt)
    if status in NO_KEY:
        return ReconnectNeeded(reason=KEY, attempt=attempt)
    if status == NO_HTTPS:
        # Ours to mend: nobody who sends it again would be better off.
        reason = "Light Blue takes calls by HTTPS only. The operator must mend WEDSYNC_LIGHT_BLUE_BASE_URL."
        return RetryLater(reason=reason, is_ours=True, attempt=attempt)
    if status == UNUSABLE:
        return Rejected(reason="Light Blue found nothing in it that it could use (-3).", attempt=attempt)
    return Rejected(reason=f"Light Blue refused it ({status}).", attempt=attempt)


def _refused(reply: Reply, attempt: Attempt, *, now: datetime) -> Outcome:
    if replies.is_passing(reply.status):
        after_s = replies.retry_after_s(reply.headers, now=now)
        return RetryLater(reason=f"Light Blue answered {reply.status}: not now.", after_s=after_s, attempt=attempt)
    if reply.status in (401, 403):
        return ReconnectNeeded(reason=KEY, attempt=attempt)
    if reply.status in (404, 410) or reply.status < 400:
        reason = f"Light Blue answered {reply.status} where its API should be."
        return RetryLater(reason=reason, tries_max=replies.SHORT_LADDER, attempt=attempt)
    return Rejected(reason=f"Light Blue answered {reply.status}.", attempt=attempt)
