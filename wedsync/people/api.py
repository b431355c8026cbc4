"""The JSON door of people: sign in, tokens, API keys, who am I."""

from uuid import UUID

from litestar import Response, delete, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.people import actions, model, signing_in
from wedsync.web import auth, watching
from wedsync.web.context import Context, Page, as_struct, person_of
from wedsync.web.respond import AnyRequest

queries = sql.load("wedsync.people")


@post(
    "/auth/sign-in",
    status_code=202,
    summary="Ask for a sign-in link",
    description="Mails a link that signs in once, for 15 minutes.",
)
async def sign_in(request: AnyRequest, ctx: Context, data: model.AskToSignIn) -> dict[str, str]:
    """The answer is the same whether or not the address is known."""
    await signing_in.ask(request, ctx, data.email)
    return {"detail": "If the address is right, a link is on its way."}


@post(
    "/auth/token",
    status_code=200,
    summary="Get an access token",
    description="For the signed-in session: good for REST and realtime, 10 minutes.",
)
async def token(ctx: Context, actor: Actor) -> model.Token:
    """A browser's page asks for this before it opens its socket."""
    person = person_of(actor)
    if actor.session_id is None:
        raise Refusal(
            403, "session_required", "An API key cannot be turned into an access token. Use it as the bearer itself."
        )
    minted = auth.mint(ctx.settings.jwt_secret, person=person, session=actor.session_id, seconds=model.TOKEN_S)
    return model.Token(access_token=minted, expires_in=model.TOKEN_S)


@get(
    "/api/v1/me",
    summary="Who am I",
    description="The person behind the credentials, and the weddings and suppliers they are part of.",
)
async def me(ctx: Context, actor: Actor) -> model.Me:
    """Places are what the pages after sign-in list."""
    person = person_of(actor)
    async with ctx.door.enter(actor, person) as tx:
        places = await tx.rows("select * from app.places($1)", person)
    return model.Me(id=person, name=actor.name, email=actor.email, places=[as_struct(model.Place, r) for r in places])


@get("/api/v1/api-keys", summary="List API keys", description="Without their secrets, which are shown once when made.")
async def list_keys(ctx: Context, actor: Actor) -> Page:
    """Active keys only."""
    async with ctx.door.enter(actor, person_of(actor)) as tx:
        rows = await tx.rows(queries.keys)
    return Page([as_struct(model.Key, r) for r in rows])


@post(
    "/api/v1/api-keys",
    summary="Make an API key",
    description="The secret is in this answer only. You may have 50 at a time; to the limits they are one person.",
)
async def add_key(request: AnyRequest, ctx: Context, actor: Actor, data: model.NewKey) -> Response[model.Key]:
    """A key never has more than its person, and may be narrowed to one tenant."""
    person = person_of(actor)
    if actor.kind == "key":
        raise Refusal(403, "session_required", "An API key cannot make another. Sign in on a page.")
    async with ctx.door.enter(actor, person) as tx:
        made = await actions.add_key(tx, person, data)
    watching.note(request.scope, "key.made", place=("tenant", str(person)))
    return Response(made, status_code=201)


@delete(
    "/api/v1/api-keys/{key_id:uuid}",
    summary="Withdraw an API key",
    description="It stops working within five seconds everywhere.",
)
async def revoke_key(request: AnyRequest, ctx: Context, actor: Actor, key_id: UUID) -> None:
    """At once in the database; processes remember a key for five seconds."""
    person = person_of(actor)
    async with ctx.door.enter(actor, person) as tx:
        await actions.revoke_key(tx, key_id)
    watching.note(request.scope, "key.revoked", place=("tenant", str(person)))


ROUTES = (sign_in, token, me, list_keys, add_key, revoke_key)
