"""The JSON door of proposals: suggest, look, accept, refuse, take back."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.proposals import actions, model, view
from wedsync.web.context import Context, etag, from_time_cursor, time_cursor

queries = sql.load("wedsync.proposals")
Limit = Annotated[int, Parameter(ge=1, le=200)]
Wanted = Literal["waiting", "open", "stale", "accepted", "refused", "withdrawn"]


class ProposalPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `next` goes back in as `?cursor=`."""

    items: list[model.ProposalView]
    next: str | None = None


@get(
    "/api/v1/weddings/{wedding_id:uuid}/proposals",
    summary="Proposals",
    description="The couple sees all, a supplier its own. `state=waiting` is what can still be decided.",
)
async def list_proposals(
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    wanted: Annotated[Wanted | None, Parameter(query="state")] = None,
    source_id: UUID | None = None,
    cursor: str = "",
    limit: Limit = 50,
) -> ProposalPage:
    """Each beside what is there now."""
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.page, wanted or "", source_id, at, after, limit)
        items = await view.shown(tx, rows)
    last = items[-1] if len(items) == limit else None
    return ProposalPage(items=items, next=None if last is None else time_cursor(last.created_at, last.id))


@post(
    "/api/v1/weddings/{wedding_id:uuid}/proposals",
    summary="Suggest a change",
    description="Of fields you see; the couple decides. Suggesting again replaces what still waits. 201 with the "
    "proposal; 204 where everything is so already, which takes back what waited.",
)
async def suggest(
    ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewProposal
) -> Response[model.ProposalView | None]:
    """By a supplier, or by one of the couple to the other."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        made = await actions.suggest(tx, await actions.source(tx), data)
        return Response(None, status_code=204) if made is None else await _answer(tx, made, status=201)


@get("/api/v1/proposals/{proposal_id:uuid}", summary="One proposal", description="Beside what is there now.")
async def get_proposal(ctx: Context, actor: Actor, proposal_id: UUID) -> Response[model.ProposalView | None]:
    """With its ETag."""
    async with ctx.door.enter_at(actor, "proposals", proposal_id) as tx:
        return await _answer(tx, proposal_id)


@post(
    "/api/v1/proposals/{proposal_id:uuid}/accept",
    status_code=200,
    summary="Accept a proposal",
    description="Makes the change, by the couple. Where a field has changed since it was suggested nothing happens: "
    "409 with both; send the `subject_version` you looked at to accept it all the same. `version` is the proposal's as "
    "you read it: 412 with what it says now where it was suggested anew meanwhile.",
)
async def accept(
    ctx: Context, actor: Actor, proposal_id: UUID, data: model.Acceptance
) -> Response[model.ProposalView | None]:
    """The change and the answer are one transaction."""
    async with ctx.door.enter_at(actor, "proposals", proposal_id) as tx:
        is_made = await actions.accept(
            tx, ctx.ring, proposal_id, version=data.version, subject_version=data.subject_version
        )
        answer = await _answer(tx, proposal_id)
    if not is_made:
        # After the commit: that it is stale is kept, and told.
        current: Any = msgspec.to_builtins(answer.content)
        raise Refusal(409, "stale", actions.STALE, extra={"current": current})
    return answer


@post(
    "/api/v1/proposals/{proposal_id:uuid}/refuse",
    status_code=200,
    summary="Refuse a proposal",
    description="Nothing changes; `word` is read by whoever suggested it.",
)
async def refuse(
    ctx: Context, actor: Actor, proposal_id: UUID, data: model.Refused | None = None
) -> Response[model.ProposalView | None]:
    """By the couple."""
    async with ctx.door.enter_at(actor, "proposals", proposal_id) as tx:
        await actions.refuse(tx, proposal_id, "" if data is None else data.word)
        return await _answer(tx, proposal_id)


@post(
    "/api/v1/proposals/{proposal_id:uuid}/withdraw",
    status_code=200,
    summary="Take a proposal back",
    description="By whoever suggested it, as long as it waits.",
)
async def withdraw(ctx: Context, actor: Actor, proposal_id: UUID) -> Response[model.ProposalView | None]:
    """It stays on the list as withdrawn."""
    async with ctx.door.enter_at(actor, "proposals", proposal_id) as tx:
        await actions.withdraw(tx, proposal_id)
        return await _answer(tx, proposal_id)


async def _answer(tx: Tx, proposal_id: UUID, *, status: int = 200) -> Response[model.ProposalView | None]:
    row: Row | None = await tx.row(queries.one, proposal_id)
    if row is None:
        raise not_found("proposal")
    (found,) = await view.shown(tx, [row])
    return Response(found, status_code=status, headers=etag(found.version))


ROUTES: tuple[Any, ...] = (list_proposals, suggest, get_proposal, accept, refuse, withdraw)
