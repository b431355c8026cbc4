"""The work of forecasts: asks a provider about the spots of a wedding's gates, and lets the noun note what it says.

Nothing is asked inside a transaction. Whoever has no provider, or one that is away, sees that on the page of the day.
"""

from collections.abc import Mapping
from typing import Final

from wedsync.connections.contract import Connection
from wedsync.connections.host import NOBODY, Host
from wedsync.connections.weather import Forecast, Forecasts, Spot
from wedsync.days import gates, weather
from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.kit import clock
from wedsync.kit.db import Door

WEATHER: Final = "days.weather"
NONE: Final = "This installation has no provider of forecasts."
TOO_FAR: Final = "No forecast reaches that day yet."


def works(host: Host) -> Mapping[str, Work]:
    """By the name it is owed under."""

    async def look(door: Door, job: Job) -> None:
        async with door.enter_job(job.id, job.lease_token) as tx:
            due = await gates.due(tx)
        found = [(one, await asked(host, one)) for one in due]
        async with door.enter_job(job.id, job.lease_token) as tx:
            for one, said in found:
                await gates.note(tx, one, said, clock.now())
            await jobs.finish(tx, job)

    return {WEATHER: look}


async def asked(host: Host, one: gates.Due) -> weather.Worst | str:
    """The weather of one item, or why it is not known."""
    name = next((name for name, manifest in host.manifests.items() if "forecasts" in manifest.does), "")
    if not name:
        return NONE
    spot = Spot(latitude=one.gate.latitude, longitude=one.gate.longitude)
    timeout_s = host.manifests[name].limits.timeout_s
    said = await host.call(
        name,
        Forecasts,
        lambda provider: provider.forecast(spot, timeout_s=timeout_s),
        Connection(id=NOBODY),
        timeout_s=timeout_s,
    )
    if not isinstance(said, Forecast):
        return str(getattr(said, "reason", "")) or NONE
    return weather.worst(said.hours, one.starts_at, one.ends_at) or TOO_FAR
