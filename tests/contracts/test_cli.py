"""The command line: it starts quickly, tells problems in sentences, and each part fails alone."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines_fixture import Database
from wedsync.processes import reference_commands, start
from wedsync.processes.cli import app
from wedsync.processes.failures import CannotRun

PROGRAM = [sys.executable, "-m", "wedsync.processes.cli"]
COMMANDS = (
    *("up", "web", "gateway", "worker", "clock", "sandbox"),
    *(
        "migrate",
        "doctor",
        "import",
        "token",
        "verify",
        "listen",
        "trigger",
        "replay",
        "security",
        "commission",
        "operator",
        "preflight",
        "bench",
    ),
)


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder that the engines' account can enter."""
    place = Path(tempfile.mkdtemp(prefix="wedsync-cli-"))
    place.chmod(0o711)
    yield place
    shutil.rmtree(place)


def wedsync(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("WEDSYNC_")}
    return subprocess.run(
        [*PROGRAM, *arguments], env=plain | environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_names_every_command() -> None:
    said = wedsync("--help").stdout
    assert [command for command in COMMANDS if f" {command} " not in said] == []


def test_the_reference_tells_every_command() -> None:
    told = reference_commands.page()
    assert [name for name in app if not name.startswith("-") and f"\n## wedsync {name}\n" not in told] == []
    assert [name for name in ("freeze", "operator", *COMMANDS) if f"\n## wedsync {name}\n" not in told] == []


def test_wrong_settings_are_listed_without_a_traceback(home: Path) -> None:
    said = wedsync("worker", "--data-dir", str(home), WEDSYNC_PORT="x", WEDSYNC_ENV="prod")
    assert said.returncode == 1
    assert said.stderr.startswith("wedsync: The settings need attention:\n- WEDSYNC_ENV must be one of")
    assert "Traceback" not in said.stderr


def test_a_part_that_is_missing_is_told() -> None:
    with pytest.raises(CannotRun, match="`no_such` is not part of this installation"):
        start.module("no_such")


def test_a_database_that_nobody_runs_is_told(home: Path) -> None:
    said = wedsync("worker", "--data-dir", str(home))
    assert said.returncode == 1
    assert "WEDSYNC_" in said.stderr
    assert "`wedsync up`" in said.stderr


def test_doctor_tells_and_returns_a_code(home: Path) -> None:
    said = wedsync("doctor", "--data-dir", str(home), WEDSYNC_DATABASE_URL="postgresql://u:p@127.0.0.1:1/w")
    assert said.returncode == 1
    assert "The database does not answer" in said.stdout


@pytest.mark.prove  # in each run `wedsync up` does the same, and `migrate` on a database that is given
def test_migrate_starts_the_engine_it_needs_and_stops_it(home: Path) -> None:
    planned = wedsync("migrate", "--plan", "--data-dir", str(home), WEDSYNC_ENV="test")
    assert planned.stdout.startswith("0001_"), planned.stderr
    assert "would be applied" in planned.stdout
    assert "0001_" in wedsync("migrate", "--data-dir", str(home), WEDSYNC_ENV="test").stdout
    assert wedsync("migrate", "--data-dir", str(home), WEDSYNC_ENV="test").stdout == "The database is up to date.\n"
    assert not (home / "postgres" / "postmaster.pid").exists()
    assert "valkey_port" not in json.loads((home / "engines.json").read_text())


def test_migrate_of_a_given_database_starts_nothing(home: Path, database: Database) -> None:
    said = wedsync("migrate", "--plan", "--data-dir", str(home), WEDSYNC_OWNER_DATABASE_URL=database.owner)
    assert said.returncode == 0, said.stderr
    assert not (home / "engines.json").exists()


def test_bench_is_said_to_be_in_the_source_tree() -> None:
    assert (Path(start.__file__).parents[2] / "bench").is_dir()


def test_a_demo_is_refused_in_production(home: Path) -> None:
    live = {
        "WEDSYNC_ENV": "staging",
        "WEDSYNC_JWT_SECRET": "s" * 40,
        "WEDSYNC_COUPLES_WEBHOOK_SECRET": "s" * 40,
        "WEDSYNC_SEAL_KEYS": "k1:" + "A" * 43 + "=",
    }
    said = wedsync("up", "--demo", "--data-dir", str(home), **live)
    assert said.returncode == 1
    assert "The demo is for the profiles development, test and drill" in said.stderr


def test_a_taken_port_is_told_by_its_option(home: Path, valkey_url: str) -> None:
    port = valkey_url.rpartition(":")[2].partition("/")[0]
    free = ["--gateway-port", "0", "--sandbox-port", "0"]
    said = wedsync(
        "up", "--data-dir", str(home), "--port", port, *free, WEDSYNC_ENV="test", WEDSYNC_SANDBOX_SMTP_PORT="0"
    )
    assert said.returncode == 1
    assert f"Taken by another program: port {port} (--port)." in said.stderr
