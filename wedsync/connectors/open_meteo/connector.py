"""Asks Open-Meteo for the weather of a spot."""

from wedsync.connections import replies
from wedsync.connections.contract import Outcome, Rejected, RetryLater, Tools, attempt_of
from wedsync.connections.weather import Forecast, Spot
from wedsync.connectors.open_meteo import mapper
from wedsync.connectors.open_meteo.client import Client
from wedsync.kit.http import Failure

UNREADABLE = "The forecast cannot be read."


class OpenMeteo:
    """Keeps nothing between two calls."""

    def __init__(self, tools: Tools) -> None:
        self._machine_now = tools.machine_now
        self._client = Client(tools.wire, tools.settings["open_meteo_base_url"])

    async def forecast(self, spot: Spot, *, timeout_s: float) -> Forecast | Outcome:
        """RetryLater where it may pass, Rejected for a spot that it does not know."""
        said = await self._client.forecast(latitude=spot.latitude, longitude=spot.longitude, timeout_s=timeout_s)
        attempt = attempt_of(said)
        if isinstance(said, Failure):
            return replies.no_answer(said, attempt)
        if replies.is_passing(said.status):
            after_s = replies.retry_after_s(said.headers, now=self._machine_now())
            reason = mapper.reason(said.body) or f"Open-Meteo answers {said.status}."
            return RetryLater(reason=reason, after_s=after_s, attempt=attempt)
        if said.status != 200:
            return Rejected(reason=mapper.reason(said.body) or f"Open-Meteo answers {said.status}.", attempt=attempt)
        try:
            return Forecast(hours=mapper.hours(said.body), attempt=attempt)
        except ValueError:
            return RetryLater(reason=UNREADABLE, attempt=attempt)

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""


def connect(tools: Tools) -> OpenMeteo:
    return OpenMeteo(tools)
