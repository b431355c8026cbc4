"""Access tokens by OAuth 2 client credentials (RFC 6749 4.4), kept until shortly before they are over.

One fetch for one holder at a time: whoever else needs the token meanwhile waits for that one. A fetch that failed is
remembered for half a minute, at the next failure for a whole one: token servers lock out clients that go on asking, and
may be no party to what is sent. A token that was refused is fetched anew once a minute at most, for the same reason.
"""

import asyncio
import hashlib
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import msgspec

from wedsync.kit.http import Failure, Reply, Wire

HELD_MAX: Final = 4096
LIFE_UNSAID_S: Final = 300.0
"""Where the server does not say how long; RFC 6749 5.1 only recommends that it does."""
EARLY_MAX_S: Final = 60.0
FAILED_S: Final = 30.0
FAILED_MAX_S: Final = 60.0
REFETCH_EVERY_S: Final = 60.0
FETCH_MIN_S: Final = 5.0
"""However little time its first caller has left: what is remembered of the server must be the server's own."""
TOKEN_CHARACTERS_MAX: Final = 16_384
CONTENT_TYPE: Final = "application/x-www-form-urlencoded"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a token is asked for with. `client_auth`: by the header, or in the body for servers that want it there."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str = ""
    audience: str = ""
    client_auth: str = "basic"

    def __repr__(self) -> str:
        return f"Grant({self.token_url!r}, {self.client_id!r})"


class TokenError(Exception):
    """No token. `is_passing`: the same may well work later; `is_ours`: our own way out failed, not the server."""

    def __init__(self, reason: str, *, is_passing: bool, is_ours: bool = False) -> None:
        super().__init__(reason)
        self.is_passing = is_passing
        self.is_ours = is_ours

    def again(self) -> "TokenError":
        """The same for another caller."""
        return TokenError(str(self), is_passing=self.is_passing, is_ours=self.is_ours)


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    """What one grant came to for one holder: a token, or why there is none. Times in monotonic seconds."""

    until: float
    token: str = ""
    error: TokenError | None = None
    pause_s: float = 0.0
    refetched_at: float = float("-inf")


class Tokens:
    """The tokens of one process. `trusted`: the operator set where they are got, not a tenant."""

    def __init__(self, wire: Wire, *, monotonic: Callable[[], float], trusted: bool = False) -> None:
        self._wire = wire
        self._monotonic = monotonic
        self._trusted = trusted
        self._held: OrderedDict[Hashable, _Held] = OrderedDict()
        self._fetching: dict[Hashable, asyncio.Task[str]] = {}

    async def get(self, holder: Hashable, grant: Grant, *, timeout_s: float, refused: str | None = None) -> str:
        """A token that still lives, not the one that was `refused` if there can be another by now. Raises TokenError;
        TimeoutError when it is late.
        """
        # Another secret or scope is another token, at once.
        key = (holder, hashlib.sha256(msgspec.json.encode(grant)).digest())
        held = self._held.get(key)
        if held is not None and not self._is_over(held, refused):
            self._held.move_to_end(key)
            if held.error is not None:
                raise held.error.again()
            return held.token
        task = self._fetching.get(key)
        if task is None:
            is_refetch = held is not None and held.token == refused
            task = self._fetching[key] = asyncio.create_task(self._fetch(key, grant, timeout_s, is_refetch=is_refetch))
            task.add_done_callback(lambda done: self._fetched(key, done))
        # Shielded: one caller's deadline must not cancel the fetch for the others who wait for it.
        return await asyncio.wait_for(asyncio.shield(task), timeout_s)

    def _is_over(self, held: _Held, refused: str | None) -> bool:
        now = self._monotonic()
        if held.until <= now:
            return True
        return held.error is None and held.token == refused and now - held.refetched_at >= REFETCH_EVERY_S

    async def _fetch(self, key: Hashable, grant: Grant, timeout_s: float, *, is_refetch: bool) -> str:
        headers, body = asked(grant)
        timeout_s = max(timeout_s, FETCH_MIN_S)
        exchange = await self._wire.request(
            "POST", grant.token_url, headers=headers, body=body, timeout_s=timeout_s, trusted=self._trusted
        )
        before, now = self._held.get(key), self._monotonic()
        refetched_at = now if is_refetch else float("-inf") if before is None else before.refetched_at
        try:
            token, life_s = answered(exchange)
        except TokenError as error:
            # What our own way out did says nothing about the token server.
            if not error.is_ours:
                pause_s = FAILED_S if before is None or before.error is None else min(before.pause_s * 2, FAILED_MAX_S)
                self._keep(key, _Held(until=now + pause_s, error=error, pause_s=pause_s, refetched_at=refetched_at))
            raise
        until = now + life_s - min(EARLY_MAX_S, life_s / 10)
        self._keep(key, _Held(until=until, token=token, refetched_at=refetched_at))
        return token

    def _keep(self, key: Hashable, held: _Held) -> None:
        self._held[key] = held
        self._held.move_to_end(key)
        while len(self._held) > HELD_MAX:
            self._held.popitem(last=False)

    def _fetched(self, key: Hashable, task: "asyncio.Task[str]") -> None:
        del self._fetching[key]
        if not task.cancelled():
            task.exception()  # read it, or asyncio warns when every caller has gone away meanwhile


def asked(grant: Grant) -> tuple[dict[str, str], bytes]:
    """Headers and body of the request for a token."""
    headers = {"content-type": CONTENT_TYPE, "accept": "application/json"}
    fields = {"grant_type": "client_credentials", "scope": grant.scope, "audience": grant.audience}
    if grant.client_auth == "body":
        fields |= {"client_id": grant.client_id, "client_secret": grant.client_secret}
    else:
        # Both parts are form-encoded before they are joined (RFC 6749 2.3.1).
        pair = f"{quote_plus(grant.client_id)}:{quote_plus(grant.client_secret)}"
        headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    return headers, urlencode({name: value for name, value in fields.items() if value}).encode()


def answered(exchange: Reply | Failure) -> tuple[str, float]:
    """The token and how many seconds it lives. Raises TokenError in words for whoever set the server's address."""
    if isinstance(exchange, Failure):
        raise TokenError(
            f"The token server gave no token: {exchange.reason}",
            is_passing=exchange.kind != "refused",
            is_ours=exchange.kind == "proxy",
        )
    told = _told(exchange.body)
    if exchange.status != 200:
        passing = exchange.status in (408, 425, 429) or exchange.status >= 500
        raise TokenError(f"The token server answered {exchange.status}{_error(told)}.", is_passing=passing)
    token, kind = told.get("access_token"), told.get("token_type", "bearer")
    if not isinstance(token, str) or not _is_sendable(token):
        raise TokenError("The token server answered 200, but with no token in it.", is_passing=False)
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise TokenError("The token server gave a token that is not of the type Bearer.", is_passing=False)
    return token, _life_s(told.get("expires_in"))


def _told(body: bytes) -> Mapping[str, Any]:
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return told if isinstance(told, dict) else {}


def _error(told: Mapping[str, Any]) -> str:
    """`: invalid_client` as RFC 6749 5.2 names errors; what a server says beyond that word stays with it."""
    word = told.get("error")
    known = isinstance(word, str) and word.isascii() and word.replace("_", "").isalnum() and len(word) <= 60
    return f": {word}" if known else ""


def _is_sendable(token: str) -> bool:
    return 0 < len(token) <= TOKEN_CHARACTERS_MAX and all("!" <= character <= "~" for character in token)


def _life_s(said: object) -> float:
    """Some servers write the number as text."""
    if isinstance(said, str) and said.isascii() and said.isdigit():
        said = int(said[:9])
    if isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said < 10**9:
        return float(said)
    return LIFE_UNSAID_S
