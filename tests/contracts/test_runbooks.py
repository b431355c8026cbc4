"""What runbooks say to type is understood, and the steps of the newest ones are typed, in their order, as printed."""

import asyncio
import contextlib
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
import pytest_asyncio
from cyclopts import MissingArgumentError

from tests.contracts.town import Somebody, Town
from wedsync.operations.slo import rules
from wedsync.processes.cli import app

ROOT = Path(__file__).parents[2]
BOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
TYPED = ("security-incident", "key-rotation", "season", "break-glass")
PROGRAM = [sys.executable, "-m", "wedsync.processes.cli"]
PLACEHOLDERS = {"N": "50", "ID": "00000000-0000-7000-8000-000000000001", "BACKUPS": "var/backups"}
SPAN = re.compile(r"`wedsync ([^`]+)`")


def blocks(book: str) -> list[str]:
    """The commands of a runbook's steps, in their order."""
    text = (ROOT / "docs" / "runbooks" / f"{book}.md").read_text()
    found = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line.strip() for block in found for line in block.splitlines() if line.strip()]


def spoken() -> list[tuple[str, str]]:
    """Every command that a sentence of a runbook names."""
    return [(book.stem, " ".join(said.split())) for book in BOOKS for said in SPAN.findall(book.read_text())]


@pytest.mark.parametrize(("book", "said"), [(book, said) for book, said in spoken() if "…" not in said])
def test_a_command_that_is_named_is_understood(book: str, said: str) -> None:
    """Its words and options; what a sentence leaves out of it may be missing."""
    named = [PLACEHOLDERS.get(word, word) for word in shlex.split(said)]
    with contextlib.suppress(MissingArgumentError):
        app.parse_args(named, print_error=False, exit_on_error=False)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.rule)
def test_an_alert_names_a_runbook_that_is_there(rule: rules.AlertRule) -> None:
    assert (ROOT / rule.runbook).is_file()


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_a_runbook_says_when_it_is_over_and_is_on_the_index(book: Path) -> None:
    text = book.read_text()
    assert "It is over when" in text or "## How to know it is over" in text
    assert f"runbooks/{book.name}" in (ROOT / "docs" / "index.md").read_text()


@pytest.fixture(scope="module")
def town(own_town: Town) -> Town:
    """A town of its own: operators go, and keys are counted."""
    return own_town


@pytest_asyncio.fixture(scope="module")
async def otto(town: Town) -> Somebody:
    """He and somebody else operate; he signs in by the address of the runbooks."""
    otto, _ = await town.operator(), await town.operator("olga")
    await town.admin.execute("update persons set email = 'otto@example.org' where person_id = $1", otto.id)
    return otto


async def once(town: Town, line: str, kept: dict[str, tuple[int, str]]) -> tuple[int, str]:
    """What looks and changes nothing is typed once for all runbooks."""
    if line not in kept:
        kept[line] = await typed(town, line)
    return kept[line]


@pytest.fixture(scope="module")
def kept() -> dict[str, tuple[int, str]]:
    return {}


async def typed(town: Town, line: str) -> tuple[int, str]:
    """As at a prompt on the machine that has all addresses."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("WEDSYNC_")}
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *shlex.split(line)[1:],
        env=plain | town.settings.environ(),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return int(process.returncode or 0), out.decode()


@pytest.mark.prove  # a process for each line; in each run every command that a runbook names is read, by the test above
@pytest.mark.parametrize("book", TYPED)
@pytest.mark.timeout(240)
async def test_the_steps_of_a_runbook_can_be_typed_as_they_stand(
    town: Town, otto: Somebody, book: str, kept: dict[str, tuple[int, str]]
) -> None:
    """Whatever they find: a preflight beside no worker ends with 1, and says so."""
    said = {line: await once(town, line, kept) for line in blocks(book)}
    assert said
    for line, (status, out) in said.items():
        assert "Traceback" not in out, (line, out)
        assert status == 0 or (line == "wedsync preflight" and "bad " in out), (line, status, out)


@pytest.mark.prove  # in each run tests/contracts/test_operators.py says so of the pages and of the log
async def test_an_operator_who_was_taken_away_is_none(town: Town, otto: Somebody) -> None:
    status, out = await typed(town, "wedsync operator add otto@example.org")
    assert (status, "is an operator" in out) == (0, True)
    status, out = await typed(town, "wedsync operator remove otto@example.org")
    assert status == 0, out
    assert not await town.admin.fetchval("select is_operator from persons where person_id = $1", otto.id)
    _, told = await typed(town, "wedsync security --kind operator.*")
    assert "operator.removed" in told
