"""A sky that can be made: Open-Meteo's forecast API below `/open-meteo`, saying the weather of its page."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.fakes import Moods, drop_connection, given, pages
from wedsync.kit import clock
from wedsync.kit.errors import Refusal

Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
SKIES: Final[Mapping[str, Mapping[str, float]]] = {
    "sun": {"temperature_2m": 22.0, "precipitation": 0.0, "precipitation_probability": 3, "wind_gusts_10m": 18.0},
    "rain": {"temperature_2m": 15.0, "precipitation": 2.4, "precipitation_probability": 90, "wind_gusts_10m": 32.0},
    "storm": {"temperature_2m": 17.0, "precipitation": 6.0, "precipitation_probability": 95, "wind_gusts_10m": 88.0},
    "cold": {"temperature_2m": 2.0, "precipitation": 0.0, "precipitation_probability": 5, "wind_gusts_10m": 20.0},
    "heat": {"temperature_2m": 38.0, "precipitation": 0.0, "precipitation_probability": 1, "wind_gusts_10m": 12.0},
}
MOODS: Final[Mapping[str, str]] = {
    "429": "Answers 429 with Retry-After: 7.",
    "5xx": "Answers 503.",
    "lost reply": "Closes the connection without an answer.",
    "truncated": "Answers 200 with the first half of the answer.",
    "unknown fields": "Answers with members that nobody has heard of, and with hours that are null.",
}
UNITS: Final = {"time": "iso8601", "temperature_2m": "°C", "precipitation": "mm", "wind_gusts_10m": "km/h"}


class Sky:
    """The provider. `sky` is one of SKIES."""

    title = "Weather"

    def __init__(self) -> None:
        self.moods = Moods(MOODS)
        self.sky = "sun"
        self.asked: list[dict[str, str]] = []
        self.stopping = asyncio.Event()
        handlers = [forecast, show, choose, change_mood]
        self.routes: Sequence[ControllerRouterHandler] = [
            Router("/open-meteo", route_handlers=handlers, dependencies={"sky": given(self)})
        ]

    @property
    def address(self) -> str:
        return "/open-meteo"

    async def start(self) -> None:
        """Nothing is to be opened."""

    async def stop(self) -> None:
        self.stopping.set()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {"open_meteo_base_url": f"{at}{self.address}"}

    def make(self, sky: str) -> None:
        """From now on every forecast says so. Raises Refusal 422."""
        if sky not in SKIES:
            raise Refusal(422, "unknown_sky", f"There is no sky {sky!r}. Known: {', '.join(SKIES)}.")
        self.sky = sky

    def told(self, asked: Mapping[str, str], *, is_odd: bool) -> dict[str, Any]:
        """An answer as the documentation shows it: lists beside each other, from midnight GMT."""
        begins = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        count = int(asked.get("forecast_days", "7")) * 24
        times = [f"{begins + timedelta(hours=n):%Y-%m-%dT%H:%M}" for n in range(count)]
        names = [name for name in asked.get("hourly", "").split(",") if name]
        hourly: dict[str, Any] = {"time": times} | {name: [SKIES[self.sky][name]] * count for name in names}
        if is_odd:
            hourly["soil_smell"] = ["earthy"] * count
            hourly["precipitation_probability"] = [None] * count
        return {
            "latitude": float(asked["latitude"]),
            "longitude": float(asked["longitude"]),
            "generationtime_ms": 0.1,
            "utc_offset_seconds": 0,
            "timezone": "GMT",
            "timezone_abbreviation": "GMT",
            "elevation": 38.0,
            "hourly_units": UNITS,
            "hourly": hourly,
        }


def build(settings: Any) -> Sky:
    return Sky()


@get("/v1/forecast")
async def forecast(request: "Request[Any, Any, Any]", sky: Sky) -> Response[bytes]:
    asked = dict(request.query_params)
    sky.asked.append(asked)
    mood = sky.moods.take()
    if mood == "lost reply":
        drop_connection(request)
    if mood in ("429", "5xx"):
        status = 429 if mood == "429" else 503
        headers = {"retry-after": "7"} if status == 429 else {}
        return _json({"error": True, "reason": "Too many requests."}, status=status, headers=headers)
    wrong = _wrong(asked)
    if wrong:
        return _json({"error": True, "reason": wrong}, status=400)
    answer = _json(sky.told(asked, is_odd=mood == "unknown fields"))
    if mood == "truncated":
        answer.content = answer.content[: len(answer.content) // 2]
    return answer


@get("/", media_type=MediaType.HTML)
async def show(sky: Sky) -> str:
    return PAGES.get_template("sky.html").render(
        fake=sky, skies=list(SKIES), moods=sky.moods, action="/open-meteo/mood"
    )


@post("/sky")
async def choose(sky: Sky, data: Posted) -> Redirect:
    sky.make(data.get("sky", ""))
    return Redirect("/open-meteo", status_code=303)


@post("/mood")
async def change_mood(sky: Sky, data: Posted) -> Redirect:
    times = data.get("times", "")
    sky.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/open-meteo", status_code=303)


def _wrong(asked: Mapping[str, str]) -> str:
    """What the API refuses of a request, as it says so."""
    try:
        latitude, longitude = float(asked["latitude"]), float(asked["longitude"])
    except (KeyError, ValueError):
        return "Parameter 'latitude' and 'longitude' must have the same number of elements"
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return f"Latitude must be in range of -90 to 90°. Given: {latitude}."
    unknown = [name for name in asked.get("hourly", "").split(",") if name and name not in SKIES["sun"]]
    return f"Cannot initialize variable from invalid String value {unknown[0]}" if unknown else ""


def _json(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type="application/json; charset=utf-8",
        headers=headers or {},
    )


PAGES = pages(Path(__file__).parent / "templates")
