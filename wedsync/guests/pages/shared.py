"""What a supplier sees of guests, where the couple shares it: the list without editing, and the dietary sheet."""

from uuid import UUID

from litestar import Response, get

from wedsync.events.scope import Scope
from wedsync.guests import list_page
from wedsync.guests.kitchen import sheet_page
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Person, Shell, supplier_sections
from wedsync.web.visitor import theme_of
from wedsync.weddings.shell import live

queries = sql.load("wedsync.guests")


async def _shell(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Shell:
    """The studio's frame around one wedding; its live parts are below the wedding's own address."""
    studio = f"/studio/{supplier_id}"
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        row = await tx.row(queries.studio, supplier_id)
    if row is None:
        raise not_found("supplier")
    return Shell(
        face="supplier",
        base=f"{studio}/weddings/{wedding_id}",
        here="weddings",
        path=request.url.path,
        theme=theme_of(request),
        person=Person(name=actor.name or actor.email, email=actor.email),
        heading=row["name"],
        sections=supplier_sections(studio, role=row["role"], category=row["category"]),
        live=live(ctx, f"realtime:wedding:{wedding_id}"),
        now=row["now"],
    )


@get(
    [
        "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/guests",
        "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/fragments/guests",
    ],
    include_in_schema=False,
)
async def guests(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Response[str]:
    """The list, or its live part; needs and contacts only where their own scope is held too."""
    shell = await _shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        if not await tx.value(queries.holds, int(Scope.GUESTS)):
            raise not_found("page")
        query = request.query_params
        if forms.is_fragment(request):
            values = await list_page.rows(tx, ctx.ring, wedding_id, query, base=shell.base, may_edit=False)
            return respond.html("guests/_rows.html", shell, **values)
        values = await list_page.values(tx, ctx.ring, wedding_id, query, base=shell.base, may_edit=False)
    return respond.html("guests/guests.html", shell, **values)


@get("/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/dietary", include_in_schema=False)
async def dietary(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, item: UUID | None = None
) -> Response[str]:
    """The newest sheet that was sent; nothing to publish from here."""
    shell = await _shell(request, ctx, actor, supplier_id, wedding_id)
    base = f"{shell.base}/dietary"
    async with ctx.door.enter(actor, wedding_id) as tx:
        if not await tx.value(queries.holds, int(Scope.DIETARY)):
            raise not_found("page")
        values = await sheet_page.for_supplier(tx, ctx.ring, wedding_id, item, base=base, now=shell.now)
    if values is None:
        raise not_found("dietary sheet: the couple has not sent one")
    return respond.html("guests/dietary.html", shell, **values)


ROUTES = (guests, dietary)
