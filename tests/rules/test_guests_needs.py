"""Needs: read from forms without losing what was not asked, counted without naming anybody, compared sheet by sheet."""

from typing import Any, get_args
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.guests import editing, letters, needs_form, new_party, words
from wedsync.guests.kitchen import dietary, final_numbers, sheets
from wedsync.guests.model import Access, Allergen, AllergenKey, Diet, Needs
from wedsync.kit.errors import Refusal

KEYS = st.sampled_from(get_args(AllergenKey))
ALLERGEN = st.builds(
    Allergen, key=KEYS, kind=st.sampled_from(["allergy", "coeliac"]), severity=st.sampled_from(["mild", "anaphylaxis"])
)
NEEDS = st.builds(
    Needs,
    allergens=st.lists(ALLERGEN, max_size=4, unique_by=lambda a: a.key),
    diets=st.lists(st.sampled_from(get_args(Diet)), max_size=3, unique=True),
    access=st.lists(st.sampled_from(get_args(Access)), max_size=3, unique=True),
    note=st.text("abc é", max_size=20).map(str.strip),
)


def test_every_key_has_its_word() -> None:
    assert set(words.LABELS) == set(get_args(AllergenKey))
    assert set(words.DIETS) == set(get_args(Diet))
    assert set(words.ACCESS) == set(get_args(Access))


def posted(needs: Needs | None, prefix: str = "") -> dict[str, list[str]]:
    """What a browser posts of a form that shows these needs."""
    values = editing.needs_values(needs)
    return {f"{prefix}{name}": value if isinstance(value, list) else [value] for name, value in values.items()}


@given(needs=NEEDS)
def test_an_untouched_form_says_what_it_showed(needs: Needs) -> None:
    read = needs_form.read(posted(needs, "g1."), needs, prefix="g1.")
    assert needs_form.digest(read) == needs_form.digest(needs)


def test_a_form_without_a_word_is_no_answer() -> None:
    assert needs_form.read({}, None) is None
    assert needs_form.read({"no_needs": ["on"]}, None) == Needs()
    assert needs_form.read({}, Needs(diets=["vegan"])) == Needs()


def test_a_tick_wins_over_nothing_to_mention() -> None:
    read = needs_form.read({"no_needs": ["on"], "allergen": ["milk"]}, None)
    assert read == Needs(allergens=[Allergen(key="milk")])


@pytest.mark.parametrize(
    "wrong",
    [
        {"allergen": ["kryptonite"]},
        {"diet": ["air"]},
        {"access": ["wings"]},
        {"note": ["x" * 1001]},
        {"allergen": ["milk"], "severity_milk": ["very"]},
    ],
)
def test_what_is_no_need_is_refused(wrong: dict[str, list[str]]) -> None:
    with pytest.raises(Refusal) as refused:
        needs_form.read(wrong, None)
    assert refused.value.status == 422
    assert refused.value.errors


def test_control_characters_are_left_out() -> None:
    read = needs_form.read({"note": ["no\x00 nuts\u202e 🥜"]}, None)
    assert read is not None
    assert read.note == "no  nuts  🥜"


@given(everybody=st.lists(NEEDS, max_size=8))
def test_no_small_cell_is_public(everybody: list[Needs]) -> None:
    totals = dietary.count(everybody)
    shown = dietary.public(totals)
    for group, cells in totals.items():
        for key, n in cells.items():
            assert 0 < n <= len(everybody)
            assert shown[group][key] == (n if n >= 3 else "<3")
    assert all(shown.values())


def line(who: str, needs: Needs, **more: Any) -> sheets.Line:
    guest = UUID(int=int.from_bytes(who.encode()))
    shown = sheets.Line(guest_id=guest, name=who, table="", age_band="adult", menu="", needs=needs)
    return msgspec.structs.replace(shown, **more)


def content(*lines: sheets.Line) -> sheets.Content:
    totals = dietary.count(line.needs for line in lines)
    return sheets.Content(lines=list(lines), totals=totals, coming=len(lines), unanswered=0, none_declared=0)


VEGAN, MILK = Needs(diets=["vegan"]), Needs(allergens=[Allergen(key="milk", kind="intolerance")])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ([line("Ola", VEGAN)], [line("Ola", VEGAN)], []),
        ([], [line("Ola", MILK)], ["Ola is new: Milk (intolerance), moderate."]),
        ([line("Ola", VEGAN)], [], ["Ola is no longer on it."]),
        ([line("Ola", VEGAN)], [line("Ola", MILK)], ["Ola: Milk (intolerance), moderate, instead of Vegan."]),
        ([line("Ola", VEGAN)], [line("Ola", VEGAN, menu="Bass")], ["Ola now eats Bass."]),
        ([line("Ola", VEGAN)], [line("Ola", VEGAN, table="4")], ["Ola now sits at 4."]),
        ([line("Ola", VEGAN)], [line("Ola", VEGAN, name="Olga")], ["Ola is now Olga: Vegan."]),
        ([line("Ola", VEGAN)], [line("Ola", Needs(diets=["vegan"], note="mostly"))], ["Ola says it in other words."]),
        (
            [line("Ola", Needs(note="hm"))],
            [line("Ola", Needs(access=["carer"]))],
            ["Ola: Comes with a carer, instead of see their words."],
        ),
    ],
)
def test_a_sheet_says_what_changed(old: list[sheets.Line], new: list[sheets.Line], said: list[str]) -> None:
    assert sheets.changes(content(*old), content(*new)).sentences == said
    assert sheets.changes(None, content(*new)).sentences == []


def test_totals_are_told_in_words() -> None:
    found = sheets.totals_in_words(dietary.count([VEGAN, MILK, Needs(access=["carer"])]))
    assert found == [("Milk", 1), ("Vegan", 1), ("Comes with a carer", 1)]


def test_final_numbers_tell_differences() -> None:
    meal = str(uuid4())
    then: dict[str, Any] = {"accepted": 80, "children": 4, "meals": {meal: 40}, "dietary": {}}
    now = then | {"accepted": 78, "meals": {meal: 39}, "dietary": {"diets": {"vegan": 4}}}
    assert final_numbers.sentences(then, now, {meal: "Bass"}) == [
        "2 fewer coming: 78 instead of 80",
        "Bass: 39 instead of 40",
        "Dietary needs have changed; the dietary sheet says how",
    ]
    assert final_numbers.sentences(then, then, {}) == []


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([("accepted", "Ceremony", ""), ("accepted", "Dinner", "Bass")], "Ceremony and Dinner, Bass"),
        ([("declined", "Ceremony", ""), ("declined", "Dinner", "")], "not coming"),
        (
            [("accepted", "Dinner", ""), ("declined", "Brunch", ""), ("needs_action", "Party", "")],
            "Dinner; not Brunch; not yet Party",
        ),
        ([("needs_action", "Dinner", "")], "not answered yet"),
        ([], "not invited to anything yet"),
    ],
)
def test_an_answer_is_told_in_one_sentence(answers: list[tuple[str, str, str]], said: str) -> None:
    assert letters.sentence(answers) == said


@pytest.mark.parametrize(
    ("names", "party"),
    [
        ("Carla Mendes", "Carla Mendes"),
        ("Carla Mendes\nOla Mendes", "Carla & Ola Mendes"),
        ("Carla Mendes\nOla Mendes\nTomás Mendes (child)", "The Mendes family"),
        ("Carla Mendes\nBen Okafor", "Carla Mendes & Ben Okafor"),
        ("Carla Mendes\nGuest of Carla", "Carla Mendes"),
        ("Plus one", "A guest"),
    ],
)
def test_a_party_is_named_as_on_an_envelope(names: str, party: str) -> None:
    assert new_party.party_name(new_party.read_names(names)) == party


def test_a_base_that_cannot_be_read_is_none() -> None:
    assert editing.base_of({"_base": ["{nonsense"]}) == {}
    assert editing.base_of({"_base": ['{"a": 1}']}) == {}
    assert editing.base_of({"_base": [editing.as_base({"a": "1", "b": ["x"]})]}) == {"a": "1", "b": ["x"]}
