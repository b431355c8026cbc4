"""What an import is made of: people as a file describes them, the plan, what is there already, and the outcome.

Names, kinds and lengths are those of `guests.model` and `db/schema/40_guests.sql`; `flat` is the one way to compare a
planned guest with a stored one, field by field.
"""

from typing import Literal

import msgspec

from wedsync.guests.importing.needs import Needs

Status = Literal["needs_action", "accepted", "declined", "tentative"]
AgeBand = Literal["adult", "teen", "child", "infant"]


class CellIssue(msgspec.Struct, frozen=True, gc=False):
    """One cell that was not taken: the row as a spreadsheet numbers it, the column's header, the value, why."""

    row: int
    column: str
    value: str
    reason: str


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An answer for one event by name ("" = the file knows only one for all). `answered_on` is an ISO date or ""."""

    event: str
    status: Status
    answered_on: str = ""


class Meal(msgspec.Struct, frozen=True, gc=False):
    """A meal choice as it was written, for one event by name ("" = the file does not say)."""

    event: str
    words: str


class PlannedGuest(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One person of the file. `key` is the same at the next import of the same list from the same source."""

    key: str
    row: int
    kind: Literal["named", "plus_one"] = "named"
    display_name: str = ""
    name_sort: str = ""
    title: str = ""
    first_name: str = ""
    last_name: str = ""
    suffix: str = ""
    known_as: str = ""
    guest_id: str = ""
    party: int = -1
    plus_one_of: str = ""
    age_band: AgeBand | Literal[""] = ""
    role: str = ""
    table_label: str = ""
    side: str = ""
    tags: list[str] = []
    email: str = ""
    phone: str = ""
    address: str = ""
    answers: list[Answer] = []
    meals: list[Meal] = []
    not_invited: list[str] = []
    needs: Needs | None = None
    notes: str = ""
    custom: dict[str, str] = {}


class PlannedParty(msgspec.Struct, kw_only=True):
    """People invited together; `rule` tells why they are one party."""

    key: str
    name: str
    rule: Literal["column", "envelope", "address", "run", "row", "plus_one"]
    guests: list[int]
    side: str = ""
    tags: list[str] = []
    plus_ones_allowed: int = 0


class Pair(msgspec.Struct, frozen=True):
    """Two rows that may be one person, or belong together, for a person to decide."""

    row: int
    other_row: int
    names: tuple[str, str]
    reason: str


class UnknownEvent(msgspec.Struct, frozen=True):
    """A column of answers for an event the wedding does not have under that name."""

    name: str
    answers: int


class Plan(msgspec.Struct, kw_only=True):
    """What a file says, before it is compared with anything. `rejected` and `duplicates` are row numbers."""

    source: str
    rows: int
    guests: list[PlannedGuest]
    parties: list[PlannedParty]
    errors: list[CellIssue]
    warnings: list[CellIssue]
    rejected: list[int]
    duplicates: list[int]
    possible_duplicates: list[Pair]
    suggestions: list[Pair]
    shared_emails: int
    unknown_events: list[UnknownEvent]
    notes: list[str]


class ExistingAnswer(msgspec.Struct, frozen=True):
    """An answer as stored: `responded_at` ISO or "", `responded_by` guest | couple | helper | import | ""."""

    status: Status
    responded_at: str = ""
    responded_by: str = ""


class ExistingGuest(msgspec.Struct, kw_only=True):
    """A guest as stored. `fields` has the keys of `flat`, except answers, which are in `answers` by event name."""

    id: str
    party_id: str
    key: str = ""
    kind: str = "named"
    fields: dict[str, str] = {}
    answers: dict[str, ExistingAnswer] = {}


class ExistingParty(msgspec.Struct, kw_only=True):
    """A party as stored."""

    id: str
    name: str
    side: str = ""
    tags: list[str] = []


class Existing(msgspec.Struct, kw_only=True):
    """What the wedding has. `bases`: the `Merge.bases` kept from finished imports of the same source, if any."""

    guests: list[ExistingGuest] = []
    parties: list[ExistingParty] = []
    bases: dict[str, dict[str, str]] = {}


class FieldChange(msgspec.Struct, frozen=True, gc=False):
    """One field that differs: take the file's, or keep ours because both changed (`is_conflict`)."""

    field: str
    ours: str
    theirs: str
    is_conflict: bool = False


class GuestStep(msgspec.Struct, kw_only=True, gc=False):
    """What to do about one planned guest (`guest`: its place in the plan).

    `same` writes nothing; neither does `possible` (a namesake, or somebody the couple removed since the last import)
    until a person decides. `reason` is for that person.
    """

    guest: int
    op: Literal["new", "update", "same", "possible"]
    guest_id: str = ""
    changes: list[FieldChange] = []
    conflicts: list[FieldChange] = []
    reason: str = ""


class PartyStep(msgspec.Struct, frozen=True, gc=False):
    """Which stored party a planned one is (none: a new one), and what it gains: a side it had not, more tags."""

    party: int
    party_id: str = ""
    changes: tuple[FieldChange, ...] = ()


class ImportResult(msgspec.Struct, kw_only=True):
    """The outcome in rows of the file: rows = created + updated + skipped + rejected."""

    rows: int
    created: int
    updated: int
    skipped: int
    rejected: int
    errors: list[CellIssue]


class PlanCounts(msgspec.Struct, kw_only=True):
    """The dry run in people: what would be new, changed, the same, in conflict, or has to be decided."""

    guests_new: int = 0
    guests_updated: int = 0
    guests_same: int = 0
    guests_possible: int = 0
    conflicts: int = 0
    parties_new: int = 0
    plus_ones: int = 0
    children: int = 0
    rows_duplicate: int = 0
    rows_rejected: int = 0


class Merge(msgspec.Struct, kw_only=True):
    """What an import would do.

    `bases` is to be kept with a finished import (sealed: it holds contacts and needs), given back as `Existing.bases`
    at the next import of the same source, and dropped when the import is undone.
    """

    guests: list[GuestStep]
    parties: list[PartyStep]
    result: ImportResult
    counts: PlanCounts
    bases: dict[str, dict[str, str]]


FLAT_FIELDS = ("first_name", "last_name", "display_name", "role", "table_label", "email", "phone", "address")


def flat(guest: PlannedGuest) -> dict[str, str]:
    """The fields a guest can be compared by, blank ones left out.

    Side and tags belong to the party. Answers are `rsvp:<event>`, meals `meal:<event>`, needs the words they were read
    from. An age nobody stated is left out too, so that it cannot turn a known child into an adult.
    """
    found = {name: value for name in FLAT_FIELDS if (value := getattr(guest, name))}
    if guest.age_band:
        found["age_band"] = guest.age_band
    for answer in guest.answers:
        found[f"rsvp:{answer.event}"] = answer.status
    for meal in guest.meals:
        found[f"meal:{meal.event}"] = meal.words
    if guest.needs is not None:
        found["needs"] = guest.needs.note or "none"
    return found
