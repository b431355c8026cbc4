"""The places of a day pack: known spots by their letters, the way between them, and a plan that is to scale."""

from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.operations.wedding_day import places
from wedsync.operations.wedding_day.places import Spot

HEAD = {
    "ceremony_venue": "St Wilfred’s Chapel",
    "ceremony_address": "1 Sample Lane, Exampleham (51.5712, -0.7766)",
    "reception_venue": "The Old Glasshouse",
    "reception_address": "Kiln Road, Exampleham",
}
SPOTS = st.builds(Spot, st.floats(-70, 70), st.floats(-180, 180))


def test_each_place_is_named_once_with_the_way_there() -> None:
    both = {**HEAD, "reception_venue": " st wilfred’s  CHAPEL", "reception_address": ""}
    (one,) = places.places(both, [])
    assert (one.spot, one.mark, one.from_first) == (Spot(51.5712, -0.7766), "", "")
    assert one.way == "geo:51.571200,-0.776600?q=51.571200,-0.776600(St%20Wilfred%E2%80%99s%20Chapel)"
    unknown = places.places(HEAD, [])[1]
    assert unknown.way == "geo:0,0?q=The%20Old%20Glasshouse%2C%20Kiln%20Road%2C%20Exampleham"
    assert unknown.web == "https://www.openstreetmap.org/search?query=Kiln+Road%2C+Exampleham"
    assert places.plan(places.places(HEAD, [])) is None, "one known place is no plan"
    blank = dict.fromkeys(HEAD, "")
    assert places.places(blank, []) == []


def test_an_items_own_spot_is_that_of_its_place_or_of_its_part_of_the_day() -> None:
    lawn = {"kind": "drinks", "place": "The upper lawn", "latitude": 51.58, "longitude": -0.77}
    dinner = {"kind": "reception", "place": "", "latitude": 51.6, "longitude": -0.7}
    found = places.places(HEAD, [lawn, dinner])
    assert [(one.mark, one.name) for one in found] == [
        ("A", "St Wilfred’s Chapel"),
        ("B", "The Old Glasshouse"),
        ("C", "The upper lawn"),
    ]
    assert found[1].from_first == "6.2 km (3.8 miles) north-east of A, in a straight line."
    plan = places.plan(found)
    assert plan is not None and [dot.mark for dot in plan.dots] == ["A", "B", "C"]
    a, b, c = plan.dots
    assert b.x > c.x > a.x and b.y < c.y < a.y, "north is above, east is right"


@pytest.mark.parametrize(
    ("to", "says"),
    [
        (Spot(51.5712, -0.7766), "At A."),
        (Spot(51.5757, -0.7766), "500 m north of A, in a straight line."),
        (Spot(51.5712, -0.8), "1.6 km (1.0 miles) west of A, in a straight line."),
    ],
)
def test_how_far_and_where_to(to: Spot, says: str) -> None:
    spots = [{"kind": "reception", "place": "", "latitude": to.latitude, "longitude": to.longitude}]
    assert places.places(HEAD, spots)[1].from_first == says


@pytest.mark.parametrize("text", ["Hall 3.5, 12.5", "", "91.0000, 10.0000", "1.2.3456, 7.8901", "Tel. 020 7946 0018"])
def test_what_is_no_position_is_none(text: str) -> None:
    assert places.written(text) is None


@given(SPOTS, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_a_plan_is_to_scale_and_inside_its_frame(first: Spot, north: float, east: float) -> None:
    second = Spot(first.latitude + north, (first.longitude + east + 180) % 360 - 180)
    head = {**HEAD, "ceremony_address": ""}
    spots = [
        {"kind": kind, "place": "", "latitude": one.latitude, "longitude": one.longitude}
        for kind, one in (("ceremony", first), ("reception", second))
    ]
    plan = places.plan(places.places(head, spots))
    metres = places.distance_m(first, second)
    if plan is None:
        assert metres < places.SAME_M * 2
        return
    a, b = plan.dots
    assert all(0 <= dot.x <= plan.width and 0 <= dot.y <= plan.height for dot in plan.dots)
    number, unit = plan.bar_words.split()
    a_metre = plan.bar / (float(number) * (1000 if unit == "km" else 1))
    assert hypot(a.x - b.x, a.y - b.y) == pytest.approx(metres * a_metre, rel=0.03, abs=1.0)
