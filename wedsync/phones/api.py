"""The JSON door of phones: one's own number, its code, what is agreed to, and the ledger."""

from litestar import Response, delete, get, post, put

from wedsync.kit.actor import Actor
from wedsync.phones import actions, asking, model
from wedsync.web.context import Context, Page, person_of
from wedsync.web.respond import AnyRequest


@get(
    "/api/v1/me/phone",
    summary="My phone",
    description="One's own number, and the words that are agreed to when one is given. `phone` is null without one.",
)
async def read(ctx: Context, actor: Actor) -> model.Mine:
    """In clear: it is theirs."""
    return await asking.mine(ctx, actor)


@put(
    "/api/v1/me/phone",
    status_code=202,
    summary="Give a number",
    description="A code is texted to it, which `POST /api/v1/me/phone/verify` takes. "
    "Agreeing is a person's own act: show the words of `GET /api/v1/me/phone` first; an API key is refused.",
)
async def give(request: AnyRequest, ctx: Context, actor: Actor, data: model.NewPhone) -> model.Mine:
    """Another number takes the place of the one before, and is proved anew."""
    await asking.give(request, ctx, actor, data, method="api")
    return await asking.mine(ctx, actor)


@post(
    "/api/v1/me/phone/verify",
    status_code=200,
    summary="Prove the number",
    description=f"By the code of the last text, within {model.CODE_MINUTES} minutes and {model.CODE_TRIES} tries.",
)
async def verify(ctx: Context, actor: Actor, data: model.Code) -> model.Mine:
    """From now on it is texted."""
    await asking.verify(ctx, actor, data.code)
    return await asking.mine(ctx, actor)


@post(
    "/api/v1/me/phone/code",
    status_code=202,
    summary="Text another code",
    description="The last one counts no more. Three in a quarter of an hour.",
)
async def code(ctx: Context, actor: Actor) -> Response[None]:
    """To the number that was given."""
    await asking.code(ctx, actor)
    return Response(None, status_code=202)


@put(
    "/api/v1/me/phone/consent",
    summary="Agree to more, or to less",
    description="What is taken back is taken back at once. What has been agreed to is in the ledger for ever.",
)
async def agree(request: AnyRequest, ctx: Context, actor: Actor, data: model.Agreed) -> model.Mine:
    """Texts and calls apart."""
    await asking.agree(request, ctx, actor, data, method="api")
    return await asking.mine(ctx, actor)


@delete(
    "/api/v1/me/phone",
    summary="Take the number away",
    description="It is forgotten. A STOP that came from it stays.",
)
async def remove(request: AnyRequest, ctx: Context, actor: Actor) -> None:
    """Its owner's ledger keeps that it was agreed to."""
    person = person_of(actor)
    async with ctx.door.enter(actor, person) as tx:
        await actions.remove(tx, person, asking.evidence(request, "api"))


@get(
    "/api/v1/me/phone/consents",
    summary="What I agreed to",
    description="Each time something was agreed to or taken back: the very words, how, and when. Newest first.",
)
async def consents(ctx: Context, actor: Actor) -> Page:
    """The last hundred."""
    return Page(list(await asking.consents(ctx, actor)))


ROUTES = (read, give, verify, code, agree, remove, consents)
