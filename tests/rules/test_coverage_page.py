"""The page of tools promises no connector that is not there, and no known file that the import does not know."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "reference" / "coverage.md"
WAYS = {"Native", "Bridge", "File", "Calendar"}
STATES = {"Proved", "Documented", "Known file", "Any file", "General"}
BRIDGES = {"zapier_hook", "webhook"}
LEAST = 50


EVIDENCE = "## What proved rests on"


def rows() -> Iterator[list[str]]:
    tools, _, _ = PAGE.read_text("utf-8").partition(EVIDENCE)
    lines = [line for line in tools.splitlines() if line.startswith("| ")]
    for line in lines[1:]:
        yield [cell.strip().strip("`") for cell in line.strip("|").split("|")]


def test_every_connector_is_on_the_page() -> None:
    """Those that connect an account or are the operator's; what they are through is checked below."""
    connectors = {path.parent.name for path in (ROOT / "wedsync" / "connectors").glob("*/manifest.toml")}
    assert connectors <= {through for _, _, _, through, _ in rows()}


def test_what_is_called_proved_says_what_it_is_held_against() -> None:
    _, _, evidence = PAGE.read_text("utf-8").partition(EVIDENCE)
    lines = [line for line in evidence.splitlines() if line.startswith("| `")]
    held = {line.split("`")[1]: line.split("|")[2].strip() for line in lines}
    assert set(held) == {through for *_, through, state in rows() if state == "Proved"}
    assert all(held.values())


def test_there_are_fifty_tools_and_each_says_how_and_how_sure() -> None:
    tools = list(rows())
    assert len({tool for tool, *_ in tools}) == len(tools) >= LEAST
    assert {way for _, _, way, _, _ in tools} <= WAYS
    assert {state for *_, state in tools} <= STATES


def test_what_a_tool_is_connected_through_is_there() -> None:
    connectors = {path.parent.name for path in (ROOT / "wedsync" / "connectors").glob("*/manifest.toml")}
    sources = tomllib.loads((ROOT / "wedsync" / "clients" / "importing" / "sources.toml").read_text("utf-8"))
    known = {source["label"] for source in sources["source"]}
    for tool, _, way, through, state in rows():
        if way == "File":
            assert through in ("clients", "csv"), tool
        else:
            assert through in (connectors | BRIDGES if way == "Bridge" else connectors), tool
        assert state != "Known file" or tool in known, tool
