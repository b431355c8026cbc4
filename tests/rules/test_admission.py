"""Who is let in while a process is late: the order is never inverted, levels hold, and what is vital never waits."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.routes import HTTPRoute

from tests.served import first
from wedsync.web import admission
from wedsync.web.admission import ENTER, FALL_S, HIGHEST, LEAVE, RISE_S, SHED, Gate, Kind, Standing, kind_of, stepped

LOOK_S = 0.2
PRESSURES = st.floats(0, 40, allow_nan=False)
ROUTES = [
    (method, route.path_format) for route in first().routes if isinstance(route, HTTPRoute) for method in route.methods
]
EXPECTED = {
    ("GET", "/healthz"): Kind.VITAL,
    ("GET", "/metrics"): Kind.VITAL,
    ("GET", "/status"): Kind.VITAL,
    ("POST", "/me/{wedding_id}/alerts"): Kind.VITAL,
    ("GET", "/studio/{supplier_id}/weddings/{wedding_id}/day"): Kind.VITAL,
    ("GET", "/me/{wedding_id}/day-pack"): Kind.VITAL,
    ("POST", "/ack/{token}"): Kind.VITAL,
    ("GET", "/alarm/{token}"): Kind.VITAL,
    ("POST", "/hooks/{connector}/phone/texts"): Kind.VITAL,
    ("POST", "/api/v1/platform/modes"): Kind.VITAL,
    ("GET", "/ops/health"): Kind.VITAL,
    ("POST", "/rsvp/{token}"): Kind.ACT,
    ("PATCH", "/api/v1/guests/{guest_id}"): Kind.ACT,
    ("POST", "/sign-in"): Kind.ACT,
    ("GET", "/sign-in/{token}"): Kind.ACT,
    ("GET", "/connections/{connector}/consent"): Kind.ACT,
    ("POST", "/hooks/{connector}/{connection_id}"): Kind.ACT,
    ("GET", "/me/{wedding_id}"): Kind.READ,
    ("GET", "/api/v1/weddings/{wedding_id}/guests"): Kind.READ,
    ("GET", "/w/{slug}"): Kind.READ,
    ("GET", "/api/v1/weddings/{wedding_id}/guests/export"): Kind.BULK,
    ("POST", "/api/v1/weddings/{wedding_id}/guests/import"): Kind.BULK,
    ("GET", "/feeds/{name}"): Kind.BULK,
    ("GET", "/api/v1/weddings/{tenant}/reliability"): Kind.BULK,
    ("GET", "/api/v1/connections/{connection_id}/marketing/campaigns"): Kind.BULK,
    ("POST", "/api/v1/suppliers/{supplier_id}/invitations"): Kind.BULK,
    ("POST", "/api/v1/endpoints/{endpoint_id}/recover"): Kind.BULK,
    ("GET", "/openapi.json"): Kind.BULK,
}


def looked(pressures: list[float]) -> list[int]:
    """The level after each look."""
    gate, levels = Gate(), []
    for place, pressure in enumerate(pressures):
        gate.look(pressure, place * LOOK_S)
        levels.append(gate.level)
    return levels


def test_routes_are_of_the_kind_that_people_would_say() -> None:
    served = {(method, template) for method, template in ROUTES}
    assert EXPECTED.keys() <= served
    assert {what: kind_of(*what) for what in EXPECTED} == EXPECTED


def test_no_word_and_no_place_is_of_no_route() -> None:
    parts = {part for _, template in ROUTES for part in template.split("/")}
    assert parts >= admission.VITAL_WORDS | admission.BULK_WORDS
    for place in (*admission.VITAL_PLACES, *admission.BULK_PLACES, *admission.ACT_PLACES):
        assert any(template.startswith(place) for _, template in ROUTES) or place == "/static/", place


def test_whatever_is_of_an_emergency_is_never_sent_away() -> None:
    for method, template in ROUTES:
        if {"alerts", "alarm", "alarms", "arrivals", "day"} & set(template.split("/")):
            assert kind_of(method, template) == Kind.VITAL, template


def test_what_is_sent_away_at_a_level_is_at_every_higher_one_and_the_order_holds() -> None:
    assert all(row[Kind.VITAL] == 0 for row in SHED)
    assert all(lower <= higher for a, b in pairwise(SHED) for lower, higher in zip(a, b, strict=True))
    for row in SHED:
        shares = list(row)
        assert shares == sorted(shares)
        assert all(better == 0 or worse == 1 for better, worse in pairwise(shares)), (
            "what waits better is all away first"
        )
    assert len(SHED) == len(admission.WORDS) == len(ENTER)


@given(st.lists(PRESSURES, max_size=200), st.lists(st.sampled_from(Kind), max_size=100))
def test_nobody_is_sent_away_while_what_waits_better_is_let_in(pressures: list[float], asked: list[Kind]) -> None:
    gate = Gate()
    for place, pressure in enumerate(pressures):
        gate.look(pressure, place * LOOK_S)
    for kind in asked:
        if not gate.admits(kind):
            assert kind != Kind.VITAL
            assert not any(gate.admits(worse) for worse in Kind if worse > kind)
    assert sum(gate.shed.values()) == 0 or gate.level > 0


@given(st.lists(PRESSURES, max_size=300))
def test_a_level_comes_one_at_a_time_and_not_sooner_than_its_while(pressures: list[float]) -> None:
    changes = [(place * LOOK_S, a, b) for place, (a, b) in enumerate(pairwise([0, *looked(pressures)])) if a != b]
    for (before, *_), (at, was, level) in pairwise([(0.0, 0, 0), *changes]):
        assert abs(level - was) == 1
        assert at - before >= (RISE_S if level > was else FALL_S) - 1e-9


@given(st.integers(1, HIGHEST), st.floats(0, 1, exclude_max=True), st.floats(0, 1000))
def test_between_its_two_thresholds_a_level_stays(level: int, between: float, at_s: float) -> None:
    above = ENTER[level + 1] if level < HIGHEST else 2 * ENTER[level]
    pressure = LEAVE[level] + between * (above - LEAVE[level])
    now = Standing(level)
    for step in range(100):
        now = stepped(now, pressure, at_s + step)
    assert now.level == level


@given(st.lists(PRESSURES, max_size=100))
def test_it_drops_out_by_itself(pressures: list[float]) -> None:
    assert looked([*pressures, *[0.0] * int((HIGHEST * (FALL_S + 1) + 10) / LOOK_S)])[-1] == 0


@given(st.floats(0, 10_000), st.lists(st.floats(0, 0.4), min_size=30, max_size=60))
def test_one_long_pause_is_no_reason_to_send_anybody_away(spike: float, calm: list[float]) -> None:
    assert set(looked([*calm[:15], spike, *calm[15:]])) == {0}


@pytest.mark.parametrize(("pressure", "level"), [(0.9, 0), (1.2, 1), (2.4, 2), (5.0, 3), (9.0, 4)])
def test_what_lasts_leads_to_its_level_within_seconds(pressure: float, level: int) -> None:
    assert looked([pressure] * 60)[-1] == level


def test_of_what_is_sent_away_in_part_every_other_one_is_let_in() -> None:
    gate = Gate()
    gate.standing = Standing(2)
    assert [gate.admits(Kind.READ) for _ in range(6)] == [True, False] * 3
    assert all(gate.admits(Kind.ACT) for _ in range(6))
    assert gate.shed == {Kind.READ: 3}
