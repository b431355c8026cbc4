"""Mailchimp for the host: says which account it is, keeps members and tags, tells who left, writes templates."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

from wedsync.connections.contract import Account, Connection, Delivered, Outcome, ReconnectNeeded, Rejected, Tools
from wedsync.connections.marketing.contract import (
    Left,
    RemoteList,
    Reports,
    Tagging,
    Template,
    Trigger,
    Upsert,
    Upserted,
    Written,
)
from wedsync.connectors.mailchimp import leaving, mapper, tagging
from wedsync.connectors.mailchimp.answers import problem_of, read, trouble
from wedsync.connectors.mailchimp.client import Client
from wedsync.kit.http import Failure, Reply, Wire

Read = TypeVar("Read")
AT_ONCE: Final = 8
"""Of the ten calls that Mailchimp takes of one user at once, all programs together."""
KNOWN_MAX: Final = 10_000


class Mailchimp:
    """Connects, markets, triggers, tells."""

    batch_max = 200

    def __init__(self, tools: Tools) -> None:
        self._wire: Wire = tools.wire
        self._machine_now = tools.machine_now
        self._base_url: str = tools.settings["mailchimp_base_url"]
        self._metadata_url: str = tools.settings["mailchimp_metadata_url"]
        self._known: OrderedDict[UUID, mapper.Metadata] = OrderedDict()

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """Asked anew, so that it is a probe."""
        found = await self._metadata(connection, timeout_s=timeout_s)
        if not isinstance(found, mapper.Metadata):
            return found
        return Account(id=str(found.user_id), title=found.accountname or str(found.user_id))

    async def lists(self, connection: Connection, *, timeout_s: float) -> tuple[RemoteList, ...] | Outcome:
        client = await self._as(connection, timeout_s=timeout_s)
        if not isinstance(client, Client):
            return client
        found = self._read(await client.lists(timeout_s=timeout_s), mapper.Lists)
        if not isinstance(found, mapper.Lists):
            return found
        return tuple(RemoteList(one.id, one.name or one.id) for one in found.lists)

    async def upsert(self, upsert: Upsert, connection: Connection) -> Upserted | Outcome:
        """One call for each, a few at once; a member that Mailchimp does not take is refused by itself."""
        client = await self._as(connection, timeout_s=upsert.timeout_s)
        if not isinstance(client, Client):
            return client
        slots = asyncio.Semaphore(AT_ONCE)

        async def put(email: str, body: dict[str, Any]) -> Outcome | None:
            async with slots:
                exchange = await client.put_member(upsert.list_id, email, body, timeout_s=upsert.timeout_s / 2)
            found = self._read(exchange, mapper.Member)
            return None if isinstance(found, mapper.Member) else found

        said = await _all([put(one.email, mapper.to_member(one)) for one in upsert.contacts])
        others = [one for one in said if one is not None and not isinstance(one, Rejected)]
        if others:
            # What was written is written again the same way.
            return others[0]
        refused = {
            contact.email: one.reason
            for contact, one in zip(upsert.contacts, said, strict=True)
            if isinstance(one, Rejected)
        }
        return Upserted(refused=refused)

    async def tag(self, wanted: Tagging, connection: Connection) -> Delivered | Outcome:
        client = await self._as(connection, timeout_s=wanted.timeout_s)
        if not isinstance(client, Client):
            return client
        return await tagging.tag(client, wanted, now=self._machine_now())

    async def withdraw(
        self, list_id: str, email: str, connection: Connection, *, timeout_s: float
    ) -> Delivered | Outcome:
        """Who is not there, is out already."""
        client = await self._as(connection, timeout_s=timeout_s)
        if not isinstance(client, Client):
            return client
        return self._done(await client.unsubscribe(list_id, email, timeout_s=timeout_s), is_gone_fine=True)

    async def left(self, list_id: str, cursor: str, connection: Connection, *, timeout_s: float) -> Left | Outcome:
        client = await self._as(connection, timeout_s=timeout_s)
        if not isinstance(client, Client):
            return client
        return await leaving.left(client, list_id, cursor, now=self._machine_now(), timeout_s=timeout_s)

    async def write(self, template: Template, connection: Connection) -> Written | Outcome:
        """A new one is looked for by its name first: an earlier try may have made it."""
        client = await self._as(connection, timeout_s=template.timeout_s)
        if not isinstance(client, Client):
            return client
        timeout_s, name = template.timeout_s / 3, mapper.to_title(template)
        id = template.remote_id
        if not id:
            there = self._read(await client.templates(timeout_s=timeout_s), mapper.Templates)
            if not isinstance(there, mapper.Templates):
                return there
            id = next((str(one.id) for one in there.templates if one.name == name), "")
        exchange = await client.put_template(id, name, mapper.to_html(template), timeout_s=timeout_s)
        if id and isinstance(exchange, Reply) and exchange.status == 404:
            exchange = await client.put_template("", name, mapper.to_html(template), timeout_s=timeout_s)
        found = self._read(exchange, mapper.NamedNumber)
        return Written(id=str(found.id)) if isinstance(found, mapper.NamedNumber) else found

    async def reports(self, connection: Connection, *, timeout_s: float) -> Reports | Outcome:
        client = await self._as(connection, timeout_s=timeout_s)
        if not isinstance(client, Client):
            return client
        found = self._read(await client.reports(timeout_s=timeout_s), mapper.All)
        if not isinstance(found, mapper.All):
            return found
        return Reports(reports=tuple(one for one in map(mapper.to_report, found.reports) if one is not None))

    async def trigger(self, trigger: Trigger, connection: Connection) -> Delivered | Outcome:
        """`journey/step` of a journey that starts by API, or `event:name` for those that start by an event."""
        client = await self._as(connection, timeout_s=trigger.timeout_s)
        if not isinstance(client, Client):
            return client
        timeout_s = trigger.timeout_s
        if trigger.place.startswith("event:"):
            name = trigger.place.removeprefix("event:")
            return self._done(
                await client.add_event(trigger.list_id, trigger.email, name, timeout_s=timeout_s), makes=True
            )
        journey, _, step = trigger.place.partition("/")
        if not (journey.isdigit() and step.isdigit()):
            return Rejected(reason="The journey is named otherwise than Mailchimp names them: journey/step.")
        exchange = await client.trigger(int(journey), int(step), trigger.email, timeout_s=timeout_s)
        return self._done(exchange, makes=True)

    async def hook(
        self, list_id: str, address: str, connection: Connection, *, timeout_s: float
    ) -> Delivered | Outcome:
        """The same address is asked for once."""
        client = await self._as(connection, timeout_s=timeout_s)
        if not isinstance(client, Client):
            return client
        there = self._read(await client.hooks(list_id, timeout_s=timeout_s / 2), mapper.Hooks)
        if not isinstance(there, mapper.Hooks):
            return there
        if any(one.url == address for one in there.webhooks):
            return Delivered()
        exchange = await client.add_hook(list_id, mapper.to_hook(address), timeout_s=timeout_s / 2)
        found = self._read(exchange, mapper.Hook)
        return Delivered(remote_id=found.id) if isinstance(found, mapper.Hook) else found

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    async def _as(self, connection: Connection, *, timeout_s: float) -> Client | Outcome:
        """Its data centre is asked for once in a process."""
        found = self._known.get(connection.id) or await self._metadata(connection, timeout_s=timeout_s / 3)
        if not isinstance(found, mapper.Metadata):
            return found
        return Client(self._wire, self._base_url.replace("{dc}", found.dc), _token(connection))

    async def _metadata(self, connection: Connection, *, timeout_s: float) -> mapper.Metadata | Outcome:
        headers = {"authorization": f"OAuth {_token(connection)}", "accept": "application/json"}
        exchange = await self._wire.request(
            "GET", self._metadata_url, headers=headers, timeout_s=timeout_s, trusted=True
        )
        found = self._read(exchange, mapper.Metadata)
        if isinstance(found, mapper.Metadata) and not (found.dc.isascii() and found.dc.isalnum()):
            # A token that has ended is a 200 with an error in it.
            return ReconnectNeeded(reason="Mailchimp does not know this token any more. Connect the account again.")
        if isinstance(found, mapper.Metadata):
            self._known[connection.id] = found
            if len(self._known) > KNOWN_MAX:
                self._known.popitem(last=False)
        return found

    def _read(self, exchange: Reply | Failure, kind: type[Read]) -> Read | Outcome:
        return read(exchange, kind, now=self._machine_now())

    def _done(
        self, exchange: Reply | Failure, *, is_gone_fine: bool = False, makes: bool = False
    ) -> Delivered | Outcome:
        if isinstance(exchange, Reply) and 200 <= exchange.status < 300:
            return Delivered()
        if is_gone_fine and isinstance(exchange, Reply) and exchange.status == 404 and problem_of(exchange) is not None:
            return Delivered()
        return trouble(exchange, now=self._machine_now(), makes=makes)


def connect(tools: Tools) -> Mailchimp:
    return Mailchimp(tools)


async def _all(several: Sequence[Awaitable[Outcome | None]]) -> list[Outcome | None]:
    return list(await asyncio.gather(*several))


def _token(connection: Connection) -> str:
    (token, *_) = connection.secrets.get("access_token", ("",))
    return token
