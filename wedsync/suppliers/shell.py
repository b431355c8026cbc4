"""The frame of the suppliers' pages: the business, its way around, its live topics."""

from uuid import UUID

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Person, Section, Shell, supplier_sections
from wedsync.web.visitor import theme_of
from wedsync.weddings.shell import live

queries = sql.load("wedsync.suppliers")


async def supplier_shell(
    request: AnyRequest, ctx: Context, tx: Tx, supplier_id: UUID, here: str, *, wedding_id: UUID | None = None
) -> Shell:
    """For pages under `/studio/{supplier_id}`, inside the supplier's transaction; a wedding adds its own live topic."""
    actor = signed_in(request, tx.actor)
    row = await tx.row(queries.head, supplier_id)
    if row is None:
        raise not_found("supplier")
    if row["role"] not in ("owner", "admin", "member"):
        raise Refusal(403, "forbidden", "This page is the supplier's.")
    topics = f"realtime:supplier:{supplier_id}" + (f" realtime:wedding:{wedding_id}" if wedding_id else "")
    return Shell(
        face="supplier",
        base=f"/studio/{supplier_id}",
        here=here,
        path=request.url.path,
        theme=theme_of(request),
        person=Person(name=actor.name or actor.email, email=actor.email),
        heading=row["name"],
        sections=_sections(row, supplier_id),
        live=live(ctx, f"{topics} realtime:person:{actor.id}"),
        unread=row["unread"],
        now=row["now"],
    )


async def wedding_shell(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Shell:
    """The same around one wedding, for pages that then enter it. Raises Refusal 401, 403, 404."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        return await supplier_shell(request, ctx, tx, supplier_id, "weddings", wedding_id=wedding_id)


def _sections(row: Row, supplier_id: UUID) -> tuple[Section, ...]:
    kind = {name: row[name] for name in ("waiting", "enquiries", "role", "category", "is_setting_up")}
    return supplier_sections(f"/studio/{supplier_id}", **kind)
