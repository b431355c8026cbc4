"""What the fakes of mail providers share: letters that were taken, moods, and hooks that say what became of them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import msgspec

from wedsync.connections.fakes import FINE, Moods, Shelf
from wedsync.kit import clock
from wedsync.kit.http import Reply, Wire

MAILS_MAX: Final = 2_000
MAILS_MAX_BYTES: Final = 32 * 1024 * 1024
SHOWN_MAX: Final = 100
SLOW_S: Final = 1.0
RETRY_AFTER_S: Final = 7
TRIES: Final = 6
TIMEOUT_S: Final = 10.0
BLACK_HOLE: Final = "black hole"
LOST: Final = "lost reply"
DUPLICATE: Final = "duplicate"
SHUFFLED: Final = "shuffled"
OFF: Final = "push off"
MOODS: Final = {
    "slow": f"Answers after {SLOW_S:g} second.",
    BLACK_HOLE: "Takes nothing and answers nothing.",
    LOST: "Takes the mail and closes the connection without an answer.",
    "429": f"Answers 429 with Retry-After: {RETRY_AFTER_S}.",
    "quota": "Says that the quota of mails is used up.",
    "5xx": "Answers 503.",
    "dead key": "Refuses every key.",
    "refusing": "Refuses every mail for good.",
    "unknown fields": "Answers with members that nobody has heard of.",
    "truncated": "Answers with the first half of the answer.",
    DUPLICATE: "Sends every hook twice.",
    SHUFFLED: "Sends the hooks of a mail the last first.",
    OFF: "Sends no hooks.",
}
OF_HOOKS: Final = frozenset({DUPLICATE, SHUFFLED, OFF})


class Letter(msgspec.Struct, kw_only=True):
    """A mail as it was taken. `times` counts how often it came with the same key."""

    id: str
    at: datetime
    to: str
    subject: str
    text: str
    delivery: str
    body: Any
    times: int = 1
    told: list[str] = []


class Call(msgspec.Struct, frozen=True):
    """One call of the API, for who wants to know what was said. No key is kept."""

    method: str
    path: str
    key: str
    body: Any
    status: int


Hook = Callable[[Letter, str], tuple[bytes, Mapping[str, str]]]
"""The body of a hook and its signed headers, made anew at each try."""


class Office:
    """The letters of one fake. What it says of them goes where `hooks_url` says; '' is nobody."""

    def __init__(self, hook: Hook, hooks_url: str, *, user_agent: str) -> None:
        self.moods = Moods(MOODS)
        self.letters: Shelf[Letter] = Shelf(items_max=MAILS_MAX, bytes_max=MAILS_MAX_BYTES)
        self.calls: list[Call] = []
        self.hooks_url = hooks_url
        self.stopping = asyncio.Event()
        self._hook = hook
        self._user_agent = user_agent
        self._wire: Wire | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._wire = Wire(user_agent=self._user_agent)

    async def stop(self) -> None:
        self.stopping.set()
        for task in self._sending:
            task.cancel()
        if self._wire is not None:
            await self._wire.close()

    async def mood(self) -> str:
        """The mood for one call; who is slow, or a black hole, keeps its caller waiting here."""
        mood = FINE if self.moods.current in OF_HOOKS else self.moods.take()
        if mood in ("slow", BLACK_HOLE):
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), SLOW_S if mood == "slow" else None)
        return mood

    def note(self, call: Call) -> None:
        self.calls = [*self.calls[-(MAILS_MAX - 1) :], call]

    async def put(self, letter: Letter, *, tells: Sequence[str]) -> None:
        await self.letters.put(letter.id, letter, len(msgspec.json.encode(letter.body)))
        self.tell(letter, tells)

    def to(self, address: str = "") -> list[Letter]:
        """Newest first."""
        return [one for one in self.letters if not address or one.to.casefold() == address.casefold()]

    def tell(self, letter: Letter, events: Sequence[str]) -> None:
        """Says these things of a letter, without waiting for it."""
        letter.told += events
        if not self.hooks_url or self._wire is None or self.moods.current == OFF:
            return
        said = list(reversed(events)) if self.moods.current == SHUFFLED else list(events)
        twice = [one for one in said for _ in range(2)] if self.moods.current == DUPLICATE else said
        task = asyncio.create_task(self._post(letter, twice))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _post(self, letter: Letter, events: Sequence[str]) -> None:
        for event in events:
            for tried in range(TRIES):
                if self._wire is None:
                    return
                body, headers = self._hook(letter, event)
                answer = await self._wire.request(
                    "POST",
                    self.hooks_url,
                    headers={"content-type": "application/json", **headers},
                    body=body,
                    timeout_s=TIMEOUT_S,
                    trusted=True,
                )
                if isinstance(answer, Reply) and answer.status < 300:
                    break
                await asyncio.sleep(0.1 * 2**tried)


def now_s() -> int:
    """The second of a signature."""
    return int(clock.machine_now().timestamp())
