"""`make connector` makes one that works: its manifest is taken, the tools have no complaint, the suite passes."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from tests.connectors import new
from wedsync.connections import manifest as manifests
from wedsync.connections.manifest import Manifest

ROOT = Path(__file__).parents[2]
# As long as one may be: no line of the skeleton gets too long by it.
NAME = "acme_wedding_bookings_of_spain"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project by links, but with one connector more: in the real folder it would be in other tests' way."""
    tree = tmp_path_factory.mktemp("tree")
    connectors = tree / "wedsync" / "connectors"
    connectors.mkdir(parents=True)
    for folder, names in (
        (tree, ("tests", "pyproject.toml", "db", "Makefile")),
        (tree / "wedsync", [path.name for path in (ROOT / "wedsync").iterdir() if path.name != "connectors"]),
        (connectors, [path.name for path in (ROOT / "wedsync" / "connectors").iterdir()]),
    ):
        for name in names:
            (folder / name).symlink_to(ROOT / folder.relative_to(tree) / name)
    new.make(NAME, into=connectors)
    # As the Makefile does: with a longer name, lines break and imports sort elsewhere.
    for tool in (["format", "--quiet"], ["check", "--quiet", "--select", "I", "--fix"]):
        ran(tree, "ruff", *tool, f"wedsync/connectors/{NAME}")
    return tree


def ran(tree: Path, *command: str, timeout_s: float = 100.0) -> str:
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    environ = {name: value for name, value in environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tree,
        env=environ,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def suite(tree: Path) -> str:
    return ran(
        tree, "pytest", "-q", "-p", "no:cacheprovider", "-k", NAME, "tests/connectors/test_calendars.py", timeout_s=600
    )


def test_a_new_connector_has_nothing_to_mend_and_a_manifest_that_is_taken(tree: Path) -> None:
    ran(tree, "ruff", "check", f"wedsync/connectors/{NAME}")
    ran(tree, "ruff", "format", "--check", f"wedsync/connectors/{NAME}")
    read = tomllib.loads((tree / "wedsync" / "connectors" / NAME / "manifest.toml").read_text("utf-8"))
    manifest = msgspec.convert(read, Manifest)
    assert (manifest.name, manifest.does) == (NAME, ("connects", "calendars"))


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_a_new_connector_is_typed_and_keeps_every_promise(tree: Path) -> None:
    ran(tree, "mypy", f"wedsync/connectors/{NAME}", timeout_s=600)
    ran(tree, "pytest", "-q", "-p", "no:cacheprovider", f"wedsync/connectors/{NAME}")
    assert "passed" in suite(tree)


@pytest.mark.parametrize("name", ["", "Acme", "1acme", "ac-me", "class", "../acme", "a" * 50])
def test_what_cannot_be_a_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be a connector's name"):
        new.make(name, into=tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_connector_is_overwritten() -> None:
    taken = next(iter(manifests.find()))
    with pytest.raises(ValueError, match="already"):
        new.make(taken)
