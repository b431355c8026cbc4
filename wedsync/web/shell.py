"""What every page needs besides its own matter: whose page it is, the way around, and where live news comes from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

import msgspec

from wedsync.kit import clock

Face = Literal["couple", "supplier", "public", "operator"]
Theme = Literal["auto", "light", "dark"]
Tone = Literal["plain", "good", "wait", "bad"]

PHONE_BAR_MAX = 5
DESK_BAR_MAX = 9


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever is signed in, as the account menu names them."""

    name: str
    email: str = ""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One word of the navigation. `count` is what waits there for the reader; 0 shows nothing."""

    key: str
    label: str
    href: str
    icon: str
    count: int = 0


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """Where live.js listens. Several topics are separated by a space; `url` is the SDK base `<gateway>/realtime/v1`."""

    topic: str
    url: str
    token_url: str = "/auth/token"  # noqa: S105  (the address of tokens, not one)


class Mode(msgspec.Struct, frozen=True, kw_only=True):
    """What holds on every page of a face at this moment, said under the top bar; `src` draws it anew."""

    words: str
    tone: Tone = "plain"
    src: str = ""


class Toast(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    tone: Tone = "plain"


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """Passed to `render.page(name, shell=...)`; templates read it as `shell`.

    `base` is the path under which the face's pages live (`/me/<wedding id>`, `/studio/<supplier id>`), without a slash
    at the end. `here` is the key of the current section. `now` is wedding time, for "5 minutes ago" and countdowns.
    `unread` is of the reader's inbox, where the page has a bell.
    """

    face: Face = "public"
    base: str = ""
    here: str = ""
    path: str = "/"
    nonce: str = ""
    person: Person | None = None
    heading: str = ""
    on: date | None = None
    sections: Sequence[Section] = ()
    live: Live | None = None
    unread: int | None = None
    mode: Mode | None = None
    toasts: Sequence[Toast] = ()
    theme: Theme = "auto"
    now: datetime = msgspec.field(default_factory=clock.now)

    @property
    def bar(self) -> Sequence[Section]:
        """The sections a phone shows at once; the others go under More."""
        return self._first(PHONE_BAR_MAX)

    @property
    def row(self) -> Sequence[Section]:
        """Those that a desk shows at once."""
        return self._first(DESK_BAR_MAX)

    @property
    def more(self) -> Sequence[Section]:
        return self.sections[len(self.bar) :]

    def _first(self, most: int) -> Sequence[Section]:
        return self.sections if len(self.sections) <= most else self.sections[: most - 1]


def couple_sections(base: str, *, new: int = 0, tasks: int = 0, proposals: int = 0) -> tuple[Section, ...]:
    """The couple's way around; `new` counts unread activity, `tasks` what is overdue, `proposals` what waits."""
    return (
        Section(key="overview", label="Overview", href=base, icon="house"),
        Section(key="guests", label="Guests", href=f"{base}/guests", icon="users"),
        Section(key="schedule", label="Schedule", href=f"{base}/schedule", icon="calendar-clock"),
        Section(key="suppliers", label="Suppliers", href=f"{base}/suppliers", icon="store"),
        Section(key="tasks", label="Tasks", href=f"{base}/tasks", icon="list-checks", count=tasks),
        Section(key="budget", label="Budget", href=f"{base}/budget", icon="wallet"),
        Section(key="proposals", label="Proposals", href=f"{base}/proposals", icon="message-circle", count=proposals),
        Section(key="activity", label="Activity", href=f"{base}/activity", icon="activity", count=new),
        Section(key="settings", label="Settings", href=f"{base}/settings", icon="settings"),
    )


def supplier_sections(
    base: str,
    *,
    waiting: int = 0,
    enquiries: int = 0,
    role: str = "member",
    category: str = "",
    is_setting_up: bool = False,
) -> tuple[Section, ...]:
    """The supplier's way around; `waiting` counts what needs them this week over all their weddings, `enquiries` what
    nobody has answered. `is_setting_up` leads back to the steps that are left.

    The plan and webhooks are for owners and admins, security for the owner, spaces for venues.
    """
    leads = role in ("owner", "admin")

    def section(key: str, label: str, icon: str, count: int = 0) -> Section:
        return Section(key=key, label=label, href=f"{base}/{key}", icon=icon, count=count)

    shown = (
        (leads and is_setting_up, section("start", "Set up", "list-checks")),
        (True, Section(key="portfolio", label="This week", href=base, icon="calendar-days", count=waiting)),
        (True, section("calendar", "Calendar", "calendar-clock")),
        (True, section("weddings", "Weddings", "heart")),
        (True, section("clients", "Clients", "user")),
        (True, section("enquiries", "Enquiries", "mail", enquiries)),
        (category == "venue", section("spaces", "Spaces", "building-2")),
        (True, section("accounts", "Accounts", "refresh-cw")),
        (True, section("team", "Team", "users")),
        (True, Section(key="invite", label="Invite", href=f"{base}/invitations", icon="user-plus")),
        (leads, section("webhooks", "Webhooks", "webhook")),
        (leads, section("connections", "Hooks", "download")),
        (leads, section("plan", "Plan", "wallet")),
        (role == "owner", section("security", "Security", "shield-check")),
    )
    return tuple(one for is_shown, one in shown if is_shown)
