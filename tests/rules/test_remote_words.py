"""What the command line makes of answers: tried again, refused in words, or not a WedSync at all."""

from typing import Any

import msgspec
import pytest

from wedsync.kit.http import Ending, Failure, Reply, Timing
from wedsync.processes import remote
from wedsync.processes.failures import CannotRun
from wedsync.processes.remote import Api, Away, Refused


class Wire:
    """Answers once, with what it was made with."""

    def __init__(self, answer: Reply | Failure) -> None:
        self.answer = answer

    async def request(self, *_: Any, **__: Any) -> Reply | Failure:
        return self.answer


def reply(status: int, body: Any, *, ending: Ending = "whole") -> Reply:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Reply(status=status, headers={}, body=raw, ending=ending, timing=Timing())


async def asked(answer: Reply | Failure) -> dict[str, Any]:
    return await Api(Wire(answer), "http://wedsync.test/", "token").ask("GET", "/api/v1/me")  # type: ignore[arg-type]


async def test_an_answer_is_decoded() -> None:
    assert await asked(reply(200, {"name": "Ana"})) == {"name": "Ana"}


@pytest.mark.parametrize(
    "answer",
    [
        Failure(kind="refused", reason="Nobody listens.", may_have_arrived=False, timing=Timing()),
        reply(503, {"detail": "It starts."}),
        reply(502, b"<html>bad gateway</html>"),
        reply(200, b'{"name": ', ending="cut"),
    ],
)
async def test_what_passes_may_be_tried_again(answer: Reply | Failure) -> None:
    with pytest.raises(Away):
        await asked(answer)


async def test_a_token_nobody_knows_says_how_to_get_one() -> None:
    with pytest.raises(Refused, match="does not know this token") as raised:
        await asked(reply(401, {"code": "unauthenticated"}))
    assert (raised.value.status, raised.value.code) == (401, "unauthenticated")


async def test_a_refusal_says_what_to_do() -> None:
    problem = {"code": "invalid", "detail": "events: is empty.", "errors": [{"fix": "Name one type."}, {"field": "x"}]}
    with pytest.raises(Refused, match=r"WedSync answered 422: events: is empty\. Name one type\.$"):
        await asked(reply(422, problem))


async def test_another_server_is_told_apart() -> None:
    with pytest.raises(CannotRun, match="not as WedSync does"):
        await asked(reply(200, b"<html>Hello</html>"))


async def test_without_a_token_nothing_is_asked() -> None:
    with pytest.raises(CannotRun, match="--token"):
        async with remote.opened("http://wedsync.test", ""):
            raise AssertionError


def test_what_is_no_id_is_said() -> None:
    with pytest.raises(CannotRun, match="is not an id"):
        remote.id_of("my-wedding")
