"""Photo deliveries as their pages show them: a calm card for the couple, a form for the supplier."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal
from wedsync.photos import actions, model
from wedsync.web.formats import day
from wedsync.web.forms import Form

queries = sql.load("wedsync.photos")
KINDS: Final = {
    "sneak_peek": "Sneak peek",
    "preview": "Preview",
    "gallery": "Gallery",
    "album": "Album",
    "print": "Prints",
    "film": "Film",
    "teaser": "Teaser",
}
STAGES: Final = {
    "not_started": "Not begun yet",
    "backed_up": "Safely backed up",
    "culling": "Choosing the best",
    "editing": "Editing",
    "quality_check": "A last look",
    "ready": "Ready",
    "delivered": "Delivered",
    "viewed": "Delivered and seen",
    "downloaded": "Downloaded",
    "archived": "Archived",
}
COUNTS: Final = {
    "shot_count": "taken",
    "culled_count": "chosen",
    "edited_count": "edited",
    "delivered_count": "delivered",
}
LABELS: Final = {
    "kind": "What it is",
    "title": "Name",
    "promised_on": "Promised by",
    "shot_count": "Taken",
    "culled_count": "Chosen",
    "edited_count": "Edited",
    "delivered_count": "Delivered",
    "gallery_url": "Address of the gallery",
    "gallery_hint": "How they get in",
    "note": "Note to the couple",
}
WRONG: Final = {
    "kind": FieldError("kind", "Is none of the list", "Choose one."),
    "title": FieldError("title", "Is longer than 120 letters", "A word or two is enough."),
    "gallery_url": FieldError("gallery_url", "Is longer than 2048 letters", "Use a shorter one."),
    "gallery_hint": FieldError("gallery_hint", "Is longer than 200 letters", "Keep to the hint."),
    "note": FieldError("note", "Is longer than 2000 letters", "Keep to the point."),
    **{name: FieldError(name, "Is not between 0 and 1,000,000", "Write a whole number.") for name in COUNTS},
}


async def read(tx: Tx) -> list[dict[str, Any]]:
    """Every delivery this audience sees."""
    return [actions.opened(row) for row in await tx.rows(queries.shown)]


def cards(rows: Iterable[Mapping[str, Any]], today: date) -> list[dict[str, Any]]:
    """The values of `_photos.html`."""
    return [card(row, today) for row in rows]


def card(row: Mapping[str, Any], today: date) -> dict[str, Any]:
    """One delivery as the couple reads it."""
    is_working = row["stage"] in model.WORKING
    is_late = is_working and row["promised_on"] is not None and row["promised_on"] < today
    is_open = row["stage"] in ("delivered", "viewed", "downloaded")
    return {
        "id": row["id"],
        "heading": heading(row),
        "supplier": row["supplier_name"],
        "stage": STAGES[row["stage"]],
        "is_there": is_open,
        "step": len(model.WORKING) if not is_working else model.WORKING.index(row["stage"]),
        "steps": len(model.WORKING),
        "when": _when(row, is_working=is_working, is_late=is_late),
        "days_to": row["promised_on"] if is_working and not is_late else None,
        "counts": counts(row),
        "standing": row["standing"],
        "reason": row["reason"],
        "first_on": row["promises"][0].promised_on if len(row["promises"]) > 1 else None,
        "is_late": is_late,
        "is_reminded": row["overdue_at"] is not None,
        "url": row["gallery_url"] if is_open else "",
        "hint": row["gallery_hint"],
        "note": row["note"],
        "is_on_paper": row["kind"] in model.ON_PAPER,
        "is_seen": row["viewed_at"] is not None,
    }


def heading(row: Mapping[str, Any]) -> str:
    """What it is, and its own name where it has one: `Gallery: the welcome dinner`."""
    return KINDS[row["kind"]] + (f": {row['title']}" if row["title"] else "")


def counts(row: Mapping[str, Any]) -> str:
    """`3,120 taken, 720 chosen`: what is known of how many."""
    return ", ".join(f"{row[name]:,} {words}" for name, words in COUNTS.items() if row[name] is not None)


def _when(row: Mapping[str, Any], *, is_working: bool, is_late: bool) -> str:
    if not is_working:
        return f"Delivered on {day(row['delivered_at'])}"
    if row["promised_on"] is None:
        return "No day promised yet"
    return f"{'Was promised by' if is_late else 'Promised by'} {day(row['promised_on'])}"


def stages_after(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where its supplier may move it on to; handing over and having looked are acts of their own."""
    can = model.NEXT[row["stage"]] - {"delivered", "viewed"}
    return [(stage, STAGES[stage]) for stage in model.STAGES if stage in can]


def stage_next(row: Mapping[str, Any]) -> str:
    """What most likely comes next."""
    options = [stage for stage, _ in stages_after(row)]
    later = [stage for stage in options if model.STAGES.index(stage) > model.STAGES.index(row["stage"])]
    return next(iter([*later, *options[-1:]]), "")


def form_values(row: Mapping[str, Any] | None = None) -> dict[str, str]:
    """What the form of a delivery, or of a new one, holds, as the form posts it."""
    if row is None:
        return dict.fromkeys(LABELS, "") | {"kind": "gallery"}
    return {name: "" if row[name] is None else str(row[name]) for name in LABELS}


def typed(form: Form) -> dict[str, str]:
    """What was typed, for a form that is shown again."""
    return {name: form.text(name) for name in LABELS}


def fields(form: Form) -> dict[str, Any]:
    """A posted form as fields of a delivery. Raises Refusal 422 that names what cannot be read."""
    given: dict[str, Any] = {name: form.text(name) for name in ("kind", "title", "gallery_url", "gallery_hint", "note")}
    given |= {name: _count(form, name) for name in COUNTS}
    promised_on = form.day("promised_on")
    return given if promised_on is None else {**given, "promised_on": promised_on}


def _count(form: Form, name: str) -> int | None:
    text = form.text(name).replace(",", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Refusal(422, "invalid", f"{name}: is not a whole number", errors=[WRONG[name]])
    return int(text)


def row_of(row: Row | None) -> dict[str, Any] | None:
    """A row, opened, where there is one."""
    return None if row is None else actions.opened(row)
