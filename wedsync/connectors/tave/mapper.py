"""From a worksheet of Workspace to our record and back. Pure.

What we do not name here is never decoded: of a job's money, of its lead notes, of its custom fields and of a gallery's
password nothing gets as far as a variable of ours.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec

from wedsync.clients.model import CONTACTS_MAX, NAME_CHARS_MAX, Stage
from wedsync.clients.model import Contact as Named
from wedsync.connections.markup import words
from wedsync.connections.records.contract import Found, GalleryState, RemoteGallery, RemoteMessage
from wedsync.connections.records.record import Record, checked

NAME_PART_MAX: Final = 48
E164: Final = re.compile(r"\+[1-9]\d{1,14}")
STAGES: Final[Mapping[str, Stage]] = {
    "lead": "enquiry",
    "booked": "booked",
    "fulfillment": "fulfilled",
    "completed": "completed",
}
THEIRS: Final[Mapping[Stage, str]] = {
    "enquiry": "lead",
    "held": "lead",
    "booked": "booked",
    "fulfilled": "fulfillment",
    "completed": "completed",
}
GALLERIES: Final[Mapping[str, GalleryState]] = {
    "pre-release": "making",
    "active": "released",
    "inactive": "closed",
    "archived": "closed",
}
ROLES: Final[Mapping[str, str]] = {
    "client": "Client",
    "customer": "Customer",
    "subject": "In the pictures",
    "vendor": "Vendor",
}
OFFERED: Final = (
    *("name", "title", "stage", "closed", "eventDate", "jobTypeName", "leadSourceName", "leadStatusName"),
    *("customNumber", "guestCount", "bookingDate", "inquiryDate", "fulfillmentDate", "completedDate", "events"),
)
OF_PEOPLE: Final = (("name", "email", "phone"), ("partner_name", "partner_email", "partner_phone"))


class Phone(msgspec.Struct, frozen=True):
    e164: str | None = None
    formatted: str | None = None


class Contact(msgspec.Struct, frozen=True, rename="camel"):
    kind: str = ""
    id: str = ""
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    email: str | None = None
    cell_phone: Phone | None = None
    home_phone: Phone | None = None
    anonymized: bool | None = None


class OnJob(msgspec.Struct, frozen=True, rename="camel"):
    """A contact's part in a job."""

    contact: Contact
    id: str = ""
    client: bool | None = None
    role_kinds: tuple[str, ...] | None = None


class Address(msgspec.Struct, frozen=True, rename="camel"):
    name: str | None = None
    street_address: str | None = None
    city: str | None = None


class Place(msgspec.Struct, frozen=True):
    address: Address | None = None


class Event(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    name: str | None = None
    start_date: str | None = None
    location: Place | None = None


class Worksheet(msgspec.Struct, frozen=True, rename="camel"):
    """A job with its people and its events, as far as it concerns us."""

    id: str
    modified: datetime
    stage: str = "lead"
    closed: bool | None = None
    event_date: str | None = None
    name: str | None = None
    title: str | None = None
    job_type_name: str | None = None
    lead_source_name: str | None = None
    lead_status_name: str | None = None
    custom_number: str | None = None
    guest_count: int | None = None
    booking_date: str | None = None
    inquiry_date: str | None = None
    fulfillment_date: str | None = None
    completed_date: str | None = None
    contacts: tuple[OnJob, ...] = ()
    events: tuple[Event, ...] = ()


class Row(msgspec.Struct, frozen=True):
    """One row of a list."""

    id: str
    modified: datetime


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    current_page: int = 1
    total_pages: int = 1


class Rows(msgspec.Struct, frozen=True):
    items: tuple[Row, ...]
    meta: Meta = Meta()


class Gallery(Row, frozen=True, rename="camel"):
    """A gallery as far as it concerns us: of its password nothing but that it asks for one."""

    job_id: str | None = None
    status: str = ""
    hidden: bool | None = None
    name: str | None = None
    client_url: str | None = None
    photo_count: int | None = None
    release_date: str | None = None
    requires_password: bool | None = None


class Galleries(msgspec.Struct, frozen=True):
    items: tuple[Gallery, ...]
    meta: Meta = Meta()


class Note(Row, frozen=True, rename="camel"):
    """What was written down of a job, in HTML."""

    created: datetime | None = None
    job_id: str | None = None
    hidden: bool | None = None
    content_html: str | None = None


class Notes(msgspec.Struct, frozen=True):
    items: tuple[Note, ...]
    meta: Meta = Meta()


class JobContact(msgspec.Struct, frozen=True, rename="camel"):
    job_id: str


class JobContacts(msgspec.Struct, frozen=True):
    items: tuple[JobContact, ...]


class Studio(msgspec.Struct, frozen=True):
    id: str
    name: str = ""


class Hook(msgspec.Struct, frozen=True):
    event: str
    url: str


class Hooks(msgspec.Struct, frozen=True):
    items: tuple[Hook, ...] = ()


def to_found(sheet: Worksheet) -> Found:
    """The record of a worksheet. An unknown stage counts as unread and as an enquiry."""
    on, unread = _date(sheet.event_date)
    values: dict[str, str] = {}
    for person, (name, email, phone) in zip(couple(sheet.contacts), OF_PEOPLE, strict=False):
        if person.anonymized:
            continue
        values[name] = _name(person)
        values[email] = person.email or ""
        values[phone] = _phone(person)
    record = Record(stage=_stage(sheet), wedding_on=on, venue=_venue(sheet), **values)
    unread += sheet.stage not in STAGES
    return Found(
        id=sheet.id,
        record=record,
        etag=etag_of(sheet.modified),
        updated_at=sheet.modified,
        unread=unread,
        document=document(sheet),
        contacts=others(sheet.contacts),
    )


def to_gallery(row: Gallery) -> RemoteGallery | None:
    """None for one of no job, and for a state that nobody has heard of."""
    state = GALLERIES.get(row.status)
    if not row.job_id or state is None:
        return None
    released_on, _ = _date(row.release_date)
    return RemoteGallery(
        id=row.id,
        record_id=row.job_id,
        state="closed" if row.hidden else state,
        name=(row.name or "").strip(),
        url=(row.client_url or "").strip(),
        photos=max(row.photo_count or 0, 0),
        released_on=released_on,
        has_password=bool(row.requires_password),
    )


def to_message(row: Note) -> RemoteMessage | None:
    """None for one of no job: of a person or of nothing."""
    if not row.job_id:
        return None
    text = words(row.content_html or "").strip()
    said_at = row.created or row.modified
    return RemoteMessage(
        id=row.id, record_id=row.job_id, said_at=said_at, text=text, is_removed=bool(row.hidden) or not text
    )


def document(sheet: Worksheet) -> dict[str, Any]:
    """What of a job a map may read beside the fields we read ourselves: names, kinds, days and places, never money."""
    whole: dict[str, Any] = msgspec.to_builtins(sheet)
    return {name: whole[name] for name in OFFERED if whole.get(name) is not None}


def etag_of(modified: datetime) -> str:
    return modified.isoformat()


def couple(contacts: Sequence[OnJob]) -> list[Contact]:
    """The two the job is for, in the order in which they were put on it; its clients before those who are in it."""
    people = sorted((one for one in contacts if one.contact.kind == "person"), key=lambda one: one.id)
    clients = [one.contact for one in people if one.client or "client" in (one.role_kinds or ())]
    others = [one.contact for one in people if set(one.role_kinds or ()) & {"customer", "subject"}]
    return (clients + [one for one in others if one not in clients])[:2]


def others(contacts: Sequence[OnJob]) -> tuple[Named, ...]:
    """Whoever else is on the job, but for the studio's own and for who wishes to be forgotten: people and companies."""
    two = {one.id for one in couple(contacts)}
    found: list[Named] = []
    for one in sorted(contacts, key=lambda each: each.id):
        person = one.contact
        if person.id in two or person.kind == "location" or person.anonymized or "team" in (one.role_kinds or ()):
            continue
        role = next((ROLES[kind] for kind in one.role_kinds or () if kind in ROLES), "")
        named = Named(name=_name(person)[:NAME_CHARS_MAX], role=role, email=person.email or "", phone=_phone(person))
        if named.name or named.email or named.phone:
            found.append(named)
    return tuple(found[:CONTACTS_MAX])


def spelled(record: Record) -> Record:
    """As it reads back: Workspace knows no held date, keeps names in two parts of 48 characters, phones as E.164."""
    stage: Stage = "cancelled" if record.stage == "cancelled" else STAGES[THEIRS[record.stage]]
    names = {name: " ".join(_parts(getattr(record, name))).strip() for name in ("name", "partner_name")}
    phones = {name: _written(_to_phone(getattr(record, name))) for name in ("phone", "partner_phone")}
    return checked(msgspec.structs.replace(record, stage=stage, **names, **phones))


def to_job(record: Record, fields: Sequence[str], *, was: Stage) -> dict[str, Any]:
    """What of the job itself is to be otherwise; empty where nothing is. A job that was completed reads as completed
    when it is closed, so to be cancelled it goes back by a stage.
    """
    body: dict[str, Any] = {}
    if "wedding_on" in fields:
        body["eventDate"] = None if record.wedding_on is None else record.wedding_on.isoformat()
    if "stage" in fields:
        if record.stage != "cancelled":
            body |= {"closed": False, "stage": THEIRS[record.stage]}
        else:
            body |= {"closed": True, "stage": THEIRS["fulfilled"]} if was == "completed" else {"closed": True}
    return body


def to_contacts(record: Record, fields: Sequence[str], people: Sequence[Contact]) -> list[tuple[str, dict[str, Any]]]:
    """(contact, what of them is to be otherwise). Nobody is made: who is not on the job there is not written."""
    made: list[tuple[str, dict[str, Any]]] = []
    for person, (name, email, phone) in zip(people, OF_PEOPLE, strict=False):
        body: dict[str, Any] = {}
        if name in fields:
            first, last = _parts(getattr(record, name))
            body |= {"firstName": first or None, "lastName": last or None}
        if email in fields:
            body["email"] = getattr(record, email) or None
        if phone in fields:
            text = getattr(record, phone)
            body["cellPhone"] = _to_phone(text)
        if body:
            made.append((person.id, {"kind": "person", **body}))
    return made


def _stage(sheet: Worksheet) -> Stage:
    stage = STAGES.get(sheet.stage, "enquiry")
    return "cancelled" if sheet.closed and stage != "completed" else stage


def _date(text: str | None) -> tuple[date | None, int]:
    try:
        return (date.fromisoformat(text[:10]) if text else None), 0
    except ValueError:
        return None, 1


def _venue(sheet: Worksheet) -> str:
    """Where the ceremony is, or the reception; else whatever is on the day itself: there are tastings before it. The
    day of a job can be moved without its events."""
    places = [
        ((one.name or "").casefold(), one.location.address.name or one.location.address.street_address or "", one)
        for one in sheet.events
        if one.location is not None and one.location.address is not None
    ]
    for word in ("ceremony", "reception", ""):
        for name, place, event in places:
            if place and word in name and (word or event.start_date == sheet.event_date):
                return place
    return ""


def _name(person: Contact) -> str:
    return " ".join(part for part in (person.first_name, person.last_name) if part) or person.name or ""


def _phone(person: Contact) -> str:
    for phone in (person.cell_phone, person.home_phone):
        if phone is not None and (phone.e164 or phone.formatted):
            return phone.e164 or phone.formatted or ""
    return ""


def _to_phone(text: str) -> dict[str, Any] | None:
    """E.164 where it is one; else as it is written, in the characters that they take."""
    if not text:
        return None
    bare = re.sub(r"[\s()./-]", "", text)
    if E164.fullmatch(bare):
        return {"e164": bare}
    plain = " ".join(text.encode("ascii", "ignore").decode().split())[:24]
    return {"formatted": plain} if plain else None


def _written(phone: dict[str, Any] | None) -> str:
    return "" if phone is None else str(phone.get("e164") or phone["formatted"])


def _parts(name: str) -> tuple[str, str]:
    """First names and the last one; who has one name has a first one."""
    first, _, last = name.rpartition(" ")
    if not first:
        first, last = last, ""
    return first[:NAME_PART_MAX].rstrip(), last[:NAME_PART_MAX].rstrip()
