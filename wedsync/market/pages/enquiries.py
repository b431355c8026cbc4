"""The studio's enquiries: what couples asked, answered or declined in words of your own."""

from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.params import Parameter

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal, not_found
from wedsync.market import actions, model, reading
from wedsync.market.model import STATES
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context, invalid
from wedsync.web.forms import AnyRequest, signed_in

queries = sql.load("wedsync.market")
PAGE: Final = "/studio/{supplier_id:uuid}/enquiries"
ONE: Final = PAGE + "/{enquiry_id:uuid}"
InState = Annotated[str, Parameter(query="state")]
SHOWN: Final = 30
TONES: Final = {"received": "open", "answered": "good", "declined": ""}
ANSWERS: Final = {"answer": actions.answer, "decline": actions.decline}


@get(PAGE, include_in_schema=False)
async def show(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, of: InState = "", cursor: str = ""
) -> Response[str]:
    """The list, newest first; to a script of the page, the rows alone."""
    chosen = next((known for known in STATES if known == of), None)
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "enquiries")
        home = await actions.home(tx)
        listing = await reading.listing(tx, ctx.settings.public_url)
        views, following = await reading.page(tx, ctx.ring, chosen, cursor=cursor, limit=SHOWN)
        counts = {row["state"]: row["n"] for row in await tx.rows(queries.counts)}
    base = f"{shell.base}/enquiries"
    tabs = [("", "All", base, sum(counts.values()))]
    tabs += [(key, words, f"{base}?state={key}", counts.get(key, 0)) for key, words in STATES.items()]
    return respond.html(
        "market/_enquiries.html" if forms.is_fragment(request) else "market/enquiries.html",
        shell,
        enquiries=views,
        listing=listing,
        states=STATES,
        tones=TONES,
        state=chosen or "",
        tabs_items=tabs,
        may_manage=home["role"] in actions.MANAGERS,
        after=f"{base}?{urlencode({'state': chosen or '', 'cursor': following})}" if following else None,
        first=f"{base}?state={chosen or ''}" if cursor else None,
    )


@get(ONE, include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, enquiry_id: UUID) -> Response[str]:
    """To be answered by owners and admins, to be read by the others."""
    return await _page(request, ctx, actor, supplier_id, enquiry_id)


@post(ONE, include_in_schema=False)
async def settle(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, enquiry_id: UUID) -> Response[Any]:
    """Answer or decline; back to the same page."""
    form = await forms.read(request)
    act = ANSWERS.get(form.text("action"), actions.answer)
    message = form.text("message")
    try:
        if len(message) > model.MESSAGE_CHARS_MAX:
            raise invalid("message", "is too long", "Shorten it.")
        async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
            await act(tx, ctx.ring, enquiry_id, message, version=form.number("version"))
    except Refusal as refusal:
        if refusal.status not in (409, 412, 422):
            raise
        return await _page(request, ctx, actor, supplier_id, enquiry_id, refusal=refusal, typed=message)
    return respond.see_other(f"/studio/{supplier_id}/enquiries/{enquiry_id}")


async def _page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    enquiry_id: UUID,
    *,
    refusal: Refusal | None = None,
    typed: str = "",
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "enquiries")
        home = await actions.home(tx)
        enquiry = await reading.one(tx, ctx.ring, enquiry_id)
    if enquiry is None:
        raise not_found("enquiry")
    return respond.html(
        "market/enquiry.html",
        shell,
        code=refusal.status if refusal else 200,
        enquiry=enquiry,
        words=model.in_paragraphs(enquiry.message),
        reply=model.in_paragraphs(enquiry.reply),
        states=STATES,
        tones=TONES,
        typed=typed,
        errors=forms.errors_of(refusal) if refusal else {},
        problem=refusal.detail if refusal and refusal.status != 422 else "",
        may_manage=home["role"] in actions.MANAGERS,
    )


ROUTES = (show, one, settle)
