"""Whatever a machine can think of from the document we serve, nothing breaks: schemathesis over every route.

`make test` asks a quarter of the routes once each, by seed; `make prove` all of them, both ways and many times.
"""

import asyncio
import re
from typing import Any

import httpx
import pytest
import requests
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as profile

from tests import seed
from tests.desk import Desk, opened, own, problem_of
from wedsync.kit.config import Settings

CASES = {"quick": 1, "deep": 30}
BY_DESCRIPTION, AGAINST_IT = "positive", "negative"


@pytest.mark.parametrize("depth", ["quick", pytest.param("deep", marks=[pytest.mark.prove, pytest.mark.timeout(1800)])])
def test_no_request_that_a_machine_can_think_of_breaks_anything(settings: Settings, depth: str) -> None:
    """Schemathesis over the document we serve, each route with what it describes and with what it does not."""
    with asyncio.Runner() as runner:
        opening = opened(settings)
        desk = runner.run(opening.__aenter__())
        try:
            count, codes = _machine(runner, desk, CASES[depth])
        finally:
            runner.run(opening.__aexit__(None, None, None))
    print(f"schemathesis: {count} requests, answers {dict(sorted(codes.items()))}")
    assert count >= 100


def _machine(runner: asyncio.Runner, desk: Desk, examples: int) -> tuple[int, dict[int, int]]:
    import schemathesis  # more than a second, of which each worker of a run would lose one in collecting

    schema = schemathesis.openapi.from_dict(runner.run(desk.ask("GET", "/openapi.json")).json())
    codes: dict[int, int] = {}
    operations = [found.ok() for found in schema.get_all_operations()]
    if examples == 1:
        operations = seed.chosen(operations, 4, "machine input")
        print(f"seed {seed.SEED}: {len(operations)} routes")
    # What takes rows away comes last, so that there is something to try the rest on.
    for operation in sorted(operations, key=lambda o: o.method.upper() == "DELETE"):
        names = re.findall(r"\{(\w+)\}", operation.path)
        ids = {name: own(desk, f"{{{name}}}") for name in names}
        for mode in _modes(operation, examples):
            _try_one(runner, desk, operation, schemathesis.GenerationMode(mode), ids, examples, codes)
    return sum(codes.values()), codes


def _modes(operation: Any, examples: int) -> list[str]:
    """In a quick round each route is asked either by its description or against it."""
    both = [BY_DESCRIPTION, AGAINST_IT] if operation.body or operation.query else [BY_DESCRIPTION]
    return both if examples > 1 else [seed.dice(f"{operation.method} {operation.path}").choice(both)]


def _try_one(
    runner: asyncio.Runner,
    desk: Desk,
    operation: Any,
    mode: Any,
    ids: dict[str, str],
    examples: int,
    codes: dict[int, int],
) -> None:
    strategy = operation.as_strategy(generation_mode=mode, path_parameters=ids or None)

    @profile(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def ask(case: Any) -> None:
        sent = requests.Request(**case.as_transport_kwargs(base_url="http://test")).prepare()
        headers = {k: v for k, v in sent.headers.items() if k.lower() not in ("authorization", "cookie")}
        path = sent.url.removeprefix("http://test")
        answer = runner.run(_asked(desk, sent.method, path, headers, sent.body))
        codes[answer.status_code] = codes.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (sent.method, path, sent.body, answer.text)
        if answer.status_code >= 400:
            problem_of(answer)

    ask()


async def _asked(desk: Desk, method: str, path: str, headers: dict[str, str], body: Any) -> httpx.Response:
    desk.http.cookies.clear()
    headers = {**headers, "accept": "application/json", "authorization": f"Bearer {desk.world.tokens['couple']}"}
    return await desk.http.request(method, path, headers=headers, content=body)
