"""The teams of the sandbox and what Graph lets an app do with them: channels, their members, and their end."""

import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import msgspec

from wedsync.kit import clock

Object = dict[str, Any]
NAME_MAX: Final = 50
DESCRIPTION_MAX: Final = 1024
CHANNELS_MAX: Final = 200
PAGE: Final = 20
FORBIDDEN: Final = re.compile(r"[~#%&*{}+/\\:<>?|'\"\x00-\x1f]")
MEMBER: Final = "#microsoft.graph.aadUserConversationMember"
EQUALS: Final = re.compile(r"(\w+) eq '((?:[^']|'')*)'")
BOUND: Final = re.compile(r"https?://[^/]+/.*/users\('([0-9a-f-]{36})'\)")
MAKEABLE: Final = {"displayName", "description", "membershipType", "members", "@odata.type"}


class GraphError(Exception):
    """What Graph answers instead. `inner` is the code inside, where the one outside says little."""

    def __init__(self, status: int, code: str, message: str, *, inner: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.inner = status, code, message, inner


class Person(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    email: str
    roles: tuple[str, ...] = ()


class Channel(msgspec.Struct, kw_only=True):
    """`people` maps a person's id to their roles in it; in a standard channel it is empty, for everybody is."""

    id: str
    name: str
    description: str
    membership: str
    made_at: str
    people: dict[str, tuple[str, ...]] = {}
    is_archived: bool = False
    is_listed: bool = True


class Team(msgspec.Struct, kw_only=True):
    """One team of one Microsoft 365; `granted` is what its administrator has allowed the app."""

    id: str
    tenant: str
    name: str
    granted: set[str]
    people: dict[str, Person] = {}
    channels: dict[str, Channel] = {}

    @property
    def link(self) -> str:
        """The query of the link that a person copies."""
        return f"groupId={self.id}&tenantId={self.tenant}"

    def add_person(self, email: str, *roles: str) -> str:
        id = str(uuid5(NAMESPACE_URL, f"{self.id} {email}"))
        self.people[id] = Person(id=id, name=email.partition("@")[0].title(), email=email, roles=roles)
        return id

    def named(self, name: str) -> Channel | None:
        return next((one for one in self.channels.values() if one.name.lower() == name.lower()), None)

    def emails(self, channel: Channel) -> list[str]:
        """Who is in a channel."""
        ids = self.people if channel.membership == "standard" else channel.people
        return sorted(self.people[id].email for id in ids)


def show_team(team: Team, call: "Call") -> Object:
    return {"id": team.id, "displayName": team.name, "tenantId": team.tenant, "isArchived": False}


def list_channels(team: Team, call: "Call") -> Object:
    wanted = [value.lower() for name, value in call.equals if name == "displayName"]
    listed = [one for one in team.channels.values() if one.is_listed]
    return _collection([_shown(team, one) for one in listed if not wanted or one.name.lower() in wanted], call)


def make_channel(team: Team, call: "Call") -> Object:
    said = call.body
    name, told = said.get("displayName"), said.get("description", "")
    kind = said.get("membershipType", "standard")
    if not said.keys() <= MAKEABLE or kind not in ("standard", "private"):
        raise _bad("The request is not valid.")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_MAX or FORBIDDEN.search(name):
        raise _bad("Channel name is not valid: it may contain certain characters only, and at most 50.")
    if not isinstance(told, str) or len(told) > DESCRIPTION_MAX:
        raise _bad("The description is too long.")
    people = _bound(team, said.get("members", []))
    if (kind == "private") != ("owner" in [role for roles in people.values() for role in roles]):
        raise _bad("A private channel is created with an owner, and another one with nobody.")
    if team.named(name) is not None:
        raise GraphError(
            400, "BadRequest", "Channel name already existed, please use other name.", inner="NameAlreadyExists"
        )
    if len(team.channels) >= CHANNELS_MAX:
        raise GraphError(403, "Forbidden", "The team has as many channels as it may have.")
    id = f"19:{secrets.token_hex(16)}@thread.tacv2"
    made = Channel(id=id, name=name, description=told, membership=kind, made_at=_stamp(), people=people)
    made.is_listed = not call.hides
    team.channels[id] = made
    return _shown(team, made)


def show_channel(team: Team, call: "Call") -> Object:
    return _shown(team, _channel(team, call))


def archive(team: Team, call: "Call") -> None:
    channel = _channel(team, call)
    if channel.is_archived:
        raise _bad("The channel is archived already.")
    channel.is_archived = True


def list_members(team: Team, call: "Call") -> Object:
    wanted = [value.lower() for name, value in call.equals if name == "email"]
    people = [one for one in team.people.values() if not wanted or one.email.lower() in wanted]
    return _collection([_member(one, one.roles) for one in people], call)


def list_in_channel(team: Team, call: "Call") -> Object:
    channel = _channel(team, call)
    people = channel.people if channel.membership == "private" else {one.id: one.roles for one in team.people.values()}
    return _collection([_member(team.people[id], roles) for id, roles in people.items()], call)


def add_member(team: Team, call: "Call") -> Object:
    channel = _channel(team, call)
    if channel.membership != "private":
        raise _bad("Members are added to private channels only.")
    ((id, roles),) = _bound(team, [call.body]).items()
    if id in channel.people:
        raise _bad("The member is in the channel already.")
    channel.people[id] = roles
    return _member(team.people[id], roles)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call as the store takes it."""

    query: Mapping[str, str]
    body: Object
    channel: str = ""
    at: str = ""
    hides: bool = False
    page: int = PAGE

    @property
    def equals(self) -> list[tuple[str, str]]:
        """What its filter compares."""
        return [(name, value.replace("''", "'")) for name, value in EQUALS.findall(self.query.get("$filter", ""))]


Handler = Callable[[Team, Call], Object | None]
ONE: Final = r"/channels/([^/]+)"
METHODS: Final[tuple[tuple[str, str, str, int, Handler], ...]] = (
    ("GET", "", "Team.ReadBasic.All", 200, show_team),
    ("GET", "/members", "TeamMember.Read.All", 200, list_members),
    ("GET", "/channels", "Channel.ReadBasic.All", 200, list_channels),
    ("POST", "/channels", "Channel.Create", 201, make_channel),
    ("GET", ONE, "Channel.ReadBasic.All", 200, show_channel),
    ("GET", f"{ONE}/members", "ChannelMember.ReadWrite.All", 200, list_in_channel),
    ("POST", f"{ONE}/members", "ChannelMember.ReadWrite.All", 201, add_member),
    ("POST", f"{ONE}/archive", "ChannelSettings.ReadWrite.All", 202, archive),
)
"""Verb, path below the team, the permission it takes, what it answers."""
PERMISSIONS: Final = tuple(sorted({one[2] for one in METHODS}))


def answer(team: Team, verb: str, path: str, call: Call) -> tuple[int, Object | None]:
    """Raises GraphError."""
    for known, pattern, permission, status, handler in METHODS:
        found = re.fullmatch(pattern, path)
        if known == verb and found is not None:
            if permission not in team.granted:
                raise GraphError(403, "Forbidden", f"Missing role permissions on the request: {permission}.")
            channel = found[1] if found.groups() else ""
            return status, handler(team, msgspec.structs.replace(call, channel=channel))
    raise GraphError(404, "ResourceNotFound", "Resource not found for the segment.")


def _channel(team: Team, call: Call) -> Channel:
    found = team.channels.get(call.channel)
    if found is None:
        raise GraphError(404, "NotFound", "No channel found with this id.")
    return found


def _bound(team: Team, members: Any) -> dict[str, tuple[str, ...]]:
    """Who is named, each with their roles."""
    found: dict[str, tuple[str, ...]] = {}
    named: list[Any] = members if isinstance(members, list) else [{}]
    for one in named:
        at = BOUND.fullmatch(one.get("user@odata.bind", ""))
        if at is None or one.get("@odata.type") != MEMBER:
            raise _bad("Bind requests are expected with the type of the member.")
        person, roles = team.people.get(at[1]), tuple(one.get("roles", ()))
        if person is None:
            raise GraphError(404, "NotFound", "The user is no member of the team.")
        if "guest" in person.roles and "owner" in roles:
            raise _bad("A guest cannot be an owner.")
        found[person.id] = roles
    return found


def _collection(items: list[Object], call: Call) -> Object:
    start = int(call.query.get("$skiptoken", "0"))
    told: Object = {"@odata.count": len(items), "value": items[start : start + call.page]}
    if start + call.page < len(items):
        kept = "".join(f"&{quote(name)}={quote(value)}" for name, value in call.query.items() if name != "$skiptoken")
        told["@odata.nextLink"] = f"{call.at}?$skiptoken={start + call.page}{kept}"
    return told


def _shown(team: Team, one: Channel) -> Object:
    at = f"https://teams.microsoft.com/l/channel/{quote(one.id, safe='')}/{quote(one.name)}"
    return {
        "id": one.id,
        "createdDateTime": one.made_at,
        "displayName": one.name,
        "description": one.description,
        "isFavoriteByDefault": None,
        "email": "",
        "tenantId": team.tenant,
        "webUrl": f"{at}?{team.link}",
        "membershipType": one.membership,
        "isArchived": one.is_archived,
    }


def _member(one: Person, roles: tuple[str, ...]) -> Object:
    return {
        "@odata.type": MEMBER,
        "id": f"MCMj{one.id}",
        "roles": list(roles),
        "displayName": one.name,
        "userId": one.id,
        "email": one.email,
    }


def _bad(message: str) -> GraphError:
    return GraphError(400, "BadRequest", message)


def _stamp() -> str:
    return clock.machine_now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
