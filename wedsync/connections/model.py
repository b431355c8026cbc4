"""Connections and received hooks as the API shows them; secrets are in no row image."""

import secrets
from base64 import b64encode
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.connections import clienting, proposing
from wedsync.connections.clienting import ClientMap, ClientRead
from wedsync.connections.proposing import ProposalMap
from wedsync.connections.signatures import shared_key
from wedsync.connections.verify.request import Options
from wedsync.connections.verify.scheme import Name
from wedsync.events.catalogue import EventType
from wedsync.events.scope import Scope
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.mapping import FieldMap, Mapper, compile_map

COUPLES = "couples"
RATE_PER_MINUTE = 10
ACCOUNT_RATE_PER_MINUTE = 600
"""Of an account: its provider tells of our own writes too, and what we refuse it does not say again."""
TYPE_CHARACTERS_MAX = 200
MAPS_MAX = 20
OVERLAP_HOURS = 24
Title = Annotated[str, Meta(max_length=200)]
Secret = Annotated[str, Meta(min_length=8, max_length=2000)]


class HookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a source proves itself, how often it may send in a minute, and how its bodies become `type` and `data`.

    Without a mapping a body says both itself. `type` is what it is where the mapping gives none.
    `proposes` turns types that nothing is done for into proposals; its paths are those of the body as it came. `links`
    are the weddings of a supplier's source, by the keys its bodies use. `clients` makes bodies of a supplier's source
    clients; it comes before the maps.
    """

    options: Options = msgspec.field(default_factory=Options)
    rate_per_minute: Annotated[int, Meta(ge=1, le=1_000_000)] = RATE_PER_MINUTE
    type: Annotated[str, Meta(max_length=80)] = ""
    mapping: FieldMap | None = None
    proposes: Annotated[tuple[ProposalMap, ...], Meta(max_length=MAPS_MAX)] = ()
    links: Annotated[dict[Annotated[str, Meta(max_length=200)], UUID], Meta(max_length=500)] = {}
    clients: ClientMap | None = None


class Kept(msgspec.Struct, frozen=True):
    """One secret; `until` is when it no longer holds (machine time), None for the current one."""

    secret: str
    until: datetime | None = None


class Connection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One account, or where it has no `state` one source of hooks: `url` is where to send.

    `secret` is only in the answer that made or rotated it.
    """

    id: UUID
    tenant_id: UUID
    connector: str
    title: str
    scheme: str
    settings: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime
    state: str | None = None
    state_reason: str = ""
    state_at: datetime | None = None
    url: str = ""
    secret: str | None = None


class NewConnection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source to be. `couples` is the wedding's own hook, of which there is one. Without `secret` one is made."""

    connector: Literal["couples", "zapier_hook"]
    title: Title = ""
    scheme: Name = "hmac"
    secret: Secret | None = None
    settings: HookSettings = msgspec.field(default_factory=HookSettings)


class ConnectionChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a source; what is absent stays. `settings` are replaced as a whole."""

    title: Title | UnsetType = UNSET
    settings: HookSettings | UnsetType = UNSET


class Trial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A received hook, and maps to try on it, to proposals or to clients; without them those of its source."""

    hook_id: UUID
    proposes: Annotated[tuple[ProposalMap, ...], Meta(max_length=MAPS_MAX)] | None = None
    clients: ClientMap | None = None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What the maps make of a hook: the proposal or client it would be, or why it would be none. `samples` are the
    body's values by the paths that name them. Nothing is written."""

    type: str
    samples: list[tuple[str, str]]
    map: int | None = None
    read: proposing.Read | None = None
    client: ClientRead | None = None
    refusal: str = ""


class NewSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next secret, made here where none is given, and how long the one before still holds."""

    secret: Secret | None = None
    overlap_hours: Annotated[int, Meta(ge=0, le=168)] = OVERLAP_HOURS


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """One received hook and what came of it; its body is sealed."""

    id: UUID
    source_id: UUID
    connector: str
    dedupe_key: str
    received_at: datetime
    headers: dict[str, str]
    verified_by: str
    status: Literal["received", "applied", "proposed", "ignored", "failed"]
    error: str
    type: str
    processed_at: datetime | None
    replays: int


def new_secret() -> str:
    """A Standard Webhooks secret; for other schemes it is as good as any text."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def check(new: NewConnection) -> None:
    """Raises Refusal 422 for a source that could never be verified or understood."""
    check_settings(new.scheme, new.settings)
    check_secret(new.scheme, new.secret)
    if new.connector == COUPLES and new.scheme not in ("hmac", "standard"):
        raise _invalid("scheme", "is not one of the couples' hook", "Use hmac, or leave it out.")
    if new.scheme == "sendgrid" and new.secret is None:
        raise _invalid("secret", "is missing", "Give the verification key that SendGrid shows.")


def check_settings(scheme: str, settings: HookSettings) -> None:
    """Raises Refusal 422 for maps that cannot work, and for a scheme without what it needs."""
    mapper(settings)
    for n, one in enumerate(settings.proposes):
        proposing.compiled(one, f"settings.proposes[{n}]")
    if settings.clients is not None:
        clienting.check(settings.clients, "settings.clients")
    _check_keys(scheme, settings.options)


def _check_keys(scheme: str, options: Options) -> None:
    if scheme != "jwt" or options.jwks.get("keys"):
        return
    if not options.jwks_url:
        fix = 'Give the sender\'s key set: {"keys": [...]}, or its address as jwks_url.'
        raise _invalid("settings.options.jwks", "has no keys", fix)
    if not options.jwks_url.startswith(("https://", "http://")):
        raise _invalid("settings.options.jwks_url", "is not an address", "Write it like https://example.com/keys.")


def check_secret(scheme: str, secret: str | None) -> None:
    """Raises Refusal 422 for a secret that its scheme could not use."""
    if secret is None or scheme != "standard" or secret.startswith("whpk_"):
        return
    try:
        shared_key(secret)
    except ValueError as error:
        raise _invalid("secret", str(error), "Copy it again, with its prefix whsec_.") from error


def mapper(settings: HookSettings) -> Mapper | None:
    """The compiled field map. Raises Refusal 422 that names every rule that cannot work."""
    return None if settings.mapping is None else compile_map(settings.mapping)


def _invalid(field: str, reason: str, fix: str) -> Refusal:
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])


_AT = "2026-11-21T10:00:00Z"
_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-00000000000e",
    "tenant_id": "01920000-0000-7000-8000-00000000000a",
    "connector": "zapier_hook",
    "title": "Our form",
    "scheme": "hmac",
    "settings": {"type": "rsvp.replied"},
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}


def _type(name: str, text: str) -> EventType:
    return EventType(
        type=f"connection.{name}",
        scope=Scope.PRIVATE,
        table="connections",
        row=Connection,
        description=text,
        example=_EXAMPLE,
    )


ADDED = _type("added", "A source of hooks was added.")
CHANGED = _type(
    "changed",
    "A source of hooks got a new secret, name or other settings; or an account is paused, goes on or is unwell.",
)
REMOVED = _type("removed", "A source of hooks was removed; what it sends is refused from then on.")
EVENTS = (ADDED, CHANGED, REMOVED)
