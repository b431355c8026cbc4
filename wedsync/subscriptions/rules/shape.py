"""The shape a rule gives to what it sends: rows that say which field of the event becomes which field of `data`.

Run by `kit.mapping`. A field that cannot be made is left out, or gets its default: what has happened is sent anyway.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from wedsync.events.document import data_of
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.mapping import FieldMap, Mapper, Rule, Step, compile_map

Target = Annotated[
    str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}(\.[A-Za-z][A-Za-z0-9_]{0,39}){0,3}$", max_length=200)
]
Source = Annotated[str, Meta(pattern=r"^[a-z][a-z_]{0,30}(\.[A-Za-z0-9_-]{1,60}){0,5}$", max_length=300)]
Text = Annotated[str, Meta(max_length=500)]
#: Those of kit.mapping that need no options, and can make nothing much longer than it was.
Transform = Literal["text", "lower", "upper", "integer", "boolean", "date", "timestamp", "join"]
ROWS_MAX: Final = 60


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field of the result. `source` is a place in the event as webhooks tell it (`record.first_name`, `type`,
    `sequence`); without one it is the `constant`. `guest.name` as a target makes an object.
    """

    target: Target
    source: Source | None = None
    constant: Text | int | float | bool | None = None
    transform: Transform | None = None
    default: Text | int | float | bool | None = None


Rows = Annotated[list[Row], Meta(min_length=1, max_length=ROWS_MAX)]


def check(rows: Sequence[Row]) -> None:
    """Raises Refusal 422 that names the row that cannot work."""
    for number, row in enumerate(rows):
        if (row.source is None) == (row.constant is None):
            where = f"shape[{number}].source"
            raise Refusal(
                422,
                "invalid",
                f"{where}: give a source or a constant",
                errors=[FieldError(where, "needs a field of the event, or a text of its own, and not both")],
            )
    try:
        compile_map(_field_map(rows))
    except Refusal as refusal:
        errors = [FieldError(e.field.replace("rules", "shape", 1), e.reason, e.fix) for e in refusal.errors]
        raise Refusal(422, "invalid", "shape: cannot be used", errors=errors) from refusal


def _field_map(rows: Sequence[Row]) -> FieldMap:
    rules = [
        Rule(
            target=f"$.{row.target}" if "." in row.target else row.target,
            source=() if row.source is None else (f"$.{row.source}",),
            transform=() if row.transform is None else (_step(row.transform),),
            default=row.constant if row.source is None else row.default,
        )
        for row in rows
    ]
    return FieldMap(name="shape", version=1, rules=tuple(rules))


def _step(name: str) -> Step:
    return Step(name=name, options={"separator": ", "} if name == "join" else {})


def stored(rows: Sequence[Row] | None) -> str | None:
    """As the database keeps it."""
    return None if rows is None else msgspec.json.encode(rows).decode()


@lru_cache(maxsize=512)
def _mapper(text: str) -> Mapper:
    return compile_map(_field_map(msgspec.json.decode(text, type=list[Row])))


def shaped(text: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """What a stored shape makes of an event in live form, its images opened."""
    place = {**data_of(event), "type": event["type"], "timestamp": event["occurred_at"], "stream": event["stream"]}
    return _mapper(text).apply({**place, "epoch": event["epoch"], "sequence": event["seq"]}).values
