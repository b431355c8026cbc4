"""What a provider of mail is besides one that delivers: it can be asked whether it is well, and tells of its mails.

`deliver` must answer in time and tell apart what it knows: `Unknown` with `repeat_is_safe` where the same delivery may
be sent to it again without making a second mail, `ReconnectNeeded` where nobody's mail will pass until the operator
mends something.
"""

from datetime import datetime
from typing import Literal, Protocol, runtime_checkable
from uuid import UUID

import msgspec

from wedsync.connections.contract import Delivers, Outcome

DELIVERY_TAG = "delivery_id"
"""By this name each provider keeps the delivery's id with a mail, and gives it back with what became of it."""

Status = Literal["accepted", "delayed", "delivered", "opened", "failed", "bounced", "suppressed", "complained"]
RANKS: dict[Status, int] = {
    "accepted": 1,
    "delayed": 2,
    "delivered": 3,
    "opened": 4,
    "failed": 5,
    "suppressed": 6,
    "bounced": 7,
    "complained": 8,
}
"""What is known of a mail only ever rises: hooks come late, twice, and in any order."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a provider says of one mail. `id` is its own of this saying, the same when it says it again.

    `delivery` is ours; None for a mail that did not come from here. `ends_address`: nobody should write there again.
    """

    id: str
    status: Status
    at: datetime
    delivery: UUID | None = None
    address: str = ""
    detail: str = ""
    ends_address: bool = False

    def __repr__(self) -> str:
        return f"Said({self.status} {self.delivery})"


@runtime_checkable
class Mails(Delivers, Protocol):
    """A provider that the chain can hold."""

    async def probe(self, *, timeout_s: float) -> Outcome:
        """Whether it would take our mail now, without sending any."""


@runtime_checkable
class Tells(Mails, Protocol):
    """A provider that says by hooks what became of mails."""

    def said(self, body: bytes, hook_id: str) -> tuple[Said, ...]:
        """What a verified hook says of mails; `hook_id` is the id in its headers. Raises ValueError for what is no hook
        of theirs."""
