"""A nudge through Valkey: client CPU of one publish, back to back."""

from valkey.asyncio import Valkey

from bench.decisions.engines import started
from bench.decisions.measuring import Figures, cpu_us_of, run

NUDGE = b"x" * 600


async def _measure(url: str) -> Figures:
    client = Valkey.from_url(url)
    figures = {"publish_us": await cpu_us_of(lambda: client.publish("wedsync:events", NUDGE), times=1500)}
    await client.aclose()
    return figures


def measure() -> Figures:
    with started(postgres=False, valkey=True) as (_, url):
        return run(_measure(url))
