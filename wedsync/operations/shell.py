"""The frame of the operator's pages: the way around, what waits, and whether it is a wedding day, on every page."""

from datetime import datetime
from typing import Final

import msgspec

from wedsync.kit import clock
from wedsync.kit.actor import Actor
from wedsync.web.admission import WORDS
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.shell import Live, Mode, Person, Section, Shell, Tone
from wedsync.web.visitor import theme_of

BASE: Final = "/ops"
MODE: Final = f"{BASE}/fragments/mode"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at the head of every page. `urgent`: open calls for help of the two gravest kinds. `weekend`: how
    many weddings this weekend's preflight was made for; it says that `to_mend` things are to be mended now.
    `shed_level`: what late processes of the web send away, the most of them, and since when the first does.
    """

    waiting: int = 0
    live: int = 0
    urgent: int = 0
    next_at: datetime | None = None
    shed_level: int = 0
    shed_since: datetime | None = None
    weekend: int = 0
    to_mend: int = 0
    is_fresh: bool = True


def operator_shell(request: AnyRequest, ctx: Context, actor: Actor, here: str, *, waiting: Head | None = None) -> Shell:
    """`waiting` is of the moment the page is asked (`slo.actions.waiting`); parts that ask again keep it so."""
    head = waiting or Head()
    now = clock.now()
    return Shell(
        face="operator",
        base=BASE,
        here=here,
        path=request.url.path,
        theme=theme_of(request),
        person=Person(name=actor.name or actor.email, email=actor.email),
        heading="Operating WedSync",
        sections=sections(waiting=head.waiting, to_mend=head.to_mend),
        live=Live(topic="realtime:platform", url=f"{ctx.settings.gateway_url}/realtime/v1"),
        mode=mode_of(head, now),
        now=now,
    )


def mode_of(head: Head, now: datetime) -> Mode:
    """Whether it is a wedding day and what its preflight says; empty where no wedding comes within 72 hours."""
    checked = f"{preflight_words(head)} {shedding_words(head)}".strip()
    tone: Tone = "wait" if head.live or head.to_mend or not head.is_fresh else "plain"
    if head.live:
        weddings = "1 wedding is live" if head.live == 1 else f"{head.live} weddings are live"
        words = f"Wedding day: {weddings}. Everything is judged every 10 seconds by stricter limits."
        if head.urgent:
            calls = "1 urgent call for help is" if head.urgent == 1 else f"{head.urgent} urgent calls for help are"
            words, tone = f"{words} {calls} open.", "bad"
    elif head.next_at is not None:
        words = f"No wedding is live. The next begins {head.next_at:%a %H:%M} UTC, {_until(head.next_at, now)}."
    else:
        words = ""
    if head.shed_level:
        tone = "bad" if head.shed_level > 1 else "wait" if tone == "plain" else tone
    return Mode(words=f"{words} {checked}".strip(), tone=tone, src=MODE)


def shedding_words(head: Head) -> str:
    """What is sent away because the web is late; empty where nothing is."""
    if not head.shed_level or head.shed_since is None:
        return ""
    return f"The web is late since {head.shed_since:%H:%M} UTC: {WORDS[head.shed_level].lower()}"


def preflight_words(head: Head) -> str:
    """The word of this weekend's preflight; empty where none was made, or no wedding is ahead of it."""
    if not head.weekend:
        return ""
    old = "" if head.is_fresh else " It is older than six hours: see that the clock runs."
    if not head.to_mend:
        return f"Preflight: ready.{old}"
    things = "1 thing is" if head.to_mend == 1 else f"{head.to_mend} things are"
    return f"Preflight: {things} to be mended now.{old}"


def _until(at: datetime, now: datetime) -> str:
    minutes = max(0, round((at - now).total_seconds() / 60))
    return f"in {minutes} min" if minutes < 120 else f"in {minutes // 60} h"


def sections(*, waiting: int = 0, to_mend: int = 0) -> tuple[Section, ...]:
    """The operator's way around."""
    return (
        Section(key="today", label="Today", href=BASE, icon="calendar-days"),
        Section(key="health", label="Health", href=f"{BASE}/health", icon="heart"),
        Section(key="alerts", label="Alerts", href=f"{BASE}/alerts", icon="bell", count=waiting),
        Section(key="events", label="Events", href=f"{BASE}/events", icon="activity"),
        Section(key="dead-letters", label="Given up", href=f"{BASE}/dead-letters", icon="circle-alert"),
        Section(key="preflight", label="Preflight", href=f"{BASE}/preflight", icon="list-checks", count=to_mend),
        Section(key="days", label="Safe mode", href=f"{BASE}/days", icon="calendar-days"),
        Section(key="freeze", label="Freeze", href=f"{BASE}/freeze", icon="shield-check"),
        Section(key="modes", label="Modes", href=f"{BASE}/modes", icon="clock"),
        Section(key="status", label="Status", href=f"{BASE}/status", icon="info"),
        Section(key="openings", label="Openings", href=f"{BASE}/openings", icon="shield-check"),
        Section(key="tenants", label="Tenants", href=f"{BASE}/tenants", icon="store"),
        Section(key="security", label="Security", href=f"{BASE}/security", icon="eye"),
        Section(key="database", label="Database", href=f"{BASE}/database", icon="list-checks"),
        Section(key="wording", label="Words", href=f"{BASE}/wording", icon="mail"),
    )
