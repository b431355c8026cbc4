"""The frame of the operator's pages."""

from typing import Final

from wedsync.kit.actor import Actor
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.shell import Person, Section, Shell
from wedsync.web.visitor import theme_of

BASE: Final = "/ops"


def operator_shell(request: AnyRequest, ctx: Context, actor: Actor, here: str, *, waiting: int = 0) -> Shell:
    """Without live news: these pages are of the moment they are asked. `waiting`: alerts that nobody took up."""
    return Shell(
        face="operator",
        base=BASE,
        here=here,
        path=request.url.path,
        theme=theme_of(request),
        person=Person(name=actor.name or actor.email, email=actor.email),
        heading="Operating WedSync",
        sections=sections(waiting=waiting),
    )


def sections(*, waiting: int = 0) -> tuple[Section, ...]:
    """The operator's way around."""
    return (
        Section(key="health", label="Health", href=f"{BASE}/health", icon="heart"),
        Section(key="alerts", label="Alerts", href=f"{BASE}/alerts", icon="bell", count=waiting),
        Section(key="days", label="Wedding days", href=f"{BASE}/days", icon="calendar-days"),
        Section(key="freeze", label="Freeze", href=f"{BASE}/freeze", icon="shield-check"),
        Section(key="database", label="Database", href=f"{BASE}/database", icon="activity"),
        Section(key="wording", label="Words", href=f"{BASE}/wording", icon="mail"),
    )
