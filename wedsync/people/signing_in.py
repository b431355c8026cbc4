"""Asking for a sign-in link, by both doors: limited by mailbox, noted, and answered alike for every address."""

from typing import Final

from litestar.datastructures import Cookie

from wedsync.kit.limits import Window
from wedsync.people import actions, model
from wedsync.web import auth, watching
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest

MAILS: Final = Window("sign-in-mails", 5, 900)
"""Of one mailbox in the time that a link holds. What is more is not sent: the last links still work, so nobody is
locked out by a stranger who types their address."""


async def ask(request: AnyRequest, ctx: Context, email: str, *, next_path: str = "/me") -> None:
    """Mail a link."""
    if not (await ctx.limits.hit(MAILS, email.strip().lower())).is_allowed:
        watching.note(request.scope, "request.limited", reason="sign-in mails to one address")
        return
    url = ctx.settings.public_url
    person = await actions.ask_to_sign_in(ctx.door, ctx.ring, email=email, public_url=url, next_path=next_path)
    watching.note(request.scope, "sign_in.asked", place=("tenant", str(person)))


def session_cookie(ctx: Context, session: str) -> Cookie:
    """What a browser keeps of a session."""
    return Cookie(
        key=auth.COOKIE,
        value=session,
        httponly=True,
        samesite="lax",
        secure=ctx.settings.public_url.startswith("https:"),
        max_age=model.SESSION_DAYS * 86400,
        path="/",
    )
