"""How the fake Stripe tells: signed, at least once, in no particular order, and again until it is taken."""

import asyncio
import hmac
import random
from collections import deque
from typing import Any, Final

import msgspec

from wedsync.connections.fakes import Moods
from wedsync.kit import clock
from wedsync.kit.http import Reply, Wire

DUPLICATE: Final = "duplicate"
SHUFFLED: Final = "shuffled"
OFF: Final = "push off"
MOODS: Final = {
    DUPLICATE: "Sends every hook twice.",
    SHUFFLED: "Gathers hooks for a moment and sends them in another order.",
    OFF: "Sends no hooks.",
}
TRIES: Final = 8
GATHERED_S: Final = 0.5
TIMEOUT_S: Final = 10.0


class Hooks:
    """Where events are posted to, with the secret of that endpoint."""

    def __init__(self, moods: Moods, url: str, secret: str) -> None:
        self._moods = moods
        self._wire: Wire | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._waiting: deque[dict[str, Any]] = deque()
        self._rng = random.Random(7)  # noqa: S311 -- an order, not a secret
        self.url = url
        self.secret = secret

    async def start(self) -> None:
        self._wire = Wire(user_agent="Stripe/1.0 (+https://stripe.com/docs/webhooks)")

    async def stop(self) -> None:
        for task in self._sending:
            task.cancel()
        if self._wire is not None:
            await self._wire.close()

    def tell(self, event: dict[str, Any]) -> None:
        """Without waiting for it."""
        if not self.url or self._wire is None or self._moods.current == OFF:
            return
        self._waiting += [event] * (2 if self._moods.current == DUPLICATE else 1)
        pause_s = GATHERED_S if self._moods.current == SHUFFLED else 0.0
        task = asyncio.create_task(self._flush(pause_s))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _flush(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        events = list(self._waiting)
        self._waiting.clear()
        if pause_s:
            self._rng.shuffle(events)
        for event in events:
            await self._post(msgspec.json.encode(event))

    async def _post(self, body: bytes) -> None:
        for tried in range(TRIES):
            if self._wire is None:
                return
            headers = {"content-type": "application/json", "stripe-signature": signature(self.secret, body)}
            answer = await self._wire.request(
                "POST", self.url, headers=headers, body=body, timeout_s=TIMEOUT_S, trusted=True
            )
            if isinstance(answer, Reply) and answer.status < 300:
                return
            await asyncio.sleep(0.1 * 2**tried)


def signature(secret: str, body: bytes) -> str:
    """`t=…,v1=…`, made anew at each try, as Stripe does."""
    at = int(clock.machine_now().timestamp())
    return f"t={at},v1={hmac.digest(secret.encode(), b'%d.%b' % (at, body), 'sha256').hex()}"
