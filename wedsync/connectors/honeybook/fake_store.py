"""What the fake HoneyBook remembers of its businesses: projects, contacts and a pipeline of their own.

Money is in every project, so that a test can look for where it must not get to.
"""

import itertools
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from wedsync.connections.records.record import Record
from wedsync.connections.standin import StandInError

WORKSPACES_MAX: Final = 20_000
MONEY: Final = {"total_price": "734511.00", "paid": "912733.00", "tip": "555017.00"}
NOTES: Final = "Their budget is 734511 at most, do not tell."
PIPELINE: Final = {
    "inquiry": "Inquiry",
    "sent": "Proposal Sent",
    "retainer": "Retainer Paid",
    "done": "Completed",
    "archive": "Archived",
}
STAGES: Final = {
    "enquiry": "inquiry",
    "held": "inquiry",
    "booked": "retainer",
    "fulfilled": "retainer",
    "completed": "done",
    "cancelled": "archive",
}
SEEN: Final[Mapping[str, Any]] = {
    "inquiry": "enquiry",
    "sent": "enquiry",
    "retainer": "booked",
    "done": "completed",
    "archive": "cancelled",
}
OF_WORKSPACE: Final = frozenset({"stage_id", "event_date"})
OF_CONTACT: Final = frozenset({"name", "email", "phone"})
Thing = dict[str, Any]


class HoneyBookError(StandInError):
    """An error as the API tells it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text, {"error": {"message": text}})


class Company:
    """One business."""

    def __init__(self, id: str, name: str, now: Callable[[], datetime]) -> None:
        self.id = id
        self.name = name
        self.pipeline = dict(PIPELINE)
        self.workspaces: dict[str, Thing] = {}
        self.contacts: dict[str, Thing] = {}
        self._now = now
        self._numbers = itertools.count(1)

    def make(self, record: Record) -> str:
        """As its people make a project there. Raises HoneyBookError where there are too many."""
        if len(self.workspaces) >= WORKSPACES_MAX:
            raise HoneyBookError(409, "This sandbox is full. Start it anew.")
        contacts = [self._contact(*one) for one in _two(record) if any(one)]
        id = f"w{next(self._numbers)}"
        self.workspaces[id] = {
            "id": id,
            "pipeline_id": "p1",
            "stage_id": STAGES[record.stage],
            "event_date": None if record.wedding_on is None else record.wedding_on.isoformat(),
            "location": record.venue,
            "contact_ids": contacts,
            "notes": NOTES,
            **MONEY,
        }
        self.touch(id)
        return id

    def change(self, id: str, fields: Mapping[str, Any]) -> None:
        """As its people change one there."""
        workspace, now = self.workspace(id), self.record(id)
        then = Record(**{**{name: getattr(now, name) for name in Record.__struct_fields__}, **fields})
        if "stage" in fields:
            workspace["stage_id"] = STAGES[then.stage]
        workspace["event_date"] = None if then.wedding_on is None else then.wedding_on.isoformat()
        workspace["location"] = then.venue
        for contact, (name, email, phone) in zip(workspace["contact_ids"], _two(then), strict=False):
            self.contacts[contact] |= {"name": name, "email": email, "phone": phone}
        self.touch(id)

    def put_workspace(self, id: str, fields: Mapping[str, Any]) -> Thing:
        """By the API. Raises HoneyBookError 404 or 422."""
        workspace = self.workspace(id)
        _check(fields, OF_WORKSPACE)
        if fields.get("stage_id", "inquiry") not in self.pipeline:
            raise HoneyBookError(422, "There is no such stage.")
        workspace |= fields
        self.touch(id)
        return workspace

    def put_contact(self, id: str, fields: Mapping[str, Any]) -> Thing:
        """By the API. Whatever it is on has changed with it."""
        if id not in self.contacts:
            raise HoneyBookError(404, "Not found")
        _check(fields, OF_CONTACT)
        self.contacts[id] |= fields
        for workspace in self.workspaces.values():
            if id in workspace["contact_ids"]:
                self.touch(workspace["id"])
        return self.contacts[id]

    def remove(self, id: str) -> None:
        self.workspace(id)
        del self.workspaces[id]

    def touch(self, id: str) -> None:
        self.workspaces[id]["updated_at"] = self._now().isoformat(timespec="seconds")

    def workspace(self, id: str) -> Thing:
        """Raises HoneyBookError 404."""
        if id not in self.workspaces:
            raise HoneyBookError(404, "Not found")
        return self.workspaces[id]

    def shown(self, workspace: Thing) -> Thing:
        """With its people and its stage, as an answer has it."""
        stage = {"id": workspace["stage_id"], "name": self.pipeline.get(workspace["stage_id"], "")}
        rest = {name: value for name, value in workspace.items() if name not in ("contact_ids", "stage_id")}
        return {**rest, "stage": stage, "contacts": [self.contacts[id] for id in workspace["contact_ids"]]}

    def rows(self, since: str) -> list[Thing]:
        """Raises HoneyBookError 422 for a time that is none."""
        try:
            floor = datetime.fromisoformat(since) if since else None
        except ValueError as cause:
            raise HoneyBookError(422, "updated_gte is no time.") from cause
        there = self.workspaces.values()
        fresh = [one for one in there if floor is None or datetime.fromisoformat(one["updated_at"]) >= floor]
        return [self.shown(one) for one in fresh]

    def record(self, id: str) -> Record:
        """A project as its people see it."""
        workspace = self.workspace(id)
        words: dict[str, str] = {}
        for contact, prefix in zip(workspace["contact_ids"], ("", "partner_"), strict=False):
            words |= {f"{prefix}{name}": self.contacts[contact][name] for name in ("name", "email", "phone")}
        on = date.fromisoformat(workspace["event_date"]) if workspace["event_date"] else None
        return Record(stage=SEEN[workspace["stage_id"]], wedding_on=on, venue=workspace["location"], **words)

    def _contact(self, name: str, email: str, phone: str) -> str:
        id = f"c{next(self._numbers)}"
        self.contacts[id] = {"id": id, "name": name, "email": email, "phone": phone}
        return id


def _two(record: Record) -> list[tuple[str, str, str]]:
    return [
        (record.name, record.email, record.phone),
        (record.partner_name, record.partner_email, record.partner_phone),
    ]


def _check(fields: Mapping[str, Any], known: frozenset[str]) -> None:
    wrong = sorted(set(fields) - known)
    if wrong:
        raise HoneyBookError(422, f"Unknown: {', '.join(wrong)}")
