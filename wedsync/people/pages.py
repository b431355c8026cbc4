"""Pages of people: signing in, arriving from the mail, where to go, signing out, the look of pages."""

from litestar import Response, get, post
from litestar.datastructures import Cookie

from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.people import actions, model, signing_in
from wedsync.web import auth, forms, respond, watching
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.visitor import THEMES, plain_shell, safe_next


@get("/", include_in_schema=False)
async def front(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str] | Response[None]:
    """Sign in or begin; whoever is signed in goes on."""
    wanted = safe_next(request.query_params.get("next", "/me"))
    if actor.id is not None:
        return respond.see_other(wanted)
    words = "Please sign in to go on." if wanted != "/me" else ""
    return respond.html(
        "people/sign_in.html", plain_shell(request), email="", errors={}, next=wanted, notice_words=words
    )


@post("/sign-in", include_in_schema=False)
async def ask(request: AnyRequest, ctx: Context) -> Response[str]:
    """Mail the link; the page is the same for every address."""
    form = await forms.read(request)
    email = form.text("email").lower()
    shell = plain_shell(request)
    if "@" not in email or len(email) > 320 or any(c.isspace() for c in email):
        errors = {"email": "That does not look like an e-mail address."}
        return respond.html(
            "people/sign_in.html",
            shell,
            code=422,
            email=email,
            errors=errors,
            next=safe_next(form.text("next")),
            notice_words="",
        )
    await signing_in.ask(request, ctx, email, next_path=safe_next(form.text("next")))
    return respond.html("people/sent.html", shell, email=email, minutes=model.SIGN_IN_MINUTES)


@get("/sign-in/{token:str}", include_in_schema=False)
async def arrive(request: AnyRequest, ctx: Context, token: str) -> Response[str]:
    """A GET never signs in: programs that look into mails follow links, and some run scripts. Only the demo's links,
    which are in no mail and may be used again, press the button by themselves.
    """
    async with ctx.door.bare(ANONYMOUS) as tx:
        is_demo = await tx.value("select app.is_reusable_sign_in($1)", actions.digest(token))
    action = f"/sign-in/{token}?next={safe_next(request.query_params.get('next', '/me'))}"
    return respond.html("people/arrive.html", plain_shell(request), action=action, presses_itself=is_demo)


@post("/sign-in/{token:str}", include_in_schema=False)
async def redeem(request: AnyRequest, ctx: Context, token: str) -> Response[None]:
    """Open the session."""
    person, session = await actions.open_session(ctx.door, token)
    actor = Actor(kind="person", id=person)
    watching.note(request.scope, "session.opened", actor=actor, place=("tenant", str(person)))
    answer = respond.see_other(safe_next(request.query_params.get("next", "/me")))
    answer.set_cookie(signing_in.session_cookie(ctx, session))
    return answer


@post("/auth/sign-out", include_in_schema=False)
async def sign_out(request: AnyRequest, ctx: Context, actor: Actor) -> Response[None]:
    """End the session here and on its sockets."""
    if actor.session_id is not None:
        await actions.end_session(ctx.door, actor, actor.session_id)
        auth.forget(request.app.state.lookups, actor.session_id)
        watching.note(request.scope, "session.ended", place=("tenant", str(actor.id)))
    answer = respond.see_other("/")
    answer.delete_cookie(auth.COOKIE)
    return answer


@post("/theme", include_in_schema=False)
async def theme(request: AnyRequest) -> Response[None]:
    """Light, dark, or as the device says."""
    form = await forms.read(request)
    answer = respond.see_other(safe_next(form.text("next", "/")))
    answer.set_cookie(
        Cookie(key="theme", value=THEMES.get(form.text("theme"), "auto"), samesite="lax", max_age=31536000, path="/")
    )
    return answer


ROUTES = (front, ask, arrive, redeem, sign_out, theme)
