"""Fixtures that every test may use: the engines, a database of its own per worker, and settings that lead there."""

import asyncio
import gc
import logging
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import hypothesis
import jinja2
import pytest
import pytest_asyncio
import uvloop

from tests import known_types, seed
from tests.engines_fixture import (
    Database,
    RunningPostgres,
    clone,
    drop,
    own_valkey,
    run_folder,
    running_postgres,
    settings_for,
)
from wedsync.kit.config import Settings
from wedsync.web import render

TEMPLATES = Path(__file__).parents[1] / "var" / "templates"
"""What templates became as code, by their text: each worker would make it anew, 2.6 s of CPU for all of them."""


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """This worker of pytest-xdist: gw0, gw1, or "alone"."""
    return getattr(request.config, "workerinput", {}).get("workerid", "alone")


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> RunningPostgres:
    """The run's PostgreSQL, for fixtures that make databases; tests take `database`."""
    shared = getattr(request.config, "workerinput", None)
    run_id = shared["testrunuid"] if shared else secrets.token_hex(16)
    return running_postgres(run_folder(run_id), os.getppid() if shared else os.getpid())


@pytest_asyncio.fixture(scope="session")
async def database(postgres: RunningPostgres, worker: str) -> Database:
    """This worker's database, shared by its tests: each test makes weddings and suppliers of its own."""
    return await clone(postgres, f"wedsync_{worker}")


@pytest_asyncio.fixture
async def make_database(postgres: RunningPostgres, worker: str) -> AsyncIterator[Callable[[], Awaitable[Database]]]:
    """Fresh copies of the template, for a test that changes policies, counts everything or breaks something."""
    made: list[str] = []

    async def make() -> Database:
        made.append(f"wedsync_{worker}_{secrets.token_hex(4)}")
        return await clone(postgres, made[-1])

    yield make
    for name in made:
        await drop(postgres, name)


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """This worker's Valkey."""
    with own_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, database: Database, valkey_url: str) -> Settings:
    """Settings of profile test that lead to this worker's database and Valkey."""
    data_dir: Path = tmp_path_factory.mktemp("data")
    return settings_for(data_dir, database, valkey_url)


def pytest_configure(config: pytest.Config) -> None:
    """In `make test` the loop is that of the product's processes, which takes less; in `make prove` it is asyncio's. No
    deadlines in property tests: on a busy machine they measure the machine. And quiet third-party logs.
    """
    if "not prove" in config.getoption("markexpr"):
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        known_types.keep()
    slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("wedsync", deadline=None, suppress_health_check=slow, max_examples=15)
    hypothesis.settings.register_profile("thorough", deadline=None, suppress_health_check=slow, max_examples=200)
    seed.follow(config.getoption("markexpr"))
    hypothesis.settings.load_profile("thorough" if "property" in config.getoption("markexpr") else "wedsync")
    # At level debug they put each frame into their logs, decoded, also those that a test makes undecodable on purpose.
    for library in ("websockets", "realtime", "httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)


def pytest_report_header(config: pytest.Config) -> str:
    """How to take the same rows of long matrices again."""
    return seed.said()


def pytest_collection() -> None:
    """What is collected stays until the end: to look through it for what may go is most of what collecting takes."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on the collector looks only at what tests make. Workers share what templates became."""
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    render.environment().bytecode_cache = jinja2.FileSystemBytecodeCache(str(TEMPLATES))
    gc.freeze()
    # Python's 700 search the same again and again: a fifth of what taking all sources apart takes.
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Property tests are known by what they are."""
    if hypothesis.is_hypothesis_test(getattr(item, "obj", None)):
        item.add_marker(pytest.mark.property)


@pytest.hookimpl(tryfirst=True)
def pytest_report_to_serializable(config: pytest.Config, report: pytest.TestReport) -> None:
    """What a test that went well has said goes no further than its worker, where nobody asked to read it."""
    if getattr(report, "passed", False) and not set("AP") & set(config.option.reportchars):
        report.sections = []
