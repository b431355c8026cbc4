"""What providers of mail answer, as data: a row for each status and code, and what each class of answer leads to.

* `wait`: they ask us to come later; it is not taken. `retry`: it passes by itself; it is not taken.
* `elsewhere`: not here for long (a quota): the next provider, and this one is left alone.
* `config`: nothing of ours passes until the operator mends it: the next provider, and the operator is told.
* `permanent`: this mail will never be taken, by nobody. `unknown`: they may have it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import Attempt, Outcome, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.kit.http import Reply

Kind = Literal["wait", "retry", "elsewhere", "config", "permanent", "unknown"]
QUOTA_S: Final = 3600.0
"""A quota ends at an hour that only the provider knows."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a provider's table. An empty `code` stands for every code of the status that has no line."""

    status: int
    code: str = ""
    kind: Kind
    why: str = ""


def judged(table: Sequence[Row], status: int, code: str) -> Row:
    """The line for an answer. Of what nobody has heard of, 5xx passes and 4xx does not."""
    for row in table:
        if row.status == status and row.code == code:
            return row
    for row in table:
        if row.status == status and not row.code:
            return row
    return Row(status=status, code=code, kind="retry" if replies.is_passing(status) else "permanent")


def to_outcome(row: Row, reply: Reply, *, title: str, code: str, now: datetime, attempt: Attempt) -> Outcome:
    """The contract's word for a line; `title` is the provider's name for people."""
    said = f"{title} answered {reply.status}" + (f" ({code})" if code else "")
    why = f"{said}: {row.why}" if row.why else f"{said}."
    after_s = replies.retry_after_s(reply.headers, now=now)
    match row.kind:
        case "wait" | "retry":
            return RetryLater(reason=why, after_s=after_s, attempt=attempt)
        case "elsewhere":
            return RetryLater(reason=why, after_s=max(after_s or 0.0, QUOTA_S), attempt=attempt)
        case "config":
            return ReconnectNeeded(reason=why, attempt=attempt)
        case "permanent":
            return Rejected(reason=why, attempt=attempt)
        case "unknown":
            return Unknown(reason=why, attempt=attempt)
