"""Read a queries.sql the way a person does: a `-- name:` line, words about it, one statement."""

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.rules.house import Source, dotted

HEADER = re.compile(r"^--\s*name:\s*(?P<name>\S+)\s*$")


@dataclass(frozen=True)
class Query:
    """One named statement, with the line its name stands on."""

    name: str
    line: int
    text: str


@dataclass(frozen=True)
class QueryFile:
    """What stands before the first name, and every query after it."""

    before: str
    queries: tuple[Query, ...]

    @property
    def names(self) -> list[str]:
        return [query.name for query in self.queries]


def parse(text: str) -> QueryFile:
    """Cut a file at its `-- name:` lines; comments under a name stay with its text."""
    before: list[str] = []
    cut: list[tuple[str, int, list[str]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        header = HEADER.match(line)
        if header:
            cut.append((header["name"], number, []))
        else:
            (cut[-1][2] if cut else before).append(line)
    queries = tuple(Query(name=name, line=line, text="\n".join(body).strip()) for name, line, body in cut)
    return QueryFile(before="\n".join(before), queries=queries)


def query_files(root: Path) -> dict[str, QueryFile]:
    """Every queries.sql of the product, by the package it belongs to: `wedsync.guests`."""
    return {
        ".".join(path.parent.relative_to(root).parts): parse(path.read_text(encoding="utf-8"))
        for path in sorted((root / "wedsync").rglob("queries.sql"))
    }


def loaded(source: Source) -> dict[str, str]:
    """For `queries = sql.load("wedsync.guests")`: the variable and the package it holds the queries of."""
    found: dict[str, str] = {}
    for node in source.nodes if "load(" in source.text else ():
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
            continue
        package = node.value.args[0] if node.value.args else None
        if dotted(node.value.func) in {"sql.load", "load"} and isinstance(package, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {dotted(target): str(package.value) for target in targets}
    return found


@functools.lru_cache(maxsize=1)
def used(sources: tuple[Source, ...]) -> tuple[tuple[str, str, str], ...]:
    """The same of all sources at once, which more than one test asks for."""
    return tuple(uses(sources))


def uses(sources: Iterable[Source]) -> Iterator[tuple[str, str, str]]:
    """Every `queries.name` in Python, as (package of the queries, name, where it stands)."""
    product = [source for source in sources if source.path.startswith("wedsync/") and source.suffix == ".py"]
    held = {_module(source): loaded(source) for source in product}
    named = {name for names in held.values() for name in names}
    for source in product:
        # To take a file apart takes longer than to look for the names in it.
        if not any(name in source.text for name in named):
            continue
        here = dict(held[_module(source)])
        for node in source.nodes:
            if isinstance(node, ast.ImportFrom):
                lent = held.get(node.module or "", {})
                here |= {alias.asname or alias.name: lent[alias.name] for alias in node.names if alias.name in lent}
        for node in source.nodes if here else ():
            if isinstance(node, ast.Attribute) and (package := here.get(dotted(node.value))):
                yield package, node.attr, f"{source.path} line {node.lineno}"


def _module(source: Source) -> str:
    return source.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
