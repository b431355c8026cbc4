"""What is sealed of a form: answers that were sent, and what is typed and not sent yet."""

from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from wedsync.kit.seal import KeyRing

Table = Literal["form_requests", "form_drafts"]
ANSWERS: Final[Table] = "form_requests"
DRAFTS: Final[Table] = "form_drafts"


def seal(ring: KeyRing, table: Table, wedding_id: UUID, request_id: UUID, values: dict[str, Any]) -> bytes:
    """For one row and no other."""
    plain = msgspec.json.encode(values)
    return ring.seal(plain, tenant=wedding_id, table=table, column="sealed", row=request_id)


def unseal(ring: KeyRing, table: Table, wedding_id: UUID, request_id: UUID, sealed: bytes | None) -> dict[str, Any]:
    """Nothing where nothing is sealed. Raises SealError when it was sealed for another row."""
    if sealed is None:
        return {}
    plain = ring.open(sealed, tenant=wedding_id, table=table, column="sealed", row=request_id)
    return msgspec.json.decode(plain, type=dict[str, Any])
