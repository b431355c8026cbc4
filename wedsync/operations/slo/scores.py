"""How far a provider or part can be relied on: shares with what they prove at least, and their geometric mean.

Three of three is no 100 per cent: of so few, Wilson's interval (1927) proves only 44. A component that is nil makes the
whole nil; one of which nothing is known is left out and said to be so.
"""

import math
from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

FORMULA: Final = 1
"""Raised when what a score means changes: scores of two formulas are not compared."""
Z: Final = 1.96


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """So many of `total` were good; `score` is what that proves at least, of 100."""

    good: int
    total: int
    score: float


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Of one provider. What its users set up wrong is not its fault and not in it: `refused` counts that apart."""

    name: str
    score: Annotated[float | None, Meta(description="The geometric mean of the components, of 100.")]
    success: Component | None
    speed: Annotated[Component | None, Meta(description="Good tries within half a second.")]
    availability: Annotated[Component | None, Meta(description="Hours in which under 1 % failed.")]
    freshness: Annotated[Component | None, Meta(description="Accounts that are in touch.")]
    refused: int
    formula: int = FORMULA


def wilson(good: int, total: int) -> float:
    """The lower bound of the share, of 1."""
    if total == 0:
        return 0.0
    share, square = good / total, Z * Z / total
    spread = Z * math.sqrt(share * (1 - share) / total + square / (4 * total))
    # Rounding can leave it a hair outside where none, or all, went well.
    return min(share, max(0.0, (share + square / 2 - spread) / (1 + square)))


def component(good: int, total: int) -> Component | None:
    """None where there is nothing to judge."""
    return None if total == 0 else Component(good=good, total=total, score=round(100 * wilson(good, total), 2))


def mean(components: Iterable[Component | None]) -> float | None:
    """Geometric: none of them makes up for another."""
    known = [one.score for one in components if one is not None]
    if not known:
        return None
    return round(math.prod(known) ** (1 / len(known)), 2)


def score(
    name: str,
    *,
    refused: int,
    success: Component | None,
    speed: Component | None,
    availability: Component | None,
    freshness: Component | None,
) -> Score:
    """With what it is made of beside it."""
    whole = mean((success, speed, availability, freshness))
    return Score(
        name=name,
        score=whole,
        success=success,
        speed=speed,
        availability=availability,
        freshness=freshness,
        refused=refused,
    )
