"""The events of wedding days, with what each means and an image of its row."""

from typing import Any

import msgspec

from wedsync.days.model import Amendment, Arrival, DayPack, DayStage, HeldChange, ItemMark
from wedsync.days.weather import WeatherGate
from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope

_WEDDING = "01920000-0000-7000-8000-000000000001"
_LINK = "01920000-0000-7000-8000-00000000000b"
_ITEM = "01920000-0000-7000-8000-000000000011"
_AT = "2027-06-05T11:40:00+00:00"
_AMENDMENT: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000081",
    "wedding_id": _WEDDING,
    "number": 1,
    "kind": "move",
    "schedule_item_id": _ITEM,
    "title": "Ceremony",
    "before": {"at_local": "14:00:00"},
    "after": {"at_local": "14:20:00"},
    "reason": "The registrar is held up.",
    "author_id": "01920000-0000-7000-8000-000000000002",
    "author_name": "Uma (Marlow Planning)",
    "author_link_id": _LINK,
    "made_at": _AT,
}
_ARRIVAL: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000082",
    "wedding_id": _WEDDING,
    "link_id": _LINK,
    "supplier_name": "Marlow Photo",
    "on": "2027-06-05",
    "zone": "Europe/London",
    "expected_at": "2027-06-05T10:00:00+00:00",
    "contact_name": "Carla Sample",
    "contact_phone": "+44 7700 900123",
    "vehicle": "White van, AB12 CDE",
    "confirmed_at": "2027-06-02T09:00:00+00:00",
    "asked": 1,
    "state": "expected",
    "eta_at": None,
    "arrived_at": None,
    "left_at": None,
    "rung": 0,
    "said_by": "Carla (Marlow Photo)",
    "version": 2,
    "created_at": "2027-06-02T08:00:00+00:00",
    "updated_at": "2027-06-02T09:00:00+00:00",
}
_MARK: dict[str, Any] = {
    "id": _ITEM,
    "wedding_id": _WEDDING,
    "schedule_item_id": _ITEM,
    "state": "started",
    "late_minutes": 10,
    "started_at": _AT,
    "done_at": None,
    "said_by": "Dora",
    "version": 1,
    "updated_at": _AT,
}
_PACK: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000084",
    "wedding_id": _WEDDING,
    "link_id": _LINK,
    "because": "day",
    "number": 0,
    "bytes": 14210,
    "made_at": _AT,
}
_GATE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000086",
    "wedding_id": _WEDDING,
    "schedule_item_id": _ITEM,
    "latitude": 51.57,
    "longitude": -0.77,
    "plan_b": "Drinks in the orangery",
    "plan_b_place": "Orangery",
    "zone": "Europe/London",
    "decide_by": "2027-06-05T08:00:00+00:00",
    "rain_mm_max": 1.0,
    "gust_kmh_max": 45.0,
    "cold_c_min": 8.0,
    "heat_c_max": 32.0,
    "state": "waiting",
    "crossed": [],
    "rain_mm": None,
    "rain_chance": None,
    "gust_kmh": None,
    "low_c": None,
    "high_c": None,
    "forecast_at": None,
    "trouble": "",
    "next_at": _AT,
    "asked_links": [],
    "decided_name": "",
    "decided_at": None,
    "reason": "",
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}
_STAGE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000085",
    "wedding_id": _WEDDING,
    "on": "2027-06-05",
    "stage": "aftercare",
    "began_at": "2027-06-06T22:00:00+00:00",
}
_HELD: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000083",
    "wedding_id": _WEDDING,
    "fields": {"ceremony_venue": "Orangery"},
    "reason": "The marquee cannot stand in this wind.",
    "state": "waiting",
    "asked_by": "01920000-0000-7000-8000-000000000002",
    "asked_name": "Ana",
    "asked_at": _AT,
    "ended_by": None,
    "ended_name": "",
    "ended_at": None,
    "version": 1,
    "updated_at": _AT,
}


def _type(
    name: str,
    row: type[msgspec.Struct],
    table: str,
    example: dict[str, Any],
    says: str,
    *,
    scope: Scope = Scope.SCHEDULE,
    lane: Lane = Lane.HIGH,
    asks: bool = False,
) -> EventType:
    return EventType(
        type=name, scope=scope, table=table, row=row, description=says, example=example, lane=lane, acknowledge=asks
    )


def _arrival(name: str, says: str, *, lane: Lane = Lane.HIGH, **image: Any) -> EventType:
    return _type(f"arrival.{name}", Arrival, "arrivals", _ARRIVAL | image, says, lane=lane)


def _held(name: str, says: str, **image: Any) -> EventType:
    return _type(f"held_change.{name}", HeldChange, "held_changes", _HELD | image, says, scope=Scope.PRIVATE)


AMENDED = _type(
    "amendment.made",
    Amendment,
    "amendments",
    _AMENDMENT,
    "The plan was changed on the day, by whom and why. Everybody who sees the schedule confirms it.",
    lane=Lane.CRITICAL,
    asks=True,
)
ASKED = _arrival(
    "asked",
    "A supplier is asked when they come on the day, and whom to ring there; asked again while nothing is said.",
    confirmed_at=None,
    contact_name="",
    contact_phone="",
    vehicle="",
    said_by="",
)
CONFIRMED = _arrival("confirmed", "A supplier said when they come, and whom to ring there.")
MOVED_ON = _arrival(
    "changed", "A supplier is on the way, on site, ready, or has left.", state="on_site", arrived_at=_AT
)
CAME = _arrival(
    "came",
    "A supplier who was missing has come: the emergency about it is over.",
    lane=Lane.CRITICAL,
    state="on_site",
    arrived_at=_AT,
)
PROMPTED = _arrival("prompted", "An hour before they are expected a supplier has not said that they come.", rung=1)
LATE = _arrival("late", "A quarter of an hour before they are expected, nothing was heard of a supplier.", rung=2)
MISSING = _arrival("missing", "A supplier is expected now and has not come.", lane=Lane.CRITICAL, rung=3)
TO_DECIDE = _arrival(
    "undecided",
    "A supplier is a quarter of an hour overdue: whoever leads the day decides what is done without them.",
    lane=Lane.CRITICAL,
    rung=4,
)
REPLACE = _arrival(
    "given_up", "A supplier is half an hour overdue: time to call somebody else.", lane=Lane.CRITICAL, rung=5
)
MARKED = _type(
    "item_mark.set", ItemMark, "item_marks", _MARK, "An item runs late, has started, is done, or is left out."
)
PACKED = _type(
    "day_pack.made",
    DayPack,
    "day_packs",
    _PACK,
    "A day pack was made: a week, a day and two hours before, and on each amendment. `link_id` null: the couple's.",
    scope=Scope.CORE,
    lane=Lane.NORMAL,
)
STAGE_BEGUN = _type(
    "day_stage.begun",
    DayStage,
    "day_stages",
    _STAGE,
    "A wedding day is over: `stand_down` two hours after its last item, `aftercare` a day after it. Each once.",
    scope=Scope.CORE,
    lane=Lane.NORMAL,
)


def _gate(name: str, says: str, *, lane: Lane = Lane.HIGH, **image: Any) -> EventType:
    return _type(f"weather_gate.{name}", WeatherGate, "weather_gates", _GATE | image, says, lane=lane)


GATE_SET = _gate("set", "Something out of doors has a plan for bad weather, and a time by which it is decided.")
GATE_LOOKED = _gate(
    "looked", "The forecast for it was read, or could not be.", lane=Lane.LOW, forecast_at=_AT, rain_mm=0.2
)
GATE_ASKED = _gate(
    "asked",
    "The forecast is beyond what it may be: the couple and whoever leads the day are asked to decide.",
    state="asked",
    crossed=["rain"],
    rain_mm=6.5,
    forecast_at=_AT,
)
GATE_DECIDED = _gate(
    "decided",
    "It stays as planned, or the plan for bad weather is taken: by whom and why.",
    state="switched",
    decided_name="Ana",
    decided_at=_AT,
    reason="Rain from three o’clock.",
)
GATE_PASSED = _gate("passed", "Its time has passed without a decision: it stays as planned.", state="lapsed")
GATE_REMOVED = _gate("removed", "It needs no plan for bad weather any more.")
HELD = _held(
    "asked", "In the last week date, places or times are to change: a second word of the couple's is waited for."
)
HELD_MADE = _held("confirmed", "The second word was given, and the change is made.", state="made", ended_at=_AT)
HELD_WITHDRAWN = _held("withdrawn", "The change was taken back.", state="withdrawn", ended_at=_AT)
OF_RUNGS = (None, PROMPTED, LATE, MISSING, TO_DECIDE, REPLACE)
EVENTS = (
    *(AMENDED, ASKED, CONFIRMED, MOVED_ON, CAME, PROMPTED, LATE, MISSING, TO_DECIDE, REPLACE),
    *(GATE_SET, GATE_LOOKED, GATE_ASKED, GATE_DECIDED, GATE_PASSED, GATE_REMOVED),
    *(MARKED, PACKED, STAGE_BEGUN, HELD, HELD_MADE, HELD_WITHDRAWN),
)
