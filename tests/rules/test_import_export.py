"""The way back: exports open safely, import again unchanged, and rejected rows come with their reasons."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.guests.importing.delimited import cell
from wedsync.guests.importing.detect import detect, to_field_map
from wedsync.guests.importing.export import (
    REASON_HEADER,
    ExportGuest,
    export_rows,
    neutral,
    rejected_csv,
    to_csv,
    to_json,
)
from wedsync.guests.importing.merge import merge
from wedsync.guests.importing.needs import Allergen, Needs
from wedsync.guests.importing.plan import build_plan
from wedsync.guests.importing.sheet import read_sheet
from wedsync.guests.importing.values import Answer, Existing, ExistingAnswer, ExistingGuest, Meal, Plan

FIXTURES = Path(__file__).parents[1] / "fixtures" / "imports"
ANA = ExportGuest(
    id="0192-a",
    display_name="Granny Ana",
    first_name="Ana & Co",
    last_name="Li",
    party_id="p1",
    party="The Lis",
    side="partner_a",
    tags=["Family", "Choir"],
    age_band="teen",
    role="bridesmaid",
    table_label="=4",
    email="ana@example.com",
    phone="+447700900123",
    address="1 High St, Leeds",
    needs=Needs(
        allergens=(Allergen(key="peanuts", severity="anaphylaxis", cross_contact_ok="no"),),
        diets=("vegan",),
        access=("step_free",),
        note="no nuts; vegan",
    ),
    answers={"Ceremony": "accepted", "Brunch (late)": "needs_action"},
    meals={"Ceremony": "Fish"},
)
GUEST = ExportGuest(
    id="0192-b",
    display_name="Guest of Granny Ana",
    kind="plus_one",
    plus_one_of="Granny Ana",
    party_id="p1",
    party="The Lis",
)
NONE = ExportGuest(id="0192-c", display_name="Bo", first_name="Bo", party_id="p2", party="Bo", needs=Needs())


def imported(data: bytes, events: tuple[str, ...] = ("Ceremony", "Brunch (late)")) -> Plan:
    sheet = read_sheet(data, "export.csv")
    found = detect(sheet)
    assert found.source == "wedsync"
    return build_plan(sheet, to_field_map(found), country="GB", events=events)


def test_an_export_imports_again_as_it_was() -> None:
    plan = imported(to_csv(export_rows([ANA, GUEST, NONE])))
    ana, extra, bo = plan.guests
    assert plan.errors == plan.warnings == []
    assert (ana.guest_id, ana.display_name, ana.first_name, ana.last_name) == ("0192-a", "Granny Ana", "Ana & Co", "Li")
    assert (ana.age_band, ana.role, ana.table_label, ana.side) == ("teen", "bridesmaid", "=4", "partner_a")
    assert (ana.email, ana.phone, ana.address) == (ANA.email, ANA.phone, ANA.address)
    assert ana.needs == ANA.needs
    assert ana.answers == [Answer("Ceremony", "accepted"), Answer("Brunch (late)", "needs_action")]
    assert ana.meals == [Meal("Ceremony", "Fish")]
    assert (extra.kind, extra.display_name, extra.plus_one_of) == ("plus_one", "Guest of Granny Ana", ana.key)
    assert bo.needs == Needs(), "none is an answer"
    assert extra.needs is None
    assert [(party.name, party.tags, len(party.guests)) for party in plan.parties] == [
        ("The Lis", ["Family", "Choir"], 2),
        ("Bo", [], 1),
    ]


def test_a_row_copied_in_our_own_export_is_one_guest() -> None:
    data = to_csv(export_rows([ANA, GUEST, ANA, GUEST]))
    plan = imported(data)
    assert [guest.guest_id for guest in plan.guests] == [ANA.id, GUEST.id]
    assert plan.duplicates == [4, 5]


def test_needs_that_were_changed_by_hand_are_read_as_far_as_they_are_known() -> None:
    data = to_csv(export_rows([ANA])).decode().replace("anaphylaxis", "dreadful").replace(",vegan,", ",breatharian,")
    needs = imported(data.encode()).guests[0].needs
    assert needs is not None
    assert (needs.allergens, needs.diets, needs.note) == ((), (), "no nuts; vegan")


def test_an_export_of_a_wedding_changes_nothing_in_it() -> None:
    plan = imported(to_csv(export_rows([ANA, NONE])))
    there = [
        ExistingGuest(
            id="0192-a",
            party_id="p1",
            fields={
                **{
                    name: getattr(ANA, name) for name in ("first_name", "last_name", "display_name", "age_band", "role")
                },
                **{name: getattr(ANA, name) for name in ("table_label", "email", "phone", "address")},
                "needs": "no nuts; vegan",
                "meal:Ceremony": "Fish",
            },
            answers={"Ceremony": ExistingAnswer("accepted"), "Brunch (late)": ExistingAnswer("needs_action")},
        ),
        ExistingGuest(
            id="0192-c",
            party_id="p2",
            fields={"first_name": "Bo", "display_name": "Bo", "age_band": "adult", "needs": "none"},
        ),
    ]
    merged = merge(plan, Existing(guests=there))
    assert [(step.op, step.conflicts) for step in merged.guests] == [("same", []), ("same", [])]


def test_an_export_is_what_spreadsheets_expect_and_json_is_the_same() -> None:
    rows = export_rows([ANA, GUEST])
    data = to_csv(rows)
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == 3
    assert b",'+447700900123," in data
    assert b",'=4," in data
    assert json.loads(to_json(rows)) == rows
    assert set(rows[0]) == set(rows[1])
    assert to_csv([]).startswith(b"\xef\xbb\xbfWedSync ID,Name,")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "'=1", "''+1", "'\t=1"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert neutral(text) == f"'{text}"
    assert neutral(neutral(text)) == f"''{text}"


@pytest.mark.parametrize("text", ["", "Ana", "O'Brien", "'quoted'", "1-2", "a=b", "''"])
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


@settings(deadline=None)
@given(st.text(max_size=20))
def test_a_neutralised_cell_reads_as_the_cell(text: str) -> None:
    assert cell(neutral(text.strip())) == text.strip()
    assert not neutral(text).lstrip()[:1] or neutral(text).lstrip()[0] not in "=+-@＝＋－＠"


WORD = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Zs")) | st.sampled_from("=+-@'\",;|\n "),
    min_size=1,
    max_size=16,
).map(lambda text: " ".join(text.split())).filter(bool)  # fmt: skip
STATUS = st.sampled_from(["accepted", "declined", "tentative", "needs_action"])


@st.composite
def exported(draw: st.DrawFn) -> ExportGuest:
    return ExportGuest(
        id=f"id-{draw(st.integers(0, 10**9))}",
        display_name=draw(WORD),
        first_name=draw(WORD | st.just("")),
        last_name=draw(WORD | st.just("")),
        kind=draw(st.sampled_from(["named", "plus_one"])),
        party_id=draw(st.sampled_from(["p1", "p2", "p3"])),
        party=draw(WORD),
        age_band=draw(st.sampled_from(["adult", "teen", "child", "infant"])),
        phone=draw(st.sampled_from(["", "+447700900123", "+12025550123"])),
        answers={"Ceremony": draw(STATUS)} if draw(st.booleans()) else {},
        needs=draw(st.sampled_from([None, Needs(), ANA.needs])),
    )


@settings(deadline=None)
@given(st.lists(exported(), min_size=1, max_size=8, unique_by=lambda guest: guest.id))
def test_every_export_imports_again_as_it_was(guests: list[ExportGuest]) -> None:
    plan = imported(to_csv(export_rows(guests)), events=("Ceremony",))
    assert plan.errors == []
    by_id = {guest.guest_id: guest for guest in plan.guests}
    assert len(by_id) == len(plan.guests) == len(guests)
    for guest in guests:
        found = by_id[guest.id]
        for name in ("display_name", "first_name", "last_name", "kind", "age_band", "phone", "needs"):
            assert getattr(found, name) == getattr(guest, name)
        assert {answer.event: answer.status for answer in found.answers} == guest.answers
    parties = {guest.party_id for guest in guests}
    assert len(plan.parties) == len(parties)


def test_rejected_rows_come_back_as_a_file_that_can_be_mended_and_imported() -> None:
    sheet = read_sheet((FIXTURES / "messy_300.csv").read_bytes(), "messy.csv")
    plan = build_plan(sheet, to_field_map(detect(sheet, country="GB")), country="GB", events=["Ceremony"])
    data = rejected_csv(sheet, plan.errors)
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert len(rows) == 4
    assert rows[0]["Guest(s)"].startswith("'=HYPERLINK")
    assert rows[1][REASON_HEADER] == "E-mail: This is not an e-mail address. Write it like name@example.com."
    mended = data.replace(b"not-an-address", b"mended@example.com")
    again = read_sheet(mended, "rejected.csv")
    found = build_plan(again, to_field_map(detect(again, country="GB")), country="GB", events=["Ceremony"])
    assert any(guest.email == "mended@example.com" for guest in found.guests)
    assert REASON_HEADER not in rejected_csv(again, found.errors).decode().split("\r\n")[1]
    assert rejected_csv(again, found.errors).decode().count(REASON_HEADER) == 1


def test_a_row_that_could_not_be_cut_comes_back_as_it_stood() -> None:
    body = "".join(f"Guest{chr(97 + n)} Ray,Leeds\n" for n in range(10))
    sheet = read_sheet(f"Name,City\nAna Li,Ely, Cambs\n{body}".encode(), "x.csv")
    plan = build_plan(sheet, to_field_map(detect(sheet)), country="GB")
    line = rejected_csv(sheet, plan.errors).decode("utf-8-sig").splitlines()[1]
    assert line.startswith("Ana Li,Ely,")
