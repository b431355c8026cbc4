"""The rules of a form's content: what makes a whole of it, which fields show, and the builder's steps; pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from wedsync.forms.core import CORE
from wedsync.forms.model import CHOOSING, FIELDS_MAX, SECTIONS_MAX, FormField, FormSection
from wedsync.kit.errors import FieldError, Refusal

Content = tuple[FormSection, ...]
EMPTY: Final = "Add a question first: a form without any cannot be sent."


def fields_of(sections: Sequence[FormSection]) -> Iterator[FormField]:
    """Every field, in order."""
    return (field for section in sections for field in section.fields)


def check(sections: Content) -> None:
    """Raises Refusal 422 that names everything that does not fit together."""
    faults: list[FieldError] = []
    earlier: dict[str, FormField] = {}
    for n, section in enumerate(sections):
        for m, field in enumerate(section.fields):
            where = f"sections[{n}].fields[{m}]"
            faults += [FieldError(f"{where}.{name}", reason, fix) for name, reason, fix in _faults(field, earlier)]
            earlier[field.key] = field
    if len(earlier) > FIELDS_MAX:
        faults.append(FieldError("sections", f"holds more than {FIELDS_MAX} fields", "Make two forms of it."))
    if faults:
        raise Refusal(422, "invalid", f"{faults[0].field}: {faults[0].reason}", errors=faults)


def _faults(field: FormField, earlier: Mapping[str, FormField]) -> Iterator[tuple[str, str, str]]:
    if field.key in earlier:
        yield "key", "is another field's already", "Give every field a key of its own."
    yield from _faults_of_kind(field)
    if field.show_if is not None:
        yield from _faults_of_condition(field, earlier)


def _faults_of_kind(field: FormField) -> Iterator[tuple[str, str, str]]:
    if field.kind in CHOOSING and len(set(field.options)) < 2:
        yield "options", "are fewer than two", "Write down what can be chosen, each once."
    if field.kind not in CHOOSING and field.options:
        yield "options", "belong to a list only", "Make it one of a list, or leave them out."
    if len(set(field.options)) < len(field.options):
        yield "options", "name one thing twice", "Write each once."
    if field.maps_to and field.maps_to not in CORE:
        yield "maps_to", "is no field of the record", f"One of: {', '.join(CORE)}."
    elif field.maps_to and field.kind != CORE[field.maps_to].kind:
        yield "kind", "is another than the record's", f"What is kept there is of kind {CORE[field.maps_to].kind}."


def _faults_of_condition(field: FormField, earlier: Mapping[str, FormField]) -> Iterator[tuple[str, str, str]]:
    assert field.show_if is not None
    asked = earlier.get(field.show_if.field)
    if asked is None or asked.kind != "choice":
        yield "show_if", "hangs on no earlier choice", "Name a field above this one that is one of a list."
    elif set(field.show_if.values) - set(asked.options):
        yield "show_if", "names what cannot be chosen there", f"One of: {', '.join(asked.options)}."


def visible(sections: Sequence[FormSection], chosen: Mapping[str, Any]) -> list[FormField]:
    """The fields that show with these answers. What hangs on a field that does not show does not show either."""
    shown: dict[str, FormField] = {}
    for field in fields_of(sections):
        if field.show_if is None or _holds(field, shown, chosen):
            shown[field.key] = field
    return list(shown.values())


def _holds(field: FormField, shown: Mapping[str, FormField], chosen: Mapping[str, Any]) -> bool:
    condition = field.show_if
    assert condition is not None
    return condition.field in shown and (chosen.get(condition.field) in condition.values) is not condition.is_not


def place_of(sections: Content, key: str) -> tuple[int, int] | None:
    """The section and the place in it, of a field."""
    found = ((n, m) for n, s in enumerate(sections) for m, field in enumerate(s.fields) if field.key == key)
    return next(found, None)


def field_of(sections: Sequence[FormSection], key: str) -> FormField | None:
    """A field by its key."""
    return next((field for field in fields_of(sections) if field.key == key), None)


def key_for(sections: Content, label: str) -> str:
    """A key made of a label, that no other field has."""
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in label.lower()).strip("_")[:32].strip("_")
    stem = plain if plain[:1].isalpha() else f"field_{plain}".rstrip("_")
    taken = {field.key for field in fields_of(sections)}
    return next(key for n in range(1, FIELDS_MAX * 2) if (key := stem if n == 1 else f"{stem}_{n}") not in taken)


def add_section(sections: Content, section: FormSection) -> Content:
    """One more, at the end. Raises Refusal 422 where there are too many."""
    if len(sections) >= SECTIONS_MAX:
        raise Refusal(422, "invalid", f"A form has {SECTIONS_MAX} sections at most. Make two forms of it.")
    return (*sections, section)


def put_section(sections: Content, n: int, section: FormSection) -> Content:
    """Another heading over the same fields."""
    return (*sections[:n], section, *sections[n + 1 :])


def remove_section(sections: Content, n: int) -> Content:
    """Without it and its fields. Raises Refusal 422 where another field hangs on one of them."""
    left = (*sections[:n], *sections[n + 1 :])
    check(left)
    return left


def move_section(sections: Content, n: int, by: int) -> Content:
    """One place up (-1) or down (1); at the end it stays."""
    return tuple(_swapped(sections, n, by))


def put_field(sections: Content, n: int, field: FormField) -> Content:
    """A field by its key: changed where it is, else added at the end of section `n`. Raises Refusal 422."""
    place = place_of(sections, field.key)
    if place is None:
        made = _with_fields(sections, n, lambda fields: (*fields, field))
    else:
        n, m = place
        made = _with_fields(sections, n, lambda fields: (*fields[:m], field, *fields[m + 1 :]))
    check(made)
    return made


def remove_field(sections: Content, key: str) -> Content:
    """Without it. Raises Refusal 422 where another hangs on it."""
    made = tuple(
        msgspec.structs.replace(section, fields=tuple(f for f in section.fields if f.key != key))
        for section in sections
    )
    check(made)
    return made


def move_field(sections: Content, key: str, by: int) -> Content:
    """One place up (-1) or down (1), over the edge of its section into the next; at the end of all it stays.

    Raises Refusal 422 where a field would come before the one it hangs on.
    """
    place = place_of(sections, key)
    if place is None:
        return sections
    n, m = place
    if 0 <= m + by < len(sections[n].fields):
        made = _with_fields(sections, n, lambda fields: tuple(_swapped(fields, m, by)))
    elif 0 <= n + by < len(sections):
        field = sections[n].fields[m]
        out = _with_fields(sections, n, lambda fields: (*fields[:m], *fields[m + 1 :]))
        made = _with_fields(out, n + by, lambda fields: (field, *fields) if by > 0 else (*fields, field))
    else:
        return sections
    check(made)
    return made


def _with_fields(
    sections: Content, n: int, change: Callable[[tuple[FormField, ...]], tuple[FormField, ...]]
) -> Content:
    changed = msgspec.structs.replace(sections[n], fields=change(sections[n].fields))
    return put_section(sections, n, changed)


def _swapped(row: Sequence[Any], n: int, by: int) -> list[Any]:
    made = list(row)
    if 0 <= n + by < len(made):
        made[n], made[n + by] = made[n + by], made[n]
    return made
