"""The check step in words: columns, dates, what would happen, whom to ask about; and the form that comes back."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wedsync.guests.importing.desk import Question, Tried, questions
from wedsync.guests.importing.detect import ColumnGuess, Detection
from wedsync.guests.importing.stored import Choices, DateOrder, Decision
from wedsync.guests.importing.values import FieldChange, GuestStep, Plan
from wedsync.guests.importing.vocabulary import TARGETS
from wedsync.kit.db import Row
from wedsync.web.forms import Form

EXAMPLES_MAX = 8
PROBLEMS_MAX = 100
QUESTIONS_MAX = 100
UNPLACED = {"custom", "notes", "known_as"}
"""Read, but with no place on a guest yet: they stay with the file."""
OUT = {"ignore", "custom"}
NAMES = {"first_name", "last_name", "full_name", "envelope"}
_DECISIONS: tuple[Decision, ...] = ("new", "skip", "theirs", "ours")
_ORDERS: tuple[DateOrder, ...] = ("day_first", "month_first")
_REASONS = {
    "template": "Known from exports of this kind.",
    "alias": "The heading says so.",
    "phrase": "Part of the heading says so.",
    "event": "Named like a part of your day.",
    "values": "Judged by what is in it.",
    "empty": "Nothing is in it.",
    "unknown": "Nothing we know.",
}


def with_names(detection: Detection) -> Choices:
    """Where no column is sure to hold names, the first one with words does until the couple says otherwise."""
    if any(
        column.target.partition(":")[0] in NAMES | {"extra_name", "extra_first_name"} for column in detection.columns
    ):
        return Choices()
    first = next((c for c in detection.columns if c.target in OUT and c.samples), None)
    return Choices(columns={first.header: "full_name"}) if first is not None else Choices()


def choices(form: Form, detection: Detection, before: Choices) -> Choices:
    """What the form says, as far as it differs from what was guessed."""
    columns: dict[str, str] = {}
    for column in detection.columns:
        name = f"column.{column.index}"
        said = (form.text(name) or "ignore") if form.has(name) else before.columns.get(column.header, column.target)
        if said != column.target and not {said, column.target} <= OUT:
            columns[column.header] = said
    dates = form.text("dates")
    people = {
        int(name[7:]): form.text(name) for name, _ in form.items() if name.startswith("person.") and name[7:].isdigit()
    }
    return Choices(
        columns=columns,
        dates=next((order for order in _ORDERS if order == dates), before.dates),
        people={place: decision for place, said in people.items() for decision in _DECISIONS if decision == said},
        encoding=before.encoding,
    )


def values(tried: Tried) -> dict[str, Any]:
    """What `import_check.html` shows."""
    plan, counts = tried.upload.plan, tried.merged.counts
    chosen = tried.upload.choices.columns
    columns = [_column(column, chosen) for column in tried.reading.detection.columns]
    source = tried.reading.detection
    return {
        "source": "" if source.source == "spreadsheet" else source.label,
        "rows_total": plan.rows,
        "skipped_words": " ".join(_skipped(tried, columns)),
        "dates_words": _dates(tried),
        "dates": _order(tried),
        "columns": columns,
        "targets": _targets(tried, columns),
        "dry": {
            "created": counts.guests_new,
            "updated": counts.guests_updated,
            "unchanged": counts.guests_same,
            "rejected": len(plan.rejected),
            "parties": counts.parties_new,
        },
        "examples": _examples(plan, tried.merged.guests),
        "questions": _questions(tried),
        "problems_rows": plan.errors[:PROBLEMS_MAX],
    }


def _column(column: ColumnGuess, chosen: Mapping[str, str]) -> dict[str, Any]:
    target = chosen.get(column.header, column.target)
    is_chosen = column.header in chosen
    return {
        "index": column.index,
        "header": column.header,
        "samples": [sample[:60] for sample in column.samples[:3]],
        "target": "" if target in OUT else target,
        "confidence": 0 if target in OUT else 100 if is_chosen else round(column.confidence * 100),
        "why": "You chose it." if is_chosen else _REASONS.get(column.reason, ""),
    }


def _targets(tried: Tried, columns: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    found = [("", "Leave it out")]
    found += [(name, target.label) for name, target in TARGETS.items() if name not in OUT]
    for title in tried.ground.parts:
        found += [(f"rsvp:{title}", f"Answer for {title}"), (f"meal:{title}", f"Meal at {title}")]
    known = {key for key, _ in found}
    for column in columns:
        target = column["target"]
        if target not in known:
            known.add(target)
            found.append((target, _words(target)))
    return found


def _words(target: str) -> str:
    head, _, rest = target.partition(":")
    words = {"rsvp": f"Answer for {rest}", "meal": f"Meal at {rest}", "extra_name": f"Another person ({rest})"}
    return words.get(head, f"{head.replace('_', ' ').capitalize()} {rest}".strip())


def _skipped(tried: Tried, columns: Sequence[Mapping[str, Any]]) -> list[str]:
    plan = tried.upload.plan
    sentences = [note if note.endswith(".") else f"{note}." for note in plan.notes]
    for event in plan.unknown_events[:3]:
        sentences.append(f"No part of your day is called “{event.name}”, so its {event.answers} answers stay out.")
    unplaced = [f"“{column['header']}”" for column in columns if column["target"] in UNPLACED]
    if unplaced:
        sentences.append(f"{', '.join(unplaced)}: read, but there is no place for it on a guest yet.")
    if plan.duplicates:
        sentences.append(f"{len(plan.duplicates)} rows say the same person twice and count once.")
    return sentences


def _dates(tried: Tried) -> str:
    order = _order(tried)
    if not order:
        return ""
    return (
        f"Dates are read {'day first: 03/04 is 3 April' if order == 'day_first' else 'month first: 03/04 is March 4'}."
    )


def _order(tried: Tried) -> str:
    """How dates are read; empty where the file has none."""
    guessed = [c.day_first for c in tried.reading.detection.columns if c.day_first is not None]
    if not guessed:
        return ""
    return tried.upload.choices.dates or ("day_first" if guessed[0] else "month_first")


def _examples(plan: Plan, steps: Sequence[GuestStep]) -> list[dict[str, Any]]:
    found = [
        {
            "line": plan.guests[step.guest].row,
            "words": f"{plan.guests[step.guest].display_name}, {plan.parties[plan.guests[step.guest].party].name}",
            "kind": "new",
            "was": "",
        }
        for step in steps
        if step.op == "new"
    ][:EXAMPLES_MAX]
    changed = [step for step in steps if step.op == "update"][:EXAMPLES_MAX]
    return found + [
        {
            "line": plan.guests[step.guest].row,
            "words": f"{plan.guests[step.guest].display_name}: {', '.join(map(_change, step.changes))}",
            "kind": "changed",
            "was": ", ".join(change.ours for change in step.changes if change.ours),
        }
        for step in changed
    ]


def _change(change: FieldChange) -> str:
    return f"{field_words(change.field)} {change.theirs}"


def field_words(field: str) -> str:
    """A field as people call it."""
    head, _, rest = field.partition(":")
    words = {
        "rsvp": f"answer for {rest}",
        "meal": f"meal at {rest}",
        "table_label": "table",
        "needs": "food and access",
    }
    return words.get(head, head.replace("_", " "))


def _questions(tried: Tried) -> list[dict[str, Any]]:
    """One line a person; the answer given before stays chosen."""
    lines: dict[int, dict[str, Any]] = {}
    people = tried.upload.choices.people
    steps = {step.guest: step for step in tried.merged.guests}
    for place, decision in people.items():
        step = steps.get(place)
        if step is not None and (step.op == "new" or decision in ("theirs", "ours")):
            name, row = tried.upload.plan.guests[place].display_name, tried.upload.plan.guests[place].row
            kind = "possible" if decision in ("new", "skip") else "conflict"
            lines[place] = {"person": place, "row": row, "name": name, "words": "", "kind": kind, "said": decision}
    for question in questions(tried):
        line = lines.setdefault(question.person, _line(question, people.get(question.person, "")))
        if question.field:
            line["words"] += f"{field_words(question.field)}: here “{question.ours}”, in the file “{question.theirs}”. "
    return list(lines.values())[:QUESTIONS_MAX]


def _line(question: Question, said: str) -> dict[str, Any]:
    base = msgspec.structs.asdict(question)
    words = "" if question.field else question.reason
    return base | {"words": words, "kind": "conflict" if question.field else "possible", "said": said}


def outcome_words(row: Row) -> str:
    """An earlier import in a line."""
    if row["status"] == "undone":
        return "taken back"
    return f"{row['rows']} rows: {row['created']} new, {row['updated']} changed"
