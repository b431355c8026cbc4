"""How the operator enters the platform: the one tenant that holds no wedding."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
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
