"""The JSON door of suppliers and links."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import not_found
from wedsync.suppliers import actions, model
from wedsync.web.context import Context, IfMatch, Page, as_struct, etag, expected_version, person_of

queries = sql.load("wedsync.suppliers")


class Made(msgspec.Struct, frozen=True):
    """The id of what was made."""

    id: UUID


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation waiting for the signed-in person's business."""

    link_id: UUID
    wedding_id: UUID
    couple_names: str
    on: Any
    supplier_name: str
    category: str
    level: str


@post("/api/v1/suppliers", summary="Register a business", description="The caller becomes its owner.")
async def register(ctx: Context, actor: Actor, data: model.NewSupplier) -> Response[Made]:
    """One person may own several."""
    person_of(actor)
    return Response(Made(await actions.register(ctx.door, actor, data)), status_code=201)


@get("/api/v1/suppliers/{supplier_id:uuid}", summary="One business", description="For its members.")
async def get_supplier(ctx: Context, actor: Actor, supplier_id: UUID) -> Response[model.Supplier]:
    """With its ETag."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        row = await tx.row(queries.supplier, supplier_id)
    if row is None:
        raise not_found("supplier")
    return Response(as_struct(model.Supplier, row), headers=etag(row["version"]))


@get(
    "/api/v1/suppliers/{supplier_id:uuid}/weddings",
    summary="The portfolio",
    description="Every wedding linked or requested, soonest first.",
)
async def portfolio(ctx: Context, actor: Actor, supplier_id: UUID) -> Page:
    """A member sees the weddings assigned to them."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        rows = await tx.rows(queries.portfolio, supplier_id)
    return Page(
        [msgspec.convert({**dict(r), "open": msgspec.json.decode(r["open"])}, type=model.IndexRow) for r in rows]
    )


@post(
    "/api/v1/suppliers/{supplier_id:uuid}/requests",
    status_code=202,
    summary="Ask a couple to link",
    description="The answer is the same whether or not the couple is here.",
)
async def request_link(ctx: Context, actor: Actor, supplier_id: UUID, data: model.LinkRequest) -> dict[str, str]:
    """The couple decides, and sets the level."""
    person_of(actor)
    await actions.request(ctx.door, actor, supplier_id, data.couple_email)
    return {"detail": "If this couple is here, they will see your request."}


@get(
    "/api/v1/me/invitations",
    summary="Invitations to my business",
    description="Addressed to the signed-in person's e-mail.",
)
async def invitations(ctx: Context, actor: Actor) -> Page:
    """Open ones only."""
    person = person_of(actor)
    async with ctx.door.bare(actor) as tx:
        rows = await tx.rows("select * from app.invitations($1)", person)
    return Page([as_struct(Invitation, r) for r in rows])


@post(
    "/api/v1/links/{link_id:uuid}/answer",
    status_code=204,
    summary="Answer an invitation",
    description="As one of the caller's businesses.",
)
async def answer(ctx: Context, actor: Actor, link_id: UUID, data: model.InvitationAnswer) -> None:
    """Accepting makes the link active at the level the couple chose."""
    person_of(actor)
    await actions.answer(ctx.door, actor, link_id, data)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/links", summary="Links", description="The couple sees all; a supplier its own."
)
async def list_links(ctx: Context, actor: Actor, wedding_id: UUID) -> Page:
    """Without the ended ones."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.links, wedding_id)
    return Page([as_struct(model.Link, r) for r in rows])


@post(
    "/api/v1/weddings/{wedding_id:uuid}/links",
    summary="Invite a supplier",
    description="By e-mail, at a level the couple chooses.",
)
async def invite(ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewLink) -> Response[Made]:
    """A mail goes out; its link shows the core, the rest is seen once it is accepted."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return Response(Made(await actions.invite(tx, wedding_id, data)), status_code=201)


@get("/api/v1/links/{link_id:uuid}", summary="One link", description="With what it may see.")
async def get_link(ctx: Context, actor: Actor, link_id: UUID) -> Response[model.Link]:
    """For the couple and the supplier itself."""
    async with ctx.door.enter_at(actor, "links", link_id) as tx:
        return _link(await tx.row(queries.link, link_id))


@patch(
    "/api/v1/links/{link_id:uuid}",
    summary="Change what a link may see",
    description="Level and flags; `can_view_budget: true` is refused with 422.",
)
async def change_link(
    ctx: Context, actor: Actor, link_id: UUID, data: model.LinkChange, if_match: IfMatch = None
) -> Response[model.Link]:
    """Only the couple; open sockets feel it within a second."""
    async with ctx.door.enter_at(actor, "links", link_id) as tx:
        await actions.change(tx, link_id, data, version=expected_version(if_match))
        return _link(await tx.row(queries.link, link_id))


@delete("/api/v1/links/{link_id:uuid}", summary="End a link", description="Sockets and deliveries stop at once.")
async def revoke(ctx: Context, actor: Actor, link_id: UUID) -> None:
    """Only the couple."""
    async with ctx.door.enter_at(actor, "links", link_id) as tx:
        await actions.revoke(tx, link_id)


def _link(row: Row | None) -> Response[model.Link]:
    if row is None:
        raise not_found("link")
    return Response(as_struct(model.Link, row), headers=etag(row["version"]))


ROUTES = (
    register,
    get_supplier,
    portfolio,
    request_link,
    invitations,
    answer,
    list_links,
    invite,
    get_link,
    change_link,
    revoke,
)
