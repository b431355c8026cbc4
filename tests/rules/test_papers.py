"""The papers are true: links lead somewhere, examples are real code, decisions are whole, diagrams can be drawn."""

import re
from pathlib import Path

import pytest

from bench.decisions.filling import CELL, filled
from bench.decisions.measuring import Line
from tests.rules.house import ROOT, sources

PAPERS = [source for source in sources() if source.suffix == ".md" and not source.is_test]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
EXAMPLE = re.compile(r"^do, in `(?P<path>[^`]+)`:\n```\w+\n(?P<code>.*?)^```", flags=re.MULTILINE | re.DOTALL)
DIAGRAM = re.compile(r"```mermaid\n\s*(?P<kind>\w+)(?P<text>.*?)```", flags=re.DOTALL)
SECTIONS = ("Context.", "Decision.", "Alternatives.", "Consequences.")
PAGE_WORDS_MAX = 700
FILE_NAME = re.compile(r"(?<![\w/<>.*-])(?:[\w]+/)+\w+\.(?:py|sql|js)\b")


def dead_links(text: str, folder: Path) -> list[str]:
    """Links of a page to files that are not there; links to the web are not followed."""
    targets = [found["target"].partition("#")[0] for found in LINK.finditer(text)]
    return [target for target in targets if target and "://" not in target and not (folder / target).exists()]


def made_up(text: str) -> list[str]:
    """Examples of a page that are not in the file they name, blank space aside."""
    examples = [(found["path"], " ".join(found["code"].split())) for found in EXAMPLE.finditer(text)]
    return [path for path, code in examples if code not in " ".join((ROOT / path).read_text(encoding="utf-8").split())]


def test_every_link_leads_somewhere() -> None:
    dead = {paper.path: dead_links(paper.text, (ROOT / paper.path).parent) for paper in PAPERS}
    assert {path: links for path, links in dead.items() if links} == {}


def test_a_dead_link_is_found() -> None:
    assert dead_links("[a](no-such.md#part) [b](https://example.com) [c](#here)", ROOT / "docs") == ["no-such.md"]


def test_the_examples_of_style_are_real_code() -> None:
    text = (ROOT / "STYLE.md").read_text(encoding="utf-8")
    assert len(EXAMPLE.findall(text)) >= 5
    assert made_up(text) == []


def test_an_example_that_is_not_in_its_file_is_found() -> None:
    text = "do, in `wedsync/kit/errors.py`:\n```python\ndef never_written() -> None:\n```\n"
    assert made_up(text) == ["wedsync/kit/errors.py"]


@pytest.mark.parametrize("page", DECISIONS, ids=[page.stem for page in DECISIONS])
def test_a_decision_is_one_whole_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert [section for section in SECTIONS if f"\n**{section}**" not in text] == []
    assert len(text.split()) <= PAGE_WORDS_MAX


def test_decisions_are_numbered_without_holes_and_listed() -> None:
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert [page.name for page in DECISIONS if page.name not in listed] == []


def test_diagrams_are_of_a_kind_and_balanced() -> None:
    found = [(paper.path, match) for paper in PAPERS for match in DIAGRAM.finditer(paper.text)]
    assert len(found) >= 5
    for path, match in found:
        assert match["kind"] in {"flowchart", "sequenceDiagram", "stateDiagram"}, path
        opened = len(re.findall(r"^\s*(?:alt|opt|loop|subgraph)\b", match["text"], flags=re.MULTILINE))
        assert opened == len(re.findall(r"^\s*end\s*$", match["text"], flags=re.MULTILINE)), path


def test_the_changelog_has_a_place_for_what_comes() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def measured(**figures: float) -> Line:
    return Line(choice="scopes", figures=figures, versions={}, cores=2, python="3.11", seconds=1.0, steal_percent=0.0)


def test_a_measured_figure_lands_in_its_cell_and_can_be_measured_again() -> None:
    page = "| int bits | 1.73 ms | – <!-- scopes.bits_ms --> |\n| other | – | – <!-- driver.read_us --> |\n"
    once = filled(page, measured(bits_ms=1.5512))
    assert once == page.replace("– <!-- scopes", "1.55 ms <!-- scopes")
    assert filled(once, measured(bits_ms=171.3)) == page.replace("– <!-- scopes", "171 ms <!-- scopes")


def test_every_cell_to_be_filled_names_a_figure_that_is_measured() -> None:
    cells = {(found["choice"], found["figure"]) for page in DECISIONS for found in CELL.finditer(page.read_text())}
    scripts = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "bench" / "decisions").glob("*.py")}
    assert len(cells) >= 15
    # The framework's figures are named by the application they are of.
    unknown = [
        f"{choice}.{figure}"
        for choice, figure in sorted(cells)
        if figure not in scripts.get(choice, "") and figure.partition("_")[0] not in scripts.get(choice, "")
    ]
    assert unknown == []


def unknown_files(text: str, known: set[str]) -> list[str]:
    """Names of code files, such as `guests/actions.py`, that no file of the project ends in."""
    named = sorted(set(FILE_NAME.findall(text)))
    return [name for name in named if not any(path == name or path.endswith(f"/{name}") for path in known)]


def test_the_files_that_papers_name_are_there() -> None:
    known = {source.path for source in sources()}
    offences = [f"{paper.path}: {name}" for paper in PAPERS for name in unknown_files(paper.text, known)]
    assert offences == []


def test_a_file_that_is_not_there_is_found() -> None:
    known = {"wedsync/guests/actions.py"}
    assert unknown_files("`guests/actions.py`, `<noun>/model.py` and `guests/magic.py`", known) == ["guests/magic.py"]
