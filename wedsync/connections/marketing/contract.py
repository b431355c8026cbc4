"""What a connector of a marketing provider does beside `connections.contract`: lists, members, tags, who left, reports.

A connector translates. Who may be written to, and what is asked when, is decided by the host; it raises only for bugs
of its own, and what the provider does is an answer, `Spent`, or one of the five outcomes. Nothing here sends a mail to
anybody: that is done by the supplier, there.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import msgspec

from wedsync.connections.contract import Attempt, Connection, Connector, Delivered, Outcome

Why = Literal["unsubscribed", "bounced", "complained"]


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What was allowed for this time is used up: waiting a moment helps nothing, and nothing is asked for `after_s`."""

    reason: str
    after_s: float
    attempt: Attempt = Attempt()


class RemoteList(msgspec.Struct, frozen=True):
    """A list that members can be kept in."""

    id: str
    title: str


class Contact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One person who agreed. `tags` are all of ours that they are to have; the provider's own are left alone.
    `is_again`: they had unsubscribed there, so only they themselves can say that they are back."""

    email: str
    first_name: str = ""
    last_name: str = ""
    tags: tuple[str, ...] = ()
    is_again: bool = False


class Upsert(msgspec.Struct, frozen=True, kw_only=True):
    """All of these are in the list afterwards, each once however often it is asked. `pending` names a batch that the
    provider had begun with when it was asked last, and then nothing is sent anew."""

    list_id: str
    contacts: tuple[Contact, ...]
    pending: str = ""
    timeout_s: float = 30.0


class Upserted(msgspec.Struct, frozen=True, kw_only=True):
    """They are in, but for those who are `refused`: why, by their addresses."""

    refused: Mapping[str, str] = {}
    attempt: Attempt = Attempt()


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """The provider works on it, under this id; on all but those who are `refused` already."""

    id: str
    refused: Mapping[str, str] = {}
    attempt: Attempt = Attempt()


class Tagging(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets which tag, and who loses it; members of the list all of them."""

    list_id: str
    gains: Mapping[str, tuple[str, ...]] = {}
    losses: Mapping[str, tuple[str, ...]] = {}
    timeout_s: float = 30.0


class Gone(msgspec.Struct, frozen=True):
    """Somebody who wants no more, or whose mailbox does not."""

    email: str
    why: Why = "unsubscribed"


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """Who has left since the cursor, and where it goes on from; asked from there again, some may come again."""

    gone: tuple[Gone, ...]
    cursor: str
    is_more: bool = False
    attempt: Attempt = Attempt()


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A letter to begin from. `remote_id` is what it was there the last time, "" where it is new."""

    name: str
    title: str
    subject: str
    html: str
    business: str
    remote_id: str = ""
    timeout_s: float = 30.0


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """The template is there, under this id."""

    id: str
    attempt: Attempt = Attempt()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one campaign, in people."""

    id: str
    title: str
    sent_at: datetime
    sends: int = 0
    opens: int = 0
    clicks: int = 0
    bounces: int = 0
    unsubscribes: int = 0
    complaints: int = 0


class Reports(msgspec.Struct, frozen=True, kw_only=True):
    """The newest campaigns first."""

    reports: tuple[Report, ...]
    attempt: Attempt = Attempt()


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody has reached a milestone; `place` is where a journey begins there, as the supplier has named it."""

    list_id: str
    email: str
    milestone: str
    place: str
    timeout_s: float = 30.0


@runtime_checkable
class Markets(Connector, Protocol):
    """A provider of marketing mail."""

    @property
    def batch_max(self) -> int:
        """Contacts of one upsert."""

    async def lists(self, connection: Connection, *, timeout_s: float) -> tuple[RemoteList, ...] | Spent | Outcome: ...
    async def upsert(self, upsert: Upsert, connection: Connection) -> Upserted | Pending | Spent | Outcome: ...
    async def tag(self, tagging: Tagging, connection: Connection) -> Delivered | Spent | Outcome: ...
    async def withdraw(
        self, list_id: str, email: str, connection: Connection, *, timeout_s: float
    ) -> Delivered | Spent | Outcome: ...
    async def left(
        self, list_id: str, cursor: str, connection: Connection, *, timeout_s: float
    ) -> Left | Spent | Outcome: ...
    async def write(self, template: Template, connection: Connection) -> Written | Spent | Outcome: ...
    async def reports(self, connection: Connection, *, timeout_s: float) -> Reports | Spent | Outcome: ...


@runtime_checkable
class Triggers(Connector, Protocol):
    """A provider whose journeys can be begun for one person."""

    async def trigger(self, trigger: Trigger, connection: Connection) -> Delivered | Spent | Outcome: ...


@runtime_checkable
class Tells(Connector, Protocol):
    """A provider that tells at once who has left."""

    async def hook(
        self, list_id: str, address: str, connection: Connection, *, timeout_s: float
    ) -> Delivered | Spent | Outcome: ...
