"""The people of a business: who may do what to whom, their rows, and what is told of them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.kit.errors import Refusal
from wedsync.people.model import Email

Role = Literal["owner", "admin", "member"]
ROLES: tuple[Role, ...] = ("owner", "admin", "member")
Name = Annotated[str, Meta(max_length=300)]


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `supplier_members`."""

    id: UUID
    supplier_id: UUID
    person_id: UUID
    role: Role
    name: str
    version: int
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None = None


class Colleague(msgspec.Struct, frozen=True, kw_only=True):
    """A member as colleagues see them: with their address, and the links they work on (owners and admins: on all)."""

    id: UUID
    supplier_id: UUID
    person_id: UUID
    role: Role
    name: str
    email: str
    links: list[UUID]
    version: int
    created_at: datetime
    updated_at: datetime


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `assignments`: a member works on a link."""

    id: UUID
    supplier_id: UUID
    member_id: UUID
    link_id: UUID
    created_at: datetime


class NewColleague(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody to join the business, by the address they sign in with."""

    email: Email
    role: Role = "member"
    name: Name = ""


class ColleagueChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is absent stays."""

    role: Role | UnsetType = UNSET
    name: Name | UnsetType = UNSET


def may_manage(mine: str, theirs: str) -> bool:
    """An owner manages everybody, an admin everybody but owners, a member nobody."""
    return mine == "owner" or (mine == "admin" and theirs != "owner")


def check(mine: str, theirs: str, wanted: str | None = None) -> None:
    """Raises Refusal 403 for who may not manage somebody of this role, or may not give the wanted one."""
    if mine not in ("owner", "admin"):
        raise Refusal(403, "forbidden", "Only an owner or admin of this business manages its team. Ask one of them.")
    if not may_manage(mine, theirs) or (wanted is not None and not may_manage(mine, wanted)):
        raise Refusal(403, "forbidden", "Only an owner manages owners. Ask one of them.")


_S, _M, _L, _AT = (
    "01920000-0000-7000-8000-00000000000a",
    "01920000-0000-7000-8000-00000000000c",
    "01920000-0000-7000-8000-00000000000b",
    "2026-11-21T10:00:00Z",
)
_MEMBER: dict[str, Any] = {
    "id": _M,
    "supplier_id": _S,
    "person_id": "01920000-0000-7000-8000-000000000003",
    "role": "member",
    "name": "Mira",
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
    "removed_at": None,
}
_ASSIGNMENT: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-00000000000d",
    "supplier_id": _S,
    "member_id": _M,
    "link_id": _L,
    "created_at": _AT,
}


def _member(name: str, text: str, lane: Lane = Lane.NORMAL, **more: Any) -> EventType:
    return EventType(
        type=f"supplier_member.{name}",
        scope=Scope.CORE,
        table="supplier_members",
        row=Member,
        description=text,
        example=_MEMBER | more,
        lane=lane,
    )


def _assignment(name: str, text: str, lane: Lane) -> EventType:
    return EventType(
        type=f"assignment.{name}",
        scope=Scope.CORE,
        table="assignments",
        row=Assignment,
        description=text,
        example=_ASSIGNMENT,
        lane=lane,
    )


JOINED = _member("joined", "Somebody became part of a business: its founder, or a colleague invited by mail.")
CHANGED = _member("changed", "A colleague's role or name changed; open sockets feel it at once.", Lane.HIGH)
REMOVED = _member(
    "removed", "A colleague left the business; their sockets are cut.", Lane.CRITICAL, removed_at="2026-11-21T11:00:00Z"
)
ASSIGNED = _assignment("made", "A member works on a wedding from now on and sees what its link sees.", Lane.NORMAL)
UNASSIGNED = _assignment("ended", "A member no longer works on a wedding; their sockets on it are cut.", Lane.CRITICAL)
EVENTS = (JOINED, CHANGED, REMOVED, ASSIGNED, UNASSIGNED)
