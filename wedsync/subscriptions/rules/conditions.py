"""Conditions of a rule: rows of field, operator and value, compiled to jsonpath predicates over a fact.

`app.record` evaluates the compiled path, and whoever explains a decision asks the database with the same paths, so no
other reading of an operator exists. Each predicate is whole by itself (`exists (… ? (…))`): it is true or false, never
unknown, whatever a row holds. Names come from a pattern, values become literals by JSON's rules in plain ASCII.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Operator = Literal[
    "is",
    "is_not",
    "one_of",
    "contains",
    "starts_with",
    "greater",
    "less",
    "present",
    "absent",
    "changed",
]
Scalar = str | int | float | bool
#: As the body of a webhook names them: `record.status`, `old_record.status`, `op`, `severity`.
Path = Annotated[str, Meta(pattern=r"^(op|severity|(record|old_record)(\.[a-z][a-z0-9_]{0,60}){1,4})$", max_length=200)]
VALUELESS: Final = frozenset({"present", "absent", "changed"})
TEXT_MAX: Final = 500
LIST_MAX: Final = 50


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One row. `one_of` takes a list; `present`, `absent` and `changed` take no value; letters' case matters but to
    `contains`.
    """

    field: Path
    operator: Operator
    value: str | int | float | bool | list[str | int | float | bool] | None = None


def fault(condition: Condition) -> str:
    """Why the value does not go with the operator, for people; empty when it does."""
    value = condition.value
    if condition.operator in VALUELESS:
        return "" if value is None else "takes no value"
    if condition.operator == "one_of":
        return _list_fault(value)
    if value is None or isinstance(value, list):
        return "needs one value"
    if condition.operator in ("contains", "starts_with") and not (isinstance(value, str) and value):
        return "needs some letters to look for"
    if condition.operator in ("greater", "less") and (isinstance(value, bool) or value == ""):
        return "needs a number, a day or a time"
    return _scalar_fault(value)


def _list_fault(value: object) -> str:
    if not isinstance(value, list) or not value:
        return "needs at least one value"
    if len(value) > LIST_MAX:
        return f"takes at most {LIST_MAX} values"
    return next((said for one in value if (said := _scalar_fault(one))), "")


def _scalar_fault(value: Scalar) -> str:
    if isinstance(value, str):
        if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
            return "holds a character that no text here can hold"
        return "is too long" if len(value) > TEXT_MAX else ""
    if isinstance(value, float) and not math.isfinite(value):
        return "is not a number"
    return "is too large a number" if not isinstance(value, bool) and abs(value) > 1e15 else ""


def compiled(conditions: Sequence[Condition]) -> str | None:
    """The predicate of all rows together; None where nothing is asked. Their faults are empty."""
    return " && ".join(rows(conditions)) or None


def rows(conditions: Sequence[Condition]) -> list[str]:
    """The predicate of each row."""
    return [_compiled(condition) for condition in conditions]


def _compiled(condition: Condition) -> str:
    path, value = _path(condition.field), condition.value
    if condition.operator == "changed":
        name = condition.field.partition(".")[2]
        new, old = _path(f"record.{name}"), _path(f"old_record.{name}")
        same = f"exists($ ? ({new.replace('$', '@', 1)} == {old.replace('$', '@', 1)}))"
        return f'(exists($."op" ? (@ == "UPDATE")) && exists({new}) && !{same})'
    if condition.operator in _PRESENCE:
        return _PRESENCE[condition.operator](path)
    if isinstance(value, list):
        return f"exists({path} ? ({' || '.join(f'@ == {literal(one)}' for one in value)}))"
    if value is None:
        raise ValueError(f"{condition.operator} needs a value")
    return _COMPARED[condition.operator](path, literal(value))


def _present(path: str) -> str:
    """Neither missing nor null nor an empty text."""
    return f'(exists({path} ? (@ != null)) && !exists({path} ? (@ == "")))'


_PRESENCE: Final[Mapping[str, Callable[[str], str]]] = {
    "present": _present,
    "absent": lambda path: f"!{_present(path)}",
}
_COMPARED: Final[Mapping[str, Callable[[str, str], str]]] = {
    "is": lambda path, value: f"exists({path} ? (@ == {value}))",
    "is_not": lambda path, value: f"!exists({path} ? (@ == {value}))",
    "greater": lambda path, value: f"exists({path} ? (@ > {value}))",
    "less": lambda path, value: f"exists({path} ? (@ < {value}))",
    "starts_with": lambda path, value: f"exists({path} ? (@ starts with {value}))",
    # q: the letters as they are, no pattern; i: whatever their case.
    "contains": lambda path, value: f'exists({path} ? (@ like_regex {value} flag "iq"))',
}


def _path(field: str) -> str:
    """`old_record.status` as a path into the fact, which calls it `old`; every name in quotes."""
    first, *rest = field.split(".")
    names = ["old" if first == "old_record" else first, *rest]
    return "$" + "".join(f'."{name}"' for name in names)


def literal(value: Scalar) -> str:
    """A jsonpath literal that ends where the value ends: JSON in ASCII, which jsonpath reads alike."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    return f"({text})" if text.startswith("-") else text
