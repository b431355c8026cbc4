"""Every named query is used, is read as it is written, and fits the real schema and the rights of a door."""

import ast
import functools
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.engines_fixture import Database
from tests.rules.house import ROOT, Source, sources, sql_code
from tests.rules.named_queries import parse, query_files, used
from tests.rules.rules_of_sql import APP_CALL
from wedsync.kit import sql

FILES = query_files(ROOT)


def calls_of(source: Source) -> list[str]:
    """Statements in the code that call a function of the schema, and nothing else."""
    # Most name none, and to take a file apart takes long.
    if source.suffix != ".py" or source.is_test or "app." not in source.text:
        return []
    words = [node.value for node in source.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [word for word in words if APP_CALL.fullmatch(word)]


QUERIES = {package: {query.name: query.text for query in file.queries} for package, file in FILES.items()}
DOORS = ("user", "reader", "service")
SET_UP = ("processes",)
"""Whose calls may also be the owner's: migrations, and the demo's way to sign in before there is a mailbox."""
EXPLAINABLE = ("select", "insert", "update", "delete", "merge", "with", "values")


@functools.cache
def calls() -> dict[str, list[str]]:
    """What a package asks of the database's functions in words of its code."""
    asked: dict[str, set[str]] = {}
    for source in sources():
        asked.setdefault(source.package, set()).update(calls_of(source))
    return {package: sorted(words) for package, words in asked.items()}


def unused_and_unknown(files: dict[str, list[str]], product: tuple[Source, ...]) -> list[str]:
    """Names nobody asks for, and askings for names that are not there."""
    asked = used(product)
    named = {(package, name) for package, names in files.items() for name in names}
    unused = sorted(named - {(package, name) for package, name, _ in asked})
    return [f"{package}.{name} is used by nobody" for package, name in unused] + [
        f"{where}: {package} has no query {name}" for package, name, where in asked if (package, name) not in named
    ]


def as_product(text: str, path: str = "wedsync/guests/actions.py") -> Source:
    return Source(path, f'"""G."""\nfrom wedsync.kit import sql\n\nqueries = sql.load("wedsync.guests")\n{text}\n')


def test_every_query_is_used_and_every_use_has_its_query() -> None:
    offences = unused_and_unknown({package: file.names for package, file in FILES.items()}, sources())
    assert not offences, "\n".join(offences)


def test_who_was_too_late_is_shown_the_row_as_it_is() -> None:
    """`web.context.stale` reads `record` of the query it is given."""
    late = {
        (f"{source.path} line {node.lineno}", node.args[1].attr)
        for source in sources()
        if source.suffix == ".py" and "stale(" in source.text
        for node in source.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "stale"
        if len(node.args) > 1 and isinstance(node.args[1], ast.Attribute)
    }
    asked = [(package, name) for package, name, where in used(sources()) if (where, name) in late]
    assert len(asked) > 30
    blind = [f"{package}.{name}" for package, name in asked if "as record" not in QUERIES[package][name]]
    assert not blind, f"These do not tell the row as `record`: {blind}"


def test_a_query_nobody_asks_for_is_found() -> None:
    product = (as_product("queries.reply"),)
    assert unused_and_unknown({"wedsync.guests": ["reply", "relic"]}, product) == [
        "wedsync.guests.relic is used by nobody"
    ]


def test_asking_for_a_query_that_is_not_there_is_found() -> None:
    lender = as_product("queries.reply")
    borrower = Source(
        "wedsync/guests/api.py", '"""A."""\nfrom wedsync.guests.actions import queries as q\n\nq.answer\n'
    )
    found = unused_and_unknown({"wedsync.guests": ["reply"]}, (lender, borrower))
    assert found == ["wedsync/guests/api.py line 4: wedsync.guests has no query answer"]


@pytest.mark.parametrize("package", FILES)
def test_the_loader_reads_what_people_read(package: str) -> None:
    loaded = sql.load(package).statements
    assert {name: " ".join(text.rstrip(";").split()) for name, text in loaded.items()} == {
        query.name: " ".join(query.text.rstrip(";").split()) for query in FILES[package].queries
    }


def test_the_reader_cuts_a_file_at_its_names() -> None:
    found = parse("-- Guests.\n\n-- name: one\n-- Why.\nselect 1;\n\n-- name: two\nselect\n  2;\n")
    assert found.before.strip() == "-- Guests."
    assert [(query.name, query.line, query.text) for query in found.queries] == [
        ("one", 3, "-- Why.\nselect 1;"),
        ("two", 7, "select\n  2;"),
    ]


@pytest.fixture(scope="module")
async def doors(database: Database) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    """One connection per login role of the application, and the owner's."""
    opened = {door: await asyncpg.connect(getattr(database, door)) for door in (*DOORS, "owner")}
    yield opened
    for connection in opened.values():
        await connection.close()


async def refused_by(connection: asyncpg.Connection, text: str) -> str:
    """What the database says against planning this statement as this role; empty when it would run it.

    To prepare checks names and types; to explain starts the executor, which checks the rights as well.
    """
    try:
        await connection.prepare(text)
        if sql_code(text).split()[0] in EXPLAINABLE:
            await connection.execute(f"explain (generic_plan) {text}")
    except asyncpg.PostgresError as error:
        return f"{error.sqlstate} {error}"
    return ""


ROOMS = sorted(path.parent.name for path in (ROOT / "wedsync").glob("*/__init__.py"))
PACKAGES = [
    *(pytest.param(package, id=package.removeprefix("wedsync.")) for package in QUERIES),
    *(pytest.param(room, id=f"{room}-calls") for room in ROOMS),
]


def statements(package: str) -> dict[str, str]:
    """What is asked by the names of a package, or by the code of a room."""
    return {**QUERIES.get(package, {}), **{call: call for call in calls().get(package, ())}}


async def misfit(connection: asyncpg.Connection, text: str) -> str:
    """What is wrong with the names and types of a statement."""
    try:
        await connection.prepare(text)
    except asyncpg.PostgresError as error:
        return f"{error.sqlstate} {error}"
    return ""


@pytest.mark.parametrize("package", PACKAGES)
async def test_each_query_fits_the_schema(doors: dict[str, asyncpg.Connection], package: str) -> None:
    said = {name: await misfit(doors["user"], text) for name, text in statements(package).items()}
    assert {name: words for name, words in said.items() if words} == {}


@pytest.mark.parametrize("package", PACKAGES)
async def test_each_query_may_be_run_through_a_door(doors: dict[str, asyncpg.Connection], package: str) -> None:
    allowed = (*DOORS, "owner") if package in SET_UP else DOORS
    refused = {}
    for name, text in statements(package).items():
        answers = {}
        for door in allowed:
            answers[door] = await refused_by(doors[door], text)
            if not answers[door]:
                break
        else:
            refused[name] = answers
    assert refused == {}


async def test_a_query_that_does_not_fit_is_told(doors: dict[str, asyncpg.Connection]) -> None:
    assert (await misfit(doors["user"], "select no_such_column from guests where id = $1"))[:5] == "42703"
    assert await misfit(doors["user"], "select id from guests where id = $1") == ""


async def test_a_query_with_a_wrong_column_is_caught(doors: dict[str, asyncpg.Connection]) -> None:
    with pytest.raises(asyncpg.UndefinedColumnError):
        await doors["user"].prepare("select no_such_column from guests where id = $1")


async def test_a_query_without_the_right_is_caught(doors: dict[str, asyncpg.Connection]) -> None:
    answers = [await refused_by(doors[door], "update events set bulk = $1") for door in DOORS]
    assert [answer[:5] for answer in answers] == ["42501"] * len(DOORS)
