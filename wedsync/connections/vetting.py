"""Whether the address of a key set may be called, asked of DNS before the transaction that saves it begins."""

from contextlib import AbstractAsyncContextManager
from typing import Final

from msgspec import UNSET, UnsetType

from wedsync.connections.model import HookSettings
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.guard import TargetError
from wedsync.web.context import Context

queries = sql.load("wedsync.connections")
FIELD: Final = "settings.options.jwks_url"
KEEPERS: Final = ("couple", "owner", "admin")


async def vet(ctx: Context, entering: AbstractAsyncContextManager[Tx], settings: HookSettings | UnsetType) -> None:
    """Raises Refusal 422. Names are looked up only for those who may save; the others are refused when they enter."""
    url = "" if settings is UNSET else settings.options.jwks_url
    if ctx.wire is None or not url:
        return
    async with entering as tx:
        if await tx.value(queries.my_role) not in KEEPERS:
            return
    try:
        await ctx.wire.vet(url)
    except TargetError as error:
        raise error.as_refusal(FIELD) from error
