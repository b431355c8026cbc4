"""What a migration should not do to tables that people work on: pure, told before anything is asked for.

Every file is held against the same list; a table that the same file makes is nobody's yet. The list is of
research into locks (PostgreSQL 18, ALTER TABLE), not complete: `squawk` in the release's checks knows more.
"""

import re
from collections.abc import Iterator
from typing import Final

COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
MADE: Final = re.compile(
    r"\bcreate\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?(?:public\.)?(\w+)", re.IGNORECASE
)
BODY: Final = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)
STATEMENT: Final = re.compile(r"[^;]+")

# pattern (the table's name is its first group, where it has one) -> what to do instead
RULES: Final = (
    (
        r"create\s+(?:unique\s+)?index\s+(?!concurrently)(?:if\s+not\s+exists\s+)?\w*\s*on\s+(?:only\s+)?(?:public\.)?(\w+)",
        "builds an index while nobody may write; use create index concurrently in a file of its own",
    ),
    (r"drop\s+index\s+(?!concurrently)()", "drops an index under a lock on its table; use drop index concurrently"),
    (r"drop\s+table\s+(?:if\s+exists\s+)?(?:public\.)?(\w+)", "drops a table; the release before may still use it"),
    (
        r"alter\s+table\s+(?:only\s+)?(?:public\.)?(\w+).*\bdrop\s+column",
        "drops a column; the release before may still use it",
    ),
    (
        r"alter\s+table\s+(?:only\s+)?(?:public\.)?(\w+).*\brename\b",
        "renames; the release before knows only the old name",
    ),
    (
        r"alter\s+table\s+(?:only\s+)?(?:public\.)?(\w+).*\balter\s+(?:column\s+)?\w+\s+(?:set\s+data\s+)?type\b",
        "writes the whole table anew",
    ),
    (
        r"alter\s+table\s+(?:only\s+)?(?:public\.)?(\w+).*\bset\s+not\s+null",
        "reads the whole table under a lock; add a check not valid, validate it, then set not null",
    ),
    (
        r"alter\s+table\s+(?:only\s+)?(?:public\.)?(\w+).*\badd\s+(?:constraint\s+\w+\s+)?(?:check|foreign\s+key)(?!.*not\s+valid)",
        "checks every row under a lock; add it not valid, and validate it in another file",
    ),
    (r"\bvacuum\s+full\s+(?:public\.)?(\w+)", "writes the whole table anew while nobody may read it"),
    (r"\block\s+table\s+(?:public\.)?(\w+)", "holds a lock that everybody waits for"),
    (r"\btruncate\s+(?:table\s+)?(?:public\.)?(\w+)", "empties a table"),
)
COMPILED: Final = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), says) for pattern, says in RULES)


def findings(text: str) -> list[str]:
    """`line 7: it …`, in the order of the file. Bodies of functions are not statements of the migration."""
    bare = BODY.sub(_blank, COMMENT.sub(_blank, text))
    own = {name.lower() for name in MADE.findall(bare)}
    return list(_found(bare, own))


def _found(bare: str, own: set[str]) -> Iterator[str]:
    for statement in STATEMENT.finditer(bare):
        said = statement.group()
        line = bare.count("\n", 0, statement.start() + len(said) - len(said.lstrip())) + 1
        for pattern, says in COMPILED:
            match = pattern.search(said)
            if match and match[1].lower() not in own:
                yield f"line {line}: it {says}."


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found.group())
