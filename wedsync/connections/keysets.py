"""The public keys of token issuers, fetched from the address that a source's owner typed, and remembered for a while.

A tenant's address is always guarded. A token with an unknown key makes us look again, once, and not more often than the
floor allows: strangers choose the key's name. A set that cannot be fetched leaves the one that is known in force.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog

from wedsync.kit import clock
from wedsync.kit.http import Failure, Wire

log = structlog.get_logger("hooks")
SETS_MAX: Final = 1000
AGE_MAX_S: Final = 3600.0
HELD_MAX_S: Final = 86_400.0
"""Of a set that cannot be fetched again: its issuer may have withdrawn a key."""
FLOOR_S: Final = 30.0
"""Between two fetches of one set, whatever they answered."""
TIMEOUT_S: Final = 5.0
KEYS_MAX: Final = 100


class KeySet(msgspec.Struct, frozen=True):
    """A set as it was fetched: JSON web keys."""

    keys: list[dict[str, Any]]


class _Known(msgspec.Struct):
    """`read_at` and `asked_at` are seconds that never go back; `lock` keeps two requests from asking at once."""

    lock: asyncio.Lock
    keys: list[dict[str, Any]] = []
    read_at: float | None = None
    asked_at: float | None = None


class KeySets:
    """The sets that one process remembers by address."""

    def __init__(self, wire: Wire, time: Callable[[], float] = clock.monotonic) -> None:
        """`time` gives seconds that never go back."""
        self._wire = wire
        self._time = time
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def keys(self, url: str, kid: str | None) -> list[dict[str, Any]]:
        """The keys at an address; fetched where they are old, or where none is called `kid`."""
        known = self._known.setdefault(url, _Known(asyncio.Lock()))
        self._known.move_to_end(url)
        if len(self._known) > SETS_MAX:
            self._known.popitem(last=False)
        if not self._serves(known, kid):
            async with known.lock:
                # Whoever waited finds what the one before them fetched.
                if not self._serves(known, kid) and self._may_ask(known):
                    await self._fetch(url, known)
        is_held = known.read_at is not None and self._time() - known.read_at < HELD_MAX_S
        return known.keys if is_held else []

    def _serves(self, known: _Known, kid: str | None) -> bool:
        is_fresh = known.read_at is not None and self._time() - known.read_at < AGE_MAX_S
        return is_fresh and (kid is None or any(key.get("kid") == kid for key in known.keys))

    def _may_ask(self, known: _Known) -> bool:
        return known.asked_at is None or self._time() - known.asked_at >= FLOOR_S

    async def _fetch(self, url: str, known: _Known) -> None:
        known.asked_at = self._time()
        reply = await self._wire.request("GET", url, headers={"accept": "application/json"}, timeout_s=TIMEOUT_S)
        if isinstance(reply, Failure) or reply.status != 200 or reply.ending != "whole":
            why = reply.kind if isinstance(reply, Failure) else f"status {reply.status}, {reply.ending}"
            log.warning("keys_not_fetched", reason=why)
            return
        try:
            found = msgspec.json.decode(reply.body, type=KeySet)
        except msgspec.DecodeError:
            log.warning("keys_not_fetched", reason="no key set")
            return
        known.keys = found.keys[:KEYS_MAX]
        known.read_at = known.asked_at
