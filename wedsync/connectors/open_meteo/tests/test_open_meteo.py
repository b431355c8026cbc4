"""Open-Meteo: the hours as its documentation shows them, what it refuses, and that only a spot leaves."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from wedsync.connections.contract import Outcome, Rejected, RetryLater, Tools
from wedsync.connections.stage import serving
from wedsync.connections.weather import Forecast, Forecasts, Spot
from wedsync.connectors.open_meteo import mapper
from wedsync.connectors.open_meteo.client import HOURLY
from wedsync.connectors.open_meteo.connector import OpenMeteo, connect
from wedsync.connectors.open_meteo.fake import SKIES, Sky, build
from wedsync.kit import clock
from wedsync.kit.http import Wire

HERE = Spot(latitude=51.5712, longitude=-0.7766)
# The shape of the documentation's example (open-meteo.com/en/docs), with an hour that nobody forecast.
DOCUMENTED = b"""{"latitude": 52.52, "longitude": 13.419, "elevation": 44.812, "generationtime_ms": 2.2119,
  "utc_offset_seconds": 0, "timezone": "GMT", "timezone_abbreviation": "GMT",
  "hourly": {"time": ["2022-07-01T00:00", "2022-07-01T01:00"], "temperature_2m": [13, 12.7],
    "precipitation": [0.1, null], "precipitation_probability": [40, null], "wind_gusts_10m": [31.5, 30.2]},
  "hourly_units": {"temperature_2m": "\\u00b0C"}}"""


@pytest_asyncio.fixture
async def sky() -> AsyncIterator[tuple[Sky, OpenMeteo]]:
    fake = build(None)
    wire = Wire()
    try:
        async with serving([fake]) as at:
            yield fake, connect(Tools(wire=wire, machine_now=clock.machine_now, settings=fake.settings_at(at)))
    finally:
        await wire.close()


async def asked(connector: OpenMeteo, spot: Spot = HERE) -> Forecast | Outcome:
    return await connector.forecast(spot, timeout_s=5)


def test_the_documented_answer_is_read() -> None:
    first, second = mapper.hours(DOCUMENTED)
    assert first.at == datetime(2022, 7, 1, tzinfo=UTC)
    assert (first.rain_mm, first.rain_chance, first.gust_kmh, first.temperature_c) == (0.1, 40, 31.5, 13)
    assert (second.rain_mm, second.rain_chance, second.gust_kmh) == (None, None, 30.2)
    assert mapper.reason(b'{"error": true, "reason": "No."}') == "No." and mapper.reason(b"<html>") == ""


async def test_a_forecast_is_asked_for_by_its_spot_alone(sky: tuple[Sky, OpenMeteo]) -> None:
    fake, connector = sky
    assert isinstance(connector, Forecasts)
    fake.make("storm")
    found = await asked(connector)
    assert isinstance(found, Forecast) and len(found.hours) == 16 * 24
    assert {(h.rain_mm, h.gust_kmh) for h in found.hours} == {
        (SKIES["storm"]["precipitation"], SKIES["storm"]["wind_gusts_10m"])
    }
    (said,) = fake.asked
    assert said == {
        "latitude": "51.5712",
        "longitude": "-0.7766",
        "hourly": HOURLY,
        "timezone": "GMT",
        "wind_speed_unit": "kmh",
        "forecast_days": "16",
    }


@pytest.mark.parametrize("mood", ["429", "5xx", "lost reply", "truncated"])
async def test_what_passes_is_asked_again(sky: tuple[Sky, OpenMeteo], mood: str) -> None:
    fake, connector = sky
    fake.moods.switch(mood)
    found = await asked(connector)
    assert isinstance(found, RetryLater) and found.reason
    assert (found.after_s == 7) == (mood == "429")
    fake.moods.switch("fine")
    assert isinstance(await asked(connector), Forecast)


async def test_what_nobody_has_heard_of_is_passed_over_and_a_spot_that_is_none_refused(
    sky: tuple[Sky, OpenMeteo],
) -> None:
    fake, connector = sky
    fake.moods.switch("unknown fields")
    found: Any = await asked(connector)
    assert isinstance(found, Forecast) and found.hours[0].rain_chance is None
    fake.moods.switch("fine")
    refused = await asked(connector, Spot(latitude=91, longitude=0))
    assert isinstance(refused, Rejected) and "Latitude must be in range" in refused.reason
