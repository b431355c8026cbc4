"""What workers tell each other of breakers, so that nobody begins what another has just seen fail; it may be wrong.

A hint saves a few tries within milliseconds and decides nothing: the claim asks the database, and a hint is believed
for a few seconds at most. Without Valkey each worker knows what it has seen itself.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import structlog

from wedsync.events.breakers import HostStanding, Standing
from wedsync.kit import clock

log = structlog.get_logger("hints")

CHANNEL: Final = "wedsync:breakers"
BELIEVED_S: Final = 2.0
KEPT_MAX: Final = 1_000
PORTS: Final = {"https": 443, "http": 80}


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that each is left alone from now on; 0 where it is not any more."""

    destinations: dict[UUID, float] = {}
    hosts: dict[str, float] = {}


class Hints:
    """What one worker has heard and seen."""

    def __init__(self, publish: Callable[[str, bytes], Awaitable[bool]] | None = None) -> None:
        self._publish = publish
        self._destinations: dict[UUID, float] = {}
        self._hosts: dict[str, float] = {}

    async def tell(self, destinations: Iterable[Standing], hosts: Iterable[HostStanding]) -> None:
        """What was judged and committed, to all who listen, this worker among them; while nobody can, to itself."""
        hint = Hint(
            destinations={one.destination: _left_s(one) for one in destinations if one.open_until or not one.since},
            hosts={one.host: _left_s(one) for one in hosts if one.open_until or not one.since},
        )
        if not (hint.destinations or hint.hosts) or self._publish is None:
            return
        if not await self._publish(CHANNEL, msgspec.json.encode(hint)):
            self.believe(hint)

    def hear(self, message: bytes) -> None:
        """From another worker, or from anybody: what cannot be read is passed over."""
        try:
            self.believe(msgspec.json.decode(message, type=Hint))
        except msgspec.MsgspecError as error:
            log.warning("hint_not_read", reason=str(error))

    def believe(self, hint: Hint) -> None:
        """For a few seconds."""
        now = clock.monotonic()
        # What is over makes room: a host that never came back must not keep others from being told of.
        self._destinations, self._hosts = _believed(self._destinations, now), _believed(self._hosts, now)
        _merge(self._destinations, hint.destinations, now)
        _merge(self._hosts, hint.hosts, now)

    def shunned(self) -> list[UUID]:
        """Destinations that need not be claimed for now."""
        if self._destinations:
            self._destinations = _believed(self._destinations, clock.monotonic())
        return list(self._destinations)

    def is_shunned(self, destination: UUID, url: str | None) -> bool:
        """Whether a try that is about to begin had better not. One at a shunned host is shunned itself from then on."""
        if not self._destinations and not self._hosts:
            return False
        now = clock.monotonic()
        host_until = self._hosts.get(host_of(url), 0.0) if url and self._hosts else 0.0
        if host_until > now:
            _merge(self._destinations, {destination: host_until - now}, now)
        return self._destinations.get(destination, 0.0) > now


def host_of(url: str) -> str:
    """host:port, as `app.host_of` writes it; "" for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    name = parts.hostname or ""
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _left_s(one: Standing | HostStanding) -> float:
    return 0.0 if one.open_until is None else one.open_until - one.now_s


def _believed(known: dict[Any, float], now: float) -> dict[Any, float]:
    return {one: until for one, until in known.items() if until > now}


def _merge(known: dict[Any, float], told: Mapping[Any, float], now: float) -> None:
    for one, seconds in told.items():
        known.pop(one, None)
        if seconds > 0 and len(known) < KEPT_MAX:
            known[one] = now + min(seconds, BELIEVED_S)
