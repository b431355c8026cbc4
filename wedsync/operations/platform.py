"""How the operator enters the platform: the one tenant that holds no wedding."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Literal
from uuid import UUID

from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.web.context import Context

PLATFORM: Final = UUID("00000000-0000-7000-8000-000000000000")


def operator(actor: Actor) -> Actor:
    """Raises Refusal 401 and 403 for everybody else."""
    if actor.id is None:
        raise Refusal(401, "sign_in_required", "Sign in first, or send a bearer token.")
    if not actor.is_operator:
        raise Refusal(403, "forbidden", "This is for the operator of the platform.")
    return actor


@asynccontextmanager
async def entered(ctx: Context, actor: Actor) -> AsyncIterator[Tx]:
    """A transaction on the platform, in read-only mode too: it is left by this door. Raises Refusal 401 and 403."""
    async with ctx.door.regardless().enter(operator(actor), PLATFORM) as tx:
        yield tx


def by_another(tx: Tx, held: Row, what: str, act: Literal["approve", "confirm"]) -> None:
    """What one operator asked for (`held`, locked) may be done by this one. Raises Refusal 403 for the one who asked,
    409 where it is over or done.
    """
    done = {"approve": "approved", "confirm": "confirmed"}[act]
    if held["asked_by"] == tx.actor.id:
        detail = f"You asked for this {what} yourself. It takes two: another operator {act}s it."
        raise Refusal(403, "needs_another_person", detail)
    if held["ended_at"] is not None or held["is_late"]:
        raise Refusal(409, f"{what}_over", f"This {what} is over. Ask for a new one.")
    if held[f"{done}_at"] is not None:
        raise Refusal(409, f"{what}_{done}", f"This {what} has been {done} already.")
