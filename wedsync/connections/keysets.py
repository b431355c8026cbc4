"""The public keys of token issuers, fetched from the address that a source's owner typed, and remembered for a while.

A tenant's address is always guarded. A token with an unknown key makes us look again, once, and not more often than the
floor allows: strangers choose the key's name. A set that cannot be fetched leaves the one that is known in force, and
why it could not is told to its owner. Nobody waits for a fetch whose key is known.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog

from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply, Wire

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


class Found(msgspec.Struct, frozen=True):
    """The keys at an address, and why they could not be fetched the last time, for their owner."""

    keys: list[dict[str, Any]]
    fault: str = ""


class _Known(msgspec.Struct):
    """`read_at` and `asked_at` are seconds that never go back; `lock` keeps two requests from asking at once."""

    lock: asyncio.Lock
    keys: list[dict[str, Any]] = []
    read_at: float | None = None
    asked_at: float | None = None
    fault: str = ""


class KeySets:
    """The sets that one process remembers by address."""

    def __init__(self, wire: Wire, time: Callable[[], float] = clock.monotonic) -> None:
        """`time` gives seconds that never go back."""
        self._wire = wire
        self._time = time
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def has(self, url: str, kid: str | None) -> bool:
        """Whether the keys are found without waiting for a fetch."""
        known = self._known.get(url)
        return known is not None and (self._serves(known, kid) or not self._may_ask(known))

    async def keys(self, url: str, kid: str | None) -> Found:
        """The keys at an address; fetched where they are old, or where none is called `kid`."""
        known = self._known.setdefault(url, _Known(asyncio.Lock()))
        self._known.move_to_end(url)
        if len(self._known) > SETS_MAX:
            self._known.popitem(last=False)
        if not self._serves(known, kid) and not (known.lock.locked() and self._holds(known, kid)):
            async with known.lock:
                # Whoever waited finds what the one before them fetched.
                if not self._serves(known, kid) and self._may_ask(known):
                    await self._fetch(url, known)
        return Found(known.keys if self._is_younger(known, HELD_MAX_S) else [], known.fault)

    def _serves(self, known: _Known, kid: str | None) -> bool:
        return self._is_younger(known, AGE_MAX_S) and (kid is None or _names(known, kid))

    def _holds(self, known: _Known, kid: str | None) -> bool:
        return self._is_younger(known, HELD_MAX_S) and kid is not None and _names(known, kid)

    def _is_younger(self, known: _Known, age_s: float) -> bool:
        return known.read_at is not None and self._time() - known.read_at < age_s

    def _may_ask(self, known: _Known) -> bool:
        return known.asked_at is None or self._time() - known.asked_at >= FLOOR_S

    async def _fetch(self, url: str, known: _Known) -> None:
        known.asked_at = self._time()
        reply = await self._wire.request("GET", url, headers={"accept": "application/json"}, timeout_s=TIMEOUT_S)
        if isinstance(reply, Failure) or reply.status != 200 or reply.ending != "whole":
            known.fault = reply.reason if isinstance(reply, Failure) else _odd(reply)
            log.warning("keys_not_fetched", reason=reply.kind if isinstance(reply, Failure) else f"{reply.status}")
            return
        try:
            found = msgspec.json.decode(reply.body, type=KeySet)
        except msgspec.DecodeError:
            known.fault = 'It is no key set: {"keys": [...]} in JSON.'
            log.warning("keys_not_fetched", reason="no key set")
            return
        known.fault = ""
        known.keys = found.keys[:KEYS_MAX]
        known.read_at = known.asked_at


def _names(known: _Known, kid: str) -> bool:
    return any(key.get("kid") == kid for key in known.keys)


def _odd(reply: Reply) -> str:
    if reply.status != 200:
        return f"It was answered with status {reply.status}."
    return "The answer was larger than 64 KiB." if reply.ending == "capped" else "The answer broke off."
