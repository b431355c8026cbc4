"""How often something may be done: a sliding window or a token bucket per key, shared by all processes through Valkey.

While Valkey is away each process limits by itself, with the same rules: a limit is then as many times looser as there
are processes, and never absent. Keys are hashed, so Valkey holds no address of anybody.
"""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from wedsync.kit import clock
from wedsync.kit.valkey import GONE, Client, Outage, Script, script

K = TypeVar("K")
T = TypeVar("T")

REFUSED_S: Final = 1.0
"""How long a process repeats a refusal without asking, at most: a flood then costs Valkey nothing."""
LOCAL_KEYS_MAX: Final = 10_000
"""Keys that one process remembers while Valkey is away; the least recently used are forgotten first."""

# Exact: a window's hits are members of a sorted set by their microsecond. Refused hits are not counted.
WINDOW_SCRIPT: Final = """
local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
local count = redis.call('ZCARD', KEYS[1])
local allowed = count + cost <= limit
if allowed then
  for i = 1, cost do
    redis.call('ZADD', KEYS[1], string.format('%.0f', now), string.format('%.0f-%d', now, count + i))
  end
  count = count + cost
  redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
end
local freed = math.max(count + (allowed and 0 or cost) - limit, 1) - 1
local oldest = redis.call('ZRANGE', KEYS[1], freed, freed, 'WITHSCORES')
local reset = oldest[2] and (oldest[2] + window - now) or window
return {allowed and 1 or 0, math.max(limit - count, 0), math.ceil(math.max(reset, 0))}
"""

# The generic cell rate algorithm: one number per key, the instant at which the bucket will be full again.
BUCKET_SCRIPT: Final = """
local burst, interval, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local after = full_at + interval * cost
local over = after - burst * interval - now
if over > 0 then
  return {0, math.floor((burst * interval - (full_at - now)) / interval), math.ceil(over)}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1)
return {1, math.floor((burst * interval - (after - now)) / interval), math.ceil(after - now)}
"""


class Window(msgspec.Struct, frozen=True):
    """At most `count` hits in any `window_s` seconds."""

    name: str
    count: int
    window_s: float


class Bucket(msgspec.Struct, frozen=True):
    """`per_s` tokens a second flow into a bucket that holds `burst`."""

    name: str
    per_s: float
    burst: int


Limit = Window | Bucket


class Decision(msgspec.Struct, frozen=True):
    """`reset_s`: for who is refused, when it is worth trying again; otherwise when something is given back."""

    is_allowed: bool
    limit: Limit
    remaining: int
    reset_s: float

    def headers(self) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers), and Retry-After for a refusal."""
        quota, window_s = _policy(self.limit)
        reset_s = math.ceil(self.reset_s)
        told = {
            "RateLimit-Policy": f'"{self.limit.name}";q={quota};w={window_s}',
            "RateLimit": f'"{self.limit.name}";r={self.remaining};t={reset_s}',
        }
        return told if self.is_allowed else told | {"Retry-After": str(max(1, reset_s))}


class Limits:
    """Asks Valkey, or this process's own memory while it is away (or where there is none)."""

    def __init__(self, client: Client | None, *, time: Callable[[], float] = clock.monotonic) -> None:
        self._scripts: dict[type, Script] = {}
        if client is not None:
            self._scripts = {Window: script(client, WINDOW_SCRIPT), Bucket: script(client, BUCKET_SCRIPT)}
        self._outage = Outage("limits")
        self._local = LocalLimits(time)
        self._time = time
        self._refused: OrderedDict[tuple[Limit, str, int], tuple[float, float, int]] = OrderedDict()

    async def hit(self, limit: Limit, key: str, cost: int = 1) -> Decision:
        """Count one more use of `key` and say whether it may be. Never raises for a Valkey that is away."""
        ask = self._scripts.get(type(limit))
        if ask is not None and self._outage.may_try():
            refusal = self._still_refused(limit, key, cost)
            if refusal is not None:
                return refusal
            try:
                allowed, remaining, reset_us = await ask([_place(limit, key)], _arguments(limit, cost))
            except GONE as error:
                self._outage.failed(error)
            else:
                self._outage.worked()
                decision = Decision(bool(allowed), limit, int(remaining), int(reset_us) / 1e6)
                if not decision.is_allowed:
                    now = self._time()
                    again_at = now + min(decision.reset_s, REFUSED_S)
                    _keep(self._refused, (limit, key, cost), (again_at, now + decision.reset_s, decision.remaining))
                return decision
        return self._local.hit(limit, key, cost)

    def _still_refused(self, limit: Limit, key: str, cost: int) -> Decision | None:
        """Refused hits are not counted, so nothing but time ends a refusal."""
        held = self._refused.get((limit, key, cost))
        if held is None:
            return None
        now, (again_at, free_at, remaining) = self._time(), held
        if now >= again_at:
            del self._refused[limit, key, cost]
            return None
        return Decision(False, limit, remaining, free_at - now)


class LocalLimits:
    """The same rules in one process's memory. `time` gives seconds that never go back."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._windows: OrderedDict[str, list[float]] = OrderedDict()
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def hit(self, limit: Limit, key: str, cost: int = 1) -> Decision:
        place = f"{limit.name}|{key}"
        if isinstance(limit, Window):
            return self._hit_window(limit, place, cost)
        return self._hit_bucket(limit, place, cost)

    def _hit_window(self, limit: Window, key: str, cost: int) -> Decision:
        now = self._time()
        hits = [at for at in self._windows.get(key, []) if at > now - limit.window_s]
        is_allowed = len(hits) + cost <= limit.count
        if is_allowed:
            hits += [now] * cost
        _keep(self._windows, key, hits)
        freed = max(len(hits) + (0 if is_allowed else cost) - limit.count, 1) - 1
        reset_s = hits[freed] + limit.window_s - now if freed < len(hits) else limit.window_s
        return Decision(is_allowed, limit, max(limit.count - len(hits), 0), max(reset_s, 0.0))

    def _hit_bucket(self, limit: Bucket, key: str, cost: int) -> Decision:
        now = self._time()
        interval = 1 / limit.per_s
        full_at = max(self._full_at.get(key, now), now)
        after = full_at + interval * cost
        over = after - limit.burst * interval - now
        if over > 1e-9:
            left = limit.burst - (full_at - now) / interval
            return Decision(False, limit, max(math.floor(left + 1e-9), 0), over)
        _keep(self._full_at, key, after)
        return Decision(True, limit, math.floor(limit.burst - (after - now) / interval + 1e-9), after - now)


def _keep(held: OrderedDict[K, T], key: K, value: T) -> None:
    held[key] = value
    held.move_to_end(key)
    while len(held) > LOCAL_KEYS_MAX:
        held.popitem(last=False)


def _arguments(limit: Limit, cost: int) -> list[int | str]:
    if isinstance(limit, Window):
        return [limit.count, round(limit.window_s * 1e6), cost]
    return [limit.burst, f"{1e6 / limit.per_s:.3f}", cost]


def _place(limit: Limit, key: str) -> str:
    digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    return f"wedsync:limit:{limit.name}:{digest}"


def _policy(limit: Limit) -> tuple[int, int]:
    if isinstance(limit, Window):
        return limit.count, math.ceil(limit.window_s)
    return limit.burst, max(1, math.ceil(limit.burst / limit.per_s))
