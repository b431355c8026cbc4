"""Constant Contact for the host: says which account it is, imports and tags contacts, tells who left, writes."""

from collections.abc import Mapping
from typing import Final, TypeVar

from wedsync.connections.contract import Account, Connection, Delivered, Outcome, Rejected, RetryLater, Tools
from wedsync.connections.marketing.contract import (
    Left,
    Pending,
    RemoteList,
    Reports,
    Spent,
    Tagging,
    Template,
    Upsert,
    Upserted,
    Written,
)
from wedsync.connections.pace import Pace
from wedsync.connectors.constant_contact import lettering, listing, mapper, tagging
from wedsync.connectors.constant_contact.answers import read
from wedsync.connectors.constant_contact.client import Client
from wedsync.kit.http import Failure, Reply

Read = TypeVar("Read")
PER_SECOND: Final = 4
"""What Constant Contact takes of one application."""
INCLUDED: Final = "custom_fields,list_memberships,phone_numbers,street_addresses,taggings,notes"


class ConstantContact:
    """Connects, markets."""

    batch_max = 1000

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now
        self._base_url: str = tools.settings["constant_contact_base_url"]
        self._pace = Pace(PER_SECOND)

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        found = self._read(await self._as(connection).account(timeout_s=timeout_s), mapper.Summary)
        if isinstance(found, mapper.Summary):
            return Account(id=found.encoded_account_id, title=found.organization_name or found.encoded_account_id)
        return RetryLater(reason=found.reason, after_s=found.after_s) if isinstance(found, Spent) else found

    async def lists(self, connection: Connection, *, timeout_s: float) -> tuple[RemoteList, ...] | Spent | Outcome:
        found = self._read(await self._as(connection).lists(timeout_s=timeout_s), mapper.Lists)
        if not isinstance(found, mapper.Lists):
            return found
        return tuple(RemoteList(one.list_id, one.name or one.list_id) for one in found.lists)

    async def upsert(self, upsert: Upsert, connection: Connection) -> Upserted | Pending | Spent | Outcome:
        """One import for all: it goes on behind, so it is asked for again until it is over."""
        client = self._as(connection)
        if upsert.pending:
            return self._imported(await client.activity(upsert.pending, timeout_s=upsert.timeout_s))
        refused = mapper.refused(upsert.contacts)
        taken = [one for one in upsert.contacts if one.email not in refused]
        if not taken:
            return Upserted(refused=refused)
        body = mapper.to_import(upsert.list_id, taken)
        return self._imported(await client.import_contacts(body, timeout_s=upsert.timeout_s), refused)

    async def tag(self, wanted: Tagging, connection: Connection) -> Delivered | Spent | Outcome:
        return await tagging.tag(self._as(connection), wanted, now=self._machine_now())

    async def withdraw(
        self, list_id: str, email: str, connection: Connection, *, timeout_s: float
    ) -> Delivered | Spent | Outcome:
        """A contact is written as a whole, so it is read right before. Who is not there, is out already."""
        client = self._as(connection)
        query = {"email": email, "status": "all", "include": INCLUDED, "limit": "1"}
        found = self._read(await client.contacts(query, timeout_s=timeout_s / 2), mapper.Whole)
        if not isinstance(found, mapper.Whole):
            return found
        if not found.contacts:
            return Delivered()
        (contact, *_) = found.contacts
        exchange = await client.put_contact(
            str(contact.get("contact_id", "")), mapper.to_withdrawn(contact), timeout_s=timeout_s / 2
        )
        said = self._read(exchange, mapper.Person)
        return Delivered() if isinstance(said, mapper.Person) else said

    async def left(
        self, list_id: str, cursor: str, connection: Connection, *, timeout_s: float
    ) -> Left | Spent | Outcome:
        return await listing.left(self._as(connection), cursor, now=self._machine_now(), timeout_s=timeout_s)

    async def write(self, template: Template, connection: Connection) -> Written | Spent | Outcome:
        return await lettering.write(self._as(connection), template, now=self._machine_now())

    async def reports(self, connection: Connection, *, timeout_s: float) -> Reports | Spent | Outcome:
        """Numbers and names come by two questions."""
        client = self._as(connection)
        found = self._read(await client.summaries(timeout_s=timeout_s / 2), mapper.Summaries)
        if not isinstance(found, mapper.Summaries):
            return found
        if not found.bulk_email_campaign_summaries:
            return Reports(reports=())
        named = self._read(await client.emails(timeout_s=timeout_s / 2), mapper.Emails)
        if not isinstance(named, mapper.Emails):
            return named
        titles = {one.campaign_id: one.name for one in named.campaigns}
        return Reports(reports=mapper.to_reports(found.bulk_email_campaign_summaries, titles))

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    def _imported(
        self, exchange: Reply | Failure, refused: Mapping[str, str] | None = None
    ) -> Upserted | Pending | Spent | Outcome:
        found = self._read(exchange, mapper.Activity)
        if not isinstance(found, mapper.Activity):
            return found
        if not found.is_over:
            return Pending(id=found.activity_id, refused=refused or {})
        if found.state != "completed":
            return Rejected(reason=f"Constant Contact's import ended {found.state.replace('_', ' ')}.")
        return Upserted(refused=refused or {})

    def _read(self, exchange: Reply | Failure, kind: type[Read]) -> Read | Spent | Outcome:
        return read(exchange, kind, now=self._machine_now())

    def _as(self, connection: Connection) -> Client:
        (token, *_) = connection.secrets.get("access_token", ("",))
        return Client(self._wire, self._base_url, token, self._pace)


def connect(tools: Tools) -> ConstantContact:
    return ConstantContact(tools)
