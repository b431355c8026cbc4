"""What a CRM connector does beside `connections.contract`: tells what changed, reads, writes or only takes in a record.

All sync logic is the host's: a connector translates. It raises only for bugs of its own; what the provider does is an
answer or one of the five outcomes. It never decides what wins, never retries, never keeps state between calls.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from wedsync.clients.model import Contact
from wedsync.connections.contract import Attempt, Connection, Connector, Delivered, Outcome
from wedsync.connections.records.record import Field, Record
from wedsync.kit.mapping import Problem
from wedsync.venues.model import Arrangement

Part = Literal["ceremony", "drinks", "reception", "evening"]
GalleryState = Literal["making", "released", "closed"]
Handed = Literal["galleries", "messages"]
Values = tuple[tuple[tuple[str, ...], Any], ...]
"""Values of a document, each with the names that lead to it."""


class Use(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a venue has planned for a part of the day, in local times: which of its spaces, arranged how, ready when."""

    part: Part
    space_id: str
    arrangement: Arrangement = "seated"
    setup_at: time | None = None
    ready_by: time | None = None
    starts_at: time | None = None


class RemoteSpace(msgspec.Struct, frozen=True, kw_only=True):
    """A space of a venue's. Null: it is not used that way."""

    id: str
    name: str
    seated_max: int | None = None
    standing_max: int | None = None
    is_active: bool = True


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One record as it is now. `etag` is that of hints and pushes; `unread`: fields that could not be understood.

    `document` is what of it a map may read, in the provider's own names and without money. The rest is what a map adds
    (`mapped`): `own` is the record as the connector made it, `silent` are the fields that nothing was said of, `absent`
    those of them whose place is not in the document at all, `problems` what could not be read. `uses` is what a venue
    has planned of it; `contacts` are people beside the two whom it is for.
    """

    id: str
    record: Record
    etag: str = ""
    updated_at: datetime | None = None
    unread: int = 0
    document: Mapping[str, Any] = {}
    own: Record | None = None
    silent: frozenset[Field] = frozenset()
    absent: frozenset[Field] = frozenset()
    problems: tuple[Problem, ...] = ()
    uses: tuple[Use, ...] = ()
    contacts: tuple[Contact, ...] = ()
    attempt: Attempt = Attempt()


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """A record that may have changed. It is read unless its `etag` is the one that was read last; "": in any case.
    `found`: the list has told all of it, so it need not be read.
    """

    id: str
    etag: str = ""
    found: Found | None = None


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """From `cursor` on; "" names all there are."""

    cursor: str
    timeout_s: float = 10.0


class RemoteGallery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A gallery of a record's. `closed`: it was there and cannot be looked at any more. `released_on` is the day it is
    to be opened, or was; of a password only that there is one."""

    id: str
    record_id: str
    state: GalleryState
    name: str = ""
    url: str = ""
    photos: int = 0
    released_on: date | None = None
    has_password: bool = False


class RemoteMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something said with a couple, or noted of it, in plain text; `is_removed`: it is not there any more."""

    id: str
    record_id: str
    said_at: datetime
    text: str = ""
    is_removed: bool = False


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """One page. `cursor` goes on from it: with `has_more` at once, else next time.

    A change whose clock reads the same as the cursor's is named again rather than never: naming costs one reading, and
    a record that is as it was changes nothing. Galleries and messages are told whole, whether their records are or not.
    """

    hints: tuple[Hint, ...]
    cursor: str
    has_more: bool = False
    galleries: tuple[RemoteGallery, ...] = ()
    messages: tuple[RemoteMessage, ...] = ()
    attempt: Attempt = Attempt()


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """It is not there, or not any more (404, 410)."""

    attempt: Attempt = Attempt()


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """Make the record `id` say what `record` does where that differs from `before`, if it is still as `etag` says.

    Only fields that the connector `writes` differ. What is done already is done: the same push twice is one change.
    For `Documents` the same is said by `values`, and by `was`, what they were when they were last read: where there
    stands something else by now, it has `Moved`.
    """

    id: str
    etag: str
    record: Record
    before: Record
    values: Values = ()
    was: Values = ()
    timeout_s: float = 10.0


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """Written; `found` is what is there then, in the provider's own spelling."""

    found: Found
    attempt: Attempt = Attempt()


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """It was changed there meanwhile: read it, decide anew."""

    reason: str
    attempt: Attempt = Attempt()


class ReadOnly(msgspec.Struct, frozen=True, kw_only=True):
    """The account only reads: nothing can be written there until its owner gives us more."""

    reason: str
    attempt: Attempt = Attempt()


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A page of all ids there are, `cursor` as in `Pulled`. What a whole listing leaves out may be gone; it is read
    before anybody believes so."""

    ids: tuple[str, ...]
    cursor: str = ""
    has_more: bool = False
    attempt: Attempt = Attempt()


@runtime_checkable
class Records(Connector, Protocol):
    """A provider of records."""

    @property
    def writes(self) -> frozenset[Field]:
        """What of a record can be written there; everything else is only read."""

    def spelled(self, record: Record) -> Record:
        """What reads back when this is written there, so that what it has no word for is no difference: a date that is
        held may be an enquiry like any other. Spelled twice is spelled once. Pure."""

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | Outcome: ...
    async def read(self, id: str, connection: Connection, *, timeout_s: float) -> Found | Gone | Outcome: ...
    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome: ...
    async def listed(self, cursor: str, connection: Connection, *, timeout_s: float) -> Listed | Outcome: ...


@runtime_checkable
class Hands(Connector, Protocol):
    """A provider that hands out galleries and messages, and can list which there are: what is deleted there is in no
    page of changes. What a whole listing leaves out is looked at before anybody believes that it is gone."""

    async def handed(
        self, kind: Handed, cursor: str, connection: Connection, *, timeout_s: float
    ) -> Listed | Outcome: ...
    async def look(
        self, kind: Handed, id: str, connection: Connection, *, timeout_s: float
    ) -> RemoteGallery | RemoteMessage | Gone | Outcome: ...


@runtime_checkable
class Houses(Connector, Protocol):
    """A provider of a venue's: it has spaces too, and its records say what each is used for."""

    async def spaces(self, connection: Connection, *, timeout_s: float) -> tuple[RemoteSpace, ...] | Outcome: ...


@runtime_checkable
class Documents(Records, Protocol):
    """A provider of documents that only a map makes records of: what it finds has an empty record, what it pushes are
    the values of a push. Its manifest says so too (`records.is_document`)."""

    def may_write(self, connection: Connection) -> bool:
        """Whether this account's documents can be written at all. Pure."""
        ...


@runtime_checkable
class Hooks(Connector, Protocol):
    """A provider that sends hints by itself once it is told where to. Asking twice leaves one hook of a kind."""

    async def hook(
        self, address: str, connection: Connection, *, timeout_s: float
    ) -> Delivered | ReadOnly | Outcome: ...


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Hand in what `record` says. `reference` is the same on every try, and another for everything else."""

    reference: str
    record: Record
    timeout_s: float = 10.0


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """Taken in. Whether people there make a job of it nobody tells us, so it counts as accepted from now on."""

    attempt: Attempt = Attempt()


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Not taken in: something with this reference is there already. After a try whose end is unknown that was ours."""

    reason: str
    attempt: Attempt = Attempt()


@runtime_checkable
class Sends(Connector, Protocol):
    """A provider that only takes in what is new: nothing there can be read, found again or changed."""

    async def send(self, send: Send, connection: Connection) -> Sent | Known | Outcome: ...
