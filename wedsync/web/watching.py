"""Refusals, sign-ins and their ends, as notes for the security events: what, where from, at which route, by whom.

One place for all of them: every answer that begins is looked at, so that a page that shows a refusal in its own words
is noted as well. Nothing of what was sent is kept, and of the path only its template.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar.enums import ScopeType
from litestar.types import HTTPScope, Message, Scope

from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.kit.errors import Refusal
from wedsync.kit.watch import Note, Place, Watch
from wedsync.web.callers import address_of

REFUSED: Final = frozenset({401, 403, 404, 408, 410, 429})
BY_CODE: Final[Mapping[str, str]] = {
    "bad_token": "token.refused",
    "cross_site": "origin.refused",
    "link_used": "sign_in.refused",
    "too_slow": "request.cut",
}
BY_STATUS: Final[Mapping[int, str]] = {
    401: "request.refused",
    403: "access.refused",
    404: "access.refused",
    408: "request.cut",
    410: "pass.refused",
    429: "request.limited",
}
TENANTS: Final = ("wedding_id", "supplier_id", "tenant")


async def look(message: Message, scope: Scope) -> None:
    """Before every send: an answer that refuses is noted."""
    if message["type"] != "http.response.start" or message["status"] not in REFUSED:
        return
    if scope["type"] == ScopeType.HTTP:
        _note_refusal(scope, message["status"])


def refused(scope: Scope, refusal: Refusal) -> None:
    """What is being refused, for when the answer begins."""
    scope["state"]["refusal"] = refusal


def note(
    scope: HTTPScope,
    kind: str,
    *,
    reason: str = "",
    status: int = 0,
    place: Place | None = None,
    actor: Actor | None = None,
) -> None:
    """Take a note of this request."""
    watch: Watch = scope["litestar_app"].state.ctx.watch
    actor = actor or scope.get("state", {}).get("actor", ANONYMOUS)
    watch.note(
        Note(
            kind=kind,
            address=address_of(scope),
            endpoint=f"{scope['method']} {scope.get('path_template') or ''}".strip(),
            status=status,
            reason=reason,
            actor_kind=actor.kind,
            actor=actor.id,
            place=place,
        )
    )


def _note_refusal(scope: HTTPScope, status: int) -> None:
    state: dict[str, Any] = scope.get("state", {})
    if state.get("is_noted"):
        return
    refusal: Refusal | None = state.get("refusal")
    place = refusal.place if refusal is not None else None
    if status == 404 and place is None:
        return
    code = refusal.code if refusal is not None else ""
    kind = BY_CODE.get(code, BY_STATUS[status])
    if place is not None and place[0] == "pass":
        kind = "pass.refused"
    note(scope, kind, reason=code, status=status, place=place or _tenant(scope))


def _tenant(scope: HTTPScope) -> Place | None:
    """The tenant that the path names."""
    params = scope.get("path_params") or {}
    named = next((params[name] for name in TENANTS if name in params), None)
    return ("tenant", str(named)) if isinstance(named, UUID) else None
