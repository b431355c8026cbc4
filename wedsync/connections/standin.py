"""What stand-ins of CRMs, venue systems and marketing do alike: moods, the calls they took, hooks they send, a form.

For tests and the sandbox only, like all that `connections.fakes` holds. A provider's own stand-in adds its addresses,
its payloads and its words for a refusal.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from wedsync.clients.model import STAGES
from wedsync.connections.calendars import driven
from wedsync.connections.fakes import FINE, Moods, drop_connection
from wedsync.connections.records.driven import READ_ONLY
from wedsync.kit.errors import Refusal
from wedsync.kit.http import Reply, Wire

EXCHANGES_MAX: Final = 2000
SHOWN_MAX: Final = 200
TIMEOUT_S: Final = 10.0
OF_HOOKS: Final = frozenset({driven.DUPLICATE, driven.OFF})
AnyRequest = Request[Any, Any, Any]
Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class StandInError(Exception):
    """What a provider answers instead of what was asked; `body` is in its own form, bytes where that is no JSON."""

    def __init__(self, status: int, text: str, body: Any) -> None:
        super().__init__(text)
        self.status = status
        self.body = body


class Exchange(msgspec.Struct, frozen=True):
    """One call of the API, for who wants to know what was said. No key is kept."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    answer: Any


class StandIn:
    """One provider's stand-in at work. `refusals` are its words for the moods in which it refuses whoever asks,
    `silent` the moods of its hooks, which its API knows nothing of."""

    title: str
    address: str

    def __init__(
        self,
        moods: Mapping[str, str],
        refusals: Mapping[str, StandInError],
        *,
        page_size: int,
        silent: frozenset[str] = OF_HOOKS,
    ) -> None:
        self.moods = Moods(moods)
        self.page_size = page_size
        self.exchanges: deque[Exchange] = deque(maxlen=EXCHANGES_MAX)
        self._refusals = refusals
        self._silent = silent
        self._stopping = asyncio.Event()
        self._wire: Wire | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._wire = Wire(user_agent=self.title)

    async def stop(self) -> None:
        self._stopping.set()
        for task in self._sending:
            task.cancel()
        if self._wire is not None:
            await self._wire.close()

    def refuse(self, mood: str, method: str) -> None:
        """Raises StandInError where the mood is one of refusing."""
        words = self._refusals.get(mood)
        if words is not None and (mood != READ_ONLY or method != "GET"):
            # The same words each time: what the last raising left on them would pile up.
            raise words.with_traceback(None)

    def hook(self, url: str, headers: Mapping[str, str], body: bytes, *, tries: int = 1) -> None:
        """A hook, not waited for: none or two where the mood says so, again until taken, `tries` times at most."""
        if self.moods.current == driven.OFF:
            return
        for _ in range(2 if self.moods.current == driven.DUPLICATE else 1):
            task = asyncio.create_task(self._post(url, {"content-type": "application/json", **headers}, body, tries))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def is_taken(self, reply: object) -> bool:
        """Whether an answer to a hook ends its being sent."""
        return isinstance(reply, Reply) and reply.status < 300

    async def answered(
        self,
        request: AnyRequest,
        act: Callable[[str, Any], Any],
        *,
        status: int = 200,
        headers: Callable[[Any], dict[str, str]] = lambda answer: {},
    ) -> Response[bytes]:
        """The answer to a call in whatever mood it is; `act` gets the mood and the body, and may raise StandInError.
        What has nothing to say is a 204."""
        mood = FINE if self.moods.current in self._silent else self.moods.take()
        if mood == driven.SLOW:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), driven.SLOW_S)
        raw = await request.body()
        body = msgspec.json.decode(raw) if raw else None
        try:
            self.refuse(mood, request.method)
            answer = act(mood, body)
            status = 204 if answer is None else status
            told = headers(answer)
        except StandInError as refused:
            answer, status = refused.body, refused.status
            told = {"retry-after": str(driven.RETRY_AFTER_S)} if mood == driven.BUSY else {}
        self._keep(request, body, status, answer)
        if mood == driven.LOST:
            drop_connection(request)
        return self.worded(mood, answer, status, told)

    def worded(self, mood: str, answer: Any, status: int, headers: dict[str, str]) -> Response[bytes]:
        """An answer as it goes out."""
        if answer is None or isinstance(answer, bytes):
            return Response(answer or b"", status_code=status, headers=headers, media_type=MediaType.HTML)
        told = msgspec.json.encode(odd(answer) if mood == driven.ODD else answer)
        if mood == driven.TRUNCATED:
            told = told[: len(told) // 2]
        return Response(told, status_code=status, headers=headers, media_type=MediaType.JSON)

    def place(self, path: str) -> str:
        """A path below the API's own address."""
        return path.removeprefix(self.address)

    def _keep(self, request: AnyRequest, body: Any, status: int, answer: Any) -> None:
        if isinstance(answer, bytes):
            return
        # As it was then: what is answered goes on living.
        kept = msgspec.json.decode(msgspec.json.encode(answer))
        path = self.place(request.url.path)
        self.exchanges.append(Exchange(request.method, path, dict(request.query_params), body, status, kept))

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, tries: int) -> None:
        for _ in range(tries):
            if self._wire is None:
                return
            reply = await self._wire.request("POST", url, headers=headers, body=body, timeout_s=TIMEOUT_S, trusted=True)
            if self.is_taken(reply):
                return


def switched(moods: Moods, data: Mapping[str, str], back: str) -> Redirect:
    """The form of the moods, and where its page is."""
    times = data.get("times", "")
    moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect(back, status_code=303)


def typed(data: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a form as those of a record. Raises Refusal 422."""
    found: dict[str, Any] = {name: data[name].strip() for name in ("name", "partner_name", "email") if name in data}
    try:
        if "wedding_on" in data:
            found["wedding_on"] = date.fromisoformat(data["wedding_on"]) if data["wedding_on"] else None
    except ValueError as cause:
        raise Refusal(422, "bad_date", "Give a day such as 2027-06-12.") from cause
    if data.get("stage") in STAGES:
        found["stage"] = data["stage"]
    return found


def refused(error: StandInError) -> Refusal:
    """A provider's refusal, for whoever pressed a button on its page."""
    return Refusal(error.status, "refused", f"{error} Go back and change it.")


def odd(answer: Any) -> Any:
    """With members that nobody has heard of, all the way down."""
    if isinstance(answer, list):
        return [odd(one) for one in answer]
    if isinstance(answer, dict):
        return {**{name: odd(one) for name, one in answer.items()}, "xNobodyKnows": {"deep": [1, None, "x"]}}
    return answer
