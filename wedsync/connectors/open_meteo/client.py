"""Open-Meteo's forecast API over the one door to the network, nothing decided."""

from typing import Final
from urllib.parse import urlencode

from wedsync.kit.http import Failure, Reply, Wire

HOURLY: Final = "temperature_2m,precipitation,precipitation_probability,wind_gusts_10m"
DAYS: Final = 16
"""As far as it forecasts."""


class Client:
    """Asks without a key: a server of one's own, or Open-Meteo's free one within its terms."""

    def __init__(self, wire: Wire, base_url: str) -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")

    async def forecast(self, *, latitude: float, longitude: float, timeout_s: float) -> Reply | Failure:
        """`GET /v1/forecast`, times in GMT, degrees Celsius, millimetres, kilometres an hour."""
        asked = {
            "latitude": f"{latitude:.4f}",
            "longitude": f"{longitude:.4f}",
            "hourly": HOURLY,
            "timezone": "GMT",
            "wind_speed_unit": "kmh",
            "forecast_days": DAYS,
        }
        return await self._wire.request(
            "GET", f"{self._base}/v1/forecast?{urlencode(asked)}", timeout_s=timeout_s, trusted=True
        )
