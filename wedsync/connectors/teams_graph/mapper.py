"""Ours to Graph's: names of channels, what a channel says of itself, and which team a link is of. No network."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec

NAME_MAX: Final = 50
"""Of a channel's displayName (learn.microsoft.com, channel-post)."""
OWN: Final = 5
"""The hyphen and the four digits that make a name the only one; they are never cut off."""
DESCRIPTION_MAX: Final = 1024
MEMBER: Final = "#microsoft.graph.aadUserConversationMember"
_FORBIDDEN: Final = re.compile(r"[~#%&*{}+/\\:<>?|'\"\x00-\x1f\x7f]+")


class TeamError(ValueError):
    """It is no link to a team, in words for whoever typed it."""


class Team(msgspec.Struct, frozen=True):
    """One team of one Microsoft 365."""

    id: str
    tenant: str


def team_of(link: str) -> Team:
    """By the two ids that a link to a team carries, wherever it leads: national clouds have hosts of their own.

    Raises TeamError.
    """
    try:
        asked = parse_qs(urlsplit(link).query)
        return Team(id=str(UUID(asked["groupId"][0])), tenant=str(UUID(asked["tenantId"][0])))
    except (KeyError, ValueError) as error:
        told = "This is no link to a team. In Teams, at the team: More options, Get link to team; and copy all of it."
        raise TeamError(told) from error


def channel_name(name: str) -> str:
    """At most 50 characters, its own digits among them, and none that Teams refuses in the name of a channel."""
    plain = " ".join(_FORBIDDEN.sub(" ", unicodedata.normalize("NFC", name)).split())
    if len(plain) > NAME_MAX:
        plain = f"{plain[: NAME_MAX - OWN].rstrip('- ')}{plain[-OWN:]}"
    return plain.strip("._ ") or "wedding"


def description(about: str, url: str, key: str) -> str:
    """What the channel is for, where the wedding is, and the mark by which it is known to be ours."""
    tail = f" {url}\n{_mark(key)}" if url else f"\n{_mark(key)}"
    return about[: DESCRIPTION_MAX - len(tail)] + tail


def is_ours(channel: Mapping[str, Any], name: str, key: str) -> bool:
    """The one that an earlier try made: its name alone could be somebody else's."""
    shown, told = channel.get("displayName"), channel.get("description")
    return isinstance(shown, str) and shown.lower() == name.lower() and isinstance(told, str) and _mark(key) in told


def to_channel(name: str, told: str, *, owner: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """With an owner, as `to_member` writes one, it is a private channel: Graph makes none of nobody's."""
    said = {"displayName": name, "description": told, "membershipType": "private" if owner else "standard"}
    return {**said, "members": [owner]} if owner else said


def to_member(user: str, *, base_url: str, is_owner: bool = False) -> Mapping[str, Any]:
    at = f"{base_url}/users('{user}')"
    return {"@odata.type": MEMBER, "roles": ["owner"] if is_owner else [], "user@odata.bind": at}


def by_name(name: str) -> str:
    """The filter for channels of this name; a quote is written twice (OData 4.01, 5.1.1.6.1)."""
    return f"displayName eq '{_quoted(name)}'"


def by_emails(emails: Sequence[str]) -> str:
    """The filter for members of these addresses (learn.microsoft.com, team-list-members)."""
    return " or ".join(f"microsoft.graph.aadUserConversationMember/email eq '{_quoted(one)}'" for one in emails)


def _mark(key: str) -> str:
    return f"WedSync {key}"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
