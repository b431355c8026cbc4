"""The JSON door of what is asked of a wedding: ask, answer, send, make final, open again."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post, put
from litestar.params import Parameter

from wedsync.forms import actions, answering, model
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.web.context import Context, IfMatch, expected_version, versioned

queries = sql.load("wedsync.forms")
Limit = Annotated[int, Parameter(ge=1, le=200)]
Answer = Response[model.FormRequest]
PATH = "/api/v1/form-requests/{request_id:uuid}"


class FormRequestPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `next` goes back in as `?cursor=`."""

    items: list[model.FormRequest]
    next: str | None = None


@get(
    "/api/v1/weddings/{wedding_id:uuid}/forms",
    summary="Forms asked of a wedding",
    description="With the answers, once they are sent. The couple sees all, a supplier its own.",
)
async def list_requests(
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    link_id: UUID | None = None,
    cursor: Annotated[UUID | None, Parameter(description="`next` of the page before")] = None,
    limit: Limit = 50,
) -> FormRequestPage:
    """`link_id` narrows what the audience sees anyway."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.requests, link_id, cursor, limit + 1)
        items = [await answering.shown(tx, ctx.ring, row) for row in rows[:limit]]
    return FormRequestPage(items=items, next=str(rows[limit - 1]["id"]) if len(rows) > limit else None)


@post(
    "/api/v1/weddings/{wedding_id:uuid}/forms",
    summary="Ask with a form",
    description="A linked supplier asks the couple, who is told. They keep this version of the form, whatever becomes "
    "of it. What is asked already is not asked twice.",
)
async def ask(ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewFormRequest) -> Answer:
    """Only for the supplier of a link."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _request(tx, ctx, await actions.ask(tx, data), status=201)


@get(
    PATH,
    summary="One form that was asked",
    description="`answers` are what was sent. The couple gets its `draft`, and in `record` what the wedding's record "
    "holds of mapped fields; its supplier gets neither.",
)
async def get_request(ctx: Context, actor: Actor, request_id: UUID) -> Answer:
    """For the couple and its supplier."""
    async with ctx.door.enter_at(actor, "form_requests", request_id) as tx:
        return await _request(tx, ctx, request_id)


@put(
    f"{PATH}/draft",
    summary="Keep a draft",
    description="As far as it is known; nothing is checked, and the supplier does not see it.",
)
async def keep_draft(ctx: Context, actor: Actor, request_id: UUID, data: model.FormDraft) -> Answer:
    """Only for the couple."""
    async with ctx.door.enter_at(actor, "form_requests", request_id) as tx:
        await answering.keep_draft(tx, ctx.ring, request_id, data)
        return await _request(tx, ctx, request_id)


@post(
    f"{PATH}/submit",
    status_code=200,
    summary="Send the answers",
    description="All of them at once. What differs from the record in a mapped field changes the record, once; what "
    "was changed there meanwhile is refused by its field, with what it says now. It can be sent again until it is "
    "final.",
)
async def submit(ctx: Context, actor: Actor, request_id: UUID, data: model.FormDraft) -> Answer:
    """Only for the couple; 422 by the keys of fields."""
    async with ctx.door.enter_at(actor, "form_requests", request_id) as tx:
        await answering.submit(tx, ctx.ring, request_id, data)
        return await _request(tx, ctx, request_id)


@post(f"{PATH}/lock", status_code=200, summary="Make the answers final", description="By the supplier who asked.")
async def lock(ctx: Context, actor: Actor, request_id: UUID, if_match: IfMatch = None) -> Answer:
    """Twice is once."""
    async with ctx.door.enter_at(actor, "form_requests", request_id) as tx:
        await actions.lock(tx, request_id, version=expected_version(if_match))
        return await _request(tx, ctx, request_id)


@post(
    f"{PATH}/reopen",
    status_code=200,
    summary="Ask for more",
    description="What was answered stays, and can be answered otherwise. The couple reads your word.",
)
async def reopen(
    ctx: Context, actor: Actor, request_id: UUID, data: model.FormReopening, if_match: IfMatch = None
) -> Answer:
    """By the supplier who asked."""
    async with ctx.door.enter_at(actor, "form_requests", request_id) as tx:
        await actions.reopen(tx, request_id, data.word, version=expected_version(if_match))
        return await _request(tx, ctx, request_id)


@post(
    f"{PATH}/withdraw",
    status_code=200,
    summary="Do not ask any more",
    description="Only what was never answered. By the supplier who asked.",
)
async def withdraw(ctx: Context, actor: Actor, request_id: UUID, if_match: IfMatch = None) -> Answer:
    """The address that opens it ends."""
    async with ctx.door.enter_at(actor, "form_requests", request_id) as tx:
        await actions.withdraw(tx, request_id, version=expected_version(if_match))
        return await _request(tx, ctx, request_id)


@post(
    f"{PATH}/pass",
    summary="Make an address for it",
    description="It opens this one form without an account, for half a year; the one before it ends. Who answers by it "
    "sees no more of the record than the supplier does, and what they answer otherwise is proposed to the couple.",
)
async def share(ctx: Context, actor: Actor, request_id: UUID) -> model.FormPass:
    """For the couple and the supplier who asked."""
    async with ctx.door.enter_at(actor, "form_requests", request_id) as tx:
        token, until = await actions.share(tx, ctx.settings.jwt_secret, request_id)
    return model.FormPass(url=f"{ctx.settings.public_url}/form/{token}", until=until)


async def _request(tx: Tx, ctx: Context, request_id: UUID, *, status: int = 200) -> Answer:
    row = await tx.row(queries.request, request_id)
    if row is None:
        raise not_found("form")
    return versioned(await answering.shown(tx, ctx.ring, row), status=status)


ROUTES = (list_requests, ask, get_request, keep_draft, submit, lock, reopen, withdraw, share)
