"""Whoever looks at a page without a tenant: their theme, a plain frame, and where they may be sent next."""

from urllib.parse import urlsplit

from wedsync.kit.actor import Actor
from wedsync.web.forms import AnyRequest
from wedsync.web.shell import Person, Shell, Theme

THEMES: dict[str, Theme] = {"light": "light", "dark": "dark", "auto": "auto"}


def theme_of(request: AnyRequest) -> Theme:
    """What the visitor chose; their device decides otherwise."""
    return THEMES.get(request.cookies.get("theme", ""), "auto")


def plain_shell(request: AnyRequest, actor: Actor | None = None) -> Shell:
    """A page without sections."""
    person = Person(name=actor.name or actor.email, email=actor.email) if actor and actor.id else None
    return Shell(path=request.url.path, theme=theme_of(request), person=person)


def safe_next(path: str) -> str:
    """Where to go after signing in: a path of ours, never another site."""
    parts = urlsplit(path)
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc else "/me"
