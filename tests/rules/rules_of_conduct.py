"""House rules about what code does: no hidden errors, no waiting, no stray output, one clock, no mocks of our own."""

import ast
from collections.abc import Iterator

from tests.rules.house import Source, dotted, imported_names, rule

BROAD = {"Exception", "BaseException"}
# The one file of the tests that may wait: it polls other processes until a promise is kept or its time is over.
POLLING_FILE = "tests/eventually.py"
# The second is a provider's imitation, which tells connections apart by their ports.
ADDRESS_FILES = {"wedsync/web/callers.py", "wedsync/connections/fakes.py"}
NEVER_RECORDING = {"kit", "web", "connectors", "operations", "processes", "api", "pages", "model", "reactions"}
CLOCK_CALLS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "datetime.datetime.now", "datetime.datetime.utcnow"),
    *("date.today", "datetime.date.today", "time.time", "time.time_ns"),
}


def _try(body: str, catch: str = "except Exception as error:") -> str:
    return f'"""A try."""\n\n\ndef go():\n    try:\n        reply()\n    {catch}\n        {body}\n'


@rule(
    "A broad except raises again, hands the error on, or logs it with its traceback.",
    bad=(
        ("wedsync/guests/actions.py", _try("return None")),
        ("wedsync/guests/actions.py", _try("log.error('something failed')")),
        ("wedsync/guests/actions.py", _try("pass", "except (ValueError, Exception):")),
        ("wedsync/guests/actions.py", _try("log.exception('lost')", "except:")),
        ("wedsync/guests/actions.py", '"""S."""\nimport contextlib\nwith contextlib.suppress(Exception):\n    go()\n'),
    ),
    good=(
        ("wedsync/guests/actions.py", _try("raise RetryLater('slack: timeout') from error")),
        ("wedsync/events/deliver.py", _try("log.exception('delivery failed', delivery_id=1)")),
        ("wedsync/events/deliver.py", _try("future.set_exception(error)")),
        ("wedsync/events/deliver.py", _try("return None", "except ValueError:")),
    ),
)
def errors_are_not_hidden(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _keeps_the_error(node):
            yield f"line {node.lineno}: a broad except that hides; name the error, or let it crash"
        elif isinstance(node, ast.Call) and dotted(node.func).endswith("suppress") and _names_all(node.args):
            yield f"line {node.lineno}: suppress({', '.join(map(dotted, node.args))}) hides every bug"


@rule(
    "A client's address is read in one place, as the block that limits count.",
    bad=(
        ("wedsync/guests/pages/x.py", '"""X."""\nhere = request.client.host\n'),
        ("wedsync/web/x.py", '"""X."""\nhere = scope["client"][0]\n'),
        ("wedsync/web/x.py", '"""X."""\nhere = scope.get("client")\n'),
    ),
    good=(
        ("wedsync/guests/pages/x.py", '"""X."""\nhere = block_of(request.scope)\n'),
        ("wedsync/web/callers.py", '"""X."""\nhere = scope["client"][0]\n'),
    ),
)
def addresses_are_read_in_one_place(source: Source) -> Iterator[str]:
    if not source.path.startswith("wedsync/") or source.path in ADDRESS_FILES:
        return
    for node in source.nodes:
        is_item = (
            isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == "client"
        )
        is_got = (
            isinstance(node, ast.Call) and dotted(node.func) == "scope.get" and "client" in map(_constant, node.args)
        )
        if is_item or is_got or (isinstance(node, ast.Attribute) and dotted(node).endswith(".client.host")):
            yield f"line {node.lineno}: an address of its own reading; use web.callers"


def _constant(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return _names_all(handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type])


def _names_all(kinds: list[ast.expr]) -> bool:
    return any(dotted(kind) in BROAD for kind in kinds)


def _keeps_the_error(handler: ast.ExceptHandler) -> bool:
    inside = [node for statement in handler.body for node in ast.walk(statement)]
    if any(isinstance(node, ast.Raise) for node in inside):
        return True
    if handler.type is None:
        return False
    calls = [node for node in inside if isinstance(node, ast.Call)]
    return any(_passes_on(call, handler.name) for call in calls)


def _passes_on(call: ast.Call, name: str | None) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    traced = any(keyword.arg == "exc_info" for keyword in call.keywords)
    handed_on = name is not None and any(isinstance(value, ast.Name) and value.id == name for value in given)
    return traced or handed_on or dotted(call.func).endswith(".exception")


@rule(
    f"Tests do not sleep: they move the clock, or wait for a fact through {POLLING_FILE}.",
    bad=(
        (
            "tests/journeys/test_reply.py",
            '"""R."""\nimport asyncio\n\n\nasync def wait():\n    await asyncio.sleep(1)\n',
        ),
        ("tests/crash/test_kill.py", '"""K."""\nimport time\n\ntime.sleep(0.1)\n'),
        ("wedsync/connectors/acme/tests/test_acme.py", '"""A."""\nfrom time import sleep\n'),
    ),
    good=(
        ("tests/journeys/test_reply.py", '"""R."""\nimport asyncio\n\n\nasync def go():\n    await asyncio.sleep(0)\n'),
        (
            POLLING_FILE,
            '"""Wait for a fact."""\nimport asyncio\n\n\nasync def poll():\n    await asyncio.sleep(0.01)\n',
        ),
        ("wedsync/events/deliver.py", '"""D."""\nimport asyncio\n\n\nasync def idle():\n    await asyncio.sleep(1)\n'),
    ),
)
def tests_do_not_sleep(source: Source) -> Iterator[str]:
    if not source.is_test or source.path == POLLING_FILE:
        return
    for line, name in imported_names(source):
        if name in {"time.sleep", "asyncio.sleep"}:
            yield f"line {line}: {name} in a test"
    for node in source.nodes:
        if isinstance(node, ast.Call) and dotted(node.func) in {"time.sleep", "asyncio.sleep"} and not _is_zero(node):
            yield f"line {node.lineno}: {dotted(node.func)} in a test; move the clock or wait for the fact itself"


def _is_zero(call: ast.Call) -> bool:
    # asyncio.sleep(0) lets other tasks run once; it waits for nothing.
    return len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0


@rule(
    "Only processes print; everything else logs or returns.",
    bad=(("wedsync/guests/actions.py", '"""G."""\nprint("saved")\n'),),
    good=(
        ("wedsync/processes/cli.py", '"""C."""\nprint("ready")\n'),
        ("bench/reply.py", '"""B."""\nprint("{}")\n'),
        ("wedsync/guests/actions.py", '"""G."""\nfingerprint("saved")\n'),
    ),
)
def only_processes_print(source: Source) -> Iterator[str]:
    if source.package in {"", "processes"}:
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and dotted(node.func) in {"print", "pprint", "breakpoint"}:
            yield f"line {node.lineno}: {dotted(node.func)} outside processes"


@rule(
    "The time comes from kit.clock, so that a test or a drill can move it.",
    bad=(
        ("wedsync/guests/actions.py", '"""G."""\nfrom datetime import datetime\n\nat = datetime.now(tz=None)\n'),
        ("wedsync/web/auth.py", '"""A."""\nimport time\n\nexpires_at = time.time() + 600\n'),
        ("wedsync/schedule/model.py", '"""S."""\nfrom datetime import date\n\ntoday = date.today()\n'),
    ),
    good=(
        ("wedsync/kit/clock.py", '"""C."""\nfrom datetime import UTC, datetime\n\nat = datetime.now(tz=UTC)\n'),
        ("wedsync/web/auth.py", '"""A."""\nimport time\n\nstarted = time.monotonic()\n'),
        ("wedsync/guests/actions.py", '"""G."""\nfrom wedsync.kit import clock\n\nat = clock.now()\n'),
    ),
)
def time_comes_from_the_clock(source: Source) -> Iterator[str]:
    if source.package in {"", "kit", "processes"} or source.is_test:
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and dotted(node.func) in CLOCK_CALLS:
            yield f"line {node.lineno}: {dotted(node.func)}(); ask wedsync.kit.clock"


@rule(
    "Nothing of ours is mocked: providers are fakes, PostgreSQL and Valkey are real.",
    bad=(
        ("tests/journeys/test_reply.py", '"""R."""\nfrom unittest.mock import patch\n'),
        ("tests/journeys/test_reply.py", '"""R."""\n\n\ndef test_a_reply(mocker): ...\n'),
    ),
    good=(("tests/journeys/test_reply.py", '"""R."""\n\n\ndef test_a_reply(world, monkeypatch): ...\n'),),
)
def nothing_is_mocked(source: Source) -> Iterator[str]:
    if not source.is_test:
        return
    for line, name in imported_names(source):
        if name.startswith(("unittest.mock", "mock.", "pytest_mock")):
            yield f"line {line}: {name}; use the fake of the provider, or the real thing"
    for node in source.nodes:
        if isinstance(node, ast.arg) and node.arg == "mocker":
            yield f"line {node.lineno}: the mocker fixture; use the fake of the provider, or the real thing"


@rule(
    "Facts are recorded by a noun's actions: not by its doors, model or reactions, nor by what is no noun.",
    bad=(
        ("wedsync/guests/api.py", '"""G."""\nfrom wedsync.events.record import record\n'),
        ("wedsync/guests/pages/list.py", '"""G."""\nfrom wedsync.events.record import record\n'),
        ("wedsync/guests/reactions.py", '"""G."""\nfrom wedsync.events import record\n\nrecord.record(1, 2)\n'),
        ("wedsync/connectors/acme/connector.py", '"""A."""\nfrom wedsync.events.record import record\n'),
    ),
    good=(
        ("wedsync/guests/actions.py", '"""G."""\nfrom wedsync.events.record import record\n'),
        ("wedsync/guests/replies.py", '"""G."""\nfrom wedsync.events.record import record\n'),
        ("wedsync/processes/web.py", '"""W."""\nfrom wedsync.events.record import flush\n'),
    ),
)
def facts_are_recorded_by_actions(source: Source) -> Iterator[str]:
    within = source.path.removesuffix(".py").split("/")[1:]
    if source.package in {"", "events"} or source.is_test or not NEVER_RECORDING.intersection(within[:2]):
        return
    calls = ((node.lineno, dotted(node.func)) for node in source.nodes if isinstance(node, ast.Call))
    for line, name in [*imported_names(source), *calls]:
        if name in {"wedsync.events.record.record", "record.record"}:
            yield f"line {line}: a fact recorded outside of an action"
