"""The rules of forms: what shows, what is kept of answers, and what goes back into the record."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.forms import answers, content, core
from wedsync.forms.core import CORE
from wedsync.forms.model import FormField, FormSection, ShowIf
from wedsync.forms.starting import TEMPLATES
from wedsync.kit.errors import Refusal

OPTIONS = ("Yes", "No", "Perhaps")


@st.composite
def forms(draw: st.DrawFn) -> tuple[FormSection, ...]:
    """Sections of choices and texts, some of which hang on an earlier choice."""
    fields: list[FormField] = []
    for n in range(draw(st.integers(1, 7))):
        kind: Any = draw(st.sampled_from(["choice", "text", "number"]))
        choices = [f.key for f in fields if f.kind == "choice"]
        condition = None
        if draw(st.booleans()) and choices:
            some = st.lists(st.sampled_from(OPTIONS), min_size=1, unique=True)
            values = tuple(draw(some))
            condition = ShowIf(field=draw(st.sampled_from(choices)), values=values, is_not=draw(st.booleans()))
        options = OPTIONS if kind == "choice" else ()
        need = draw(st.booleans())
        fields.append(
            FormField(key=f"f{n}", kind=kind, label="?", options=options, show_if=condition, is_required=need)
        )
    cut = draw(st.integers(0, len(fields)))
    return (FormSection(title="A", fields=tuple(fields[:cut])), FormSection(title="B", fields=tuple(fields[cut:])))


TYPED = st.dictionaries(st.sampled_from([f"f{n}" for n in range(7)]), st.sampled_from([*OPTIONS, "7", "", "word"]))


@settings(max_examples=60, deadline=None)
@given(forms(), TYPED)
def test_what_does_not_show_is_neither_asked_for_nor_kept(form: tuple[FormSection, ...], typed: dict[str, Any]) -> None:
    content.check(form)
    found = answers.read(form, typed, {})
    shown = {field.key: field for field in found.shown}
    assert set(found.answers) <= set(shown) and {p.field for p in found.problems} <= set(shown)
    for field in found.shown:
        assert field.show_if is None or field.show_if.field in shown
        is_named = field.key in found.answers or field.key in {p.field for p in found.problems}
        assert is_named or not field.is_required
    # Answers as they are kept read as the same answers.
    again = answers.read(form, found.answers, {})
    assert again.answers == found.answers and set(answers.typed_draft(form, typed, {})) <= set(typed)


@settings(max_examples=60, deadline=None)
@given(
    forms(), st.lists(st.tuples(st.sampled_from([f"f{n}" for n in range(7)]), st.sampled_from([-1, 1])), max_size=12)
)
def test_moving_keeps_every_question_once_and_the_form_whole(form: Any, moves: list[tuple[str, int]]) -> None:
    keys = sorted(field.key for field in content.fields_of(form))
    for key, by in moves:
        try:
            form = content.move_field(form, key, by)
        except Refusal:
            continue
        content.check(form)
    assert sorted(field.key for field in content.fields_of(form)) == keys


VALUES = st.sampled_from([None, "14:00", "14:30", "15:00"])


@given(VALUES, VALUES, VALUES)
def test_the_record_is_changed_by_what_was_meant_and_by_nothing_else(seen: Any, now: Any, answer: Any) -> None:
    field = FormField(key="at", kind="time", label="When?", maps_to="ceremony_at")
    told = answers.Given(shown=[field], answers={} if answer is None else {"at": answer}, problems=[])
    settled = answers.settle(told, {"at": seen}, {} if now is None else {"ceremony_at": now})
    if settled.back:
        assert settled.back == {"ceremony_at": answer} and answer not in (None, now) and seen == now
    if settled.clashes:
        assert len({seen, now, answer}) == 3
    elif answer == seen:
        assert settled.answers.get("at") == now
    else:
        assert settled.answers.get("at") == answer
    assert settled.known == (now is not None) and settled.avoided == (now is not None and seen == now == answer)


@pytest.mark.parametrize(
    ("kind", "given_text", "kept"),
    [
        ("date", "2027-06-05", "2027-06-05"),
        ("date", "05/06/2027", None),
        ("date", "0206-06-05", None),
        ("time", "9:3", None),
        ("time", "09:30:15", "09:30"),
        ("number", "1,200", 1200),
        ("number", "nan", None),
        ("number", "-1", None),
        ("number", "2.5", 2.5),
        ("link", "javascript:alert(1)", None),
        ("link", "https://files.example.com/plan.pdf", "https://files.example.com/plan.pdf"),
        ("address", " 1 Church Lane,\n Marlow \n", "1 Church Lane, Marlow"),
        ("songs", "At last\n\n At last \nRespect", ["At last", "Respect"]),
        ("text", "x" * 501, None),
    ],
)
def test_each_kind_is_read_as_it_is_meant(kind: Any, given_text: str, kept: Any) -> None:
    field = FormField(key="f", kind=kind, label="?")
    found = answers.read((FormSection(title="A", fields=(field,)),), {"f": [given_text]}, {})
    assert (found.answers.get("f"), bool(found.problems)) == (kept, kept is None)


def test_guests_are_kept_with_their_name_and_whoever_left_the_list_is_asked_about() -> None:
    field = FormField(key="f", kind="guests", label="Who?")
    nana, gone = "01920000-0000-7000-8000-000000000001", "01920000-0000-7000-8000-000000000002"
    kept = answers.value_of(field, [nana, "Uncle Theo"], {nana: "Nana Rose"})
    assert kept == [{"id": nana, "name": "Nana Rose"}, {"id": None, "name": "Uncle Theo"}]
    assert answers.value_of(field, kept, {nana: "Nana Rose"}) == kept
    with pytest.raises(answers.UnreadableError):
        answers.value_of(field, [gone], {nana: "Nana Rose"})


def test_contacts_are_read_a_line_each_and_nobody_is_named_twice() -> None:
    there = [{"name": "Priya", "what": "", "phone": ""}]
    found = core.contacts_to_add("priya, other\nTom, band, +44 7700 900123\n, ,\nTom, again\n07700 900124", there)
    assert [msgspec.to_builtins(one) for one in found] == [{"name": "Tom", "what": "band", "phone": "+44 7700 900123"}]


def test_every_form_to_begin_with_is_whole() -> None:
    for one in TEMPLATES.values():
        content.check(one.sections)
        mapped = [field for field in content.fields_of(one.sections) if field.maps_to]
        assert len(mapped) >= 4 and all(field.kind == CORE[field.maps_to].kind for field in mapped)
    assert content.key_for(TEMPLATES["music"].sections, "First dance!") == "first_dance_2"
    assert content.key_for((), "Où ?") == "o"
