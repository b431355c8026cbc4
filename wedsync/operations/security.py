"""Who looked at what, and what was refused, in rows and in words: what both doors of security show."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.events.scope import Scope
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal

queries = sql.load("wedsync.operations")

SOURCES: Final[Mapping[str, str]] = {
    "page": "on pages",
    "api": "by program",
    "export": "as a file",
    "live": "live",
    "webhook": "by webhook",
    "hook": "by their own hook",
    "pass": "from a mail",
}
DATA: Final[Mapping[Scope, str]] = {
    Scope.CORE: "Names, date, venues and times",
    Scope.SCHEDULE: "The schedule and contacts on the day",
    Scope.TASKS: "Tasks",
    Scope.COUNTS: "Head counts and meal totals",
    Scope.GUESTS: "Guests’ names, parties, answers and meals",
    Scope.DIETARY: "Named dietary and access needs",
    Scope.CONTACTS: "Guests’ e-mail, phone and address",
    Scope.PHOTOS: "Shared photos",
}
#: kind -> (what happened, tone)
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "access.refused": ("Somebody asked for what is not theirs", "bad"),
    "request.refused": ("Somebody who is not signed in asked for a page", "plain"),
    "request.limited": ("Too many requests at once", "wait"),
    "request.cut": ("A request came too slowly and was cut", "wait"),
    "flood.counted": ("A flood of refusals, counted together", "bad"),
    "origin.refused": ("Another site tried to send a form from here", "bad"),
    "token.refused": ("A key or token that does not hold", "bad"),
    "pass.refused": ("A link that is unknown, expired or withdrawn was opened", "wait"),
    "hook.refused": ("A hook could not be verified or was too much", "bad"),
    "socket.refused": ("A live connection was refused", "bad"),
    "join.refused": ("Somebody asked to hear live what is not theirs", "bad"),
    "sign_in.asked": ("A sign-in link was asked for", "plain"),
    "sign_in.refused": ("A used or expired sign-in link was opened", "wait"),
    "session.opened": ("Signed in", "good"),
    "session.ended": ("Signed out", "plain"),
    "key.made": ("An API key was made", "plain"),
    "key.revoked": ("An API key was withdrawn", "plain"),
    "operator.replayed": ("The operator sent again what had been given up", "plain"),
    "operator.added": ("Became an operator of the platform", "wait"),
    "operator.removed": ("Is no operator of the platform any more", "plain"),
    "opening.asked": ("An operator asked to open the wedding", "wait"),
    "opening.approved": ("The wedding was opened to an operator", "wait"),
    "opening.ended": ("An opening to an operator was ended", "plain"),
}
#: The tabs of the page: key, words, kinds.
TABS: Final = (
    ("", "Everything", ()),
    ("access", "Access", ("access.refused", "request.refused", "origin.refused", "token.refused")),
    ("links", "Links", ("pass.refused", "sign_in.asked", "sign_in.refused", "session.opened", "session.ended")),
    ("hooks", "Hooks", ("hook.refused",)),
    ("live", "Live", ("socket.refused", "join.refused")),
    ("limits", "Limits", ("request.limited", "request.cut", "flood.counted")),
)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of data that one supplier looked at."""

    link_id: UUID
    supplier_name: str
    category: str
    status: str
    scope: str
    sources: list[str]
    last_at: datetime
    looks: int
    """Stretches of five minutes in which something was read."""
    requests: int


class SecurityEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was refused, or a sign-in. `endpoint` is a route's template; `times` counts equal ones."""

    id: UUID
    at: datetime
    kind: str
    address: str
    actor_id: UUID | None = None
    actor_kind: str = ""
    endpoint: str = ""
    status: int = 0
    reason: str = ""
    times: int = 1


async def looks(tx: Tx, wedding_id: UUID, since: datetime) -> list[Look]:
    """Raises Refusal 403 for everybody but the couple."""
    await allow(tx, "couple")
    return [_look(row) for row in await tx.rows(queries.access, wedding_id, since)]


def _look(row: Row) -> Look:
    fields: dict[str, Any] = dict(row)
    scope = Scope(fields.pop("scope"))
    return Look(**fields, scope=str(scope.name).lower())


async def events(
    tx: Tx, tenant: UUID, kinds: Iterable[str], after: tuple[datetime | None, UUID | None], limit: int
) -> list[SecurityEvent]:
    """Newest first. Raises Refusal 403 for everybody but a wedding's couple, a business's owner, or the person."""
    await allow(tx, "couple", "owner", "self")
    rows = await tx.rows(queries.security_events, tenant, list(kinds) or None, *after, limit)
    return [_event(row) for row in rows]


def _event(row: Row) -> SecurityEvent:
    known = {name: row[name] for name in ("id", "at", "kind", "address", "actor_id")}
    return SecurityEvent(**known, **msgspec.json.decode(row["detail"]))


async def allow(tx: Tx, *roles: str) -> None:
    """Raises Refusal 403."""
    if await tx.value(queries.my_role) not in roles:
        raise Refusal(403, "forbidden", "This is for the couple of a wedding, or the owner of a business.")


def cards(found: Iterable[Look]) -> list[dict[str, Any]]:
    """One card a supplier, who looked last first; on it one line a kind of data."""
    by_link: dict[UUID, list[Look]] = {}
    for look in found:
        by_link.setdefault(look.link_id, []).append(look)
    made = [_card(lines) for lines in by_link.values()]
    return sorted(made, key=lambda card: card["last_at"], reverse=True)


def _card(lines: list[Look]) -> dict[str, Any]:
    first = lines[0]
    return {
        "link_id": first.link_id,
        "name": first.supplier_name,
        "is_over": first.status != "active",
        "last_at": max(one.last_at for one in lines),
        "lines": [
            {
                "words": DATA.get(Scope.from_names([one.scope]), one.scope),
                "is_personal": one.scope in ("guests", "dietary", "contacts"),
                "last_at": one.last_at,
                "looks": one.looks,
                "sources": ", ".join(SOURCES.get(source, source) for source in one.sources),
            }
            for one in lines
        ],
    }


def line(event: SecurityEvent) -> dict[str, Any]:
    """One event as the page shows it."""
    words, tone = KINDS.get(event.kind, (event.kind.replace(".", " ").replace("_", " "), "plain"))
    return {
        "id": event.id,
        "at": event.at,
        "words": words,
        "tone": tone,
        "address": event.address,
        "endpoint": event.endpoint,
        "reason": event.reason.replace("_", " "),
        "times": event.times,
    }
