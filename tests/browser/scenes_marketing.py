"""Mailing lists in the gallery: one with campaigns, one that waits for a choice, one used up, and who agreed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from tests.browser.people import SUPPLIER, Scene, ago
from tests.browser.scenes_accounts import studio
from wedsync.clients.model import STAGES
from wedsync.connections.marketing.contract import RemoteList
from wedsync.connections.marketing.looking import Asked
from wedsync.connections.marketing.model import MILESTONES, Audience, Campaign, ConsentEntry, Member
from wedsync.connections.pages.marketing import STATES, WHYS, WORDS, charts
from wedsync.kit.errors import Refusal

PATH = f"/studio/{SUPPLIER}/marketing/1"
LISTS = (RemoteList("a1", "Couples"), RemoteList("a2", "Newsletter of the studio"))
ONE = Audience(
    id=UUID(int=1),
    tenant_id=UUID(SUPPLIER),
    connector="mailchimp",
    account="Marlow Photo",
    connection_state="active",
    list_id="a1",
    title="Couples",
    is_on=True,
    has_templates=True,
    outcome="done",
    reason="",
    synced_at=ago(minutes=12),
    not_before=None,
    lists=LISTS,
    members=48,
    gone=3,
    version=2,
    updated_at=ago(days=3),
)
PLACES = {"booked": "1204/3301", "six_months": "event:six_months"}


def member(number: int, email: str, state: Any, reason: str = "", tags: tuple[str, ...] = ()) -> Member:
    return Member(
        id=UUID(int=number),
        audience_id=ONE.id,
        client_id=None,
        state=state,
        reason=reason,
        email=email,
        tags=tags,
        changed_at=ago(hours=number),
    )


MEMBERS = [
    member(1, "maria.santos@example.org", "there", tags=("milestone: booked", "role: client", "season: summer 2027")),
    member(2, "tom.okafor@a-very-long-name-of-a-mail-provider.example.org", "there", tags=("role: client",)),
    member(3, "silent@example.org", "refused", "They unsubscribed there; only they themselves can come back."),
    member(4, "ana@example.org", "out", "unsubscribed"),
]
CAMPAIGNS = [
    Campaign(
        remote_id=f"{number}",
        audience_id=ONE.id,
        title=title,
        sent_at=ago(days=days),
        sends=sends,
        opens=opens,
        clicks=clicks,
        bounces=2,
        unsubscribes=number,
        complaints=0,
        as_of=ago(minutes=12),
    )
    for number, (title, days, sends, opens, clicks) in enumerate(
        [
            ("What we photographed in October", 4, 52, 31, 9),
            ("Winter weddings, and a word about light", 34, 51, 28, 12),
            ("Two Saturdays in June are free again", 61, 47, 33, 15),
        ]
    )
]


def shown(one: Audience = ONE, **more: Any) -> dict[str, Any]:
    return {
        "path": PATH,
        "one": one,
        "words": WORDS,
        "states": STATES,
        "whys": WHYS,
        "lists": [("", "None yet"), *((each.id, each.title) for each in one.lists)],
        "members": MEMBERS,
        "campaigns": CAMPAIGNS,
        "charts": charts(CAMPAIGNS),
        "templates": [{"name": name, "pushed_at": ago(days=3)} for name in ("enquiry_welcome", "thank_you")],
        "has_triggers": True,
        "milestones": [(name, title, PLACES.get(name, "")) for name, title in MILESTONES.items()],
        "refusal": None,
    } | more


def asked(name: str, email: str, *, is_in: bool, left: bool = False) -> Asked:
    return Asked(
        client_id=UUID(int=7),
        who="client",
        name=name,
        email=email,
        stage="booked",
        wedding_on=date(2027, 6, 5),
        is_in=is_in,
        left=left,
    )


def entry(act: Any, method: Any, wording: str = "", source: str = "") -> ConsentEntry:
    return ConsentEntry(
        id=UUID(int=9),
        supplier_id=UUID(SUPPLIER),
        client_id=UUID(int=7),
        email="maria.santos@example.org",
        act=act,
        method=method,
        wording=wording,
        source=source,
        connection_id=None,
        made_by=None,
        created_at=ago(days=2),
    )


def scenes() -> Iterator[Scene]:
    yield Scene("marketing", "connections/marketing.html", studio(), shown())
    waiting = msgspec.structs.replace(
        ONE, list_id="", outcome="held", members=0, gone=0, synced_at=None, reason="Choose the list."
    )
    refusal = Refusal(422, "invalid", "journeys: are not all named as Mailchimp names them")
    bare = shown(waiting, members=[], campaigns=[], charts=[], templates=[], refusal=refusal)
    yield Scene("marketing-waits", "connections/marketing.html", studio(), bare)
    spent = msgspec.structs.replace(
        ONE, connector="constant_contact", outcome="quota", reason="Constant Contact lets WedSync ask no more today."
    )
    yield Scene("marketing-spent", "connections/marketing.html", studio(), shown(spent, has_triggers=False))
    people = [
        asked("Maria Santos", "maria.santos@example.org", is_in=True),
        asked("Tom Okafor", "tom.okafor@example.org", is_in=False),
        asked("Ana Beatriz", "ana@example.org", is_in=True, left=True),
    ]
    ledger = [
        entry("given", "page", "Yes, write to me about offers and news, four times a year.", "Contact form"),
        entry("withdrawn", "provider", source="unsubscribed"),
    ]
    said = {"path": PATH, "one": ONE, "people": people, "ledger": ledger, "stages": STAGES, "refusal": None}
    yield Scene("marketing-people", "connections/marketing_people.html", studio(), said)
    none = said | {"people": [], "ledger": []}
    yield Scene("marketing-nobody", "connections/marketing_people.html", studio(), none)
