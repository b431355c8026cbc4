"""Which rows of a long matrix a run takes: `make test` some of them, by a seed that it prints, and `make prove` all.

`TEST_SEED=1234 make test` takes the rows of another run again. All rows are collected either way, and a test that is
asked for by its name, without `-m`, runs whatever the seed.
"""

import os
import random
import secrets
from collections.abc import Sequence
from typing import Final, TypeVar

import pytest

T = TypeVar("T")
SEED: Final = int(os.environ.setdefault("TEST_SEED", str(secrets.randbelow(10_000))))
"""The workers of a run find it in the environment of the process that starts them."""
_ASKED = [""]


def follow(markers: str) -> None:
    """Take what was asked for with `-m`, before tests are collected."""
    _ASKED[0] = markers


def said() -> str:
    """For the head of a run."""
    return f"seed: {SEED} (TEST_SEED={SEED} takes the same rows of the long matrices again)"


def dice(matrix: str) -> random.Random:
    """A generator for one matrix alone, so that no other changes what it throws."""
    return random.Random(f"{SEED} {matrix}")


def chosen(rows: Sequence[T], share: int, matrix: str) -> list[T]:
    """One of each `share` neighbours. None where all are asked for: then none needs to be left to `make prove`."""
    if "prove" in _ASKED[0].replace("not prove", ""):
        return []
    rng = dice(matrix)
    return [rng.choice(rows[first : first + share]) for first in range(0, len(rows), share)]


def marks(row: object, taken: Sequence[object]) -> list[pytest.MarkDecorator]:
    """Those of a row that is left to `make prove` unless it is taken."""
    return [] if row in taken else [pytest.mark.prove]
