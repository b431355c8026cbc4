"""Forms as pages show them: fields with what is filled in, how a form stands, answers in words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wedsync.forms import answers, core
from wedsync.forms.model import KINDS, FormField, FormRequest, FormSection
from wedsync.kit.db import Row
from wedsync.kit.errors import FieldError, Refusal
from wedsync.web.forms import Form

STATES: Final = {
    "asked": ("Not begun", "wait"),
    "started": ("Begun", "wait"),
    "submitted": ("Answered", "good"),
    "locked": ("Final", "good"),
    "withdrawn": ("Not asked any more", ""),
}
PREFIX: Final = "a_"
"""Before the keys of fields in a page's form, so that no question is called like a field of ours."""
SEEN: Final = "seen_"
SHORT_MAX: Final = 22


def state(request: FormRequest | Mapping[str, Any]) -> tuple[str, str]:
    """In words, with a tone."""
    name = request.state if isinstance(request, FormRequest) else request["state"]
    again = request.submissions if isinstance(request, FormRequest) else request["submissions"]
    return ("Asked for more", "wait") if name == "started" and again else STATES[name]


def sections(
    content: Sequence[FormSection],
    *,
    typed: Mapping[str, Any],
    record: Mapping[str, Any],
    guests: Mapping[str, str],
    is_couple: bool = True,
) -> list[dict[str, Any]]:
    """Every section with its fields, as the page draws them. `record` is by key."""
    return [
        {
            "title": section.title,
            "note": section.note,
            "fields": [_drawn(f, typed, record, guests, is_couple=is_couple) for f in section.fields],
        }
        for section in content
    ]


def _drawn(
    field: FormField, typed: Mapping[str, Any], record: Mapping[str, Any], guests: Mapping[str, str], *, is_couple: bool
) -> dict[str, Any]:
    value = typed.get(field.key, record.get(field.key))
    many = answers.lines(value) if field.kind in answers.LISTS else []
    named = {option: option for option in field.options} if field.kind == "many" else dict(guests)
    return {
        "name": PREFIX + field.key,
        "seen": SEEN + field.key,
        "kind": field.kind,
        "label": field.label,
        "hint": " ".join(part for part in (field.hint, _provenance(field, typed, record, is_couple)) if part),
        "is_optional": not field.is_required and not (field.maps_to and field.key in record),
        "choices": [(option, option, "") for option in field.options],
        "pairs": [(option, option) for option in field.options],
        "is_short": len(field.options) <= 3 and all(len(option) <= SHORT_MAX for option in field.options),
        "value": "\n".join(many) if field.kind in answers.LISTS else answers.text(value),
        "chosen": many,
        "people": list((named | {one: one for one in many if one not in named}).items()),
        "is_known": bool(field.maps_to) and field.key in record,
        "shown": answers.text(record.get(field.key)) if field.maps_to else None,
        "when": _when(field),
    }


def _provenance(field: FormField, typed: Mapping[str, Any], record: Mapping[str, Any], is_couple: bool) -> str:
    if not field.maps_to or field.key not in record:
        return ""
    if field.key in typed and answers.text(typed[field.key]) != answers.text(record[field.key]):
        return f"Your record says: {core.said(field.kind, record[field.key])}."
    if not core.CORE[field.maps_to].column and field.maps_to != "day_contacts":
        return "From the answers of your guests."
    return "From your record." if is_couple else "From the record."


def _when(field: FormField) -> str:
    """The condition as reveal.js reads it."""
    if field.show_if is None:
        return ""
    sign = "!=" if field.show_if.is_not else "="
    return f"{PREFIX}{field.show_if.field}{sign}{'|'.join(field.show_if.values)}"


def typed_of(form: Form) -> tuple[dict[str, Any], dict[str, Any]]:
    """A posted form as answers by key, and what the page showed of the record."""
    typed: dict[str, Any] = {}
    seen: dict[str, Any] = {}
    for name, value in form.items():
        if name.startswith(PREFIX):
            typed.setdefault(name.removeprefix(PREFIX), []).append(value)
        elif name.startswith(SEEN):
            seen[name.removeprefix(SEEN)] = value
    return typed, seen


def begun(request: FormRequest) -> dict[str, Any]:
    """What an open page begins with: what is typed, else what was sent; a mapped field follows the record."""
    mapped = {field.key for section in request.sections for field in section.fields if field.maps_to}
    return {key: value for key, value in request.answers.items() if key not in mapped} | request.draft


def problems(refusal: Refusal, content: Sequence[FormSection]) -> list[tuple[str, str]]:
    """What is not right, by the names of the page's fields, each with its question."""
    labels = {field.key: field.label for section in content for field in section.fields}

    def told(error: FieldError) -> str:
        return f"{labels.get(error.field, error.field)}: {error.reason}. {error.fix}".strip()

    return [(PREFIX + error.field, told(error)) for error in refusal.errors] or [("form", refusal.detail)]


def answered(request: FormRequest, zone: str) -> list[dict[str, Any]]:
    """What was sent, section by section: questions with answers in words; those without one are left out."""
    found = [
        {
            "title": section.title,
            "lines": [
                {
                    "label": field.label,
                    "words": words,
                    "is_link": field.kind == "link",
                    "is_known": bool(field.maps_to),
                    "is_changed": field.key in request.changed,
                }
                for field in section.fields
                if (words := answers.said(field, request.answers.get(field.key), zone))
            ],
        }
        for section in request.sections
    ]
    return [section for section in found if section["lines"]]


def open_questions(request: FormRequest) -> int:
    """How many were left open."""
    given = answers.read(request.sections, request.answers, {})
    return sum(1 for field in given.shown if field.key not in request.answers)


def card(row: Row | Mapping[str, Any]) -> dict[str, Any]:
    """A form that was asked, as lists show it."""
    words, tone = state(row)
    return {
        **{name: row[name] for name in ("id", "title", "supplier_name", "due_on", "submitted_at", "avoided", "word")},
        "words": words,
        "tone": tone,
        "is_waiting": row["state"] in ("asked", "started"),
    }


def field_words(field: FormField, content: Sequence[FormSection]) -> str:
    """`A time of day, filled in from: Ceremony begins. Only if …`, as the builder lists a question."""
    parts = [KINDS[field.kind]]
    if field.options:
        parts.append(", ".join(field.options))
    if field.maps_to:
        parts.append(f"filled in from the record: {core.CORE[field.maps_to].words.lower()}")
    if field.is_required:
        parts.append("must be answered")
    words = "; ".join(parts)
    if field.show_if is None:
        return words
    asked = next((f.label for s in content for f in s.fields if f.key == field.show_if.field), field.show_if.field)
    which = " or ".join(f"“{value}”" for value in field.show_if.values)
    return f"{words}. Only if “{asked}” is {'not ' if field.show_if.is_not else ''}{which}"


def built(content: Sequence[FormSection]) -> list[dict[str, Any]]:
    """The builder's rows."""
    return [
        {
            "n": n,
            "title": section.title,
            "note": section.note,
            "fields": [{"key": f.key, "label": f.label, "words": field_words(f, content)} for f in section.fields],
        }
        for n, section in enumerate(content)
    ]
