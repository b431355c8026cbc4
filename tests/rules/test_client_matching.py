"""Whether two records are one couple: rules for any records, and the index against comparing each with each."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.clients.importing.merge import There, after, differences, merge
from wedsync.clients.importing.plan import completed, once
from wedsync.clients.importing.rows import of_project, split_couple
from wedsync.clients.importing.values import Choices, Plan, Planned
from wedsync.clients.matching import Index, face, is_same, may_be_same
from wedsync.clients.model import WORDS, Details

NAMES = st.sampled_from(["", "Ana", "ana lópez", "Ana Lopez", "Ben", "Ben Carter", "Cleo Reed", "Dan"])
EMAILS = st.sampled_from(["", "a@example.org", "A@example.org", "b@example.org", "planner@example.org"])
DAYS = st.one_of(st.none(), st.integers(0, 3).map(lambda n: date(2027, 6, 5) + timedelta(days=n)))
DETAILS = st.builds(Details, name=NAMES, partner_name=NAMES, email=EMAILS, partner_email=EMAILS, venue=NAMES)
SAID = st.tuples(DETAILS, DAYS)


@given(SAID, SAID)
def test_it_does_not_matter_who_asks(one: tuple[Details, date | None], other: tuple[Details, date | None]) -> None:
    assert is_same(*one, *other) == is_same(*other, *one)
    assert may_be_same(*one, *other) == may_be_same(*other, *one)
    assert not (is_same(*one, *other) and may_be_same(*one, *other))


@given(SAID)
def test_everybody_with_an_address_or_a_name_and_a_date_is_themselves(said: tuple[Details, date | None]) -> None:
    details, on = said
    if details.emails or (on is not None and (details.name or details.partner_name)):
        assert is_same(details, on, details, on)


@given(st.lists(SAID, max_size=8), SAID)
def test_the_index_finds_whom_comparing_each_with_each_finds(
    there: list[tuple[Details, date | None]], asked: tuple[Details, date | None]
) -> None:
    index = Index()
    for place, (details, on) in enumerate(there):
        index.add(place, face(details), on)
    alike = [place for place, one in enumerate(there) if is_same(*asked, *one)]
    assert index.same(face(asked[0]), asked[1]) == (alike[0] if alike else None)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (Details(name="Ana", email="x@example.org"), Details(name="Ana Lopez", email="X@example.org"), True),
        (Details(name="Ana Lopez", email="p@example.org"), Details(name="Cleo Reed", email="p@example.org"), False),
        (Details(email="x@example.org"), Details(name="Ana", partner_email="x@example.org"), True),
        (Details(name="Ana Lopez", partner_name="Ben"), Details(name="Ben Carter", partner_name="ana lópez"), True),
        (Details(name="Ana"), Details(name="Ana Lopez", partner_name="Ben Carter"), False),
        (Details(name="Ana Lopez"), Details(name="Ana López", partner_name="Ben"), True),
        (Details(name="Ana Lopez", partner_name="Ben"), Details(name="Ana Lopez", partner_name="Max"), False),
        (Details(), Details(), False),
    ],
)
def test_two_records_of_one_day(one: Details, other: Details, said: bool) -> None:
    on = date(2027, 6, 5)
    assert is_same(one, on, other, on) == said


PLANNED = st.builds(
    Planned, row=st.integers(1, 99), details=DETAILS, wedding_on=DAYS, stage=st.sampled_from([None, "held", "booked"])
)
THERE = st.builds(
    There,
    id=st.just("1"),
    version=st.just(1),
    details=DETAILS,
    wedding_on=DAYS,
    stage=st.sampled_from(["enquiry", "booked"]),
    source=st.just(""),
    external_id=st.none(),
)


@given(st.lists(PLANNED, max_size=8), st.lists(THERE, max_size=5), st.sampled_from(["theirs", "ours"]))
def test_every_couple_has_one_step_and_nobody_is_changed_twice(
    found: list[Planned], there: list[There], differing: str
) -> None:
    clients, doubles = once(found)
    assert len(clients) + sum("joined" in issue.reason for issue in doubles) == len(found)
    plan = Plan(source="x", rows=len(found), clients=clients, errors=[], warnings=[], notes=[])
    choices = Choices(differing="ours") if differing == "ours" else Choices()
    merged = merge(plan, there, choices)
    assert [step.place for step in merged.steps] == list(range(len(clients)))
    assert merged.created + merged.updated + merged.skipped == len(found)
    changed = [step.client for step in merged.steps if step.op == "update"]
    assert len(changed) == len(set(changed))
    for step in merged.steps:
        if step.op == "update" and step.client is not None:
            now = after(there[step.client], step.changes, "x")
            assert all(getattr(now.details, w) for w in WORDS if getattr(there[step.client].details, w))
            again = differences(clients[step.place], now, keeps_ours=differing == "ours")
            assert again == []


@pytest.mark.parametrize(
    ("ours", "said", "names"),
    [
        (("", "Ana Lopez"), ("Ana", "Ben"), ("Ben", "Ana Lopez")),
        (("Ben Carter", "Ana Lopez"), ("Ana", "Ben"), ("Ben Carter", "Ana Lopez")),
        (("Ana", ""), ("Ben", "Ana Lopez"), ("Ana Lopez", "Ben")),
        (("Ana", "Ben"), ("Ana", "Max"), ("Ana", "Max")),
    ],
)
def test_who_stands_first_is_no_difference_and_nobody_is_lost(
    ours: tuple[str, str], said: tuple[str, str], names: tuple[str, str]
) -> None:
    details = Details(name=ours[0], partner_name=ours[1], email="ana@example.org")
    there = There(id="1", version=1, details=details, wedding_on=None, stage="enquiry", source="", external_id=None)
    row = Planned(
        row=1, details=Details(name=said[0], partner_name=said[1], partner_email="ana@example.org"), wedding_on=None
    )
    now = after(there, differences(row, there, keeps_ours=False), "x")
    assert (now.details.name, now.details.partner_name) == names
    assert now.details.emails == ("ana@example.org",)


@given(DETAILS, DETAILS)
def test_completing_never_overrules(first: Details, later: Details) -> None:
    both = completed(first, later)
    for word in WORDS:
        assert getattr(both, word) == (getattr(first, word) or getattr(later, word))


@pytest.mark.parametrize(
    ("text", "two"),
    [
        ("Ana Lopez & Ben Carter", ("Ana Lopez", "Ben Carter")),
        ("Ana und Ben", ("Ana", "Ben")),
        ("Zoë + Max", ("Zoë", "Max")),
        ("Mr & Mrs Carter", ("Mr & Mrs Carter", "")),
        ("Andrea Anders", ("Andrea Anders", "")),
        ("& Ben", ("& Ben", "")),
    ],
)
def test_a_cell_of_two(text: str, two: tuple[str, str]) -> None:
    assert split_couple(text) == two


@pytest.mark.parametrize(
    ("text", "two"),
    [
        ("Ana & Ben's Wedding 2027", ("Ana", "Ben")),
        ("The Diaz Wedding", ("Diaz", "")),
        ("Lopez / Carter – 05.06.2027", ("Lopez", "Carter")),
        ("Wedding", ("", "")),
    ],
)
def test_the_name_of_a_job(text: str, two: tuple[str, str]) -> None:
    assert of_project(text) == two
