"""The check step in words: columns, dates, what would happen, whom to ask about; and the form that comes back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wedsync.clients.importing.desk import Tried
from wedsync.clients.importing.values import Choices, Decision, FieldChange
from wedsync.clients.importing.vocabulary import TARGETS
from wedsync.clients.model import STAGES
from wedsync.guests.importing.dates import in_words
from wedsync.guests.importing.detect import ColumnGuess, Detection
from wedsync.kit.db import Row
from wedsync.web.forms import Form

EXAMPLES_MAX: Final = 6
PROBLEMS_MAX: Final = 100
QUESTIONS_MAX: Final = 100
_DECISIONS: Final[tuple[Decision, ...]] = ("new", "skip")
_REASONS: Final = {
    "template": "Known from exports of this kind.",
    "alias": "The heading says so.",
    "phrase": "Part of the heading says so.",
    "values": "Judged by what is in it.",
    "empty": "Nothing is in it.",
    "unknown": "Nothing we know.",
}
FIELDS: Final = {
    "wedding_on": "date",
    "partner_name": "partner",
    "partner_email": "partner’s e-mail",
    "partner_phone": "partner’s phone",
    "email": "e-mail",
    "external_id": "number in your CRM",
}


def choices(form: Form, detection: Detection, before: Choices) -> Choices:
    """What the form says, as far as it differs from what was guessed."""
    columns: dict[str, str] = {}
    for column in detection.columns:
        said = form.text(f"column.{column.index}") or before.columns.get(column.header, column.target)
        if said != column.target:
            columns[column.header] = said
    rows = {int(name[4:]): form.text(name) for name, _ in form.items() if name[:4] == "row." and name[4:].isdigit()}
    said_dates = form.text("dates")
    return Choices(
        columns=columns,
        dates="day_first" if said_dates == "day_first" else "month_first" if said_dates == "month_first" else "",
        encoding=before.encoding,
        stage=next((stage for stage in STAGES if stage == form.text("stage")), before.stage),
        differing="ours" if form.text("differing") == "ours" else "theirs",
        only_weddings=form.on("only_weddings") if form.has("asks_kind") else before.only_weddings,
        rows={row: decision for row, said in rows.items() for decision in _DECISIONS if decision == said},
    )


def values(tried: Tried) -> dict[str, Any]:
    """What `check.html` shows."""
    plan, merged, chosen = tried.reading.plan, tried.merged, tried.upload.choices
    detection = tried.reading.detection
    targets = {chosen.columns.get(c.header, c.target) for c in detection.columns}
    return {
        "source": "" if detection.source == "spreadsheet" else detection.label,
        "rows_total": plan.rows,
        "notes": [note if note.endswith(".") else f"{note}." for note in plan.notes],
        "dates": _order(tried),
        "columns": [_column(column, chosen.columns) for column in detection.columns],
        "targets": [(name, target.label) for name, target in TARGETS.items()],
        "dry": {
            "created": merged.created,
            "updated": merged.updated,
            "skipped": merged.skipped,
            "rejected": merged.rejected,
        },
        "stage": chosen.stage,
        "stages": list(STAGES.items()),
        "differing": chosen.differing,
        "has_differences": any(step.changes for step in merged.steps) or chosen.differing == "ours",
        "asks_kind": "job_type" in targets,
        "only_weddings": chosen.only_weddings,
        "examples": _examples(tried),
        "questions": _questions(tried),
        "warnings": plan.warnings[:PROBLEMS_MAX],
        "problems_rows": plan.errors[:PROBLEMS_MAX],
    }


def _column(column: ColumnGuess, chosen: Mapping[str, str]) -> dict[str, Any]:
    is_chosen = column.header in chosen
    return {
        "index": column.index,
        "header": column.header,
        "samples": [sample[:60] for sample in column.samples[:3]],
        "target": chosen.get(column.header, column.target),
        "confidence": 100 if is_chosen else round(column.confidence * 100),
        "why": "You chose it." if is_chosen else _REASONS.get(column.reason, ""),
    }


def _order(tried: Tried) -> str:
    """How dates are read; empty where the file has none."""
    guessed = [c.day_first for c in tried.reading.detection.columns if c.day_first is not None]
    if not guessed:
        return ""
    return tried.upload.choices.dates or ("day_first" if guessed[0] else "month_first")


def _examples(tried: Tried) -> list[dict[str, Any]]:
    plan, chosen = tried.reading.plan, tried.upload.choices
    found: dict[str, list[dict[str, Any]]] = {"new": [], "update": []}
    for step in tried.merged.steps:
        some = found.get(step.op)
        if some is None or len(some) >= EXAMPLES_MAX:
            continue
        one = plan.clients[step.place]
        on = in_words(one.wedding_on.isoformat()) if one.wedding_on else "no date"
        words = (
            f"{on}, {STAGES[one.stage or chosen.stage].lower()}" if step.op == "new" else changes_words(step.changes)
        )
        some.append({"line": one.row, "name": one.details.couple_names, "words": words, "kind": step.op})
    return [*found["new"], *found["update"]]


def changes_words(changes: Sequence[FieldChange]) -> str:
    """ "venue Glasshouse (was Barn), stage booked"."""
    return ", ".join(
        f"{FIELDS.get(c.field, c.field)} {_shown(c.field, c.theirs)}"
        + (f" (was {_shown(c.field, c.ours)})" if c.ours else "")
        for c in changes
    )


def _shown(field: str, value: str) -> str:
    if field == "wedding_on":
        return in_words(value)
    return next((words.lower() for stage, words in STAGES.items() if field == "stage" and stage == value), value)


def _questions(tried: Tried) -> list[dict[str, Any]]:
    """One line a row; the answer given before stays chosen."""
    plan, said = tried.reading.plan, tried.upload.choices.rows
    asked: list[dict[str, Any]] = [
        {"row": plan.clients[s.place].row, "name": plan.clients[s.place].details.couple_names, "words": s.reason}
        for s in tried.merged.steps
        if s.op == "possible" or plan.clients[s.place].row in said
    ]
    return [one | {"said": said.get(one["row"], "skip")} for one in asked[:QUESTIONS_MAX]]


def outcome_words(row: Row) -> str:
    """An earlier import in a line."""
    if row["status"] == "undone":
        return "taken back"
    return f"{row['rows']} rows: {row['created']} new, {row['updated']} changed"
