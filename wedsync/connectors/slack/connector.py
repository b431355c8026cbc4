"""Slack for the host: says which workspace it is, opens a channel with its people, posts and updates, hears buttons."""

from typing import Final

import msgspec

from wedsync.connections.chatting.contract import Gone, Opened, Opening, Post, Posted, Pressed, Update
from wedsync.connections.contract import Account, Connection, Delivered, Outcome, Tools
from wedsync.connectors.slack import mapper
from wedsync.connectors.slack.answers import Error, read, refusal
from wedsync.connectors.slack.client import Client

PAGE: Final = 200
PAGES_MAX: Final = 20
LOOKED_BACK: Final = 50
PEOPLE_MAX: Final = 30
"""Looked up one by one, fifty a minute at most."""
GONE: Final = ("message_not_found", "cant_update_message", "edit_window_closed")
DONE: Final = ("already_in_channel", "cant_invite_self", "already_archived")


class _Team(msgspec.Struct, frozen=True):
    team_id: str
    team: str = ""


class _Channel(msgspec.Struct, frozen=True):
    id: str
    name: str = ""
    is_archived: bool = False


class _Made(msgspec.Struct, frozen=True):
    channel: _Channel


class _More(msgspec.Struct, frozen=True):
    next_cursor: str = ""


class _Channels(msgspec.Struct, frozen=True):
    channels: tuple[_Channel, ...]
    response_metadata: _More = _More()


class _User(msgspec.Struct, frozen=True):
    id: str


class _Found(msgspec.Struct, frozen=True):
    user: _User


class _Ts(msgspec.Struct, frozen=True):
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


class _Ok(msgspec.Struct, frozen=True):
    ok: bool


class Slack:
    """Connects and chats, with each workspace's own bot token."""

    updates = True
    invites = True

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now
        self._base_url: str = tools.settings["slack_base_url"]

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        exchange = await self._as(connection).get("auth.test", {}, timeout_s=timeout_s)
        found = read(exchange, _Team, now=self._machine_now())
        if isinstance(found, Error):
            return refusal(found)
        return Account(id=found.team_id, title=found.team or found.team_id) if isinstance(found, _Team) else found

    async def open(self, opening: Opening, connection: Connection) -> Opened | Outcome:
        """Make the channel, or find the one that an earlier try has made; then say what it is for and invite."""
        client, timeout_s, now = self._as(connection), opening.timeout_s / 4, self._machine_now()
        form = {"name": mapper.channel_name(opening.name), "is_private": "true" if opening.is_private else "false"}
        exchange = await client.post("conversations.create", form, timeout_s=timeout_s)
        made = read(exchange, _Made, now=now, makes=True)
        if isinstance(made, Error) and made.error == "name_taken":
            found = await self._named(client, form["name"], timeout_s=timeout_s)
            made = _Made(found) if isinstance(found, _Channel) else found or made
        if isinstance(made, Error):
            return refusal(made)
        if not isinstance(made, _Made):
            return made
        about = {"channel": made.channel.id, "topic": mapper.escaped(opening.about, mapper.ABOUT_MAX)}
        told = read(await client.post("conversations.setTopic", about, timeout_s=timeout_s), _Ok, now=now)
        if not isinstance(told, _Ok | Error):
            return told
        strangers = await self._invite(client, made.channel.id, opening, timeout_s=timeout_s)
        if not isinstance(strangers, int):
            return strangers
        return Opened(id=made.channel.id, strangers=strangers)

    async def post(self, post: Post, connection: Connection) -> Posted | Outcome:
        client, now = self._as(connection), self._machine_now()
        if post.may_be_there:
            there = await self._posted(client, post)
            if there is not None:
                return there
        form = mapper.to_post(post.channel, post.saying, post.key, thread=post.thread)
        exchange = await client.post("chat.postMessage", form, timeout_s=post.timeout_s)
        found = read(exchange, _Ts, now=now, makes=True)
        if isinstance(found, Error):
            return refusal(found)
        return Posted(id=found.ts) if isinstance(found, _Ts) else found

    async def update(self, update: Update, connection: Connection) -> Posted | Gone | Outcome:
        form = mapper.to_update(update.channel, update.message, update.saying, update.key)
        exchange = await self._as(connection).post("chat.update", form, timeout_s=update.timeout_s)
        found = read(exchange, _Ts, now=self._machine_now())
        if isinstance(found, Error):
            return Gone() if found.error in GONE else refusal(found)
        return Posted(id=found.ts) if isinstance(found, _Ts) else found

    async def archive(self, channel: str, connection: Connection, *, timeout_s: float) -> Delivered | Outcome:
        exchange = await self._as(connection).post("conversations.archive", {"channel": channel}, timeout_s=timeout_s)
        found = read(exchange, _Ok, now=self._machine_now())
        if isinstance(found, Error):
            return Delivered() if found.error in (*DONE, "channel_not_found") else refusal(found)
        return Delivered() if isinstance(found, _Ok) else found

    def pressed(self, body: bytes) -> Pressed | None:
        return mapper.pressed(body)

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    def _as(self, connection: Connection) -> Client:
        (token, *_) = connection.secrets.get("access_token", ("",))
        return Client(self._wire, self._base_url, token)

    async def _named(self, client: Client, name: str, *, timeout_s: float) -> _Channel | Outcome | None:
        """The channel of this name that we are in: the name says which wedding it is, so it is the one we made."""
        cursor = ""
        for _ in range(PAGES_MAX):
            query = {"types": "public_channel,private_channel", "exclude_archived": "true", "limit": str(PAGE)}
            exchange = await client.get(
                "conversations.list", query | ({"cursor": cursor} if cursor else {}), timeout_s=timeout_s
            )
            page = read(exchange, _Channels, now=self._machine_now())
            if isinstance(page, Error):
                return None
            if not isinstance(page, _Channels):
                return page
            found = next((one for one in page.channels if one.name == name), None)
            cursor = page.response_metadata.next_cursor
            if found is not None or not cursor:
                return found
        return None

    async def _invite(self, client: Client, channel: str, opening: Opening, *, timeout_s: float) -> int | Outcome:
        """Who has the address in the workspace is invited; how many have it not, or may not be."""
        now, ids = self._machine_now(), []
        for email in opening.emails[:PEOPLE_MAX]:
            exchange = await client.get("users.lookupByEmail", {"email": email}, timeout_s=timeout_s)
            found = read(exchange, _Found, now=now)
            if isinstance(found, _Found):
                ids.append(found.user.id)
            elif not isinstance(found, Error):
                return found
        strangers = len(opening.emails) - len(ids)
        for id in ids:
            # One by one: of several, one who cannot be invited keeps all the others out.
            exchange = await client.post("conversations.invite", {"channel": channel, "users": id}, timeout_s=timeout_s)
            said = read(exchange, _Ok, now=now)
            if isinstance(said, Error):
                strangers += said.error not in DONE
            elif not isinstance(said, _Ok):
                return said
        return strangers

    async def _posted(self, client: Client, post: Post) -> Posted | Outcome | None:
        """The message, where an earlier try has posted it. Asked only after an answer was lost: Slack allows commercial
        apps outside its marketplace one such question a minute."""
        query = {"channel": post.channel, "limit": str(LOOKED_BACK), "include_all_metadata": "true"}
        exchange = await client.get("conversations.history", query, timeout_s=post.timeout_s)
        found = read(exchange, _History, now=self._machine_now())
        if isinstance(found, Error):
            return refusal(found)
        if not isinstance(found, _History):
            return found
        ts = next((one.ts for one in found.messages if one.metadata.event_payload.key == post.key), "")
        return Posted(id=ts) if ts else None


def connect(tools: Tools) -> Slack:
    return Slack(tools)
