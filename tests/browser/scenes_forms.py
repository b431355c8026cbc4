"""Forms in the gallery: the builder, a question, what is asked at a wedding, the couple's page, the public one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

from tests.browser.people import LIVE, ON, SUPPLIER, WEDDING, ZONE, Scene, ago, couple, public, supplier
from wedsync.forms import content, core, model, view
from wedsync.forms.starting import TEMPLATES
from wedsync.kit.errors import FieldError, Refusal

PATH = f"/studio/{SUPPLIER}/weddings/{WEDDING}"
PHOTO, MUSIC = TEMPLATES["photographer"], TEMPLATES["music"]
RECORD = {
    "on": "2027-09-11",
    "ceremony_venue": "St Bartholomew-the-Great",
    "ceremony_address": "Cloth Fair, London EC1A 7JQ",
    "ceremony_at": "14:00",
    "reception_venue": "The Tithe Barn",
    "day_contacts": "Priya Nair, coordinator, 07700 900123\nTom, best man, 07700 900456",
}
ANSWERS = RECORD | {
    "prep": "Both of us",
    "prep_address": "12 Mill Lane, Marlow",
    "prep_from": "09:30",
    "family": [{"id": None, "name": "Nana Rose"}, {"id": None, "name": "Uncle Theo"}],
    "tender": "Ben’s parents are separated and do not speak. Please do not put them beside each other.",
    "publish": "Ask me first",
    "board": "https://pictures.example.com/boards/ana-and-ben/our-favourites-of-the-last-two-years",
}
GUESTS = {str(n): f"{name} Duarte" for n, name in enumerate(("Rose", "Theo", "Ines", "Sam", "Lia"))}
GUESTS |= {str(n): f"Guest number {n}" for n in range(9, 40)}


def asked(state: model.State = "started", **more: Any) -> model.FormRequest:
    fields: dict[str, Any] = {"word": "Ten minutes, then I can plan your day.", "due_on": date(2027, 8, 14)}
    fields |= {"submitted_at": None, "submitted_by": "", "submissions": 0, "changed": [], "known": 0, "avoided": 0}
    sent = {"submitted_at": ago(hours=5), "submitted_by": "Ana", "submissions": 2, "changed": ["tender"]}
    fields |= sent | {"known": 7, "avoided": 6, "answers": ANSWERS} if state in ("submitted", "locked") else {}
    fields |= {"intro": PHOTO.intro, "sections": list(PHOTO.sections), "record": RECORD} | more
    return model.FormRequest(
        id=UUID(int=1),
        wedding_id=UUID(WEDDING),
        link_id=UUID(int=2),
        form_id=UUID(int=3),
        form_version=3,
        title=PHOTO.title,
        supplier_name="Hartley & Finch",
        state=state,
        version=3,
        reminded_at=None,
        created_at=ago(days=3),
        updated_at=ago(hours=5),
        **fields,
    )


def filled(one: model.FormRequest, *, is_couple: bool = True, refusal: Refusal | None = None) -> dict[str, Any]:
    drawn = view.sections(
        one.sections, typed=view.begun(one), record=one.record, guests=GUESTS if is_couple else {}, is_couple=is_couple
    )
    problems = [] if refusal is None else view.problems(refusal, one.sections)
    return {
        "asked": one,
        "state": view.state(one),
        "is_open": one.state in model.OPEN,
        "is_couple": is_couple,
        "sections": drawn,
        "answered": view.answered(one, ZONE),
        "problems": problems,
        "errors": dict(problems),
    }


def card(number: int, title: str, state: str, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": f"r{number}",
        "title": title,
        "state": state,
        "supplier_name": "Hartley & Finch",
        "due_on": None,
    }
    row |= {"submitted_at": None, "submissions": 0, "avoided": 0, "word": ""}
    return view.card(row | more)


def cards() -> list[dict[str, Any]]:
    sent = {"submitted_at": ago(days=2), "submissions": 1, "avoided": 6, "supplier_name": "The Tithe Barn"}
    return [
        card(1, PHOTO.title, "asked", due_on=date(2027, 8, 14)),
        card(2, MUSIC.title, "started", supplier_name="The Midnight Set"),
        card(3, "Final details", "submitted", **sent),
        card(4, "Menu and service", "locked", **sent | {"supplier_name": "Wren Catering"}),
    ]


def question(field: model.FormField | None, **more: Any) -> dict[str, Any]:
    typed: dict[str, Any] = dict.fromkeys(("label", "hint", "kind", "maps_to", "options", "show_field", "show_not"), "")
    if field is not None:
        typed |= {"label": field.label, "kind": field.kind, "options": "\n".join(field.options)}
        typed |= {"show_field": field.show_if.field if field.show_if else ""}
    before = [f for f in content.fields_of(PHOTO.sections[:2]) if f.kind == "choice"]
    pairs = [{"key": f.key, "pair": (f.key, f"Depending on: {f.label}"), "options": list(f.options)} for f in before]
    return {
        "form": {"id": "f1", "title": PHOTO.title, "version": 3},
        "key": "new" if field is None else field.key,
        "section": 1,
        "typed": typed,
        "is_required": False,
        "shown_for": ["Both of us"],
        "kinds": list(model.KINDS.items()),
        "cores": [(name, one.words) for name, one in core.CORE.items()],
        "choices_before": pairs,
        "errors": {},
        "problems": [],
    } | more


def scenes() -> Iterator[Scene]:
    yield from studio()
    base = f"/me/{WEDDING}/forms/r1"
    ours = couple("suppliers", live=LIVE)
    some = {"waiting": cards()[:2], "done": cards()[2:], "avoided": 12}
    yield Scene("forms-couple", "forms/forms.html", ours, some)
    yield Scene("forms-couple-none", "forms/forms.html", ours, {"waiting": [], "done": [], "avoided": 0})
    one = {"path": base, "is_shared": True, "share_url": ""}
    yield Scene("form-fill", "forms/form.html", ours, filled(asked(draft={"prep": "No"})) | one)
    wrong = [FieldError("board", "is not an address that begins with https://", "Copy the whole link of the file.")]
    refusal = Refusal(422, "invalid", "no", errors=[*wrong, core.clash("ceremony_at", "time", "15:00")])
    again = asked(draft={"prep": "Both of us", "board": "http://x"}, submissions=1, word="Which hall, please?")
    yield Scene(
        "form-refused",
        "forms/form.html",
        ours,
        filled(again, refusal=refusal) | one | {"share_url": "https://wedsync.example/form/AbC"},
    )
    yield Scene("form-final", "forms/form.html", ours, filled(asked("locked")) | one)
    shared = {"path": "/form/t", "couple": "Ana & Ben", "on": ON, "is_sent": False}
    yield Scene("form-public", "forms/public.html", public(), filled(asked("asked"), is_couple=False) | shared)
    done = filled(asked("submitted"), is_couple=False) | shared | {"is_sent": True}
    yield Scene("form-public-sent", "forms/public.html", public(), done)


def studio() -> Iterator[Scene]:
    me = supplier("weddings", live=LIVE)
    numbers = {"is_active": True, "questions": 19, "asked": 14, "answered": 12, "known": 84, "avoided": 71}
    some = [numbers | {"id": "f1", "title": PHOTO.title}]
    none = {"is_active": False, "questions": 4, "asked": 0, "answered": 0, "known": 0, "avoided": 0}
    some.append(none | {"id": "f2", "title": "Album choices"})
    templates = [(one.key, one.title) for one in TEMPLATES.values()]
    listed = {"forms": some, "known": 84, "avoided": 71, "may_manage": True, "templates": templates}
    yield Scene("forms", "forms/studio.html", me, listed)
    yield Scene("forms-none", "forms/studio.html", me, listed | {"forms": [], "known": 0, "avoided": 0})
    row = {"id": "f1", "title": PHOTO.title, "intro": PHOTO.intro, "is_active": True, "version": 3}
    weddings = [("w1", "Ana & Ben, 11 Sep 2027"), ("w2", "Chiara & Tom, no date")]
    plain = {"row": row, "may_manage": True, "weddings": weddings, "errors": {}, "problems": [], "said": ""}
    yield Scene("form-builder", "forms/builder.html", me, plain | {"built": view.built(PHOTO.sections)})
    said = "A question is shown only for some answers of another one, which has to stay above it."
    yield Scene("form-builder-empty", "forms/builder.html", me, plain | {"built": [], "weddings": [], "said": said})
    yield Scene("form-question", "forms/field.html", me, question(content.field_of(PHOTO.sections, "prep_from")))
    wrong = {"options": "Are fewer than two. Write down what can be chosen, each once."}
    yield Scene("form-question-new", "forms/field.html", me, question(None, errors=wrong, problems=list(wrong.items())))
    drawn = view.sections(MUSIC.sections, typed={}, record={"on": "2027-06-05", "reception_at": "17:00"}, guests=GUESTS)
    yield Scene("form-preview", "forms/preview.html", me, {"form": row, "sections": drawn, "errors": {}})
    offers = [("f1", PHOTO.title), ("f2", "Album choices")]
    there = {"path": PATH, "couple": "Ana & Ben", "offers": offers, "forms_href": f"/studio/{SUPPLIER}/forms"}
    yield Scene("forms-wedding", "forms/wedding.html", me, there | {"asked": cards()})
    yield Scene("forms-wedding-none", "forms/wedding.html", me, there | {"asked": [], "offers": []})
    for name, one in (("form-answers", asked("submitted")), ("form-unanswered", asked("asked"))):
        values = {
            "path": PATH,
            "couple": "Ana & Ben",
            "asked": one,
            "state": view.state(one),
            "share_url": "",
            "said": "",
        }
        values |= {"answered": view.answered(one, ZONE), "open_count": view.open_questions(one)}
        yield Scene(name, "forms/answers.html", me, values)
