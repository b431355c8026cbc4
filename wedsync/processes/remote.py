"""A running WedSync as the command line asks it: through its HTTP API, with a key or a token, wherever it runs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.kit.http import Failure, Reply, Wire
from wedsync.processes.failures import CannotRun

TIMEOUT_S: Final = 30.0
BODY_MAX_BYTES: Final = 16 * 1024 * 1024
PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
HOW_TO_SIGN_IN: Final = (
    "Give an API key or an access token with --token or in WEDSYNC_TOKEN; `wedsync token EMAIL` prints a token on the "
    "machine that runs WedSync."
)


class Away(CannotRun):
    """It does not answer now, and may in a moment."""


class Refused(CannotRun):
    """It answered no; `status` and the problem document say why."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        super().__init__(_words(status, problem))


def _words(status: int, problem: Mapping[str, Any]) -> str:
    if status == 401:
        return f"WedSync does not know this token. {HOW_TO_SIGN_IN}"
    fixes = [str(error["fix"]) for error in problem.get("errors", []) if error.get("fix")]
    said = f"WedSync answered {status}: {problem.get('detail', '')}".rstrip(".")
    return " ".join([f"{said}.", *fixes])


class Api:
    """Asks as one person. `wire` is also for whatever else the command sends."""

    def __init__(self, wire: Wire, url: str, token: str) -> None:
        self.wire = wire
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}", "accept": "application/json"}

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The decoded answer. Raises Away, Refused, and CannotRun where something else than WedSync answers."""
        return await self.send(method, path, b"" if body is None else msgspec.json.encode(body))

    async def send(
        self, method: str, path: str, content: bytes, *, content_type: str = "application/json"
    ) -> dict[str, Any]:
        """The same with a body of any kind."""
        headers = {**self._headers, "content-type": content_type}
        reply = await self.wire.request(
            method, self._url + path, headers=headers, body=content, timeout_s=TIMEOUT_S, trusted=True
        )
        if isinstance(reply, Failure):
            raise Away(f"{reply.reason} Does WedSync run, and is --url right?")
        answer = self._read(reply)
        if 200 <= reply.status < 300:
            return answer
        if reply.status in PASSING:
            raise Away(f"WedSync answered {reply.status}: {answer.get('detail', 'try again in a moment')}")
        raise Refused(reply.status, answer)

    def _read(self, reply: Reply) -> dict[str, Any]:
        if reply.ending == "cut":
            raise Away(f"The answer of {self._url} broke off.")
        try:
            return msgspec.json.decode(reply.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            if reply.status in PASSING:
                return {}
            raise CannotRun(f"{self._url} answered {reply.status}, and not as WedSync does. Is --url right?") from None


@asynccontextmanager
async def opened(url: str, token: str) -> AsyncIterator[Api]:
    """Raises CannotRun without a token."""
    if not token:
        raise CannotRun(HOW_TO_SIGN_IN)
    wire = Wire(body_max_bytes=BODY_MAX_BYTES)
    try:
        yield Api(wire, url, token)
    finally:
        await wire.close()


def id_of(text: str) -> UUID:
    """Raises CannotRun for what is none."""
    try:
        return UUID(text)
    except ValueError:
        raise CannotRun(f"{text} is not an id. Copy it from the address of its page.") from None
