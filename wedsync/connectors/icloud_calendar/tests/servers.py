"""Real CalDAV servers for tests: Radicale and Xandikos, each in a process and a folder of its own."""

import asyncio
import os
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

from wedsync.connections.contract import Connection, Tools
from wedsync.connections.stage import free_port
from wedsync.connectors.icloud_calendar.connector import Caldav, connect
from wedsync.kit import clock
from wedsync.kit.http import Reply, Wire

HOST = "127.0.0.1"
USER, PASSWORD = "vera@flora.example", "tulip-secret"
CONNECTION = UUID("01970000-0000-7000-8000-00000000c001")

RADICALE = """[server]
hosts = {host}:{port}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}/collections
[rights]
type = owner_only
[web]
type = none
[logging]
level = error
"""


class Served:
    """A server, the connector pointed at it, and what a person with another client would do there."""

    def __init__(self, name: str, at: str, home: str, wire: Wire) -> None:
        self.name, self.at, self.home = name, at, home
        self.wire = wire
        settings = {"icloud_calendar_base_url": f"{at}/"}
        self.connector: Caldav = connect(Tools(wire=wire, machine_now=clock.machine_now, settings=settings))

    @property
    def connection(self) -> Connection:
        return Connection(id=CONNECTION, secrets={"username": (USER,), "password": (PASSWORD,)})

    async def call(self, method: str, url: str, body: str = "", **headers: str) -> Reply:
        pair = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        sent = {"authorization": f"Basic {pair}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        reply = await self.wire.request(method, url, headers=sent, body=body.encode(), trusted=True)
        assert isinstance(reply, Reply), reply
        return reply

    async def new_calendar(self, name: str) -> str:
        url = f"{self.at}{self.home}{name}/"
        assert (await self.call("MKCALENDAR", url)).status == 201
        return url


@asynccontextmanager
async def served(name: str, folder: Path) -> AsyncIterator[Served]:
    port = free_port(HOST)
    command = _radicale(folder, port) if name == "radicale" else _xandikos(folder, port)
    environ = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, env=environ, cwd=folder)
    wire = Wire()
    try:
        await _answers(port, process)
        home = f"/{USER}/" if name == "radicale" else "/vera/calendars/"
        yield Served(name, f"http://{HOST}:{port}", home, wire)
    finally:
        await wire.close()
        process.terminate()
        await process.wait()


def _radicale(folder: Path, port: int) -> list[str]:
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
    (folder / "config").write_text(RADICALE.format(host=HOST, port=port, folder=folder))
    return [sys.executable, "-m", "radicale", "--config", str(folder / "config")]


def _xandikos(folder: Path, port: int) -> list[str]:
    program = Path(sys.executable).with_name("xandikos")
    place = ["-d", str(folder / "data"), "--defaults", "--current-user-principal", "/vera/"]
    return [str(program), "serve", *place, "-l", HOST, "-p", str(port)]


async def _answers(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(30):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except ConnectionError:
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), 0.05)
                continue
            writer.close()
            return
    raise RuntimeError("The server ended at once: see its log.")
