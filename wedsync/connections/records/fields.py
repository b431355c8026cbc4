"""A map of a CRM: which value of its documents is which field of a record, how it is read, and how it is written back.

Rules are data that a supplier edits; `compiled` checks them once and makes them callable. What money is called, and
notes, no rule can name: `documents` takes them away before a rule sees them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from wedsync.clients.model import STAGES, Stage
from wedsync.connections.records.documents import is_withheld, parts_of
from wedsync.connections.records.merge import ORDER
from wedsync.connections.records.record import TITLES, Field, Record
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.mapping import Check, FieldMap, Mapper, Rule, Step, compile_map
from wedsync.kit.transforms import Factory, Transform, email_address

RULES_MAX: Final = 20
NEEDED_STAGES: Final[tuple[Stage, ...]] = ("enquiry", "booked", "cancelled")
"""Stages that must have a word there, for a stage that is written back."""
OF_PEOPLE: Final = ("email", "partner_email")
Path = Annotated[str, Meta(min_length=1, max_length=200)]


class MapRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One field of ours. `source` is tried in order; `take` all hands every value that is there to the transforms.

    `direction`: in, only read from there; out, only written there; both. `default` stands where a value is blank.
    """

    target: Field
    source: Annotated[tuple[Path, ...], Meta(min_length=1, max_length=5)]
    direction: Literal["in", "out", "both"] = "in"
    take: Literal["first", "all"] = "first"
    transform: Annotated[tuple[Step, ...], Meta(max_length=8)] = ()
    default: Annotated[str, Meta(max_length=300)] | None = None
    check: Annotated[tuple[Check, ...], Meta(max_length=8)] = ()


class Outgoing(msgspec.Struct, frozen=True):
    """How a field is written: where, through which steps back, and what must hold of it."""

    path: tuple[str, ...]
    steps: tuple[Transform, ...]
    words: Mapping[str, Any] | None
    """Of a stage: what each of ours is called there, null where ours are written as they are."""


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """A map that can be used. `only_out` are written and never taken over."""

    rules: tuple[MapRule, ...]
    mapper: Mapper
    outgoing: Mapping[Field, Outgoing]

    @property
    def targets(self) -> frozenset[Field]:
        return frozenset(rule.target for rule in self.rules)

    @property
    def only_out(self) -> frozenset[Field]:
        return frozenset(rule.target for rule in self.rules if rule.direction == "out")

    @property
    def writes(self) -> frozenset[Field]:
        return frozenset(self.outgoing)

    def written(self, field: Field, record: Record) -> Any:
        """The value there of a field of ours, null for a blank one. Raises ValueError in words for people."""
        out = self.outgoing[field]
        value: Any = getattr(record, field)
        if value in ("", None):
            return None
        if field == "stage" and out.words is not None:
            return out.words[nearest(value, out.words)]
        for step in out.steps:
            value = step(value)
        return value.isoformat() if isinstance(value, date) else value


def compiled(rules: Sequence[MapRule], *, may_write: bool, version: int = 0) -> Compiled:
    """Raises Refusal 422 `mapping_invalid` that names every rule that cannot work, and how to mend it.

    `may_write`: values of this CRM can be written by their paths; otherwise its rules only read.
    """
    faults = _impossible(rules)
    plain = FieldMap(name="record", version=version, rules=tuple(_plain(rule) for rule in rules))
    mapper: Mapper | None = None
    try:
        mapper = compile_map(plain, transforms=OWN)
    except Refusal as refusal:
        faults += refusal.errors
    outgoing: dict[Field, Outgoing] = {}
    for number, rule in enumerate(rules):
        if rule.default is not None:
            faults += _unlike(f"rules[{number}].default", rule)
        if rule.direction != "in":
            outgoing[rule.target] = _outgoing(rule, f"rules[{number}]", faults, may_write=may_write)
    if faults or mapper is None:
        raise Refusal(422, "mapping_invalid", "The map cannot be used yet.", errors=faults)
    return Compiled(rules=tuple(rules), mapper=mapper, outgoing=outgoing)


def _impossible(rules: Sequence[MapRule]) -> list[FieldError]:
    """What is wrong whatever the values are."""
    faults: list[FieldError] = []
    if len(rules) > RULES_MAX:
        faults.append(FieldError("rules", f"are more than {RULES_MAX}", "Keep one for each field."))
    if "\\u0000" in msgspec.json.encode(tuple(rules)).decode():
        faults.append(FieldError("rules", "hold a character that cannot be kept", "Take the zero characters out."))
    for number, rule in enumerate(rules):
        faults += [
            FieldError(
                f"rules[{number}].source", f"{source!r} is about money or notes", "What a job earns stays there."
            )
            for source in rule.source
            if is_withheld(source)
        ]
    return faults


def nearest(stage: Stage, words: Mapping[str, Any]) -> Stage:
    """The stage that is said there for this one: itself, or the last one before it that has a word."""
    if stage in words:
        return stage
    before = [one for one in ORDER[: ORDER.index(stage)] if one in words]
    return before[-1] if before else NEEDED_STAGES[0]


def typed(field: Field, value: Any) -> Any:
    """A value as a record holds it. Raises ValueError in words for people."""
    if field == "stage":
        return _stage(value)
    if field == "wedding_on":
        return _day(value)
    text = _text(value)
    return email_address(text) if field in OF_PEOPLE else text


def _plain(rule: MapRule) -> Rule:
    """As the one engine knows it: every field ends in a step of its own that makes it what a record holds."""
    return Rule(
        target=rule.target,
        source=rule.source,
        take=rule.take,
        transform=(*rule.transform, Step(f"as_{rule.target}")),
        check=rule.check,
    )


def _typing(field: Field) -> Factory:
    def made(options: Mapping[str, Any]) -> Transform:
        return lambda value: typed(field, value)

    return made


OWN: Final[Mapping[str, Factory]] = {f"as_{field}": _typing(field) for field in TITLES}


def _stage(value: Any) -> Stage:
    said = _text(value).casefold()
    for stage, title in STAGES.items():
        if said in (stage, title.casefold()):
            return stage
    raise ValueError(f"This is no stage here: say in a table which of {', '.join(STAGES)} it is.")


def _day(value: Any) -> date:
    text = _text(value)
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise ValueError("This date cannot be read. Say in which form it is written.") from error


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("This holds several values where one was expected.")
    return " ".join(str(value).split())


def _unlike(where: str, rule: MapRule) -> list[FieldError]:
    try:
        typed(rule.target, rule.default)
    except ValueError as error:
        return [FieldError(where, str(error), "Change it or leave it out.")]
    return []


def _outgoing(rule: MapRule, where: str, faults: list[FieldError], *, may_write: bool) -> Outgoing:
    """The way back. What cannot be gone back is a fault."""
    path = parts_of(rule.source[0])
    fix = "Choose in, so that it is only read."
    if not may_write:
        faults.append(FieldError(f"{where}.direction", "cannot be written by its path in this CRM", fix))
    if len(rule.source) != 1 or rule.take != "first" or path is None:
        faults.append(FieldError(f"{where}.source", "is not one value that can be written", fix))
    words = _words(rule, where, faults) if rule.target == "stage" else None
    steps: list[Transform] = []
    for number, step in enumerate(reversed(rule.transform) if words is None else ()):
        back = BACK.get(step.name)
        if back is None:
            at = len(rule.transform) - 1 - number
            faults.append(FieldError(f"{where}.transform[{at}]", f"{step.name!r} cannot be undone", fix))
        else:
            steps.append(back(step.options))
    return Outgoing(path or (), tuple(steps), words)


def _words(rule: MapRule, where: str, faults: list[FieldError]) -> Mapping[str, Any] | None:
    """What each stage is called there."""
    if not rule.transform:
        return None
    step = rule.transform[-1]
    if step.name != "lookup" or len(rule.transform) != 1 or not isinstance(step.options.get("table"), dict):
        faults.append(
            FieldError(f"{where}.transform", "cannot be undone", "Give one table of stages, or only read it.")
        )
        return None
    words: dict[str, Any] = {}
    for there, here in step.options["table"].items():
        try:
            words.setdefault(_stage(here), there)
        except ValueError as error:
            faults.append(FieldError(f"{where}.transform[0]", f"{there!r}: {error}", "Change its row."))
    missing = [stage for stage in NEEDED_STAGES if stage not in words]
    if missing:
        what = f"has no word for {', '.join(missing)}"
        faults.append(FieldError(f"{where}.transform[0]", what, "Add a row for each, or only read the stage."))
    return words


def _same(options: Mapping[str, Any]) -> Transform:
    return lambda value: value


def _dated(options: Mapping[str, Any]) -> Transform:
    form = str(options.get("format") or "")

    def written(value: Any) -> str:
        day = value if isinstance(value, date) else date.fromisoformat(str(value))
        return day.strftime(form) if form else day.isoformat()

    return written


def _looked_up(options: Mapping[str, Any]) -> Transform:
    table = options.get("table")
    back = (
        {str(here).casefold(): there for there, here in reversed(list(table.items()))}
        if isinstance(table, dict)
        else {}
    )

    def written(value: Any) -> Any:
        if str(value).casefold() not in back:
            raise ValueError(f"There is no word for {value!r} in the table.")
        return back[str(value).casefold()]

    return written


BACK: Final[Mapping[str, Callable[[Mapping[str, Any]], Transform]]] = {
    "text": _same,
    "email": _same,
    "date": _dated,
    "lookup": _looked_up,
}
"""The transforms that can be undone, and how."""
