"""What a person is to the API, and the events of a person's own stream."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope

Email = Annotated[
    str, Meta(min_length=3, max_length=320, pattern=r"^[^@\s<>\"',;:]+@[^@\s<>\"',;:]+\.[^@\s<>\"',;:]+$")
]
SIGN_IN_MINUTES = 15
SESSION_DAYS = 30
TOKEN_S = 600
KEYS_MAX = 50


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `persons`."""

    person_id: UUID
    id: UUID
    email: str | None
    name: str
    locale: str
    is_operator: bool
    version: int
    created_at: datetime
    updated_at: datetime


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `sessions` as its person sees it; the token is in no row."""

    id: UUID
    person_id: UUID
    kind: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A wedding or supplier that a person is part of."""

    kind: str
    id: UUID
    name: str
    role: str
    on: date | None
    date_status: str | None
    time_zone: str


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/v1/me`."""

    id: UUID
    name: str
    email: str
    places: list[Place]


class AskToSignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /auth/sign-in`: a link is mailed; the answer is the same whether or not the address is known."""

    email: Email


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /auth/token`: a bearer and realtime token; seconds until it expires."""

    access_token: str
    expires_in: int
    token_type: str = "bearer"  # noqa: S105 - the scheme's name


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`tenant_id` narrows the key to one wedding or supplier; absent, it acts wherever the person may."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    tenant_id: UUID | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `api_keys`; `secret` only in the answer that made it."""

    id: UUID
    name: str
    prefix: str
    tenant_id: UUID
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    secret: str | None = None


_P = "01920000-0000-7000-8000-000000000003"
_AT = "2026-11-21T10:00:00Z"
_SESSION: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000008",
    "person_id": _P,
    "kind": "browser",
    "created_at": _AT,
    "expires_at": _AT,
    "ended_at": _AT,
}
SESSION_ENDED = EventType(
    type="session.ended",
    scope=Scope.PRIVATE,
    table="sessions",
    row=Session,
    description="A session ended; its sockets are cut.",
    example=_SESSION,
    lane=Lane.CRITICAL,
)
EVENTS = (SESSION_ENDED,)
