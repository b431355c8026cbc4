"""Records as doors show them: how a CRM is kept, how fresh it is, which jobs are clients, what waits for a decision."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.clients import sealed as client_seals
from wedsync.clients.model import Stage
from wedsync.connections.records.contract import GalleryState
from wedsync.connections.records.facts import EVENTS, Direction, Kind
from wedsync.connections.records.fields import RULES_MAX, MapRule
from wedsync.connections.records.kept import Dispute, Seals
from wedsync.connections.records.record import Field, Record
from wedsync.connections.records.trying import Unread
from wedsync.kit.db import Row
from wedsync.kit.seal import KeyRing

__all__ = ("EVENTS",)

Outcome = Literal["waiting", "done", "held", "later", "failed", "reconnect", "read_only"]
Side = Literal["ours", "theirs"]
ItemState = Literal["there", "removed", "sending", "sent", "refused"]
DIRECTIONS: Final = {
    "off": "Not used",
    "import": "Only read: its jobs become your clients, nothing is written there",
    "both": "Both ways: a change on either side is made on the other",
    "send": "Only sent to: who asks or books here from now on is handed in there",
}
KINDS: Final[dict[str, tuple[str, str]]] = {
    "changed": ("Changed on both sides", "Choose which of the two holds."),
    "removed": ("Deleted in the CRM", "Say what becomes of your client. Here nothing is deleted."),
    "refused": ("A change that cannot be made", "Mend it on either side, or choose which of the two holds."),
    "sweep": ("Much has vanished at once", "Say whether that is right. Until then your clients stay as they were."),
    "unsent": ("Not taken in", "Mend the client and send it again, or leave it."),
}
BUTTONS: Final[dict[str, tuple[str, str]]] = {
    "changed": ("Keep WedSync’s", "Keep the CRM’s"),
    "removed": ("Keep the client", "Mark it as cancelled"),
    "refused": ("Keep WedSync’s", "Keep the CRM’s"),
    "sweep": ("Leave everything", "They are gone"),
    "unsent": ("Send it again", "Leave it"),
}


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """A connected CRM. `id` is its connection's. `pulled_at` is when it was last read to its end, `synced_at` when both
    sides last agreed; `is_told`: the provider sends hooks; `clients`: how many of its jobs are clients here."""

    id: UUID
    tenant_id: UUID
    connector: str
    title: str
    connection_state: str | None
    direction: Direction
    outcome: Outcome
    reason: str
    pulled_at: datetime | None
    synced_at: datetime | None
    is_told: bool
    clients: int
    conflicts: int
    version: int
    created_at: datetime
    updated_at: datetime


class BookChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it is kept from now on; what is absent stays."""

    direction: Direction | UnsetType = UNSET


class HookPlace(msgspec.Struct, frozen=True, kw_only=True):
    """What a person types into the CRM's own settings, so that it tells us of new jobs at once: the address to send to,
    and the key that it signs with."""

    address: str
    key: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A job that is a client: `external_id` is the CRM's own, `state` removed where it was deleted there. Where clients
    are only sent, `external_id` is the reference they were sent under, and sent means that nobody there has said no."""

    id: UUID
    book_id: UUID
    client_id: UUID
    external_id: str
    couple_names: str
    stage: Stage
    state: ItemState
    changed_at: datetime


class Gallery(msgspec.Struct, frozen=True, kw_only=True):
    """A gallery of a CRM. `delivery_id`: the photo delivery of the couple's wedding that it is; null until the couple
    is on WedSync, and where `reason` says why it could not be taken over. `gone_at`: it is not there any more, and what
    was delivered of it stays delivered."""

    id: UUID
    book_id: UUID
    client_id: UUID | None
    delivery_id: UUID | None
    name: str
    state: GalleryState
    url: str
    photos: int
    released_on: date | None
    reason: str
    changed_at: datetime
    gone_at: datetime | None


class RecordRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that did something or went wrong: what came, became a client, was taken over here, or was written there."""

    id: UUID
    book_id: UUID
    began_at: datetime
    ended_at: datetime
    outcome: Outcome
    reason: str
    pulled: int
    added: int
    taken: int
    written: int
    conflicts: int
    unread: int


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of what people must decide, null where there is none. `about` names the fields that differ."""

    id: UUID
    book_id: UUID
    book: str
    client_id: UUID | None
    kind: Kind
    about: tuple[str, ...]
    words: str
    fix: str
    why: str
    ours: Record | None
    theirs: Record | None
    state: Literal["open", "resolved"]
    kept: Literal["", "ours", "theirs"]
    since: datetime
    resolved_at: datetime | None
    version: int


class RecordMap(msgspec.Struct, frozen=True, kw_only=True):
    """The map of a CRM; without rules its records are as its connector reads them. `missing`: fields whose values the
    CRM does not send any more. `is_document`: values can be written by their paths, and nothing is read without a map.
    """

    book_id: UUID
    tenant_id: UUID
    connector: str
    title: str
    version: int
    rules: tuple[MapRule, ...]
    missing: tuple[Field, ...]
    is_document: bool
    made_by: UUID | None
    created_at: datetime | None


class MapVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A map as it was once; saving its rules again makes a new version of it."""

    book_id: UUID
    version: int
    rules: tuple[MapRule, ...]
    made_by: UUID | None
    created_at: datetime


class MapChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of a map, one for each field of ours; none takes the map away."""

    rules: Annotated[tuple[MapRule, ...], Meta(max_length=RULES_MAX)]


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a CRM's record, by its place there."""

    path: str
    value: str


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A record as its CRM told it last, without money and notes: what the map reads of it, and what nobody reads."""

    id: UUID
    book_id: UUID
    external_id: str
    read_at: datetime | None
    record: Record
    mapped: tuple[Value, ...]
    unmapped: tuple[Value, ...]
    problems: tuple[Unread, ...]


class Resolution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which side holds. For what was deleted there: ours keeps the client, theirs marks it as cancelled. For what was
    not taken in: ours sends it again, theirs leaves it."""

    keep: Annotated[Side, Meta(description="ours or theirs")]


def item(ring: KeyRing, row: Row) -> Item:
    """A row of the items, opened."""
    kept = Seals(ring, row["tenant_id"]).kept(row["id"], row["sealed"])
    details = client_seals.unseal(ring, row["tenant_id"], row["client_id"], row["client_sealed"])
    given: dict[str, Any] = dict(row) | {"external_id": kept.remote_id, "couple_names": details.couple_names}
    return Item(**{name: given[name] for name in Item.__struct_fields__})


def gallery(ring: KeyRing, row: Row) -> Gallery:
    """A row of the galleries, opened."""
    told = Seals(ring, row["tenant_id"]).hung(row["id"], row["sealed"]).told
    given: dict[str, Any] = msgspec.structs.asdict(told) | dict(row)
    return Gallery(**{name: given[name] for name in Gallery.__struct_fields__})


def conflict(ring: KeyRing, row: Row) -> Conflict:
    """A row of the conflicts, both sides opened."""
    seals = Seals(ring, row["tenant_id"])
    dispute = seals.open(row["sealed"], Dispute, table="record_conflicts", row=row["id"])
    words, fix = KINDS[row["kind"]]
    given: dict[str, Any] = dict(row) | {
        "book": row["title"],
        "about": tuple(row["about"].split(",")) if row["about"] and row["kind"] != "sweep" else (),
        "words": words,
        "fix": fix,
        "why": dispute.why,
        "ours": dispute.ours,
        "theirs": dispute.theirs,
    }
    return Conflict(**{name: given[name] for name in Conflict.__struct_fields__})
