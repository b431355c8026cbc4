"""HoneyBook for the host: says which projects may have changed, reads one, writes one. All that is decided is what an
answer means; what wins, when to try again and what to do next is the host's."""

from typing import Any, Final

from wedsync.connections.contract import Account, Connection, Outcome, Rejected, Tools
from wedsync.connections.records.contract import Found, Gone, Listed, Moved, Pull, Pulled, Push, Pushed, ReadOnly
from wedsync.connections.records.merge import still_to_write
from wedsync.connections.records.record import Field, Record, checked
from wedsync.connectors.honeybook import listing, mapper
from wedsync.connectors.honeybook.answers import read, wrote
from wedsync.connectors.honeybook.client import Client
from wedsync.kit import clock

WRITES: Final[frozenset[Field]] = frozenset(
    {"stage", "wedding_on", "name", "partner_name", "email", "partner_email", "phone", "partner_phone"}
)
NO_STAGE: Final = "No stage of this pipeline means what the client is here. Name one so, such as Booked or Completed."


class HoneyBook:
    """Connects, holds records."""

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now
        self._base_url: str = tools.settings["honeybook_base_url"]

    @property
    def writes(self) -> frozenset[Field]:
        return WRITES

    def spelled(self, record: Record) -> Record:
        return mapper.spelled(record)

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """An account is of a company, whoever of its people let us in."""
        found = read(await self._as(connection).get_me(timeout_s=timeout_s), mapper.Me, now=self._machine_now())
        if isinstance(found, mapper.Me):
            return Account(id=found.company_id, title=found.company_name or found.company_id)
        return listing.nowhere() if isinstance(found, Gone) else found

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | Outcome:
        return await listing.pull(pull, self._as(connection), now=self._machine_now())

    async def read(self, id: str, connection: Connection, *, timeout_s: float) -> Found | Gone | Outcome:
        workspace = await self._workspace(id, connection, timeout_s=timeout_s)
        return mapper.to_found(workspace) if isinstance(workspace, mapper.Workspace) else workspace

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        """HoneyBook compares no versions, so the project is read right before and written in what differs only."""
        until = clock.monotonic() + push.timeout_s
        workspace = await self._workspace(push.id, connection, timeout_s=push.timeout_s)
        if not isinstance(workspace, mapper.Workspace):
            return workspace
        there = checked(mapper.to_found(workspace).record)
        missing = still_to_write(there, push.before, push.record)
        if missing is None:
            return Moved(reason="The project was changed in HoneyBook meanwhile.")
        refused = await self._write(push, missing, workspace, connection, until)
        if refused is not None:
            return refused
        found = await self.read(push.id, connection, timeout_s=until - clock.monotonic())
        return Pushed(found=found) if isinstance(found, Found) else found

    async def listed(self, cursor: str, connection: Connection, *, timeout_s: float) -> Listed | Outcome:
        return await listing.listed(cursor, self._as(connection), now=self._machine_now(), timeout_s=timeout_s)

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    async def _workspace(
        self, id: str, connection: Connection, *, timeout_s: float
    ) -> mapper.Workspace | Gone | Outcome:
        exchange = await self._as(connection).get_workspace(id, timeout_s=timeout_s)
        return read(exchange, mapper.Workspace, now=self._machine_now())

    async def _write(
        self, push: Push, fields: list[Field], workspace: mapper.Workspace, connection: Connection, until: float
    ) -> Gone | ReadOnly | Outcome | None:
        client, now = self._as(connection), self._machine_now()
        body = await self._changes(push.record, fields, workspace, client, until)
        if not isinstance(body, dict):
            return body
        if body:
            said = wrote(await client.put_workspace(push.id, body, timeout_s=until - clock.monotonic()), now=now)
            if said is not None:
                return said
        for contact, wanted in mapper.to_contacts(push.record, fields, workspace.contacts):
            said = wrote(await client.put_contact(contact, wanted, timeout_s=until - clock.monotonic()), now=now)
            if said is not None:
                return said
        return None

    async def _changes(
        self, record: Record, fields: list[Field], workspace: mapper.Workspace, client: Client, until: float
    ) -> dict[str, Any] | Outcome:
        """What of the project itself is to be otherwise. Which stage means ours, its own pipeline says."""
        body: dict[str, Any] = {}
        if "wedding_on" in fields:
            body["event_date"] = None if record.wedding_on is None else record.wedding_on.isoformat()
        if "stage" in fields:
            exchange = await client.get_pipeline(workspace.pipeline_id, timeout_s=until - clock.monotonic())
            pipeline = read(exchange, mapper.Pipeline, now=self._machine_now())
            if not isinstance(pipeline, mapper.Pipeline):
                return listing.nowhere() if isinstance(pipeline, Gone) else pipeline
            step = mapper.step_for(record.stage, pipeline)
            if step is None:
                return Rejected(reason=NO_STAGE)
            body["stage_id"] = step
        return body

    def _as(self, connection: Connection) -> Client:
        return Client(self._wire, self._base_url, connection.secrets.get("access_token", ("",))[0])


def connect(tools: Tools) -> HoneyBook:
    return HoneyBook(tools)
