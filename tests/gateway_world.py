"""A gateway on a loopback port over a log in memory, and clients that speak the wire by hand.

The log does what the reader door's functions do: dense numbers, one JSON text an event, standing by person and stream.
"""

import asyncio
import functools
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import uuid4

import uvloop
from joserfc import jwt
from joserfc.jwk import OctKey
from websockets.asyncio.client import ClientConnection, connect

from wedsync.events.audience import Audience
from wedsync.events.live import Hub, Options
from wedsync.events.reader import Columns, Position, ReaderAway, Top
from wedsync.events.scope import Scope
from wedsync.kit.config import Settings
from wedsync.processes.gateway import Gateway

SECRET = "a secret of more than thirty-two characters"
PATIENCE_S = 5.0
COUPLE = Audience(2047, role="couple")


class MemoryLog:
    """The reader door, in memory."""

    def __init__(self) -> None:
        self.streams: dict[str, list[dict[str, Any]]] = {}
        self.kinds: dict[str, str] = {}
        self.epochs: dict[str, int] = {}
        self.standing: dict[tuple[str, str], Audience] = {}
        self.sessions: set[str] = set()
        self.sites: dict[str, str] = {}
        self.positions: dict[bytes, tuple[int, int]] = {}
        self.asked: dict[str, int] = {}
        self.is_away = False
        self.watched: list[tuple[str, str]] = []
        self.gates: dict[str, asyncio.Event] = {}
        """A question waits for its gate, where it has one."""

    async def _ask(self, what: str) -> None:
        self.asked[what] = self.asked.get(what, 0) + 1
        if what in self.gates:
            await self.gates[what].wait()
        if self.is_away:
            raise ReaderAway("the log is away")

    def stream(self, kind: str = "wedding") -> str:
        """A new stream; returns its id."""
        tenant = str(uuid4())
        self.streams[tenant], self.kinds[tenant], self.epochs[tenant] = [], kind, 1
        return tenant

    def write(self, tenant: str, **given: Any) -> dict[str, Any]:
        """Commit an event without word of it."""
        log = self.streams[tenant]
        row_id = given.pop("row_id", None) or str(uuid4())
        record = given.pop("record", {"status": "accepted"})
        op = given.get("op", "INSERT")
        event = {
            "id": str(uuid4()),
            "stream": f"{self.kinds[tenant]}:{tenant}",
            "epoch": self.epochs[tenant],
            "seq": len(log) + 1,
            "type": "rsvp.replied",
            "version": 1,
            "scope": int(Scope.GUESTS),
            "link_id": None,
            "membership_id": None,
            "subject": {"table": given.pop("table", "rsvps"), "id": row_id},
            "op": op,
            "record": None if op == "DELETE" else {"id": row_id, "wedding_id": tenant, **record},
            "old_record": None,
            "actor": {"kind": "person", "id": str(uuid4())},
            "cause": str(uuid4()),
            "bulk": False,
            "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%S.123Z", time.gmtime()),
        }
        log.append(event | given)
        return log[-1]

    def forget(self, tenant: str, count: int) -> None:
        """Retention takes the oldest events."""
        self.streams[tenant][:count] = [{}] * count

    async def audience(self, person: str, kind: str, tenant: str) -> Audience | None:
        await self._ask("audience")
        return self.standing.get((person, tenant)) if self.kinds.get(tenant) == kind else None

    async def sessions_alive(self, sids: Sequence[str]) -> frozenset[str]:
        await self._ask("sessions_alive")
        return frozenset(sids) & self.sessions

    async def stream_top(self, kind: str, tenant: str) -> Top | None:
        await self._ask("stream_top")
        if self.kinds.get(tenant) != kind:
            return None
        log = self.streams[tenant]
        oldest = next((event["seq"] for event in log if event), len(log) + 1)
        return Top(self.epochs[tenant], len(log), oldest)

    async def stream_tops(self, tenants: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        await self._ask("stream_tops")
        return {t: (self.epochs[t], len(self.streams[t])) for t in tenants if t in self.streams}

    async def read_events(self, tenant: str, after: int, limit: int) -> Sequence[str]:
        await self._ask("read_events")
        kept = [event for event in self.streams[tenant][after:] if event]
        return [json.dumps(event) for event in kept[:limit]]

    async def keep_watch(self, reads: str, notes: str) -> None:
        await self._ask("keep_watch")
        self.watched.append((reads, notes))

    async def site_stream(self, slug: str) -> str | None:
        await self._ask("site_stream")
        return self.sites.get(slug)

    async def save_positions(self, positions: Sequence[Position]) -> None:
        await self._ask("save_positions")
        self.positions |= {bytes.fromhex(p.key): (p.epoch, p.seq) for p in positions}

    async def position(self, key: bytes) -> tuple[int, int] | None:
        await self._ask("position")
        return self.positions.get(key)

    async def columns(self) -> Columns:
        return {"rsvps": [("id", "uuid"), ("wedding_id", "uuid"), ("status", "text")]}


class Client:
    """A hand-written client of either framing; frames are `[join_ref, ref, topic, event, payload]`."""

    def __init__(self, socket: ClientConnection, vsn: str) -> None:
        self.socket = socket
        self.vsn = vsn
        self.refs = itertools.count(1)
        self.join_refs: dict[str, str] = {}
        self.received: list[str | bytes] = []
        """Every byte that came, for who searches them."""

    async def send(self, topic: str, event: str, payload: Any, *, ref: Any = ..., join_ref: Any = ...) -> Any:
        """Send a frame; returns its ref."""
        ref = str(next(self.refs)) if ref is ... else ref
        join_ref = self.join_refs.get(topic) if join_ref is ... else join_ref
        if self.vsn == "2.0.0":
            await self.socket.send(json.dumps([join_ref, ref, topic, event, payload]))
        else:
            frame = {"topic": topic, "event": event, "payload": payload, "ref": ref, "join_ref": join_ref}
            await self.socket.send(json.dumps(frame))
        return ref

    async def read(self) -> list[Any]:
        """The next frame, in the order of V2."""
        async with asyncio.timeout(PATIENCE_S):
            data = await self.socket.recv()
        self.received.append(data)
        if isinstance(data, bytes):
            return [None, None, None, "binary", data]
        frame = json.loads(data)
        if isinstance(frame, dict):
            return [None, frame["ref"], frame["topic"], frame["event"], frame["payload"]]
        return list(frame)

    async def until(self, event: str, accept: Callable[[Any], bool] = lambda payload: True) -> Any:
        """The payload of the next frame of an event; frames before it are dropped."""
        while True:
            frame = await self.read()
            if frame[3] == event and accept(frame[4]):
                return frame[4]

    async def join(self, topic: str, config: dict[str, Any] | None = None, token: str | None = None) -> Any:
        """Join and return the reply's payload."""
        ref = str(next(self.refs))
        self.join_refs[topic] = ref
        payload: dict[str, Any] = {"config": config or {}}
        if token is not None:
            payload["access_token"] = token
        await self.send(topic, "phx_join", payload, ref=ref, join_ref=ref)
        return await self.reply(ref)

    async def reply(self, ref: Any) -> Any:
        """The payload of the reply to a ref."""
        while True:
            frame = await self.read()
            if frame[3] == "phx_reply" and frame[1] == ref:
                return frame[4]

    async def nothing_until_heartbeat(self) -> list[list[Any]]:
        """What arrives before the answer to a heartbeat: a way to say that nothing does."""
        ref = await self.send("phoenix", "heartbeat", {}, join_ref=None)
        came: list[list[Any]] = []
        while True:
            frame = await self.read()
            if frame[3] == "phx_reply" and frame[1] == ref and frame[2] == "phoenix":
                return came
            came.append(frame)

    async def close_code(self) -> int | None:
        """The code the server closes with; what arrives before is dropped."""
        async with asyncio.timeout(PATIENCE_S):
            await self.socket.wait_closed()
        return self.socket.close_code


@asynccontextmanager
async def open_socket(gateway: Gateway, token: str, *, vsn: str = "2.0.0", **given: Any) -> AsyncIterator[Client]:
    """A socket of any gateway; `query` is appended to its address."""
    version = f"&vsn={vsn}" if vsn else ""
    query = given.pop("query", "")
    address = f"ws://127.0.0.1:{gateway.port}/realtime/v1/websocket?apikey={token}{version}{query}"
    async with connect(address, max_size=2**21, ping_interval=None, compression=None, **given) as socket:
        yield Client(socket, vsn)


class World:
    """The gateway and everybody around it."""

    def __init__(self, gateway: Gateway, log: MemoryLog) -> None:
        self.gateway = gateway
        self.log = log

    @property
    def hub(self) -> Hub:
        return self.gateway.hub

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.gateway.port}/realtime/v1"

    def person(self, tenant: str, audience: Audience = COUPLE, *, expires_in_s: float = 600) -> str:
        """Somebody of that standing, signed in; returns their token."""
        person, sid = str(uuid4()), str(uuid4())
        self.log.sessions.add(sid)
        self.log.standing[person, tenant] = audience
        return self.token(person, sid, expires_in_s=expires_in_s)

    def token(self, person: str, sid: str, *, expires_in_s: float = 600, role: str = "authenticated") -> str:
        """A token of a session."""
        claims = {"sub": person, "sid": sid, "role": role, "exp": int(time.time() + expires_in_s)}
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))

    def visitor(self) -> str:
        """The token of an anonymous visitor."""
        claims = {"role": "anon", "exp": int(time.time()) + 600}
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))

    def happens(self, tenant: str, **given: Any) -> dict[str, Any]:
        """Commit an event and publish it."""
        event = self.log.write(tenant, **given)
        self.hub.take(json.dumps([event]).encode())
        return event

    def client(self, token: str, **given: Any) -> AbstractAsyncContextManager[Client]:
        """An open socket."""
        return open_socket(self.gateway, token, **given)

    async def raw(self, path: str) -> ClientConnection:
        """A handshake at any path."""
        return await connect(f"ws://127.0.0.1:{self.gateway.port}{path}", ping_interval=None)


@asynccontextmanager
async def gateway_world(
    log: MemoryLog | None = None, *, settings: dict[str, Any] | None = None, **given: Any
) -> AsyncIterator[World]:
    """Start a gateway over a log, stop it afterwards; `given` are its hub's options."""
    log = log or MemoryLog()
    given = {"refusal_delay_s": 0.0, "event_types": frozenset({"rsvp.replied"}), **given}
    gateway = Gateway(Settings(**{"jwt_secret": SECRET, "env": "test", **(settings or {})}), log, Options(**given))
    await gateway.start("127.0.0.1", 0)
    try:
        yield World(gateway, log)
    finally:
        await gateway.stop(drain_s=0)


def person_of(token: str) -> tuple[str, str]:
    """Person and session of a token."""
    claims = jwt.decode(token, OctKey.import_key(SECRET)).claims
    return claims["sub"], claims["sid"]


def on_uvloop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on the loop the gateway runs on."""

    @functools.wraps(test)
    def run(*args: Any, **given: Any) -> None:
        uvloop.run(test(*args, **given))

    return run
