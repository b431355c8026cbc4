"""From a project of HoneyBook's to our record and back. Pure.

What we do not name here is never decoded: of a project's money, its files and its notes nothing gets as far as a
variable of ours.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec

from wedsync.clients.model import Stage
from wedsync.connections.records.contract import Found
from wedsync.connections.records.record import Record, checked
from wedsync.connections.records.stages import stage_of

OF_PEOPLE: Final = (("name", "email", "phone"), ("partner_name", "partner_email", "partner_phone"))
SPELLED: Final[Mapping[Stage, Stage]] = {"held": "enquiry", "fulfilled": "booked"}
"""Pipelines are everybody's own; for these few have a word, so they are not told apart there."""


class Contact(msgspec.Struct, frozen=True):
    id: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Step(msgspec.Struct, frozen=True):
    """A stage of somebody's own pipeline."""

    id: str
    name: str = ""


class Pipeline(msgspec.Struct, frozen=True):
    stages: tuple[Step, ...]


class Workspace(msgspec.Struct, frozen=True):
    """A client's view of a project, as far as it concerns us."""

    id: str
    updated_at: str = ""
    pipeline_id: str = ""
    stage: Step | None = None
    event_date: str | None = None
    location: str | None = None
    contacts: tuple[Contact, ...] = ()


class Row(msgspec.Struct, frozen=True):
    """One row of a list."""

    id: str
    updated_at: str = ""


class Rows(msgspec.Struct, frozen=True):
    data: tuple[Row, ...]
    total: int = 0


class Me(msgspec.Struct, frozen=True):
    """Who let us in; an account is of the company."""

    company_id: str
    company_name: str = ""


def to_found(workspace: Workspace) -> Found:
    """The record of a project. A stage that no word of ours means counts as unread and as an enquiry."""
    on, unread = _date(workspace.event_date)
    stage = None if workspace.stage is None else stage_of(workspace.stage.name)
    values: dict[str, str] = {}
    for person, names in zip(workspace.contacts, OF_PEOPLE, strict=False):
        values |= zip(names, (person.name or "", person.email or "", person.phone or ""), strict=True)
    record = Record(stage=stage or "enquiry", wedding_on=on, venue=workspace.location or "", **values)
    unread += stage is None
    return Found(id=workspace.id, record=record, etag=workspace.updated_at, unread=unread)


def spelled(record: Record) -> Record:
    """As it reads back."""
    return checked(msgspec.structs.replace(record, stage=SPELLED.get(record.stage, record.stage)))


def step_for(stage: Stage, pipeline: Pipeline) -> str | None:
    """The stage of a pipeline that means ours, the first of several; None where it has none."""
    return next((one.id for one in pipeline.stages if stage_of(one.name) == stage), None)


def to_contacts(record: Record, fields: Sequence[str], people: Sequence[Contact]) -> list[tuple[str, dict[str, Any]]]:
    """(contact, what of them is to be otherwise). Nobody is made: who is not on the project there is not written."""
    made: list[tuple[str, dict[str, Any]]] = []
    for person, names in zip(people, OF_PEOPLE, strict=False):
        body = {
            there: getattr(record, name)
            for name, there in zip(names, ("name", "email", "phone"), strict=True)
            if name in fields
        }
        if body:
            made.append((person.id, body))
    return made


def instant_of(text: str) -> datetime | None:
    """When something was changed, where it says so with a zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _date(text: str | None) -> tuple[date | None, int]:
    try:
        return (date.fromisoformat(text[:10]) if text else None), 0
    except ValueError:
        return None, 1
