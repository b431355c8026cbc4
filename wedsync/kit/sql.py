"""Named SQL: every statement of a noun lives in its `queries.sql` and is called by name.

A file is a list of `-- name: reply` headers, each followed by an optional sentence in comments and one statement.
"""

import re
from functools import cache
from importlib.resources import files

_HEADER = re.compile(r"^-- name: ([a-z_]+)\s*$", re.MULTILINE)


class Queries:
    """The statements of one file as attributes; an unknown name is an AttributeError at import time of its user."""

    def __init__(self, package: str, statements: dict[str, str]) -> None:
        self.package = package
        self.statements = statements

    def __getattr__(self, name: str) -> str:
        try:
            return self.statements[name]
        except KeyError:
            raise AttributeError(f"{self.package}/queries.sql has no statement named {name}") from None


def parse(text: str, *, package: str = "") -> Queries:
    """Split a queries file into its named statements."""
    parts = _HEADER.split(text)
    statements: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name in statements:
            raise ValueError(f"{package}/queries.sql names {name} twice")
        statements[name] = body.strip().rstrip(";")
    return Queries(package, statements)


@cache
def load(package: str) -> Queries:
    """Read `queries.sql` of a package such as `wedsync.guests`."""
    return parse((files(package) / "queries.sql").read_text(encoding="utf-8"), package=package)
