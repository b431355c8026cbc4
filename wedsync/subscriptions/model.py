"""Endpoints, deliveries and attempts as the API shows them; secrets are in no row image."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.events.catalogue import EventType
from wedsync.events.scope import Scope
from wedsync.kit import breaker as breakers
from wedsync.kit import clock, credentials, guard
from wedsync.kit.credentials import HeaderValue, NewAuth
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.guard import TargetError

Pattern = Annotated[str, Meta(pattern=r"^(\*|[a-z_]+\.(\*|[a-z_]+))$", max_length=80)]
StreamName = Annotated[str, Meta(pattern=r"^[a-z]+:[0-9a-f-]{36}$", max_length=50)]
Cursor = Annotated[str, Meta(pattern=r"^[0-9]{1,9}:[0-9]{1,18}$")]
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
Asked = Literal["owed", "inactive", "many"]
Missed = Literal["dead", "expired", "cancelled"]
MISSED: tuple[Missed, ...] = ("dead", "expired", "cancelled")
REPLAYED_MAX = 10_000


class HostRestraint(msgspec.Struct, frozen=True, kw_only=True):
    """The same of its host, which endpoints of others may share."""

    host: str
    state: breakers.State
    until: datetime | None


class Restraint(msgspec.Struct, frozen=True, kw_only=True):
    """How its circuit breaker stands: `open` until a time, then `half_open` for one probe. `host`: null while well."""

    state: breakers.State
    failures: int
    until: datetime | None
    host: HostRestraint | None = None

    @classmethod
    def of(
        cls, failures: int, until: datetime | None, host: str = "", host_until: datetime | None = None
    ) -> "Restraint":
        """From what the ledger keeps, now."""
        shared = HostRestraint(host=host, state=_state(host_until), until=host_until) if host_until else None
        return cls(state=_state(until), failures=failures, until=until, host=shared)


def _state(until: datetime | None) -> breakers.State:
    known = breakers.Breaker(open_until=None if until is None else until.timestamp())
    return breakers.state(known, now=clock.machine_now().timestamp())


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A webhook destination; `secret` only in the answer that made or rotated it, `breaker` in answers, not events.

    Of its own headers there are the names, of `auth` what is no secret. `failing_since`: nothing was delivered since
    then, as its owners were told by mail, `warned_hours` after it. `blocked_since`: one that waits for a person has
    kept back what comes after it in order, as they were told too. `certificate_days`: they were warned that its client
    certificate ends in so many days.
    """

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
    header_names: list[str]
    auth: credentials.Shown
    failing_since: datetime | None = None
    warned_hours: int = 0
    blocked_since: datetime | None = None
    certificate_days: int | None = None
    secret: str | None = None
    breaker: Restraint | None = None


class NewEndpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to send which event types; `rsvp.*` and `*` are patterns.

    `mode`: several at once (`parallel`), one event of a stream after the other (`ordered`), or of each row only the
    newest that is not sent yet (`latest`). `headers` go with every request; their values and the secrets of `auth` are
    never shown again.
    """

    url: Url
    events: Annotated[list[Pattern], Meta(max_length=50)] = msgspec.field(default_factory=lambda: ["*"])
    description: Annotated[str, Meta(max_length=300)] = ""
    mode: Mode = "parallel"
    headers: Annotated[dict[str, HeaderValue], Meta(max_length=credentials.HEADERS_MAX)] = {}
    auth: NewAuth = NewAuth(kind="none")


class EndpointChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change; what is absent stays. `events` may be empty where the endpoint has rules.

    Resuming a paused or disabled endpoint releases what was parked.
    `headers` replaces all of them; null keeps the value of one. Secrets left out of an `auth` of the same kind stay. An
    address at another host or port takes neither with it: give both anew.
    """

    url: Url | UnsetType = UNSET
    events: Annotated[list[Pattern], Meta(max_length=50)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=300)] | UnsetType = UNSET
    state: Literal["active", "paused"] | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    headers: Annotated[dict[str, HeaderValue | None], Meta(max_length=credentials.HEADERS_MAX)] | UnsetType = UNSET
    auth: NewAuth | UnsetType = UNSET


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the old secret still signs, beside the new one."""

    overlap_hours: Annotated[int, Meta(ge=0, le=168)] = 24


class Recovery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send again what failed since a time; `dry_run` only counts it, `as_new` gives each another webhook-id."""

    since: datetime
    states: Annotated[list[Missed], Meta(min_length=1, max_length=3)] = msgspec.field(
        default_factory=lambda: list(MISSED)
    )
    dry_run: bool = False
    as_new: bool = False


class Again(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One delivery again; `as_new`: under a webhook-id of its own, so that no receiver takes it for a repeat."""

    as_new: bool = False


class Released(msgspec.Struct, frozen=True):
    """How many parked deliveries are on their way again."""

    released: int


class Replayed(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many deliveries were put back, or with `dry_run` would be."""

    replayed: int
    dry_run: bool = False


class Test(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which type's documented example to send."""

    type: Annotated[str, Meta(max_length=80)]


class Listen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to hear of and where to go on.

    `after` is what the answer before gave, stream by stream; without it nothing is read, and the answer says where
    everything stands. `wait_s`: how long to wait for something to happen; a process that is
    to stop waits for its last answer, so it is short.
    """

    events: Annotated[list[Pattern], Meta(min_length=1, max_length=50)] = msgspec.field(default_factory=lambda: ["*"])
    after: Annotated[dict[StreamName, Cursor], Meta(max_length=10_000)] | None = None
    wait_s: Annotated[float, Meta(ge=0, le=5)] = 0.0


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """Events in live form, those of a stream in its order, and the `after` of the next call."""

    items: list[dict[str, Any]]
    after: dict[str, str]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the ledger; a test has no event. `actor_*`: who cancelled it, or asked for this repeat of another."""

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
    as_new: bool
    expires_at: datetime | None
    actor_kind: str | None
    actor_id: UUID | None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try; what is secret in the request's headers is masked."""

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
    request_headers: dict[str, str]


def new_secret() -> str:
    """A Standard Webhooks secret: 32 random bytes."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def check_url(url: str, *, allow: Sequence[str] = ()) -> str:
    """The address, judged as far as that goes without DNS. Raises Refusal 422.

    `allow` is `egress_allow` of the settings: http and other ports only inside those ranges.
    """
    try:
        guard.check(url, guard.parse_networks(allow))
    except TargetError as error:
        raise error.as_refusal("url") from error
    return url


def is_same_place(one: str, other: str) -> bool:
    """Whether two addresses are of one scheme, host and port, so that what is secret at one may go to the other."""
    first, second = guard.parse(one), guard.parse(other)
    return (first.scheme, first.host, first.port) == (second.scheme, second.host, second.port)


def elsewhere(field: str) -> Refusal:
    """What was set for one address is not sent to another."""
    reason, fix = "was set for the address before", "Give it anew for this address, or take it away."
    return Refusal(422, "invalid", f"{field}: {reason}. {fix}", errors=[FieldError(field, reason, fix)])


def check_asked(asked: Asked) -> None:
    """A test that was not owed. Raises Refusal 409, 429."""
    if asked == "inactive":
        raise Refusal(409, "endpoint_inactive", "The endpoint is paused or switched off. Resume it, then test it.")
    if asked == "many":
        headers = {"Retry-After": "60"}
        raise Refusal(429, "too_many_tests", "30 tests a minute are enough. Wait one, and go on.", headers=headers)


def needs_https(url: str, auth: credentials.Shown) -> None:
    """A certificate is shown within TLS only. Raises Refusal 422."""
    if auth.kind == "mtls" and not url.startswith("https:"):
        reason, fix = "needs an https address", "A client certificate is shown in the TLS handshake."
        raise Refusal(422, "invalid", f"url: {reason}. {fix}", errors=[FieldError("url", reason, fix)])


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
    "header_names": ["x-tenant"],
    "auth": {"kind": "basic", "username": "wedsync"},
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
CHANGED = _type(
    "changed",
    "A webhook endpoint was changed, paused, resumed, switched off or got a new secret, is well again or waits.",
)
FAILING = _type(
    "failing", "Nothing was delivered to an endpoint for 1, 24, 72 or 96 hours; its owners are warned by mail."
)
CERTIFICATE_ENDING = _type(
    "certificate_ending",
    "The client certificate of an endpoint ends in 30, 7 or 1 days; its owners are warned by mail.",
)
REMOVED = _type("removed", "A webhook endpoint was removed; what it was still owed is cancelled.")
EVENTS = (ADDED, CHANGED, FAILING, CERTIFICATE_ENDING, REMOVED)
