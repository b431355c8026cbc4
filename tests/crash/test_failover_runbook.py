"""The commands of the runbook of a failing database, said in its order to a running product."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.eventually import eventually
from wedsync.processes.drills import cast
from wedsync.processes.drills.product import Product, own_folder, started
from wedsync.processes.migrate import connected

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbooks" / "database-failover.md"
PATIENCE_S = 120.0


def commands() -> list[list[str]]:
    return [shlex.split(line) for line in re.findall(r"^ +\$ wedsync (.*)$", RUNBOOK.read_text(), re.MULTILINE)]


async def operator(product: Product) -> str:
    """The token of one."""
    [otto] = await cast.people(product, 1, "operator")
    async with connected(product.settings.door("owner")) as owner:
        await owner.execute("select app.make_operator($1)", otto.id)
    return otto.token


@pytest.mark.prove  # in each run tests/contracts/test_runbooks.py reads its commands, and test_standby.py promotes
@pytest.mark.timeout(600)
async def test_its_commands_do_what_it_says() -> None:
    said = commands()
    assert [" ".join(words[:2]) for words in said] == [
        "standby status",
        "mode enter",
        "standby promote",
        "mode leave",
        "standby status",
    ]
    with own_folder() as folder:
        async with started(folder, web_workers=1, has_standby=True) as product:
            environ = {
                **{name: value for name, value in os.environ.items() if not name.startswith("WEDSYNC_")},
                "WEDSYNC_DATA_DIR": str(folder),
                "WEDSYNC_PUBLIC_URL": product.settings.public_url,
                "WEDSYNC_TOKEN": await operator(product),
            }

            def say(words: list[str]) -> subprocess.CompletedProcess[str]:
                command = [sys.executable, "-m", "wedsync.processes.cli", *words]
                return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=120)

            def is_in_step() -> bool:
                told = product.standby()
                return told is not None and told.state == "synchronous"

            await eventually(is_in_step, within_s=PATIENCE_S, what="every commit is in both")
            assert "synchronous: postgres takes changes" in say(said[0]).stdout
            for words, told in zip(
                said[1:4], ("In force: read_only", "standby takes changes now", "Over:"), strict=True
            ):
                done = say(words)
                assert done.returncode == 0, done.stderr
                assert told in done.stdout
            await eventually(is_in_step, within_s=PATIENCE_S, what="a new standby has everything")
            assert say(said[4]).returncode == 0
            headers = {"authorization": f"Bearer {environ['WEDSYNC_TOKEN']}"}
            async with httpx.AsyncClient(base_url=product.settings.public_url, headers=headers, timeout=60) as http:
                health = (await http.get("/api/database/health")).json()
                page = (await http.get("/ops/database", headers={"accept": "text/html"})).text
            [replica] = health["replication"]["replicas"]
            assert (replica["name"], replica["state"], replica["sync_state"]) == (
                "wedsync_standby",
                "streaming",
                "sync",
            )
            assert "wedsync_standby: every commit waits for it" in page
