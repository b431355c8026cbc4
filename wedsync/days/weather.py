"""Weather gates: what is out of doors, what is done instead, by when that is decided, and what a forecast says; pure.

A gate does nothing by itself: a forecast beyond its limits only asks people, and who does not answer keeps the plan.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.web.context import invalid

GateState = Literal["waiting", "asked", "kept", "switched", "lapsed"]
Crossed = Literal["rain", "gust", "cold", "heat"]
WATCHED_FROM: Final = timedelta(days=10)
"""So long before it begins a forecast is asked for at all: what is told of later days is no better than the season."""
ASKED_FROM: Final = timedelta(days=3)
"""So long before the decision people are asked, not earlier: forecasts change."""
FAR, NEAR, NEAR_FROM = timedelta(hours=3), timedelta(minutes=30), timedelta(hours=24)
AGAIN: Final = timedelta(minutes=15)
"""When a forecast is asked for again that could not be had."""
OPEN: Final = ("waiting", "asked")
WORDS: Final[dict[Crossed, str]] = {"rain": "rain", "gust": "gusts", "cold": "cold", "heat": "heat"}


class WeatherGate(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `weather_gates`. Millimetres are those of the whole item, the rest is the worst hour of it."""

    id: UUID
    wedding_id: UUID
    schedule_item_id: UUID
    latitude: float
    longitude: float
    plan_b: str
    plan_b_place: str
    zone: str
    decide_by: datetime
    rain_mm_max: float
    gust_kmh_max: float
    cold_c_min: float
    heat_c_max: float
    state: GateState
    crossed: list[Crossed]
    rain_mm: float | None
    rain_chance: float | None
    gust_kmh: float | None
    low_c: float | None
    high_c: float | None
    forecast_at: datetime | None
    trouble: str
    next_at: datetime
    asked_links: list[UUID]
    decided_name: str
    decided_at: datetime | None
    reason: str
    version: int
    created_at: datetime
    updated_at: datetime


class NewGate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done instead, and what is too much. Said again of the same item, it replaces what was said."""

    schedule_item_id: UUID
    plan_b: Annotated[str, Meta(min_length=3, max_length=300, description="What is done instead")]
    plan_b_place: Annotated[str, Meta(min_length=1, max_length=300)]
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    decide_hours_before: Annotated[float, Meta(ge=0.5, le=240, description="Hours before the item begins")] = 3.0
    rain_mm_max: Annotated[float, Meta(ge=0, le=500)] = 1.0
    gust_kmh_max: Annotated[float, Meta(ge=5, le=300)] = 45.0
    cold_c_min: Annotated[float, Meta(ge=-60, le=60)] = 8.0
    heat_c_max: Annotated[float, Meta(ge=-60, le=60)] = 32.0


class GateDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keep it as it is planned, or take the plan for bad weather."""

    choice: Literal["keep", "plan_b"]
    reason: Annotated[str, Meta(min_length=3, max_length=300, description="Why: everybody reads it")]


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """What is forecast for the hour that begins then; None where the provider does not say."""

    at: datetime
    rain_mm: float | None = None
    rain_chance: float | None = None
    gust_kmh: float | None = None
    temperature_c: float | None = None


class Worst(msgspec.Struct, frozen=True, kw_only=True):
    """The weather of an item."""

    rain_mm: float | None
    rain_chance: float | None
    gust_kmh: float | None
    low_c: float | None
    high_c: float | None


def check(new: NewGate) -> None:
    """Raises Refusal 422."""
    if new.cold_c_min >= new.heat_c_max:
        raise invalid("cold_c_min", "is not below heat_c_max", "Send a lower one.")


def worst(hours: Iterable[Hour], starts_at: datetime, ends_at: datetime) -> Worst | None:
    """Of the hours that the item touches; None where the forecast does not reach it."""
    own = [hour for hour in hours if hour.at < ends_at and hour.at + timedelta(hours=1) > starts_at]
    if not own:
        return None
    rain = [hour.rain_mm for hour in own if hour.rain_mm is not None]
    degrees = [hour.temperature_c for hour in own if hour.temperature_c is not None]
    return Worst(
        rain_mm=round(sum(rain), 1) if rain else None,
        rain_chance=max((h.rain_chance for h in own if h.rain_chance is not None), default=None),
        gust_kmh=max((h.gust_kmh for h in own if h.gust_kmh is not None), default=None),
        low_c=min(degrees, default=None),
        high_c=max(degrees, default=None),
    )


def crossed(gate: WeatherGate, seen: Worst) -> list[Crossed]:
    """What of it is too much. What nobody forecasts crosses nothing."""
    tests: Sequence[tuple[Crossed, bool]] = (
        ("rain", seen.rain_mm is not None and seen.rain_mm > gate.rain_mm_max),
        ("gust", seen.gust_kmh is not None and seen.gust_kmh > gate.gust_kmh_max),
        ("cold", seen.low_c is not None and seen.low_c < gate.cold_c_min),
        ("heat", seen.high_c is not None and seen.high_c > gate.heat_c_max),
    )
    return [name for name, is_crossed in tests if is_crossed]


def may_ask(gate: WeatherGate, now: datetime) -> bool:
    """Whether it is time to ask people, who are asked once."""
    return gate.state == "waiting" and gate.decide_by - ASKED_FROM <= now < gate.decide_by


def next_look(starts_at: datetime, decide_by: datetime, now: datetime) -> datetime:
    """When the forecast is asked for next; at the time of the decision at the latest, to end it."""
    if now < starts_at - WATCHED_FROM:
        return starts_at - WATCHED_FROM
    if now >= decide_by:
        return now
    return min(decide_by, now + (NEAR if now >= decide_by - NEAR_FROM else FAR))


def told(gate: WeatherGate) -> str:
    """The forecast in a line, for people."""
    parts = [
        *([f"{gate.rain_mm:g} mm of rain"] if gate.rain_mm is not None else []),
        *([f"gusts of {gate.gust_kmh:g} km/h"] if gate.gust_kmh is not None else []),
        *([f"{gate.low_c:g} to {gate.high_c:g} °C"] if gate.low_c is not None and gate.high_c is not None else []),
    ]
    return ", ".join(parts)
