"""Amounts as Stripe counts them: like ISO 4217 but for a few currencies (docs.stripe.com/currencies); pure."""

from typing import Final

from wedsync.kit.currencies import EXPONENTS

THEIRS: Final = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Digits behind the point where Stripe's differ: two for currencies that have none any more, none for the ariary."""
STEPS: Final = {"ISK": 100, "UGX": 100, "HUF": 1, "BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10}
"""Of what an amount must be a multiple, in Stripe's units: kronur are whole, dinars have two digits."""


class Uncountable(ValueError):  # noqa: N818 -- it reads as a sentence where it is raised
    """An amount that Stripe cannot charge exactly."""


def to_theirs(minor: int, currency: str) -> int:
    """Raises Uncountable."""
    shift = _shift(currency)
    found = _scaled(minor, shift)
    if _scaled(found, -shift) != minor or found % STEPS.get(currency, 1):
        raise Uncountable(f"Stripe cannot charge {minor} of {currency} exactly.")
    return found


def fee_to_theirs(minor: int, currency: str) -> int:
    """The same of our share: what cannot be charged exactly is the supplier's."""
    shift, step = _shift(currency), STEPS.get(currency, 1)
    found = _scaled(minor, shift)
    return found - found % step


def from_theirs(amount: int, currency: str) -> int:
    """In our minor units."""
    shift = _shift(currency)
    return _scaled(amount, -shift)


def _scaled(amount: int, digits: int) -> int:
    tens = int("1" + "0" * abs(digits))
    return amount * tens if digits >= 0 else amount // tens


def _shift(currency: str) -> int:
    ours = EXPONENTS.get(currency, 2)
    return THEIRS.get(currency, ours) - ours
