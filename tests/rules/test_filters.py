"""Filters of postgres_changes: every operator against a row, patterns that could hang, ids that clients rely on."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.events import filters
from wedsync.events.filters import FilterError, bindings, compile_filter

ROW: dict[str, Any] = {
    "id": "0192aa00-0000-7000-8000-000000000001",
    "status": "open",
    "title": "Cake, three tiers",
    "rank": 9,
    "price": 12.5,
    "is_done": False,
    "note": None,
    "at": "2026-05-01T10:00:00.000Z",
}


def matches(text: str, row: dict[str, Any] = ROW) -> bool:
    test = compile_filter(text)
    assert test is not None
    return test(row)


@pytest.mark.parametrize(
    "text",
    [
        "status=eq.open",
        'title=eq."Cake, three tiers"',
        "rank=eq.9",
        "rank=gt.8",
        "rank=lt.10",
        "rank=gte.9",
        "rank=lte.9.0",
        "price=gt.12",
        "is_done=eq.false",
        "is_done=is.false",
        "is_done=not.is.true",
        "note=is.null",
        "note=isdistinct.x",
        "status=isdistinct.late",
        "status=not.isdistinct.open",
        "status=isdistinct.null",
        "status=neq.late",
        "status=in.(late,open)",
        'title=in.("Cake, three tiers",x)',
        "rank=in.(1,9)",
        "status=not.in.(late,done)",
        "title=like.Cake%",
        "title=like.*tiers",
        "title=like.C_ke%",
        "title=ilike.cake%TIERS",
        'title=not.like."Tart, %"',
        "title=match.^Cake",
        "title=imatch.THREE",
        "at=gt.2026-04-30T00:00:00.000Z",
        "status=eq.open,rank=eq.9",
    ],
)
def test_it_matches(text: str) -> None:
    assert matches(text)


@pytest.mark.parametrize(
    "text",
    [
        "status=eq.ope",
        "rank=eq.nine",
        "rank=gt.9",
        "note=eq.x",
        "note=neq.x",
        "note=not.eq.x",
        "absent=is.null",
        "absent=neq.1",
        "status=is.null",
        "note=isdistinct.null",
        "status=in.()",
        "title=like.cake%",
        "title=like.Cake",
        "rank=like.9",
        "title=match.^three",
        "status=eq.open,rank=eq.8",
    ],
)
def test_it_does_not_match(text: str) -> None:
    assert not matches(text)


@pytest.mark.parametrize(
    "text",
    [
        "status",
        "status=open",
        "status=foo.open",
        "=eq.1",
        "rank=is.9",
        "status=in.open",
        "status=in.(" + ",".join("abcdefghij"[i % 10] for i in range(101)) + ")",
        'status=eq."open',
        "title=match.[",
        "title=match.(a+)+$",
        "title=match.(a|a)*$",
        "title=match.(a)\\1",
        "title=match..*.*.*x",
        "title=match.(?=a)",
        "title=match." + "a" * 101,
        "title=match.a,title=match.b",
        ",".join(["a=eq.1"] * 21),
        "x" * 2001,
    ],
)
def test_what_is_no_filter_is_refused_with_words(text: str) -> None:
    with pytest.raises(FilterError) as refused:
        compile_filter(text)
    assert len(str(refused.value)) > 15


@pytest.mark.parametrize("text", ["title=like." + "%a" * 40 + "%b", "title=match.^.*.*b", "title=match..*b"])
def test_no_pattern_takes_long_on_a_long_value(text: str) -> None:
    started = time.perf_counter()
    assert not matches(text, {"title": "a" * 20_000})
    assert time.perf_counter() - started < 1


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        test = compile_filter(text)
    except FilterError:
        return
    assert test is None or isinstance(test(ROW), bool)


@given(st.text("ab%_", max_size=8), st.text("ab", max_size=8))
def test_like_agrees_with_a_plain_definition(pattern: str, text: str) -> None:
    def plain(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] == "%":
            return any(plain(p[1:], t[i:]) for i in range(len(t) + 1))
        return bool(t) and p[0] in ("_", t[0]) and plain(p[1:], t[1:])

    assert filters._globs(text, filters._like_tokens(pattern)) is plain(pattern, text)


def test_equal_bindings_have_equal_ids_in_every_process() -> None:
    entry = {"event": "*", "schema": "public", "table": "tasks", "filter": "wedding_id=eq.42"}
    first, second = bindings([entry, dict(reversed(entry.items()))])
    assert first.id == second.id == 1908422073


def test_an_entry_is_echoed_verbatim_with_a_non_zero_id() -> None:
    entries = [
        {"event": "UPDATE", "schema": "public", "table": "tasks"},
        None,
        {"event": "*", "table": "guests", "select": ["name"], "unknown": 1},
    ]
    made = bindings(entries)
    assert [{k: v for k, v in b.echo.items() if k != "id"} for b in made] == [entries[0], entries[2]]
    assert all(0 < b.echo["id"] < 2**31 for b in made)


def test_a_binding_concerns_its_table_and_operation_only() -> None:
    every, update, elsewhere = bindings(
        [
            {"event": "*", "schema": "*"},
            {"event": "UPDATE", "schema": "public", "table": "tasks"},
            {"event": "*", "schema": "private", "table": "tasks"},
        ]
    )
    assert every.concerns("guests", "DELETE")
    assert update.concerns("tasks", "UPDATE")
    assert not update.concerns("tasks", "INSERT")
    assert not update.concerns("guests", "UPDATE")
    assert not elsewhere.concerns("tasks", "UPDATE")


@pytest.mark.parametrize(
    "entry",
    [
        {"event": "TRUNCATE", "table": "tasks"},
        {"event": "*", "table": "tasks", "filter": "x=foo.1"},
        {"event": "*", "table": "tasks", "filter": 7},
        {"event": "*", "schema": "public", "select": ["id"]},
        {"event": "*", "table": "tasks", "select": [1]},
        {"event": "*", "table": "tasks", "select": [f"c{i}" for i in range(101)]},
    ],
)
def test_a_binding_that_cannot_match_says_why_and_matches_nothing(entry: dict[str, Any]) -> None:
    (binding,) = bindings([entry])
    assert binding.problem
    assert not binding.concerns("tasks", "INSERT")
    assert binding.echo["event"] == entry["event"]
