"""The people of a drill: couples, suppliers, guests and helpers, each through the doors they have in life.

Who is not answered asks again with the same Idempotency-Key, as a phone does: a restart costs them a moment, not their
change. What they do is drawn by a number each, so that the same drill is the same twice.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from wedsync.processes.drills.calls import Answer, Caller, request
from wedsync.processes.drills.cast import Business, Wedding

PASSING: Final = frozenset({0, 408, 425, 429, 500, 502, 503, 504})
PATIENCE_S: Final = 60.0
PAUSE_S: Final = 0.25
STATUSES: Final = ("accepted", "declined", "tentative")
REASONS: Final = ("The coach is late.", "Photographs take longer.", "It rains: we wait.", "The band sets up anew.")


class Passes(msgspec.Struct, frozen=True):
    """What the guests of one wedding and its helper hold: a party's token with one of its guests, and the helper's."""

    guests: list[tuple[str, UUID]]
    helper: str


class Deeds(msgspec.Struct):
    """What all of them did: how often, how long they waited, what was refused, and what nobody answered."""

    done: dict[str, int] = {}
    took_ms: list[float] = []
    repeated: int = 0
    refused: dict[str, int] = {}
    unanswered: int = 0

    def note(self, act: str, answer: Answer, took_ms: float) -> None:
        self.done[act] = self.done.get(act, 0) + 1
        self.took_ms.append(took_ms)
        if answer.status in PASSING:
            self.unanswered += 1
        elif not answer.is_good:
            told = f"{act} {answer.status}"
            self.refused[told] = self.refused.get(told, 0) + 1


class Household:
    """Everybody of one wedding."""

    def __init__(self, wedding: Wedding, passes: Passes, caller: Caller, deeds: Deeds, seed: int) -> None:
        self._wedding = wedding
        self._passes = passes
        self._caller = caller
        self._deeds = deeds
        self._rng = random.Random(seed)  # noqa: S311 -- what people do, not a secret
        self._finished: set[UUID] = set()
        self._acts: list[tuple[int, str, Callable[[], Awaitable[Answer]]]] = [
            (30, "guest answers", self._guest_answers),
            (14, "couple looks", self._couple_looks),
            (14, "supplier looks", self._supplier_looks),
            (12, "supplier acknowledges", self._supplier_acknowledges),
            (10, "couple amends", self._couple_amends),
            (10, "couple ticks a task", self._couple_ticks),
            (6, "helper looks", self._helper_looks),
            (3, "supplier calls for help", self._supplier_calls),
            (1, "couple moves their dinner", self._couple_announces),
        ]

    async def live(self, *, gap_s: float, until: float) -> None:
        """Act every `gap_s` on average, until this moment of the monotonic clock."""
        while True:
            await asyncio.sleep(self._rng.uniform(0, 2 * gap_s))
            if time.monotonic() >= until:
                return
            weights = [weight for weight, _, _ in self._acts]
            _, name, act = self._rng.choices(self._acts, weights)[0]
            began = time.perf_counter()
            self._deeds.note(name, await act(), (time.perf_counter() - began) * 1000)

    @property
    def _path(self) -> str:
        return f"/api/v1/weddings/{self._wedding.id}"

    @property
    def _business(self) -> Business:
        return self._rng.choice(self._wedding.businesses)

    async def _ask(
        self, method: str, path: str, *, token: str = "", cookie: str = "", body: Mapping[str, Any] | None = None
    ) -> Answer:
        """Until it is answered, or nobody does in a minute."""
        headers = {"Accept": "text/html" if cookie or not token else "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid4())
        if body is not None:
            headers["Accept"] = "application/json"
        content = request(method, path, token=token, cookie=cookie, body=body, headers=headers)
        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = await self._caller.call(content)
            except OSError:
                answer = Answer(0)
            if answer.status not in PASSING or time.monotonic() > give_up_at:
                return answer
            self._deeds.repeated += 1
            await asyncio.sleep(PAUSE_S)

    async def _guest_answers(self) -> Answer:
        token, guest = self._rng.choice(self._passes.guests)
        answer = {"guest_id": guest, "schedule_item_id": self._wedding.dinner, "status": self._rng.choice(STATUSES)}
        return await self._ask("PUT", f"/rsvp/{token}", body={"answers": [answer]})

    async def _couple_looks(self) -> Answer:
        page = self._rng.choice(("", "/guests", "/schedule", "/suppliers", "/activity"))
        return await self._ask("GET", f"/me/{self._wedding.id}{page}", cookie=self._wedding.couple.cookie)

    async def _supplier_looks(self) -> Answer:
        business = self._business
        page = self._rng.choice(("", f"/weddings/{self._wedding.id}"))
        return await self._ask("GET", f"/studio/{business.id}{page}", cookie=business.owner.cookie)

    async def _helper_looks(self) -> Answer:
        return await self._ask("GET", f"/help/{self._passes.helper}")

    async def _supplier_acknowledges(self) -> Answer:
        token = self._business.owner.token
        listed = await self._ask("GET", f"{self._path}/acknowledgements?status=open", token=token)
        items = _items(listed)
        if not items:
            return listed
        return await self._ask("POST", f"/api/v1/acknowledgements/{items[0]['id']}/acknowledge", token=token)

    async def _couple_amends(self) -> Answer:
        item = self._rng.choice(self._wedding.items)
        body = {"reason": self._rng.choice(REASONS), "schedule_item_id": item, "by_minutes": self._rng.choice((5, 10))}
        return await self._ask("POST", f"{self._path}/amendments", token=self._wedding.couple.token, body=body)

    async def _couple_announces(self) -> Answer:
        body = {"reason": "So that everybody knows.", "title": "The cake is cut on the terrace"}
        return await self._ask("POST", f"{self._path}/amendments", token=self._wedding.couple.token, body=body)

    async def _couple_ticks(self) -> Answer:
        task = self._rng.choice(self._wedding.tasks)
        word = "reopen" if task in self._finished else "done"
        self._finished ^= {task}
        return await self._ask("POST", f"/api/v1/tasks/{task}/{word}", token=self._wedding.couple.token)

    async def _supplier_calls(self) -> Answer:
        """And somebody sees to it and ends it, as people do."""
        business, couple = self._business, self._wedding.couple
        body = {"what": "weather", "detail": "The marquee has blown over.", "place": "Lawn"}
        raised = await self._ask("POST", f"{self._path}/alerts", token=business.owner.token, body=body)
        if not raised.is_good:
            return raised
        path = f"/api/v1/alerts/{msgspec.json.decode(raised.body)['id']}"
        await self._ask("POST", f"{path}/acknowledge", token=couple.token)
        ended = await self._ask("POST", f"{path}/resolve", token=couple.token, body={"outcome": "It stands again."})
        # Somebody else of the wedding may have ended the same one a moment before.
        return raised if ended.status == 409 else ended


def _items(answer: Answer) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = msgspec.json.decode(answer.body)["items"] if answer.is_good else []
    return items
