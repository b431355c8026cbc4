"""Columns find their place: every known source by its headers, any spreadsheet by alias, phrase and values."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.guests.importing.detect import ASK_BELOW, Detection, detect, to_field_map
from wedsync.guests.importing.sheet import read_sheet
from wedsync.guests.importing.vocabulary import ALIASES, NUMBERED, SOURCES, TARGETS, normal_header
from wedsync.kit.errors import Refusal

FIXTURES = Path(__file__).parents[1] / "fixtures" / "imports"


def detected(text: str, *, country: str = "GB", events: tuple[str, ...] = ()) -> Detection:
    return detect(read_sheet(text.encode(), "list.csv"), country=country, events=events)


def targets(found: Detection) -> dict[str, str]:
    return {column.header: column.target for column in found.columns}


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        (
            "zola_guest_list.csv",
            "zola_guests",
            {"Partner First Name": "partner_first_name", "Relationship To Couple": "side"},
        ),
        ("zola_rsvps.csv", "zola_rsvp", {"Sunday Brunch": "rsvp:Sunday Brunch", "First Name": "first_name"}),
        (
            "zola_upload.csv",
            "zola_upload",
            {"Name": "full_name", "Plus One": "plus_one", "Additional Guest 1": "extra_name:1"},
        ),
        ("joy.csv", "joy", {"Party": "party", "Tags": "tags", "Name on Envelope": "envelope", "RSVP Status": "rsvp"}),
        ("the_knot_lines.csv", "the_knot_lines", {"Name Line 1": "full_name", "Name Line 2": "partner_name"}),
        ("the_knot.csv", "the_knot", {"Party Name": "party", "Attending": "rsvp", "Meal Choice": "meal"}),
        ("rsvpify.csv", "rsvpify", {"Group ID": "party", "Additional Guest(s) Allowed (+1's)": "plus_one"}),
        ("minted.csv", "minted", {"Name on Envelope": "full_name", "Email (Optional)": "email"}),
        (
            "google_contacts.csv",
            "google_contacts",
            {"E-mail 1 - Value": "email", "E-mail 2 - Value": "email", "Labels": "tags"},
        ),
        ("google_contacts_old.csv", "google_contacts_old", {"Given Name": "first_name", "Name": "ignore"}),
        ("outlook.csv", "outlook", {"Home Street": "address_1", "Business Street": "ignore", "Company": "ignore"}),
        ("partiful.csv", "partiful", {"Name": "full_name", "Status": "rsvp", "Any dietary restrictions?": "diet"}),
        ("evite.csv", "evite", {"Email or Phone": "email_or_phone", "Party Count": "party_size"}),
        ("eventbrite.csv", "eventbrite", {"Order #": "party", "Attendee #": "guest_key"}),
    ],
)
def test_a_known_source_is_recognised_and_asks_nothing(name: str, source: str, expected: dict[str, str]) -> None:
    found = detect(read_sheet((FIXTURES / name).read_bytes(), name), country="US")
    assert found.source == source
    assert expected.items() <= targets(found).items()
    assert found.questions() == []


def test_a_german_list_is_understood() -> None:
    found = detect(read_sheet((FIXTURES / "german_spreadsheet.csv").read_bytes(), "x.csv"), country="DE")
    assert targets(found) == {
        "Vorname": "first_name",
        "Nachname": "last_name",
        "Haushalt": "party",
        "E-Mail": "email",
        "Handy": "phone",
        "Zusage": "rsvp",
        "Allergien": "allergies",
        "Kind": "age",
    }


def test_the_messy_list_needs_no_question_once_the_events_are_known() -> None:
    sheet = read_sheet((FIXTURES / "messy_300.csv").read_bytes(), "messy.csv")
    found = detect(sheet, country="GB", events=["Ceremony", "Evening party"])
    assert found.questions() == []
    dates = next(column for column in found.columns if column.target == "rsvp_at")
    assert dates.day_first is True
    assert all(" 2027" in sample for sample in dates.samples)


@pytest.mark.parametrize(
    ("header", "values", "target"),
    [
        ("Please tell us your dietary requirements", ["vegan", "none", "nuts"], "diet"),
        ("Mobile number (UK)", ["07700 900123", "07700 900124"], "phone"),
        ("Ceremony RSVP", ["yes", "no"], "rsvp:Ceremony"),
        ("RSVP - Sunday Brunch", ["yes", "no"], "rsvp:Sunday Brunch"),
        ("Attending: Drinks", ["yes", "maybe"], "rsvp:Drinks"),
        ("Reception Meal Choice", ["Beef", "Fish"], "meal:Reception"),
        ("Brunch", ["Attending", "Declined", "No Response"], "rsvp:Brunch"),
        ("how to reach them", ["a@example.com", "b@example.com"], "email"),
        ("reachable at", ["07700 900123", "07700 900124", "07700 900125"], "phone"),
        ("Child 2 First Name", ["Otis", "Bea"], "child_first_name:2"),
        ("Guest 2", ["Otis Ray", "Bea Ray"], "extra_name:2"),
        ("Additional Guest 3", ["Otis Ray", "Bea Ray"], "extra_name:3"),
        ("ZIPCode", ["90210", "10001"], "postcode"),
        ("Kids", ["2", "1"], "children"),
        ("Shoe size", ["42", "38"], "custom"),
        ("Arrival", ["01/02/2027", "02/02/2027"], "custom"),
        ("Empty one", ["", ""], "ignore"),
    ],
)
def test_a_column_is_placed_by_phrase_event_or_values(header: str, values: list[str], target: str) -> None:
    rows = "".join(f"Guest {'ABC'[n]} Surname,{value},x\n" for n, value in enumerate(values))
    found = detected(f"Full name,{header},Song\n{rows}")
    assert targets(found)[header] == target


@pytest.mark.parametrize(
    "text",
    [
        "Name,Email\nAna,she has none\nBen,ask Ana\n",  # a header the values deny
        "Name,Status\nAna,engaged\nBen,single\n",  # a word that means many things
        "Name,Needs a babysitter\nAna,yes\nBen,no\n",  # answers, but to what?
        "Name,RSVP date,RSVP\nAna,03/04/2027,yes\n",  # March or April
        "Ana Smith,a@example.com\nBen Jones,b@example.com\n",  # no headers at all
        "Name,Email,Thing,E-mail address\nAna,a@example.com,q,b@example.com\n",  # what is a thing
    ],
)
def test_what_is_not_certain_is_asked(text: str) -> None:
    questions = detected(text).questions()
    assert len(questions) == 1
    assert questions[0].confidence < ASK_BELOW
    assert questions[0].samples


def test_names_of_events_make_columns_of_answers_certain() -> None:
    text = "Name,Rehearsal\nAna,yes\nBen,no\n"
    assert detected(text).questions()[0].header == "Rehearsal"
    assert detected(text, events=("rehearsal",)).questions() == []


def test_a_group_that_is_a_household_is_not_taken_for_a_tag_unasked() -> None:
    rows = "".join(f"P{chr(65 + n)} X,G{n // 2}\n" for n in range(12))
    group = detected(f"Name,Group\n{rows}").columns[1]
    assert (group.target, group.confidence < ASK_BELOW) == ("party", True)
    crowd = "".join(f"P{chr(65 + n % 26)} X{n},Work\n" for n in range(30))
    assert detected(f"Name,Family\n{crowd}").columns[1].target == "tags"


def test_two_columns_for_one_place_leave_one_and_keep_the_other() -> None:
    found = detected("First Name,Last Name,Surname\nAna,Li,Wu\n")
    assert targets(found) == {"First Name": "first_name", "Last Name": "last_name", "Surname": "custom"}


def test_a_choice_beats_a_guess_and_the_mobile_comes_before_the_office() -> None:
    found = detected("First Name,Office phone,Mobile phone,Thing\nAna,020 7946 0958,07700 900123,vegan\n")
    made = to_field_map(found, {"Thing": "diet"})
    rules = {rule.target: rule.source for rule in made.rules}
    assert rules["phone"] == ("Mobile phone", "Office phone")
    assert rules["diet"] == ("Thing",)
    assert made.name == "spreadsheet"


@pytest.mark.parametrize(
    "choices", [{"Nowhere": "email"}, {"Name": "budget"}, {"Name": "rsvp:"}, {"Name": "child_name:x"}]
)
def test_a_choice_that_cannot_be_is_refused(choices: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        to_field_map(detected("Name,Email\nAna,a@example.com\n"), choices)
    assert refused.value.code == "mapping_invalid"


def test_the_data_files_are_written_as_headers_are_normalised() -> None:
    names = set(TARGETS) | set(NUMBERED.values())
    for source in SOURCES:
        for header in (*source.columns, *source.all_of, *source.any_of, *source.none_of):
            assert normal_header(header) == header, (source.name, header)
        assert set(source.columns.values()) <= names, source.name
    assert set(ALIASES.values()) <= names
    assert len({source.name for source in SOURCES}) == len(SOURCES)


HEADERS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


@settings(deadline=None)
@given(st.lists(HEADERS, min_size=1, max_size=6), st.lists(st.text(max_size=10), min_size=1, max_size=6))
def test_any_table_is_detected_with_every_column_placed(headers: list[str], cells: list[str]) -> None:
    quoted = [",".join('"' + c.replace('"', "").replace("\x00", "") + '"' for c in line) for line in (headers, cells)]
    try:
        sheet = read_sheet("\n".join(quoted).encode("utf-8", "ignore"), "x.csv")
    except Refusal:
        return
    found = detect(sheet)
    assert len(found.columns) == len(sheet.headers)
    assert all(0 < column.confidence <= 1 for column in found.columns)
    to_field_map(found)
