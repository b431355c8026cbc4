"""The rules of a map as a form: one row for each field of ours, and what was posted as rules again."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from wedsync.clients.model import STAGES
from wedsync.connections.records.fields import MapRule
from wedsync.connections.records.record import FIELDS, TITLES, Field
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.mapping import Check, Step
from wedsync.web.forms import Form

KEPT: Final = "kept"
TABLE: Final = "table"
JOIN: Final = "join"
HOW: Final = (
    ("", "As it is"),
    (JOIN, "All of these values, one after the other"),
    (TABLE, "By a table of words"),
    ("date %d/%m/%Y", "Day first: 31/12/2027"),
    ("date %m/%d/%Y", "Month first: 12/31/2027"),
    ("date %d.%m.%Y", "With dots: 31.12.2027"),
    ("date %d-%m-%Y", "Day first: 31-12-2027"),
    ("date %m/%d/%y", "Month first, short: 12/31/27"),
    ("date %B %d, %Y", "In words: December 31, 2027"),
    ("date %d %B %Y", "In words: 31 December 2027"),
)
DIRECTIONS: Final = (
    ("in", "Only read from there"),
    ("both", "Read, and written back"),
    ("out", "Only written there"),
)
STAGE_HINT: Final = f"One on a line, what they say = {' | '.join(STAGES)}"
REQUIRED: Final = Check("required")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One field as the form shows it. `rule` is the rule it was drawn from, with all that no control shows."""

    field: Field
    title: str
    source: str = ""
    how: str = ""
    table: str = ""
    direction: str = "in"
    default: str = ""
    is_required: bool = False
    rule: str = ""
    errors: tuple[str, ...] = ()

    @property
    def hows(self) -> list[tuple[str, str]]:
        """The ways in which this field can be read."""
        kept = [(KEPT, "By steps of its own")] if self.how == KEPT else []
        return [one for one in HOW if self.field == "wedding_on" or not one[0].startswith("date")] + kept


def rows(rules: Sequence[MapRule], errors: Sequence[FieldError] = ()) -> list[Row]:
    """All our fields in their order, those without a rule empty; each with what is wrong about it."""
    drawn = {rule.target: rule for rule in rules}
    wrong: dict[Field, list[str]] = {}
    for number, rule in enumerate(rules):
        told = [one for one in errors if one.field.startswith(f"rules[{number}]")]
        wrong[rule.target] = [
            f"{one.reason[:1].upper()}{one.reason[1:].removesuffix('.')}. {one.fix}".strip() for one in told
        ]
    return [_row(field, drawn.get(field), tuple(wrong.get(field, ()))) for field in FIELDS]


def _row(field: Field, rule: MapRule | None, errors: tuple[str, ...]) -> Row:
    if rule is None:
        return Row(field=field, title=TITLES[field].capitalize())
    how, table = _how(rule)
    return Row(
        field=field,
        title=TITLES[field].capitalize(),
        source="; ".join(rule.source),
        how=how,
        table=table,
        direction=rule.direction,
        default=rule.default or "",
        is_required=REQUIRED in rule.check,
        rule=msgspec.json.encode(rule).decode(),
        errors=errors,
    )


def _how(rule: MapRule) -> tuple[str, str]:
    """(the way of reading that shows this rule, its table as text)."""
    if rule.take == "all":
        return (JOIN, "") if rule.transform == (Step("join"),) else (KEPT, "")
    if not rule.transform:
        return "", ""
    (step, *more) = rule.transform
    if step.name == "lookup" and not more and set(step.options) == {"table"}:
        return TABLE, "\n".join(f"{there} = {here}" for there, here in step.options["table"].items())
    how = f"date {step.options.get('format', '')}" if step.name == "date" and not more else ""
    return (how, "") if how in dict(HOW) and how else (KEPT, "")


def rules(form: Form) -> tuple[MapRule, ...]:
    """What was posted. Raises Refusal 422 that names the field."""
    return tuple(rule for field in FIELDS if (rule := _rule(form, field)) is not None)


def _rule(form: Form, field: Field) -> MapRule | None:
    sources = [one.strip() for one in form.text(f"source.{field}").split(";") if one.strip()]
    if not sources:
        return None
    before = _before(form.text(f"rule.{field}"))
    checks = [one for one in (before.check if before else ()) if one != REQUIRED]
    if form.on(f"required.{field}"):
        checks.append(REQUIRED)
    transform, take = _steps(form, field, before)
    given: dict[str, Any] = {
        "target": field,
        "source": sources,
        "direction": form.text(f"direction.{field}") or (before.direction if before else "in"),
        "take": take,
        "transform": transform,
        "default": form.text(f"default.{field}") or None,
        "check": checks,
    }
    try:
        return msgspec.convert(msgspec.to_builtins(given), MapRule)
    except msgspec.ValidationError as error:
        what = f"{TITLES[field].capitalize()} cannot be read as it is filled in: {error}"
        raise Refusal(422, "invalid", what, errors=[FieldError(f"source.{field}", what)]) from error


def _before(text: str) -> MapRule | None:
    try:
        return msgspec.json.decode(text, type=MapRule) if text else None
    except msgspec.DecodeError:
        return None


def _steps(form: Form, field: Field, before: MapRule | None) -> tuple[tuple[Step, ...], str]:
    how = form.text(f"how.{field}")
    if how == KEPT and before is not None:
        return before.transform, before.take
    if how == JOIN:
        return (Step("join"),), "all"
    if how == TABLE:
        return (Step("lookup", {"table": _table(form.text(f"table.{field}"))}),), "first"
    if how.startswith("date ") and how in dict(HOW):
        return (Step("date", {"format": how.removeprefix("date ")}),), "first"
    return (), "first"


def _table(text: str) -> Mapping[str, str]:
    """`booked = booked` on each line; what has no sign means itself."""
    lines = [line.rpartition("=") if "=" in line else (line, "", line) for line in text.splitlines() if line.strip()]
    return {there.strip(): here.strip() for there, _, here in lines}
