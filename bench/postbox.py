"""A Resend that takes 50 ms for every call, in a process of its own.

`python -m bench.postbox` serves the connector's own fake and tells its address on the first line. Each further line on
standard input is answered by the mails that were accepted since the last, which are then forgotten.
"""

import time
from typing import Any

import msgspec
import uvloop

from bench.lines import say, told
from bench.provider import Slow
from wedsync.connections.mailing.contract import DELIVERY_TAG
from wedsync.connections.stage import serving
from wedsync.connectors.resend.fake import Resend
from wedsync.kit import log


class Accepted(msgspec.Struct, frozen=True, array_like=True):
    """A mail of a delivery was accepted; seconds since 1970."""

    at: float
    delivery: str


class Noting(Resend):
    """It notes what it accepts. Its office has nobody to tell, and forgets by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted: list[Accepted] = []

    async def take(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        answer = await super().take(body, key)
        tags = {one["name"]: one["value"] for one in body.get("tags", ())}
        self.accepted.append(Accepted(time.time(), tags.get(DELIVERY_TAG, "")))
        return answer


async def main() -> None:
    log.configure(process="postbox", level="warning")
    resend = Noting()
    async with serving([Slow(resend)]) as at:
        say(at)
        async for _ in told(object):
            accepted, resend.accepted = resend.accepted, []
            say(accepted)


if __name__ == "__main__":
    uvloop.run(main())
