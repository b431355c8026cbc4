"""VSCO Workspace for the host: says which jobs may have changed, reads one, writes one, asks for hooks. All that is
decided is what an answer means; what wins, when to try again and what to do next is the host's."""

from typing import Final

from wedsync.connections.contract import Account, Connection, Delivered, Outcome, Tools
from wedsync.connections.records.contract import (
    Found,
    Gone,
    Handed,
    Listed,
    Moved,
    Pull,
    Pulled,
    Push,
    Pushed,
    ReadOnly,
    RemoteGallery,
    RemoteMessage,
)
from wedsync.connections.records.merge import still_to_write
from wedsync.connections.records.record import Field, Record, checked
from wedsync.connectors.tave import handing, listing, mapper
from wedsync.connectors.tave.answers import nowhere, read, wrote
from wedsync.connectors.tave.client import Client
from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply

WRITES: Final[frozenset[Field]] = frozenset(
    {"stage", "wedding_on", "name", "partner_name", "email", "partner_email", "phone", "partner_phone"}
)
HOOKS: Final = ("job.created", "order.booked", "contact.created")
"""Not `payment.created`: what is paid is none of our business."""


class Tave:
    """Connects, holds records, sends hooks."""

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now
        self._base_url: str = tools.settings["tave_base_url"]

    @property
    def writes(self) -> frozenset[Field]:
        return WRITES

    def spelled(self, record: Record) -> Record:
        return mapper.spelled(record)

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """A key is of one studio."""
        exchange = await self._as(connection).get_studio(timeout_s=timeout_s)
        found = read(exchange, mapper.Studio, now=self._machine_now())
        if isinstance(found, mapper.Studio):
            return Account(id=found.id, title=found.name or found.id)
        return nowhere() if isinstance(found, Gone) else found

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | Outcome:
        return await listing.pull(pull, self._as(connection), now=self._machine_now())

    async def read(self, id: str, connection: Connection, *, timeout_s: float) -> Found | Gone | Outcome:
        sheet = await self._sheet(id, connection, timeout_s=timeout_s)
        return mapper.to_found(sheet) if isinstance(sheet, mapper.Worksheet) else sheet

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        """Workspace compares no versions, so the job is read right before and written in what differs only."""
        until = clock.monotonic() + push.timeout_s
        sheet = await self._sheet(push.id, connection, timeout_s=push.timeout_s)
        if not isinstance(sheet, mapper.Worksheet):
            return sheet
        there = checked(mapper.to_found(sheet).record)
        missing = still_to_write(there, push.before, push.record)
        if missing is None:
            return Moved(reason="The job was changed in Workspace meanwhile.")
        refused = await self._write(push, missing, sheet, connection, until)
        if refused is not None:
            return refused
        found = await self.read(push.id, connection, timeout_s=until - clock.monotonic())
        return Pushed(found=found) if isinstance(found, Found) else found

    async def listed(self, cursor: str, connection: Connection, *, timeout_s: float) -> Listed | Outcome:
        page = int(cursor) if cursor.isascii() and cursor.isdigit() else 1
        exchange = await self._as(connection).list_jobs(sort="id asc", page=page, size=100, timeout_s=timeout_s)
        rows = read(exchange, mapper.Rows, now=self._machine_now())
        if not isinstance(rows, mapper.Rows):
            return nowhere() if isinstance(rows, Gone) else rows
        has_more = bool(rows.items) and rows.meta.current_page < rows.meta.total_pages
        return Listed(ids=tuple(row.id for row in rows.items), cursor=str(page + 1), has_more=has_more)

    async def handed(self, kind: Handed, cursor: str, connection: Connection, *, timeout_s: float) -> Listed | Outcome:
        client, now = self._as(connection), self._machine_now()
        return await handing.listed(kind, cursor, client, now=now, timeout_s=timeout_s)

    async def look(
        self, kind: Handed, id: str, connection: Connection, *, timeout_s: float
    ) -> RemoteGallery | RemoteMessage | Gone | Outcome:
        return await handing.look(kind, id, self._as(connection), now=self._machine_now(), timeout_s=timeout_s)

    async def hook(self, address: str, connection: Connection, *, timeout_s: float) -> Delivered | ReadOnly | Outcome:
        until, client = clock.monotonic() + timeout_s, self._as(connection)
        there = read(await client.list_hooks(timeout_s=timeout_s), mapper.Hooks, now=self._machine_now())
        if not isinstance(there, mapper.Hooks):
            return nowhere() if isinstance(there, Gone) else there
        known = {one.event for one in there.items if one.url == address}
        for event in HOOKS:
            if event in known:
                continue
            exchange = await client.post_hook(event, address, timeout_s=until - clock.monotonic())
            said = wrote(exchange, now=self._machine_now())
            if said is not None:
                return nowhere() if isinstance(said, Gone) else said
        return Delivered()

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    async def _sheet(self, id: str, connection: Connection, *, timeout_s: float) -> mapper.Worksheet | Gone | Outcome:
        exchange: Reply | Failure = await self._as(connection).get_worksheet(id, timeout_s=timeout_s)
        return read(exchange, mapper.Worksheet, now=self._machine_now())

    async def _write(
        self, push: Push, fields: list[Field], sheet: mapper.Worksheet, connection: Connection, until: float
    ) -> Gone | ReadOnly | Outcome | None:
        client, now = self._as(connection), self._machine_now()
        body = mapper.to_job(push.record, fields, was=push.before.stage)
        if body:
            said = wrote(await client.put_job(push.id, body, timeout_s=until - clock.monotonic()), now=now)
            if said is not None:
                return said
        for contact, wanted in mapper.to_contacts(push.record, fields, mapper.couple(sheet.contacts)):
            said = wrote(await client.put_contact(contact, wanted, timeout_s=until - clock.monotonic()), now=now)
            if said is not None:
                return said
        return None

    def _as(self, connection: Connection) -> Client:
        key, token = (connection.secrets.get(name, ("",))[0] for name in ("password", "access_token"))
        return Client(self._wire, self._base_url, key=key, token=token)


def connect(tools: Tools) -> Tave:
    return Tave(tools)
