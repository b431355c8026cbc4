"""The embedded engines keep their promises: they start anywhere, come back from every death, and stand side by side."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import psutil
import pytest

from tests.embedded import ask, embedded_settings, keep_a_row, passable_folder, postmaster
from tests.eventually import until
from wedsync.processes import migrate
from wedsync.processes.children import IS_LINUX
from wedsync.processes.engine_account import engine_account
from wedsync.processes.engines import Engines, held, publish, reach, require
from wedsync.processes.failures import EngineFailed, PortTaken
from wedsync.processes.postgres import DATABASE
from wedsync.processes.valkey_server import ValkeyServer


@pytest.fixture(scope="module")
def used() -> Iterator[Path]:
    """A folder whose engines have run: making a cluster takes longer than all that most tests do with it."""
    with passable_folder() as folder:
        engines = Engines(embedded_settings(folder))
        engines.start()
        engines.stop()
        yield folder


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A copy of that one; empty for a test that is marked `first_start`."""
    with passable_folder() as folder:
        if request.node.get_closest_marker("first_start") is None:
            subprocess.run(["cp", "-a", f"{request.getfixturevalue('used')}/.", folder], check=True)
        yield folder


@pytest.fixture
def engines(folder: Path) -> Iterator[Engines]:
    engines = Engines(embedded_settings(folder))
    yield engines
    engines.stop()


@pytest.fixture(scope="module")
def standing(used: Path) -> Iterator[tuple[Engines, Path]]:
    """Engines that run, for tests which only look at them."""
    with passable_folder() as folder:
        subprocess.run(["cp", "-a", f"{used}/.", folder], check=True)
        engines = Engines(embedded_settings(folder))
        engines.start()
        yield engines, folder
        engines.stop()


def words_of(file: Path) -> str:
    return file.read_text() if file.exists() else ""


@pytest.mark.first_start
def test_they_start_fill_in_the_addresses_and_stop(engines: Engines, folder: Path) -> None:
    filled = engines.start()
    assert filled.valkey_url.startswith("valkey://:")
    for role in ("user", "reader", "service", "owner"):
        assert filled.door(role).startswith(f"postgresql://wedsync_{role}:")  # type: ignore[arg-type]
    assert str(ask(engines, "show server_version")).startswith("18.")
    assert ask(engines, "select datlocale from pg_database where datname = 'postgres'") == "C.UTF-8"
    assert ask(engines, "show data_checksums") == "on"
    process = postmaster(engines)
    engines.stop()
    assert not process.is_running()
    assert "database system is shut down" in (folder / "log" / "postgres.log").read_text()


def test_every_profile_but_test_waits_for_the_disk(folder: Path) -> None:
    engines = Engines(embedded_settings(folder, WEDSYNC_ENV="development"))
    engines.start()
    try:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            assert ask(engines, f"show {name}") == "on"
    finally:
        engines.stop()


@pytest.mark.skipif(not IS_LINUX, reason="only Linux writes a whole file system at once")
def test_a_server_that_was_killed_does_not_open_each_of_its_files_before_it_answers(
    standing: tuple[Engines, Path],
) -> None:
    assert ask(standing[0], "show recovery_init_sync_method") == "syncfs"


def test_nobody_gets_in_without_a_password(standing: tuple[Engines, Path]) -> None:
    engines, _ = standing
    assert engines.postgres is not None
    port = engines.postgres.port

    async def knock(**how: object) -> None:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(user="wedsync_admin", database="postgres", port=port, password="guess", **how)

    asyncio.run(knock(host="127.0.0.1"))
    asyncio.run(knock(host=str(engines.postgres.folder)))


def test_they_listen_on_this_machine_only(standing: tuple[Engines, Path]) -> None:
    engines, _ = standing
    assert engines.postgres is not None
    assert engines.valkey is not None
    for process in (engines.postgres.process, engines.valkey.process):
        assert process is not None
        listening = [c for c in psutil.Process(process.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert {c.laddr.ip for c in listening} == {"127.0.0.1"}


def test_data_ports_and_passwords_are_the_same_at_the_next_start(engines: Engines, folder: Path) -> None:
    first = engines.start()
    keep_a_row(engines)
    engines.stop()
    again = Engines(embedded_settings(folder))
    assert again.start() == first
    assert ask(again, "select count(*) from kept") == 1
    again.stop()


def test_a_copy_of_a_folder_has_a_cluster_of_its_own(engines: Engines, folder: Path) -> None:
    engines.start()
    keep_a_row(engines)
    engines.stop()
    with passable_folder() as copied:
        subprocess.run(["cp", "-a", f"{folder}/.", copied], check=True)
        copy = Engines(embedded_settings(copied))
        copy.start()
        keep_a_row(copy)
        assert ask(copy, "select count(*) from kept") == 2
        engines.start()
        assert ask(engines, "select count(*) from kept") == 1
        copy.stop()


@pytest.mark.first_start
def test_private_files_are_private(engines: Engines, folder: Path) -> None:
    engines.start()
    assert engines.postgres is not None
    for name in ("engines.json", "secrets.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(engines.postgres.folder.stat().st_mode) == 0o700
    shown = [" ".join(p.cmdline()) for p in psutil.process_iter() if "postgres" in p.name() or "valkey" in p.name()]
    assert engines.valkey is not None
    assert not any(engines.valkey.password in line or engines.postgres.admin_password in line for line in shown)


def test_the_log_holds_no_value_of_a_row(standing: tuple[Engines, Path]) -> None:
    engines, folder = standing
    ask(engines, "create table secret (name text unique)")
    ask(engines, "insert into secret values ('Carla Canary')")
    with pytest.raises(asyncpg.UniqueViolationError):
        ask(engines, "insert into secret values ('Carla Canary')")
    with pytest.raises(asyncpg.PostgresSyntaxError):
        ask(engines, "select 'Carla Canary' from from")
    said = (folder / "log" / "postgres.log").read_text()
    assert "duplicate key" in said
    assert "Canary" not in said


def test_a_killed_postmaster_starts_again_with_everything(engines: Engines) -> None:
    engines.start()
    keep_a_row(engines)
    process = postmaster(engines)
    process.kill()
    assert engines.postgres is not None
    engines.postgres.restart()
    assert postmaster(engines).pid != process.pid
    assert ask(engines, "select count(*) from kept") == 1


def test_an_engine_that_outlived_its_supervisor_is_ended_first(engines: Engines, folder: Path) -> None:
    """Not every system tells a child that its parent died, so a server may be left with nobody to stop it."""
    engines.start()
    keep_a_row(engines)
    engines.stop()
    server = engines.postgres
    assert server is not None
    account = server.account
    orphan = subprocess.Popen(
        [server.bin / "postgres", "-D", server.folder],
        stderr=subprocess.DEVNULL,
        cwd="/",
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    until(lambda: "ready" in words_of(server.folder / "postmaster.pid"), what="the orphan serves")
    again = Engines(embedded_settings(folder))
    again.start()
    assert orphan.wait() == 0
    assert ask(again, "select count(*) from kept") == 1
    again.stop()


def test_engines_end_when_their_supervisor_is_killed(folder: Path) -> None:
    code = (
        "import os, sys; from wedsync.kit.config import load; from wedsync.processes.engines import Engines\n"
        "e = Engines(load(os.environ)); e.start(); print(e.postgres.process.pid, e.valkey.process.pid, flush=True)\n"
        "sys.stdin.read()"
    )
    environ = {**os.environ, "WEDSYNC_ENV": "test", "WEDSYNC_DATA_DIR": str(folder)}
    supervisor = subprocess.Popen(
        [sys.executable, "-c", code], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    running = [psutil.Process(int(pid)) for pid in supervisor.stdout.readline().split()]
    supervisor.kill()
    supervisor.communicate()
    until(lambda: not any(process.is_running() for process in running), what="both engines ended")


@pytest.mark.parametrize(
    "pid", ["own", pytest.param("dead", marks=pytest.mark.prove), pytest.param("garbage", marks=pytest.mark.prove)]
)
def test_a_stale_pid_file_is_no_obstacle(engines: Engines, folder: Path, pid: str) -> None:
    """Its number may belong to another program by now: in a container it usually does."""
    engines.start()
    keep_a_row(engines)
    postmaster(engines).kill()
    assert engines.postgres is not None
    pid_file = engines.postgres.folder / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    lines[0] = {"own": str(os.getpid()), "dead": "4194303", "garbage": "none"}[pid]
    pid_file.write_text("\n".join(lines) + "\n" if pid != "garbage" else "")
    again = Engines(embedded_settings(folder))
    again.start()
    assert ask(again, "select count(*) from kept") == 1
    again.stop()


@pytest.mark.prove  # in each run dozens of clusters stand beside the run's own
def test_two_instances_stand_side_by_side(engines: Engines) -> None:
    engines.start()
    with passable_folder() as other_folder:
        other = Engines(embedded_settings(other_folder))
        other.start()
        assert engines.postgres is not None
        assert other.postgres is not None
        assert engines.valkey is not None
        assert other.valkey is not None
        assert len({engines.postgres.port, other.postgres.port, engines.valkey.port, other.valkey.port}) == 4
        keep_a_row(engines)
        assert ask(other, "select to_regclass('kept') is null")
        other.stop()


@pytest.mark.first_start
def test_what_is_set_is_not_started(folder: Path) -> None:
    given = embedded_settings(
        folder, WEDSYNC_DATABASE_URL="postgresql://wedsync_user:x@127.0.0.1/w", WEDSYNC_VALKEY_URL="valkey://127.0.0.1"
    )
    engines = Engines(given)
    assert engines.start() == given
    assert (engines.postgres, engines.valkey) == (None, None)


@pytest.mark.first_start
def test_an_unfinished_cluster_is_made_anew(engines: Engines, folder: Path) -> None:
    """A power cut during the very first start leaves half a cluster beside its place, never in it."""
    draft = folder / "postgres.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    engines.start()
    assert ask(engines, "select true")
    assert not draft.exists()


@pytest.mark.first_start
def test_a_cluster_of_another_version_is_refused_with_what_to_do(engines: Engines, folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EngineFailed, match="made by PostgreSQL 17, and this is 18"):
        engines.start()


def test_a_cluster_that_cannot_start_says_why(engines: Engines, folder: Path) -> None:
    engines.start()
    assert engines.postgres is not None
    engines.postgres.stop()
    (engines.postgres.folder / "global" / "pg_control").unlink()
    with pytest.raises(EngineFailed, match=r"did not start: .*pg_control"):
        engines.postgres.restart()


@pytest.mark.first_start
def test_one_supervisor_holds_a_data_folder(folder: Path) -> None:
    with held(folder):
        with pytest.raises(EngineFailed, match=f"Another wedsync \\(process {os.getpid()}\\)"), held(folder):
            pass
        assert (folder / "lock").exists()
    with held(folder):
        pass


@pytest.mark.first_start
def test_other_commands_reach_what_a_supervisor_runs(folder: Path) -> None:
    plain = embedded_settings(folder)
    assert reach(plain) == plain
    running = embedded_settings(
        folder,
        WEDSYNC_DATABASE_URL="postgresql://a@127.0.0.1/w",
        WEDSYNC_READER_DATABASE_URL="postgresql://b@127.0.0.1/w",
        WEDSYNC_VALKEY_URL="valkey://127.0.0.1",
    )
    with held(folder):
        assert reach(plain) == plain
        publish(running)
        assert reach(plain) == running
        elsewhere = embedded_settings(folder, WEDSYNC_DATABASE_URL="postgresql://c@127.0.0.1/other")
        assert reach(elsewhere).reader_database_url == ""
        assert reach(elsewhere).valkey_url == "valkey://127.0.0.1"
        assert stat.S_IMODE((folder / "running.json").stat().st_mode) == 0o600
    assert reach(plain) == plain
    with pytest.raises(Exception, match="WEDSYNC_DATABASE_URL is not set and no `wedsync up` runs"):
        require(plain, "database_url")


def test_a_port_that_is_taken_is_told_by_both(folder: Path, engines: Engines) -> None:
    engines.start()
    assert engines.valkey is not None
    assert engines.postgres is not None
    second = ValkeyServer(folder=Path("/"), log=folder / "second.log", account=engine_account(), password="other")
    with pytest.raises(PortTaken, match="Valkey cannot listen"):
        second.start(engines.valkey.port)
    port = engines.postgres.port
    engines.postgres.stop()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken, match="PostgreSQL cannot listen"):
        engines.postgres.restart()


@pytest.mark.prove
def test_many_that_start_at_once_find_ports_of_their_own() -> None:
    """Between the look at a port and the start on it another may be faster; then the next one is taken."""
    code = (
        "import os; from wedsync.kit.config import load; from wedsync.processes.engines import Engines\n"
        "e = Engines(load(os.environ)); print(e.start().valkey_url.rpartition(':')[2], flush=True); input(); e.stop()"
    )
    with ExitStack() as stack:
        started = []
        for _ in range(4):
            environ = {
                **os.environ,
                "WEDSYNC_ENV": "test",
                "WEDSYNC_DATA_DIR": str(stack.enter_context(passable_folder())),
                "WEDSYNC_DATABASE_URL": "postgresql://wedsync_user:x@127.0.0.1/w",
            }
            command = [sys.executable, "-c", code]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            started.append(stack.enter_context(subprocess.Popen(command, env=environ, text=True, **pipes)))
        ports = [one.stdout.readline() for one in started if one.stdout]
        for one in started:
            one.communicate("\n")
        assert len(set(ports)) == 4
        assert all(ports)


def test_the_database_is_prepared_once_and_again(standing: tuple[Engines, Path]) -> None:
    engines, _ = standing
    assert engines.postgres is not None
    admin = engines.postgres.url(database="postgres")
    for _ in range(2):
        asyncio.run(migrate.prepare(admin, database=DATABASE, passwords=engines.passwords))
    assert ask(engines, "select datlocale from pg_database where datname = 'wedsync'") == "C.UTF-8"
    powers = "rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication"
    assert (
        ask(
            engines,
            f"select bool_or({powers}) from pg_roles where rolname like 'wedsync\\_%' and rolname <> 'wedsync_admin'",
        )
        is False
    )
    assert ask(engines, "select has_database_privilege('pg_monitor', 'wedsync', 'connect')") is False
