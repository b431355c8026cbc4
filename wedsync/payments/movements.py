"""What a provider said of charges, refunds, disputes and fees, merged, and where a payment stands by it; pure.

Hooks come twice, late and in any order. So nothing is added up as it arrives: each thing the provider names has one
movement, merging is commutative, associative and idempotent, and where a payment stands is computed from all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

Kind = Literal["charge", "refund", "dispute", "fee"]
Status = Literal["pending", "inquiry", "open", "succeeded", "failed", "won", "lost", "closed"]

RANKS: Final[Mapping[str, Mapping[str, int]]] = {
    "charge": {"pending": 0, "failed": 1, "succeeded": 2},
    "refund": {"pending": 0, "succeeded": 1, "failed": 2},
    "dispute": {"inquiry": 0, "open": 1, "won": 2, "lost": 2, "closed": 2},
    "fee": {"succeeded": 0},
}
"""Which status a later one can be: an attempt that failed may yet succeed, a refund that succeeded may yet bounce."""


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One thing at the provider, as it was said at `said_at`.

    `id` is the provider's, of a charge that of its intent, which outlives the tries. `returned_minor`: of a charge what
    it says was refunded, of a fee what was given back. `payment` is ours, where it is named.
    """

    kind: Kind
    id: str
    status: Status
    currency: str
    amount_minor: int
    said_at: datetime
    intent: str = ""
    charge: str = ""
    returned_minor: int = 0
    payment: UUID | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a payment stands by what came through the provider, in minor units.

    Never more went back, or is disputed, than was received; what is `kept` is what our share is of.
    """

    received: int = 0
    refunded: int = 0
    disputed: int = 0
    lost: int = 0

    @property
    def kept(self) -> int:
        return self.received - self.refunded - self.disputed - self.lost


def merge(one: Movement, other: Movement) -> Movement:
    """What is so when both were said, whichever came first. Both are of the same thing."""
    newest = max(one, other, key=_age)
    is_summed = newest.kind in ("charge", "fee")
    payments = sorted(str(m.payment) for m in (one, other) if m.payment is not None)
    return msgspec.structs.replace(
        newest,
        amount_minor=max(one.amount_minor, other.amount_minor) if is_summed else newest.amount_minor,
        returned_minor=max(one.returned_minor, other.returned_minor),
        intent=max(one.intent, other.intent),
        charge=max(one.charge, other.charge),
        payment=UUID(payments[0]) if payments else None,
    )


def standing(movements: Iterable[Movement], currency: str) -> Standing:
    """Of the movements of one payment, in whatever order. Another currency than the payment's is not its money."""
    own = [m for m in movements if m.currency == currency]
    received = sum(m.amount_minor for m in own if m.kind == "charge" and m.status == "succeeded")
    refunded = min(_refunded(own), received)
    lost = min(_disputed(own, "lost"), received - refunded)
    disputed = min(_disputed(own, "open"), received - refunded - lost)
    return Standing(received=received, refunded=refunded, disputed=disputed, lost=lost)


def fees(movements: Iterable[Movement], currency: str) -> dict[str, int]:
    """What the provider holds for us of one payment: each fee less what was given back of it."""
    held = (m for m in movements if m.kind == "fee" and m.currency == currency)
    return {m.id: max(m.amount_minor - m.returned_minor, 0) for m in held}


def share(kept_minor: int, rate_bp: int) -> int:
    """Our part of what the supplier keeps; what does not divide is the supplier's."""
    return kept_minor * rate_bp // 10_000


def _age(movement: Movement) -> tuple[int, datetime, str, int]:
    return (
        RANKS[movement.kind][movement.status],
        movement.said_at,
        movement.status,
        movement.amount_minor,
    )


def _refunded(own: Sequence[Movement]) -> int:
    """Named refunds that did not fail, and what a charge says beyond all that were named: some are told only there."""
    intents = {m.charge: m.id for m in own if m.kind == "charge" and m.charge}
    good: dict[str, int] = {}
    named: dict[str, int] = {}
    for m in own:
        if m.kind == "refund":
            place = m.intent or intents.get(m.charge, m.charge)
            named[place] = named.get(place, 0) + m.amount_minor
            good[place] = good.get(place, 0) + (m.amount_minor if m.status != "failed" else 0)
    untold = sum(max(m.returned_minor - named.get(m.id, 0), 0) for m in own if m.kind == "charge")
    return sum(good.values()) + untold


def _disputed(own: Sequence[Movement], status: Status) -> int:
    return sum(m.amount_minor for m in own if m.kind == "dispute" and m.status == status)
