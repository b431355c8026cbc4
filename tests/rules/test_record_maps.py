"""The pure part of maps: documents without money, rules both ways, first maps that are guessed."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.clients.model import STAGES
from wedsync.connections.contract import Connection
from wedsync.connections.records import documents, mapped, suggesting, trying
from wedsync.connections.records.contract import Found
from wedsync.connections.records.fields import MapRule, compiled, nearest
from wedsync.connections.records.record import Record
from wedsync.kit.errors import Refusal
from wedsync.kit.mapping import Check, Step

WORDS = {"Lead": "enquiry", "Won": "booked", "Lost": "cancelled"}
BOTH = (
    MapRule(target="stage", source=("$.status",), direction="both", transform=(Step("lookup", {"table": WORDS}),)),
    MapRule(
        target="wedding_on",
        source=("$.event.date",),
        direction="both",
        transform=(Step("date", {"format": "%d/%m/%Y"}),),
    ),
    MapRule(target="name", source=("$.client.name",), direction="both"),
    MapRule(target="email", source=("$.client.email",), direction="both"),
    MapRule(target="venue", source=("$.venue",), direction="out"),
)
names = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=30)


def found(document: dict[str, Any], **fields: Any) -> Found:
    return Found(id="1", record=Record(**fields), document=document)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        *(
            ("$." + name, True)
            for name in ("totalCost", "leadMaxBudget", "FEES", "taxes", "client.amountPaid", "leadNotes")
        ),
        *(("$." + name, True) for name in ("currencyCode", "VAT", "prix", "quotes[0].total", "api_token")),
        *(
            ("$." + name, False)
            for name in ("totalGuests", "address", "status", "event_date", "description", "feedback")
        ),
    ],
)
def test_money_and_notes_are_known_by_their_names(path: str, said: bool) -> None:
    assert documents.is_withheld(path) is said


def test_a_document_is_kept_bounded_and_without_money() -> None:
    deep: Any = "end"
    for _ in range(20):
        deep = {"a": deep}
    kept = documents.kept(
        {
            "price": 9,
            "job": {"name": "x" * 9000, "fee": {"b": 1}, "deep": deep},
            "many": list(range(99)),
            "": 1,
            "t": "\0a",
        }
    )
    assert "price" not in kept
    assert set(kept["job"]) == {"name", "deep"}
    assert len(kept["job"]["name"]) == documents.TEXT_MAX
    assert len(kept["many"]) == documents.LIST_MAX
    assert kept["t"] == "a"
    assert len(documents.leaves(documents.kept({str(n): n for n in range(2000)}))) <= documents.LEAVES_MAX
    assert documents.kept(kept) == kept


def test_what_no_rule_reads_is_left_over() -> None:
    document = {"a": {"b": 1, "bc": 2}, "list": [{"x": 1, "y": 2}], "key.dot": 3, "k": 4}
    rest = documents.unmapped(document, ["$.a.b", "$.list[*].x", "k"])
    assert rest == [("$.a.bc", "2"), ("$.list[0].y", "2")]


@given(stage=st.sampled_from(list(STAGES)), on=st.none() | st.dates(min_value=date(1000, 1, 1)), name=names)
def test_what_is_written_by_a_map_is_read_by_it_as_it_is_spelled(stage: Any, on: date | None, name: str) -> None:
    by = compiled(BOTH, may_write=True)
    ours = Record(stage=stage, wedding_on=on, name=" ".join(name.split()), email="a@example.org", venue="Mill")
    there = documents.written([(by.outgoing[field].path, by.written(field, ours)) for field in sorted(by.writes)])
    read = mapped.heard(mapped.read(by, found(there)), ours)
    spelled = mapped.Mapped(WHOLE, by, Connection(id=uuid4())).spelled(ours)
    assert read == spelled
    assert mapped.Mapped(WHOLE, by, Connection(id=uuid4())).spelled(spelled) == spelled


class Whole:
    """A connector of documents, as far as spelling asks for it."""

    writes: frozenset[Any] = frozenset()

    def may_write(self, connection: Connection) -> bool:
        return True

    def spelled(self, record: Record) -> Record:
        return record

    async def pull(self) -> None: ...
    async def read(self) -> None: ...
    async def push(self) -> None: ...
    async def listed(self) -> None: ...
    async def close(self) -> None: ...


WHOLE: Any = Whole()


def test_a_stage_without_a_word_is_said_by_the_one_before_it() -> None:
    assert nearest("held", {"enquiry": 1, "booked": 1, "cancelled": 1}) == "enquiry"
    assert nearest("completed", {"enquiry": 1, "booked": 1, "cancelled": 1}) == "booked"


def test_nothing_said_is_told_apart_from_blank() -> None:
    by = compiled(BOTH, may_write=True)
    before = Record(stage="booked", name="Maria", email="m@example.org", wedding_on=date(2027, 1, 1), venue="Mill")
    absent = mapped.read(by, found({"status": "Won", "client": {"email": None}, "event": {"date": "never"}}))
    assert absent.silent == {"name", "wedding_on", "venue"}
    assert absent.absent == {"name"}
    assert mapped.heard(absent, before) == Record(
        stage="booked", name="Maria", email="", wedding_on=date(2027, 1, 1), venue="Mill"
    )
    assert [one.target for one in absent.problems] == ["wedding_on"]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (MapRule(target="name", source=("$.a", "$.b"), direction="both"), "rules[0].source"),
        (MapRule(target="name", source=("$.a[0]",), direction="both"), "rules[0].source"),
        (
            MapRule(target="name", source=("$.a",), direction="both", transform=(Step("upper"),)),
            "rules[0].transform[0]",
        ),
        (
            MapRule(
                target="stage",
                source=("$.a",),
                direction="both",
                transform=(Step("lookup", {"table": {"x": "booked"}}),),
            ),
            "rules[0].transform[0]",
        ),
        (MapRule(target="name", source=("$.fee",)), "rules[0].source"),
        (MapRule(target="name", source=("$.a",), default="\0"), "rules"),
        (MapRule(target="wedding_on", source=("$.a",), default="soon"), "rules[0].default"),
        (MapRule(target="name", source=("$.a",), check=(Check("least", "x"),)), "rules[0].check[0]"),
    ],
)
def test_a_rule_that_cannot_work_is_named(rule: MapRule, field: str) -> None:
    with pytest.raises(Refusal) as raised:
        compiled((rule,), may_write=True)
    assert field in {one.field for one in raised.value.errors}


def test_a_first_map_is_guessed_from_names_and_values() -> None:
    several = [
        {
            "id": n,
            "client": {
                "firstName": "Maria",
                "lastName": f"Santos {n}",
                "email": f"m{n}@example.org",
                "phone": "+351 1",
            },
            "partner": {"name": "Tom", "email": "t@example.org"},
            "eventDate": f"{n + 13}/06/2027",
            "createdAt": "2026-01-01",
            "venue": {"name": "Mill"},
            "status": ["Booked", "New lead", "Lost"][n % 3],
            "totalPrice": 900,
        }
        for n in range(3)
    ]
    rules = {rule.target: rule for rule in suggesting.suggested([documents.kept(one) for one in several])}
    assert {field: rule.source for field, rule in rules.items()} == {
        "stage": ("$.status",),
        "wedding_on": ("$.eventDate",),
        "name": ("$.client.firstName", "$.client.lastName"),
        "partner_name": ("$.partner.name",),
        "email": ("$.client.email",),
        "partner_email": ("$.partner.email",),
        "phone": ("$.client.phone",),
        "venue": ("$.venue.name",),
    }
    told = [trying.Told(id=str(one["id"]), own=Record(), document=documents.kept(one)) for one in several]
    tried = trying.tried(list(rules.values()), told, may_write=True)
    assert tried.troubles == ()
    first = tried.records[0].record
    assert (first.name, first.wedding_on, first.stage) == ("Maria Santos 0", date(2027, 6, 13), "booked")
    assert [one.path for one in tried.fields if not one.targets] == ["$.id", "$.createdAt"]
