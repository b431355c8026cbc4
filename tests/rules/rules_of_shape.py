"""House rules about the shape of files: their size, their name, their first sentence, and who may import what."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.rules.house import Source, dotted, imported_names, rule

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
CODE = (".py", ".sql", ".js", ".mjs", ".css", ".html")
# Names that say nothing about what is inside, so that everything ends up inside.
EMPTY_NAMES = {
    *("util", "utils", "helpers", "common", "misc", "manager", "managers"),
    *("service", "services", "base", "types", "constants"),
}
EMPTY_ENDINGS = ("Manager", "Service", "Repository", "Helper", "Helpers", "Util", "Utils", "Base", "Mixin")
HANDLER_NAMES = {"get", "post", "put", "patch", "delete", "head", "route", "websocket", "asgi", "Controller"}
# Nouns have two doors; processes put parts together; fakes are applications of their own; hooks are the inbound door.
HANDLER_FILES = (
    *("wedsync/*/api.py", "wedsync/*/pages.py", "wedsync/*/api/*.py", "wedsync/*/pages/*.py"),
    *("wedsync/guests/importing/api.py", "wedsync/guests/importing/pages.py", "wedsync/subscriptions/rules/api.py"),
    *("wedsync/connections/*/api.py", "wedsync/connections/*/pages.py", "wedsync/connections/accounts/pages/*.py"),
    *("wedsync/operations/*/api.py", "wedsync/operations/*/pages.py"),
    *("wedsync/processes/*.py", "wedsync/processes/*/*.py"),
    *("wedsync/connectors/*/fake.py", "wedsync/connections/fake_consent.py", "wedsync/connections/hooks.py"),
)
NETWORK_MODULES = ("urllib.request", "http.client", "httpx", "requests", "aiohttp", "urllib3", "websockets", "smtplib")


def _lines(count: int) -> str:
    return '"""A file that goes on."""\n' + "x = 1\n" * count


def _function(lines: int) -> str:
    return '"""One function."""\n\n\ndef grow():\n' + "    grow()\n" * (lines - 1)


@rule(
    f"A file has at most {FILE_LINES_MAX} lines.",
    suffixes=CODE,
    bad=(("wedsync/guests/actions.py", _lines(FILE_LINES_MAX)), ("wedsync/guests/queries.sql", "\n" * 401)),
    good=(("wedsync/guests/actions.py", _lines(FILE_LINES_MAX - 1)), ("db/migrations/0001_start.sql", "\n" * 900)),
)
def file_is_short(source: Source) -> Iterator[str]:
    count = len(source.text.splitlines())
    if count > FILE_LINES_MAX and not source.path.startswith("db/migrations/"):
        yield f"{count} lines; split it where its subject splits"


@rule(
    f"A function has at most {FUNCTION_LINES_MAX} lines.",
    bad=(("wedsync/guests/actions.py", _function(FUNCTION_LINES_MAX + 1)),),
    good=(("wedsync/guests/actions.py", _function(FUNCTION_LINES_MAX)),),
)
def function_is_short(source: Source) -> Iterator[str]:
    """Scenes of the gallery are tables of values, read like data, and are left out."""
    if source.path.startswith("tests/browser/scenes_"):
        return
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > FUNCTION_LINES_MAX:
                yield f"{node.name} (line {node.lineno}) has {count} lines; decisions above, loops below"


@rule(
    "A file, folder or class is named for what is in it.",
    suffixes=(".py", ".sql", ".js", ".mjs"),
    bad=(
        ("wedsync/guests/utils.py", '"""Things."""'),
        ("wedsync/common/money.py", '"""Money."""'),
        ("frontend/src/js/helpers.js", "// things"),
        ("wedsync/guests/model.py", '"""Guests."""\n\n\nclass GuestService:\n    pass\n'),
    ),
    good=(("wedsync/guests/model.py", '"""Guests."""\n\n\nclass Guest:\n    pass\n'),),
)
def name_says_something(source: Source) -> Iterator[str]:
    path = PurePosixPath(source.path)
    yield from (f"'{part}' is no name for a room" for part in (*path.parts[:-1], path.stem) if part in EMPTY_NAMES)
    for node in source.nodes if source.suffix == ".py" else ():
        if isinstance(node, ast.ClassDef) and node.name.endswith(EMPTY_ENDINGS):
            yield f"class {node.name} (line {node.lineno}): a function in fancy dress is a function"


@rule(
    "A file begins with one sentence that says what it is for.",
    bad=(
        ("wedsync/guests/model.py", "x = 1\n"),
        ("wedsync/guests/model.py", '"""This module contains guest functions."""\n'),
        ("wedsync/guests/model.py", '"""Guests"""\n'),
        ("wedsync/guests/__init__.py", ""),
    ),
    good=(
        ("wedsync/guests/model.py", '"""The rules of guests and parties, as pure functions."""\n'),
        ("tests/rules/__init__.py", ""),
    ),
)
def docstring_says_what_for(source: Source) -> Iterator[str]:
    if not source.text.strip() and not source.path.startswith("wedsync/"):
        return
    sentence = " ".join((ast.get_docstring(source.tree) or "").split("\n\n")[0].split())
    if not sentence:
        yield "no module docstring; say in one sentence what the file is for"
    elif sentence.lower().startswith(("this module", "this file")):
        yield "the docstring begins with 'This module'; begin with what it does"
    elif not sentence.endswith((".", ":", "?")):
        yield "the docstring does not begin with a sentence"


@rule(
    "Imports stand at the top of the file, except in processes/cli.py, which starts fast.",
    bad=(("wedsync/guests/actions.py", '"""Guests."""\n\n\ndef reply():\n    import wedsync.tasks\n'),),
    good=(
        ("wedsync/processes/cli.py", '"""Commands."""\n\n\ndef web():\n    import wedsync.processes.web\n'),
        ("wedsync/kit/db.py", '"""Door."""\nif TYPE_CHECKING:\n    from asyncpg import Pool\n'),
        ("tests/browser/gallery.py", '"""Pages."""\n\n\ndef shoot():\n    import playwright\n'),
    ),
)
def imports_are_at_the_top(source: Source) -> Iterator[str]:
    if source.path == "wedsync/processes/cli.py" or source.is_test:
        return
    # Few files have any that is not at the margin: only in these is it looked for where they stand.
    if all(node.col_offset == 0 for node in source.nodes if isinstance(node, ast.Import | ast.ImportFrom)):
        return
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = (part for part in ast.walk(node) if isinstance(part, ast.Import | ast.ImportFrom))
            yield from (f"line {part.lineno}: an import in {node.name}; a cycle is a design question" for part in inner)


@rule(
    "Request handlers live in a noun's api.py or pages.py.",
    bad=(
        ("wedsync/guests/actions.py", '"""Guests."""\nfrom litestar import get\n'),
        ("wedsync/guests/model.py", '"""Guests."""\nfrom litestar.controller import Controller\n'),
        (
            "wedsync/guests/model.py",
            '"""Guests."""\nimport litestar\n\n@litestar.post("/guests")\nasync def add(): ...\n',
        ),
    ),
    good=(
        ("wedsync/guests/api.py", '"""The JSON door of guests."""\nfrom litestar import get\n'),
        ("wedsync/web/context.py", '"""The request."""\nfrom litestar import Request\n'),
        ("wedsync/connectors/acme/fake.py", '"""Acme, faked."""\nfrom litestar import post\n'),
        ("wedsync/kit/limits.py", '"""Limits."""\nfrom wedsync.kit.valkey import get\n'),
    ),
)
def handlers_live_in_doors(source: Source) -> Iterator[str]:
    if not source.path.startswith("wedsync/") or source.is_test:
        return
    if any(PurePosixPath(source.path).match(pattern) for pattern in HANDLER_FILES):
        return
    imported = [(line, name) for line, name in imported_names(source) if name.startswith("litestar.")]
    used = [(node.lineno, dotted(node)) for node in source.nodes if isinstance(node, ast.Attribute)]
    for line, name in imported + [(line, name) for line, name in used if name.startswith("litestar.")]:
        if name.rpartition(".")[2] in HANDLER_NAMES:
            yield f"line {line}: {name} outside api.py and pages.py"


@rule(
    "The network is reached through kit.http alone, and mail through the smtp connector.",
    bad=(
        ("wedsync/connectors/acme/client.py", '"""Acme."""\nimport httpx\n'),
        ("wedsync/connectors/acme/client.py", '"""Acme."""\nfrom urllib.request import urlopen\n'),
    ),
    good=(
        ("wedsync/connectors/acme/client.py", '"""Acme."""\nfrom urllib.parse import urlsplit\n'),
        ("tests/journeys/test_reply.py", '"""A reply."""\nimport httpx\n'),
    ),
)
def network_has_one_door(source: Source) -> Iterator[str]:
    if not source.path.startswith("wedsync/") or source.is_test:
        return
    for line, name in imported_names(source):
        if any(name == module or name.startswith(f"{module}.") for module in NETWORK_MODULES):
            yield f"line {line}: {name}; use wedsync.kit.http, which guards, limits and times every call"
