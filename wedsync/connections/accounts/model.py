"""The life of a connected account as pure rules: which state follows from what, what is held, what doors show.

    draft -> connecting -> active <-> degraded
                             |  \\-> needs_reconnect -> (a person connects it again) -> active
                             |-> paused -> connecting
                             `-> disconnected -> (a person connects it again)

Traffic moves an account between connecting, active, degraded and needs_reconnect, and always back by itself; people
move it everywhere else, and what they paused or disconnected no traffic wakes.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.connections import contract
from wedsync.connections.contract import Outcome
from wedsync.connections.model import Connection
from wedsync.events.catalogue import EventType
from wedsync.events.scope import Scope
from wedsync.kit.errors import FieldError, Refusal

State = Literal["draft", "connecting", "active", "degraded", "needs_reconnect", "paused", "disconnected"]
HEARD: Final = ("connecting", "active", "degraded", "needs_reconnect")
"""States that traffic can change."""
OPEN: Final = ("connecting", "active", "degraded")
"""States whose credentials are handed out."""
FAILURES_MAX: Final = 3
LIVE_FAILURES_MAX: Final = 2
SEVERAL: Final = 4
"""So many of the last ten minutes' exchanges must have failed before their share says anything."""
EARLY_S: Final = 300.0
CONSENT_MINUTES: Final = 10
REASON_CHARACTERS_MAX: Final = 500
DESCRIPTION_CHARACTERS_MAX: Final = 20_000
Short = Annotated[str, Meta(max_length=2000)]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """An account's own traffic: failures in a row, and what ended well and not in the last five to ten minutes."""

    failures: int = 0
    ok: int = 0
    failed: int = 0
    is_live: bool = False


class Credentials(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What we hold of an account, as its connector's way to connect gives it; sealed wherever it is kept."""

    access_token: str = ""
    refresh_token: str = ""
    username: str = ""
    password: str = ""
    address: str = ""
    description: str = ""

    @property
    def opened(self) -> dict[str, tuple[str, ...]]:
        """As a connector is given them. Only we exchange the refresh token, so no connector sees it."""
        names = ("access_token", "username", "password", "address", "description")
        return {name: (getattr(self, name),) for name in names if getattr(self, name)}

    def __repr__(self) -> str:
        return "Credentials(…)"


class NewAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person gives to connect an account; nothing but a title where the provider itself asks (OAuth 2).
    `description` is what an API of one's own is like, as JSON."""

    title: Annotated[str, Meta(max_length=200)] = ""
    username: Short = ""
    password: Short = ""
    address: Short = ""
    description: Annotated[str, Meta(max_length=DESCRIPTION_CHARACTERS_MAX)] = ""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """An account connected, or begun: `authorize_url` is where to send the person's browser, within ten minutes."""

    connection: Connection
    authorize_url: str | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A connector as the gallery shows it; `missing` are the operator's settings without which it cannot be connected,
    `asks` the fields of its form, `wants` what the provider is asked to allow."""

    name: str
    title: str
    summary: str
    status: str
    does: tuple[str, ...]
    way: str
    is_configured: bool
    missing: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How an account is: its state, and what its last exchanges came to. `what` was the last one.

    `safe_until`: it is in safe mode until then, because a wedding is on (`safe_why` live) or its provider fails in the
    day before one (failing): it is asked a fifth as often, and what it says of the wedding is proposed.
    """

    connection_id: UUID
    state: State
    state_reason: str
    state_at: datetime | None
    failures: int
    ok_at: datetime | None
    failed_at: datetime | None
    what: str
    reason: str
    checked_at: datetime | None
    safe_until: datetime | None
    safe_zone: str | None
    safe_why: Literal["live", "failing"] | None


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log: `times` the same, from `began_at` to `at`; `actor_id` where a person did it."""

    id: int
    what: str
    word: str
    reason: str
    times: int
    began_at: datetime
    at: datetime
    actor_id: UUID | None


class Revealed(msgspec.Struct, frozen=True, kw_only=True):
    """Which account it is there; of an address, the address itself. Never a password or a token."""

    account: str
    username: str = ""
    address: str = ""


def word(outcome: Outcome | None) -> str:
    """The outcome as the log writes it; None went well."""
    return "ok" if outcome is None else contract.word(outcome)


def sign(outcome: Outcome | None) -> int:
    """What an exchange says of the account: 1 it is well, -1 it is not, 0 nothing."""
    match outcome:
        case None | contract.Delivered():
            return 1
        case contract.Rejected():
            return 0
        case contract.RetryLater(is_ours=is_ours):
            return 0 if is_ours else -1
        case _:
            return -1


def is_sick(health: Health) -> bool:
    """Too many failures in a row, or more failures than successes lately. `app.is_sick` is the same in SQL."""
    limit = LIVE_FAILURES_MAX if health.is_live else FAILURES_MAX
    return health.failures >= limit or (health.failed >= SEVERAL and health.failed > health.ok)


def moved(state: State, health: Health, outcome: Outcome | None) -> State:
    """The state after an exchange; `health` counts it already."""
    if state not in HEARD:
        return state
    if isinstance(outcome, contract.ReconnectNeeded):
        return "needs_reconnect"
    said = sign(outcome)
    if said == 0 or (said < 0 and state in ("connecting", "needs_reconnect")):
        return state
    if said > 0 and state in ("connecting", "needs_reconnect"):
        return "active"
    return "degraded" if is_sick(health) else "active"


def is_due(now: datetime, expires_at: datetime | None, refreshed_at: datetime | None) -> bool:
    """Whether a token is to be exchanged already: five minutes early, or a quarter of a life that is short."""
    if expires_at is None:
        return False
    life_s = (expires_at - refreshed_at).total_seconds() if refreshed_at is not None else EARLY_S * 4
    return (expires_at - now).total_seconds() <= min(EARLY_S, max(life_s, 0.0) / 4)


def reason_of(outcome: Outcome | None) -> str:
    """Why it did not go well, short enough to be kept; the host has taken every secret out of it."""
    return getattr(outcome, "reason", "").replace("\0", "")[:REASON_CHARACTERS_MAX]


def check(new: NewAccount, asks: tuple[str, ...]) -> None:
    """Raises Refusal 422 that names every field that is missing."""
    missing = [FieldError(name, "is missing", "Fill it in.") for name in asks if not getattr(new, name)]
    if missing:
        raise Refusal(422, "invalid", "; ".join(f"{e.field} is missing" for e in missing), errors=missing)


_AT = "2026-11-21T10:00:00Z"
_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-00000000000e",
    "tenant_id": "01920000-0000-7000-8000-00000000000a",
    "connector": "google_calendar",
    "title": "Studio calendar",
    "scheme": "google_channel",
    "settings": {},
    "state": "active",
    "state_at": _AT,
    "version": 3,
    "created_at": _AT,
    "updated_at": _AT,
}


def _type(name: str, text: str, *, is_severe: bool = False, **example: Any) -> EventType:
    return EventType(
        type=f"connection.{name}",
        scope=Scope.PRIVATE,
        table="connections",
        row=Connection,
        description=text,
        example=_EXAMPLE | example,
        is_severe=is_severe,
    )


CONNECTED = _type("connected", "An account at a provider was connected, or connected again.")
DISCONNECTED = _type(
    "disconnected", "An account was disconnected; we hold nothing of it any more.", state="disconnected"
)
BROKEN = _type(
    "broken",
    "A provider no longer lets us in: until a person connects the account again, nothing goes either way.",
    is_severe=True,
    state="needs_reconnect",
    state_reason="The provider says that our access was taken away.",
)
MENDED = _type("mended", "An account that did not work does so again.")
EVENTS = (CONNECTED, DISCONNECTED, BROKEN, MENDED)
