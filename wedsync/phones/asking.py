"""What both doors do for a person's phone: limits before a code costs anything, and what is shown."""

from typing import Any, Final, Literal
from uuid import UUID

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal
from wedsync.kit.limits import Window
from wedsync.phones import actions, model, sealed
from wedsync.phones.actions import Evidence
from wedsync.web.callers import address_of
from wedsync.web.context import Context, as_struct, person_of
from wedsync.web.respond import AnyRequest

queries = sql.load("wedsync.phones")
CODES: Final = Window("phone-codes", 3, 900)
CODES_OF_A_DAY: Final = Window("phone-codes-day", 10, 86_400)
"""Of one person, and of one number, whoever gives it: texts cost money, and strangers are not to be pestered."""


async def mine(ctx: Context, actor: Actor) -> model.Mine:
    """One's own number, in clear, and what could be agreed to."""
    person, settings = person_of(actor), ctx.settings
    async with ctx.door.enter(actor, person) as tx:
        phone = await _shown(ctx, tx, person)
    is_on_offer = bool(settings.twilio_account_sid and settings.twilio_auth_token)
    return model.Mine(is_on_offer=is_on_offer, answers_to=settings.twilio_from, wording=model.Wording(), phone=phone)


async def consents(ctx: Context, actor: Actor) -> list[model.Consent]:
    """One's own ledger, newest first."""
    person = person_of(actor)
    async with ctx.door.enter(actor, person) as tx:
        rows = await tx.rows(queries.consents, person)
    return [as_struct(model.Consent, row) for row in rows]


async def _shown(ctx: Context, tx: Tx, person: UUID) -> model.Shown | None:
    row = await tx.row(queries.mine, person)
    if row is None:
        return None
    standing: Any = await tx.row(queries.standing)
    number = sealed.unseal(ctx.ring, person, row["id"], row["sealed"])
    told = {k: row[k] for k in ("region", "line", "state", "takes_texts", "takes_calls", "verified_at")}
    return model.Shown(number=number, is_stopped=standing["is_stopped"], last_text=standing["state"], **told)


async def give(
    request: AnyRequest, ctx: Context, actor: Actor, new: model.NewPhone, *, method: Literal["page", "api"]
) -> None:
    """Give a number and text the code. Raises Refusal 403, 409, 422, 429."""
    person = person_of(actor)
    number = model.number(new.number, regions=model.regions(ctx.settings.phone_regions))
    _is_own(actor)
    _is_on_offer(ctx)
    agreed = model.Agreed(takes_texts=new.takes_texts, takes_calls=new.takes_calls, wording_version=new.wording_version)
    if not (agreed.takes_texts or agreed.takes_calls):
        raise Refusal(422, "invalid", "takes_texts: without it, nothing would ever reach this number")
    async with ctx.door.enter(actor, person) as tx:
        if await actions.give(tx, ctx.ring, ctx.settings, person, number, agreed, evidence(request, method)):
            await _limit(ctx, f"{person}", sealed.index(ctx.ring, number.e164).hex())
            await actions.send_code(tx, ctx.ring, ctx.settings, person)


async def code(ctx: Context, actor: Actor) -> None:
    """Text another code. Raises Refusal 404, 409, 429."""
    person = person_of(actor)
    _is_own(actor)
    _is_on_offer(ctx)
    async with ctx.door.enter(actor, person) as tx:
        row = await tx.row(queries.mine, person)
        if row is not None:
            await _limit(ctx, f"{person}", bytes(row["number_index"]).hex())
        await actions.send_code(tx, ctx.ring, ctx.settings, person)


async def verify(ctx: Context, actor: Actor, text: str) -> None:
    """Raises Refusal 404, 410, 422; a wrong try counts."""
    person = person_of(actor)
    _is_own(actor)
    async with ctx.door.enter(actor, person) as tx:
        refusal = await actions.verify(tx, ctx.settings, person, text)
    if refusal is not None:
        raise refusal


async def agree(
    request: AnyRequest, ctx: Context, actor: Actor, agreed: model.Agreed, *, method: Literal["page", "api"]
) -> None:
    """Raises Refusal 403, 404, 409, 422. To take less, a key will do."""
    person = person_of(actor)
    async with ctx.door.enter(actor, person) as tx:
        before = await tx.row(queries.mine, person)
        if before is not None and (
            (agreed.takes_texts and not before["takes_texts"]) or (agreed.takes_calls and not before["takes_calls"])
        ):
            _is_own(actor)
        await actions.agree(tx, person, agreed, evidence(request, method))


def evidence(request: AnyRequest, method: Literal["page", "api"]) -> Evidence:
    """Where this person agreed."""
    return Evidence(
        method=method,
        source=request.url.path,
        address=address_of(request.scope),
        agent=request.headers.get("user-agent", ""),
    )


def _is_own(actor: Actor) -> None:
    """A key acts for a person, but a person agrees by themselves."""
    if actor.kind == "key":
        raise Refusal(403, "session_required", "A person agrees to texts themselves. Sign in on a page.")


def _is_on_offer(ctx: Context) -> None:
    if not (ctx.settings.twilio_account_sid and ctx.settings.twilio_auth_token):
        raise Refusal(409, "not_configured", "This installation sends no texts. Its operator can set that up.")


async def _limit(ctx: Context, *keys: str) -> None:
    for key in keys:
        for window in (CODES, CODES_OF_A_DAY):
            decision = await ctx.limits.hit(window, key)
            if not decision.is_allowed:
                raise Refusal(
                    429,
                    "too_many_requests",
                    "Too many codes were asked for. Wait as long as Retry-After says.",
                    headers=decision.headers(),
                )
