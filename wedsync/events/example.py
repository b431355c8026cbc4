"""The documented example of an event type as a whole event in live form, for tests that people ask for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from wedsync.events.catalogue import EventType

ACTOR: Final = "01920000-0000-7000-8000-0000000000aa"
#: Verbs of types whose row is new; every other type changes one, and its example stands for both images.
MAKING: Final = frozenset(
    {"added", "created", "made", "invited", "requested", "opened", "joined", "registered", "uploaded", "locked"}
)


def live(kind: EventType, *, id: UUID, at: datetime) -> dict[str, Any]:
    """Marked by `test`, which no recorded event has. Its stream and its rows are nobody's."""
    image = _image(kind)
    is_new = kind.type.partition(".")[2] in MAKING
    return {
        "id": str(id),
        "stream": _stream(kind.table, image),
        "epoch": 1,
        "seq": 1,
        "type": kind.type,
        "version": kind.version,
        "scope": int(kind.scope),
        "link_id": None,
        "membership_id": None,
        "subject": {"table": kind.table, "id": image["id"]},
        "op": "INSERT" if is_new else "UPDATE",
        "record": image,
        "old_record": None if is_new else image,
        "actor": {"kind": "person", "id": ACTOR},
        "cause": str(id),
        "bulk": False,
        "occurred_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "test": True,
    }


def _image(kind: EventType) -> dict[str, Any]:
    """As whoever may see it finds it: sealed values opened."""
    plain = {name: value for name, value in kind.example.items() if name != "sealed"}
    return {**plain, **kind.opened}


def _stream(table: str, image: Mapping[str, Any]) -> str:
    """Of the tenant whose row it is, by the column that names it."""
    homes = [("wedding_id", "wedding"), ("supplier_id", "supplier"), ("person_id", "person"), ("tenant_id", "wedding")]
    if table.startswith("supplier") or table == "assignments":
        homes[0], homes[1] = homes[1], homes[0]
    column, kind = next(home for home in homes if home[0] in image)
    return f"{kind}:{image[column]}"
