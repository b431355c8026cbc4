"""The house rules hold for every file, and every rule refuses its bad examples and passes its good ones."""

import gc

import pytest

from tests.rules import rules_of_conduct, rules_of_shape, rules_of_sql, rules_of_words
from tests.rules.house import ROOT, RULES, Example, Rule, Source, sources
from tests.rules.named_queries import query_files

CHAPTERS = (rules_of_conduct, rules_of_shape, rules_of_sql, rules_of_words)  # importing one registers its rules
BAD = [
    pytest.param(rule, example, id=f"{rule.check.__name__}-{n}") for rule in RULES for n, example in enumerate(rule.bad)
]
GOOD = [
    pytest.param(rule, example, id=f"{rule.check.__name__}-{n}")
    for rule in RULES
    for n, example in enumerate(rule.good)
]


def test_the_house_keeps() -> None:
    """All rules by one test: to take every file apart takes longer than all of them look, and workers share nothing."""
    told: list[str] = []
    # What is taken apart is kept: to look through it for waste takes longer than to take it apart.
    gc.disable()
    try:
        for rule in RULES:
            offences = [offence for source in sources() for offence in rule.offences(source)]
            told += [rule.sentence, *offences] if offences else []
    finally:
        gc.freeze()
        gc.enable()
    assert not told, "\n".join(told)


@pytest.mark.parametrize(("rule", "example"), BAD)
def test_a_bad_example_is_refused(rule: Rule, example: Example) -> None:
    assert rule.offences(Source(*example)) != [], rule.sentence


@pytest.mark.parametrize(("rule", "example"), GOOD)
def test_a_good_example_passes(rule: Rule, example: Example) -> None:
    assert rule.offences(Source(*example)) == [], rule.sentence


def test_every_rule_has_both_kinds_of_example() -> None:
    assert [rule.sentence for rule in RULES if not (rule.bad and rule.good)] == []


def test_every_chapter_of_rules_is_read() -> None:
    written = {path.stem for path in (ROOT / "tests" / "rules").glob("rules_of_*.py")}
    assert written == {chapter.__name__.rpartition(".")[2] for chapter in CHAPTERS}


def test_the_rules_see_the_house() -> None:
    """A rule that looks at no file keeps for ever: the walk must find the product, the tests and the schema."""
    seen = {source.path for source in sources()}
    assert {"pyproject.toml", "STYLE.md", "tests/rules/house.py", "wedsync/kit/__init__.py"} <= seen
    assert any(path.startswith("db/schema/") for path in seen)
    assert not any(path.startswith((".venv/", ".git/")) for path in seen)


def test_every_file_of_queries_is_seen() -> None:
    found = {f"{package.replace('.', '/')}/queries.sql" for package in query_files(ROOT)}
    assert found == {source.path for source in sources() if source.path.endswith("/queries.sql")}
