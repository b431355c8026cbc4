"""Parties, guests, answers and needs: the rows, and what may be sent in; the events are in `facts`."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

Status = Literal["needs_action", "accepted", "declined", "tentative"]
AgeBand = Literal["adult", "teen", "child", "infant"]
Side = Literal["", "partner_a", "partner_b", "both"]
Name = Annotated[str, Meta(max_length=300)]
FullName = Annotated[str, Meta(min_length=1, max_length=600)]
AllergenKey = Literal[
    "wheat",
    "rye",
    "barley",
    "oats",
    "spelt",
    "khorasan",
    "crustaceans",
    "eggs",
    "fish",
    "peanuts",
    "soy",
    "milk",
    "almonds",
    "hazelnuts",
    "walnuts",
    "cashews",
    "pecans",
    "brazil_nuts",
    "pistachios",
    "macadamia",
    "tree_nuts",
    "cereals_gluten",
    "celery",
    "mustard",
    "sesame",
    "sulphites",
    "lupin",
    "molluscs",
]
"""EU Regulation 1169/2011 Annex II: the fourteen, cereals and tree nuts also by name."""
Diet = Literal[
    "vegetarian",
    "vegan",
    "pescatarian",
    "halal",
    "kosher",
    "jain",
    "no_pork",
    "no_beef",
    "no_alcohol",
    "low_fodmap",
    "diabetic",
    "pregnancy",
    "gluten_free",
    "dairy_free",
    "nut_free",
    "soft_food",
    "child_meal",
    "other",
]
Access = Literal[
    "wheelchair_user",
    "limited_walking",
    "step_free",
    "seat_near_exit",
    "accessible_toilet",
    "accessible_parking",
    "hearing_loop",
    "sign_language",
    "large_print",
    "low_sensory",
    "assistance_dog",
    "carer",
    "baby_change",
    "high_chair",
    "pram",
    "medical_fridge",
    "other",
]


class Allergen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One allergen of one guest."""

    key: AllergenKey
    kind: Literal["allergy", "intolerance", "coeliac", "avoid"] = "allergy"
    severity: Literal["mild", "moderate", "severe", "anaphylaxis"] = "moderate"
    cross_contact_ok: Literal["yes", "no", "unknown"] = "unknown"


class Needs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a guest needs; `answered` with nothing in it means "none", which never having been asked does not."""

    answered: bool = True
    allergens: Annotated[list[Allergen], Meta(max_length=28)] = []
    diets: Annotated[list[Diet], Meta(max_length=18)] = []
    access: Annotated[list[Access], Meta(max_length=17)] = []
    note: Annotated[str, Meta(max_length=1000)] = ""

    @property
    def is_severe(self) -> bool:
        """Whether somebody is in danger when a kitchen learns of it late."""
        return any(allergen.severity in ("severe", "anaphylaxis") for allergen in self.allergens)


class Contact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a guest is reached; kept sealed."""

    email: Annotated[str, Meta(max_length=320)] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    address: Annotated[str, Meta(max_length=500)] = ""


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `parties`: people invited together."""

    id: UUID
    wedding_id: UUID
    name: str
    side: Side
    tags: list[str]
    plus_ones_allowed: int
    invited_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `guests`."""

    id: UUID
    wedding_id: UUID
    party_id: UUID
    first_name: str
    last_name: str
    display_name: str
    name_sort: str
    kind: Literal["named", "plus_one", "crew"]
    age_band: AgeBand
    plus_one_of: UUID | None
    role: str
    table_label: str
    source_key: str | None
    position: int
    version: int
    created_at: datetime
    updated_at: datetime


class Rsvp(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `rsvps`: an invitation to one schedule item, and the answer."""

    id: UUID
    wedding_id: UUID
    guest_id: UUID
    schedule_item_id: UUID
    party_id: UUID
    status: Status
    menu_option_id: UUID | None
    responded_at: datetime | None
    responded_by: str | None
    version: int
    created_at: datetime
    updated_at: datetime


class Headcount(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `headcounts`: derived, without names; dietary cells below 3 read "<3"."""

    id: UUID
    wedding_id: UUID
    schedule_item_id: UUID
    invited: int
    accepted: int
    declined: int
    tentative: int
    pending: int
    children: int
    meals: dict[str, int]
    dietary: dict[str, Any]
    version: int
    updated_at: datetime


class SealedContact(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `guest_contacts`: opened for audiences with scope contacts, sealed everywhere else."""

    id: UUID
    wedding_id: UUID
    guest_id: UUID
    party_id: UUID
    sealed: str
    email_index: str | None
    version: int
    updated_at: datetime


class SealedNeeds(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `guest_needs`: opened for audiences with scope dietary, sealed everywhere else."""

    id: UUID
    wedding_id: UUID
    guest_id: UUID
    party_id: UUID
    sealed: str
    version: int
    updated_at: datetime


class HeadcountLock(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `headcount_locks`: the final numbers as they were."""

    id: UUID
    wedding_id: UUID
    schedule_item_id: UUID
    counts: dict[str, Any]
    sha256: str
    locked_at: datetime
    locked_by: UUID | None
    released_at: datetime | None
    version: int
    updated_at: datetime


class DietarySheet(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `dietary_sheets`: a numbered sheet, sealed."""

    id: UUID
    wedding_id: UUID
    schedule_item_id: UUID
    number: int
    sealed: str
    changes: int
    made_at: datetime
    version: int
    updated_at: datetime


class MenuOption(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `menu_options`: a meal guests may choose at a schedule item."""

    id: UUID
    wedding_id: UUID
    schedule_item_id: UUID
    name: str
    course: str
    position: int
    version: int
    updated_at: datetime


class NewGuest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guest to add: to a party named by id, or to a new party of its own."""

    first_name: Name = ""
    last_name: Name = ""
    display_name: Annotated[str, Meta(max_length=600)] = ""
    party_id: UUID | None = None
    age_band: AgeBand = "adult"
    kind: Literal["named", "plus_one", "crew"] = "named"
    role: Annotated[str, Meta(max_length=60)] = ""
    contact: Contact | None = None
    needs: Needs | None = None
    schedule_item_ids: list[UUID] | None = None


class NewParty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A party with its guests, invited to the given schedule items (absent: all that take RSVPs)."""

    name: Annotated[str, Meta(min_length=1, max_length=300)]
    guests: Annotated[list[NewGuest], Meta(max_length=50)] = []
    side: Side = ""
    tags: Annotated[list[Annotated[str, Meta(max_length=60)]], Meta(max_length=30)] = []
    plus_ones_allowed: Annotated[int, Meta(ge=0, le=20)] = 0
    schedule_item_ids: list[UUID] | None = None


class GuestChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a guest; what is absent stays."""

    first_name: Name | UnsetType = UNSET
    last_name: Name | UnsetType = UNSET
    display_name: FullName | UnsetType = UNSET
    age_band: AgeBand | UnsetType = UNSET
    role: Annotated[str, Meta(max_length=60)] | UnsetType = UNSET
    table_label: Annotated[str, Meta(max_length=60)] | UnsetType = UNSET
    party_id: UUID | UnsetType = UNSET


class PartyChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a party; what is absent stays."""

    name: Annotated[str, Meta(min_length=1, max_length=300)] | UnsetType = UNSET
    side: Side | UnsetType = UNSET
    tags: Annotated[list[Annotated[str, Meta(max_length=60)]], Meta(max_length=30)] | UnsetType = UNSET
    plus_ones_allowed: Annotated[int, Meta(ge=0, le=20)] | UnsetType = UNSET


class Reply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer for one guest and one schedule item."""

    status: Status
    menu_option_id: UUID | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to be saved with others in one statement; without `keeps_menu` the meal is replaced too."""

    guest_id: UUID
    schedule_item_id: UUID
    status: Status
    menu_option_id: UUID | None = None
    keeps_menu: bool = False


class PartyAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a party's RSVP. `name` names a plus-one; the meal stays as it was where the line names none."""

    guest_id: UUID
    schedule_item_id: UUID | None = None
    status: Status | None = None
    menu_option_id: UUID | None | UnsetType = UNSET
    needs: Needs | None = None
    name: Name | None = None


class PlusOne(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody the party brings along, as far as it may: invited to what the party is invited to."""

    name: Name = ""
    schedule_item_ids: Annotated[list[UUID], Meta(min_length=1, max_length=20)]
    menu_option_ids: Annotated[list[UUID], Meta(max_length=20)] = []
    needs: Needs | None = None


class PartyAnswers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `PUT /rsvp/{token}` takes: all of it is saved, or nothing."""

    answers: Annotated[list[PartyAnswer], Meta(max_length=200)] = []
    plus_ones: Annotated[list[PlusOne], Meta(max_length=20)] = []
