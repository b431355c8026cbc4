"""Names: lines read into people, folds for sorting, and a guest who mistypes finds their name and nobody else's."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.guests.importing.name_lines import PLACEHOLDERS_MAX, NameLine, PersonName, is_simple, read_line
from wedsync.guests.importing.names import distance, fold, matches, name_key, name_sort, same_given
from wedsync.guests.importing.vocabulary import FAMILY_WORDS, GUEST_WORDS, normal_word


def people(text: str) -> list[str]:
    """Each person as title|first|middle|last|suffix without empty ends."""
    return ["|".join((p.title, p.first, p.middle, p.last, p.suffix)).rstrip("|") for p in read_line(text).people]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("John Smith", ["|John||Smith"]),
        ("Mr & Mrs John Smith", ["Mr|John||Smith", "Mrs|||Smith"]),
        ("Mr. and Mrs. John and Jane Smith", ["Mr.|John||Smith", "Mrs.|Jane||Smith"]),
        ("Mr John Smith & Mrs Jane Smith", ["Mr|John||Smith", "Mrs|Jane||Smith"]),
        ("Dr. Jane and Mr. John Smith", ["Dr.|Jane||Smith", "Mr.|John||Smith"]),
        ("Mr & Mrs Smith", ["Mr|||Smith", "Mrs|||Smith"]),
        ("Herr und Frau Müller", ["Herr|||Müller", "Frau|||Müller"]),
        ("M. et Mme Dupont", ["M.|||Dupont", "Mme|||Dupont"]),
        ("John and Jane Smith", ["|John||Smith", "|Jane||Smith"]),
        ("John, Jane and Tim Smith", ["|John||Smith", "|Jane||Smith", "|Tim||Smith"]),
        ("John Smith and Jane Doe", ["|John||Smith", "|Jane||Doe"]),
        ("John Smith / Jane Doe", ["|John||Smith", "|Jane||Doe"]),
        ("Smith, John", ["|John||Smith"]),
        ("Smith, John & Jane", ["|John||Smith", "|Jane||Smith"]),
        ("Anna, Ben and Carla", ["|Anna", "|Ben", "|Carla"]),
        ("van der Berg, Anna", ["|Anna||van der Berg"]),
        ("Anna van der Berg", ["|Anna||van der Berg"]),
        ("Maria de la Cruz", ["|Maria||de la Cruz"]),
        ("Ahmed al-Farsi", ["|Ahmed||al-Farsi"]),
        ("María y José García", ["|María||García", "|José||García"]),
        ("José Ortega y Gasset", ["|José||Ortega y Gasset"]),
        ("John E Smith", ["|John|E|Smith"]),
        ("J. R. R. Tolkien", ["|J.|R. R.|Tolkien"]),
        ("John Smith, Jr.", ["|John||Smith|Jr."]),
        ("Dr John Smith PhD", ["Dr|John||Smith|PhD"]),
        ("The Rev. John Smith", ["Rev.|John||Smith"]),
        ("Uncle Bob", ["Uncle|Bob"]),
        ("Mrs Smith", ["Mrs|||Smith"]),
        ("Cher", ["|Cher"]),
        ("SHAUN O'BRIEN", ["|Shaun||O'Brien"]),
        ("JOHN MCDONALD", ["|John||McDonald"]),
        ("mary-jane watson", ["|Mary-Jane||Watson"]),
        ("王小明", ["|王小明"]),
        ("محمد علي", ["|محمد||علي"]),
        ("Dmitri 🎉", ["|Dmitri 🎉"]),
        ("", []),
    ],
)
def test_a_line_is_read_into_its_people(text: str, expected: list[str]) -> None:
    assert people(text) == expected


@pytest.mark.parametrize(
    ("text", "names", "unnamed", "family"),
    [
        ("John Smith + Guest", 1, 1, ""),
        ("John Smith and guest", 1, 1, ""),
        ("John Smith +1", 1, 1, ""),
        ("John Smith + 2", 1, 2, ""),
        ("John Smith (+1)", 1, 1, ""),
        ("Jane Smith & partner", 1, 1, ""),
        ("Smith, John & Guest", 1, 1, ""),
        ("TBC", 0, 1, ""),
        ("The Smith Family (4)", 0, 4, "Smith"),
        ("The Smith Family", 0, 1, "Smith"),
        ("The Smiths", 0, 1, "Smith"),
        ("Familie Müller", 0, 1, "Müller"),
        ("John Smith & Family", 1, 0, "Smith"),
        ("Zoë & Max Huber + kids", 2, 0, "Huber"),
    ],
)
def test_guests_without_a_name_are_counted(text: str, names: int, unnamed: int, family: str) -> None:
    line = read_line(text)
    assert (len(line.people), line.unnamed, line.family) == (names, unnamed, family)


def test_remarks_nicknames_and_hosts_are_kept() -> None:
    assert read_line("John Smith (vegan)").note == "vegan"
    assert read_line('John "Jack" Smith').people[0].known_as == "Jack"
    assert read_line("Guest of John Smith") == NameLine(unnamed=1, guest_of="John Smith")
    assert read_line("John Smith's plus one").guest_of == "John Smith"
    assert read_line("John Smith (party of 3)").size == 3
    assert read_line("John Smith + 99").unnamed == PLACEHOLDERS_MAX


def test_a_title_alone_makes_nobody_a_man_or_a_woman() -> None:
    first, second = read_line("Dr & Dr Sam Okoro").people
    assert (first.first, second.first) == ("Sam", "")


NOT_NAMES = GUEST_WORDS | FAMILY_WORDS | {"and", "und", "et", "og", "och", "plus", "of", "the"}
WORD = st.text(st.characters(categories=("Lu", "Ll", "Lo", "Mn")), min_size=2, max_size=9).filter(
    lambda word: word[0].isalpha() and normal_word(word) not in NOT_NAMES
)
JOINER = st.sampled_from([" ", " & ", " and ", ", ", " + ", " / "])


@settings(deadline=None)
@given(st.lists(st.tuples(WORD, JOINER), min_size=1, max_size=6))
def test_no_word_of_a_line_is_lost(parts: list[tuple[str, str]]) -> None:
    text = "".join(word + joiner for word, joiner in parts)
    line = read_line(text)
    said = [part for p in line.people for part in (p.title, p.first, p.middle, p.last, p.suffix, p.known_as)]
    found = set(fold(" ".join([*said, line.family, line.note, line.guest_of])).split())
    missing = {part for word, _ in parts for part in fold(word).split()} - found - {"y", "e", "i", "en", "a"}
    assert not missing or line.family, (text, line)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_line_makes_the_reader_crash(text: str) -> None:
    line = read_line(text)
    assert 0 <= line.unnamed <= PLACEHOLDERS_MAX
    assert all(person.display() for person in line.people)


@settings(deadline=None)
@given(st.tuples(WORD, WORD))
def test_a_plain_first_and_last_name_is_one_person(name: tuple[str, str]) -> None:
    text = f"{name[0]} {name[1]}"
    if is_simple(text):
        assert len(read_line(text).people) == 1


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("O’Brien-Łukasz", "obrien lukasz"),
        ("Søren Ødegård", "soren odegard"),
        ("STRAßE", "strasse"),
        ("  Zoë\u0301  ", "zoe"),
        ("Dvořák, Antonín", "dvorak antonin"),
        ("İstanbul", "istanbul"),
        ("🎉", "🎉"),
        ("हिन्दी", "हिन्दी".replace("्", "")),
        ("", ""),
    ],
)
def test_a_fold_forgets_accents_case_and_punctuation(text: str, folded: str) -> None:
    assert fold(text) == folded


@settings(deadline=None)
@given(st.text(max_size=40))
def test_folding_twice_is_folding_once_and_composition_does_not_matter(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


def test_people_sort_by_surname() -> None:
    assert name_sort("Zoë van Ábel", last="van Ábel") == "van abel zoe"
    assert name_sort("Cher") == "cher"
    assert name_sort("Granny", last="Smith") == "smith granny"
    assert name_key("", "") == ""


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("bob smith", "Robert Smith"),
        ("Smith John", "John Smith"),
        ("Jhon Smyth", "John Smith"),
        ("anna mueller", "Anna Müller"),
        ("soren odegaard", "Søren Ødegård"),
        ("Jane Smith", "Jane Smith-Jones"),
        ("maryann oconnor", "Mary Ann O'Connor"),
        ("Anna Berg", "Anna van der Berg"),
        ("John Michael Smith", "John Smith"),
        ("Mr John Smith Jr", "John Smith"),
        ("Cher", "Cher"),
        ("王小明", "王小明"),
        ("liz taylor", "Elizabeth Taylor"),
    ],
)
def test_a_guest_finds_their_name(query: str, name: str) -> None:
    assert matches(query, name)
    assert matches(name, name)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("john", "John Smith"),
        ("smith", "John Smith"),
        ("John Jones", "John Smith"),
        ("Jo Lee", "Jo Leo"),
        ("Ann Smith", "Al Smith"),
        ("Robert Smith", "Richard Smith"),
        ("", "John Smith"),
        ("*", "John Smith"),
        ("John Smith " * 9, "John Smith"),
    ],
)
def test_a_guest_does_not_find_somebody_else(query: str, name: str) -> None:
    assert not matches(query, name)


@settings(deadline=None)
@given(st.tuples(WORD, WORD), st.data())
def test_one_slip_in_a_long_surname_is_forgiven(name: tuple[str, str], data: st.DataObject) -> None:
    surname = fold(name[1]).replace(" ", "") + "sonfield"
    place = data.draw(st.integers(0, len(surname) - 1))
    slipped = surname[:place] + surname[place + 1 :]
    first = fold(name[0]) or "ana"
    assert matches(f"{first} {slipped}", f"{first} {surname}")


@settings(deadline=None)
@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_distance_is_symmetric_bounded_and_zero_only_for_equals(one: str, other: str) -> None:
    edits = distance(one, other)
    assert edits == distance(other, one)
    assert (edits == 0) == (one == other)
    assert edits <= 3


def test_given_names_of_one_person() -> None:
    assert same_given("Bob", "Robert")
    assert same_given("J", "John")
    assert same_given("Mary Ann", "Mary")
    assert not same_given("John", "Jane")
    assert not same_given("", "Jane")


def test_a_person_shows_the_title_only_without_a_given_name() -> None:
    assert PersonName(title="Mr", first="John", last="Smith").display() == "John Smith"
    assert PersonName(title="Mr", last="Smith").display() == "Mr Smith"
