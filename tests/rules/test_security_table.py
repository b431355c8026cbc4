"""The table of docs/reference/security.md: each test that it names exists, and each line that says met names one."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = [
    line
    for line in (ROOT / "docs/reference/security.md").read_text().partition("line by line")[2].splitlines()
    if line.startswith("| ") and not line.startswith("| Topic")
]
NAMED = sorted({name for line in LINES for name in re.findall(r"`(tests/[\w/]+\.py::\w+)`", line)})


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(name: str) -> None:
    path, _, function = name.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert function in defined


def test_each_line_that_says_met_names_its_proof() -> None:
    assert len(LINES) > 25
    for line in LINES:
        _, topic, _, status, proof, _ = (cell.strip() for cell in line.split("|"))
        assert status.startswith(("Met", "Partly", "Not met", "Not yet")), topic
        assert "::" in proof or not status.startswith("Met"), topic
