"""Who is asking: session cookie, access token or API key; and that a browser's unsafe request comes from our own pages.

The lookups are handed in by `processes`, so this file knows no tables. Answers are remembered for at most five seconds
and cut at once when the session ends in this process.
"""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from wedsync.kit import clock
from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.kit.errors import Refusal
from wedsync.web import limiting

COOKIE = "wedsync_session"
REMEMBERED_S = 5.0
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
# Whoever sends a hook shows credentials of its own kind (Basic, a provider's token), which the inbound door judges.
FOREIGN = ("/hooks/", "/api/webhooks/")
Lookup = Callable[[str], Awaitable[Actor | None]]


def mint(secret: str, *, person: UUID, session: UUID, seconds: int) -> str:
    """An HS256 access token for REST and as realtime `access_token` (claims sub, role, sid, exp)."""
    at = int(clock.machine_now().timestamp())
    claims = {"sub": str(person), "role": "authenticated", "sid": str(session), "iat": at, "exp": at + seconds}
    return jwt.encode({"alg": "HS256"}, claims, _key(secret))


def mint_anonymous(secret: str, *, seconds: int = 600) -> str:
    """A token for the public website's topic."""
    at = int(clock.machine_now().timestamp())
    return jwt.encode({"alg": "HS256"}, {"role": "anon", "iat": at, "exp": at + seconds}, _key(secret))


@functools.lru_cache(maxsize=4)
def _key(secret: str) -> OctKey:
    return OctKey.import_key(secret)


def read_token(secret: str, token: str) -> tuple[UUID, UUID] | None:
    """(person, session) of a valid, unexpired access token of ours; None otherwise."""
    try:
        claims = jwt.decode(token, _key(secret), algorithms=["HS256"]).claims
        if claims.get("role") != "authenticated" or float(claims["exp"]) <= clock.machine_now().timestamp():
            return None
        return UUID(claims["sub"]), UUID(claims["sid"])
    except (JoseError, ValueError, KeyError, TypeError):
        return None


class Remembered:
    """Lookups by secret, kept for five seconds; bounded, and forgettable at once."""

    def __init__(self, lookup: Lookup, *, most: int = 4096) -> None:
        self._lookup = lookup
        self._most = most
        self._known: dict[str, tuple[float, Actor | None]] = {}

    def knows(self, key: str) -> bool:
        """Whether a good one is remembered, so that nothing is asked."""
        known = self._known.get(key)
        return known is not None and known[1] is not None and clock.monotonic() - known[0] < REMEMBERED_S

    async def __call__(self, key: str) -> Actor | None:
        at = clock.monotonic()
        known = self._known.get(key)
        if known is not None and at - known[0] < REMEMBERED_S:
            return known[1]
        actor = await self._lookup(key)
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[key] = (at, actor)
        return actor

    def forget(self, session: UUID) -> None:
        """Drop what is known of one session: it has ended."""
        self._known = {k: v for k, v in self._known.items() if v[1] is None or v[1].session_id != session}


def forget(lookups: Mapping[str, Remembered], session: UUID) -> None:
    """By cookie and by token: what was remembered of a session is no longer true."""
    for remembered in lookups.values():
        remembered.forget(session)


class Authentication:
    """ASGI middleware: sets `state.actor`. A cookie on an unsafe request must come from our own origin."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            actor = await self._actor(scope)
            scope["state"]["actor"] = actor
            limiting.allow(scope, actor)
        await self.app(scope, receive, send)

    async def _actor(self, scope: HTTPScope) -> Actor:
        if scope["path"].startswith(FOREIGN):
            return ANONYMOUS
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        lookups = connection.app.state.lookups
        header = connection.headers.get("authorization", "")
        if header:
            return await _bearer(scope, header, lookups)
        cookie = connection.cookies.get(COOKIE)
        if not cookie:
            return ANONYMOUS
        actor = await _looked_up(scope, lookups["session"], cookie)
        if actor is None:
            return ANONYMOUS
        if connection.scope.get("method") in UNSAFE:
            same_origin(connection)
        return actor


async def _looked_up(scope: HTTPScope, lookup: Remembered, secret: str) -> Actor | None:
    """Who it is; an address that guesses is stopped before the database is asked. Raises Refusal 429."""
    if lookup.knows(secret):
        return await lookup(secret)
    was_good = limiting.allow_lookup(scope)
    actor = await lookup(secret)
    if actor is not None:
        was_good()
    return actor


async def _bearer(scope: HTTPScope, header: str, lookups: dict[str, Remembered]) -> Actor:
    word, _, secret = header.partition(" ")
    if word.lower() == "bearer" and secret:
        actor = await _looked_up(scope, lookups["key" if secret.startswith("wsk_") else "token"], secret.strip())
        if actor is not None:
            return actor
    raise Refusal(
        401,
        "bad_token",
        "The bearer token is unknown, expired or withdrawn. Get a new one from POST /auth/token or make a new API key.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def same_origin(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Refuse what another site's page made the browser send."""
    site = connection.headers.get("sec-fetch-site")
    if site in ("same-origin", "none"):
        return
    origin = connection.headers.get("origin")
    if site is None and origin is not None and urlsplit(origin).netloc == connection.headers.get("host"):
        return
    raise Refusal(403, "cross_site", "This request came from another site. Open the page here and try again.")
