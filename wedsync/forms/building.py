"""The builder's posted forms as changes of a form: one step at a time, each by itself."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from wedsync.forms import content, model
from wedsync.forms.content import Content
from wedsync.forms.core import CORE
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.web import forms
from wedsync.web.forms import Form

WRONG: Final = {
    "title": FieldError("section_title", "is missing, or longer than 120 letters", "Give it a heading."),
    "label": FieldError("label", "is missing, or longer than 200 letters", "Write the question."),
    "hint": FieldError("hint", "is longer than 500 letters", "Say it in fewer words."),
    "note": FieldError("note", "is longer than 1000 letters", "Say it in fewer words."),
    "kind": FieldError("kind", "is none of the list", "Choose one."),
}


def step(row: Mapping[str, Any], name: str, form: Form) -> dict[str, Any]:
    """What a pressed button changes of a form. Raises Refusal 404 for none of ours, or 422."""
    if name == "save":
        return {"title": form.text("title")[:120], "intro": form.text("intro")[:2000]}
    if name in ("retire", "revive"):
        return {"is_active": name == "revive"}
    if name not in STEPS:
        raise not_found("page")
    return {"sections": STEPS[name](row["sections"], form)}


def _n(sections: Content, form: Form) -> int:
    n = form.number("n")
    if n is None or not 0 <= n < len(sections):
        raise not_found("section")
    return n


def _add_section(sections: Content, form: Form) -> Content:
    return content.add_section(sections, forms.checked(model.FormSection, {"title": form.text("section_title")}, WRONG))


def _save_section(sections: Content, form: Form) -> Content:
    n = _n(sections, form)
    given = {"title": form.text("section_title"), "note": form.text("note")}
    named = forms.checked(model.FormSection, given, WRONG)
    return content.put_section(sections, n, msgspec.structs.replace(named, fields=sections[n].fields))


def _move_section(by: int) -> Callable[[Content, Form], Content]:
    def move(sections: Content, form: Form) -> Content:
        made = content.move_section(sections, _n(sections, form), by)
        content.check(made)
        return made

    return move


STEPS: Final[Mapping[str, Callable[[Content, Form], Content]]] = {
    "section-add": _add_section,
    "section-save": _save_section,
    "section-up": _move_section(-1),
    "section-down": _move_section(1),
    "section-remove": lambda sections, form: content.remove_section(sections, _n(sections, form)),
    "field-up": lambda sections, form: content.move_field(sections, form.text("key"), -1),
    "field-down": lambda sections, form: content.move_field(sections, form.text("key"), 1),
    "field-remove": lambda sections, form: content.remove_field(sections, form.text("key")),
}


def field(sections: Content, key: str, form: Form) -> Content:
    """A question as it was written, changed where it is or added to its section. Raises Refusal 404 or 422."""
    place = content.place_of(sections, key)
    if place is None and key != "new":
        raise not_found("question")
    n = place[0] if place else form.number("section") or 0
    if not 0 <= n < len(sections):
        raise not_found("section")
    label = form.text("label")
    given = _given(form) | {"key": key if place else content.key_for(sections, label), "label": label}
    made = forms.checked(model.FormField, given, WRONG)
    try:
        return content.put_field(sections, n, made)
    except Refusal as refusal:
        # Named by its place in the form; the page has that one question's fields alone.
        errors = [FieldError(_plain(e.field), e.reason, e.fix) for e in refusal.errors]
        raise Refusal(422, "invalid", refusal.detail, errors=errors) from refusal


def _plain(name: str) -> str:
    last = name.rpartition(".")[2]
    return "show_field" if last == "show_if" else last


def _given(form: Form) -> dict[str, Any]:
    maps_to = form.text("maps_to")
    kind = CORE[maps_to].kind if maps_to in CORE else form.text("kind")
    options = [line.strip() for line in form.text("options").splitlines() if line.strip()]
    if any("|" in option for option in options):
        raise forms.wrong(FieldError("options", "hold a bar (|)", "Leave it out."))
    asked = form.text("show_field")
    shown = {"field": asked, "values": form.many(f"show_{asked}"), "is_not": form.on(f"not_{asked}")} if asked else None
    if shown is not None and not shown["values"]:
        raise forms.wrong(FieldError("show_field", "names no answer", "Tick those it is shown for."))
    return {
        "kind": kind,
        "hint": form.text("hint"),
        "is_required": form.on("is_required"),
        "options": list(dict.fromkeys(options))[:40] if kind in model.CHOOSING else [],
        "maps_to": maps_to,
        "show_if": shown,
    }
