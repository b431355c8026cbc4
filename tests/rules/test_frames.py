"""An event becomes frames: images spliced untouched, positions exact, nothing sealed, no null that chokes a client."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.events import frames
from wedsync.events.audience import SITE, Audience, Seen, View, view
from wedsync.events.channels import Group, group_key, matches, read_join
from wedsync.events.filters import bindings
from wedsync.events.frames import LiveEvent, Rendering
from wedsync.events.scope import Scope
from wedsync.events.wire import Framing

WEDDING = "0192aa00-0000-7000-8000-000000000001"
LINK, OTHER = "0192aa00-0000-7000-8000-00000000000a", "0192aa00-0000-7000-8000-00000000000b"
rows = st.dictionaries(
    st.text("abcdé_", min_size=1, max_size=4),
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(st.characters(exclude_categories=["Cs"])),
    max_size=5,
)


def event(**given: Any) -> LiveEvent:
    told = {
        "id": "e",
        "stream": f"wedding:{WEDDING}",
        "epoch": 1,
        "seq": 7,
        "type": "task.assigned",
        "scope": int(Scope.TASKS),
        "subject": {"table": "tasks", "id": "t"},
        "op": "UPDATE",
        "record": {"id": "t", "title": "Cake"},
        "old_record": {"id": "t", "title": "Pie"},
        "actor": {"kind": "person", "id": "p"},
        "occurred_at": "2026-05-01T10:00:00.123456+02:00",
    }
    return frames.read_event(json.dumps(told | given))


def rendering(told: LiveEvent, **given: Any) -> Rendering:
    return Rendering(told, **{"columns": {}, "open_sealed": None, **given})


def group(*, entries: list[Any] | None = None, framing: Framing = Framing.V2, mask: int = 2047) -> Group:
    made = tuple(bindings(entries or []))
    key = (f"realtime:wedding:{WEDDING}", framing, Audience(mask), tuple(b.id for b in made), False)
    return Group(key, made)


def change(told: LiveEvent, seen: View = View.WHOLE, **given: Any) -> dict[str, Any]:
    (frame,) = group(entries=[{"event": "*", "table": "*"}]).frames(rendering(told, **given), seen, previous=6)
    data: dict[str, Any] = json.loads(frame)[4]["data"]
    return data


def cast(told: LiveEvent, seen: View = View.WHOLE) -> dict[str, Any]:
    (frame,) = group().frames(rendering(told), seen, previous=6)
    payload: dict[str, Any] = json.loads(frame)[4]
    return payload


@given(rows, rows)
def test_any_image_arrives_as_it_was_with_the_position_in_front(record: Any, old: Any) -> None:
    for row in (record, old):
        row.pop("rev", None)
    told = event(record=record, old_record=old)
    data = change(told)
    assert data["record"] == {"rev": "1:7:6", **record}
    assert data["old_record"] == old
    assert cast(told)["payload"]["record"] == record


def test_the_whole_payload_of_a_broadcast() -> None:
    assert cast(event()) == {
        "type": "broadcast",
        "event": "task.assigned",
        "payload": {
            "id": "e",
            "type": "task.assigned",
            "scope": "tasks",
            "subject": {"table": "tasks", "id": "t"},
            "op": "UPDATE",
            "record": {"id": "t", "title": "Cake"},
            "old_record": {"id": "t", "title": "Pie"},
            "actor": {"kind": "person", "id": "p"},
            "stream": f"wedding:{WEDDING}",
            "epoch": 1,
            "sequence": 7,
            "previous_sequence": 6,
            "occurred_at": "2026-05-01T10:00:00.123456+02:00",
        },
        "meta": {"id": "1:7:6"},
    }


def test_a_delete_has_its_position_in_the_old_record() -> None:
    data = change(event(op="DELETE", record=None))
    assert data["old_record"] == {"rev": "1:7:6", "id": "t", "title": "Pie"}
    assert "record" not in data
    assert cast(event(op="DELETE", record=None))["payload"]["record"] is None


def test_an_update_without_an_old_image_still_names_the_row() -> None:
    assert change(event(old_record=None))["old_record"] == {"id": "t", "wedding_id": WEDDING}


def test_an_erased_event_keeps_its_number_and_the_key() -> None:
    data = change(event(record=None, old_record=None))
    assert data["record"] == {"rev": "1:7:6", "id": "t", "wedding_id": WEDDING}
    assert change(event(record={}))["record"] == {"rev": "1:7:6"}


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("2026-05-01T10:00:00.123456+02:00", "2026-05-01T08:00:00.123Z"),
        ("2026-05-01T10:00:00.123Z", "2026-05-01T10:00:00.123Z"),
        ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00.000Z"),
        ("whenever", "whenever"),
    ],
)
def test_a_commit_time_has_milliseconds_and_a_z(at: str, shown: str) -> None:
    assert change(event(occurred_at=at))["commit_timestamp"] == shown
    assert event(occurred_at="whenever").seconds == 0


def test_a_row_too_large_for_a_socket_is_cut_to_its_short_columns_and_says_so() -> None:
    data = change(event(record={"id": "t", "note": "x" * 1_000_000}))
    assert data["record"] == {"rev": "1:7:6", "id": "t"}
    assert data["errors"] == ["Error 413: Payload Too Large"]
    alone = change(event(op="INSERT", record={"id": "t", "note": "x" * 1_000_000}, old_record=None))
    assert alone["record"] == {"rev": "1:7:6", "id": "t"}


def test_columns_come_from_the_catalogue_or_from_what_the_row_holds() -> None:
    known = {"tasks": frames.encode_columns([("id", "uuid"), ("sealed", "bytea")])}
    assert change(event(), columns=known)["columns"] == [{"name": "id", "type": "uuid"}]
    record = {"a": True, "b": 1, "c": 1.5, "d": "x", "e": {}, "f": None}
    guessed = {c["name"]: c["type"] for c in change(event(record=record))["columns"]}
    assert guessed == {"a": "bool", "b": "int8", "c": "float8", "d": "text", "e": "jsonb", "f": "text"}


def test_a_sealed_image_is_opened_for_its_scope_only_and_never_shown_sealed() -> None:
    def open_sealed(table: str, record: dict[str, Any], tenant: str) -> dict[str, Any]:
        return {**record, "opened": f"{table} of {tenant}"}

    sealed = {"id": "t", "sealed": "\\x01"}
    told = event(record=sealed, old_record={**sealed, "sealed": None}, scope=int(Scope.DIETARY))
    shown = change(told, open_sealed=open_sealed)
    assert shown["record"] == {"rev": "1:7:6", "id": "t", "opened": f"tasks of {WEDDING}"}
    assert shown["old_record"] == {"id": "t"}
    blind = group(entries=[{"event": "*", "table": "tasks"}], mask=int(Scope.CORE))
    (frame,) = blind.frames(rendering(told, open_sealed=open_sealed), View.WHOLE, previous=6)
    assert json.loads(frame)[4]["data"]["record"] == {"rev": "1:7:6", "id": "t"}


def test_each_choice_of_columns_gets_a_frame_of_its_own() -> None:
    entries = [{"event": "*", "table": "tasks", "select": ["title"]}, {"event": "*", "table": "tasks"}]
    made = [json.loads(frame)[4] for frame in group(entries=entries).frames(rendering(event()), View.WHOLE, previous=6)]
    assert [sorted(m["data"]["record"]) for m in made] == [["id", "rev", "title"], ["id", "rev", "title"]]
    assert [len(m["ids"]) for m in made] == [1, 1]
    deleted = event(op="DELETE", record=None)
    (first, _) = group(entries=entries).frames(rendering(deleted), View.WHOLE, previous=6)
    assert json.loads(first)[4]["data"]["old_record"]["title"] == "Pie"


@pytest.mark.parametrize(
    ("now", "before", "couple", "owner", "other"),
    [
        ({"link_id": LINK}, {"link_id": LINK}, View.WHOLE, View.WHOLE, None),
        ({"link_id": OTHER}, {"link_id": LINK}, View.WHOLE, View.VANISHES, View.APPEARS),
        ({"link_id": None}, {"link_id": LINK}, View.WHOLE, View.WHOLE, View.APPEARS),
        ({"link_id": LINK}, {"link_id": None}, View.WHOLE, View.WHOLE, View.VANISHES),
    ],
)
def test_a_row_that_moves_is_shown_by_where_it_was_and_is(
    now: Any, before: Any, couple: Any, owner: Any, other: Any
) -> None:
    told = event(link_id=now["link_id"], record={"id": "t", **now}, old_record={"id": "t", **before})
    moved = rendering(told).before
    tasks = int(Scope.TASKS)
    seen = [
        view(audience, now=told.seen, before=moved)
        for audience in (Audience(2047), Audience(tasks, link_id=LINK), Audience(tasks, link_id=OTHER))
    ]
    assert seen == [couple, owner, other]


def test_a_column_that_only_sounds_like_a_right_decides_nothing() -> None:
    told = event(link_id=None, record={"id": "t", "link_id": LINK}, old_record={"id": "t", "link_id": OTHER})
    assert rendering(told).before is None


def test_what_each_audience_may_say_and_to_whom() -> None:
    couple, link, member = Audience(2047), Audience(3, link_id=LINK), Audience(3, membership_id="m")
    assert couple.tag(None) == Seen(int(Scope.PRIVATE))
    assert link.tag(None) == Seen(1, link_id=LINK)
    assert member.tag(None) == Seen(1, membership_id="m")
    assert SITE.tag(None) is None
    assert SITE.tag("site") is None
    assert link.tag("schedule") == Seen(2)
    assert link.tag("budget") is None
    assert link.tag("nonsense") is None
    assert link.may_use(Seen(2))
    assert not link.may_use(Seen(4))
    assert link.may_use(Seen(1, link_id=LINK))
    assert not link.may_use(Seen(1, link_id=OTHER))


@pytest.mark.parametrize("payload", ["null", "[]", '{"config": []}', '{"config": {"broadcast": 7, "presence": "x"}}'])
def test_a_join_that_makes_no_sense_is_a_join_with_defaults(payload: str) -> None:
    config = read_join(payload.encode())
    assert (config.wants_ack, config.has_presence, config.bindings, config.recover) == (False, False, (), None)


def test_a_join_reads_booleans_as_text_and_clamps_what_it_must() -> None:
    broadcast = {"ack": "true", "self": "false", "replay": {"since": 5, "limit": 10**9}, "recover": {"epoch": "x"}}
    config = read_join(json.dumps({"config": {"broadcast": broadcast}, "user_token": "t"}).encode())
    assert (config.wants_ack, config.wants_own, config.token) == (True, False, "t")
    assert config.replay_limit == 10_000
    assert config.recover is None
    many = [{"event": "*", "table": f"t{i}"} for i in range(80)]
    assert len(read_join(json.dumps({"config": {"postgres_changes": many}}).encode()).bindings) == 50


def test_the_digest_of_a_join_is_of_what_lasts() -> None:
    def digest(**broadcast: Any) -> bytes:
        return read_join(json.dumps({"config": {"broadcast": broadcast}, "access_token": "a"}).encode()).digest

    assert digest(ack=True) == digest(ack=True, recover="1:5", replay={"since": 3})
    assert digest(ack=True) != digest(ack=False)


def test_patterns_match_whole_types_and_prefixes() -> None:
    assert matches("rsvp.*", "rsvp.replied")
    assert matches("*", "task.added")
    assert matches("task.added", "task.added")
    assert not matches("task.added", "task.added_late")
    assert group_key.__doc__
