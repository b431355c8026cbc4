"""What Slack has already: the channel of a name, the people of an address, the message that an answer was lost of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from wedsync.connections.chatting.contract import Post, Posted
from wedsync.connections.contract import Outcome
from wedsync.connectors.slack.answers import Error, read, refusal
from wedsync.connectors.slack.client import Client

PAGE: Final = 200
PAGES_MAX: Final = 20
LOOKED_BACK: Final = 50
PEOPLE_MAX: Final = 30
"""Looked up one by one, fifty a minute at most."""
DONE: Final = ("already_in_channel", "cant_invite_self", "already_archived")


class Team(msgspec.Struct, frozen=True):
    team_id: str
    team: str = ""


class Channel(msgspec.Struct, frozen=True):
    id: str
    name: str = ""
    is_archived: bool = False


class Made(msgspec.Struct, frozen=True):
    channel: Channel


class _More(msgspec.Struct, frozen=True):
    next_cursor: str = ""


class _Channels(msgspec.Struct, frozen=True):
    channels: tuple[Channel, ...]
    response_metadata: _More = _More()


class _User(msgspec.Struct, frozen=True):
    id: str


class _Found(msgspec.Struct, frozen=True):
    user: _User


class Ts(msgspec.Struct, frozen=True):
    ts: str


class _Key(msgspec.Struct, frozen=True):
    key: str = ""


class _Metadata(msgspec.Struct, frozen=True):
    event_payload: _Key = _Key()


class _Message(msgspec.Struct, frozen=True):
    ts: str
    metadata: _Metadata = _Metadata()


class _History(msgspec.Struct, frozen=True):
    messages: tuple[_Message, ...]


class Ok(msgspec.Struct, frozen=True):
    ok: bool


async def named(client: Client, name: str, *, now: datetime, timeout_s: float) -> Channel | Outcome | None:
    """The channel of this name that we are in: the name says which wedding it is, so it is the one we made."""
    cursor = ""
    for _ in range(PAGES_MAX):
        query = {"types": "public_channel,private_channel", "exclude_archived": "true", "limit": str(PAGE)}
        exchange = await client.get(
            "conversations.list", query | ({"cursor": cursor} if cursor else {}), timeout_s=timeout_s
        )
        page = read(exchange, _Channels, now=now)
        if isinstance(page, Error):
            return None
        if not isinstance(page, _Channels):
            return page
        found = next((one for one in page.channels if one.name == name), None)
        cursor = page.response_metadata.next_cursor
        if found is not None or not cursor:
            return found
    return None


async def invite(
    client: Client, channel: str, emails: Sequence[str], *, now: datetime, timeout_s: float
) -> int | Outcome:
    """Who has the address in the workspace is invited; how many have it not, or may not be."""
    ids: list[str] = []
    for email in emails[:PEOPLE_MAX]:
        exchange = await client.get("users.lookupByEmail", {"email": email}, timeout_s=timeout_s)
        found = read(exchange, _Found, now=now)
        if isinstance(found, _Found):
            ids.append(found.user.id)
        elif not isinstance(found, Error):
            return found
    strangers = len(emails) - len(ids)
    for id in ids:
        # One by one: of several, one who cannot be invited keeps all the others out.
        exchange = await client.post("conversations.invite", {"channel": channel, "users": id}, timeout_s=timeout_s)
        said = read(exchange, Ok, now=now)
        if isinstance(said, Error):
            strangers += said.error not in DONE
        elif not isinstance(said, Ok):
            return said
    return strangers


async def posted(client: Client, post: Post, *, now: datetime) -> Posted | Outcome | None:
    """The message, where an earlier try has posted it. Asked only after an answer was lost: Slack allows commercial
    apps outside its marketplace one such question a minute."""
    query = {"channel": post.channel, "limit": str(LOOKED_BACK), "include_all_metadata": "true"}
    exchange = await client.get("conversations.history", query, timeout_s=post.timeout_s)
    found = read(exchange, _History, now=now)
    if isinstance(found, Error):
        return refusal(found)
    if not isinstance(found, _History):
        return found
    ts = next((one.ts for one in found.messages if one.metadata.event_payload.key == post.key), "")
    return Posted(id=ts) if ts else None
