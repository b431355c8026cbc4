"""Marketing as doors show it: the audience, who agreed, who is in it, what begins a journey, campaigns in one shape."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.connections import manifest as manifests
from wedsync.connections.marketing.contract import RemoteList
from wedsync.connections.marketing.facts import EVENTS, Act, Method
from wedsync.connections.marketing.planning import State

__all__ = ("EVENTS",)

Outcome = Literal["waiting", "done", "held", "later", "quota", "failed", "reconnect"]
Who = Literal["client", "partner"]
MILESTONES: Final = {
    "booked": "Booked",
    "six_months": "Six months to go",
    "final_details": "Final details are in",
    "form_submitted": "A form came back",
    "date_passed": "The day was",
    "photos_delivered": "Photos delivered",
}
NO_TRIGGERS: Final = (
    "This provider begins automations by a tag. Choose the tag of the milestone there; nothing is to be said here."
)
Place = Annotated[str, Meta(pattern=r"^([0-9]{1,18}/[0-9]{1,18}|event:[a-z][a-z0-9_]{1,29})$")]


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """A connected marketing account. `id` is its connection's, `list_id` "" until somebody has chosen. `members` are in
    the list by us, `gone` have left it. `is_taggable`: journeys begin by tags, not by triggers."""

    id: UUID
    tenant_id: UUID
    connector: str
    account: str
    connection_state: str | None
    list_id: str
    title: str
    is_on: bool
    has_templates: bool
    outcome: Outcome
    reason: str
    synced_at: datetime | None
    not_before: datetime | None
    lists: tuple[RemoteList, ...]
    members: int
    gone: int
    version: int
    updated_at: datetime


class AudienceChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is absent stays. With another list nobody is in it yet."""

    list_id: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    is_on: bool | UnsetType = UNSET
    has_templates: bool | UnsetType = UNSET


class NewConsent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client said. `wording` is what they agreed to, word for word; `source` where they did."""

    act: Act
    who: Who = "client"
    wording: Annotated[str, Meta(max_length=1000)] = ""
    source: Annotated[str, Meta(max_length=300)] = ""


class ConsentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One act of the ledger. `source` of a provider's is unsubscribed, bounced or complained."""

    id: UUID
    supplier_id: UUID
    client_id: UUID | None
    email: str
    act: Act
    method: Method
    wording: str
    source: str
    connection_id: UUID | None
    made_by: UUID | None
    created_at: datetime


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom we have put into the list. refused: the provider did not take them, `reason` says why."""

    id: UUID
    audience_id: UUID
    client_id: UUID | None
    state: State
    reason: str
    email: str
    tags: tuple[str, ...]
    changed_at: datetime


class TriggerRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who reaches the milestone begins at this place: `journey/step` of one that starts by API, or `event:name`."""

    milestone: Annotated[str, Meta(pattern="^[a-z][a-z_]{1,40}$")]
    place: Place


class TriggerRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them."""

    triggers: Annotated[tuple[TriggerRule, ...], Meta(max_length=20)]


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a campaign, in people; `as_of` is when the provider was asked last."""

    remote_id: str
    audience_id: UUID
    title: str
    sent_at: datetime
    sends: int
    opens: int
    clicks: int
    bounces: int
    unsubscribes: int
    complaints: int
    as_of: datetime


def has_triggers(connector: str) -> bool:
    """Whether journeys there can be begun for one person."""
    found = manifests.find().get(connector)
    return found is not None and found.markets is not None and found.markets.triggers
