"""A plan meets what is there: blanks never erase, later answers win, and importing twice changes nothing."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.guests.importing.detect import detect, to_field_map
from wedsync.guests.importing.merge import decide, merge
from wedsync.guests.importing.plan import build_plan
from wedsync.guests.importing.sheet import read_sheet
from wedsync.guests.importing.values import (
    Existing,
    ExistingAnswer,
    ExistingGuest,
    ExistingParty,
    GuestStep,
    Merge,
    Plan,
    flat,
)
from wedsync.kit.errors import Refusal

FIXTURES = Path(__file__).parents[1] / "fixtures" / "imports"
EVENTS = ["Ceremony", "Evening party"]


def plan_of(text: str | bytes) -> Plan:
    sheet = read_sheet(text.encode() if isinstance(text, str) else text, "x.csv")
    return build_plan(sheet, to_field_map(detect(sheet, country="GB")), country="GB", events=["Ceremony"])


def stored(plan: Plan, merged: Merge, before: Existing | None = None) -> Existing:
    """What the wedding holds once the merge was written: the reference for how to apply one."""
    before = before or Existing()
    guests = {guest.id: guest for guest in before.guests}
    parties = {party.id: party for party in before.parties}
    by_party = {}
    for step in merged.parties:
        planned = plan.parties[step.party]
        by_party[step.party] = fresh = step.party_id or f"p{len(parties)}"
        parties.setdefault(fresh, ExistingParty(id=fresh, name=planned.name, side=planned.side, tags=planned.tags))
        for change in step.changes:
            setattr(parties[fresh], change.field, change.theirs.split("|") if change.field == "tags" else change.theirs)
    for step in merged.guests:
        planned_guest = plan.guests[step.guest]
        if step.op == "new":
            fields = flat(planned_guest)
            answers = {name[5:]: value for name, value in fields.items() if name.startswith("rsvp:")}
            guest_id = f"g{len(guests)}"
            guests[guest_id] = ExistingGuest(
                id=guest_id,
                party_id=by_party[planned_guest.party],
                key=planned_guest.key,
                kind=planned_guest.kind,
                fields={name: value for name, value in fields.items() if not name.startswith("rsvp:")},
                answers={event: ExistingAnswer(status, "", "import") for event, status in answers.items()},  # type: ignore[arg-type]
            )
        for change in step.changes:
            if change.field.startswith("rsvp:"):
                guests[step.guest_id].answers[change.field[5:]] = ExistingAnswer(change.theirs, "", "import")  # type: ignore[arg-type]
            else:
                guests[step.guest_id].fields[change.field] = change.theirs
    return Existing(guests=list(guests.values()), parties=list(parties.values()), bases=merged.bases)


def known(**more: object) -> ExistingGuest:
    fields = {"first_name": "Ana", "last_name": "Li", "display_name": "Ana Li", "email": "a@example.com"}
    answers = more.pop("answers", {})
    fields |= {name: str(value) for name, value in more.items() if name not in {"key", "kind", "party_id"}}
    return ExistingGuest(
        id="g1",
        party_id=str(more.get("party_id", "p1")),
        key=str(more.get("key", "")),
        kind=str(more.get("kind", "named")),
        fields={name: value for name, value in fields.items() if value},
        answers=answers,  # type: ignore[arg-type]
    )


def step_of(text: str, guest: ExistingGuest, base: dict[str, str] | None = None) -> GuestStep:
    plan = plan_of(text)
    bases = {plan.guests[0].key: base} if base is not None else {}
    return merge(plan, Existing(guests=[guest], parties=[ExistingParty(id="p1", name="Li")], bases=bases)).guests[0]


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.iterdir()))
def test_the_first_import_makes_everybody_and_the_second_nobody(name: str) -> None:
    try:
        sheet = read_sheet((FIXTURES / name).read_bytes(), name)
    except Refusal:
        return
    plan = build_plan(sheet, to_field_map(detect(sheet, country="GB")), country="GB", events=EVENTS)
    first = merge(plan, Existing())
    assert {step.op for step in first.guests} == {"new"}
    assert first.result.created == plan.rows - len(plan.rejected) - len(plan.duplicates)
    there = stored(plan, first)
    again = merge(plan, there)
    assert {step.op for step in again.guests} == {"same"}
    assert again.counts.conflicts == 0
    assert again.counts.parties_new == 0
    assert not any(step.changes for step in again.parties)
    assert (again.result.created, again.result.updated) == (0, 0)
    assert again.result.skipped == plan.rows - len(plan.rejected)
    without_memory = merge(plan, Existing(guests=there.guests, parties=there.parties))
    assert {step.op for step in without_memory.guests} == {"same"}, "even where no base was kept"


def test_the_result_counts_rows_and_they_add_up() -> None:
    sheet = read_sheet((FIXTURES / "messy_300.csv").read_bytes(), "messy.csv")
    plan = build_plan(sheet, to_field_map(detect(sheet, country="GB")), country="GB", events=EVENTS)
    result = merge(plan, Existing()).result
    assert result.rows == result.created + result.updated + result.skipped + result.rejected == 300
    assert result.rejected == 4
    assert {issue.row for issue in result.errors} == {44, 84, 85, 164}


@pytest.mark.parametrize(
    ("text", "guest", "op"),
    [
        ("Name,Email\nAna Li,A@Example.com\n", known(), "same"),
        ("Name,Email\nA Li,a@example.com\n", known(), "same"),
        ("Name,Phone\nAna Li,07700 900123\n", known(email="", phone="+447700900123"), "same"),
        ("Name,Household\nAna Li,Li\n", known(email=""), "same"),
        ("Name,Email\nAna Li,\n", known(), "same"),
        ("Name,Email\nAna Li,other@example.com\n", known(), "possible"),
        ("Name,Email\nBen Li,a@example.com\n", known(), "new"),
        ("Name,Email\nAnna Li,c@example.com\n", known(), "new"),
    ],
)
def test_a_guest_is_recognised_by_contact_then_by_name_never_by_a_shared_address(
    text: str, guest: ExistingGuest, op: str
) -> None:
    step = step_of(text, guest)
    assert step.op == op
    assert bool(step.reason) == (op == "possible")


def test_a_blank_never_erases_and_a_blank_of_ours_is_filled() -> None:
    step = step_of("Name,Email,Phone,Address\nAna Li,a@example.com,07700 900123,\n", known(address="1 High St"))
    assert step.op == "update"
    assert [(change.field, change.ours, change.theirs) for change in step.changes] == [("phone", "", "+447700900123")]


@pytest.mark.parametrize(
    ("base", "changes", "conflicts"),
    [
        (None, [], ["table_label"]),
        ({"table_label": "4"}, ["table_label"], []),  # only the file changed
        ({"table_label": "5"}, [], []),  # only we changed
        ({"table_label": "9"}, [], ["table_label"]),  # both did
    ],
)
def test_three_ways_decide_who_changed_a_field(
    base: dict[str, str] | None, changes: list[str], conflicts: list[str]
) -> None:
    step = step_of("Name,Email,Table\nAna Li,a@example.com,5\n", known(table_label="4"), base)
    assert [change.field for change in step.changes] == changes
    assert [change.field for change in step.conflicts] == conflicts


@pytest.mark.parametrize(
    ("row", "ours", "base", "outcome"),
    [
        ("yes,", None, None, "taken"),
        ("yes,", ExistingAnswer("needs_action"), None, "taken"),
        ("no reply,", ExistingAnswer("accepted", "2027-03-01T10:00:00Z", "guest"), None, "kept"),
        ("yes,", ExistingAnswer("accepted", "2027-03-01T10:00:00Z", "guest"), None, "kept"),
        ("no,01/02/2027", ExistingAnswer("accepted", "2027-03-01T10:00:00Z", "guest"), None, "kept"),
        ("no,14/03/2027", ExistingAnswer("accepted", "2027-03-01T10:00:00Z", "guest"), None, "taken"),
        ("no,", ExistingAnswer("accepted", "2027-03-01T10:00:00Z", "guest"), None, "conflict"),
        ("no,", ExistingAnswer("accepted", "2027-03-01T10:00:00Z", "guest"), "declined", "kept"),
        ("no,", ExistingAnswer("accepted", "", "import"), "accepted", "taken"),
        ("no,", ExistingAnswer("accepted", "2027-03-01T10:00:00Z", "guest"), "accepted", "conflict"),
    ],
)
def test_the_later_answer_wins_and_silence_says_nothing(
    row: str, ours: ExistingAnswer | None, base: str | None, outcome: str
) -> None:
    guest = known(answers={"Ceremony": ours} if ours else {})
    text = f"Name,Email,RSVP,RSVP date\nAna Li,a@example.com,{row}\nZed Fox,z@example.com,yes,31/01/2027\n"
    step = step_of(text, guest, {"rsvp:Ceremony": base} if base else None)
    found = "taken" if step.changes else "conflict" if step.conflicts else "kept"
    assert found == outcome


def test_a_plus_one_gets_the_name_the_file_now_knows() -> None:
    there = known(kind="plus_one", key="x", first_name="", last_name="", display_name="Guest of Ben Wu", email="")
    plan = plan_of("Name,Plus One\nBen Wu,yes\n")
    there.key = plan.guests[1].key
    named = plan_of("Name,Plus One\nBen Wu,Cleo Fox\n")
    named.guests[1].key = there.key
    step = merge(named, Existing(guests=[there])).guests[1]
    assert ("display_name", "Cleo Fox") in [(change.field, change.theirs) for change in step.changes]
    assert step.conflicts == []


def test_somebody_removed_since_is_not_brought_back_unasked() -> None:
    plan = plan_of("Name\nAna Li\nBen Wu\n")
    there = stored(plan, merge(plan, Existing()))
    there.guests = [guest for guest in there.guests if guest.fields["display_name"] != "Ben Wu"]
    step = merge(plan, there).guests[1]
    assert step.op == "possible"
    assert "removed" in step.reason


def test_a_namesake_of_another_list_with_another_address_is_not_the_same_person() -> None:
    first = plan_of("Name,Email\nAna Li,a@example.com\n")
    there = stored(first, merge(first, Existing()))
    there.bases = {}
    assert merge(plan_of("Name,Email\nAna Li,b@example.com\n"), there).guests[0].op == "possible"


def test_a_list_numbered_anew_does_not_turn_one_guest_into_another() -> None:
    first = plan_of("Guest ID,Name,Email\n1,Ana Li,a@example.com\n2,Ben Wu,\n")
    there = stored(first, merge(first, Existing()))
    second = plan_of("Guest ID,Name,Email\n1,Zed Fox,\n2,Ana Li,a@example.com\n3,Ben Wu,\n")
    assert [step.op for step in merge(second, there).guests] == ["possible", "same", "same"]
    renamed = plan_of("Guest ID,Name,Email\n1,Ana Wu,a@example.com\n2,Ben Wu,\n")
    assert [change.field for change in merge(renamed, there).guests[0].changes] == ["last_name", "display_name"]


def test_a_namesake_higher_up_in_the_list_does_not_take_the_place_of_who_was_there() -> None:
    first = plan_of("Name\nAna Li\n")
    there = stored(first, merge(first, Existing()))
    second = plan_of("Name,Email,Household,RSVP\nBen Wu,a@example.com,A,\nAna Li,,,\nAna Li,,A,yes\n")
    merged = merge(second, there)
    again = merge(second, stored(second, merged, there))
    assert {step.op for step in again.guests} == {"same"}


def test_one_stored_guest_is_recognised_once() -> None:
    plan = plan_of("Name,Household\nAna Li,A\nAna Li,B\n")
    there = Existing(guests=[known(email="")], parties=[ExistingParty(id="p1", name="B")])
    assert sorted(step.op for step in merge(plan, there).guests) == ["new", "same"]


def test_a_known_party_takes_new_guests_and_gains_tags_but_loses_none() -> None:
    plan = plan_of("Name,Household,Tags,Side\nAna Li,Li,Choir,Both\nCy Li,Li,Choir,Both\n")
    there = Existing(guests=[known()], parties=[ExistingParty(id="p1", name="Li", tags=["Work"])])
    merged = merge(plan, there)
    assert [step.op for step in merged.guests] == ["same", "new"]
    assert merged.parties[0].party_id == "p1"
    assert [(change.field, change.theirs) for change in merged.parties[0].changes] == [
        ("side", "both"),
        ("tags", "Work|Choir"),
    ]
    assert merged.counts.parties_new == 0


def test_a_person_decides_what_was_left_to_them() -> None:
    plan = plan_of("Name,Email,Table\nAna Li,a@example.com,5\nBen Wu,b@example.com,1\n")
    ben = ExistingGuest(
        id="g2",
        party_id="p2",
        fields={"first_name": "Ben", "last_name": "Wu", "display_name": "Ben Wu", "email": "x@example.com"},
    )
    merged = merge(plan, Existing(guests=[known(table_label="4"), ben]))
    assert [step.op for step in merged.guests] == ["same", "possible"]
    assert merged.counts.conflicts == 1
    theirs = decide(merged, {0: "theirs", 1: "new"})
    assert [step.op for step in theirs.guests] == ["update", "new"]
    assert theirs.guests[0].conflicts == []
    ours = decide(merged, {0: "ours", 1: "skip"})
    assert [step.op for step in ours.guests] == ["same", "possible"]
    assert ours.guests[0].conflicts == []


NAME = st.sampled_from(["Ana Li", "Ben Wu", "Cy Ray", "Ana Wu", "Mr & Mrs Li", "Dee + guest", "The Fox Family (3)"])
CELL = st.sampled_from(["", "a@example.com", "b@example.com", "c@example.com"])
ROWS = st.lists(
    st.tuples(NAME, CELL, st.sampled_from(["", "yes", "no", "maybe"]), st.sampled_from(["", "A", "B"])),
    min_size=1,
    max_size=9,
)


def csv_of(rows: list[tuple[str, ...]]) -> str:
    return "Name,Email,RSVP,Household\n" + "".join(",".join(row) + "\n" for row in rows)


@settings(deadline=None)
@given(ROWS, ROWS)
def test_any_two_imports_add_up_and_repeating_the_last_changes_nothing(
    one: list[tuple[str, ...]], other: list[tuple[str, ...]]
) -> None:
    first = plan_of(csv_of(one))
    there = stored(first, merge(first, Existing()))
    second = plan_of(csv_of(other))
    merged = merge(second, Existing(guests=there.guests, parties=there.parties))
    result = merged.result
    assert result.rows == result.created + result.updated + result.skipped + result.rejected == len(other)
    assert min(result.created, result.updated, result.skipped, result.rejected) >= 0
    recognised = [step.guest_id for step in merged.guests if step.guest_id]
    assert len(recognised) == len(set(recognised))
    assert all(change.theirs for step in merged.guests for change in step.changes), "a blank never erases"
    repeated = merge(second, stored(second, merged, there))
    assert not any(step.op in {"new", "update"} for step in repeated.guests)
