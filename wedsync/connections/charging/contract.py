"""What a connector does whose manifest says `charges`: it takes money for an account, and reads what is said of it.

The account's owner is who sells: charges are made on the account itself, refunds and disputes are the owner's, and all
that comes to us is the fee that a charge was made with. Every call that moves money carries a key of ours, so that the
same call twice moves it once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

import msgspec

from wedsync.connections.contract import Attempt, Connector, Outcome
from wedsync.payments.movements import Movement


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A page at the provider where `amount_minor` is paid to `account`, of which `fee_minor` is ours.

    `payment` comes back with whatever is said of the charge. `name` and `title` are what the payer reads.
    """

    account: str
    payment: UUID
    amount_minor: int
    fee_minor: int
    currency: str
    name: str
    title: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    key: str
    timeout_s: float = 15.0


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """Where the payer goes."""

    id: str
    url: str
    expires_at: datetime
    attempt: Attempt = Attempt()


class Refunding(msgspec.Struct, frozen=True, kw_only=True):
    """So much of a charge goes back to the payer, and in proportion our fee of it to the account."""

    account: str
    intent: str
    amount_minor: int
    currency: str
    key: str
    timeout_s: float = 15.0


class Refunded(msgspec.Struct, frozen=True, kw_only=True):
    """The provider has taken the order; that it is done, it says by itself."""

    id: str
    status: str
    attempt: Attempt = Attempt()


class Fee(msgspec.Struct, frozen=True, kw_only=True):
    """One fee as the provider has it now."""

    id: str
    account: str
    charge: str
    currency: str
    amount_minor: int
    returned_minor: int
    made_at: datetime


class Fees(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the platform's fees, newest first; `cursor` is empty on the last."""

    items: tuple[Fee, ...]
    cursor: str
    attempt: Attempt = Attempt()


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may do now."""

    may_charge: bool
    may_pay_out: bool


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One hook, read. `movements` are all of one charge; none where it says nothing that we keep."""

    id: str
    type: str
    account: str
    at: datetime
    movements: Sequence[Movement] = ()
    state: AccountState | None = None
    has_left: bool = False


@runtime_checkable
class Charges(Connector, Protocol):
    """`read` is pure: it is asked at the door whose hook it is, and by the worker what it says. Raises ValueError."""

    async def open_checkout(self, asked: Asked) -> Opened | Outcome: ...

    async def refund(self, asked: Refunding) -> Refunded | Outcome: ...

    async def fees(self, cursor: str, *, timeout_s: float) -> Fees | Outcome: ...

    def read(self, body: bytes) -> Said: ...
