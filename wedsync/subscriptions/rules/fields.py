"""What rules can ask of and send: the fields of the catalogue's rows, by the types a rule is about.

Sealed columns are asked of by no condition, for the database cannot read them; their opened names can be sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from litestar.datastructures import State

from wedsync.events.catalogue import EventType
from wedsync.guests.model import Contact, Needs
from wedsync.kit.errors import FieldError, Refusal
from wedsync.subscriptions.rules.conditions import Condition, fault

Kind = Literal["text", "choice", "number", "yes_no", "id", "day", "time", "moment", "list", "group"]
SEALED: Final[Mapping[str, type[msgspec.Struct]]] = {"guest_needs": Needs, "guest_contacts": Contact}
HIDDEN: Final = frozenset({"sealed", "email_index", "plan", "undo"})
_ALWAYS: Final = ("is", "is_not", "one_of", "present", "absent", "changed")
OPERATORS: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("is", "is_not", "contains", "starts_with", "one_of", "present", "absent", "changed"),
    "choice": _ALWAYS,
    "number": ("is", "is_not", "greater", "less", "one_of", "present", "absent", "changed"),
    "yes_no": ("is", "is_not", "changed"),
    "id": _ALWAYS,
    "day": ("is", "is_not", "greater", "less", "present", "absent", "changed"),
    "time": ("is", "is_not", "greater", "less", "present", "absent", "changed"),
    "moment": ("present", "absent", "changed"),
    "list": ("is", "is_not", "contains", "present", "absent"),
    "group": ("present", "absent"),
}
_INSIDE: Final = ("is", "is_not", "one_of", "contains", "starts_with", "greater", "less", "present", "absent")
_KINDS: Final[Sequence[tuple[type[msgspec.inspect.Type] | tuple[type[msgspec.inspect.Type], ...], Kind]]] = (
    (msgspec.inspect.StrType, "text"),
    ((msgspec.inspect.LiteralType, msgspec.inspect.EnumType), "choice"),
    (msgspec.inspect.BoolType, "yes_no"),
    ((msgspec.inspect.IntType, msgspec.inspect.FloatType, msgspec.inspect.DecimalType), "number"),
    (msgspec.inspect.UUIDType, "id"),
    (msgspec.inspect.DateType, "day"),
    (msgspec.inspect.TimeType, "time"),
    (msgspec.inspect.DateTimeType, "moment"),
    ((msgspec.inspect.ListType, msgspec.inspect.VarTupleType, msgspec.inspect.SetType), "list"),
)


class Field(msgspec.Struct, frozen=True):
    """One field by its path in the event; `values` are the choices there are; `nouns` whose rows have it."""

    path: str
    kind: Kind
    values: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """`schedule_item_id` -> `Schedule item`."""
        name = self.path.rpartition(".")[2].removesuffix("_id").replace("_", " ")
        return name[:1].upper() + name[1:]


OP: Final = Field("op", "choice", ("INSERT", "UPDATE", "DELETE"))
SEVERITY: Final = Field("severity", "choice", ("high",))
WHOLE: Final = ("id", "type", "timestamp", "op", "sequence", "stream", "epoch", "scope", "subject.id", "subject.table")
DOER: Final = ("actor.kind", "actor.id", "record", "old_record")


class Fields(msgspec.Struct, frozen=True):
    """The types of the catalogue and their rows' fields, worked out once a process."""

    types: Mapping[str, EventType]

    def matching(self, patterns: Iterable[str]) -> list[EventType]:
        """The types that any of the patterns means."""
        wanted = list(patterns)
        return [kind for kind in self.types.values() if any(_means(pattern, kind.type) for pattern in wanted)]

    def rows(self, patterns: Iterable[str], *, opened: bool = False) -> dict[str, Field]:
        """Fields of the rows by name; `opened`: with what is sealed at rest, as it is sent."""
        found: dict[str, Field] = {}
        for kind in self.matching(patterns):
            structs = [kind.row, *([SEALED[kind.table]] if opened and kind.table in SEALED else [])]
            for name, field in (pair for struct in structs for pair in _of_row(struct)):
                noun = kind.type.partition(".")[0]
                found[name] = _merged(found.get(name), field, noun)
        return found

    def conditions(self, patterns: Iterable[str]) -> dict[str, Field]:
        """What conditions may ask of, by path: the row as it is, then as it was."""
        named = self.rows(patterns)
        paths = {f"{image}.{name}": field for image in ("record", "old_record") for name, field in named.items()}
        rows = {path: msgspec.structs.replace(field, path=path) for path, field in paths.items()}
        return {"op": OP, "severity": SEVERITY} | rows

    def sources(self, patterns: Iterable[str]) -> list[str]:
        """What a shape may send, by path."""
        names = self.rows(patterns, opened=True)
        return [*(f"record.{name}" for name in names), *WHOLE, *DOER, *(f"old_record.{name}" for name in names)]

    def check(self, patterns: Sequence[str], conditions: Sequence[Condition]) -> None:
        """Raises Refusal 422 for types that are none, fields no such type has, and values that do not go with them."""
        for number, pattern in enumerate(patterns):
            if not self.matching([pattern]):
                raise _wrong(f"types[{number}]", f"{pattern} is no type of event", "Look at the catalogue of events.")
        known = self.conditions(patterns)
        for number, condition in enumerate(conditions):
            self._check(number, condition, known)

    def _check(self, number: int, condition: Condition, known: Mapping[str, Field]) -> None:
        where = f"conditions[{number}]"
        top = ".".join(condition.field.split(".")[:2])
        field = known.get(top)
        if field is None:
            raise _wrong(f"{where}.field", f"{condition.field} is in none of these events", f"There are {_few(known)}.")
        is_inside = top != condition.field
        if is_inside and field.kind != "group":
            raise _wrong(f"{where}.field", f"{top} has nothing inside", f"Ask of {top} itself.")
        allowed = _INSIDE if is_inside else OPERATORS[field.kind]
        if condition.operator not in allowed:
            raise _wrong(f"{where}.operator", f"does not go with {top}", f"Choose one of {', '.join(allowed)}.")
        said = fault(condition) or ("" if is_inside else _value_fault(field, condition))
        if said:
            raise _wrong(f"{where}.value", said)


def provide_fields(state: State) -> Fields:
    """Dependency `rule_fields`. Not `fields`: an error in a body's member of that name would be told as ours."""
    fields: Fields = state.fields
    return fields


def _means(pattern: str, kind: str) -> bool:
    noun, _, verb = pattern.partition(".")
    return pattern in ("*", kind) or (verb == "*" and kind.partition(".")[0] == noun)


def _of_row(struct: type[msgspec.Struct]) -> list[tuple[str, Field]]:
    info = msgspec.inspect.type_info(struct)
    if not isinstance(info, msgspec.inspect.StructType):
        return []
    return [
        (field.encode_name, _field(field.encode_name, field.type))
        for field in info.fields
        if field.encode_name not in HIDDEN
    ]


def _field(name: str, kind: msgspec.inspect.Type) -> Field:
    plain = _without_null(kind)
    if isinstance(plain, msgspec.inspect.LiteralType) and all(isinstance(value, str) for value in plain.values):
        return Field(name, "choice", tuple(str(value) for value in plain.values))
    return Field(name, next((word for types, word in _KINDS if isinstance(plain, types)), "group"))


def _without_null(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    while isinstance(kind, msgspec.inspect.Metadata):
        kind = kind.type
    if not isinstance(kind, msgspec.inspect.UnionType):
        return kind
    rest = [one for one in kind.types if not isinstance(one, msgspec.inspect.NoneType)]
    return _without_null(rest[0]) if len(rest) == 1 else kind


def _merged(known: Field | None, field: Field, noun: str) -> Field:
    """The same name in rows of several nouns: one field; what they do not agree on is text."""
    if known is None:
        return msgspec.structs.replace(field, nouns=(noun,))
    nouns = known.nouns if noun in known.nouns else (*known.nouns, noun)
    if known.kind != field.kind:
        return Field(field.path, "text", (), nouns)
    values = known.values + tuple(value for value in field.values if value not in known.values)
    return Field(field.path, field.kind, values, nouns)


def _value_fault(field: Field, condition: Condition) -> str:
    values: list[Any] = condition.value if isinstance(condition.value, list) else [condition.value]
    if condition.value is None or condition.operator == "contains":
        return ""
    if field.kind == "yes_no" and not all(isinstance(value, bool) for value in values):
        return "is neither true nor false"
    is_number = field.kind == "number"
    if is_number and not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return "is not a number"
    if field.kind not in ("number", "yes_no", "group", "list") and not all(isinstance(v, str) for v in values):
        return "must be a text"
    unknown = [value for value in values if field.kind == "choice" and field.values and value not in field.values]
    return f"is none of {', '.join(field.values)}" if unknown else ""


def _few(known: Mapping[str, Field]) -> str:
    some = list(known)
    return ", ".join(some[:40]) + (" and more" if len(some) > 40 else "")


def _wrong(field: str, reason: str, fix: str = "") -> Refusal:
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])
