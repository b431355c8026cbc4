"""Listening without an endpoint: what one would be sent, read from the log by the listener's own positions.

Nothing is kept for a listener. Between two looks at the log no connection is held, and each look enters anew, so that
whoever may no longer hear is refused in the middle of a wait.
"""

import asyncio
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.events.images import opener, with_images
from wedsync.kit import clock, sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.kit.limits import Bucket
from wedsync.kit.seal import KeyRing
from wedsync.subscriptions import model
from wedsync.web.context import Context, person_of

queries = sql.load("wedsync.subscriptions")
LOOK_S: Final = 0.25
#: Of one stream in one answer.
ITEMS_MAX: Final = 50
#: With waits of up to 5 s that is about five listeners a person, and more for a while to whom much happens.
CALLS: Final = Bucket("listen", per_s=1, burst=120)


async def allow(ctx: Context, actor: Actor) -> None:
    """Raises Refusal 401, and 429 for whoever asks without waiting."""
    decision = await ctx.limits.hit(CALLS, f"person|{person_of(actor)}")
    if not decision.is_allowed:
        detail = "You are listening too often at once. Wait as long as Retry-After says, and use wait_s."
        raise Refusal(429, "too_many_requests", detail, headers=decision.headers())


async def hear(ctx: Context, actor: Actor, tenant: UUID, asked: model.Listen) -> model.Heard:
    """As soon as there is something to tell, or the wait is over. Raises Refusal 404, and 410 after a restore."""
    until = clock.monotonic() + asked.wait_s
    while True:
        async with ctx.door.enter(actor, tenant) as tx:
            heard = await _look(tx, ctx.ring, asked)
        left_s = until - clock.monotonic()
        if heard.items or asked.after is None or left_s <= 0:
            return heard
        asked = msgspec.structs.replace(asked, after=heard.after)
        await asyncio.sleep(min(LOOK_S, left_s))


async def _look(tx: Tx, ring: KeyRing, asked: model.Listen) -> model.Heard:
    patterns = [pattern.replace("_", r"\_").replace("*", "%") for pattern in asked.events]
    known = asked.after
    seqs = None if known is None else msgspec.json.encode(dict(map(_position, known.items()))).decode()
    rows = await tx.rows(queries.heard, patterns, seqs, ITEMS_MAX)
    for row in rows:
        _same_epoch(row, known or {})
    open_sealed = opener(ring)
    items: list[dict[str, Any]] = [with_images(row["event"], open_sealed) for row in rows if row["event"] is not None]
    reached = {row["stream"]: f"{row['epoch']}:{row['seq']}" for row in rows}
    return model.Heard(items=items, after={**(known or {}), **reached})


def _position(known: tuple[str, str]) -> tuple[str, int]:
    """`("wedding:<id>", "1:412")` as the database takes it."""
    stream, cursor = known
    return stream.partition(":")[2], int(cursor.partition(":")[2])


def _same_epoch(row: Row, known: dict[str, str]) -> None:
    before = known.get(row["stream"])
    if before is not None and before.partition(":")[0] != str(row["epoch"]):
        detail = f"The log of {row['stream']} was restored; its epoch is now {row['epoch']}. Ask again without `after`."
        raise Refusal(410, "epoch_changed", detail, extra={"epoch": row["epoch"]})
