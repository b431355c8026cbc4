"""How the fake Twilio tells and asks: forms signed with the auth token, in no particular order, some of them twice."""

import asyncio
import base64
import hmac
import random
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from wedsync.connections.fakes import Moods
from wedsync.kit.http import Reply, Wire

DUPLICATE: Final = "duplicate"
SHUFFLED: Final = "shuffled"
OFF: Final = "push off"
MOODS: Final = {
    DUPLICATE: "Sends every status twice.",
    SHUFFLED: "Sends the states of a text in another order.",
    OFF: "Sends no states.",
}
TIMEOUT_S: Final = 10.0
TRIES: Final = 4
Form = Mapping[str, str]


class Hooks:
    """Speaks to the addresses that a text or a call named."""

    def __init__(self, moods: Moods, secret: str) -> None:
        self._moods = moods
        self._wire: Wire | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._rng = random.Random(7)  # noqa: S311 -- an order, not a secret
        self.secret = secret

    async def start(self) -> None:
        self._wire = Wire(user_agent="TwilioProxy/1.1")

    async def stop(self) -> None:
        for task in self._sending:
            task.cancel()
        if self._wire is not None:
            await self._wire.close()
            self._wire = None

    def tell(self, url: str, forms: list[Form]) -> None:
        """States, without waiting for anybody."""
        mood = self._moods.current
        if not url or mood == OFF:
            return
        told = [form for form in forms for _ in range(2 if mood == DUPLICATE else 1)]
        if mood == SHUFFLED:
            self._rng.shuffle(told)
        task = asyncio.create_task(self._tell(url, told))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def settled(self) -> None:
        """Once everything that was to be told has been told."""
        await asyncio.gather(*self._sending)

    async def _tell(self, url: str, forms: list[Form]) -> None:
        for form in forms:
            for tried in range(TRIES):
                if (await self.ask(url, form))[0] < 300:
                    break
                await asyncio.sleep(0.1 * 2**tried)

    async def ask(self, url: str, form: Form) -> tuple[int, str]:
        """What is answered to a text that came in, or a call that was taken; 0 where nobody answers."""
        if not url or self._wire is None:
            return 0, ""
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": signature(self.secret, url, form),
        }
        answer = await self._wire.request(
            "POST", url, headers=headers, body=urlencode(form).encode(), timeout_s=TIMEOUT_S, trusted=True
        )
        return (answer.status, answer.body.decode()) if isinstance(answer, Reply) else (0, "")


def signature(secret: str, url: str, form: Form) -> str:
    """HMAC-SHA1 of the address and every field by its name (twilio.com/docs/usage/security)."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()
