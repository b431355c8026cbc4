"""What the answers of a CRM mean in the words of the contract: the same of all, or but for a name.

A provider can answer 200 with a page of HTML, so a 200 that is no JSON is no answer. Nothing of a body is kept: bodies
are couples and money.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import Attempt, Outcome, ReconnectNeeded, Rejected, RetryLater, Unknown, attempt_of
from wedsync.connections.records.contract import Gone, ReadOnly
from wedsync.kit.http import Failure, Reply

Read = TypeVar("Read")
Trouble = Callable[[Reply | Failure], Outcome]


def tried(exchange: Reply | Failure) -> Attempt:
    """For the log of what was said, without a word of the answer."""
    attempt: Attempt = msgspec.structs.replace(attempt_of(exchange), response_head="", request_headers={})
    return attempt


def is_page(reply: Reply) -> bool:
    """Whether it is HTML, whatever its status and its content type say."""
    return "html" in reply.headers.get("content-type", "").lower() or reply.body.lstrip()[:1] == b"<"


def understood(exchange: Reply | Failure, kind: type[Read], trouble: Trouble) -> Read | Gone | Outcome:
    """The answer of a call that changes nothing; or what is to be done, which `trouble` says of what is left."""
    found = decoded(exchange, kind)
    if found is not None:
        return found
    if isinstance(exchange, Reply) and exchange.status in (404, 410):
        return Gone(attempt=tried(exchange))
    return trouble(exchange)


def written(
    exchange: Reply | Failure, *, only_reads: Mapping[int, str], trouble: Trouble
) -> Gone | ReadOnly | Outcome | None:
    """The same of a call that changes something; None: it did. The same values again are the same change.

    `only_reads`: by which statuses an account says that it may not change anything, and what its owner can do.
    """
    attempt = tried(exchange)
    if isinstance(exchange, Failure):
        if exchange.may_have_arrived:
            return Unknown(reason=exchange.reason, repeat_is_safe=True, attempt=attempt)
        return replies.no_answer(exchange, attempt)
    if 200 <= exchange.status < 300:
        return None
    if exchange.status in (404, 410):
        return Gone(attempt=attempt)
    if exchange.status in only_reads:
        return ReadOnly(reason=only_reads[exchange.status], attempt=attempt)
    return trouble(exchange)


class Answers(msgspec.Struct, frozen=True):
    """Of the provider of this name; `kept` is what somebody must be allowed to change there."""

    name: str
    kept: str

    @property
    def html(self) -> str:
        """Why a page is no answer."""
        return f"{self.name} answered with a page in place of data."

    def read(self, exchange: Reply | Failure, kind: type[Read], *, now: datetime) -> Read | Gone | Outcome:
        """The answer of a call that changes nothing, understood; or what is to be done."""
        trouble = partial(self.trouble, now=now)
        return trouble(exchange) if _is_paged(exchange) else understood(exchange, kind, trouble)

    def wrote(self, exchange: Reply | Failure, *, now: datetime) -> Gone | ReadOnly | Outcome | None:
        """The same of a call that changes something; None: it did."""
        if isinstance(exchange, Reply) and is_page(exchange) and exchange.status < 300:
            # A page may stand for anything: for a sign-in, or for what was done.
            return Unknown(reason=self.html, repeat_is_safe=True, attempt=tried(exchange))
        trouble = partial(self.trouble, now=now)
        if isinstance(exchange, Reply) and is_page(exchange) and exchange.status in (404, 410):
            return trouble(exchange)
        reason = f"{self.name} lets us only read. Connect the account again as somebody who may change {self.kept}."
        return written(exchange, only_reads={403: reason}, trouble=trouble)

    def trouble(self, exchange: Reply | Failure, *, now: datetime) -> Outcome:
        """What to do about an answer that is not what was asked for."""
        attempt = tried(exchange)
        if isinstance(exchange, Failure):
            return replies.no_answer(exchange, attempt)
        if exchange.status < 300:
            reason = self.html if is_page(exchange) else f"{self.name}'s answer broke off or could not be read."
            return RetryLater(reason=reason, attempt=attempt)
        if replies.is_passing(exchange.status):
            after_s = replies.retry_after_s(exchange.headers, now=now)
            return RetryLater(
                reason=f"{self.name} answered {exchange.status}: not now.", after_s=after_s, attempt=attempt
            )
        if exchange.status in (401, 403):
            reason = f"{self.name} does not let us in any more. Connect the account again."
            return ReconnectNeeded(reason=reason, attempt=attempt)
        if exchange.status in (404, 410) or exchange.status < 400:
            reason = f"{self.name} answered {exchange.status} where its API should be."
            return RetryLater(reason=reason, tries_max=replies.SHORT_LADDER, attempt=attempt)
        return Rejected(reason=f"{self.name} answered {exchange.status}.", attempt=attempt)


def _is_paged(exchange: Reply | Failure) -> bool:
    return isinstance(exchange, Reply) and is_page(exchange)


def decoded(exchange: Reply | Failure, kind: type[Read]) -> Read | None:
    """A whole answer of this shape."""
    if not isinstance(exchange, Reply) or not 200 <= exchange.status < 300 or exchange.ending != "whole":
        return None
    try:
        return msgspec.json.decode(exchange.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
