"""The couples' hook: how it is signed, and what its body says."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.connections.elements import Element
from wedsync.connections.inbox import Denied
from wedsync.connections.verify.request import Options, Request
from wedsync.connections.verify.scheme import verify
from wedsync.kit.errors import FieldError

HEADER = "x-wedsync-signature"
OWN = Options(header=HEADER, prefix="sha256=")


class Accepted(msgspec.Struct, frozen=True):
    """The inbox id; of a repeat, the first one's."""

    id: UUID


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A body. `couple_id` is the wedding's id, `id` the sender's own for this event: a repeat has the same."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    type: Annotated[str, Meta(min_length=1, max_length=80)]
    couple_id: UUID
    occurred_at: datetime
    data: dict[str, Any] = {}


class _Whose(msgspec.Struct):
    couple_id: UUID


def wedding_of(body: bytes) -> UUID | None:
    """Whose secret to verify with; nothing of it is believed before that."""
    try:
        return msgspec.json.decode(body, type=_Whose).couple_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def verified(
    headers: Mapping[str, str], body: bytes, *, url: str, own: Sequence[str], platform: str, now: float
) -> tuple[str | None, str]:
    """(None, by which secret) for a request of the couple's or the platform's, else (why not, "")."""
    scheme = "hmac" if HEADER in headers else "standard"
    options = OWN if scheme == "hmac" else Options()
    reasons: dict[str | None, str] = {}
    # One at a time: a secret of another form must not spoil those that are right.
    for by, secret in [*(("couple", secret) for secret in own), ("platform", platform)]:
        asked = Request(headers=headers, body=body, url=url, secrets=(secret,), now=now, options=options)
        reasons.setdefault(verify(scheme, asked), by)
    return (None, reasons[None]) if None in reasons else (next(iter(reasons)), "")


def read(body: bytes) -> Said:
    """Raises Denied 422 that says what is missing."""
    try:
        return msgspec.json.decode(body, type=Said)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, msgspec.ValidationError) else "is not valid JSON"
        fix = 'Send {"id", "type", "couple_id", "occurred_at", "data"}.'
        wrong = FieldError("body", reason, fix)
        raise Denied(422, "invalid", f"body: {reason}", reason="the body is not complete", errors=[wrong]) from error


def element(said: Said, body: bytes) -> Element:
    """Its key is the sender's id."""
    return Element(said.id.replace("\0", " "), body)
