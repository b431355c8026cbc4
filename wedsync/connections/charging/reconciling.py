"""Our ledger held against what the provider says it took for us, fee by fee; pure but for asking."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from wedsync.connections.charging.contract import Charges, Fee, Fees
from wedsync.connections.contract import Outcome

TIMEOUT_S: Final = 20.0
PAGES_MAX: Final = 10_000


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One fee that is not the same on both sides, in minor units; None where a side does not know it."""

    fee: str
    currency: str
    ours_minor: int | None
    theirs_minor: int | None
    account: str = ""

    @property
    def words(self) -> str:
        if self.ours_minor is None:
            return "not in our ledger: its hook has not come, or it is of no payment of ours"
        if self.theirs_minor is None:
            return "not at the provider: it was asked with another key, or the ledger is wrong"
        return "another amount: a hook has not come yet, or was lost"


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """An account of the ledger."""

    currency: str
    account: str
    debit_minor: int
    credit_minor: int


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """What stands between us and one supplier: below nothing we owe it, above it owes us."""

    supplier_id: str
    name: str
    currency: str
    due_minor: int
    taken_minor: int

    @property
    def open_minor(self) -> int:
        return self.due_minor - self.taken_minor


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`is_balanced`: debits equal credits in every currency. `matched` fees are the same on both sides."""

    is_balanced: bool
    matched: int
    sides: tuple[Side, ...]
    open: tuple[Open, ...]
    differences: tuple[Difference, ...]

    @property
    def is_clean(self) -> bool:
        return self.is_balanced and not self.differences


async def fees_of(charges: Charges) -> list[Fee] | Outcome:
    """All fees that the provider lists; or why they cannot be had."""
    found: list[Fee] = []
    cursor = ""
    for _ in range(PAGES_MAX):
        page = await charges.fees(cursor, timeout_s=TIMEOUT_S)
        if not isinstance(page, Fees):
            return page
        found += page.items
        cursor = page.cursor
        if not cursor:
            break
    return found


def report(
    fees: Iterable[Fee],
    held: Iterable[Mapping[str, Any]],
    sides: Sequence[Mapping[str, Any]],
    open_items: Iterable[Mapping[str, Any]],
) -> Report:
    """`held`: {reference, currency, minor} of the ledger; `sides` and `open_items` as the database has them."""
    ours = {(one["reference"], one["currency"]): int(one["minor"]) for one in held}
    theirs = {(one.id, one.currency): one for one in fees}
    differences = []
    for key in sorted(ours.keys() | theirs.keys()):
        fee = theirs.get(key)
        mine, their = ours.get(key), None if fee is None else fee.amount_minor - fee.returned_minor
        # What was given back wholly may be in one place only: nothing is nothing.
        if (mine or 0) != (their or 0):
            account = "" if fee is None else fee.account
            differences.append(
                Difference(fee=key[0], currency=key[1], ours_minor=mine, theirs_minor=their, account=account)
            )
    told = tuple(msgspec.convert(_numbers(one), Side) for one in sides)
    left: dict[str, int] = {}
    for side in told:
        left[side.currency] = left.get(side.currency, 0) + side.debit_minor - side.credit_minor
    return Report(
        is_balanced=not any(left.values()),
        matched=len(ours.keys() | theirs.keys()) - len(differences),
        sides=told,
        open=tuple(msgspec.convert(_numbers(one), Open) for one in open_items),
        differences=tuple(differences),
    )


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    """Sums come as exact decimals, ids as what they are."""
    return {name: int(value) if name.endswith("_minor") else str(value) for name, value in dict(row).items()}
