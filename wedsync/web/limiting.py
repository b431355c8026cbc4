"""How often, how many at once and how slowly one caller may ask: on every route, before anything that costs.

First the address, before it is known who asks; then the person, and the tenant or pass that the path names. Whose that
is is known only when they are let in, so its people are those who were let in lately: strangers, signed in or not, have
buckets of their own beside theirs. These are token buckets of this process. Signing in and `/api/database/*` have
windows of their own, shared by all processes through Valkey. Generous, because it is there against loops and floods,
not against use; what costs more (mails, finding a party by name, hooks) has tighter limits beside these.
docs/reference/security.md holds the numbers and why. What no route takes is counted as it is refused; static files are
given out by the HTTP server in front of this, and are not counted.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from wedsync.kit import addresses, clock
from wedsync.kit.actor import Actor
from wedsync.kit.config import Settings
from wedsync.kit.errors import Refusal
from wedsync.kit.limits import Bucket, Decision, LocalLimits, Window
from wedsync.kit.looks import ENTERED
from wedsync.kit.meter import CALL
from wedsync.kit.watch import SOURCE
from wedsync.web import callers
from wedsync.web.respond import add_absent, encoded

LOOKUPS: Final = Bucket("credentials", per_s=5, burst=200)
"""Sessions, tokens and keys of one address that turned out to be none; good ones cost nothing."""
DATABASE: Final = Window("database", 10, 60)
"""`/api/database/*`, of one address."""
ARRIVALS: Final = Window("sign-in-links", 60, 60)
"""Sign-in links opened and redeemed from one address: nobody guesses 256 bits, but trying is not free either."""
HOOKS: Final = ("/hooks/", "/api/webhooks/")
"""A provider sends everybody's hooks from a few addresses: the inbound door limits these by source."""
PATIENCE_S: Final = 5.0
BYTES_PER_S_MIN: Final = 8192
"""A body has five seconds and then must have come at this rate: 1 MiB in two minutes, a byte at a time in 5 s."""
BURST_S: Final = 10


class Rates(msgspec.Struct, frozen=True):
    """The limits as the settings have them."""

    address: Bucket
    anonymous: Bucket
    person: Bucket
    tenant: Bucket
    newcomers: Bucket
    strangers: Bucket
    sign_in: Window
    connections: int
    trusted: tuple[addresses.Network, ...] = ()


def rates(settings: Settings) -> Rates:
    """Made once per process."""
    each, tenant = settings.requests_per_address, settings.requests_per_tenant
    anonymous, person = settings.anonymous_per_address, settings.requests_per_person
    return Rates(
        address=Bucket("address", per_s=each, burst=2 * each),
        anonymous=Bucket("anonymous", per_s=anonymous, burst=BURST_S * anonymous),
        person=Bucket("requests", per_s=person, burst=BURST_S * person),
        tenant=Bucket("tenant", per_s=tenant, burst=5 * tenant),
        newcomers=Bucket("newcomer", per_s=max(1, person // 10), burst=person),
        strangers=Bucket("tenant-public", per_s=max(1, tenant // 5), burst=tenant),
        sign_in=Window("sign-in", settings.sign_ins_per_address, 60),
        connections=settings.connections_max,
        trusted=addresses.networks(settings.trusted_proxies),
    )


class Restraint:
    """ASGI middleware, the outermost: whose address it is, whether it may ask now, and how long its body may take."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._open: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        state = scope["litestar_app"].state
        SOURCE.set(source_of(scope["path"]))
        CALL.set(set())
        address = _address(scope, state.rates)
        _take(scope, state.limits.hit(state.rates.address, address))
        strict = strict_limit(scope["method"], scope["path"], state.rates)
        if strict is not None:
            _take(scope, await state.ctx.limits.hit(strict, address))
        with _Opened(self._open, address, state.rates.connections):
            await self.app(scope, _patient(scope, receive), send)


class _Opened:
    """One more open request of an address. Raises Refusal 429 where it has too many."""

    __slots__ = ("_address", "_open")

    def __init__(self, opened: dict[str, int], address: str, most: int) -> None:
        if opened.get(address, 0) >= most:
            detail = "Too many requests of this address are under way. Wait for some of them, then ask again."
            raise Refusal(429, "too_many_connections", detail, headers={"Retry-After": "1"})
        self._open, self._address = opened, address

    def __enter__(self) -> None:
        self._open[self._address] = self._open.get(self._address, 0) + 1

    def __exit__(self, *_: object) -> None:
        left = self._open[self._address] - 1
        if left:
            self._open[self._address] = left
        else:
            del self._open[self._address]


def source_of(path: str) -> str:
    """By which door a request comes, as the access log says it."""
    if path.endswith(("/export", ".csv", ".xlsx", ".ics")):
        return "export"
    if path.startswith("/ack/"):
        return "pass"
    return "api" if path.startswith("/api/") else "page"


def strict_limit(method: str, path: str, rates: Rates) -> Window | None:
    """The window of what must be hard to do often, for every route below its prefix, also one that is built later."""
    if path.startswith("/api/database/"):
        return DATABASE
    if method == "POST" and path in ("/sign-in", "/auth/sign-in"):
        return rates.sign_in
    return ARRIVALS if path.startswith("/sign-in/") else None


def _address(scope: HTTPScope, rates: Rates) -> str:
    """What counts as one caller; the client's address as our proxies say it replaces theirs for everybody after us."""
    if rates.trusted:
        peer = callers.address_of(scope)
        said = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        client = addresses.client_of(peer, ",".join(said) or None, rates.trusted)
        if client != peer:
            callers.set_address(scope, client)
    return callers.block_of(scope)


def allow_lookup(scope: HTTPScope) -> Callable[[], None]:
    """Before unknown credentials are looked up. Returns what to call when they were good. Raises Refusal 429."""
    limits: LocalLimits = scope["litestar_app"].state.limits
    address = callers.block_of(scope)
    _take(scope, limits.hit(LOOKUPS, address))

    def good() -> None:
        limits.hit(LOOKUPS, address, cost=-1)

    return good


def allow_unrouted(scope: HTTPScope) -> None:
    """No route took it, so that nothing above has seen it: as somebody who is not signed in. Raises Refusal 429."""
    state = scope["litestar_app"].state
    address = _address(scope, state.rates)
    for limit in (state.rates.address, state.rates.anonymous):
        _take(scope, state.limits.hit(limit, address))


def allow(scope: HTTPScope, actor: Actor) -> None:
    """Count one request of a caller; remembers the decision for the headers. Raises Refusal 429."""
    if scope["path"].startswith(HOOKS):
        return
    state = scope["litestar_app"].state
    limits, rates = state.limits, state.rates
    named = _named(scope.get("path_params") or {})
    ENTERED.set(None)
    if actor.id is None:
        _take(scope, limits.hit(rates.anonymous, callers.block_of(scope)))
        if named:
            _take(scope, limits.hit(rates.strangers, named))
        return
    # All keys of a person are that person.
    _take(scope, limits.hit(rates.person, str(actor.id)))
    if named:
        _allow_at(scope, actor.id, named)


def _allow_at(scope: HTTPScope, person: UUID, named: str) -> None:
    """Those who were let in lately share what the place has; whoever was not has a small share of their own."""
    state = scope["litestar_app"].state
    residents: callers.Residents = state.residents
    ENTERED.set(partial(residents.entered, person, named))
    if residents.has(person, named):
        _take(scope, state.limits.hit(state.rates.tenant, named))
    else:
        _take(scope, state.limits.hit(state.rates.newcomers, f"{person}|{named}"))


def _named(params: Mapping[str, object]) -> str:
    """The wedding, business, row or pass that a path names first."""
    return next((str(value) for value in params.values() if isinstance(value, UUID | str)), "")


def _take(scope: HTTPScope, decision: Decision) -> None:
    scope["state"]["limit"] = decision
    if not decision.is_allowed:
        raise Refusal(
            429,
            "too_many_requests",
            "Too many requests at once. Wait as long as Retry-After says.",
            headers=decision.headers(),
        )


def _patient(scope: HTTPScope, receive: Receive) -> Receive:
    """Receive a body that keeps coming. Raises Refusal 408 from there for one that does not."""
    if not any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"]):
        return receive
    began = clock.monotonic()
    received = 0
    is_whole = False

    async def patient() -> Any:
        nonlocal received, is_whole
        if is_whole:
            return await receive()
        until = began + PATIENCE_S + received / BYTES_PER_S_MIN
        try:
            async with asyncio.timeout(until - clock.monotonic()):
                message: Any = await receive()
        except TimeoutError:
            detail = "The body came too slowly, so it was not waited for. Send it again over a better connection."
            raise Refusal(408, "too_slow", detail, headers={"Connection": "close"}) from None
        received += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        return message

    return patient


async def tell(message: Message, scope: Scope) -> None:
    """Before every send: what is left, for API callers."""
    if message["type"] != "http.response.start" or not scope["path"].startswith(("/api/", "/auth/")):
        return
    decision: Decision | None = scope.get("state", {}).get("limit")
    if decision is not None:
        add_absent(message, encoded(decision.headers()))
