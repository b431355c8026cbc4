"""The import contracts of pyproject.toml hold, and each of them fails when it is broken on purpose."""

import itertools
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
FLOORS = next(contract["layers"] for contract in CONTRACTS if contract.get("exhaustive"))

# A small house with every room and nothing in it that is forbidden.
HOUSE = {
    "kit/db.py": "import asyncpg\nfrom wedsync.kit import db_hosts",
    "kit/db_hosts.py": "import asyncpg",
    "kit/db_refusals.py": "import asyncpg",
    "kit/http.py": "import pyreqwest",
    "kit/guard.py": "import pyreqwest",
    "kit/valkey.py": "import hiredis\nimport valkey",
    "guests/model.py": "",
    "guests/actions.py": "from wedsync.guests import model\nfrom wedsync.kit import db",
    "guests/reactions.py": "from wedsync.guests import actions",
    "guests/api.py": "from wedsync.guests import actions",
    "guests/pages.py": "from wedsync.guests import actions",
    "connectors/acme/mapper.py": "",
    "connectors/acme/client.py": "from wedsync.kit import http",
    "connectors/acme/connector.py": "from wedsync.connectors.acme import client, mapper",
    "connectors/acme/fake.py": "",
    "connectors/acme/tests/test_acme.py": "from wedsync.connectors.acme import fake",
    "connectors/zenith/client.py": "",
    "processes/web.py": "from wedsync.guests import api, pages",
    "processes/migrate.py": "import asyncpg",
    "processes/doctor.py": "import asyncpg",
    "processes/doctor_deep.py": "import asyncpg",
    "processes/sandbox.py": "from wedsync.connectors.acme import fake",
}

# Contract -> lines added to the house that it must refuse, each with what the refusal says.
BREAKS = {
    "Floors: import downwards only": [
        ("events/live.py", "from wedsync.connectors.acme import client", "wedsync.events is not allowed"),
        ("cellar/__init__.py", "", "wedsync.cellar"),
    ],
    "Inside a noun: doors and reactions call actions, actions call the model": [
        ("guests/model.py", "from wedsync.guests import actions", "wedsync.guests.model is not allowed"),
        ("guests/actions.py", "from wedsync.guests import pages", "wedsync.guests.actions is not allowed"),
        ("guests/api.py", "from wedsync.guests import pages", "wedsync.guests.api is not allowed"),
    ],
    "Doors are opened by processes only": [
        ("schedule/actions.py", "from wedsync.weddings import api", "wedsync.schedule.actions -> wedsync.weddings.api"),
        ("weddings/api.py", "", ""),
    ],
    "Connectors are strangers to each other": [
        ("connectors/acme/client.py", "from wedsync.connectors.zenith import client", "wedsync.connectors.acme"),
    ],
    "Inside a connector: the glue calls client and mapper, never the other way": [
        ("connectors/acme/mapper.py", "from wedsync.connectors.acme import connector", "acme.mapper is not allowed"),
        ("connectors/acme/client.py", "from wedsync.connectors.acme import connector", "acme.client is not allowed"),
    ],
    "A mapper does no I/O": [
        ("connectors/acme/mapper.py", "from wedsync.kit import http", "wedsync.connectors.acme.mapper"),
        ("connectors/acme/mapper.py", "import asyncio", "asyncio"),
    ],
    "Fakes are for tests and the sandbox": [
        ("processes/worker.py", "from wedsync.connectors.acme import fake", "wedsync.processes.worker"),
    ],
    "One door to PostgreSQL": [("guests/actions.py", "import asyncpg", "wedsync.guests.actions -> asyncpg")],
    "One door to the network": [("connectors/acme/client.py", "import pyreqwest", "acme.client -> pyreqwest")],
    "One door to Valkey": [
        ("events/live.py", "import valkey", "wedsync.events.live -> valkey"),
        ("kit/limits.py", "import hiredis", "wedsync.kit.limits -> hiredis"),
    ],
}


def rooms_of(floor: str) -> list[str]:
    """The packages of one floor that stand today; those in brackets are planned."""
    return [room.strip() for room in floor.split("|") if "(" not in room]


def build(where: Path, additions: list[tuple[str, str]]) -> None:
    """Write the small house and the additions as a package `wedsync`, with the project's real contracts."""
    files = {f"{room}/__init__.py": "" for floor in FLOORS for room in rooms_of(floor)} | HOUSE
    for path, line in additions:
        files[path] = f"{files.get(path, '')}\n{line}\n"
    for path, text in files.items():
        target = where / "wedsync" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        for folder in target.relative_to(where).parents[:-1]:
            (where / folder / "__init__.py").touch()
    (where / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())


def lint(where: Path) -> tuple[int, dict[str, str], str]:
    """Run lint-imports there: its exit code, the verdict per contract, and its words on one line."""
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [tool, "--no-cache"],
        cwd=where,
        env={**os.environ, "PYTHONPATH": str(where), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", done.stdout, flags=re.MULTILINE))
    return done.returncode, verdicts, " ".join((done.stdout + done.stderr).split())


def test_the_house_as_it_stands_keeps_every_contract() -> None:
    code, verdicts, said = lint(ROOT)
    assert code == 0, said
    assert set(verdicts.values()) == {"KEPT"}


def test_a_house_built_by_the_rules_keeps_every_contract(tmp_path: Path) -> None:
    build(tmp_path, [])
    code, verdicts, said = lint(tmp_path)
    assert code == 0, said
    assert verdicts == {contract["name"]: "KEPT" for contract in CONTRACTS}


def test_every_contract_has_a_break_here() -> None:
    assert set(BREAKS) == {contract["name"] for contract in CONTRACTS}


@pytest.mark.parametrize("name", BREAKS)
def test_a_contract_broken_on_purpose_is_caught(name: str, tmp_path: Path) -> None:
    build(tmp_path, [(path, line) for path, line, _ in BREAKS[name]])
    code, verdicts, said = lint(tmp_path)
    assert code == 1
    assert verdicts[name] == "BROKEN"
    assert [words for _, _, words in BREAKS[name] if words not in said] == []


def test_no_floor_may_import_the_one_above_it(tmp_path: Path) -> None:
    climbs = [
        (low, high)
        for above, below in itertools.pairwise(FLOORS)
        for low in rooms_of(below)
        for high in rooms_of(above)
    ]
    build(tmp_path, [(f"{low}/climb_to_{high}.py", f"import wedsync.{high}") for low, high in climbs])
    _, _, said = lint(tmp_path)
    assert [
        pair for pair in climbs if f"wedsync.{pair[0]} is not allowed to import wedsync.{pair[1]}:" not in said
    ] == []


def test_rooms_on_one_floor_do_not_import_each_other(tmp_path: Path) -> None:
    pairs = [tuple(rooms_of(floor)[:2]) for floor in FLOORS if len(rooms_of(floor)) > 1]
    build(tmp_path, [(f"{left}/visit_{right}.py", f"import wedsync.{right}") for left, right in pairs])
    _, _, said = lint(tmp_path)
    assert [
        pair for pair in pairs if f"wedsync.{pair[0]} is not allowed to import wedsync.{pair[1]}:" not in said
    ] == []
