"""The rule builder's form: what it shows, what a browser sends, and the rule that is meant by it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from wedsync.kit.db import Row
from wedsync.subscriptions import wording as picker
from wedsync.subscriptions.pages.place import Place
from wedsync.subscriptions.rules import model, wording
from wedsync.subscriptions.rules.conditions import VALUELESS
from wedsync.subscriptions.rules.fields import OPERATORS, Field, Fields
from wedsync.subscriptions.rules.quiet import same_each_day
from wedsync.web.forms import Form

ROWS_MAX: Final = model.CONDITIONS_MAX
SHAPE_MAX: Final = 60
INPUTS: Final[Mapping[str, str]] = {"day": "date", "time": "time"}
#: What a row carries for its own keeping; asked of last, if at all.
KEEPING: Final = ("version", "created_at", "updated_at", "position")


class Asked(msgspec.Struct, kw_only=True):
    """One condition row as the form has it; `values` are texts."""

    field: str = ""
    operator: str = "is"
    values: list[str] = []


class Sent(msgspec.Struct, kw_only=True):
    """One row of the shape as the form has it. `source` empty: the text beside it."""

    target: str = ""
    source: str = ""
    constant: str = ""
    transform: str = ""
    default: str = ""


class State(msgspec.Struct, kw_only=True):
    """All the form holds, right or wrong."""

    id: str
    version: int | None = None
    name: str = ""
    endpoint_id: str = ""
    types: list[str] = []
    rows: list[Asked] = []
    lane: str = ""
    mode: str = "parallel"
    shaped: str = ""
    shape: list[Sent] = []
    quiet: str = ""
    quiet_from: str = "22:00"
    quiet_until: str = "07:00"
    quiet_zone: str = "UTC"
    quiet_days: list[str] = []
    is_active: bool = True


def of_rule(rule: model.Rule, *, zone: str) -> State:
    """The form of a rule that is there."""
    state = State(id=str(rule.id), version=rule.version, name=rule.name, endpoint_id=str(rule.endpoint_id))
    state.types, state.mode, state.is_active = list(rule.types), rule.mode, rule.is_active
    state.lane = "" if rule.lane is None else str(rule.lane)
    state.rows = [Asked(field=c.field, operator=c.operator, values=_texts(c.value)) for c in rule.conditions]
    state.quiet_zone = zone
    if rule.shape is not None:
        state.shaped = "on"
        state.shape = [
            Sent(
                target=row.target,
                source=row.source or "",
                constant="" if row.constant is None else str(row.constant),
                transform=row.transform or "",
                default="" if row.default is None else str(row.default),
            )
            for row in rule.shape
        ]
    if rule.quiet is not None:
        state.quiet, state.quiet_zone = "on", rule.quiet.zone
        state.quiet_from, state.quiet_until = rule.quiet.from_, rule.quiet.until
        state.quiet_days = [str(day) for day in same_each_day(rule.quiet)]
    return state


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in values]


def of_form(form: Form) -> State:
    """What a browser sent; a row whose field is not chosen is none."""
    state = State(id=form.text("id"), name=form.text("name"), endpoint_id=form.text("endpoint_id"))
    state.types, state.lane, state.mode = form.many("types"), form.text("lane"), form.text("mode", "parallel")
    state.rows = [_asked(form, n) for n in range(ROWS_MAX) if form.has(f"c{n}_field")]
    state.shaped = form.text("shaped")
    state.shape = [_sent(form, n) for n in range(SHAPE_MAX) if form.has(f"s{n}_target")]
    state.quiet, state.quiet_zone = form.text("quiet"), form.text("quiet_zone", "UTC")
    state.quiet_from, state.quiet_until = form.text("quiet_from"), form.text("quiet_until")
    state.quiet_days, state.is_active = form.many("quiet_days"), form.on("is_active")
    state.version = form.number("version")
    return state


def _asked(form: Form, n: int) -> Asked:
    # Of choices several are ticked, beside the one that is selected; elsewhere they are written with commas between.
    values = form.many(f"c{n}_values") if form.text(f"c{n}_operator") == "one_of" else []
    values = values or form.many(f"c{n}_value")
    return Asked(field=form.text(f"c{n}_field"), operator=form.text(f"c{n}_operator", "is"), values=values)


def _sent(form: Form, n: int) -> Sent:
    names = ("target", "source", "constant", "transform", "default")
    return Sent(**{name: form.text(f"s{n}_{name}") for name in names})


def pressed(state: State, do: str) -> None:
    """A button of the form: one row more or less."""
    what, _, number = do.partition("-")
    at = int(number) if number.isdecimal() and len(number) < 3 else None
    if what == "condition" and len(state.rows) < ROWS_MAX:
        state.rows.append(Asked())
    elif what == "shape" and len(state.shape) < SHAPE_MAX:
        state.shape.append(Sent())
    elif what == "unask" and at is not None:
        state.rows = [row for n, row in enumerate(state.rows) if n != at]
    elif what == "unsend" and at is not None:
        state.shape = [row for n, row in enumerate(state.shape) if n != at]


def wanted(state: State, fields: Fields) -> dict[str, Any]:
    """The rule that is meant, for msgspec to read: what is wrong with it is said by the rule's own fields."""
    days = sorted(int(day) for day in state.quiet_days if day.isdecimal())
    hours = {"zone": state.quiet_zone, "from": state.quiet_from[:5], "until": state.quiet_until[:5]}
    return draft(state, fields) | {
        "name": state.name,
        "endpoint_id": state.endpoint_id,
        "lane": int(state.lane) if state.lane.isdecimal() else None,
        "mode": state.mode,
        "quiet": hours | ({"days": days} if 0 < len(days) < 7 else {}) if state.quiet else None,
        "is_active": state.is_active,
    }


def draft(state: State, fields: Fields) -> dict[str, Any]:
    """As far as past events can be tried on it."""
    known = fields.conditions(state.types)
    rows = [row for row in state.rows if row.field]
    return {
        "types": state.types,
        "conditions": [_condition(row, known.get(row.field)) for row in rows],
        "shape": [_shape(row) for row in state.shape if row.target] if state.shaped else None,
    }


def _condition(row: Asked, field: Field | None) -> dict[str, Any]:
    asked: dict[str, Any] = {"field": row.field, "operator": row.operator}
    if row.operator in VALUELESS:
        return asked
    kind = field.kind if field else "text"
    if row.operator == "one_of":
        texts = [part.strip() for value in row.values for part in value.split(",") if part.strip()]
        return asked | {"value": [_value(text, kind) for text in texts]}
    return asked | {"value": _value(row.values[-1] if row.values else "", kind)}


def _value(text: str, kind: str) -> str | int | float | bool:
    if kind == "yes_no" and text in ("true", "false"):
        return text == "true"
    if kind == "number":
        try:
            return int(text) if text.lstrip("-").isdecimal() else float(text)
        except ValueError:
            return text
    return text


def _shape(row: Sent) -> dict[str, Any]:
    if not row.source:
        return {"target": row.target, "constant": row.constant}
    made = {"target": row.target, "source": row.source}
    return made | {name: text for name in ("transform", "default") if (text := getattr(row, name))}


def values(place: Place, state: State, fields: Fields, endpoints: Sequence[Row], errors: Any = None) -> dict[str, Any]:
    """What the builder's templates need."""
    return {
        "path": place.path,
        "rule": state,
        "groups": _groups(place.face, state.types, fields),
        "endpoints": [(str(row["id"]), _endpoint_words(row)) for row in endpoints],
        "lanes": wording.LANES,
        "modes": wording.MODES,
        "days": [(str(n), name, str(n) in state.quiet_days) for n, name in enumerate(wording.DAYS, 1)],
        **rows_values(place, state, fields),
        "errors": _errors(state, errors or {}),
    }


def _errors(state: State, errors: Mapping[str, str]) -> dict[str, str]:
    """By the names of the form's fields: conditions and shapes by their row, counting those that were left empty."""
    rows = [n for n, row in enumerate(state.rows) if row.field]
    sent = [n for n, row in enumerate(state.shape) if row.target]
    return {_named(field, rows, sent): said for field, said in errors.items()}


def _named(field: str, rows: Sequence[int], sent: Sequence[int]) -> str:
    first, _, rest = field.partition("[")
    number, _, part = rest.partition("]")
    if first in ("conditions", "shape") and number.isdecimal():
        places, letter = (rows, "c") if first == "conditions" else (sent, "s")
        at = places[int(number)] if int(number) < len(places) else int(number)
        return f"{letter}{at}_{part.strip('.') or 'value'}"
    if first.startswith("quiet"):
        return "quiet_" + (first.partition(".")[2].removesuffix("_") or "from")
    return first


def _endpoint_words(row: Row) -> str:
    return f"{row['description']} – {row['url']}" if row["description"] else str(row["url"])


def _groups(face: picker.Face, types: Sequence[str], fields: Fields) -> list[Any]:
    """(heading, [(pattern, words, is ticked, [(type, what it says, is ticked)])]); everything first."""
    made = []
    for group in picker.groups(face):
        patterns = []
        for pattern, words in group.patterns:
            kinds = [(k.type, k.description, k.type in types) for k in fields.matching([pattern])]
            patterns.append((pattern, words, pattern in types, kinds))
        made.append((group.words, patterns))
    return made


def rows_values(place: Place, state: State, fields: Fields) -> dict[str, Any]:
    """The part that depends on which events are ticked: conditions and shape, with the fields there are."""
    known = fields.conditions(state.types)
    return {
        "path": place.path,
        "rule": state,
        "choices": _choices(known),
        "rows": [_row(n, row, known.get(row.field)) for n, row in enumerate(state.rows or [Asked()])],
        "rows_max": ROWS_MAX,
        "shape_rows": list(enumerate(state.shape or [Sent()])),
        "sources": [("", "A text of its own"), *((path, _source_words(path)) for path in fields.sources(state.types))],
        "transforms": wording.TRANSFORMS,
        "errors": {},
    }


def _source_words(path: str) -> str:
    first, _, rest = path.partition(".")
    if first in ("record", "old_record") and rest:
        return wording.field_words(path)
    return {"record": "All of it", "old_record": "All of it before", "op": "What happened"}.get(
        path, path.replace(".", ": ").replace("_", " ").capitalize()
    )


def _choices(known: Mapping[str, Field]) -> list[Any]:
    """(heading, [(path, words)]) for the select of fields."""
    order = sorted(known.values(), key=lambda f: (f.path.rpartition(".")[2] in KEEPING, f.kind == "id"))
    now = [(f.path, wording.field_words(f.path)) for f in order if f.path.startswith("record.")]
    before = [(f.path, wording.field_words(f.path)) for f in order if f.path.startswith("old_record.")]
    event = [(path, wording.field_words(path)) for path in ("op", "severity")]
    return [("As it is now", now), ("The event", event), ("As it was before", before)]


def _row(n: int, row: Asked, field: Field | None) -> dict[str, Any]:
    kind = field.kind if field else "text"
    options = list(field.values) if field else []
    if kind == "yes_no":
        options = ["true", "false"]
    words = {**wording.OPS, "true": "yes", "false": "no"}
    return {
        "n": n,
        "field": row.field,
        "operator": row.operator,
        "operators": [(name, wording.OPERATORS[name]) for name in OPERATORS[kind]],
        "options": [(value, words.get(value, value.replace("_", " "))) for value in options],
        "chosen": row.values,
        # Numbers are text too: "is one of" takes several.
        "input": INPUTS.get(kind, "text"),
        "value": ", ".join(row.values) if row.operator == "one_of" else (row.values[-1] if row.values else ""),
    }
