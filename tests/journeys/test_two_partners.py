"""Ana and Ben edit one guest list at once: nothing anybody saved is lost, and whoever was second is told and shown why.

Beside it, how long a write takes to the screens of unmodified clients; the figures are printed, not judged.
"""

import asyncio
import json
import random
import statistics
from typing import Any

import httpx
import msgspec
import pytest
from realtime import AsyncRealtimeClient, RealtimePostgresChangesListenEvent

from tests.contracts.test_gateway_clients import SDK, node
from tests.eventually import eventually
from tests.product import Product
from wedsync.kit import clock

GUESTS = 8
FIELDS = ("first_name", "last_name", "table_label", "role")
EDITS = [20, pytest.param(500, marks=pytest.mark.prove)]
WRITES = 40

pytestmark = pytest.mark.timeout(600)


class Saved(msgspec.Struct, frozen=True):
    """A change that was answered with 200."""

    guest: str
    version: int
    fields: dict[str, str]
    who: str


class Told(msgspec.Struct, frozen=True):
    """A change that was answered with 412, and what its author was shown."""

    guest: str
    sent: int
    current: dict[str, Any]


class Editor:
    """One of the two, who knows the list as they last saw it and changes what they like."""

    def __init__(self, who: str, product: Product, rows: dict[str, dict[str, Any]], seed: int) -> None:
        self.who = who
        self.web = product.web
        self.http = httpx.AsyncClient(headers=product.headers(who), timeout=60)
        self.versions = {guest: row["version"] for guest, row in rows.items()}
        self.saved: list[Saved] = []
        self.told: list[Told] = []
        self.random = random.Random(seed)
        self.number = 0

    async def edit(self, count: int) -> None:
        """So many changes, each until it is saved; whoever is refused looks at the current row and says it again."""
        async with self.http:
            for _ in range(count):
                guest = self.random.choice(list(self.versions))
                self.number += 1
                names = self.random.sample(FIELDS, self.random.randint(1, 2))
                fields = {name: f"{self.who} {self.number} {name}" for name in names}
                while not await self._save(guest, fields):
                    pass

    async def _save(self, guest: str, fields: dict[str, str]) -> bool:
        sent = self.versions[guest]
        answer = await self.http.patch(
            f"{self.web}/api/v1/guests/{guest}", json=fields, headers={"if-match": f'"{sent}"'}
        )
        body = answer.json()
        if answer.status_code == 200:
            self.versions[guest] = body["version"]
            assert answer.headers["etag"] == f'"{body["version"]}"'
            self.saved.append(Saved(guest, body["version"], fields, self.who))
            return True
        assert answer.status_code == 412, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert body["code"] == "changed_meanwhile"
        assert body["version"] == body["current"]["version"] > sent
        self.told.append(Told(guest, sent, body["current"]))
        self.versions[guest] = body["version"]
        return False


async def rows_of(product: Product, wedding: str) -> dict[str, dict[str, Any]]:
    """The list as it is, by guest."""
    async with httpx.AsyncClient(headers=product.headers("couple"), timeout=60) as http:
        answer = await http.get(f"{product.web}/api/v1/weddings/{wedding}/guests", params={"limit": 1000})
    return {row["id"]: row for row in answer.json()["items"]}


async def log_of(product: Product, wedding: str, after: str | None = None) -> tuple[list[dict[str, Any]], str]:
    """Every event after a cursor, page by page, and the cursor to go on from."""
    found: list[dict[str, Any]] = []
    async with httpx.AsyncClient(headers=product.headers("couple"), timeout=60) as http:
        while True:
            asked = {"limit": "500", **({"after": after} if after else {})}
            page = (await http.get(f"{product.web}/api/v1/weddings/{wedding}/events", params=asked)).json()
            found += page["items"]
            after = page["cursor"]
            if page["next"] is None:
                return found, str(after)


@pytest.mark.parametrize("edits", EDITS)
async def test_two_partners_lose_nothing_and_the_second_is_told(product: Product, edits: int) -> None:
    wedding = product.demo["wedding_id"]
    first = dict(list((await rows_of(product, wedding)).items())[:GUESTS])
    _, cursor = await log_of(product, wedding)
    editors = [Editor("couple", product, first, 1), Editor("partner", product, first, 2)]
    await asyncio.gather(*(editor.edit(edits // 2) for editor in editors))
    last = await rows_of(product, wedding)
    saved = sorted((s for e in editors for s in e.saved), key=lambda s: s.version)
    told = [t for e in editors for t in e.told]

    assert len(saved) == edits
    for guest, row in first.items():
        mine = [s for s in saved if s.guest == guest]
        assert [s.version for s in mine] == list(range(row["version"] + 1, row["version"] + 1 + len(mine)))
        now = {name: row[name] for name in FIELDS}
        states = {row["version"]: now}
        for one in mine:
            now = states[one.version] = {**now, **one.fields}
        assert {name: last[guest][name] for name in FIELDS} == now, "what was saved is there, or was changed later"
        assert last[guest]["version"] == row["version"] + len(mine)
        for one in (t for t in told if t.guest == guest):
            seen = {name: one.current[name] for name in FIELDS}
            assert seen == states[one.current["version"]], "the loser is shown the row as it was then"

    events, _ = await log_of(product, wedding, cursor)
    changed = [(e["subject"]["id"], e["record"]["version"]) for e in events if e["type"] == "guest.changed"]
    assert sorted(changed) == sorted((s.guest, s.version) for s in saved), "one fact for each change, and no other"
    assert told, "two people at eight rows must have met"
    print(f"two partners: {edits} edits saved, {len(told)} refused with the current row, 0 lost, {GUESTS} guests")


class Stopwatch:
    """When each write was sent, and when each client heard of it; a write is known by row and version."""

    def __init__(self) -> None:
        self.sent: dict[tuple[str, int], float] = {}
        self.heard: dict[str, dict[tuple[str, int], float]] = {"python": {}, "javascript": {}}

    def hear(self, client: str, record: dict[str, Any]) -> None:
        self.heard[client].setdefault((record["id"], record["version"]), clock.monotonic())

    def has_all(self, client: str) -> bool:
        return self.sent.keys() <= self.heard[client].keys()

    def line(self, client: str) -> str:
        took = sorted((self.heard[client][key] - at) * 1000 for key, at in self.sent.items())
        found = {
            "scenario": "rest_write_to_frame",
            "client": client,
            "writes": len(took),
            "p50_ms": round(statistics.median(took), 1),
            "p99_ms": round(took[min(len(took) - 1, int(len(took) * 0.99))], 1),
        }
        return json.dumps(found)


async def _write(product: Product, wedding: str, watch: Stopwatch) -> None:
    """RSVPs turned over one after the other by the couple."""
    async with httpx.AsyncClient(headers=product.headers("couple"), timeout=60) as http:
        listed = await http.get(f"{product.web}/api/v1/weddings/{wedding}/rsvps", params={"limit": WRITES})
        for rsvp in listed.json()["items"]:
            status = "declined" if rsvp["status"] == "accepted" else "accepted"
            path = f"/api/v1/guests/{rsvp['guest_id']}/rsvps/{rsvp['schedule_item_id']}"
            at = clock.monotonic()
            answer = await http.put(product.web + path, json={"status": status})
            assert answer.status_code == 200, answer.text
            watch.sent[answer.json()["id"], answer.json()["version"]] = at


@pytest.mark.prove  # its figures are for people; in each run tests/contracts/test_gateway_clients.py hears every write
@pytest.mark.skipif(not SDK.exists(), reason="run `make setup`: the JavaScript client is not installed")
async def test_a_write_reaches_unmodified_clients_and_how_fast(product: Product) -> None:
    wedding, token = product.demo["wedding_id"], product.demo["couple"]["token"]
    url = f"{product.ready['gateway']}/realtime/v1"
    watch = Stopwatch()
    python = AsyncRealtimeClient(url, token)
    channel = python.channel(f"wedding:{wedding}", {"config": {"private": True}})
    channel.on_postgres_changes(
        RealtimePostgresChangesListenEvent.All, lambda c: watch.hear("python", c["data"]["record"]), table="rsvps"
    )
    await channel.subscribe()
    async with node(url=url, token=token, topic=f"wedding:{wedding}", vsn="2.0.0") as javascript:
        assert (await javascript.hear("status"))["status"] == "SUBSCRIBED"
        await javascript.hear("system")

        async def listen() -> None:
            while True:
                watch.hear("javascript", (await javascript.hear("change"))["payload"]["new"])

        listening = asyncio.create_task(listen())
        await _write(product, wedding, watch)
        await eventually(lambda: watch.has_all("javascript"), within_s=60, what="JavaScript heard every write")
        await eventually(lambda: watch.has_all("python"), within_s=60, what="Python heard every write")
        listening.cancel()
    await python.close()
    for client in watch.heard:
        print(watch.line(client))
