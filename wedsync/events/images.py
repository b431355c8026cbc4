"""Opens the sealed images of an event for an audience that may see them: what it held stands in place of `sealed`."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.kit.seal import KeyRing

#: (table, record, tenant) -> the record with what was sealed in it opened, and without `sealed`.
OpenSealed = Callable[[str, dict[str, Any], UUID], dict[str, Any]]

IMAGES: Final = ("record", "old_record")


def opener(ring: KeyRing) -> OpenSealed:
    """Opens the images of guests' contacts and needs, which were sealed for the guest's row."""

    def open_sealed(table: str, record: dict[str, Any], tenant: UUID) -> dict[str, Any]:
        sealed = bytes.fromhex(record["sealed"].removeprefix("\\x"))
        row = record.get("guest_id", record["id"])
        plain = msgspec.json.decode(ring.open(sealed, tenant=tenant, table=table, column="sealed", row=row))
        return {**{key: value for key, value in record.items() if key != "sealed"}, **plain}

    return open_sealed


def with_images(text: str, open_sealed: OpenSealed) -> dict[str, Any]:
    """An event in live form, of which somebody has judged that its receiver may see it, with its images opened."""
    event: dict[str, Any] = msgspec.json.decode(text)
    for image in IMAGES:
        record = event[image]
        if record is not None and "sealed" in record:
            tenant = UUID(event["stream"].partition(":")[2])
            event[image] = open_sealed(event["subject"]["table"], record, tenant)
    return event
