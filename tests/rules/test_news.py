"""The words of news and notices, and whom they are for; pure."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.events.event import Event, decode
from wedsync.notices import model, saying
from wedsync.notices.model import Recipient
from wedsync.weddings import news

ME, LINK, OTHER = uuid4(), uuid4(), uuid4()


def event(type: str, **fields: Any) -> Event:
    said = {
        "id": str(uuid4()),
        "stream": f"wedding:{uuid4()}",
        "epoch": 1,
        "seq": 1,
        "type": type,
        "version": 1,
        "scope": 1,
        "link_id": None,
        "membership_id": None,
        "subject": {"table": "weddings", "id": str(uuid4())},
        "op": "UPDATE",
        "record": {},
        "old_record": {},
        "actor": {"kind": "person", "id": str(ME)},
        "cause": str(uuid4()),
        "bulk": False,
        "occurred_at": "2026-11-21T10:00:00.000Z",
    }
    return decode(msgspec.json.encode(said | fields).decode())


def somebody(role: str = "supplier", **fields: Any) -> Recipient:
    known = {"person_id": uuid4(), "email": "a@b.test", "name": "A", "link_id": LINK, "supplier_id": OTHER}
    return Recipient(**(known | {"role": role, "mask": 2047 if role == "couple" else 1} | fields))


def row(type: str, record: Any = None, old: Any = None, **fields: Any) -> Any:
    images = {
        k: None if v is None else msgspec.json.encode(v).decode() for k, v in (("record", record), ("old_record", old))
    }
    known = {"id": uuid4(), "seq": 5, "type": type, "actor_id": OTHER, "actor_kind": "person", "who": "Mira"}
    return {**known, **images, "occurred_at": None, **fields}


def line(*args: Any, **fields: Any) -> news.Line:
    return news.line(row(*args, **fields), base="/me/1", read=4, me=ME, guest_names={"g": "Carla Rossi"})


@pytest.mark.parametrize(
    ("type", "record", "old", "words"),
    [
        ("link.accepted", {"supplier_name": "Marlow"}, None, ("is now linked: Marlow", "", "")),
        ("rsvp.replied", {"guest_id": "g", "status": "accepted"}, {}, ("answered: Carla Rossi is coming", "", "")),
        ("rsvp.replied", {"guest_id": "x", "status": "?"}, {}, ("answered: A guest answered", "", "")),
        ("wedding.times_changed", {"ceremony_at": "14:00:00"}, {"ceremony_at": "13:30:00"}, None),
        ("wedding.date_changed", {"on": None}, {"on": "2027-06-05"}, None),
        ("schedule_item.changed", {"title": "Dinner", "place": ""}, {"title": "Dinner", "place": "Barn"}, None),
        ("wedding.changed", {}, {}, ("changed something", "", "")),
        ("photos.delivered", {"kind": "sneak_peek", "title": ""}, {}, ("delivered: sneak peek", "", "")),
        ("space.exceeded", {"name": "Barn", "capacity": 90}, {}, ("was more than Barn takes", "", "")),
    ],
)
def test_a_fact_is_said_in_words(type: str, record: Any, old: Any, words: tuple[str, str, str] | None) -> None:
    said = line(type, record, old)
    expected = (
        words
        or {
            "wedding.times_changed": ("changed the ceremony", "13:30", "14:00"),
            "wedding.date_changed": ("changed the date", "5 Jun 2027", ""),
            "schedule_item.changed": ("changed the place of Dinner", "Barn", "nothing"),
        }[type]
    )
    assert (said.words, said.before, said.after) == expected


@pytest.mark.parametrize(
    ("fields", "who"),
    [
        ({"actor_id": ME}, "You"),
        ({}, "Mira"),
        ({"who": "", "actor_kind": "guest"}, "A guest"),
        ({"who": "", "actor_kind": "key"}, "An API key"),
        ({"who": "", "actor_kind": "person"}, "Somebody"),
    ],
)
def test_a_line_says_who_it_was(fields: dict[str, Any], who: str) -> None:
    assert line("guest.added", {"display_name": "Carla"}, **fields).who == who


def test_a_line_leads_where_the_thing_is_and_is_new_until_read() -> None:
    new = line("task.done", {"title": "Rings"})
    assert (new.href, new.is_new) == ("/me/1/tasks", True)
    assert not line("task.done", {"title": "Rings"}, seq=4).is_new
    assert not line("task.done", {"title": "Rings"}, actor_id=ME).is_new
    assert line("headcount.locked", {}).href == ""


@pytest.mark.parametrize(
    ("type", "summary", "words"),
    [
        ("wedding.times_changed", {"ceremony_at": [None, "14:00:00"]}, ("The ceremony", "", "14:00")),
        (
            "schedule_item.moved",
            {"words": "First dance", "at_local": ["20:00:00", "20:30:00"]},
            ("First dance", "20:00", "20:30"),
        ),
        ("schedule_item.moved", {"words": "First dance"}, ("First dance", "", "")),
        ("headcount.locked", {}, ("Final numbers", "", "")),
        ("link.scopes_changed", {"unknown": [1, 2]}, ("A change", "", "")),
    ],
)
def test_what_is_to_be_confirmed_is_named(type: str, summary: dict[str, Any], words: tuple[str, str, str]) -> None:
    assert news.summary_words(type, summary) == words


@given(st.dictionaries(st.sampled_from([*news.FIELDS, "x"]), st.none() | st.just("") | st.integers(0, 9)))
def test_the_first_change_is_a_field_that_changed(old: dict[str, Any]) -> None:
    plain = {k: v for k, v in old.items() if k not in ("on", "ceremony_at", "reception_at", "at_local")}
    assert news.first_change(plain, plain) == ("", "", "")
    name, before, after = news.first_change({**plain, "title": "New"}, plain)
    assert (name in plain or name == "title") and after != before


def test_suppliers_are_told_of_the_core_and_the_couple_of_links() -> None:
    couple, supplier = somebody("couple", link_id=None), somebody()
    assert model.chosen(event("wedding.date_changed"), [couple, supplier]) == [supplier]
    assert model.chosen(event("link.accepted", link_id=str(LINK)), [couple, supplier]) == [couple]


def test_both_sides_are_told_what_nobody_did_on_purpose_also_whoever_gave_the_answer() -> None:
    me, venue = somebody(person_id=ME), somebody(role="supplier", link_id=LINK, mask=1)
    other = somebody(role="supplier", link_id=OTHER, mask=255)
    assert model.chosen(event("space.exceeded", link_id=str(LINK)), [me, venue, other]) == [me, venue]


def test_nobody_is_told_of_what_they_did_or_twice_or_may_not_see() -> None:
    supplier = somebody()
    twice = somebody(person_id=supplier.person_id, link_id=OTHER)
    assert model.chosen(event("wedding.date_changed"), [somebody(person_id=ME), supplier, twice]) == [supplier]
    assert model.chosen(event("headcount.locked", scope=8), [supplier]) == []
    assert model.chosen(event("task.assigned", link_id=str(OTHER), scope=4), [somebody(mask=15)]) == []
    assert model.chosen(event("task.assigned", membership_id=str(OTHER), scope=4), [somebody(mask=15)]) == []


def test_a_moved_item_concerns_its_owner_alone() -> None:
    mine, theirs = somebody(mask=3), somebody(mask=3, link_id=OTHER)
    owned = event("schedule_item.moved", scope=2, record={"title": "Coach", "owner_link_id": str(LINK)})
    assert model.chosen(owned, [mine, theirs]) == [mine]
    shared = event("schedule_item.moved", scope=2, record={"title": "Coach", "owner_link_id": None})
    assert model.chosen(shared, [mine, theirs]) == [mine, theirs]


def test_an_event_is_a_title_with_its_change() -> None:
    moved = event(
        "schedule_item.moved",
        record={"title": "Coach", "at_local": "15:30:00"},
        old_record={"title": "Coach", "at_local": "15:00:00"},
    )
    assert saying.saying(moved) == saying.Saying(title="Coach has moved", before="15:00", after="15:30", label="Coach")
    core = event("wedding.venue_changed", record={"ceremony_venue": "Elm Barn"}, old_record={"ceremony_venue": ""})
    assert saying.saying(core).title == "The ceremony venue has changed"
    assert saying.saying(event("link.scopes_changed")).title == "What you may see has changed"


@given(st.uuids(), st.uuids())
def test_a_delivery_is_one_per_event_recipient_and_channel(subject: UUID, recipient: UUID) -> None:
    one = model.delivery_id(subject, "person", recipient, "mail")
    assert one == model.delivery_id(subject, "person", recipient, "mail")
    assert one != model.delivery_id(subject, "guest", recipient, "mail")
    assert one != model.delivery_id(subject, "person", recipient, "sms")


def test_a_notice_fits_its_row() -> None:
    said = saying.Saying(title="T" * 400, before="a", after="b" * 3000)
    made = model.inbox_row(event("wedding.changed"), somebody(), said, "Ana & Ben", "/studio")
    assert (len(made["title"]), len(made["detail"])) == (300, 2000)
