"""What is read of people's lists, forms and providers' documents: odd and empty values each have one meaning."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from wedsync.bookings import model as bookings
from wedsync.bookings.pages import booking as booking_page
from wedsync.clients.importing.guessing import _by_values
from wedsync.connections import elements, markup
from wedsync.connections.calendars.deciding import Clashing, plan
from wedsync.connections.calendars.event import CalendarEvent, Timed
from wedsync.connections.calendars.kept import Kept
from wedsync.connections.calendars.ours import Ours
from wedsync.connections.pages import rule_form as map_form
from wedsync.connections.records import documents
from wedsync.connections.records.fields import BACK, RULES_MAX, MapRule, compiled, typed
from wedsync.connections.records.mapped import _said
from wedsync.connections.records.merge import _neither
from wedsync.connections.records.record import Record
from wedsync.connections.verify.request import Request
from wedsync.connectors.constant_contact import mapper as constant
from wedsync.connectors.stripe import mapper as stripe
from wedsync.connectors.tave import mapper as tave
from wedsync.days import model as days
from wedsync.events import filters
from wedsync.forms import view as forms_view
from wedsync.kit.errors import Refusal
from wedsync.kit.mapping import Step
from wedsync.web.forms import Form

AT = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("name", (True, "Maria")),
        ("none", (False, None)),
        ("$.people[0].name", (True, "Tom")),
        ("$.people[1].name", (False, None)),
        ("$.people[*]", (True, [{"name": "Tom"}])),
        ("$.name[*]", (False, "Maria")),
        ("$.name[0]", (False, None)),
        ("$.name.first", (False, None)),
        ("$", (True, {"name": "Maria", "people": [{"name": "Tom"}]})),
    ],
)
def test_a_place_in_a_document(path: str, found: tuple[bool, Any]) -> None:
    assert documents.at({"name": "Maria", "people": [{"name": "Tom"}]}, path) == found


@pytest.mark.parametrize(
    ("path", "parts"),
    [("a key", ("a key",)), ("$.a.b", ("a", "b")), ("$", None), ("$.a[0]", None), ("$..a", None)],
)
def test_a_path_is_one_place_or_none(path: str, parts: tuple[str, ...] | None) -> None:
    assert documents.parts_of(path) == parts


STAGE_TABLE = {"Lead": "enquiry", "Won": "booked", "Done": "completed", "Lost": "cancelled"}


def rule(**fields: Any) -> MapRule:
    given = {"target": "name", "source": ("$.name",), "direction": "both"} | fields
    return msgspec.convert(msgspec.to_builtins(given), MapRule)


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ([rule()] * (RULES_MAX + 1), "rules"),
        ([rule(source=("$.name\0",))], "rules"),
        ([rule(source=("$.price",))], "rules[0].source"),
        ([rule(target="stage", transform=(Step("text"),))], "rules[0].transform"),
        ([rule(target="stage", transform=(Step("lookup", {"table": {"Won": "eaten"}}),))], "rules[0].transform[0]"),
        ([rule(target="stage", transform=(Step("lookup", {"table": {"Won": "booked"}}),))], "rules[0].transform[0]"),
    ],
)
def test_a_map_that_cannot_work_says_which_rule(rules: list[MapRule], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        compiled(rules, may_write=True)
    assert field in {error.field for error in refused.value.errors}


def test_a_stage_needs_no_table_where_it_is_only_read_or_said_in_our_words() -> None:
    assert compiled([rule(target="stage")], may_write=True)
    assert compiled([rule(target="stage", transform=(Step("lookup", {"table": STAGE_TABLE}),))], may_write=True)


def test_what_is_looked_up_is_written_back_by_its_first_word_and_nothing_else() -> None:
    written = BACK["lookup"]({"table": {"Ja": "yes", "Sí": "yes", "Nein": "no"}})
    assert [written(value) for value in ("yes", "NO")] == ["Ja", "Nein"]
    for table in ({"table": {"Ja": "yes"}}, {}):
        with pytest.raises(ValueError, match="no word"):
            BACK["lookup"](table)("perhaps")


@pytest.mark.parametrize("value", [True, ["Maria"], {"a": 1}, None])
def test_several_values_are_no_text(value: Any) -> None:
    with pytest.raises(ValueError, match="several values"):
        typed("name", value)


def event(hour: int, title: str = "Ceremony") -> CalendarEvent:
    at = f"2027-06-12T{hour:02}"
    return CalendarEvent(times=Timed(start=f"{at}:00:00", end=f"{at}:30:00", zone="Europe/Berlin"), title=title)


KEPT = Kept(remote_id="r1", base=event(8), theirs=event(9), updated_at=datetime(2027, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("policy", "verdict", "clash", "write"),
    [
        ("theirs", "", None, False),
        ("ours", "", None, True),
        ("manual", "", "deleted", False),
        ("manual", "ours", None, True),
    ],
)
def test_who_wins_where_ours_is_deleted_and_theirs_was_changed(
    policy: Any, verdict: Any, clash: str | None, write: bool
) -> None:
    made = plan(KEPT, "there", None, direction="both", policy=policy, verdict=verdict)
    assert (made.clash.kind if made.clash else None, made.write) == (clash, write)


def test_they_deleted_what_we_changed_meanwhile() -> None:
    gone = msgspec.structs.replace(KEPT, theirs=None)
    ours = Ours(event=event(10), zone="Europe/Berlin", changed_at=AT)
    made = plan(gone, "there", ours, direction="both", policy="manual")
    assert made.clash == Clashing(kind="deleted")
    assert plan(gone, "there", ours, direction="both", policy="ours").is_new
    assert plan(gone, "there", ours, direction="export", policy="manual").is_new
    assert plan(gone, "there", ours, direction="both", policy="latest").kept.is_left, "they did it later"


def test_a_move_that_waits_for_its_owner_is_not_undone_by_ours() -> None:
    kept = msgspec.structs.replace(KEPT, base=event(9), asked=event(8))
    ours = Ours(event=event(8), zone="Europe/Berlin", changed_at=AT)
    made = plan(kept, "there", ours, direction="both", policy="latest", is_waiting=True)
    assert (made.write, made.clash, made.kept.asked) == (False, None, event(8))


def test_what_people_wrote_in_html_is_read_without_its_scripts() -> None:
    said = "<p>Dear<br>us</p><script>track()</script><style>p{}</style><div>Bye</div></script>"
    assert markup.words(said).split("\n") == ["Dear", "us", "Bye", ""]


def requested(body: bytes, **headers: str) -> Request:
    fields = {"body": body, "headers": headers, "now": 1200.0}
    return msgspec.structs.replace(BARE, **fields)


BARE = Request(headers={}, body=b"", url="https://a.test/hooks", secrets=(), now=0.0)


def test_one_thing_sent_twice_has_one_key() -> None:
    (one,), (same,) = (elements.split("hmac", requested(b'{"id": "e1"}')) for _ in range(2))
    assert one.key == same.key == "e1"
    (named,) = elements.split("hmac", requested(b'{"id": "e1"}', **{"webhook-id": "w1"}))
    assert named.key == "w1"
    keys = {elements.split("hmac", requested(body))[0].key for body in (b"[1]", b"a=1&id=2", b"", b'{"id": null}')}
    assert len(keys) == 4
    assert "2" in keys, "a form's own id"


@pytest.mark.parametrize(
    ("fields", "stages", "target"),
    [
        ({"emails": 0.9}, 0.0, "email"),
        ({"dates": 0.9}, 0.0, "wedding_on"),
        ({"dates": 0.9, "phones": 0.9, "distinct": 0.9}, 0.0, "phone"),
        ({"phones": 0.9, "distinct": 0.1}, 0.95, "stage"),
        ({}, 0.0, "ignore"),
    ],
)
def test_a_column_without_a_known_name_is_guessed_by_its_values(
    fields: dict[str, float], stages: float, target: str
) -> None:
    facts: Any = SimpleNamespace(**dict.fromkeys(("emails", "dates", "phones", "distinct"), 0.0) | fields)
    assert _by_values(facts, stages)[0] == target


@pytest.mark.parametrize(
    ("row", "op"),
    [("a.b.c", "matches"), ('name=eq."a\\"b"', "matches"), ("name=like.a\\*b", "matches")],
)
def test_a_filter_may_hold_escaped_letters(row: str, op: str) -> None:
    (made,) = filters.bindings([{"event": "*", "schema": "public", "table": "guests", "filter": row}])
    assert made is not None


def test_columns_may_be_named_as_one_text() -> None:
    entries = [{"event": "*", "table": "guests", "select": select} for select in ("name, id", ["id", "name"])]
    assert [one.select for one in filters.bindings(entries)] == [("id", "name")] * 2


@pytest.mark.parametrize(
    ("first", "last", "longest"),
    [(date(2027, 6, 2), date(2027, 6, 1), 90), (date(2027, 6, 1), date(2027, 9, 1), 90)],
)
def test_a_range_of_days_that_is_none_is_refused(first: date, last: date, longest: int) -> None:
    with pytest.raises(Refusal):
        bookings.day_range(first, last, longest)


@pytest.mark.parametrize("text", ["", "x", "-1", "²", "1.5", "123456"])
def test_a_number_of_minutes_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        booking_page._number(text, "before_minutes")


def test_a_change_of_state_is_told_as_what_it_is() -> None:
    kinds = [bookings.kind_of(state, "hold").type for state in ("hold", "booked", "cancelled")]
    assert kinds == ["booking.changed", "booking.booked", "booking.cancelled"]


@pytest.mark.parametrize(
    "fields",
    [
        {"schedule_item_id": "00000000-0000-0000-0000-000000000001", "is_dropped": True, "title": "Cake"},
        {"schedule_item_id": "00000000-0000-0000-0000-000000000001"},
        {"schedule_item_id": "00000000-0000-0000-0000-000000000001", "by_minutes": 5, "at_local": "10:00:00"},
        {"is_dropped": True},
        {"minutes": 5},
        {"title": "Cake", "by_minutes": 5},
    ],
)
def test_an_amendment_that_says_two_things_or_none_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        days.kind_of(msgspec.convert({"reason": "Rain"} | fields, days.NewAmendment))


def test_a_posted_form_is_told_apart_from_what_its_page_showed() -> None:
    fields = [(f"{forms_view.PREFIX}a", "1"), (f"{forms_view.PREFIX}a", "2"), (f"{forms_view.SEEN}a", "0"), ("do", "x")]
    assert forms_view.typed_of(Form(fields)) == ({"a": ["1", "2"]}, {"a": "0"})


@pytest.mark.parametrize(
    ("transform", "take", "how"),
    [
        ((), "first", ""),
        ((Step("join"),), "all", map_form.JOIN),
        ((Step("text"),), "all", map_form.KEPT),
        ((Step("lookup", {"table": {"a": "b"}}),), "first", map_form.TABLE),
        ((Step("lookup", {"table": {"a": "b"}, "else": "c"}),), "first", map_form.KEPT),
        ((Step("date", {"format": "%Q"}),), "first", map_form.KEPT),
    ],
)
def test_a_rule_is_shown_as_the_way_it_reads_and_saved_as_it_was(transform: Any, take: str, how: str) -> None:
    one = rule(transform=transform, take=take)
    shown, table = map_form._how(one)
    assert shown == how
    form = Form([("how.name", shown), ("table.name", table)])
    assert map_form._steps(form, "name", one) == (transform, take)


def test_tave_says_nothing_of_what_hangs_on_no_job() -> None:
    gallery = msgspec.convert({"id": "g1", "status": "active", "modified": AT}, tave.Gallery)
    note = msgspec.convert({"id": "n1", "modified": AT}, tave.Note)
    assert (tave.to_gallery(gallery), tave.to_message(note)) == (None, None)


def test_numbers_of_a_campaign_that_was_never_sent_are_no_report() -> None:
    campaign = msgspec.convert({"campaign_id": "c1", "last_sent_date": "soon"}, constant.Campaign)
    assert constant.to_reports([campaign], {}) == ()


@pytest.mark.parametrize("currency", [None, "", "EURO", "E1R", "éur", 7])
def test_an_amount_without_a_currency_is_no_amount(currency: Any) -> None:
    with pytest.raises(ValueError, match="no currency"):
        stripe._currency({"currency": currency})


def test_an_object_is_its_id_or_expanded() -> None:
    assert [stripe._id(value) for value in ("ch_1", {"id": "ch_1"}, {}, None, 7)] == ["ch_1", "ch_1", "", "", ""]
    assert stripe._intent({"id": "pi_1"}, AT, "payment_intent.processing") == []


def test_what_was_never_agreed_on_is_the_value_of_neither_side() -> None:
    sides: Any = SimpleNamespace(ours=Record(stage="enquiry"), theirs=Record(stage="enquiry"))
    assert _neither("wedding_on", sides) is None
    assert _neither("stage", sides) != "enquiry"


def test_a_rule_that_finds_nothing_says_its_default() -> None:
    came: Any = SimpleNamespace(values={}, problems=())
    assert _said(rule(default="Nobody"), came, {}) == "Nobody"
    assert _said(rule(target="wedding_on", source=("$.on",)), came, {"on": ""}) is None
    assert _said(rule(), came, {"name": ""}) == ""
    assert type(_said(rule(target="stage", source=("$.s",)), came, {"s": ""})).__name__ == "_Silent"
