"""The frame of the couple's pages: names, date, way around, and where live news comes from."""

from uuid import UUID

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Live, Person, Shell, couple_sections
from wedsync.web.visitor import theme_of
from wedsync.weddings import news

queries = sql.load("wedsync.weddings")


def live(ctx: Context, topic: str, token_url: str = "/auth/token") -> Live:  # noqa: S107 - the address of tokens
    """Where a page's socket goes, and where it gets its token."""
    return Live(topic=topic, url=f"{ctx.settings.gateway_url}/realtime/v1", token_url=token_url)


async def couple_shell(request: AnyRequest, ctx: Context, tx: Tx, wedding_id: UUID, here: str) -> Shell:
    """For pages under `/me/{wedding_id}`, inside its transaction. Raises Refusal 403 for others than the couple."""
    actor: Actor = signed_in(request, tx.actor)
    row = await tx.row(queries.head, wedding_id, actor.id, list(news.TYPES))
    if row is None:
        raise not_found("wedding")
    if row["role"] != "couple":
        raise Refusal(403, "forbidden", "This page is the couple's. Your own pages list what you may see.")
    base = f"/me/{wedding_id}"
    return Shell(
        face="couple",
        base=base,
        here=here,
        path=request.url.path,
        theme=theme_of(request),
        person=Person(name=actor.name or actor.email, email=actor.email),
        heading=row["couple_names"],
        on=row["on"],
        sections=couple_sections(base, new=row["new"], tasks=row["late"], proposals=row["proposed"]),
        live=live(ctx, f"realtime:wedding:{wedding_id} realtime:person:{actor.id}"),
        unread=row["unread"],
        now=row["now"],
    )
