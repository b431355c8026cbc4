"""The one door to the network: every outgoing HTTP call is aimed, pinned, limited and timed here.

A call never raises for what the other side does: it ends in a `Reply` or a `Failure`. One deadline covers name look-up,
connecting, TLS, headers and body. What a tenant typed is judged by `wedsync.kit.guard`, and the connection goes to
exactly the address that was judged: each (host, address) has its own client, whose resolver knows only that answer.
Redirects, proxies of the environment, cookies and decompression are off, so no reply can send us or swell elsewhere.

With an egress proxy of the operator's, what tenants typed goes through it by CONNECT. The name is judged here first all
the same, but it is the name that the proxy is told: TLS is spoken to the name, and the client asks for a tunnel to what
it will speak to. So the proxy looks it up once more, and must itself refuse what is not public. A proxy that fails is
told apart (`proxy`), for it says nothing about the destination.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec
import structlog
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import DetailedPyreqwestError, RequestError
from pyreqwest.proxy import ProxyBuilder
from pyreqwest.response import Response

from wedsync.kit import guard, traces
from wedsync.kit.guard import Target, TargetError
from wedsync.kit.resolve import ResolveError, Resolver, SystemResolver

log = structlog.get_logger("wire")
BODY_READ_MAX_BYTES = 64 * 1024
BODY_KEPT_MAX_BYTES = 8 * 1024
HEADERS_KEPT_MAX = 60
HEADER_KEPT_MAX_CHARACTERS = 1024
CONNECT_TIMEOUT_S = 3.0
ADDRESSES_TRIED_MAX = 2
IDLE_CONNECTION_S = 30.0
IDLE_CONNECTIONS_MAX = 8
JUDGED_MAX = 4096
VET_TIMEOUT_S = 1.5

Ending = Literal["whole", "capped", "cut"]
Kind = Literal["refused", "name", "connect", "tls", "timeout", "broken", "proxy"]


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds since the call began; `first_byte_ms` is when the head of the reply had arrived."""

    resolve_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float = 0.0
    address: str | None = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer. Header names are lower case. `ending` tells whether the body is all there was: `capped` by us at
    `body_max_bytes` (64 KiB), or `cut` by the deadline or a lost connection after the status had arrived."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    ending: Ending
    timing: Timing

    @property
    def kept_body(self) -> str:
        """The start of the body as text, short enough to be stored with the attempt."""
        return self.body[:BODY_KEPT_MAX_BYTES].decode("utf-8", errors="replace")


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """No answer. `reason` is a sentence for the owner of the URL; `may_have_arrived` is False only if surely unsent."""

    kind: Kind
    reason: str
    may_have_arrived: bool
    timing: Timing


class _Call(NamedTuple):
    method: str
    headers: Mapping[str, str]
    body: bytes
    identity: bytes
    is_tunnelled: bool


class _Place(NamedTuple):
    """What a client is made for: one host at one address, as one holder of a client certificate. Empty: any, nobody."""

    host: str
    address: str
    identity: bytes
    is_tunnelled: bool


class _Course:
    """How far one call has come, so that a deadline can tell what it cut off."""

    def __init__(self, body_max_bytes: int = BODY_READ_MAX_BYTES) -> None:
        self.began = time.perf_counter()
        self.body_max_bytes = body_max_bytes
        self.resolve_ms: float | None = None
        self.first_byte_ms: float | None = None
        self.address: str | None = None
        self.head: tuple[int, dict[str, str]] | None = None
        self.body = bytearray()

    def elapsed_ms(self) -> float:
        return round((time.perf_counter() - self.began) * 1000, 3)

    def timing(self) -> Timing:
        return Timing(
            resolve_ms=self.resolve_ms,
            first_byte_ms=self.first_byte_ms,
            total_ms=self.elapsed_ms(),
            address=self.address,
        )

    def reply(self, ending: Ending) -> Reply:
        status, headers = self.head or (0, {})
        body = bytes(self.body[: self.body_max_bytes])
        return Reply(status=status, headers=headers, body=body, ending=ending, timing=self.timing())

    def failure(self, kind: Kind, reason: str, *, may_have_arrived: bool) -> Failure:
        return Failure(kind=kind, reason=reason, may_have_arrived=may_have_arrived, timing=self.timing())


class Wire:
    """The clients of one process. Made once in an event loop, closed at its end."""

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        resolver: Resolver | None = None,
        clients_max: int = 512,
        user_agent: str = "WedSync/1",
        extra_roots_pem: bytes | None = None,
        body_max_bytes: int = BODY_READ_MAX_BYTES,
        proxy: str = "",
    ) -> None:
        """`allow`: CIDR ranges open to tenants' URLs although not public. `clients_max`: about 0.15 MB each.

        `proxy`: `http://user:password@host:port` that tenants' URLs are reached through; trusted ones are not.
        """
        self._allow = opened = guard.parse_networks(allow)
        # By the text: what it is parsed into takes ten times as long to hash.
        self._chosen = lru_cache(maxsize=JUDGED_MAX)(lambda url, found: guard.choose(_parsed(url)[0], found, opened))
        self._resolve: Resolver = SystemResolver() if resolver is None else resolver
        self._clients_max = clients_max
        self._user_agent = user_agent
        self._extra_roots_pem = extra_roots_pem
        self._body_max_bytes = body_max_bytes
        self._proxy = proxy
        self._clients: OrderedDict[_Place, Client] = OrderedDict()
        self._building: dict[_Place, asyncio.Future[Client]] = {}

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout_s: float = 10.0,
        trusted: bool = False,
        identity: bytes = b"",
        body_max_bytes: int | None = None,
    ) -> Reply | Failure:
        """One call. `trusted` is for URLs the operator set: any address, http and any port are fine there.

        `identity` is a client certificate: its key and its chain in PEM, as `wedsync.kit.identity` checks them.
        `body_max_bytes` is how much of the answer is read, where that is not what it is for all calls.
        """
        course = _Course(body_max_bytes or self._body_max_bytes)
        call = _Call(method, headers or {}, body, identity, is_tunnelled=bool(self._proxy) and not trusted)
        doing = traces.current()
        if doing is None:
            return await self._ended(call, url, trusted, course, timeout_s)
        with doing.child(f"HTTP {method}", "client") as span:
            outcome = await self._ended(call, url, trusted, course, timeout_s)
            _say(span, method, outcome)
            return outcome

    async def _ended(self, call: _Call, url: str, trusted: bool, course: _Course, timeout_s: float) -> Reply | Failure:
        try:
            async with asyncio.timeout(timeout_s):
                target, addresses = await self._aim(url, trusted, course)
                # Through a proxy every address is the same question.
                for address in addresses[: 1 if call.is_tunnelled else ADDRESSES_TRIED_MAX]:
                    outcome = await self._send(call, target, address, course)
                    if isinstance(outcome, Reply) or outcome.may_have_arrived:
                        break
                return outcome
        except TargetError as error:
            if error.found:
                log.info("target_refused", found=error.found)
            return course.failure("refused", str(error), may_have_arrived=False)
        except ResolveError as error:
            return course.failure("name", f"{error}.", may_have_arrived=False)
        except TimeoutError:
            return _too_late(course, timeout_s)

    async def vet(self, url: str, *, timeout_s: float = VET_TIMEOUT_S) -> Target:
        """Judges a URL for the moment a tenant saves it; raises TargetError.

        What its name leads to is judged only if DNS says it in time: a name may be made after its URL is saved, a slow
        name server must keep nobody from saving, and every call judges anew.
        """
        target = guard.check(url, self._allow)
        try:
            async with asyncio.timeout(timeout_s):
                await self._aim(url, False, _Course())
        except (ResolveError, TimeoutError):
            return target
        return target

    async def close(self) -> None:
        clients = list(self._clients.values())
        self._clients.clear()
        for client in clients:
            await client.close()
        if isinstance(self._resolve, SystemResolver):
            self._resolve.close()

    async def _aim(self, url: str, trusted: bool, course: _Course) -> tuple[Target, list[str]]:
        target, literal = _parsed(url)
        answers = literal or await self._resolve(target.host)
        course.resolve_ms = course.elapsed_ms()
        if trusted and answers:
            return target, list(answers)
        return target, self._chosen(url, tuple(answers))

    async def _send(self, call: _Call, target: Target, address: str, course: _Course) -> Reply | Failure:
        course.address = None if call.is_tunnelled else address
        try:
            client = await self._client(_place(call, target, address))
        except ValueError:
            reason = "The client certificate cannot be used. Set it again, as PEM."
            return course.failure("refused", reason, may_have_arrived=False)
        builder = client.request(call.method, target.url).headers(call.headers).body_bytes(call.body)
        # Unless told not to, the client reads 64 KiB of body before it hands over the head, however slowly they come.
        request = builder.streamed_read_buffer_limit(0).build_streamed()
        try:
            async with request as response:
                course.first_byte_ms = course.elapsed_ms()
                course.head = (response.status, _kept_headers(response))
                ending = await _read_body(response, course)
                return course.reply(ending)
        except RequestError as error:
            if course.head is not None:
                return course.reply("cut")
            return _failed_in_tunnel(error, target, course) if call.is_tunnelled else _failed(error, target, course)

    async def _client(self, key: _Place) -> Client:
        client = self._clients.get(key)
        if client is not None:
            self._clients.move_to_end(key)
            return client
        building = self._building.get(key)
        if building is None:
            # Reading the root certificates takes 13 ms of CPU; in a thread it stalls the loop for 4 ms at most.
            building = asyncio.ensure_future(asyncio.to_thread(self._build, key))
            self._building[key] = building
            building.add_done_callback(lambda done: self._built(key, done))
        return await asyncio.shield(building)

    def _built(self, key: _Place, building: "asyncio.Future[Client]") -> None:
        del self._building[key]
        if building.cancelled() or building.exception() is not None:
            return
        self._clients[key] = building.result()
        while len(self._clients) > self._clients_max:
            # Dropped, not closed: a call still under way keeps its client alive until it ends.
            self._clients.popitem(last=False)

    def _build(self, place: _Place) -> Client:
        builder = (
            ClientBuilder()
            .follow_redirects(False)
            .no_proxy()
            .default_cookie_store(False)
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .referer(False)
            .user_agent(self._user_agent)
            .connect_timeout(timedelta(seconds=CONNECT_TIMEOUT_S))
            .pool_idle_timeout(timedelta(seconds=IDLE_CONNECTION_S))
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        )
        if place.is_tunnelled:
            builder = builder.proxy(ProxyBuilder.all(self._proxy))
        elif place.host:
            builder = builder.resolve(place.host, place.address, 0)
        if place.identity:
            builder = builder.identity_pem(place.identity)
        if self._extra_roots_pem is not None:
            builder = builder.add_root_certificate_pem(self._extra_roots_pem)
        return builder.build()


def _place(call: _Call, target: Target, address: str) -> _Place:
    """Where the address is in the URL, or the proxy looks the name up, one client serves all."""
    is_pinned = target.literal is None and not call.is_tunnelled
    host, pinned = (target.host, address) if is_pinned else ("", "")
    return _Place(host, pinned, call.identity, call.is_tunnelled)


# The rules are pure and cost 40 us a call, half of what the call itself costs us.
@lru_cache(maxsize=JUDGED_MAX)
def _parsed(url: str) -> tuple[Target, tuple[str, ...]]:
    target = guard.parse(url)
    return target, () if target.literal is None else (str(target.literal),)


def _kept_headers(response: Response) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name in response.headers:
        if len(kept) >= HEADERS_KEPT_MAX:
            break
        try:
            value = response.get_header(name) or ""
        except ValueError:
            value = "(not text)"  # bytes outside ASCII, which no header we act on may hold
        kept[name.lower()] = value[:HEADER_KEPT_MAX_CHARACTERS]
    return kept


async def _read_body(response: Response, course: _Course) -> Ending:
    if response.status == 204:
        return "whole"  # to ask for none is a turn through another thread
    reader = response.body_reader
    while (chunk := await reader.read_chunk()) is not None:
        course.body += chunk
        if len(course.body) > course.body_max_bytes:
            return "capped"
    return "whole"


def _say(span: traces.Span, method: str, outcome: Reply | Failure) -> None:
    """Where to is left out: a tenant's host may be the name of a couple."""
    resolve_ms = outcome.timing.resolve_ms
    status = None if isinstance(outcome, Failure) else outcome.status
    span.say({"http.request.method": method, "http.response.status_code": status, "wedsync.resolve_ms": resolve_ms})
    if status is None or status >= 400:
        span.fail(outcome.kind if isinstance(outcome, Failure) else str(status))


def _too_late(course: _Course, timeout_s: float) -> Reply | Failure:
    if course.head is not None:
        return course.reply("cut")
    within = f"{round(timeout_s, 1):g} s"
    if course.resolve_ms is None:
        return course.failure("timeout", f"Looking up the name took over {within}.", may_have_arrived=False)
    return course.failure("timeout", f"No answer within {within}.", may_have_arrived=True)


def _failed(error: RequestError, target: Target, course: _Course) -> Failure:
    causes = _causes(error)
    said = _last(causes) if causes else str(error)
    if "received fatal alert" in said:
        # In TLS 1.3 a server judges the client's certificate when we have spoken already; it has read nothing then.
        return course.failure("tls", f"No secure connection to {target.host}: {said}.", may_have_arrived=False)
    if "client error (Connect)" not in causes:
        reason = f"The connection to {target.host} broke off before an answer: {said}."
        return course.failure("broken", reason, may_have_arrived=True)
    if target.scheme == "https" and "tcp connect error" not in causes:
        reason = f"No secure connection to {target.host}: {said}."
        return course.failure("tls", reason, may_have_arrived=False)
    return course.failure("connect", f"Could not connect to {target.host}: {said}.", may_have_arrived=False)


def _failed_in_tunnel(error: RequestError, target: Target, course: _Course) -> Failure:
    """TLS is spoken through the tunnel, so its failures are the destination's; all before it is the proxy's."""
    causes = _causes(error)
    if "client error (Connect)" not in causes or not _is_proxys(causes):
        return _failed(error, target, course)
    said = _last(causes)
    reason = f"The operator's egress proxy did not reach {target.host}: {said}. It is tried again."
    return course.failure("proxy", reason, may_have_arrived=False)


def _is_proxys(causes: Sequence[str]) -> bool:
    return any(cause.startswith(("tcp connect error", "tunnel error", "dns error")) for cause in causes)


def _last(causes: Sequence[str]) -> str:
    """In words, without the number of the system or a page about TLS."""
    return causes[-1].partition(" (os error")[0].partition(": https://")[0]


def _causes(error: DetailedPyreqwestError) -> Sequence[str]:
    return [cause["message"] for cause in error.details["causes"] or ()]
