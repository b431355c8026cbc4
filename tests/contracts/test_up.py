"""`wedsync up` with every real process: ready, told, restarted, stopped clean, and started again on the same data."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.eventually import until
from tests.product import gone, since

PATIENCE_S = 240
PARTS = {"web", "gateway", "worker", "clock", "sandbox"}


@pytest.fixture
def home() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="wedsync-up-"))
    place.chmod(0o711)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def up(home: Path) -> Iterator[Callable[[], "Up"]]:
    """Starts `wedsync up`; what a failed test leaves running ends with it."""
    started: list[Up] = []

    def start() -> Up:
        started.append(Up(home))
        return started[-1]

    yield start
    for one in started:
        one.process.terminate()
        one.process.wait(PATIENCE_S)


class Up:
    """One `wedsync up` on free ports, with the demo."""

    def __init__(self, home: Path) -> None:
        self.ready_file = home / "ready.json"
        self.output = home / "output"
        environ = {key: value for key, value in os.environ.items() if not key.startswith("WEDSYNC_")}
        options = ["--port", "0", "--gateway-port", "0", "--sandbox-port", "0", "--data-dir", str(home / "var")]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "wedsync.processes.cli",
                    "up",
                    "--demo",
                    *options,
                    "--ready-file",
                    str(self.ready_file),
                ],
                env=environ | {"WEDSYNC_ENV": "test", "WEDSYNC_SANDBOX_SMTP_PORT": "0", "WEDSYNC_WEB_WORKERS": "1"},
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )

    def ready(self) -> dict[str, str]:
        def told() -> bool:
            assert self.process.poll() is None, self.output.read_text()
            return self.ready_file.exists()

        until(told, within_s=PATIENCE_S, what="ready")
        return json.loads(self.ready_file.read_text())

    def parts(self) -> dict[str, psutil.Process]:
        """The processes by name."""
        found = {}
        for process in psutil.Process(self.process.pid).children():
            try:
                command = process.cmdline()
            except (psutil.ZombieProcess, psutil.NoSuchProcess):
                continue  # killed, and not yet collected by the supervisor
            if "wedsync.processes.start" in command:
                found[command[-1]] = process
        return found

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def get(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status
    except OSError:
        return 0


@pytest.mark.prove  # in each run tests/journeys/ says it of the product that all its stories share
@pytest.mark.timeout(900)
def test_everything_starts_comes_back_and_stops(home: Path, up: Callable[[], Up]) -> None:
    first = up()
    told = first.ready()
    assert set(told) == {"web", "gateway", "sandbox", "database_url", "valkey_url", "demo"}
    assert stat.S_IMODE(first.ready_file.stat().st_mode) == 0o600
    assert set(first.parts()) == PARTS
    assert get(told["web"] + "/healthz") == 200
    assert "WedSync is ready" in first.output.read_text()
    # Who delivers finds the providers there: no breaker opens at a start.
    logs = home / "var" / "log"
    assert since(logs / "sandbox.log", "sandbox.started") < since(logs / "worker.log", "worker_ready")

    # No process shows a secret in its command or in the variables it was started with.
    passwords = [url.split(":")[2].split("@")[0] for url in (told["database_url"], told["valkey_url"])]
    for process in first.parts().values():
        shown = " ".join([*process.cmdline(), *process.environ().values()])
        assert not any(password in shown for password in passwords)

    web = first.parts()["web"]
    workers = web.children(recursive=True)
    web.kill()
    until(lambda: first.parts().get("web", web).pid != web.pid, within_s=PATIENCE_S, what="web is started again")
    until(lambda: gone(workers), within_s=PATIENCE_S, what="the workers of the killed web are gone")
    until(lambda: get(told["web"] + "/healthz") == 200, within_s=PATIENCE_S, what="web answers again")

    family = first.family()
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(PATIENCE_S) == 0, first.output.read_text()
    assert gone(family)
    assert not first.ready_file.exists()
    assert "database system is shut down" in (logs / "postgres.log").read_text()


@pytest.mark.prove  # in each run tests/contracts/test_engines.py says of the engines alone what this says of everything
@pytest.mark.timeout(900)
def test_it_starts_again_on_the_same_data_and_nobody_outlives_it(home: Path, up: Callable[[], Up]) -> None:
    first = up()
    told = first.ready()
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(PATIENCE_S) == 0, first.output.read_text()
    again = up()
    # The same database with the same password; its port may have been taken by somebody meanwhile.
    assert re.sub(r":\d+/", "/", again.ready()["database_url"]) == re.sub(r":\d+/", "/", told["database_url"])
    family = again.family()
    again.process.kill()
    again.process.wait()
    until(lambda: gone(family), within_s=PATIENCE_S, what="nobody outlives a killed supervisor")


@pytest.mark.prove  # in each run tests/contracts/test_supervisor.py stops what is only starting
@pytest.mark.timeout(600)
def test_a_signal_while_starting_stops_it_clean(home: Path, up: Callable[[], Up]) -> None:
    first = up()
    until((home / "var" / "log" / "postgres.log").exists, within_s=PATIENCE_S)
    family = first.family()
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(PATIENCE_S) == 0, first.output.read_text()
    assert gone(family)
    assert not first.ready_file.exists()
