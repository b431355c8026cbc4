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
VALUE_SHOWN_MAX = 200


class _Field(msgspec.Struct, frozen=True):
    target: str
    path: tuple[str, ...]
    sources: tuple[tuple[str, Getter], ...]
    read: Getter  # the value to begin with, None when every source is blank
    steps: tuple[Transform, ...]  # transforms, then checks
    default: Any
    required: str
    is_plain: bool  # one source, taken as it is


class Mapper:
    """A compiled map; holds no state of any source and may be shared."""

    def __init__(self, field_map: FieldMap, fields: Sequence[_Field]) -> None:
        self.name = field_map.name
        self.version = field_map.version
        self._plain = [(field.target, field.sources[0][1]) for field in fields if field.is_plain]
        self._fields = tuple(field for field in fields if not field.is_plain)

    def apply(self, source: Any) -> Mapped:
        """Map one source; never raises for what the source holds."""
        values: dict[str, Any] = {}
        for target, get in self._plain:  # most columns of a list: a copy, so without a call more than needed
            value = get(source)
            if (value and not value.isspace()) if value.__class__ is str else not _is_blank(value):
                values[target] = value
        return Mapped(values, self._worked(source, values))

    def _worked(self, source: Any, values: dict[str, Any]) -> list[Problem]:
        """The fields that take work, put into `values`; returns what went wrong."""
        problems: list[Problem] = []
        for field in self._fields:
            value = field.read(source)
            if value is None:
                value = field.default
            elif field.steps:
                value = _through(field, source, value, problems)
            if value is not None:
                if field.path:
                    _put(values, field.path, value)
                else:
                    values[field.target] = value
            elif field.required and not (problems and problems[-1].target == field.target):
                problems.append(Problem(field.target, _used(field, source), "", field.required))
        return problems


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

    sources = tuple((name, attempt("source", partial(_getter, name, places))) for name in rule.source)
    steps = [attempt(f"transform[{n}]", partial(_step, step, known)) for n, step in enumerate(rule.transform)]
    steps += [
        attempt(f"check[{n}]", partial(_check, check)) for n, check in enumerate(rule.check) if check.rule != "required"
    ]
    required = next((check.reason or "A value is needed here." for check in rule.check if check.rule == "required"), "")
    path = attempt("target", partial(_target_path, rule.target)) if rule.target.startswith("$") else ()
    getters = [get for _, get in sources]
    is_worked = bool(steps or path or required or rule.default is not None or rule.take == "all")
    return _Field(
        target=rule.target,
        path=path or (),
        sources=sources,
        read=_all_of(getters) if rule.take == "all" else _first_of(getters),
        steps=tuple(steps),
        default=rule.default,
        required=required,
        is_plain=len(sources) == 1 and not is_worked,
    )


def _first_of(getters: Sequence[Getter]) -> Getter:
    if len(getters) == 1:
        (get,) = getters

        def only(source: Any) -> Any:
            value = get(source)
            return None if _is_blank(value) else value

        return only

    def first(source: Any) -> Any:
        return next((value for get in getters if not _is_blank(value := get(source))), None)

    return first


def _all_of(getters: Sequence[Getter]) -> Getter:
    def every(source: Any) -> list[Any] | None:
        found: list[Any] = []
        for get in getters:
            value = get(source)
            if not _is_blank(value):
                found.extend(value) if isinstance(value, list) else found.append(value)
        return found or None

    return every


def _is_blank(value: Any) -> bool:
    return (not value or value.isspace()) if value.__class__ is str else value is None or value == []


def _through(field: _Field, source: Any, value: Any, problems: list[Problem]) -> Any:
    before = value
    try:
        for step in field.steps:
            value = step(value)
            if value is None:
                return field.default
    except (ValueError, TypeError, ArithmeticError) as error:
        problems.append(Problem(field.target, _used(field, source), _shown(before), _sentence(error)))
        return None
    return value


def _used(field: _Field, source: Any) -> str:
    """The name of the source that gave the value, or of the first one when none did."""
    given = (name for name, get in field.sources if not _is_blank(get(source)))
    return next(given, field.sources[0][0] if field.sources else "")


def _step(step: Step, known: Mapping[str, Factory]) -> Transform:
    if step.name not in known:
        raise ValueError(f"There is no transform {step.name!r}. Known: {', '.join(sorted(known))}.")
    return known[step.name](step.options)


def _check(check: Check) -> Transform:
    """The check as a step: the value as it is, or a ValueError that says what is wrong."""
    limit, own = check.value, check.reason
    tests: dict[str, tuple[tuple[type, ...], Callable[[Any], bool], str]] = {
        "length_max": ((int,), lambda value: len(value) <= limit, f"Longer than {limit} characters: shorten it."),
        "least": ((int, float), lambda value: bool(value >= limit), f"Must be at least {limit}."),
        "most": ((int, float), lambda value: bool(value <= limit), f"Must be at most {limit}."),
        "one_of": ((list, tuple), lambda value: value in limit, f"Must be one of: {limit}."),
        "starts_with": ((str,), lambda value: str(value).startswith(limit), f"Must start with {limit!r}."),
    }
    kinds, holds, standard = tests[check.rule]
    if isinstance(limit, bool) or not isinstance(limit, kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"The check {check.rule!r} needs a value of type {names}.")

    def checked(value: Any) -> Any:
        if not holds(value):
            raise ValueError(own or standard)
        return value

    return checked


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
