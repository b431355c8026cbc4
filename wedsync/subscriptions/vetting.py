"""Whether addresses that somebody types may be called, asked of DNS between two transactions."""

from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec
import structlog

from wedsync.kit import guard, sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal
from wedsync.kit.guard import TargetError
from wedsync.kit.http import Wire
from wedsync.kit.limits import Bucket
from wedsync.subscriptions import secured
from wedsync.web.context import Context, person_of

log = structlog.get_logger("vetting")
queries = sql.load("wedsync.subscriptions")
NAMES: Final = Bucket("names", per_s=0.5, burst=60)
"""Names that are looked up for one person: nobody reads our DNS by saving endpoints."""


async def vet(ctx: Context, actor: Actor, data: msgspec.Struct, entering: AbstractAsyncContextManager[Tx]) -> None:
    """Raises Refusal 422 by the field, 429, and 404 or 403 for whoever may not write where `entering` leads.

    They are refused first, and no transaction waits for a name server.
    """
    urls = secured.urls(data)
    if ctx.wire is None or not urls:
        return
    async with entering as tx:
        if not await tx.value(queries.may_keep):
            raise Refusal(403, "forbidden", "You may see this, but not change it.")
    for field, url in urls:
        if _is_name(url):
            await _allow(ctx, actor)
        await _judge(ctx.wire, field, url)


async def _judge(wire: Wire, field: str, url: str) -> None:
    try:
        await wire.vet(url)
    except TargetError as error:
        if error.found:
            log.info("address_refused", found=error.found)
        raise error.as_refusal(field) from error


def _is_name(url: str) -> bool:
    try:
        return guard.parse(url).literal is None
    except TargetError:
        return False


async def _allow(ctx: Context, actor: Actor) -> None:
    decision = await ctx.limits.hit(NAMES, f"person|{person_of(actor)}")
    if not decision.is_allowed:
        detail = "You have saved many addresses in a short time. Wait as long as Retry-After says."
        raise Refusal(429, "too_many_requests", detail, headers=decision.headers())
