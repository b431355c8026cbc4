"""A file becomes a plan: people, parties, answers, needs, duplicates, and every refused cell named."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.guests.importing.detect import detect, to_field_map
from wedsync.guests.importing.plan import build_plan
from wedsync.guests.importing.sheet import read_sheet
from wedsync.guests.importing.values import Answer, Meal, Plan, PlannedGuest
from wedsync.kit.errors import Refusal
from wedsync.kit.mapping import FieldMap, Rule

FIXTURES = Path(__file__).parents[1] / "fixtures" / "imports"
EVENTS = ["Ceremony", "Evening party"]


def plan_of(data: bytes | str, *, country: str = "GB", events: list[str] | None = None, name: str = "x.csv") -> Plan:
    sheet = read_sheet(data.encode() if isinstance(data, str) else data, name)
    wanted = EVENTS if events is None else events
    return build_plan(sheet, to_field_map(detect(sheet, country=country)), country=country, events=wanted)


def fixture(name: str, **more: object) -> Plan:
    return plan_of((FIXTURES / name).read_bytes(), name=name, **more)  # type: ignore[arg-type]


def names(plan: Plan) -> list[list[str]]:
    return [[plan.guests[place].display_name for place in party.guests] for party in plan.parties]


def guest(plan: Plan, name: str) -> PlannedGuest:
    return next(guest for guest in plan.guests if guest.display_name == name)


def test_zolas_guest_list_gives_households_with_partners_and_children() -> None:
    plan = fixture("zola_guest_list.csv", country="US")
    assert names(plan) == [
        ["Theodore Marlowe", "Priscilla Marlowe", "Juniper Marlowe", "Otis Marlowe"],
        ["Odalys Quintero", "Guest of Odalys Quintero"],
        ["Winifred Ashdown PhD"],
        ["Rafael Ibarra", "Noor Haddad", "Samir Ibarra-Haddad"],
    ]
    assert [party.name for party in plan.parties][:2] == ["The Marlowe family", "Odalys Quintero"]
    assert guest(plan, "Otis Marlowe").age_band == "child"
    assert guest(plan, "Otis Marlowe").last_name == "Marlowe"
    theo = guest(plan, "Theodore Marlowe")
    assert (theo.phone, theo.side) == ("+14155550134", "partner_a")
    assert theo.address == "18 Larkspur Lane, Petaluma, CA, 94952, United States"
    assert guest(plan, "Guest of Odalys Quintero").kind == "plus_one"
    assert plan.parties[1].plus_ones_allowed == 1


def test_zolas_answers_go_to_the_wedding_s_own_events_and_unknown_ones_are_told() -> None:
    plan = fixture("zola_rsvps.csv", country="US", events=["Ceremony", "Brunch"])
    theo = guest(plan, "Theodore Marlowe")
    assert theo.answers == [Answer("Ceremony", "accepted"), Answer("Brunch", "declined")]
    assert guest(plan, "Winifred Ashdown").answers == [
        Answer("Ceremony", "needs_action"),
        Answer("Brunch", "needs_action"),
    ]
    assert guest(plan, "Odalys Quintero").answers == [Answer("Ceremony", "declined")], "blank is not invited"
    assert [(event.name, event.answers) for event in plan.unknown_events] == [("Welcome Drinks", 3)]


def test_events_keep_their_names_while_the_wedding_has_none() -> None:
    plan = fixture("zola_rsvps.csv", events=[])
    assert guest(plan, "Theodore Marlowe").answers[1] == Answer("Welcome Drinks", "accepted")
    assert plan.unknown_events == []


def test_joys_parties_tags_and_nameless_plus_one() -> None:
    plan = fixture("joy.csv")
    assert names(plan) == [
        ["Imogen Castellan", "Hugo Castellan", "Bea Castellan"],
        ["Tariq Mansoor", "Guest of Tariq Mansoor"],
    ]
    assert plan.parties[0].tags == ["Family", "Day", "Children"]
    assert plan.parties[0].name == "The Castellans"
    assert plan.shared_emails == 1, "Hugo shares Imogen's address and is still Hugo"
    assert guest(plan, "Bea Castellan").answers == [Answer("Ceremony", "declined"), Answer("Evening party", "declined")]


def test_the_knots_lines_meals_and_families() -> None:
    assert names(fixture("the_knot_lines.csv", country="US")) == [
        ["Leopold Fairweather", "Mrs. Fairweather"],
        ["Cordelia Vance", "Ambrose Pike"],
        ["Okonkwo family, guest 1"],
    ]
    plan = fixture("the_knot.csv", country="US")
    assert guest(plan, "Sybil Fairweather").meals == [Meal("", "Salmon")]
    assert [party.name for party in plan.parties] == ["Fairweather", "Vance"]


def test_envelopes_of_minted_name_couples_guests_and_families() -> None:
    plan = fixture("minted.csv", country="US")
    assert [len(party.guests) for party in plan.parties] == [2, 2, 2, 5]
    assert plan.parties[3].name == "The Delacroix family"


def test_address_books_lose_nothing_people_need() -> None:
    plan = fixture("google_contacts.csv")
    jose = guest(plan, "José Luis Ortega y Gasset")
    assert (jose.last_name, jose.first_name, jose.title) == ("Ortega y Gasset", "José Luis", "Dr.")
    otti = guest(plan, "Ottoline Feathers")
    assert (otti.email, otti.phone, otti.tags) == ("otti@example.com", "+447700900111", ["Wedding"])
    assert otti.address == "3 Quay Street, Whitby, YO21 1AA, United Kingdom"
    lars = guest(fixture("outlook.csv"), "Lars van den Berg")
    assert (lars.phone, lars.address) == ("+31612345678", "Prinsengracht 9, Amsterdam, 1015 DV, Netherlands")
    assert guest(fixture("google_contacts_old.csv"), "Percival Nightingale").tags == ["Guests"]


def test_rsvpifys_groups_partifuls_answers_evites_contacts_and_eventbrites_orders() -> None:
    assert [len(party.guests) for party in fixture("rsvpify.csv").parties] == [3, 3]
    partiful = fixture("partiful.csv", events=["Ceremony"])
    assert guest(partiful, "Coco Valentine").answers == [Answer("Ceremony", "accepted", "2027-03-14")]
    evite = fixture("evite.csv", country="US")
    assert (guest(evite, "Gwen Holloway").email, guest(evite, "Ned Pryce").phone) == (
        "gwen@example.com",
        "+12025550172",
    )
    assert len(evite.parties[0].guests) == 3
    assert [guest.key for guest in fixture("eventbrite.csv").guests] == ["eventbrite:id:9001", "eventbrite:id:9002"]


def test_a_workbook_gives_ages_dates_and_scripts() -> None:
    plan = fixture("guest_book.xlsx")
    assert guest(plan, "Poppy Hargreaves").age_band == "infant"
    assert guest(plan, "Clementine Hargreaves").phone == "+447700900131"
    assert guest(plan, "Søren Ødegård").answers[0] == Answer("Ceremony", "declined", "2027-04-13")
    assert guest(plan, "李 小龙").age_band == "child"


def test_german_words_are_understood() -> None:
    plan = fixture("german_spreadsheet.csv", country="DE")
    assert [guest.answers[0].status for guest in plan.guests] == ["accepted", "declined", "accepted"]
    needs = guest(plan, "Käthe Größmann").needs
    assert needs is not None
    assert {allergen.key for allergen in needs.allergens} == {"peanuts", "tree_nuts"}
    assert guest(plan, "Finn Größmann").age_band == "child"
    none = guest(plan, "Jürgen Größmann").needs
    assert none is not None
    assert none.answered
    assert not none.allergens


def test_dates_are_read_as_their_column_writes_them() -> None:
    plan = fixture("us_dates.csv", events=["Ceremony"])
    assert [guest.answers[0].answered_on for guest in plan.guests] == ["2027-03-04", "2027-03-19", "2027-04-02"]


def test_the_messy_list_is_planned_with_every_fault_named() -> None:
    plan = fixture("messy_300.csv")
    assert plan.rows == 300
    assert [(issue.row, issue.column) for issue in plan.errors] == [
        (44, "Guest(s)"),
        (84, "E-mail"),
        (85, "E-mail"),
        (164, "Guest(s)"),
    ]
    assert all(issue.reason.endswith(".") for issue in [*plan.errors, *plan.warnings])
    assert 124 in plan.duplicates, "the same person again, word for word"
    warned = {issue.row: issue.column for issue in plan.warnings}
    assert (warned[204], warned[224], warned[244]) == ("Ceremony", "RSVP'd on", "Phone")
    assert plan.shared_emails > 10
    assert any(party.rule == "address" for party in plan.parties)
    assert all(guest.answers[0].answered_on < "2027-07" for guest in plan.guests if guest.answers)


def test_strange_names_are_kept_refused_or_cleaned_but_never_break_anything() -> None:
    plan = fixture("strange_names.csv")
    assert [issue.row for issue in plan.errors] == [3, 8, 9], "301 characters and two formulas"
    assert len(plan.guests[0].first_name) == 300
    assert {"👩‍👩‍👧", "محمد العلي", "Evil Override", "Bell Nulled", "O’Brien-Łukasz d'Arcy"} <= {
        guest.display_name for guest in plan.guests
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Name,Household\nAna Li,A\nBen Wu,B\nCy Li,A\n", [["Ana Li", "Cy Li"], ["Ben Wu"]]),
        ("Name,Name on envelope\nAna Li,The Lis\nCy Li,The Lis\n", [["Ana Li", "Cy Li"]]),
        ("Name,Address\nAna Li,1 High St\nBen Wu,2 High St\nCy Li,1 high st.\n", [["Ana Li", "Cy Li"], ["Ben Wu"]]),
        (
            "Name,Address\nAna Li,1 High St\nCy Li,\nBen Wu,2 High St\nDee Wu,\n",
            [["Ana Li", "Cy Li"], ["Ben Wu", "Dee Wu"]],
        ),
        ("Name,Address\nAna Li,1 High St\nBen Wu,\n", [["Ana Li"], ["Ben Wu"]]),
        ("Name,Email\nAna Li,a@example.com\nCy Li,c@example.com\n", [["Ana Li"], ["Cy Li"]]),
        ("Name,Guest of\nAna Li,\nBen Wu,\nDee Fox,Ana Li\n", [["Ana Li", "Dee Fox"], ["Ben Wu"]]),
        ("Name\nAna Li\nBen Wu\nGuest of Ana Li\n", [["Ana Li", "Guest of Ana Li"], ["Ben Wu"]]),
        ("Guest 1,Guest 2\nAna Li,Ben Wu\n", [["Ana Li", "Ben Wu"]]),
        ("Name,Number of guests\nAna Li,3\n", [["Ana Li", "Guest of Ana Li", "Guest of Ana Li"]]),
        ("Name,Kids\nAna Li,2\n", [["Ana Li", "Child of Ana Li", "Child of Ana Li"]]),
        ("Name,Kids\nAna Li,Bo and Cy\n", [["Ana Li", "Bo Li", "Cy Li"]]),
        ("Name,Plus one\nAna Li,Ben Wu\nCy Ray,no\n", [["Ana Li", "Ben Wu"], ["Cy Ray"]]),
        ("First Name,Last Name\nJohn & Jane,Smith\n", [["John Smith", "Jane Smith"]]),
        ("First Name,Last Name\nJohn & Jane,Smith & Jones\n", [["John Smith", "Jane Jones"]]),
        ("First Name,Last Name,Title\nJohn & Jane,Smith,Dr & Mrs\n", [["John Smith", "Jane Smith"]]),
    ],
)
def test_parties_follow_the_best_evidence(text: str, expected: list[list[str]]) -> None:
    assert names(plan_of(text)) == expected


def test_a_surname_alone_is_only_a_suggestion() -> None:
    plan = plan_of("Name,Email\nAna Li,a@example.com\nCy Li,c@example.com\n")
    assert [(pair.row, pair.other_row) for pair in plan.suggestions] == [(2, 3)]


def test_an_office_address_does_not_make_one_party() -> None:
    rows = "".join(f"P{chr(65 + n)} Zed{chr(65 + n)},1 Office Park\n" for n in range(12))
    assert len(plan_of(f"Name,Address\n{rows}").parties) == 12


@pytest.mark.parametrize(
    ("text", "kept", "duplicates", "possible"),
    [
        ("Name,Email\nBob Smith,b@example.com\nRobert Smith,B@example.com\n", 1, [3], 0),
        ("Name,Email\nAna Li,a@example.com\nBen Li,a@example.com\n", 2, [], 0),
        ("Name,Phone\nAna Li,07700 900123\nAna Li,+447700900123\n", 1, [3], 0),
        ("Name,Household\nAna Li,A\nAna Li,A\n", 1, [3], 0),
        ("Name,Household\nAna Li,A\nAna Li,B\n", 2, [], 1),
        ("Name,Household,Email\nAl Li,A,a@example.com\nAl Li,A,b@example.com\n", 2, [], 0),
        ("Name,Household,Age\nAl Li,A,40\nAl Li,A,9\n", 2, [], 0),
        ("Name,Household\nAl Li Sr,A\nAl Li Jr,A\n", 2, [], 0),
        ("Name\nMr & Mrs Li\nMr & Mrs Li\n", 4, [], 2),
    ],
)
def test_the_same_person_twice_is_one_and_a_shared_address_is_no_identity(
    text: str, kept: int, duplicates: list[int], possible: int
) -> None:
    plan = plan_of(text)
    assert (len(plan.guests), plan.duplicates, len(plan.possible_duplicates)) == (kept, duplicates, possible)


def test_a_duplicate_fills_what_the_first_row_lacks_and_brings_no_second_plus_one() -> None:
    plan = plan_of(
        "Name,Email,Phone,RSVP,Tags,Plus One\n"
        "Ana Li,a@example.com,,,Work,yes\n"
        "Ana Li,a@example.com,07700 900123,yes,Choir,yes\n"
    )
    ana, extra = plan.guests
    assert (ana.phone, ana.tags, ana.answers[0].status) == ("+447700900123", ["Work", "Choir"], "accepted")
    assert extra.plus_one_of == ana.key
    assert "row 2" in plan.warnings[0].reason


def test_what_is_not_understood_is_a_warning_and_the_guest_is_kept() -> None:
    plan = plan_of("Name,RSVP,Phone,Age\nAna Li,yes,07700 900124,30\nBen Wu,if it rains,call me,ancient\n")
    assert len(plan.guests) == 2
    assert {issue.column for issue in plan.warnings} == {"RSVP", "Phone", "Age"}
    assert plan.errors == []


def test_answers_meals_and_needs_of_a_row_of_several_people() -> None:
    plan = plan_of(
        "Name,Attending,Meal,Dietary\nAna and Ben Li + guest,2,Beef; Fish,severe nut allergy\nCy Ray,n/a,,\n"
    )
    ana, ben, extra, cy = plan.guests
    assert [meal.words for meal in (*ana.meals, *ben.meals)] == ["Beef", "Fish"]
    assert ana.answers[0].status == ben.answers[0].status == "accepted"
    assert extra.answers == []
    assert cy.answers == [], "not invited is no answer"
    assert ana.needs is not None
    assert ben.needs is None
    assert "several people" in plan.warnings[0].reason


def test_odd_rows_find_their_place() -> None:
    plan = plan_of(
        "First Name,Last Name,Email or phone,Plus one,Song\n"
        "Ana,Li,a@example.com,+2,Hey Jude\n"
        "Guest,of Nobody Known,,,\n"
        "Bo (vegan),Wu,neither,,\n"
    )
    assert [guest.display_name for guest in plan.guests] == [
        *["Ana Li", "Guest of Ana Li", "Guest of Ana Li"],
        *["Bo Wu", "Guest of Nobody Known"],
    ]
    assert plan.guests[0].custom == {"Song": "Hey Jude"}
    assert plan.guests[3].needs is not None
    assert plan.guests[3].needs.diets == ("vegan",)
    assert [issue.column for issue in plan.warnings] == ["Email or phone"]


def test_names_too_long_together_are_refused() -> None:
    plan = plan_of(f"First Name,Middle Name,Last Name\n{'a' * 200},{'b' * 200},Li\nAna,,Li\n")
    assert plan.rejected == [2]
    assert "300" in plan.errors[0].reason


def test_numbers_a_source_gives_twice_still_make_two_keys() -> None:
    plan = plan_of("Guest ID,Name\n7,Ana Li\n7,Ben Wu + guest\n")
    assert [guest.key for guest in plan.guests] == ["spreadsheet:id:7", "spreadsheet:id:7#2", "spreadsheet:id:7#2/1"]
    assert plan.guests[2].plus_one_of == "spreadsheet:id:7#2"


def test_endless_names_make_short_keys() -> None:
    plan = plan_of(f"First Name,Last Name\n{'ß' * 299},{'ß' * 300}\n")
    assert len(plan.guests[0].key) <= 400
    assert len(plan.guests[0].name_sort) <= 700


def test_a_mapping_without_names_is_refused() -> None:
    sheet = read_sheet(b"Name,Email\nAna,a@example.com\n", "x.csv")
    with pytest.raises(Refusal) as refused:
        build_plan(sheet, FieldMap("spreadsheet", 1, (Rule("email", ("Email",)),)), country="GB")
    assert refused.value.code == "mapping_without_names"


def test_a_remembered_mapping_ignores_columns_this_file_lacks() -> None:
    sheet = read_sheet(b"Name,Email\nAna Li,a@example.com\n", "x.csv")
    remembered = FieldMap("spreadsheet", 1, (Rule("full_name", ("Name", "Guest")), Rule("phone", ("Mobile",))))
    assert len(build_plan(sheet, remembered, country="GB").guests) == 1


def test_a_row_that_cannot_be_a_row_is_rejected_with_the_others_kept() -> None:
    body = "".join(f"Guest{chr(97 + n)} Ray,Leeds\n" for n in range(10))
    plan = plan_of(f"Name,City\nAna Li,Ely, Cambs\n{body}")
    assert (plan.rows, plan.rejected, len(plan.guests)) == (11, [2], 10)


def test_a_plan_is_a_value_that_can_be_stored_and_read_again() -> None:
    plan = fixture("messy_300.csv")
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan
    assert fixture("messy_300.csv") == plan, "the same file gives the same plan"


NAME = st.text(st.characters(categories=("Lu", "Ll", "Lo", "Nd", "Po", "Zs", "So", "Sm")), max_size=14)
ROW = st.tuples(
    NAME, NAME, st.sampled_from(["", "a@example.com", "b@example.com", "bad"]), st.sampled_from(["", "A", "B"])
)


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12))
def test_every_row_is_accounted_for_and_keys_are_unique(rows: list[tuple[str, ...]]) -> None:
    lines = ["First Name,Last Name,Email,Household"]
    lines += [",".join('"' + cell.replace('"', "") + '"' for cell in row) for row in rows]
    try:
        plan = plan_of("\n".join(lines))
    except Refusal:
        return
    keys = [guest.key for guest in plan.guests]
    assert len(set(keys)) == len(keys)
    assert all(len(key) <= 400 for key in keys)
    assert sorted(place for party in plan.parties for place in party.guests) == list(range(len(plan.guests)))
    seen = {guest.row for guest in plan.guests} | set(plan.rejected) | set(plan.duplicates)
    assert len(seen) == plan.rows
    assert all(guest.display_name and len(guest.name_sort) <= 700 for guest in plan.guests)
    hosts = {guest.plus_one_of for guest in plan.guests if guest.plus_one_of}
    assert hosts <= set(keys)
