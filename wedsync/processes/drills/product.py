"""The whole product for a drill: `wedsync up` on free ports and a folder of its own, and ways to make it fail."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from wedsync.connections.fakes import FINE
from wedsync.events import record
from wedsync.kit import config
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.http import Reply, Wire
from wedsync.kit.seal import KeyRing
from wedsync.processes import demo_providers, standby
from wedsync.processes.children import spawn
from wedsync.processes.drills import ledger
from wedsync.processes.drills.plan import Trouble
from wedsync.processes.engines import cluster_folder, free_port, reach
from wedsync.processes.failures import CannotRun
from wedsync.processes.migrate import connected

PATIENCE_S: Final = 300.0
STOP_PATIENCE_S: Final = 60.0
CAUGHT_UP_S: Final = 5.0
SETTLE_S: Final = 180.0
LOOK_S: Final = 0.5
PORTS: Final = ("port", "gateway_port", "sandbox_port", "sandbox_smtp_port")
# Keys that the sandbox's mail providers take; they open nothing anywhere else.
MAIL: Final = {"resend": "re_the-sandbox-is-no-secret", "sendgrid": "SG.the-sandbox-is-no-secret"}
SET_CLOCK: Final = """insert into public.clock_setting (base, speed) values ($1, $2)
    on conflict (only_row) do update set base = excluded.base, speed = excluded.speed, set_at = clock_timestamp()"""
SANDBOX_MAX_BYTES: Final = 1024 * 1024
"""Of an answer; it names every mood of every provider."""
WORST: Final = ("black hole", "timeout", "5xx", "broken")
"""What a provider does that is simply gone, whichever of these it knows."""


class Product:
    """One running product; a `cast.Stage`."""

    def __init__(self, settings: Settings, process: "subprocess.Popen[bytes]", door: Door, wire: Wire) -> None:
        self.settings = settings
        self.door = door
        self.ring = KeyRing.from_setting(settings.seal_keys)
        self._process = process
        self._wire = wire

    async def analyze(self) -> None:
        async with connected(self.settings.door("owner")) as owner:
            await owner.execute("analyze")

    async def end_building(self) -> None:
        """Whoever plays goes through the product's doors; a pool of ours would only tell of each restart."""
        await self.door.pool.close()

    async def set_clock(self, base: datetime, speed: float) -> None:
        """From now on wedding time runs from `base`; the processes see it within a second."""
        async with connected(self.settings.door("owner")) as owner:
            await owner.execute(SET_CLOCK, base, speed)

    def check(self) -> None:
        """CannotRun where it has ended."""
        if self._process.poll() is not None:
            raise CannotRun(f"WedSync ended in the middle of the drill.\n{_last_words(self.settings.data_dir)}")

    def kill(self, part: str, *, how: signal.Signals = signal.SIGQUIT) -> None:
        """At once, with all it has started; PostgreSQL by its own immediate stop, or as is said."""
        if part == "postgres":
            pid = (cluster_folder(self.settings.data_dir) / "postmaster.pid").read_text().splitlines()[0]
            os.kill(int(pid), how)
            return
        for child in _pids(self._process.pid, part):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def standby(self) -> standby.Told | None:
        """How its standby stands, where it has told already."""
        with contextlib.suppress(CannotRun):
            return standby.told_of(self.settings)
        return None

    async def knows(self, names: Sequence[str]) -> None:
        """Raises CannotRun for a provider that the sandbox does not have, before anything is played."""
        for name in names:
            await self._worst(name)

    async def switch(self, trouble: Trouble, *, is_over: bool = False) -> None:
        """A provider's mood, or fine again. Raises CannotRun for one the sandbox does not have."""
        mood = FINE if is_over else trouble.how or await self._worst(trouble.what)
        body = msgspec.json.encode({"of": trouble.what, "mood": mood})
        await self._sandbox("PUT", "/api/moods", body)

    async def _worst(self, name: str) -> str:
        moods: list[Mapping[str, Any]] = msgspec.json.decode(await self._sandbox("GET", "/api/moods", b""))["items"]
        known = next((one["known"] for one in moods if one["of"] == name), None)
        if known is None:
            raise CannotRun(f"The sandbox has no {name!r}. It has: {', '.join(one['of'] for one in moods)}.")
        return next((mood for mood in WORST if mood in known), next(mood for mood in known if mood != FINE))

    async def _sandbox(self, method: str, path: str, body: bytes) -> bytes:
        headers = {"content-type": "application/json"}
        url = f"{self.settings.sandbox_url}{path}"
        reply = await self._wire.request(
            method, url, headers=headers, body=body, timeout_s=10.0, trusted=True, body_max_bytes=SANDBOX_MAX_BYTES
        )
        if not isinstance(reply, Reply) or reply.status >= 300:
            told = reply.body.decode(errors="replace")[:300] if isinstance(reply, Reply) else reply.reason
            raise CannotRun(f"The sandbox did not do what it was asked: {told}")
        return reply.body


@contextlib.asynccontextmanager
async def started(folder: Path, *, web_workers: int, has_standby: bool = False) -> AsyncIterator[Product]:
    """Start it, and end it the way Ctrl-C does. Raises CannotRun where it does not start."""
    wanted = _settings(folder, web_workers)
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "wedsync.processes.cli", "up", "--ready-file", str(ready)]
    command += ["--standby"] if has_standby else []
    process = spawn(command, environ=_plain() | wanted.environ(), folder=Path.cwd(), log=folder / "up.log")
    try:
        await _until_ready(process, ready)
        settings = reach(wanted)
        pool = await connect_pool(settings.door("user"), size=6, application="wedsync-drill")
        wire = Wire(user_agent="WedSync drill")
        try:
            yield Product(settings, process, Door(pool, flush=record.flush), wire)
        finally:
            await wire.close()
            await pool.close()
    finally:
        process.send_signal(signal.SIGINT)
        try:
            await asyncio.to_thread(process.wait, STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that is gone afterwards. PostgreSQL's own account must pass through it; what is in it is closed."""
    with tempfile.TemporaryDirectory(prefix="wedsync-drill-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o711)
        yield Path(made)


async def idle(product: Product) -> None:
    """Until nothing is left that could be done now, or there was time enough for it."""
    await _until_none(product, ledger.ready_jobs)


async def settled(product: Product) -> None:
    """Until what is owed was delivered and the screens had a moment, or there was time enough for it."""
    await _until_none(product, ledger.open_deliveries)
    await asyncio.sleep(CAUGHT_UP_S)


async def _until_none(product: Product, left: Callable[[Settings], Awaitable[int]]) -> None:
    give_up_at = time.monotonic() + SETTLE_S
    while await left(product.settings) and time.monotonic() < give_up_at:
        product.check()
        await asyncio.sleep(LOOK_S)


async def all_well(needed: "set[asyncio.Task[Any]]", besides: "set[asyncio.Task[Any]]") -> None:
    """Until all that is needed is done; what any of them raises, also of those beside, ends it at once."""
    while needed:
        done, _ = await asyncio.wait(needed | besides, return_when="FIRST_COMPLETED")
        for task in done:
            task.result()
        needed, besides = needed - done, besides - done


def _settings(folder: Path, web_workers: int) -> Settings:
    loaded = config.load(
        {
            "WEDSYNC_ENV": "drill",
            "WEDSYNC_DATA_DIR": str(folder),
            "WEDSYNC_EGRESS_ALLOW": ",".join(config.LOOPBACK),
            "WEDSYNC_WEB_WORKERS": str(web_workers),
            "WEDSYNC_DELIVERIES_PER_MIN": "100000",
            "WEDSYNC_LOG_TO": "folder",
        }
    )
    settings = config.with_ports(loaded, **{name: free_port() for name in PORTS})
    at = settings.sandbox_url
    mail = {f"{name}_api_key": key for name, key in MAIL.items()}
    mail |= {f"{name}_base_url": f"{at}/{name}/api" for name in MAIL}
    return msgspec.structs.replace(demo_providers.pointed(settings), **mail)


def _plain() -> dict[str, str]:
    """Ours, without settings of the product that somebody has set for another installation."""
    return {key: value for key, value in os.environ.items() if not key.startswith(config.PREFIX)}


async def _until_ready(process: "subprocess.Popen[bytes]", ready: Path) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await asyncio.to_thread(ready.exists):
                if process.poll() is not None:
                    raise CannotRun(f"WedSync did not start.\n{_last_words(ready.parent)}")
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise CannotRun(f"WedSync did not start in {PATIENCE_S:.0f} s.\n{_last_words(ready.parent)}") from None


def _pids(parent: int, part: str) -> list[int]:
    """A part's process and its descendants, by `ps`, which every system has."""
    listed = subprocess.run(
        # Whole lines: it cuts them to the width of a terminal, and then nothing is found and nothing killed.
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="],  # noqa: S607 -- wherever it is
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    children: dict[int, list[int]] = {}
    for pid, ppid, _ in rows:
        children.setdefault(int(ppid), []).append(int(pid))
    tail = f"wedsync.processes.start {part}"
    found = [int(pid) for pid, ppid, words in rows if int(ppid) == parent and words.endswith(tail)]
    for one in found:
        found += children.get(one, [])
    return found


def _last_words(folder: Path) -> str:
    log = folder / "up.log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-12:]) if log.exists() else ""
