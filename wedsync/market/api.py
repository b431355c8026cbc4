"""The JSON door of the public page and of enquiries, for the business itself."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post, put
from litestar.params import Parameter

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.market import actions, reading
from wedsync.market.model import EnquiryView, ListingView, NewListing, Refusing, Reply, State
from wedsync.web.context import Context, IfMatch, Page, expected_version, versioned

LISTING = "/api/v1/suppliers/{supplier_id:uuid}/listing"
ENQUIRIES = "/api/v1/suppliers/{supplier_id:uuid}/enquiries"
ENQUIRY = ENQUIRIES + "/{enquiry_id:uuid}"
InState = Annotated[State | None, Parameter(query="state", description="Only those in this state")]
Cursor = Annotated[str, Parameter(description="`next` of the page before", max_length=200)]
Limit = Annotated[int, Parameter(ge=1, le=200)]


@get(LISTING, summary="The public page", description="As it stands, published or not; 404 before it was made.")
async def get_listing(ctx: Context, actor: Actor, supplier_id: UUID) -> Response[ListingView]:
    """The whole team reads."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return versioned(await reading.listing(tx, ctx.settings.public_url))


@put(
    LISTING,
    summary="Make or change the public page",
    description="All of it; off until `is_published`. 409 `slug_taken` carries a `free` address. Owners and admins.",
)
async def put_listing(
    ctx: Context, actor: Actor, supplier_id: UUID, data: NewListing, if_match: IfMatch = None
) -> Response[ListingView]:
    """With its new ETag."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.put_listing(tx, data, version=expected_version(if_match))
        return versioned(await reading.listing(tx, ctx.settings.public_url))


@get(ENQUIRIES, summary="Enquiries", description="What couples asked on the public page, newest first.")
async def list_enquiries(
    ctx: Context, actor: Actor, supplier_id: UUID, of: InState = None, cursor: Cursor = "", limit: Limit = 50
) -> Page:
    """The whole team reads."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.home(tx)
        views, following = await reading.page(tx, ctx.ring, of, cursor=cursor, limit=limit)
    return Page(list(views), following)


@get(ENQUIRY, summary="One enquiry", description="With its ETag.")
async def get_enquiry(ctx: Context, actor: Actor, supplier_id: UUID, enquiry_id: UUID) -> Response[EnquiryView]:
    """The whole team reads."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return await _one(ctx, tx, enquiry_id)


@post(
    ENQUIRY + "/answer",
    status_code=200,
    summary="Answer an enquiry",
    description="What you write goes to them by mail; their answer comes to you. Once; 409 after. Owners and admins.",
)
async def answer(
    ctx: Context, actor: Actor, supplier_id: UUID, enquiry_id: UUID, data: Reply, if_match: IfMatch = None
) -> Response[EnquiryView]:
    """With its new ETag."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.answer(tx, ctx.ring, enquiry_id, data.message, version=expected_version(if_match))
        return await _one(ctx, tx, enquiry_id)


@post(
    ENQUIRY + "/decline",
    status_code=200,
    summary="Decline an enquiry",
    description="They are told by mail, and the client it made is cancelled. Once; 409 after. Owners and admins.",
)
async def decline(
    ctx: Context, actor: Actor, supplier_id: UUID, enquiry_id: UUID, data: Refusing, if_match: IfMatch = None
) -> Response[EnquiryView]:
    """With its new ETag."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.decline(tx, ctx.ring, enquiry_id, data.message, version=expected_version(if_match))
        return await _one(ctx, tx, enquiry_id)


async def _one(ctx: Context, tx: Tx, enquiry_id: UUID) -> Response[EnquiryView]:
    return versioned(await reading.one(tx, ctx.ring, enquiry_id))


ROUTES = (get_listing, put_listing, list_enquiries, get_enquiry, answer, decline)
