"""The whole product under kill -9: a stream of answers, and web, gateway, worker and Valkey killed in turn.

Whatever was answered with 2xx is in the log, the log has no hole, every socket that came back has every event, and the
webhook's receiver has every answer under its one id with a signature that a library of others verifies.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import asyncpg
import httpx
import msgspec
import psutil
import pytest
import standardwebhooks
from realtime import AsyncRealtimeClient, RealtimePostgresChangesListenEvent

from tests.crash.follower import Follower
from tests.eventually import eventually
from tests.product import Product, running
from wedsync.kit import clock

WRITERS = 4
PATIENCE_S = 180.0
IN_TURN = ("web", "gateway", "worker", "valkey")
STREAMS = [(40, 1), (1000, 3)]


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    # A thousand answers to one receiver are ten minutes at the usual rate.
    with running(WEDSYNC_WEB_WORKERS="2", WEDSYNC_DELIVERIES_PER_MIN="1000000") as started:
        yield started


class Victims:
    """The supervisor's children by name, as their command lines tell."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.killed: Counter[str] = Counter()

    def find(self, name: str) -> psutil.Process | None:
        for child in psutil.Process(self.product.process.pid).children():
            with suppress(psutil.NoSuchProcess):
                command = child.cmdline()
                is_part = "wedsync.processes.start" in command and command[-1] == name
                if is_part or (name == "valkey" and any("valkey" in word for word in command[:1])):
                    return child
        return None

    async def kill(self, name: str) -> None:
        """kill -9, and wait for the successor."""
        victim = self.find(name)
        assert victim is not None, f"{name} runs"
        victim.kill()
        self.killed[name] += 1

        def came_back() -> bool:
            now = self.find(name)
            return now is not None and now.pid != victim.pid

        await eventually(came_back, within_s=PATIENCE_S, what=f"{name} is started again")


class Writers:
    """People who answer; each has invitations of their own and goes on after whatever failed."""

    def __init__(self, product: Product, rsvps: list[dict[str, Any]]) -> None:
        self.product = product
        self.shares = [rsvps[number::WRITERS] for number in range(WRITERS)]
        self.answered: list[tuple[str, int]] = []
        self.failed = 0

    async def run(self, count: int) -> None:
        """Until so many answers were answered with 2xx, by all together."""
        await asyncio.gather(*(self._write(share, count // WRITERS) for share in self.shares))

    async def _write(self, share: list[dict[str, Any]], count: int) -> None:
        done, turn = 0, 0
        async with httpx.AsyncClient(headers=self.product.headers("couple"), timeout=30) as http:
            while done < count:
                rsvp = share[turn % len(share)]
                # Each time round another answer than last time, so that each is a change.
                status = ("accepted", "declined", "tentative")[(turn // len(share)) % 3]
                turn += 1
                if (saved := await self._answer(http, rsvp, status)) is None:
                    self.failed += 1
                    await eventually(lambda: self._is_up(http), within_s=PATIENCE_S, what="web answers again")
                    continue
                self.answered.append(saved)
                done += 1

    async def _answer(self, http: httpx.AsyncClient, rsvp: dict[str, Any], status: str) -> tuple[str, int] | None:
        path = f"/api/v1/guests/{rsvp['guest_id']}/rsvps/{rsvp['schedule_item_id']}"
        try:
            answer = await http.put(self.product.web + path, json={"status": status})
        except httpx.TransportError:
            return None
        assert answer.status_code == 200 or answer.status_code >= 500, answer.text
        if answer.status_code != 200:
            return None
        return answer.json()["id"], answer.json()["version"]

    async def _is_up(self, http: httpx.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self.product.web}/readyz")).status_code == 200
        except httpx.TransportError:
            return False


class Heard:
    """What the unmodified Python client's callback was given, by number."""

    def __init__(self) -> None:
        self.got: Counter[int] = Counter()

    def __call__(self, change: dict[str, Any]) -> None:
        row = change["data"].get("record") or change["data"]["old_record"]
        self.got[int(row["rev"].split(":")[1])] += 1


async def log_of(product: Product, wedding: str) -> list[dict[str, Any]]:
    """The whole log, page by page."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    async with httpx.AsyncClient(headers=product.headers("couple"), timeout=60) as http:
        while True:
            asked = {"limit": "500", **({"after": after} if after else {})}
            page = (await http.get(f"{product.web}/api/v1/weddings/{wedding}/events", params=asked)).json()
            found += page["items"]
            after = page["next"]
            if after is None:
                return found


async def let_leases_lapse(product: Product) -> None:
    """As if a minute had gone by since a worker was killed."""
    state = msgspec.json.decode((product.data_dir / "engines.json").read_bytes())
    address = f"postgresql://wedsync_admin:{state['admin_password']}@127.0.0.1:{state['postgres_port']}/wedsync"
    admin = await asyncpg.connect(address)
    await admin.execute("update jobs set lease_until = clock_timestamp() where lease_token is not null")
    await admin.close()


async def received(product: Product, name: str) -> tuple[list[dict[str, Any]], int]:
    """What the sandbox's receiver holds, one for each webhook-id, and how often it was called."""
    async with httpx.AsyncClient(timeout=60) as http:
        said = (await http.get(f"{product.sandbox}/api/hooks/{name}")).json()
    return said["items"], said["calls"]


# In each run one process after the other is killed by tests of its own; here all of them, in one stream.
@pytest.mark.prove
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(("count", "rounds"), STREAMS)
async def test_a_stream_of_answers_survives_every_kill(product: Product, count: int, rounds: int) -> None:
    wedding, name = product.demo["wedding_id"], f"crash-{count}"
    async with httpx.AsyncClient(headers=product.headers("couple"), timeout=60) as http:
        base = f"{product.web}/api/v1/weddings/{wedding}"
        made = await http.post(
            f"{base}/endpoints", json={"url": f"{product.sandbox}/hooks/{name}", "events": ["rsvp.*"]}
        )
        assert made.status_code == 201, made.text
        rsvps = (await http.get(f"{base}/rsvps", params={"limit": 500})).json()["items"]
    start = (await log_of(product, wedding))[-1]
    follower = Follower(
        product.ready["gateway"], product.demo["couple"]["token"], wedding, f"{start['epoch']}:{start['seq']}"
    )
    following = asyncio.create_task(follower.run())
    await eventually(lambda: follower.verdicts["recovered"], within_s=60, what="the raw socket has joined")
    heard = Heard()
    python = AsyncRealtimeClient(
        f"{product.ready['gateway']}/realtime/v1",
        product.demo["couple"]["token"],
        initial_backoff=0.1,
        max_retries=1000,
    )
    channel = python.channel(f"wedding:{wedding}", {"config": {"private": True}})
    channel.on_postgres_changes(RealtimePostgresChangesListenEvent.All, heard, table="*")
    await channel.subscribe()

    writers, victims = Writers(product, rsvps), Victims(product)
    began = clock.monotonic()
    await _write_and_kill(writers, victims, count, IN_TURN * rounds)
    took_s = clock.monotonic() - began
    if count < 1000:
        await let_leases_lapse(product)

    events = await log_of(product, wedding)
    await _log_holds(events, writers)
    since = {e["seq"] for e in events if e["seq"] > start["seq"]}
    await eventually(lambda: since <= follower.got.keys(), within_s=PATIENCE_S, what="the raw socket has every event")
    await eventually(lambda: since <= heard.got.keys(), within_s=PATIENCE_S, what="the Python client has every event")
    following.cancel()
    await python.close()
    replies = {e["id"] for e in events if e["seq"] > start["seq"] and e["type"] == "rsvp.replied"}
    calls = await _webhooks_hold(product, name, replies, made.json()["secret"])
    figures = {
        "answered": len(writers.answered),
        "unanswered": writers.failed,
        "killed": dict(victims.killed),
        "events": len(since),
        "replies": len(replies),
        "raw_socket": {"events": len(follower.got), "repeats": follower.got.total() - len(follower.got)},
        "python": {"events": len(heard.got), "repeats": heard.got.total() - len(heard.got)},
        "webhooks": {"ids": len(replies), "calls": calls},
        "stream_s": round(took_s, 1),
        "verdicts": dict(follower.verdicts),
    }
    print("crash: " + json.dumps(figures))
    assert set(follower.verdicts) == {"recovered"}


async def _write_and_kill(writers: Writers, victims: Victims, count: int, turns: tuple[str, ...]) -> None:
    """The stream, with a kill at each of its equal parts."""
    writing = asyncio.create_task(writers.run(count))
    for number, victim in enumerate(turns, start=1):
        threshold = count * number // (len(turns) + 1)
        await eventually(
            lambda least=threshold: len(writers.answered) >= least or writing.done(), within_s=PATIENCE_S, what=victim
        )
        await victims.kill(victim)
    await writing


async def _log_holds(events: list[dict[str, Any]], writers: Writers) -> None:
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1)), "the log has no hole"
    written = {(e["subject"]["id"], e["record"]["version"]) for e in events if e["type"] == "rsvp.replied"}
    assert set(writers.answered) <= written, "no answered write is lost"
    assert len(set(writers.answered)) == len(writers.answered)


async def _webhooks_hold(product: Product, name: str, wanted: set[str], secret: str) -> int:
    """Every answer arrived under its event's id, signed; returns how many requests that took."""

    async def all_there() -> bool:
        items, _ = await received(product, name)
        return wanted <= {item["webhook_id"] for item in items}

    await eventually(all_there, within_s=PATIENCE_S, what="the receiver has every answer")
    items, calls = await received(product, name)
    assert {item["webhook_id"] for item in items} == wanted, "nothing but what was committed"
    assert sum(item["times"] for item in items) == calls
    verifier = standardwebhooks.Webhook(secret)
    for item in items:
        told = verifier.verify(item["body"], item["headers"])
        assert told["data"]["id"] == item["webhook_id"]
        assert told["type"] == "rsvp.replied"
    return calls
