"""The one field-map engine: rows that say which source value becomes which target field, applied without I/O.

A `FieldMap` is data (it may come from TOML, JSON or a database row), versioned by its author; `compile_map` checks it
once and turns it into closures; `Mapper.apply` then maps one source (a JSON document, a dict, or a row of cells) to a
`Mapped` of values and problems per field. A blank source value gives no target at all rather than an empty one, so
that a merge can tell "says nothing" from "says empty".

Paths start with `$`: `$.client.emails[0].value`, `$.guests[*].name`. Everything else is one exact key or column header,
because real headers contain dots, spaces and brackets. There is deliberately no pattern (regular expression) check:
maps of tenants are run on our machines, and a hostile pattern never ends.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Literal

import msgspec

from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.transforms import BUILT_IN, Factory, Transform


class Step(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One transform by name, with its options."""

    name: str
    options: dict[str, Any] = {}


class Check(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One demand on the mapped value; `reason` replaces the standard wording."""

    rule: Literal["required", "length_max", "least", "most", "one_of", "starts_with"]
    value: Any = None
    reason: str = ""


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One target field. `source` is tried in order; `take="all"` hands every non-blank one to the transforms."""

    target: str
    source: tuple[str, ...] = ()
    take: Literal["first", "all"] = "first"
    transform: tuple[Step, ...] = ()
    default: Any = None
    check: tuple[Check, ...] = ()


class FieldMap(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A named, versioned set of rules; what an import, a hook or a CRM connection stores."""

    name: str
    version: int
    rules: tuple[Rule, ...]


class Problem(msgspec.Struct, frozen=True, gc=False):
    """Why one field of one source could not be mapped."""

    target: str
    source: str
    value: str
    reason: str


class Mapped(msgspec.Struct, gc=False):
    """What one source became. A field with a problem has no value."""

    values: dict[str, Any]
    problems: list[Problem]


Getter = Callable[[Any], Any]
CheckCall = Callable[[Any], str]
VALUE_SHOWN_MAX = 200


class _Field(msgspec.Struct, frozen=True):
    target: str
    path: tuple[str, ...]
    named: str
    get: Getter | None  # the one source of most fields, without a loop
    sources: tuple[tuple[str, Getter], ...]
    takes_all: bool
    transforms: tuple[Transform, ...]
    default: Any
    checks: tuple[CheckCall, ...]
    required: str


class Mapper:
    """A compiled map; holds no state of any source and may be shared."""

    def __init__(self, field_map: FieldMap, fields: Sequence[_Field]) -> None:
        self.name = field_map.name
        self.version = field_map.version
        self._fields = tuple(fields)

    def apply(self, source: Any) -> Mapped:
        """Map one source; never raises for what the source holds."""
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        for field in self._fields:
            named, value = _found(field, source)
            if value is None:
                value = field.default
            elif field.transforms or field.checks:
                value = _transformed(field, named, value, problems)
            if value is not None:
                if field.path:
                    _put(values, field.path, value)
                else:
                    values[field.target] = value
            elif field.required and not (problems and problems[-1].target == field.target):
                problems.append(Problem(field.target, named, "", field.required))
        return Mapped(values, problems)


def compile_map(
    field_map: FieldMap, *, headers: Sequence[str] | None = None, transforms: Mapping[str, Factory] | None = None
) -> Mapper:
    """Check a map and make it callable.

    With `headers`, sources are rows of cells in that order (each at least as long as the headers); without, they are
    documents or dicts. `transforms` adds the caller's own to the built-in ones. Raises `Refusal` 422 `mapping_invalid`
    that names every rule that cannot work.
    """
    known = {**BUILT_IN, **(transforms or {})}
    places = {header: index for index, header in enumerate(headers)} if headers is not None else None
    faults: list[FieldError] = []
    seen: set[str] = set()
    fields = []
    for number, rule in enumerate(field_map.rules):
        where = f"rules[{number}]"
        if not rule.target or rule.target in seen:
            fix = "Keep one rule and list its sources in order."
            faults.append(FieldError(f"{where}.target", f"The target {rule.target!r} is empty or set twice.", fix))
        seen.add(rule.target)
        fields.append(_field(rule, where=where, places=places, known=known, faults=faults))
    faults.extend(_hidden_targets([field.path or (field.target,) for field in fields]))
    if faults:
        raise Refusal(422, "mapping_invalid", f"The field map {field_map.name!r} cannot be used.", errors=faults)
    return Mapper(field_map, fields)


def _field(
    rule: Rule,
    *,
    where: str,
    places: Mapping[str, int] | None,
    known: Mapping[str, Factory],
    faults: list[FieldError],
) -> _Field:
    def attempt(field: str, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except (ValueError, TypeError, KeyError, ArithmeticError) as error:
            faults.append(FieldError(f"{where}.{field}", _sentence(error)))
            return None

    sources = [(name, attempt("source", partial(_getter, name, places))) for name in rule.source]
    steps = [attempt(f"transform[{n}]", partial(_step, step, known)) for n, step in enumerate(rule.transform)]
    checks = [
        attempt(f"check[{n}]", partial(_check, check)) for n, check in enumerate(rule.check) if check.rule != "required"
    ]
    required = next((check.reason or "A value is needed here." for check in rule.check if check.rule == "required"), "")
    path = attempt("target", partial(_target_path, rule.target)) if rule.target.startswith("$") else ()
    return _Field(
        target=rule.target,
        path=path or (),
        named=sources[0][0] if sources else "",
        get=sources[0][1] if len(sources) == 1 and rule.take == "first" else None,
        sources=tuple(sources),
        takes_all=rule.take == "all",
        transforms=tuple(steps),
        default=rule.default,
        checks=tuple(checks),
        required=required,
    )


def _found(field: _Field, source: Any) -> tuple[str, Any]:
    """The source used and its value: the first that is not blank, or the list of all that are not."""
    if field.get is not None:
        value = field.get(source)
        return field.named, None if _is_blank(value) else value
    gathered: list[Any] = []
    named = ""
    for name, get in field.sources:
        value = get(source)
        if _is_blank(value):
            named = named or name
            continue
        if not field.takes_all:
            return name, value
        named = name if not gathered else named
        gathered.extend(value) if isinstance(value, list) else gathered.append(value)
    return named, gathered or None


def _is_blank(value: Any) -> bool:
    return (not value or value.isspace()) if value.__class__ is str else value is None or value == []


def _transformed(field: _Field, named: str, value: Any, problems: list[Problem]) -> Any:
    before = value
    try:
        for transform in field.transforms:
            value = transform(value)
            if value is None:
                return field.default
    except (ValueError, TypeError, ArithmeticError) as error:
        problems.append(Problem(field.target, named, _shown(before), _sentence(error)))
        return None
    for check in field.checks:
        reason = check(value)
        if reason:
            problems.append(Problem(field.target, named, _shown(before), reason))
            return None
    return value


def _step(step: Step, known: Mapping[str, Factory]) -> Transform:
    if step.name not in known:
        raise ValueError(f"There is no transform {step.name!r}. Known: {', '.join(sorted(known))}.")
    return known[step.name](step.options)


def _check(check: Check) -> CheckCall:
    """The check as a function that answers with a reason, or with nothing when all is well."""
    limit, own = check.value, check.reason

    def length_max(value: Any) -> str:
        return (own or f"Longer than {limit} characters: shorten it.") if len(value) > limit else ""

    def least(value: Any) -> str:
        return (own or f"Must be at least {limit}.") if value < limit else ""

    def most(value: Any) -> str:
        return (own or f"Must be at most {limit}.") if value > limit else ""

    def one_of(value: Any) -> str:
        return "" if value in limit else (own or f"Must be one of: {', '.join(map(str, limit))}.")

    def starts_with(value: Any) -> str:
        return "" if str(value).startswith(limit) else (own or f"Must start with {limit!r}.")

    calls: dict[str, CheckCall] = {
        "length_max": length_max,
        "least": least,
        "most": most,
        "one_of": one_of,
        "starts_with": starts_with,
    }
    _demand_limit(check.rule, limit)
    return calls[check.rule]


def _demand_limit(rule: str, limit: Any) -> None:
    kinds: dict[str, tuple[type, ...]] = {
        "length_max": (int,),
        "least": (int, float),
        "most": (int, float),
        "one_of": (list, tuple),
        "starts_with": (str,),
    }
    if isinstance(limit, bool) or not isinstance(limit, kinds[rule]):
        raise ValueError(f"The check {rule!r} needs a value of type {' or '.join(k.__name__ for k in kinds[rule])}.")


# --- paths -----------------------------------------------------------------------------------------------------------

_PATH_PART = re.compile(r"\.([^.\[\]]+)|\[(\d{1,6}|\*)\]")


def _path(text: str) -> tuple[str | int | None, ...]:
    """`$.a[0].b[*]` -> ("a", 0, "b", None)."""
    parts: list[str | int | None] = []
    at = 1
    while at < len(text):
        match = _PATH_PART.match(text, at)
        if match is None:
            raise ValueError(f"The path {text!r} breaks at character {at + 1}. Write it like $.client.emails[0].value.")
        key, index = match.groups()
        parts.append(key if key is not None else None if index == "*" else int(index))
        at = match.end()
    return tuple(parts)


def _target_path(text: str) -> tuple[str, ...]:
    parts = _path(text)
    if not parts or not all(isinstance(part, str) for part in parts):
        raise ValueError("A target path is made of names only, like $.client.email.")
    return tuple(str(part) for part in parts)


def _getter(name: str, places: Mapping[str, int] | None) -> Getter:
    if places is not None:
        if name not in places:
            raise ValueError(f"There is no column {name!r} in this file.")
        return itemgetter(places[name])
    if name.startswith("$"):
        parts = _path(name)
        return lambda source: _walk(source, parts)
    return lambda source: source.get(name) if isinstance(source, Mapping) else None


def _walk(node: Any, parts: Sequence[str | int | None]) -> Any:
    for place, part in enumerate(parts):
        if part is None:
            if not isinstance(node, list):
                return None
            rest = parts[place + 1 :]
            return [found for item in node if (found := _walk(item, rest)) not in (None, "")]
        node = _child(node, part)
        if node is None:
            return None
    return node


def _child(node: Any, part: str | int) -> Any:
    if isinstance(part, str):
        return node.get(part) if isinstance(node, Mapping) else None
    return node[part] if isinstance(node, list) and part < len(node) else None


def _hidden_targets(paths: Sequence[tuple[str, ...]]) -> list[FieldError]:
    """Targets that would be written inside another target's value (`$.a` and `$.a.b`)."""
    taken = set(paths)
    return [
        FieldError("rules", f"The target {'.'.join(path)!r} lies inside another target.")
        for path in sorted(taken)
        if any(path[:depth] in taken for depth in range(1, len(path)))
    ]


def _put(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
    values[path[-1]] = value


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= VALUE_SHOWN_MAX else text[: VALUE_SHOWN_MAX - 1] + "…"


def _sentence(error: Exception) -> str:
    """Our own refusals are sentences; what the interpreter raised is not for people."""
    text = str(error)
    return text if type(error) is ValueError and text.endswith((".", "!", "?")) else "This value cannot be read here."
