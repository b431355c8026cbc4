"""What the fake Workspace remembers of its studios: jobs, people, who is on which, events, galleries, notes and hooks.

Forms are those of the published OpenAPI (`JobWorksheet`, `Person`, `Gallery`, `RestHook`); money is in all of them, so
that a test can look for where it must not get to.
"""

import itertools
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from wedsync.connections.records.record import Record
from wedsync.connections.standin import StandInError

CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
ULID: Final = re.compile(rf"[{CROCKFORD}]{{26}}")
JOBS_MAX: Final = 20_000
MONEY: Final = {"accountBalance": 734_511, "creditBalance": 12, "totalRevenue": 912_733, "totalCost": 555_017}
LEAD_NOTES: Final = "Their budget is 734511 at most, do not tell."
STAGES: Final = {
    "enquiry": "lead",
    "held": "lead",
    "booked": "booked",
    "fulfilled": "fulfillment",
    "completed": "completed",
    "cancelled": "lead",
}
ZONE: Final = "Europe/Berlin"
Thing = dict[str, Any]


class TaveError(StandInError):
    """An error as Workspace tells it."""

    def __init__(self, status: int, kind: str, detail: Any) -> None:
        told = {"type": kind, "title": kind.replace("-", " "), "detail": detail, "status": status}
        super().__init__(status, str(detail), told)


class Studio:
    """One studio and its key."""

    def __init__(self, name: str, key: str, now: Callable[[], datetime], number: int) -> None:
        self.name = name
        self.key = key
        self.jobs: dict[str, Thing] = {}
        self.contacts: dict[str, Thing] = {}
        self.parts: dict[str, Thing] = {}
        self.events: dict[str, Thing] = {}
        self.galleries: dict[str, Thing] = {}
        self.notes: dict[str, Thing] = {}
        self.hooks: dict[str, Thing] = {}
        self._now = now
        self._numbers = itertools.count(number << 20)
        self.id = self.new_id()

    def new_id(self) -> str:
        """A ULID: what is made later sorts later."""
        value = (int(self._now().timestamp() * 1000) << 80) | next(self._numbers)
        return "".join(CROCKFORD[(value >> shift) & 31] for shift in range(125, -5, -5))

    def stamp(self) -> str:
        """To the second, as everywhere in their API."""
        return self._now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def added(self, table: dict[str, Thing], thing: Thing) -> Thing:
        """Made now. Raises TaveError where there is too much of it."""
        if len(table) >= JOBS_MAX:
            raise TaveError(429, "quota-limit", "This sandbox is full. Start it anew.")
        made = {"id": self.new_id(), "created": self.stamp(), "modified": self.stamp(), **thing}
        table[made["id"]] = made
        return made

    def touched(self, thing: Thing, **fields: Any) -> None:
        thing |= {**fields, "modified": self.stamp()}

    def make(self, record: Record) -> str:
        """As its owner makes a job there."""
        job = self.added(self.jobs, {**_JOB, **MONEY, "leadNotes": LEAD_NOTES, "leadMaxBudget": 734_511})
        self.touched(job, **_of_job(record))
        for name, email, phone in _people(record):
            person = self.added(self.contacts, {"kind": "person", "hidden": False, **MONEY})
            self.touched(person, **_of_person(name, email, phone))
            part = {"jobId": job["id"], "contactId": person["id"], "client": True, "roleKinds": ["client"]}
            self.added(self.parts, part)
        if record.venue:
            self.place(job, record.venue)
        return str(job["id"])

    def change(self, id: str, fields: Mapping[str, Any]) -> None:
        """As its owner changes one there: the job, or the people on it."""
        job = self.job(id)
        now = self.record(id)
        then = Record(**{**{name: getattr(now, name) for name in Record.__struct_fields__}, **fields})
        if {"stage", "wedding_on"} & set(fields):
            self.touched(job, **_of_job(then))
        if "venue" in fields:
            self.place(job, then.venue)
        people = [self.contacts[part["contactId"]] for part in self.parts_of(id)]
        for person, after, before in zip(people, _two(then), _two(now), strict=False):
            if after != before:
                self.touched(person, **_of_person(*after))

    def place(self, job: Thing, venue: str) -> None:
        found = next((one for one in self.events.values() if one["jobId"] == job["id"]), None)
        where = {"location": {"id": None, "address": {"name": venue, "city": "Lisboa", "country": "PT"}}}
        if found is None:
            found = self.added(self.events, {"jobId": job["id"], "name": "Ceremony", **_EVENT})
        self.touched(found, startDate=job["eventDate"], endDate=job["eventDate"], **where)
        self.touched(job)

    def bring(self, job: str, name: str, email: str, *roles: str) -> str:
        """Somebody else on the job: a parent, a vendor; returns their id on it."""
        self.job(job)
        person = self.added(self.contacts, {"kind": "person", "hidden": False, **MONEY, **_of_person(name, email, "")})
        part = {"jobId": job, "contactId": person["id"], "client": False, "roleKinds": list(roles)}
        return str(self.added(self.parts, part)["id"])

    def gallery(self, job: str, **fields: Any) -> str:
        """A gallery of a job, in the making; returns its id."""
        self.job(job)
        made = self.added(self.galleries, {**_GALLERY, "jobId": job})
        slug = f"{made['id'][-8:]}"
        self.touched(
            made, clientUrl=f"https://gallery.example/{slug}", adminUrl=f"https://admin.example/{slug}", slug=slug
        )
        self.touched(made, **fields)
        return str(made["id"])

    def one_gallery(self, id: str) -> Thing:
        """Raises TaveError 404."""
        if id not in self.galleries:
            raise TaveError(404, "unknown", "The requested resource was not found.")
        return self.galleries[id]

    def drop(self, id: str) -> None:
        """Its owner deletes a gallery or a note, which is told nowhere. Raises TaveError 404."""
        table = self.galleries if id in self.galleries else self.notes
        if id not in table:
            raise TaveError(404, "unknown", "The requested resource was not found.")
        del table[id]

    def one_note(self, id: str) -> Thing:
        """Raises TaveError 404."""
        if id not in self.notes:
            raise TaveError(404, "unknown", "The requested resource was not found.")
        return self.notes[id]

    def note(self, job: str, text: str) -> str:
        """Something written down of a job, in HTML; returns its id."""
        self.job(job)
        return str(self.added(self.notes, {"jobId": job, "contentHtml": text, "hidden": False})["id"])

    def remove(self, id: str) -> None:
        self.job(id)
        del self.jobs[id]
        for table in (self.parts, self.events, self.galleries, self.notes):
            for one in [one for one in table.values() if one["jobId"] == id]:
                del table[one["id"]]

    def job(self, id: str) -> Thing:
        """Raises TaveError 404, or 400 for what is no id of theirs."""
        if not ULID.fullmatch(id):
            raise TaveError(400, "validation-error", {"jobId": "is not a valid id"})
        if id not in self.jobs:
            raise TaveError(404, "unknown", "The requested resource was not found.")
        return self.jobs[id]

    def contact(self, id: str) -> Thing:
        """Raises TaveError 404."""
        if id not in self.contacts:
            raise TaveError(404, "unknown", "The requested resource was not found.")
        return self.contacts[id]

    def parts_of(self, job: str) -> list[Thing]:
        return sorted((one for one in self.parts.values() if one["jobId"] == job), key=lambda one: str(one["id"]))

    def worksheet(self, id: str) -> Thing:
        job = self.job(id)
        contacts = [
            {**{k: v for k, v in part.items() if k not in ("jobId", "contactId")}, "contact": self._shown(part)}
            for part in self.parts_of(id)
        ]
        return {**job, "events": [one for one in self.events.values() if one["jobId"] == id], "contacts": contacts}

    def _shown(self, part: Thing) -> Thing:
        person = self.contacts[part["contactId"]]
        full = " ".join(one for one in (person.get("firstName"), person.get("lastName")) if one)
        return {**person, "name": full}

    def record(self, id: str) -> Record:
        """A job as its owner sees it."""
        job = self.job(id)
        words: dict[str, str] = {}
        for part, prefix in zip(self.parts_of(id), ("", "partner_"), strict=False):
            person = self.contacts[part["contactId"]]
            names = (person.get("firstName"), person.get("lastName"))
            phone = person.get("cellPhone") or {}
            words |= {
                f"{prefix}name": " ".join(one for one in names if one),
                f"{prefix}email": person.get("email") or "",
                f"{prefix}phone": phone.get("e164") or phone.get("formatted") or "",
            }
        event = next((one for one in self.events.values() if one["jobId"] == id), None)
        words["venue"] = event["location"]["address"]["name"] if event is not None else ""
        on = date.fromisoformat(job["eventDate"]) if job["eventDate"] else None
        return Record(stage=_stage(job), wedding_on=on, **words)

    def rows(self, table: dict[str, Thing], sort: str) -> list[Thing]:
        """In their order: `id asc`, `modified desc` and the like; equal ones in none that can be relied on."""
        name, _, way = sort.partition(" ")
        return sorted(table.values(), key=lambda one: str(one.get(name) or ""), reverse=way == "desc")


_JOB: Final[Thing] = {
    "name": None,
    "title": None,
    "stage": "lead",
    "closed": False,
    "eventDate": None,
    "bookingDate": None,
    "completedDate": None,
    "guestCount": 80,
    "jobTypeName": "Wedding",
    "sample": False,
    "webLead": False,
}
_EVENT: Final[Thing] = {"allDay": False, "channel": "InPerson", "confirmed": True, "timezoneName": ZONE}


GALLERY_PASSWORD: Final = "peonies-and-cake"  # noqa: S105 -- made up, looked for where it must not get to
_GALLERY: Final[Thing] = {
    "name": "Wedding",
    "status": "pre-release",
    "hidden": False,
    "photoCount": 0,
    "releaseDate": None,
    "requiresPassword": True,
    "password": GALLERY_PASSWORD,
}


def _of_job(record: Record) -> Thing:
    on = None if record.wedding_on is None else record.wedding_on.isoformat()
    title = " & ".join(one for one in (record.name, record.partner_name) if one) or None
    closed = record.stage == "cancelled"
    return {"stage": STAGES[record.stage], "closed": closed, "eventDate": on, "name": title, "title": title}


def _people(record: Record) -> list[tuple[str, str, str]]:
    """Those who say anything of themselves."""
    return [one for one in _two(record) if any(one)]


def _two(record: Record) -> list[tuple[str, str, str]]:
    return [
        (record.name, record.email, record.phone),
        (record.partner_name, record.partner_email, record.partner_phone),
    ]


def _of_person(name: str, email: str, phone: str) -> Thing:
    first, _, last = name.rpartition(" ")
    if not first:
        first, last = last, ""
    return {
        "firstName": first or None,
        "lastName": last or None,
        "email": email or None,
        "cellPhone": phone_of({"e164": phone} if phone.startswith("+") else {"formatted": phone}) if phone else None,
    }


def phone_of(given: Mapping[str, Any] | None) -> Thing | None:
    """As they keep it: E.164 where it is one."""
    if not given:
        return None
    e164 = given.get("e164")
    return {"e164": e164, "formatted": e164 or given.get("formatted"), "countryCode": "pt"}


def _stage(job: Thing) -> Any:
    if job["closed"] and job["stage"] != "completed":
        return "cancelled"
    return {"lead": "enquiry", "fulfillment": "fulfilled"}.get(job["stage"], job["stage"])
