"""The whole product, started as anybody starts it: `wedsync up --demo` on free ports with a data folder of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import psutil

from tests.eventually import until
from wedsync.processes.engines import free_port

PATIENCE_S = 240.0


class Product(msgspec.Struct, frozen=True):
    """What the ready file says, and the process that runs it."""

    ready: dict[str, Any]
    data_dir: Path
    process: subprocess.Popen[bytes]

    @property
    def web(self) -> str:
        return str(self.ready["web"])

    @property
    def sandbox(self) -> str:
        return str(self.ready["sandbox"])

    @property
    def demo(self) -> dict[str, Any]:
        demo: dict[str, Any] = self.ready["demo"]
        return demo

    @property
    def wedding(self) -> str:
        """The demo's wedding that is still ahead."""
        return str(self.demo["wedding_id"])

    def part(self, name: str) -> psutil.Process | None:
        """The running process of a part of the product; None while there is none."""
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):
                command = child.cmdline()
                if "wedsync.processes.start" in command and command[-1] == name:
                    return child
        return None

    def headers(self, who: str) -> dict[str, str]:
        """A bearer of one of the demo's people."""
        return {"authorization": f"Bearer {self.demo[who]['token']}"}


@contextmanager
def held(part: psutil.Process | None) -> Iterator[None]:
    """Stop a process in its tracks meanwhile."""
    assert part is not None
    part.suspend()
    try:
        yield
    finally:
        part.resume()


@contextmanager
def running(data_dir: Path | None = None, **environ: str) -> Iterator[Product]:
    """Start it, wait for its ready file, and stop it the way Ctrl-C does."""
    with tempfile.TemporaryDirectory(prefix="wedsync-product-", ignore_cleanup_errors=True) as made:
        folder = data_dir or Path(made)
        folder.chmod(0o711)
        ready = folder / "ready.json"
        ready.unlink(missing_ok=True)
        ports = [free_port() for _ in range(4)]
        command = [
            sys.executable,
            "-m",
            "wedsync.processes.cli",
            "up",
            "--demo",
            "--data-dir",
            str(folder),
            "--ready-file",
            str(ready),
        ]
        for name, port in zip(("--port", "--gateway-port", "--sandbox-port"), ports, strict=False):
            command += [name, str(port)]
        # Other tests run beside it: that it is late is no load of its own.
        settings = {
            "WEDSYNC_SANDBOX_SMTP_PORT": str(ports[3]),
            "WEDSYNC_WEB_WORKERS": "1",
            "WEDSYNC_SHED_DELAY_MS": "0",
        }
        with (folder / "up.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **settings, **environ}
            )
        try:
            until(lambda: ready.exists() or process.poll() is not None, within_s=PATIENCE_S)
            assert ready.exists(), (folder / "up.log").read_text()[-3000:]
            yield (started := Product(msgspec.json.decode(ready.read_bytes()), folder, process))
            _ends(started)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(PATIENCE_S)


def _ends(product: Product) -> None:
    """As Ctrl-C ends it: well, with nobody left behind, and the database closed."""
    family = psutil.Process(product.process.pid).children(recursive=True)
    product.process.send_signal(signal.SIGINT)
    assert product.process.wait(PATIENCE_S) == 0, (product.data_dir / "up.log").read_text()[-3000:]
    assert gone(family)
    assert not (product.data_dir / "ready.json").exists()
    assert "database system is shut down" in (product.data_dir / "log" / "postgres.log").read_text()


def gone(processes: list[psutil.Process]) -> bool:
    return not any(_lives(process) for process in processes)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def since(log: Path, event: str) -> str:
    """When the event was first logged."""
    lines = map(json.loads, log.read_text().splitlines())
    return next(str(line["timestamp"]) for line in lines if line["event"] == event)
