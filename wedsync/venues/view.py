"""Spaces as their pages show them: a venue's list and forms, and what each part of a wedding is given."""

from collections.abc import Iterable, Mapping
from datetime import time
from typing import Any, Final
from uuid import UUID

from wedsync.kit.errors import FieldError
from wedsync.venues import model
from wedsync.web.formats import clock, count, plural
from wedsync.web.forms import Form, wrong

ARRANGED: Final = (("seated", "Seated", ""), ("standing", "Standing", ""))
SPACE: Final = {
    "name": "Name",
    "seated_max": "Takes, seated",
    "standing_max": "Takes, standing",
    "resource_id": "In your calendar",
    "note": "Note for your team",
}
USE: Final = {
    "schedule_item_id": "Part of the day",
    "space_id": "Space",
    "arrangement": "Arranged",
    "setup_at": "Set up from",
    "ready_by": "Ready by",
}
WRONG: Final = {
    "name": FieldError("name", "What is it called?", "Such as Orangery, at most 120 letters."),
    "note": FieldError("note", "Is longer than 500 letters", "Keep to the point."),
    "resource_id": FieldError("resource_id", "Is none of the list", "Choose one, or none."),
    "schedule_item_id": FieldError("schedule_item_id", "Which part of the day?", "Choose one."),
    "space_id": FieldError("space_id", "Which space?", "Choose one."),
    "arrangement": FieldError("arrangement", "Is none of the two", "Choose one."),
    **{name: FieldError(name, "Is not between 1 and 100,000", "Write a number.") for name in model.TAKES.values()},
}


def takes(row: Mapping[str, Any]) -> str:
    """`120 seated, 180 standing`."""
    return ", ".join(f"{count(row[name])} {how}" for how, name in model.TAKES.items() if row[name] is not None)


def space_values(row: Mapping[str, Any] | None = None) -> dict[str, str]:
    """What the form of a space, or of a new one, holds, as the form posts it."""
    return _as_posted(SPACE, row)


def space_fields(form: Form) -> dict[str, Any]:
    """A posted form as fields of a space. Raises Refusal 422."""
    numbers = {name: form.number(name) for name in model.TAKES.values()}
    return {"name": form.text("name"), "note": form.text("note"), "resource_id": form.text("resource_id") or None} | (
        numbers
    )


def use_values(row: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The same for what is given to a wedding."""
    values = _as_posted(USE, row) | ({} if row is not None else {"arrangement": "seated"})
    return values | {name: values[name][:5] for name in ("setup_at", "ready_by")}


def use_fields(form: Form) -> dict[str, Any]:
    """A posted form as fields of what is given. Raises Refusal 422."""
    given: dict[str, Any] = {name: form.text(name) for name in ("schedule_item_id", "space_id", "arrangement")}
    return given | {name: _time(form, name) for name in ("setup_at", "ready_by")}


def typed(form: Form, labels: Mapping[str, str]) -> dict[str, str]:
    """What was typed, for a form that is shown again."""
    return {name: form.text(name) for name in labels}


def parts(rows: Iterable[Mapping[str, Any]], zone: str) -> list[tuple[str, str]]:
    """The parts of the day to choose from."""
    return [(str(row["id"]), f"{clock(row['at_local'], zone)} {row['title']}") for row in rows]


def offers(rows: Iterable[Mapping[str, Any]], chosen: UUID | None = None, name: str = "") -> list[tuple[str, str]]:
    """The spaces to choose from: those in use, and the one that is given already."""
    listed = [(str(row["id"]), f"{row['name']} ({takes(row)})") for row in rows if row["is_active"]]
    known = {key for key, _ in listed}
    gone = [] if chosen is None or str(chosen) in known else [(str(chosen), f"{name} (no longer in use)")]
    return listed + gone


def cards(rows: Iterable[Mapping[str, Any]], zone: str) -> list[dict[str, Any]]:
    """What each part of the wedding is given, as the couple reads it."""
    return [_card(row, zone) for row in rows]


def _card(row: Mapping[str, Any], zone: str) -> dict[str, Any]:
    accepted, pending = row["accepted"] or 0, row["pending"] or 0
    over = max(0, accepted - row["capacity"])
    short = max(0, accepted + pending - row["capacity"])
    return {
        "id": row["id"],
        "item_id": row["schedule_item_id"],
        "part": row["title"] or "A part of the day",
        "at": "" if row["at_local"] is None else clock(row["at_local"], zone),
        "supplier": row["supplier_name"],
        "name": row["name"],
        "capacity": row["capacity"],
        "arrangement": row["arrangement"],
        "accepted": accepted,
        "is_over": row["is_over"],
        "over": plural(over, "guest"),
        "short": plural(short, "guest") if short and not over else "",
        "times": _times(row, zone),
    }


def _times(row: Mapping[str, Any], zone: str) -> str:
    said = (("setup_at", "Set up from"), ("ready_by", "Ready by"))
    words = ", ".join(f"{label} {clock(row[name], zone)}" for name, label in said if row[name] is not None)
    return words[:1] + words[1:].replace("Ready", "ready")


def _as_posted(labels: Mapping[str, str], row: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: "" if row is None or row[name] is None else str(row[name]) for name in labels}


def _time(form: Form, name: str) -> str | None:
    text = form.text(name)
    if not text:
        return None
    try:
        return time.fromisoformat(text).isoformat()
    except ValueError:
        raise wrong(FieldError(name, "is not a time", "Write hours and minutes, such as 14:30.")) from None
