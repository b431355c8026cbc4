"""The rules of public pages and enquiries: addresses, what may stand on a page, what somebody may ask; pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.clients.model import Email, Name, Phone
from wedsync.kit import guard
from wedsync.kit.transforms import email_address
from wedsync.web.context import invalid

State = Literal["received", "answered", "declined"]
STATES: Final[Mapping[State, str]] = {"received": "New", "answered": "Answered", "declined": "Declined"}
SLUG_CHARS_MAX: Final = 62
LINKS_MAX: Final = 12
MESSAGE_CHARS_MAX: Final = 4000
YEAR_MIN, YEAR_MAX = 2000, 2200
_KEPT_BACK: Final = """
    about account accounts admin administrator api app auth billing blog business contact couple couples demo docs
    enquire enquiries enquiry feedback help home hooks image images imprint info invite join legal login logout mail me
    metrics new news null official page pages pay payment payments preview pricing privacy public realtime root
    s search security settings shop sign-in sign-out sign-up sitemap start static status studio suppliers support system
    team terms test undefined w wedme wedsync welcome www
"""
RESERVED: Final = frozenset(_KEPT_BACK.split())
"""Addresses that would pass for a page of ours, or that we may need."""
Slug = Annotated[str, Meta(max_length=200, description="The page's address: 3 to 62 small letters, digits and dashes")]
Message = Annotated[str, Meta(max_length=MESSAGE_CHARS_MAX)]


class Work(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One link to what the business made."""

    title: Annotated[str, Meta(min_length=1, max_length=120)]
    url: Annotated[str, Meta(max_length=500, description="Where it is to be seen: https and public")]


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `listings`: the public page of a business."""

    id: UUID
    supplier_id: UUID
    slug: str
    is_published: bool
    takes_enquiries: bool
    tagline: str
    place: str
    about: str
    portfolio: list[Work]
    version: int
    created_at: datetime
    updated_at: datetime


class ListingView(Listing, frozen=True, kw_only=True):
    """A page as its business reads it: the row, and where it stands."""

    url: str


class NewListing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole page, as it is to be. `is_published`: whether anybody with the address sees it."""

    slug: Slug
    is_published: bool = False
    takes_enquiries: bool = True
    tagline: Annotated[str, Meta(max_length=160, description="What you do, in one line")] = ""
    place: Annotated[str, Meta(max_length=200, description="Where you work")] = ""
    about: Annotated[str, Meta(max_length=4000, description="Paragraphs, an empty line between them")] = ""
    portfolio: Annotated[list[Work], Meta(max_length=LINKS_MAX)] = msgspec.field(default_factory=list)


class Enquiry(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `enquiries` without what is sealed."""

    id: UUID
    supplier_id: UUID
    source: str
    state: State
    wedding_on: date | None
    client_id: UUID | None
    attributed_until: datetime | None
    sends_copy: bool
    sealed: str
    received_at: datetime
    settled_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sealed of an enquiry: who asks, what they wrote, and what they were answered."""

    name: str = ""
    partner_name: str = ""
    email: str = ""
    phone: str = ""
    venue: str = ""
    message: str = ""
    reply: str = ""

    @property
    def couple_names(self) -> str:
        """What the couple is called."""
        return " & ".join(name for name in (self.name, self.partner_name) if name)


class NewEnquiry(msgspec.Struct, frozen=True, kw_only=True):
    """What the form of a public page sends."""

    form_key: UUID
    name: Name
    email: Email
    message: Message
    partner_name: Name = ""
    phone: Phone = ""
    wedding_on: date | None = None
    venue: Name = ""


class EnquiryView(msgspec.Struct, frozen=True, kw_only=True):
    """An enquiry as the team reads it. `attributed_until`: what they book until then began with this enquiry; null
    where you knew them before they asked.
    """

    id: UUID
    supplier_id: UUID
    state: State
    source: str
    couple_names: str
    name: str
    partner_name: str
    email: str
    phone: str
    wedding_on: date | None
    venue: str
    message: str
    reply: str
    client_id: UUID | None
    attributed_until: datetime | None
    received_at: datetime
    settled_at: datetime | None
    version: int


class Reply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written back to whoever asked."""

    message: Annotated[str, Meta(min_length=1, max_length=MESSAGE_CHARS_MAX)]


class Refusing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why not, in words of your own; without any, a friendly sentence of ours."""

    message: Message = ""


def slug_of(name: str) -> str:
    """An address made of a name: "Petal & Frame" is petal-and-frame; "" where nothing of it can stand in one."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    kept = "".join(c for c in plain if not unicodedata.combining(c)).replace("’", "").replace("'", "")
    words = re.findall(r"[a-z0-9]+", kept)
    slug = "-".join(words)[:SLUG_CHARS_MAX].strip("-")
    return slug if len(slug) > 2 else ""


def proposals(wanted: str, place: str = "") -> list[str]:
    """Addresses to try, best first: as it is, with the place, with a number."""
    town = slug_of(place.partition(",")[0])
    tries = [wanted, f"{wanted}-{town}" if town else "", *(f"{wanted}-{n}" for n in range(2, 30))]
    return [one for one in tries if one and one not in RESERVED and len(one) <= SLUG_CHARS_MAX]


def check_slug(slug: str) -> str:
    """A cleaned address. Raises Refusal 422 for one that cannot be, and for one that is kept back."""
    slug = slug.strip().lower()
    if re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{1,60}[a-z0-9])", slug) is None:
        fix = "Use 3 to 62 small letters, digits and dashes, such as petal-and-frame."
        raise invalid("slug", "cannot be an address", fix)
    if slug in RESERVED:
        raise invalid("slug", "is kept back", "Choose the name of your business.")
    return slug


def settle(new: NewListing) -> dict[str, Any]:
    """The fields of a page fit to be written. Raises Refusal 422."""
    for place, one in enumerate(new.portfolio):
        try:
            guard.check(one.url, ())
        except guard.TargetError as error:
            raise error.as_refusal(f"portfolio.{place}.url") from error
    return {
        "slug": check_slug(new.slug),
        "is_published": new.is_published,
        "takes_enquiries": new.takes_enquiries,
        "tagline": line(new.tagline),
        "place": line(new.place),
        "about": paragraphs(new.about),
        "portfolio": [{"title": line(one.title), "url": one.url.strip()} for one in new.portfolio],
    }


def asked(new: NewEnquiry, today: date) -> Asked:
    """What is kept of an enquiry. Raises Refusal 422 for what nobody could answer."""
    if not line(new.name):
        raise invalid("name", "is missing", "Tell them who asks.")
    if not paragraphs(new.message):
        raise invalid("message", "is missing", "Tell them in a line or two what you have in mind.")
    if new.wedding_on is not None and not (today <= new.wedding_on and new.wedding_on.year <= YEAR_MAX):
        raise invalid("wedding_on", "is not a day ahead", "Check the year, or leave it empty.")
    try:
        email = email_address(line(new.email))
    except ValueError as error:
        raise invalid("email", "is not an e-mail address", "Write it like name@example.com.") from error
    return Asked(
        name=line(new.name),
        partner_name=line(new.partner_name),
        email=email,
        phone=line(new.phone),
        venue=line(new.venue),
        message=paragraphs(new.message),
    )


def line(text: str) -> str:
    """Words on one line, without what no line shows."""
    return " ".join("".join(c if c.isprintable() or c.isspace() else " " for c in text).split())


def paragraphs(text: str) -> str:
    """Words on lines, as they were typed; at most one empty line between them."""
    lines = [" ".join(one.split()) for one in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def in_paragraphs(text: str) -> Sequence[str]:
    """For a page that shows them."""
    return [part for part in text.split("\n\n") if part]
