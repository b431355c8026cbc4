"""What a builder's buttons send is one step of a form, or refused in words; what does not fit together is named."""

from typing import Any

import msgspec
import pytest

from wedsync.forms import answers, building, content
from wedsync.forms.answers import UnreadableError
from wedsync.forms.model import SECTIONS_MAX, FormField, FormSection, ShowIf
from wedsync.kit.errors import Refusal
from wedsync.web.forms import Form

LIKES = FormField(key="likes", kind="choice", label="Cake?", options=("Yes", "No"))
WHY = FormField(key="why", kind="text", label="Why?")
SECTIONS = (FormSection(title="One", fields=(LIKES, WHY)), FormSection(title="Two"))
ROW = {"sections": SECTIONS}


def form(**fields: str) -> Form:
    return Form(list(fields.items()))


def test_each_button_is_one_step() -> None:
    assert building.step(ROW, "save", form(title=" Cake ", intro="Hello")) == {"title": "Cake", "intro": "Hello"}
    assert building.step(ROW, "retire", form()) == {"is_active": False}
    assert building.step(ROW, "revive", form()) == {"is_active": True}

    def titles(name: str, **fields: str) -> list[str]:
        return [one.title for one in building.step(ROW, name, form(**fields))["sections"]]

    assert titles("section-add", section_title="Three") == ["One", "Two", "Three"]
    assert titles("section-save", n="1", section_title="Zwei") == ["One", "Zwei"]
    assert titles("section-up", n="1") == titles("section-down", n="0") == ["Two", "One"]
    assert titles("section-up", n="0") == titles("section-down", n="1") == ["One", "Two"], "at the end it stays"
    assert titles("section-remove", n="0") == ["Two"]


@pytest.mark.parametrize(
    ("name", "fields", "status"),
    [
        ("eat", {}, 404),
        *[("section-save", {"n": n, "section_title": "X"}, 404) for n in ("", "2", "-1")],
        *[("section-save", {"n": n, "section_title": "X"}, 422) for n in ("one", "--1", "²", "1" * 16)],
        ("section-add", {"section_title": ""}, 422),
    ],
)
def test_a_button_that_there_is_not_is_refused(name: str, fields: dict[str, str], status: int) -> None:
    with pytest.raises(Refusal) as refused:
        building.step(ROW, name, form(**fields))
    assert refused.value.status == status


def test_a_form_has_room_for_so_many_sections() -> None:
    with pytest.raises(Refusal, match=str(SECTIONS_MAX)):
        content.add_section(SECTIONS * SECTIONS_MAX, SECTIONS[1])


@pytest.mark.parametrize(
    ("key", "fields", "status", "where"),
    [
        ("none", {"label": "?", "kind": "text"}, 404, ""),
        ("new", {"label": "?", "kind": "text", "section": "7"}, 404, ""),
        ("new", {"label": "?", "kind": "choice", "options": "a|b\nc"}, 422, "options"),
        ("new", {"label": "?", "kind": "choice", "options": "a\na"}, 422, "options"),
        ("new", {"label": "?", "kind": "text", "show_field": "likes"}, 422, "show_field"),
        ("new", {"label": "?", "kind": "text", "show_field": "likes", "show_likes": "Perhaps"}, 422, "show_field"),
        ("new", {"label": "?", "kind": "text", "show_field": "why", "show_why": "Yes"}, 422, "show_field"),
        ("new", {"label": "", "kind": "text"}, 422, "label"),
    ],
)
def test_a_question_that_does_not_fit_is_refused(key: str, fields: dict[str, str], status: int, where: str) -> None:
    with pytest.raises(Refusal) as refused:
        building.field(SECTIONS, key, form(**fields))
    assert refused.value.status == status
    assert [error.field for error in refused.value.errors] == ([where] if where else [])


def test_a_question_is_added_to_its_section_and_changed_where_it_is() -> None:
    made = building.field(SECTIONS, "new", form(label="How?", kind="many", options="a\nb\na", section="1"))
    assert [field.options for field in made[1].fields] == [("a", "b")]
    made = building.field(made, "likes", form(label="Pie?", kind="choice", options="Yes\nNo", section="1"))
    assert [field.label for field in made[0].fields] == ["Pie?", "Why?"]


@pytest.mark.parametrize(
    ("field", "fault"),
    [
        (FormField(key="x", kind="text", label="?", options=("a", "b")), "belong to a list only"),
        (FormField(key="x", kind="choice", label="?", options=("a", "b", "a")), "name one thing twice"),
        (FormField(key="x", kind="choice", label="?", options=("a",)), "are fewer than two"),
        (FormField(key="x", kind="text", label="?", maps_to="nothing"), "is no field of the record"),
        (FormField(key="likes", kind="text", label="?"), "is another field's already"),
        (FormField(key="x", kind="text", label="?", show_if=ShowIf(field="likes", values=("Often",))), "cannot be"),
        (FormField(key="x", kind="text", label="?", show_if=ShowIf(field="why", values=("Yes",))), "no earlier choice"),
    ],
)
def test_what_does_not_fit_together_is_named(field: FormField, fault: str) -> None:
    with pytest.raises(Refusal, match=fault):
        content.check((*SECTIONS, FormSection(title="Three", fields=(field,))))


MANY: Any = FormField(key="x", kind="many", label="?", options=("a", "b", "c"))


def of(kind: str) -> FormField:
    return msgspec.structs.replace(WHY, kind=kind)


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        (MANY, ["c", "a"], ["a", "c"]),
        (of("number"), "12000", ["12,000"]),
        (of("number"), "", []),
        (of("lines"), "one\n\ntwo", ["one", "two"]),
        (of("long"), "one\ntwo", ["one", "two"]),
        (of("date"), "2027-06-05", ["5 Jun 2027"]),
    ],
)
def test_an_answer_is_kept_and_said_again(field: FormField, given: Any, said: list[str]) -> None:
    assert [line.strip() for line in answers.said(field, answers.value_of(field, given))] == said


@pytest.mark.parametrize(
    ("field", "given"),
    [
        (MANY, ["d"]),
        (LIKES, "Perhaps"),
        (of("long"), "x" * (answers.LONG_MAX + 1)),
        (of("lines"), [f"line {n}" for n in range(1001)]),
        (of("lines"), "x" * 10_001),
    ],
)
def test_an_answer_that_cannot_be_kept_is_refused(field: FormField, given: Any) -> None:
    with pytest.raises(UnreadableError):
        answers.value_of(field, given)


def test_guests_are_said_by_their_names() -> None:
    assert answers.said(of("guests"), [{"id": "1", "name": "Carla"}, {"id": "2", "name": "Dario"}]) == [
        "Carla",
        "Dario",
    ]
