"""Tasks as their pages show them: in groups by when they are due, whose they are, and the form of one."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec

from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.tasks import model
from wedsync.web.conflict import Edited
from wedsync.web.formats import plural
from wedsync.web.forms import Form, wrong

queries = sql.load("wedsync.tasks")
LABELS = {
    "title": "What",
    "assignee": "Who",
    "due_kind": "When",
    "due_days_before": "Days before the wedding",
    "due_on": "Date",
    "detail": "More",
}
FILTERS = (("all", "All"), ("us", "Ours"), ("helpers", "Helpers"), ("suppliers", "Suppliers"))
WRONG = {
    "title": FieldError("title", "needs one to 300 letters", "Write what there is to do."),
    "detail": FieldError("detail", "is longer than 4000 letters", "Keep to the point."),
    "due_days_before": FieldError("due_days_before", "is not between -366 and 1100", "Negative is after the wedding."),
}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of one wedding reads."""

    tasks: list[Row]
    people: list[Row]

    @property
    def names(self) -> dict[UUID, Row]:
        return {row["id"]: row for row in self.people}


async def read(tx: Tx) -> Seen:
    """Every task this audience sees, and everybody who can be given one."""
    return Seen(tasks=await tx.rows(queries.all_tasks), people=await tx.rows(queries.people))


def groups(seen: Seen, chosen: str, today: date) -> list[dict[str, Any]]:
    """The values of `_tasks.html`, for one of the filters."""
    names = seen.names
    by_group: dict[str, list[dict[str, Any]]] = {}
    for row in seen.tasks:
        if chosen in ("all", side(row, names)):
            by_group.setdefault(group_of(row["status"], row["due_on"], today), []).append(entry(row, names))
    found = [(key, heading, by_group.get(key, [])) for key, heading in _HEADINGS]
    return [{"key": key, "heading": heading, "tasks": tasks} for key, heading, tasks in found if tasks]


_HEADINGS = (
    ("late", "Overdue"),
    ("week", "This week"),
    ("month", "This month"),
    ("later", "Later"),
    ("any", "Any time"),
    ("done", "Done"),
    ("dropped", "Not needed any more"),
)


def group_of(status: str, due_on: date | None, today: date) -> str:
    """Where in the list a task stands."""
    if status in model.CLOSED:
        return "done" if status == "done" else "dropped"
    if due_on is None:
        return "any"
    for key, until in (("late", -1), ("week", 6), ("month", 30)):
        if due_on <= today + timedelta(days=until):
            return key
    return "later"


def side(row: Row, names: Mapping[UUID, Row]) -> str:
    """Whose a task is: nobody's is ours."""
    if row["link_id"] is not None:
        return "suppliers"
    person = names.get(row["membership_id"])
    return "helpers" if person is not None and person["role"] == "helper" else "us"


def entry(row: Row, names: Mapping[UUID, Row]) -> dict[str, Any]:
    """The values of `_task.html`."""
    person = names.get(row["link_id"] or row["membership_id"])
    return {
        **dict(row),
        "due": row["due_on"],
        "due_words": "" if row["due_days_before"] is None else _days(row["due_days_before"]),
        "who": "" if person is None else person["name"],
        "may_finish": row["may_write"] and row["status"] != "cancelled",
        "may_edit": row["is_couple"],
        "may_answer": row["is_own"] and not row["is_couple"],
    }


def _days(before: int) -> str:
    if not before:
        return "on the day"
    return f"{plural(abs(before), 'day')} {'before' if before > 0 else 'after'}"


def filters(seen: Seen, base: str) -> list[tuple[str, str, str, int | None]]:
    """The tabs, each with what is still to do there."""
    names = seen.names
    open_now = [side(row, names) for row in seen.tasks if row["status"] not in model.CLOSED]
    counts = {"all": len(open_now), **{key: open_now.count(key) for key, _ in FILTERS[1:]}}
    return [(key, label, f"{base}/tasks?filter={key}", counts[key]) for key, label in FILTERS]


def assignees(seen: Seen) -> list[tuple[str, str]]:
    """Whom a task can be given to."""
    words = {"link": "", "helper": ", helper"}
    people = [(f"{row['kind']}:{row['id']}", row["name"] + words.get(row["role"], "")) for row in seen.people]
    return [("", "Nobody yet"), *people]


def form_values(row: Row | None = None) -> dict[str, Any]:
    """What the form of a task, or of a new one, holds."""
    if row is None:
        blank: dict[str, Any] = {
            "id": "",
            "title": "",
            "detail": "",
            "assignee": "",
            "due_kind": "before",
            "due_on": None,
            "after": [],
        }
        return blank | {"due_days_before": 30, "version": 0}
    assignee = f"link:{row['link_id']}" if row["link_id"] else ""
    assignee = f"membership:{row['membership_id']}" if row["membership_id"] else assignee
    relative = row["due_days_before"] is not None
    kind = "before" if relative else "on" if row["due_on"] else "none"
    shown = {"due_on": None if relative else row["due_on"], "due_days_before": row["due_days_before"]}
    kept = {name: row[name] for name in ("title", "detail", "version")}
    return {
        **kept,
        **shown,
        "id": str(row["id"]),
        "assignee": assignee,
        "due_kind": kind,
        "after": list(row["after_ids"]),
    }


def others(seen: Seen, task_id: UUID | None) -> list[tuple[UUID, str]]:
    """What a task can wait for: others that are not closed, and what it waits for by now."""
    known = next((set(row["after_ids"]) for row in seen.tasks if row["id"] == task_id), set())
    rows = [r for r in seen.tasks if r["id"] != task_id and (r["status"] not in model.CLOSED or r["id"] in known)]
    return [(row["id"], row["title"]) for row in rows]


def order(form: Form) -> model.Order | None:
    """What a posted form says is to be done first; None where it did not ask. Raises Refusal 422."""
    if not form.has("after_shown"):
        return None
    try:
        return msgspec.convert({"after_ids": form.many("after")}, type=model.Order)
    except msgspec.ValidationError as error:
        raise wrong(FieldError("after_ids", "is not from the list", "Choose at most 20 of the list.")) from error


def as_text(values: Mapping[str, Any]) -> dict[str, str]:
    """A form's values as the form posts them."""
    told = {name: values[name] for name in LABELS}
    told["due_on"] = values["due_on"].isoformat() if values["due_on"] else ""
    return {name: "" if value is None else str(value) for name, value in told.items()}


def edited(row: Row | None, back: str) -> Edited:
    """A task that somebody else saved first. Raises Refusal 404 where they removed it."""
    if row is None:
        raise not_found("item")
    return Edited(
        table="tasks",
        id=row["id"],
        version=row["version"],
        path=f"{back}/{row['id']}",
        back=back,
        labels=LABELS,
        theirs=as_text(form_values(row)),
    )


def typed(form: Form, kept: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, for a form that is shown again; a day that cannot be read is empty."""
    texts = {name: form.text(name) for name in LABELS}
    try:
        due_on = form.day("due_on")
    except Refusal:
        due_on = None
    return {**kept, **texts, "due_on": due_on}


def fields(form: Form) -> dict[str, Any]:
    """A posted form as fields of a task. Raises Refusal 422 that names what cannot be read."""
    kind = form.text("due_kind", "none")
    due_on = form.day("due_on") if kind == "on" else None
    before = form.number("due_days_before") if kind == "before" else None
    if kind == "on" and due_on is None:
        raise wrong(FieldError("due_on", "is empty", "Choose the day, or choose any time."))
    if kind == "before" and before is None:
        raise wrong(FieldError("due_days_before", "is empty", "Write a number of days, or choose any time."))
    return {"title": form.text("title"), "detail": form.text("detail"), "due_on": due_on, "due_days_before": before}


def assignment(form: Form) -> model.Assignment:
    """Whom a posted form gives the task to. Raises Refusal 422."""
    kind, _, text = form.text("assignee").partition(":")
    if not kind:
        return model.Assignment()
    try:
        return msgspec.convert({f"{kind}_id": text}, type=model.Assignment)
    except msgspec.ValidationError as error:
        raise wrong(FieldError("assignee", "is nobody of the list", "Choose somebody.")) from error


def done_of(rows: Iterable[Row]) -> tuple[int, int]:
    """How many are done, of how many that are still wanted."""
    statuses = [row["status"] for row in rows]
    return statuses.count("done"), len(statuses) - statuses.count("cancelled")
