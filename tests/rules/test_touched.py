"""What a statement reads is told from its text, so every statement of a noun must be one that can be told."""

import re
from pathlib import Path

from tests.rules.house import ROOT
from tests.rules.named_queries import query_files
from wedsync.events.scope import EVERYTHING, Scope
from wedsync.events.touched import FUNCTION_SCOPES, FUNCTIONS, scopes_of
from wedsync.processes import registry

# Asked through doors that enter no wedding: the workers', the gateway's.
BARE = {"wedsync.events", "wedsync.events.reader"}
LISTED = re.compile(r"\bfrom\s+[a-z_.]+(?:\s+(?:as\s+)?[a-z]+)?\s*,\s*[a-z_(]")
VIEW = re.compile(r"^create (?:or replace )?(?:materialized )?view (?!brief\.)", re.MULTILINE)


def statements() -> list[tuple[str, str]]:
    files = query_files(Path(ROOT))
    return [(f"{place}.{q.name}", q.text) for place, file in files.items() if place not in BARE for q in file.queries]


def test_each_function_that_stands_for_a_table_has_its_scope() -> None:
    assert len(statements()) > 100
    missing = {(w, name) for w, text in statements() for name in FUNCTIONS.findall(text) if name not in FUNCTION_SCOPES}
    assert missing == set()


def test_tables_are_joined_by_the_word_and_there_are_no_views() -> None:
    assert [where for where, text in statements() if LISTED.search(text)] == []
    assert [path.name for path in Path(ROOT, "db/schema").glob("*.sql") if VIEW.search(path.read_text())] == []
    assert [where for where, text in statements() if "brief." in text] == [], "its views are for reporting tools alone"


def test_a_function_that_nobody_mapped_counts_as_everything() -> None:
    found = scopes_of(registry.catalogue().types.values())
    assert found("select x.id from app.something_new($1) x") == int(EVERYTHING)
    assert found("select p.name from app.people_of($1) p") == int(Scope.CORE)
