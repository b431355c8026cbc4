"""Mailchimp for the host: says which account it is, keeps members and tags, tells who left, writes templates."""

from typing import TypeVar

from wedsync.connections.contract import Account, Connection, Delivered, Outcome, Rejected, Tools
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
from wedsync.connectors.mailchimp import leaving, mapper, putting, tagging
from wedsync.connectors.mailchimp.answers import problem_of, read, trouble
from wedsync.connectors.mailchimp.centres import Centres
from wedsync.connectors.mailchimp.client import Client
from wedsync.kit.http import Failure, Reply

Read = TypeVar("Read")


class Mailchimp:
    """Connects, markets, triggers, tells."""

    batch_max = 200

    def __init__(self, tools: Tools) -> None:
        self._centres = Centres(tools)
        self._machine_now = tools.machine_now

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """Asked anew, so that it is a probe."""
        found = await self._centres.ask(connection, timeout_s=timeout_s)
        if not isinstance(found, mapper.Metadata):
            return found
        return Account(id=str(found.user_id), title=found.accountname or str(found.user_id))

    async def lists(self, connection: Connection, *, timeout_s: float) -> tuple[RemoteList, ...] | Outcome:
        client = await self._centres.client(connection, timeout_s=timeout_s)
        if not isinstance(client, Client):
            return client
        found = self._read(await client.lists(timeout_s=timeout_s), mapper.Lists)
        if not isinstance(found, mapper.Lists):
            return found
        return tuple(RemoteList(one.id, one.name or one.id) for one in found.lists)

    async def upsert(self, upsert: Upsert, connection: Connection) -> Upserted | Outcome:
        client = await self._centres.client(connection, timeout_s=upsert.timeout_s)
        return await putting.members(client, upsert, now=self._machine_now) if isinstance(client, Client) else client

    async def tag(self, wanted: Tagging, connection: Connection) -> Delivered | Outcome:
        client = await self._centres.client(connection, timeout_s=wanted.timeout_s)
        if not isinstance(client, Client):
            return client
        return await tagging.tag(client, wanted, now=self._machine_now())

    async def withdraw(
        self, list_id: str, email: str, connection: Connection, *, timeout_s: float
    ) -> Delivered | Outcome:
        """Who is not there, is out already."""
        client = await self._centres.client(connection, timeout_s=timeout_s)
        if not isinstance(client, Client):
            return client
        return self._done(await client.unsubscribe(list_id, email, timeout_s=timeout_s), is_gone_fine=True)

    async def left(self, list_id: str, cursor: str, connection: Connection, *, timeout_s: float) -> Left | Outcome:
        client = await self._centres.client(connection, timeout_s=timeout_s)
        if not isinstance(client, Client):
            return client
        return await leaving.left(client, list_id, cursor, now=self._machine_now(), timeout_s=timeout_s)

    async def write(self, template: Template, connection: Connection) -> Written | Outcome:
        client = await self._centres.client(connection, timeout_s=template.timeout_s)
        return await putting.template(client, template, now=self._machine_now) if isinstance(client, Client) else client

    async def reports(self, connection: Connection, *, timeout_s: float) -> Reports | Outcome:
        client = await self._centres.client(connection, timeout_s=timeout_s)
        if not isinstance(client, Client):
            return client
        found = self._read(await client.reports(timeout_s=timeout_s), mapper.All)
        if not isinstance(found, mapper.All):
            return found
        return Reports(reports=tuple(one for one in map(mapper.to_report, found.reports) if one is not None))

    async def trigger(self, trigger: Trigger, connection: Connection) -> Delivered | Outcome:
        """`journey/step` of a journey that starts by API, or `event:name` for those that start by an event."""
        client = await self._centres.client(connection, timeout_s=trigger.timeout_s)
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
        client = await self._centres.client(connection, timeout_s=timeout_s)
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
