"""Slack for the host: says which workspace it is, opens a channel with its people, posts and updates, hears buttons."""

from typing import Final

from wedsync.connections.chatting.contract import Gone, Opened, Opening, Post, Posted, Pressed, Update
from wedsync.connections.contract import Account, Connection, Delivered, Outcome, Tools
from wedsync.connectors.slack import looking, mapper
from wedsync.connectors.slack.answers import Error, read, refusal
from wedsync.connectors.slack.client import Client
from wedsync.connectors.slack.looking import DONE, Channel, Made, Ok, Team, Ts
from wedsync.notices.wording import drawing

GONE: Final = ("message_not_found", "cant_update_message", "edit_window_closed")


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
        found = read(exchange, Team, now=self._machine_now())
        if isinstance(found, Error):
            return refusal(found)
        return Account(id=found.team_id, title=found.team or found.team_id) if isinstance(found, Team) else found

    async def open(self, opening: Opening, connection: Connection) -> Opened | Outcome:
        """Make the channel, or find the one that an earlier try has made; then say what it is for and invite."""
        client, timeout_s, now = self._as(connection), opening.timeout_s / 4, self._machine_now()
        form = {"name": mapper.channel_name(opening.name), "is_private": "true" if opening.is_private else "false"}
        exchange = await client.post("conversations.create", form, timeout_s=timeout_s)
        made = read(exchange, Made, now=now, makes=True)
        if isinstance(made, Error) and made.error == "name_taken":
            found = await looking.named(client, form["name"], now=now, timeout_s=timeout_s)
            made = Made(found) if isinstance(found, Channel) else found or made
        if isinstance(made, Error):
            return refusal(made)
        if not isinstance(made, Made):
            return made
        about = {"channel": made.channel.id, "topic": drawing.escaped(opening.about, mapper.ABOUT_MAX)}
        told = read(await client.post("conversations.setTopic", about, timeout_s=timeout_s), Ok, now=now)
        if not isinstance(told, Ok | Error):
            return told
        strangers = await looking.invite(client, made.channel.id, opening.emails, now=now, timeout_s=timeout_s)
        if not isinstance(strangers, int):
            return strangers
        return Opened(id=made.channel.id, strangers=strangers)

    async def post(self, post: Post, connection: Connection) -> Posted | Outcome:
        client, now = self._as(connection), self._machine_now()
        if post.may_be_there:
            there = await looking.posted(client, post, now=now)
            if there is not None:
                return there
        form = mapper.to_post(post.channel, post.saying, post.key, thread=post.thread)
        exchange = await client.post("chat.postMessage", form, timeout_s=post.timeout_s)
        found = read(exchange, Ts, now=now, makes=True)
        if isinstance(found, Error):
            return refusal(found)
        return Posted(id=found.ts) if isinstance(found, Ts) else found

    async def update(self, update: Update, connection: Connection) -> Posted | Gone | Outcome:
        form = mapper.to_update(update.channel, update.message, update.saying, update.key)
        exchange = await self._as(connection).post("chat.update", form, timeout_s=update.timeout_s)
        found = read(exchange, Ts, now=self._machine_now())
        if isinstance(found, Error):
            return Gone() if found.error in GONE else refusal(found)
        return Posted(id=found.ts) if isinstance(found, Ts) else found

    async def archive(self, channel: str, connection: Connection, *, timeout_s: float) -> Delivered | Outcome:
        exchange = await self._as(connection).post("conversations.archive", {"channel": channel}, timeout_s=timeout_s)
        found = read(exchange, Ok, now=self._machine_now())
        if isinstance(found, Error):
            return Delivered() if found.error in (*DONE, "channel_not_found") else refusal(found)
        return Delivered() if isinstance(found, Ok) else found

    def pressed(self, body: bytes) -> Pressed | None:
        return mapper.pressed(body)

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    def _as(self, connection: Connection) -> Client:
        (token, *_) = connection.secrets.get("access_token", ("",))
        return Client(self._wire, self._base_url, token)


def connect(tools: Tools) -> Slack:
    return Slack(tools)
