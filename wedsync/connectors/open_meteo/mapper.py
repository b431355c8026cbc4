"""Open-Meteo's hours as ours: parallel lists by the names of what was asked, in which an hour may be null."""

from datetime import UTC, datetime

import msgspec

from wedsync.days.weather import Hour


class Hourly(msgspec.Struct, frozen=True):
    """`hourly` of an answer; what is not in it was not forecast."""

    time: list[str]
    temperature_2m: list[float | None] = []
    precipitation: list[float | None] = []
    precipitation_probability: list[float | None] = []
    wind_gusts_10m: list[float | None] = []


class Answer(msgspec.Struct, frozen=True):
    """Of an answer what we use."""

    hourly: Hourly


class Problem(msgspec.Struct, frozen=True):
    """What stands in an answer of 400 or 429."""

    reason: str = ""


def hours(body: bytes) -> tuple[Hour, ...]:
    """Raises ValueError for what is no forecast."""
    found = msgspec.json.decode(body, type=Answer).hourly
    return tuple(
        Hour(
            at=datetime.fromisoformat(at).replace(tzinfo=UTC),
            rain_mm=_of(found.precipitation, n),
            rain_chance=_of(found.precipitation_probability, n),
            gust_kmh=_of(found.wind_gusts_10m, n),
            temperature_c=_of(found.temperature_2m, n),
        )
        for n, at in enumerate(found.time)
    )


def reason(body: bytes) -> str:
    """What it says is wrong, where it says so."""
    try:
        return msgspec.json.decode(body, type=Problem).reason[:200]
    except ValueError:
        return ""


def _of(values: list[float | None], n: int) -> float | None:
    return values[n] if n < len(values) else None
