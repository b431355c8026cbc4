"""The tour is true: every file it names is there, and holds the functions that it names after it."""

import re

from tests.rules.house import ROOT

TOUR = ROOT / "docs" / "tour.md"
NAMED = re.compile(r"`(?:(?P<path>[\w./-]+/[\w.-]+\.(?:py|sql|js))|(?P<function>[\w.]+)\(\))`")
#: How a function of each language begins; queries are named in a comment.
BEGINS = {
    "py": r"(?m)^\s*(?:async )?def {name}\b",
    "sql": r"(?m)^(?:create function {name}\(|-- name: {name}$)",
    "js": r"(?m)^(?:export )?(?:async )?function {name}\b",
}


def untrue(text: str) -> list[str]:
    """What a tour says that is not so: `file` when it is not there, `file: function` when the file has none."""
    wrong: list[str] = []
    path, code = "", ""
    for found in NAMED.finditer(text):
        if found["path"]:
            path = found["path"]
            is_there = (ROOT / path).is_file()
            code = (ROOT / path).read_text(encoding="utf-8") if is_there else ""
            wrong += [] if is_there else [path]
        elif not re.search(BEGINS[path.rpartition(".")[2]].format(name=re.escape(found["function"])), code):
            wrong.append(f"{path}: {found['function']}")
    return wrong


def test_the_tour_names_what_is_there() -> None:
    assert untrue(TOUR.read_text(encoding="utf-8")) == []


def test_the_tour_goes_all_the_way() -> None:
    found = list(NAMED.finditer(TOUR.read_text(encoding="utf-8")))
    assert len({one["path"] for one in found if one["path"]}) >= 24
    assert sum(1 for one in found if one["function"]) >= 40


def test_a_tour_that_lies_is_found() -> None:
    text = "`wedsync/guests/replies.py`: `reply()` and `bow()`; `db/schema/72_record.sql`: `app.forget()`; `a/b.py`"
    assert untrue(text) == ["wedsync/guests/replies.py: bow", "db/schema/72_record.sql: app.forget", "a/b.py"]
