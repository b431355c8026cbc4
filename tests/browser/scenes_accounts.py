"""Accounts in the gallery: what is connected and can be, the way there, one that works and one that does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

from tests.browser.people import LIVE, SUPPLIER, Scene, ago, couple, supplier
from wedsync.connections.accounts import wording
from wedsync.connections.accounts.model import Offer, Revealed
from wedsync.connections.pages.chats import STATES
from wedsync.kit.errors import FieldError, Refusal
from wedsync.web import forms
from wedsync.web.shell import Shell, supplier_sections

PATH = f"/studio/{SUPPLIER}/accounts"
OWNER = {"keep": True, "own": True}
MEMBER = {"keep": False, "own": False}
GOOGLE = Offer(
    name="google_calendar",
    title="Google Calendar",
    summary="Your Google calendars, both ways.",
    status="documented, untested live",
    does=("connects", "calendars", "watches"),
    way="oauth2",
    is_configured=True,
    wants=("https://www.googleapis.com/auth/calendar.events", "https://www.googleapis.com/auth/calendar.readonly"),
)
OUTLOOK = msgspec.structs.replace(
    GOOGLE,
    name="outlook_calendar",
    title="Outlook Calendar",
    summary="Calendars of Microsoft 365 and Outlook.com.",
    is_configured=False,
    missing=("WEDSYNC_OUTLOOK_CALENDAR_CLIENT_ID", "WEDSYNC_OUTLOOK_CALENDAR_CLIENT_SECRET"),
)
ICLOUD = msgspec.structs.replace(
    GOOGLE,
    name="icloud_calendar",
    title="iCloud and CalDAV",
    summary="iCloud, and any server that speaks CalDAV.",
    status="verified",
    does=("connects", "calendars"),
    way="password",
    asks=("username", "password", "address"),
    wants=(),
)


def studio(**more: Any) -> Shell:
    sections = supplier_sections(f"/studio/{SUPPLIER}", waiting=6, role="owner")
    return msgspec.structs.replace(supplier("accounts", **more), sections=sections)


def report(state: str = "active", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"connection_id": UUID(int=5), "connector": "google_calendar", "title": "Studio calendar"}
    made |= {"provider": "Google Calendar", "state": state, "state_reason": "", "state_at": ago(days=3), "failures": 0}
    made |= {"ok_at": ago(minutes=4), "failed_at": None, "what": "pull", "reason": "", "checked_at": ago(seconds=20)}
    return made | {"words": wording.STATES[state]} | more


BROKEN = report(
    "needs_reconnect",
    title="Outlook Calendar",
    state_reason="The provider no longer lets us in (invalid_grant). Connect the account again.",
    state_at=ago(hours=2),
    failures=1,
    ok_at=ago(hours=3),
    failed_at=ago(hours=2),
    what="refresh",
    reason="The provider no longer lets us in (invalid_grant). Connect the account again.",
)


def line(what: str, word: str, **more: Any) -> dict[str, Any]:
    made = {"what": wording.what(what), "words": wording.WORDS[word], "reason": "", "times": 1, "at": ago(minutes=4)}
    return made | more


def one(report: dict[str, Any], may: dict[str, bool], **more: Any) -> dict[str, Any]:
    log = [
        line("pull", "ok", times=288),
        line("push", "retry_later", reason="The provider answered 503.", at=ago(hours=6), times=2),
        line("connect", "ok", at=ago(days=3)),
    ]
    made = {"path": f"{PATH}/1", "up": PATH, "one": report, "words": report["words"], "last": wording.what("pull")}
    made |= {
        "provider": "Google Calendar",
        "has_calendars": True,
        "has_chats": False,
        "has_lists": False,
        "has_records": False,
        "status": wording.STATUS["documented, untested live"],
        "safe": None,
        "may": may,
    }
    return made | {"log": log if may["keep"] else [], "revealed": None, "refusal": None} | more


def new(offer: Offer, **more: Any) -> dict[str, Any]:
    fields = [
        {"name": name, "label": wording.FIELDS[name][0], "hint": "", "type": wording.FIELDS[name][1], "fill": "off"}
        | {"value": ""}
        for name in offer.asks
    ]
    made = {"path": PATH, "action": f"{PATH}/new/{offer.name}", "offer": offer, "held": None, "fields": fields}
    made |= {"status": wording.STATUS[offer.status], "title": "", "refusal": None, "errors": {}, "may": OWNER}
    return made | more


def channel(state: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"id": UUID(int=1), "name": "2027-06-05-maria-and-tom-1f3a", "state": state, "reason": ""}
    made |= {
        "words": STATES[state],
        "where": "Marlow Studio (Slack)",
        "url": "",
        "posts_by": None,
        "couple": "Maria & Tom",
        "people": 4,
    }
    made |= {"strangers": 1, "posted_at": ago(minutes=12), "is_private": True, "is_unwired": False, "workflows": []}
    return made | more


NOBODY = "A private channel needs an owner, and none of its people is in the team by their e-mail address here."


def channels() -> Iterator[Scene]:
    """Channels of weddings: some that work, one in Teams that still needs its workflow, and none at all."""
    teams = "Marlow Studio (Microsoft Teams, channels made for you)"
    link = "https://teams.microsoft.com/l/channel/19%3Aabc%40thread.tacv2/2027-08-21?groupId=1&tenantId=2"
    unwired = channel(
        "waiting", id=UUID(int=2), name="2027-08-21-ines-and-joao-9c04", url=link, where=teams, is_unwired=True
    )
    unwired |= {"couple": "Inês & João", "posted_at": None, "workflows": [("7", "Teams channel 0a1b2c")]}
    failed = channel("failed", id=UUID(int=3), name="2027-09-04-wedding-77b1", reason=NOBODY, where=teams, people=0)
    listed: dict[str, Any] = {"path": f"/studio/{SUPPLIER}/chats", "chats": [unwired, channel("active"), failed]}
    listed |= {"workspaces": [("1", "Marlow Studio (Slack)"), ("2", teams)], "weddings": [("1", "Maria & Tom")]}
    listed |= {"programs": [("slack", "Slack"), ("teams", "Microsoft Teams")], "chosen": "", "name": "", "errors": {}}
    listed |= {"refusal": None, "wiring": None}
    yield Scene("chats", "connections/chats.html", studio(), listed)
    wrong = "The address is not whole. Copy all of it, to its end."
    refusal = Refusal(422, "not_let_in", wrong, errors=[FieldError("address", wrong.rstrip("."), "Look at it again.")])
    tried = {"refusal": refusal, "wiring": unwired["id"], "errors": forms.errors_of(refusal)}
    yield Scene("chats-refused", "connections/chats.html", studio(), listed | tried)
    none: dict[str, Any] = {"chats": [], "workspaces": [], "weddings": []}
    yield Scene("chats-none", "connections/chats.html", couple("settings"), listed | none)


def scenes() -> Iterator[Scene]:
    offers = [(o, wording.STATUS[o.status], wording.abilities(o)) for o in (GOOGLE, OUTLOOK, ICLOUD)]
    listed = {"path": PATH, "accounts": [report(), BROKEN], "offers": offers, "may": OWNER}
    yield Scene("accounts", "connections/accounts.html", studio(live=LIVE), listed)
    none = listed | {"accounts": [], "may": MEMBER}
    yield Scene("accounts-none", "connections/accounts.html", couple("settings"), none)
    yield Scene("account", "connections/account.html", studio(), one(report(), OWNER))
    shown = Revealed(account="mira@example.org", username="mira", address="https://dav.example.org/mira/")
    refusal = Refusal(409, "not_now", "It is paused, so this cannot be done now.")
    broken = one(BROKEN, OWNER, revealed=shown, refusal=refusal)
    safe = ("A wedding of yours is on.", "Sat 5 Jun, 22:15")
    yield Scene("account-safe", "connections/account.html", studio(), one(report(), OWNER, safe=safe))
    yield Scene("account-broken", "connections/account.html", studio(), broken)
    yield Scene("account-member", "connections/account.html", supplier("accounts"), one(report("paused"), MEMBER))
    yield Scene("account-new", "connections/account_new.html", studio(), new(GOOGLE))
    wrong = Refusal(
        422, "invalid", "password: is wrong", errors=[FieldError("password", "is not right", "Look again.")]
    )
    tried = new(ICLOUD, refusal=wrong, errors=forms.errors_of(wrong))
    yield Scene("account-form", "connections/account_new.html", studio(), tried)
    granted = msgspec.structs.replace(
        ICLOUD,
        name="teams_graph",
        title="Microsoft Teams, channels made for you",
        summary="A channel for each wedding, made in a team of yours with its people.",
        status="documented, untested live",
        wants=("Channel.Create", "ChannelMember.ReadWrite.All"),
    )
    yield Scene("account-granted", "connections/account_new.html", studio(), new(granted))
    yield Scene("account-missing", "connections/account_new.html", studio(), new(OUTLOOK))
    yield from channels()
    onward = {"path": PATH, "url": "https://accounts.example.com/authorize?state=x", "provider": "Google Calendar"}
    yield Scene("account-onward", "connections/account_onward.html", studio(), onward)
