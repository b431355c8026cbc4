"""Head counts as a supplier's page shows them: meals by name, small numbers hidden, and what moved since the lock."""

from typing import Any

import msgspec
import pytest

from wedsync.suppliers import view


def row(**fields: Any) -> Any:
    counts = {"invited": 10, "accepted": 8, "declined": 1, "tentative": 0, "pending": 1, "children": 2}
    known = {"item_id": 1, "title": "Dinner", "meals": {}, "dietary": {}, "locked_at": None, "locked": None}
    made = {**counts, **known, **fields}
    stored = ("meals", "dietary", "locked")
    return made | {k: None if made[k] is None else msgspec.json.encode(made[k]).decode() for k in stored}


def test_meals_have_their_names_and_a_meal_of_one_or_two_is_not_told() -> None:
    seen = view.counted(row(meals={"a": 5, "b": 2, "c": 3}), {"a": "Sea bass", "b": "Pie"})
    assert seen["meals"] == [("Sea bass", 5), ("Pie", None), ("Meal", 3)]


def test_dietary_totals_are_words_and_what_was_hidden_stays_hidden() -> None:
    seen = view.counted(row(dietary={"diets": {"gluten_free": 4}, "allergens": {"tree_nuts": "<3"}}), {})
    assert seen["dietary"] == [("Gluten free", 4), ("Allergy: tree nuts", None)]


@pytest.mark.parametrize(
    ("locked", "said"),
    [(None, ""), ({"accepted": 8}, "unchanged since"), ({"accepted": 6}, "+2 since"), ({"accepted": 9}, "-1 since")],
)
def test_final_numbers_say_what_moved_since(locked: Any, said: str) -> None:
    assert view.counted(row(locked=locked), {})["since_lock"] == said


def test_counts_of_an_item_that_may_not_be_seen_are_called_guests() -> None:
    assert view.counted(row(title=None), {})["title"] == "Guests"
