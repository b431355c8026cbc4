"""Every address of a provider is a setting, those of its sign-in included: another emulator needs no code."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from wedsync.connections import manifest as manifests
from wedsync.kit.config import load

CONNECTORS = Path(manifests.__file__).parents[1] / "connectors"
FOUND = manifests.find()
ELSEWHERE = "http://127.0.0.1:4711/elsewhere"
ADDRESSES = ("authorize_url", "token_url", "revoke_url")
HOST = re.compile(r"https?://[\w-]+\.\w")
NO_ADDRESSES = ("{http://", "xmlns:")
"""How XML namespaces begin: names, that nobody calls."""


def named(name: str) -> list[str]:
    """The settings in which a connector's addresses stand."""
    found = FOUND[name]
    signs_in = [] if found.connect is None else [getattr(found.connect, one) for one in ADDRESSES]
    return [one for one in (*found.operator_settings, *signs_in) if one.endswith("_url")]


def running(folder: Path) -> Iterator[Path]:
    """What runs in production: neither tests nor what the sandbox plays."""
    return (path for path in sorted(folder.glob("*.py")) if not path.name.startswith("fake"))


def literals(path: Path) -> Iterator[str]:
    """Text of the code, without docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def hosts(folder: Path) -> list[str]:
    return [
        f"{path.name}: {text}"
        for path in running(folder)
        for text in literals(path)
        if HOST.search(text) and not text.startswith(NO_ADDRESSES)
    ]


@pytest.mark.parametrize("name", sorted(FOUND))
def test_no_host_of_a_provider_stands_in_its_connectors_code(name: str) -> None:
    assert hosts(CONNECTORS / name) == []


def test_a_host_that_stands_there_is_found(tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text('"""See https://docs.example.com."""\nBASE = "https://api.example.com/v1"\n')
    (tmp_path / "fake.py").write_text('AT = "https://api.example.com"\n')
    assert hosts(tmp_path) == ["client.py: https://api.example.com/v1"]


@pytest.mark.parametrize("name", sorted(name for name in FOUND if named(name)))
def test_each_address_can_be_another(name: str, tmp_path: Path) -> None:
    environ = {f"WEDSYNC_{one.upper()}": ELSEWHERE for one in named(name) if one != "smtp_url"}
    settings = load({"WEDSYNC_DATA_DIR": str(tmp_path), **environ})
    assert {manifests.operators(settings, one) for one in named(name) if one != "smtp_url"} <= {ELSEWHERE}


def test_whoever_signs_in_by_consent_names_settings_for_all_of_it() -> None:
    by_consent = [name for name, one in FOUND.items() if one.connect is not None and one.connect.way == "oauth2"]
    assert {"google_calendar", "outlook_calendar"} <= set(by_consent)
    for name in by_consent:
        said = tomllib.loads((CONNECTORS / name / "manifest.toml").read_text("utf-8"))["connect"]
        wrong = [one for one in ADDRESSES if "://" in said.get(one, "")]
        assert not wrong, f"{name}: {wrong} are addresses, and should name settings"
        assert any(one.endswith("_base_url") for one in named(name)), name
