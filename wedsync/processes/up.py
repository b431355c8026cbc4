"""`wedsync up`: engines, migrations, every process and, if asked, the demo, under one supervisor.

Each process is given only the database doors that it uses. When everything answers, the ready file is written for
programs and a summary for people. Ctrl-C stops the doors first and the engines last; a second one does not wait.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import structlog

from wedsync.kit.config import LOOPBACK, PREFIX, Settings, SettingsInvalid, with_ports
from wedsync.kit.config_secrets import write_private
from wedsync.kit.db_hosts import is_away
from wedsync.processes import demo_providers, listening, migrate, migrate_command, seats, summary
from wedsync.processes.engines import Engines, free_port, held, is_free, log_folder, publish, require
from wedsync.processes.failures import EngineFailed
from wedsync.processes.postgres import DATABASE
from wedsync.processes.standby import Keeper, drop_slot
from wedsync.processes.start import module
from wedsync.processes.supervisor import Part, Supervisor

T = TypeVar("T")

log = structlog.get_logger()

READY_PATIENCE_S: Final = 60.0
PORT_PATIENCE_S: Final = 5.0
"""A killed predecessor's children need a moment to let go of its ports."""
PORTS: Final = {"port": "--port", "gateway_port": "--gateway-port", "sandbox_port": "--sandbox-port"}
DOORS: Final[Mapping[str, tuple[str, ...]]] = {
    "web": ("database_url",),
    "gateway": ("reader_database_url",),
    "worker": ("service_database_url", "database_url"),
    "clock": ("service_database_url", "database_url", "owner_database_url"),
    "sandbox": (),
}
"""Which database addresses a process is given, in the order of start and of stop."""
ALL_DOORS: Final = (*(door for doors in DOORS.values() for door in doors), "admin_database_url")
STOP_PATIENCE_S: Final = {"worker": 35.0}
"""The worker finishes the attempts it has begun, each of which may take 10 s and its retry the same."""
NICE: Final = {"worker": 2, "clock": 5, "sandbox": 5}
"""Steps by which these give way where the processor is short: somebody looks at what web and gateway do, and what goes
out may be a moment later. In life the sandbox's part is played by other machines.
"""

Demo = Callable[[Settings], Awaitable[dict[str, Any]]]


async def run(
    settings: Settings, *, with_demo: bool = False, with_standby: bool = False, ready_file: Path | None = None
) -> None:
    """Until a signal comes. SettingsInvalid, EngineFailed, MigrationRefused or PartFailed say why it does not start."""
    started_at = time.monotonic()
    settings = _prepared(settings, with_demo=with_demo, with_standby=with_standby)
    _forget(ready_file)
    stop = asyncio.Event()
    with held(settings.data_dir):
        settings = _with_free_ports(settings)
        if with_demo:
            settings = demo_providers.pointed(settings)
        engines = Engines(settings, has_standby=with_standby)
        supervisor = Supervisor(log_folder=log_folder(settings.data_dir) if settings.log_to == "folder" else None)
        keeper = Keeper(engines, supervisor)
        _stop_on_signals(stop, supervisor)
        try:
            # They import what they need while the engines start, and wait for their settings.
            for name in _parts_of(settings):
                supervisor.start(_part(name, settings))
            supervisor.release({name: _told(name, settings) for name in _providers(settings)})
            settings = engines.start()
            demo = await _unless(stop, _start(settings, engines, supervisor, keeper, with_demo=with_demo))
            if not stop.is_set():
                summary.show(settings, demo, notes=engines.notes, took_s=time.monotonic() - started_at)
                _tell(ready_file, ready_json(settings, demo))
                beside = (_calendars(settings, demo), keeper.keep() if with_standby else None, _written(engines))
                async with _beside(*beside):
                    await supervisor.run(stop)
        finally:
            await supervisor.stop()
            engines.stop()
            _forget(ready_file)


async def _start(
    settings: Settings, engines: Engines, supervisor: Supervisor, keeper: Keeper, *, with_demo: bool
) -> dict[str, Any] | None:
    """Everything above the engines, until it answers; returns what the demo tells."""
    await build_database(settings, engines)
    publish(settings)
    # Who delivers begins when the providers answer: a breaker that opens at the start would say that all is not well.
    await supervisor.answering(_providers(settings), READY_PATIENCE_S)
    others = set(_parts_of(settings)).difference(_providers(settings))
    supervisor.release({name: _told(name, settings) for name in others})
    _watch_engines(supervisor, engines, keeper)
    _, demo = await asyncio.gather(supervisor.ready(READY_PATIENCE_S), _demo(settings, with_demo=with_demo))
    return demo


async def build_database(settings: Settings, engines: Engines) -> None:
    """Roles and database where the engine is ours, then the migrations where we may apply them."""
    if engines.postgres is not None:
        admin = engines.postgres.url(database="postgres")
        await migrate.prepare(admin, database=DATABASE, passwords=engines.passwords)
    if settings.owner_database_url:
        applied = await migrate_command.bring_forward(settings)
        if applied:
            log.info("migrated", migrations=applied)
    if engines.postgres is not None:
        await migrate.fence(engines.postgres.url())
        if not engines.has_standby:
            await drop_slot(engines.postgres)


def ready_json(settings: Settings, demo: dict[str, Any] | None) -> bytes:
    """What other programs read: addresses of the processes and engines, and the demo's people."""
    told: dict[str, Any] = {
        "web": settings.public_url,
        "gateway": settings.gateway_url,
        "sandbox": settings.sandbox_url if "sandbox" in _parts_of(settings) else None,
        "database_url": settings.database_url,
        "valkey_url": settings.valkey_url,
    }
    if demo is not None:
        told["demo"] = demo
    return msgspec.json.format(msgspec.json.encode(told)) + b"\n"


def _prepared(settings: Settings, *, with_demo: bool, with_standby: bool) -> Settings:
    if with_standby and settings.database_url:
        raise SettingsInvalid(
            [
                "--standby is for the bundled PostgreSQL, and WEDSYNC_DATABASE_URL leads to another. Name your standby "
                "in it: postgresql://…@db1,db2/wedsync?target_session_attrs=read-write."
            ]
        )
    if with_demo and not settings.is_play:
        raise SettingsInvalid(
            [f"The demo is for the profiles development, test and drill; WEDSYNC_ENV is {settings.env}."]
        )
    if with_demo and not settings.egress_allow:
        # The demo's webhooks and providers live on this machine.
        settings = msgspec.structs.replace(settings, egress_allow=LOOPBACK)
    if settings.database_url:
        require(settings, "reader_database_url", "service_database_url")
    return settings


def _with_free_ports(settings: Settings) -> Settings:
    """Port 0 becomes a free one; a taken one is refused, by the name of what would have been on it."""
    chosen = {name: free_port() for name in (*PORTS, "sandbox_smtp_port") if getattr(settings, name) == 0}
    settings = with_ports(settings, **chosen)
    wanted = {name: getattr(settings, name) for name in PORTS}
    if settings.is_play:
        wanted["sandbox_smtp_port"] = settings.sandbox_smtp_port
    deadline = time.monotonic() + PORT_PATIENCE_S
    while taken := {name: port for name, port in wanted.items() if not is_free(settings.host, port)}:
        if time.monotonic() > deadline:
            told = ", ".join(f"{port} ({PORTS.get(name, PREFIX + name.upper())})" for name, port in taken.items())
            raise EngineFailed(
                f"Taken by another program: port {told}. Choose others with these options, or 0 for any free one."
            )
        time.sleep(0.1)
    return settings


def _parts_of(settings: Settings) -> list[str]:
    """The sandbox stands in for providers, which a real wedding has of its own."""
    return [name for name in DOORS if name != "sandbox" or settings.is_play]


def _providers(settings: Settings) -> list[str]:
    """The parts that need no engine, and that others call."""
    return [name for name in _parts_of(settings) if not DOORS[name]]


def _part(name: str, settings: Settings) -> Part:
    return Part(
        name=name,
        command=[sys.executable, "-m", "wedsync.processes.start", name],
        environ={k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        | (seats.environ() if name == "worker" else {}),
        healthz=_healthz(name, settings),
        stop_patience_s=STOP_PATIENCE_S.get(name, 10.0),
        nice=NICE.get(name, 0),
        listens=_held(name, settings),
    )


def _held(name: str, settings: Settings) -> tuple[socket.socket, ...]:
    """What a restart of one process must not refuse anybody."""
    if name == "web":
        return listening.hold(settings.host, settings.port, count=settings.web_workers)
    return listening.hold(settings.host, settings.gateway_port) if name == "gateway" else ()


def _told(name: str, settings: Settings) -> bytes:
    """The settings of one process, without the database doors that are not its own."""
    return msgspec.json.encode(settings.environ(without=set(ALL_DOORS) - set(DOORS[name])))


def _healthz(name: str, settings: Settings) -> str:
    """Worker and clock have no port; they are ready when they live, since they only read what is already there."""
    port = {"web": settings.port, "gateway": settings.gateway_port, "sandbox": settings.sandbox_port}.get(name)
    if port is None:
        return ""
    host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104 -- read, not bound
    host = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.has_tls and name != "sandbox" else "http"
    return f"{scheme}://{host}:{port}/healthz"


def _watch_engines(supervisor: Supervisor, engines: Engines, keeper: Keeper) -> None:
    if engines.postgres is not None:
        supervisor.watch("postgres", keeper.primary_ended, engines.postgres.process)
    if engines.valkey is not None:
        supervisor.watch("valkey", engines.valkey.restart, engines.valkey.process)


async def _demo(settings: Settings, *, with_demo: bool) -> dict[str, Any] | None:
    if not with_demo:
        return None
    # By name: the demo knows every noun, and `wedsync up` without it should not wait for them to be imported.
    build: Demo = module("demo").build
    return await build(settings)


def _calendars(settings: Settings, demo: dict[str, Any] | None) -> Coroutine[Any, Any, None] | None:
    """The demo's suppliers connect their calendars while everything runs already."""
    return None if demo is None else module("demo_calendars").connect(settings, demo)


async def _written(engines: Engines) -> None:
    """What migrations and demo have made goes to its files now: 1,500 of them, 2 s that a crash would wait for."""
    if engines.postgres is not None:
        try:
            async with migrate.connected(engines.postgres.url()) as admin:
                await admin.execute("checkpoint")
        except Exception as error:
            if not is_away(error):
                raise
            log.debug("not_written_yet", reason=type(error).__name__)


@asynccontextmanager
async def _beside(*works: Coroutine[Any, Any, None] | None) -> AsyncIterator[None]:
    tasks = {asyncio.create_task(work) for work in works if work is not None}
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The work's result, or None where `stop` came first and the work was given up."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when="FIRST_COMPLETED")
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.wait({working})
    return None


def _tell(ready_file: Path | None, content: bytes) -> None:
    if ready_file is not None:
        write_private(ready_file.absolute(), content)


def _forget(ready_file: Path | None) -> None:
    """Nobody may take the file of an earlier run for this one's."""
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)


def _stop_on_signals(stop: asyncio.Event, supervisor: Supervisor) -> None:
    def asked() -> None:
        if stop.is_set():
            supervisor.kill()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked)
