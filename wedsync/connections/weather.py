"""What a provider of forecasts offers: the weather of one spot, hour by hour."""

from typing import Protocol, runtime_checkable

import msgspec

from wedsync.connections.contract import Attempt, Connector, Outcome
from wedsync.days.weather import Hour


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where, as WGS 84 degrees."""

    latitude: float
    longitude: float


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """Every hour that the provider tells, in order."""

    hours: tuple[Hour, ...]
    attempt: Attempt = Attempt()


@runtime_checkable
class Forecasts(Connector, Protocol):
    """Says what the weather will be. Nobody's account is needed: the operator says where it is asked."""

    async def forecast(self, spot: Spot, *, timeout_s: float) -> Forecast | Outcome: ...
