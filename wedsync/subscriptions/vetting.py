"""Whether addresses that somebody types may be called, asked of DNS before their transaction begins."""

import msgspec

from wedsync.kit.actor import Actor
from wedsync.kit.guard import TargetError
from wedsync.subscriptions import secured
from wedsync.web.context import Context


async def vet(ctx: Context, actor: Actor, data: msgspec.Struct) -> None:
    """Raises Refusal 422 by the field. Nobody in particular is refused on entering; for them nothing is looked up."""
    if ctx.wire is None or actor.id is None:
        return
    for field, url in secured.urls(data):
        try:
            await ctx.wire.vet(url)
        except TargetError as error:
            raise error.as_refusal(field) from error
