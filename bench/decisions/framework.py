"""Granian with Litestar against Granian with nothing: server CPU of one small JSON answer."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectError

from bench.decisions.measuring import Figures, run
from wedsync.processes.engines import next_free_port

FIRST_PORT = 18080
REQUESTS = 4000
AT_ONCE = 8


@contextmanager
def served(application: str) -> Iterator[tuple[psutil.Process, int]]:
    """One Granian worker with an application of `bench.decisions.applications`, on a free port."""
    port = next_free_port(FIRST_PORT)
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--loop", "uvloop", "--no-log", f"bench.decisions.applications:{application}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()


async def _until_it_answers(client: Client, url: str) -> None:
    for _ in range(200):
        try:
            await client.get(url).build().send()
        except ConnectError:
            await asyncio.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing answers at {url}")


async def _load(server: psutil.Process, port: int) -> Figures:
    url = f"http://127.0.0.1:{port}/guests/7"
    async with ClientBuilder().build() as client:

        async def ask(times: int) -> None:
            for _ in range(times):
                response = await client.get(url).build().send()
                assert response.status == 200

        await _until_it_answers(client, url)
        await ask(200)
        before = _cpu_s(server)
        await asyncio.gather(*(ask(REQUESTS // AT_ONCE) for _ in range(AT_ONCE)))
        return {"us": (_cpu_s(server) - before) / REQUESTS * 1e6}


def _cpu_s(server: psutil.Process) -> float:
    family = [server, *server.children(recursive=True)]
    return sum(sum(member.cpu_times()[:2]) for member in family)


def measure() -> Figures:
    figures: Figures = {}
    for application in ("litestar", "bare"):
        with served(application) as (server, port):
            figures[f"{application}_us"] = run(_load(server, port))["us"]
    return figures
