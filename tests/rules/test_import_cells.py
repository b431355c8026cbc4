"""Cells of guest lists: dates decided per column, phones as numbering plans say, needs read on the safe side."""

import itertools
from datetime import date, timedelta
from typing import get_args

import msgspec
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.guests import model
from wedsync.guests.importing.cells import age_band
from wedsync.guests.importing.contacts import Phones, read_email
from wedsync.guests.importing.dates import day_order, in_words, read_date, samples
from wedsync.guests.importing.needs import needs_cells, read_needs, stored_needs
from wedsync.guests.importing.vocabulary import NEEDS

# --- dates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "country", "day_first", "is_sure"),
    [
        (["03/04/2027", "19/03/2027"], "US", True, True),
        (["03/04/2027", "03/19/2027"], "GB", False, True),
        (["03/04/2027"], "GB", True, False),
        (["03/04/2027"], "US", False, False),
        (["13/04/2027", "04/13/2027", "14/04/2027"], "US", True, False),
        (["4 July 2027", "2027-07-05"], "US", False, True),
        ([], "DE", True, True),
    ],
)
def test_a_column_is_day_first_or_month_first_as_a_whole(
    values: list[str], country: str, day_first: bool, is_sure: bool
) -> None:
    order = day_order(values, country=country)
    assert (order.day_first, order.is_sure) == (day_first, is_sure)


@pytest.mark.parametrize(
    "text",
    [
        "2027-07-04",
        "2027/7/4",
        "2027-07-04T13:00:00Z",
        "2027-07-04 13:00",
        "04/07/2027",
        "4.7.27",
        "04-07-2027 1:20 PM",
        "4 July 2027",
        "4th of July 2027",
        "July 4, 2027",
        "Sun 4 Jul 2027",
        "Sunday, July 4th, 2027",
        "4. Juli 2027",
        "4 de julio de 2027",
        "4 juillet 2027",
        "46572",
        "46572.75",
    ],
)
def test_a_date_is_read_however_it_is_written(text: str) -> None:
    assert read_date(text, day_first=True) == "2027-07-04"


@pytest.mark.parametrize(
    "text", ["", "31/02/2027", "soon", "13/13/2027", "4 Brumaire 2027", "99999999", "12", "4 July"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text, day_first=True) == ""


@settings(deadline=None)
@given(st.dates(date(1970, 1, 1), date(2069, 12, 31)), st.booleans(), st.sampled_from("/-."))
def test_every_day_survives_every_way_to_write_it(day: date, day_first: bool, mark: str) -> None:
    numbers = (day.day, day.month) if day_first else (day.month, day.day)
    spelled = [
        day.isoformat(),
        in_words(day.isoformat()),
        mark.join(f"{n:02d}" for n in (*numbers, day.year)),
        mark.join(str(n) for n in (*numbers, f"{day.year % 100:02d}")),
        str((day - date(1899, 12, 30)) // timedelta(days=1)),
    ]
    for text in spelled[:4] if day.year < 1970 else spelled:
        assert read_date(text, day_first=day_first) == day.isoformat(), text


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_makes_the_date_reader_crash(text: str) -> None:
    found = read_date(text, day_first=True)
    assert not found or date.fromisoformat(found)


def test_samples_are_in_words() -> None:
    assert samples(["04/07/2027", "04/07/2027", "x", "05/07/2027"], day_first=True) == ["4 July 2027", "5 July 2027"]


# --- contacts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "text", "number"),
    [
        ("GB", "07700 900123", "+447700900123"),
        ("GB", "+44 (0)7700 900123", "+447700900123"),
        ("GB", "0044 7700 900123", "+447700900123"),
        ("GB", "447700900123", "+447700900123"),
        ("GB", "07700 900123 x12", "+447700900123"),
        ("GB", "07700 900123 / 07700 900124", "+447700900123"),
        ("GB", "'07700900123", "+447700900123"),
        ("US", "(555) 123-4567", "+15551234567"),
        ("US", "1-202-555-0123", "+12025550123"),
        ("US", "011 44 7700 900123", "+447700900123"),
        ("US", "1-800-FLOWERS", "+18003569377"),
        ("IT", "06 1234 5678", "+390612345678"),
        ("BR", "(0xx11) 91234-5678".replace("xx", "15"), "+5511912345678"),
        ("GB", "+44 7700 900111 ::: +44 20 7946 0111", "+447700900111"),
        ("", "+4915112345678", "+4915112345678"),
        ("GB", "+888 0000 0000 000", "+88800000000000"),
        ("GB", "n/a", ""),
        ("GB", "-", ""),
    ],
)
def test_a_phone_number_becomes_e164(country: str, text: str, number: str) -> None:
    assert Phones(country).read(text) == number


@pytest.mark.parametrize("text", ["ask mum", "12", "999999999999999999", "+999 123 456", "0123"])
def test_what_is_no_phone_number_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="country code"):
        Phones("GB").read(text)


REGIONS = st.sampled_from(
    ["GB", "US", "CA", "DE", "FR", "IT", "ES", "IE", "AU", "NZ", "IN", "NL", "PL", "SE", "ZA", "JP"]
)


@settings(deadline=None)
@given(REGIONS, st.from_regex(r"\+?[0-9][0-9 ()./\-]{5,18}", fullmatch=True))
def test_the_quick_way_agrees_with_the_library_on_every_valid_number(region: str, text: str) -> None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return
    if phonenumbers.is_valid_number(number) and text.count("(") == text.count(")") == 0:
        assert Phones(region).read(text) == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def test_every_countrys_example_is_read_nationally_and_internationally() -> None:
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    for region, kind in itertools.product(sorted(phonenumbers.SUPPORTED_REGIONS), kinds):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        for form in (phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.INTERNATIONAL):
            assert Phones(region).read(phonenumbers.format_number(number, form)) == expected, region


def test_the_first_address_of_a_cell_counts() -> None:
    assert read_email("otti@example.com ::: b@example.org") == "otti@example.com"
    assert read_email("; a@example.com, b@example.com") == "a@example.com"
    assert read_email("N/A") == ""


# --- ages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "band"),
    [
        *[("2", "infant"), ("3", "child"), ("12.5", "child"), ("13", "teen"), ("18", "adult"), ("Adult", "adult")],
        *[("yes", "child"), ("ja", "child"), ("no", ""), ("n/a", ""), ("toddler", "infant"), ("300", None)],
        ("old", None),
    ],
)
def test_an_age_is_a_number_a_word_or_an_answer(cell: str, band: str | None) -> None:
    assert age_band(cell) == band


# --- needs -----------------------------------------------------------------------------------------------------------


def allergens(text: str, *, column: str = "diet") -> dict[str, tuple[str, str]]:
    """key -> (kind, severity)."""
    found = read_needs(**{column: text})
    assert found is not None
    return {allergen.key: (allergen.kind, allergen.severity) for allergen in found.allergens}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Severe nut allergy (carries EpiPen)",
            {"peanuts": ("allergy", "anaphylaxis"), "tree_nuts": ("allergy", "anaphylaxis")},
        ),
        ("allergic to shellfish", {"crustaceans": ("allergy", "moderate"), "molluscs": ("allergy", "moderate")}),
        ("severe allergy to eggs and sesame", {"eggs": ("allergy", "severe"), "sesame": ("allergy", "severe")}),
        ("eggs and sesame allergy", {"eggs": ("allergy", "moderate"), "sesame": ("allergy", "moderate")}),
        ("severe egg allergy, no dairy", {"eggs": ("allergy", "severe"), "milk": ("avoid", "mild")}),
        ("lactose intolerant", {"milk": ("intolerance", "mild")}),
        ("coeliac", {"cereals_gluten": ("coeliac", "severe")}),
        ("Celiac, gluten free please", {"cereals_gluten": ("coeliac", "severe")}),
        ("peanuts", {"peanuts": ("allergy", "moderate")}),
        ("peanut allergy", {"peanuts": ("allergy", "moderate")}),
        ("almonds", {"almonds": ("allergy", "moderate")}),
        ("Nüsse", {"peanuts": ("allergy", "moderate"), "tree_nuts": ("allergy", "moderate")}),
        ("gluten free", {"cereals_gluten": ("avoid", "mild")}),
        ("not allergic to nuts", {}),
        ("vegetarian but eats fish", {}),
        ("fish is fine", {}),
        ("vegan", {}),
    ],
)
def test_words_about_food_become_suggestions(text: str, expected: dict[str, tuple[str, str]]) -> None:
    assert allergens(text) == expected


def test_a_word_in_the_column_of_allergies_is_an_allergy() -> None:
    assert allergens("nuts, no milk", column="allergies")["milk"] == ("allergy", "moderate")


@pytest.mark.parametrize(
    ("text", "diets"),
    [
        ("Veggie", ("vegetarian",)),
        ("Vegan; halal", ("vegan", "halal")),
        ("GF", ("gluten_free",)),
        ("no pork", ("no_pork",)),
    ],
)
def test_diets_are_recognised(text: str, diets: tuple[str, ...]) -> None:
    found = read_needs(diet=text)
    assert found is not None
    assert found.diets == diets


def test_none_is_an_answer_and_an_empty_cell_is_not() -> None:
    none = read_needs(diet="None", allergies="n/a")
    assert none is not None
    assert none.answered
    assert not (none.allergens or none.diets or none.access or none.note)
    assert read_needs(diet=" ") is None


def test_access_needs_are_recognised_and_the_words_kept() -> None:
    found = read_needs(access="Wheelchair user, needs step-free access", diet="high chair please")
    assert found is not None
    assert {"wheelchair_user", "step_free", "high_chair"} <= set(found.access)
    assert "Wheelchair user" in found.note


def test_every_suggestion_fits_what_the_guests_noun_stores() -> None:
    keys = {word.partition("=")[2] or group for group, words in NEEDS["allergens"].items() for word in words}
    assert keys <= set(get_args(model.AllergenKey))
    assert set(NEEDS["diets"]) <= set(get_args(model.Diet))
    assert set(NEEDS["access"]) <= set(get_args(model.Access))


WORDS = ("severe", "nuts", "and", "no", "fish,", "allergy;", "vegan", "EpiPen", "but", "eats", "eggs", "gluten free")
ANYTHING = st.text(max_size=60) | st.lists(st.sampled_from((*WORDS, "not allergic to", "milk")), max_size=12).map(
    " ".join
)


@settings(deadline=None)
@given(ANYTHING, ANYTHING, ANYTHING)
def test_whatever_is_written_is_storable_and_comes_back_from_an_export(diet: str, allergies: str, access: str) -> None:
    found = read_needs(diet=diet, allergies=allergies, access=access)
    if found is not None:
        msgspec.convert(msgspec.to_builtins(found), type=model.Needs)
        back = stored_needs(needs_cells(found))
        assert back == found or found.note in {"none", ""} or found.note != found.note.strip()
