"""The supplier's pages: what became of its invitations, choosing clients, the mail before it leaves, how it looks."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from wedsync.clients.actions import MANAGERS, home
from wedsync.clients.model import STAGES
from wedsync.invitations import actions, model, writing
from wedsync.invitations.model import Chosen, Known, Style, Verdict
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell

PAGE: Final = "/studio/{supplier_id:uuid}/invitations"
SHOWN: Final = 50
Stands = Annotated[str, Parameter(query="state")]
TONES: Final = {"sent": "info", "opened": "wait", "joined": "good", "bounced": "bad", "suppressed": "bad"}
STEPS: Final = (
    ("clients", "Clients"),
    ("invited", "Invited"),
    ("delivered", "Delivered"),
    ("opened", "Opened"),
    ("joined", "Joined"),
    ("second_supplier", "With a second supplier"),
)
WORDS: Final = {
    "colour": FieldError("colour", "is not a colour", "Write it like #2f4a3a."),
    "words": FieldError("words", "are too long", "A thousand characters are enough."),
    "signature": FieldError("signature", "is too long", "Shorten it."),
    "address": FieldError("address", "is too long", "Shorten it."),
}
#: The look of a mail is in its own attributes, as mail programs want it.
MAIL_POLICY: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"}


async def _frame(request: AnyRequest, ctx: Context, tx: Tx, supplier_id: UUID) -> tuple[Shell, bool]:
    shell = await supplier_shell(request, ctx, tx, supplier_id, "invite")
    return shell, (await home(tx))["role"] in MANAGERS


@get(PAGE, include_in_schema=False)
async def show(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, stands: Stands = "", cursor: UUID | None = None
) -> Response[str]:
    """The figures, and what became of each."""
    state = stands if stands in model.STATES else ""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell, may_manage = await _frame(request, ctx, tx, supplier_id)
        views, following = await actions.page(tx, ctx.ring, state, cursor=cursor, limit=SHOWN)
        funnel = await actions.funnel(tx)
    figures = msgspec.structs.asdict(funnel)
    path = f"{shell.base}/invitations?state={state}"
    values: dict[str, Any] = {
        "invitations": views,
        "states": model.STATES,
        "tones": TONES,
        "open_states": model.OPEN,
        "state": state,
        "state_options": [("", "Any"), *model.STATES.items()],
        "may_manage": may_manage,
        "first": path if cursor else None,
        "after": f"{path}&cursor={following}" if following else None,
    }
    if forms.is_fragment(request):
        return respond.html("invitations/_rows.html", shell, **values)
    return respond.html(
        "invitations/invitations.html",
        shell,
        funnel=funnel,
        steps=[(label, figures[name]) for name, label in STEPS],
        brake=actions.BRAKES.get(funnel.brake or "", ""),
        **values,
    )


@get(f"{PAGE}/new", include_in_schema=False)
async def choose(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, stage: str = "") -> Response[str]:
    """Everybody who can be invited."""
    chosen = Chosen(all=True, stage=stage if stage in ("enquiry", "held", "booked") else "")  # type: ignore[arg-type]
    return await _choose(request, ctx, actor, supplier_id, chosen, {})


async def _choose(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, chosen: Chosen, errors: dict[str, str]
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell, _ = await _frame(request, ctx, tx, supplier_id)
        judged = await actions.judge(tx, ctx.ring, chosen)
        funnel = await actions.funnel(tx)
    return respond.html(
        "invitations/choose.html",
        shell,
        code=422 if errors else 200,
        candidates=[(one, said) for one, said in judged],
        stages=STAGES,
        stage=chosen.stage,
        stage_options=[("", "Any stage"), *((k, STAGES[k]) for k in ("booked", "held", "enquiry"))],
        clients=funnel.clients,
        brake=actions.BRAKES.get(funnel.brake or "", ""),
        errors=errors,
    )


@post(f"{PAGE}/new", include_in_schema=False)
async def preview(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """The mail as the first of them gets it; nothing is sent yet."""
    form = await forms.read(request)
    chosen = _chosen(form)
    if not chosen.client_ids:
        return await _choose(
            request, ctx, actor, supplier_id, Chosen(all=True), {"client": "Tick at least one couple."}
        )
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell, _ = await _frame(request, ctx, tx, supplier_id)
        judged = await actions.judge(tx, ctx.ring, chosen)
        letter = await _letter(tx, ctx, judged)
    said = [verdict for _, verdict in judged]
    return respond.html(
        "invitations/preview.html",
        shell,
        letter=letter,
        written=writing.words(letter),
        paragraphs=writing.paragraphs(writing.words(letter)),
        going=[one for one in said if one.why is None],
        staying=[(one, model.WHY[one.why]) for one in said if one.why is not None],
    )


def _chosen(form: Form) -> Chosen:
    try:
        ids = [UUID(text) for text in form.many("client")]
    except ValueError as error:
        raise Refusal(422, "invalid", "The page was not sent whole. Open it again.") from error
    if len(ids) > model.CHOSEN_MAX:
        raise Refusal(422, "too_many", f"Choose up to {model.CHOSEN_MAX} couples at once.")
    return Chosen(client_ids=ids)


async def _letter(tx: Tx, ctx: Context, judged: list[tuple[model.Candidate, Verdict]]) -> writing.Letter:
    """As the first who gets one gets it; links in it open nothing."""
    name, reply_to, style = await actions.style(tx)
    first = next((pair for pair in judged if pair[1].why is None), None)
    known, on = None, None
    if first is not None:
        one, said = first
        details = one.details
        known = Known(to=said.email, name=details.name, partner_name=details.partner_name, venue=details.venue)
        on = one.wedding_on
    return writing.sample(name, reply_to, style, known=known, on=on, site=ctx.settings.public_url)


@post(PAGE, include_in_schema=False)
async def send(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """Have them written, and go to the list."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        await actions.invite(tx, ctx.ring, ctx.settings, _chosen(form))
    return respond.done(request, f"/studio/{supplier_id}/invitations")


@post(f"{PAGE}/{{invitation_id:uuid}}/withdraw", include_in_schema=False)
async def withdraw(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, invitation_id: UUID
) -> Response[Any]:
    """Its link opens nothing any more."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        await actions.withdraw(tx, invitation_id)
    return respond.done(request, f"/studio/{supplier_id}/invitations")


@get(f"{PAGE}/style", include_in_schema=False)
async def style(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """How the mails look."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell, may_manage = await _frame(request, ctx, tx, supplier_id)
        _, _, found = await actions.style(tx)
    return _style(shell, msgspec.structs.asdict(found), {}, may_manage=may_manage)


def _style(
    shell: Shell, typed: dict[str, str], errors: dict[str, str], *, may_manage: bool, code: int = 200
) -> Response[str]:
    return respond.html("invitations/style.html", shell, code=code, typed=typed, errors=errors, may_manage=may_manage)


@post(f"{PAGE}/style", include_in_schema=False)
async def save_style(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """Back to the same page, with what is wrong or with what is saved."""
    form = await forms.read(request)
    typed = {name: form.text(name) for name in Style.__struct_fields__}
    try:
        wanted = forms.checked(Style, {**typed, "colour": typed["colour"] or model.COLOUR}, WORDS)
        async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
            await actions.put_style(tx, wanted)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
            shell, may_manage = await _frame(request, ctx, tx, supplier_id)
        return _style(shell, typed, dict(forms.errors_of(refusal)), may_manage=may_manage, code=422)
    return respond.done(request, f"/studio/{supplier_id}/invitations/style")


@get(f"{PAGE}/look", include_in_schema=False)
async def look(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """The mail's own HTML, as a mail program shows it."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        await home(tx)
        letter = await _letter(tx, ctx, [])
    return Response(writing.words(letter).html, media_type="text/html", headers=MAIL_POLICY)


ROUTES = (show, choose, preview, send, withdraw, style, save_style, look)
