"""Tags in Mailchimp are static segments of an audience: members are put in and taken out by hundreds at once."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from wedsync.connections.contract import Delivered, Outcome
from wedsync.connections.marketing.contract import Tagging
from wedsync.connectors.mailchimp import mapper
from wedsync.connectors.mailchimp.answers import read
from wedsync.connectors.mailchimp.client import Client

BATCH_MAX: Final = 500
PAGE: Final = 1000
PAGES_MAX: Final = 10


async def tag(client: Client, wanted: Tagging, *, now: datetime) -> Delivered | Outcome:
    """A tag that is not there yet is made with its first members; one that nobody had is not made to be emptied."""
    known = await _segments(client, wanted, now=now)
    if not isinstance(known, dict):
        return known
    for name in sorted({*wanted.gains, *wanted.losses}):
        gains, losses = wanted.gains.get(name, ()), wanted.losses.get(name, ())
        if name not in known:
            if not gains:
                continue
            exchange = await client.add_segment(wanted.list_id, name, gains[:BATCH_MAX], timeout_s=wanted.timeout_s)
            made = read(exchange, mapper.Segment, now=now)
            if not isinstance(made, mapper.Segment):
                return made
            known[name], gains = made.id, gains[BATCH_MAX:]
        stopped = await _change(client, wanted, known[name], gains, losses, now=now)
        if stopped is not None:
            return stopped
    return Delivered()


async def _segments(client: Client, wanted: Tagging, *, now: datetime) -> dict[str, int] | Outcome:
    known: dict[str, int] = {}
    for page in range(PAGES_MAX):
        exchange = await client.segments(wanted.list_id, offset=page * PAGE, count=PAGE, timeout_s=wanted.timeout_s)
        found = read(exchange, mapper.Segments, now=now)
        if not isinstance(found, mapper.Segments):
            return found
        known |= {one.name: one.id for one in found.segments}
        if len(found.segments) < PAGE:
            break
    return known


async def _change(
    client: Client, wanted: Tagging, segment: int, gains: tuple[str, ...], losses: tuple[str, ...], *, now: datetime
) -> Outcome | None:
    several: list[tuple[list[str], list[str]]] = [(list(some), []) for some in _batched(gains)]
    several += [([], list(some)) for some in _batched(losses)]
    for added, removed in several:
        exchange = await client.change_segment(
            wanted.list_id, segment, gains=added, losses=removed, timeout_s=wanted.timeout_s
        )
        found = read(exchange, mapper.Changed, now=now)
        if not isinstance(found, mapper.Changed):
            return found
    return None


def _batched(emails: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return (emails[start : start + BATCH_MAX] for start in range(0, len(emails), BATCH_MAX))
