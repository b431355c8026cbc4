"""What a house rule is: a check on one file, with examples of what it refuses and what it lets pass.

A rule is a generator that takes a `Source` and yields a sentence per offence. Its examples are part of its definition:
`test_house.py` demands that every `bad` one is refused and every `good` one passes, so no rule can be without teeth.
"""

import ast
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE_FOLDERS = ("wedsync", "tests", "bench", "db", "frontend", "docs", ".ci")
# What tools write, what others wrote, and what Git does not keep.
SKIPPED_FOLDERS = {"node_modules", "dist", "__pycache__", "var", ".hypothesis", "samples", "payloads", "specs"}
SKIPPED_FILES = {"package-lock.json", "uv.lock", ".git"}
TEXT_SUFFIXES = {
    ".py",
    ".sql",
    ".js",
    ".mjs",
    ".css",
    ".html",
    ".md",
    ".toml",
    ".txt",
    ".json",
    ".sh",
    ".yml",
    ".yaml",
    ".example",
    "",
}


@dataclass(frozen=True)
class Source:
    """One file: its path from the root with forward slashes, and its text."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @functools.cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def suffix(self) -> str:
        return Path(self.path).suffix

    @property
    def package(self) -> str:
        """The room a file of the product is in: `guests` for wedsync/guests/actions.py; empty outside wedsync/."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "wedsync" and len(parts) > 2 else ""

    @property
    def is_test(self) -> bool:
        return self.path.startswith("tests/") or "/tests/" in self.path

    def line_of(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1


Check = Callable[[Source], Iterator[str]]
Example = tuple[str, str]


@dataclass(frozen=True)
class Rule:
    """A sentence the house lives by, how it is checked, and the examples that prove the check."""

    sentence: str
    check: Check = field(repr=False)
    suffixes: tuple[str, ...] = field(repr=False)
    bad: tuple[Example, ...] = field(repr=False)
    good: tuple[Example, ...] = field(repr=False)

    def offences(self, source: Source) -> list[str]:
        """Every offence of one file, as `path: what is wrong`."""
        if source.suffix not in self.suffixes:
            return []
        try:
            return [f"{source.path}: {offence}" for offence in self.check(source)]
        except SyntaxError as error:
            return [f"{source.path}: line {error.lineno}: Python cannot read it ({error.msg})"]


RULES: list[Rule] = []


def rule(
    sentence: str, *, bad: tuple[Example, ...], good: tuple[Example, ...], suffixes: tuple[str, ...] = (".py",)
) -> Callable[[Check], Check]:
    """Register a check as a rule of the house; both kinds of example are required."""

    def register(check: Check) -> Check:
        RULES.append(Rule(sentence=sentence, check=check, suffixes=suffixes, bad=bad, good=good))
        return check

    return register


@functools.cache
def sources() -> tuple[Source, ...]:
    """Every text file of the project that people write."""
    top = [path for path in ROOT.iterdir() if path.is_file()]
    below = [path for folder in SOURCE_FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    return tuple(
        Source(path=path.relative_to(ROOT).as_posix(), text=path.read_text(encoding="utf-8", errors="replace"))
        for path in sorted(top + below)
        if _is_ours(path.relative_to(ROOT))
    )


def _is_ours(path: Path) -> bool:
    return (
        path.suffix in TEXT_SUFFIXES
        and not path.name.startswith(".coverage")
        and path.name not in SKIPPED_FILES
        and not SKIPPED_FOLDERS & set(path.parts)
    )


def dotted(node: ast.AST) -> str:
    """`time.sleep` for the expression time.sleep; empty when it is not a plain chain of names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        left = dotted(node.value)
        return f"{left}.{node.attr}" if left else ""
    return ""


def imported_names(source: Source) -> Iterator[tuple[int, str]]:
    """Every name a file imports, in full (`litestar.get`), with its line."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def sql_code(text: str) -> str:
    """SQL with comments and quoted text blanked out, every position kept."""
    pattern = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"", flags=re.DOTALL)
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
