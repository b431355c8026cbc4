"""Endpoints, deliveries and attempts as the API shows them; secrets are in no row image."""

import secrets
from base64 import b64encode
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.events.catalogue import EventType
from wedsync.events.scope import Scope
from wedsync.kit import breaker as breakers
from wedsync.kit import clock
from wedsync.kit.errors import FieldError, Refusal

Pattern = Annotated[str, Meta(pattern=r"^(\*|[a-z_]+\.(\*|[a-z_]+))$", max_length=80)]
Url = Annotated[str, Meta(min_length=8, max_length=2000)]
Status = Literal[
    "pending",
    "in_flight",
    "deferred",
    "parked",
    "delivered",
    "superseded",
    "filtered",
    "expired",
    "cancelled",
    "revoked",
    "dead",
]
Mode = Literal["parallel", "ordered", "latest"]
Missed = Literal["dead", "expired", "cancelled"]
MISSED: tuple[Missed, ...] = ("dead", "expired", "cancelled")
REPLAYED_MAX = 10_000


class Restraint(msgspec.Struct, frozen=True, kw_only=True):
    """How its circuit breaker stands: `open` until a time, then `half_open` for one probe."""

    state: breakers.State
    failures: int
    until: datetime | None

    @classmethod
    def of(cls, failures: int, until: datetime | None) -> "Restraint":
        """From what the ledger keeps, now."""
        open_until = None if until is None else until.timestamp()
        known = breakers.Breaker(failures=failures, open_until=open_until)
        return cls(state=breakers.state(known, now=clock.machine_now().timestamp()), failures=failures, until=until)


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A webhook destination; `secret` only in the answer that made or rotated it, `breaker` in answers, not events."""

    id: UUID
    tenant_id: UUID
    url: str
    description: str
    events: list[str]
    state: str
    state_reason: str
    version: int
    created_at: datetime
    updated_at: datetime
    mode: Mode
    secret: str | None = None
    breaker: Restraint | None = None


class NewEndpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to send which event types; `rsvp.*` and `*` are patterns.

    `mode`: several at once (`parallel`), one event of a stream after the other (`ordered`), or of each row only the
    newest that is not sent yet (`latest`).
    """

    url: Url
    events: Annotated[list[Pattern], Meta(max_length=50)] = msgspec.field(default_factory=lambda: ["*"])
    description: Annotated[str, Meta(max_length=300)] = ""
    mode: Mode = "parallel"


class EndpointChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change; what is absent stays. `events` may be empty where the endpoint has rules.

    Resuming a paused or disabled endpoint releases what was parked.
    """

    url: Url | UnsetType = UNSET
    events: Annotated[list[Pattern], Meta(max_length=50)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=300)] | UnsetType = UNSET
    state: Literal["active", "paused"] | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the old secret still signs, beside the new one."""

    overlap_hours: Annotated[int, Meta(ge=0, le=168)] = 24


class Recovery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send again what failed since a time; `dry_run` counts it and sends nothing."""

    since: datetime
    states: Annotated[list[Missed], Meta(min_length=1, max_length=3)] = msgspec.field(
        default_factory=lambda: list(MISSED)
    )
    dry_run: bool = False


class Replayed(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many deliveries were put back, or with `dry_run` would be."""

    replayed: int
    dry_run: bool = False


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the ledger."""

    id: UUID
    made_at: datetime
    connector: str
    destination_id: UUID
    event_id: UUID | None
    type: str
    seq: int | None
    previous_seq: int | None
    lane: int
    state: str
    reason: str
    attempts: int
    next_at: datetime | None
    done_at: datetime | None
    replay_of: UUID | None
    is_test: bool


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try."""

    number: int
    started_at: datetime
    outcome: str
    status: int | None
    detail: str
    response_head: str
    address: str
    resolve_ms: float | None
    first_byte_ms: float | None
    total_ms: float | None
    is_late: bool


def new_secret() -> str:
    """A Standard Webhooks secret: 32 random bytes."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def check_url(url: str, *, allow_http: bool) -> str:
    """https only (http where the operator opened loopback); no credentials inside. Raises Refusal 422."""
    parts = urlsplit(url)
    schemes = ("https", "http") if allow_http else ("https",)
    if parts.scheme not in schemes or not parts.hostname:
        raise Refusal(
            422,
            "invalid",
            "url: must be an https address",
            errors=[FieldError("url", "must be an https address", "Such as https://example.com/hook")],
        )
    if parts.username or parts.password:
        raise Refusal(
            422,
            "invalid",
            "url: must not hold a user or password",
            errors=[FieldError("url", "holds credentials", "Take them out.")],
        )
    return url


_AT = "2026-11-21T10:00:00Z"
_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-00000000000e",
    "tenant_id": "01920000-0000-7000-8000-00000000000a",
    "url": "https://example.com/hook",
    "description": "Our CRM",
    "events": ["rsvp.*"],
    "state": "active",
    "state_reason": "",
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
    "mode": "ordered",
}


def _type(name: str, text: str) -> EventType:
    return EventType(
        type=f"endpoint.{name}",
        scope=Scope.PRIVATE,
        table="endpoints",
        row=Endpoint,
        description=text,
        example=_EXAMPLE,
    )


ADDED = _type("added", "A webhook endpoint was added.")
CHANGED = _type("changed", "A webhook endpoint was changed, paused, resumed or got a new secret.")
REMOVED = _type("removed", "A webhook endpoint was removed; what it was still owed is cancelled.")
EVENTS = (ADDED, CHANGED, REMOVED)
