"""Which scopes a statement reads, by the tables it names: what the access log says was looked at."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from wedsync.events.catalogue import EventType
from wedsync.events.scope import EVERYTHING, Scope

TABLES: Final = re.compile(r"\b(?:from|join|into|update)\s+(?:only\s+)?(?:public\.)?([a-z_]+)")
STATEMENTS_MAX: Final = 4096


def scopes_of(types: Iterable[EventType]) -> Callable[[str], int]:
    """A table's scope is that of its events. The log holds all; a table without events is part of the core.

    Statements are constants of the program, so each is read once. What a link does not hold it does not see, whatever
    a statement names: whoever counts takes the link's mask to it.
    """
    scopes: dict[str, int] = {"events": int(EVERYTHING)}
    for one in types:
        scopes[one.table] = scopes.get(one.table, 0) | int(one.scope)

    @lru_cache(maxsize=STATEMENTS_MAX)
    def found(statement: str) -> int:
        read = int(Scope.CORE)
        for table in TABLES.findall(statement):
            read |= scopes.get(table, 0)
        return read

    return found
