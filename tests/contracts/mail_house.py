"""A town whose mail goes through the chain: Resend and SendGrid as fakes, a real mail server, workers that share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from tests.contracts.senders import Sender
from tests.contracts.town import LEASE_WORK, Town
from tests.engines_fixture import Database, RunningPostgres
from tests.served import served
from wedsync.connections import host as hosting
from wedsync.connections import stage
from wedsync.connections.contract import Outcome
from wedsync.connections.mailing.chain import Chain, Times, chain_of
from wedsync.connections.mailing.kept import Kept
from wedsync.connectors.resend.fake import Resend
from wedsync.connectors.sendgrid.fake import SendGrid
from wedsync.connectors.smtp.fake import Mailbox
from wedsync.events.jobs import Job
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.http import Wire

PLATFORM = "00000000-0000-7000-8000-000000000000"
SHARED = UUID("00000000-0000-7000-8000-000000000001")
SHORT = Times(try_s=0.3, again_s=0.2, pause_s=0.05)
"""A tenth of the real ones; what they are to each other stays."""
OWE = """insert into deliveries
    (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane)
    values ($1, clock_timestamp(), $2, 'mail', $3, 'session.requested', 'person', $2, $4, 0)"""


class MailHouse(Town):
    """The town with its providers. The fakes send no hooks by themselves: tests bring what they have to say."""

    resend: Resend
    sendgrid: SendGrid
    mailbox: Mailbox
    sender: Sender
    host: hosting.Host
    service: Door

    async def afresh(self) -> None:
        """Every provider is well and empty, and nobody is known to be ill."""
        for fake in (self.resend, self.sendgrid):
            fake.moods.switch("fine")
            fake.office.letters.clear()
            fake.office.calls.clear()
        self.mailbox.moods.switch("fine")
        self.mailbox.mails.clear()
        await self.admin.execute(
            "update mail_providers"
            " set health = '{}', is_down = false, reason = '', succeeded_at = null, probed_at = null"
        )

    async def chain(self, *names: str, times: Times = SHORT) -> Chain:
        """As another worker has it: what it knows of providers is in the database."""
        memory = Kept(self.service)
        made = names or chain_of(self.settings, self.host.manifests)
        await memory.name(made)
        return Chain(self.host, made, memory, ring=self.ring, times=times)

    async def owed(self, to: str, tenant: UUID | None = None) -> hosting.Job:
        """A mail that is owed, as a worker holds it."""
        delivery, whose = uuid4(), tenant or uuid4()
        body = msgspec.json.encode({"to": to, "subject": "Hello", "text": "It moved.\n"})
        sealed = self.ring.seal(body, tenant=whose, table="deliveries", column="sealed", row=delivery)
        await self.admin.execute(OWE, delivery, whose, SHARED, sealed)
        place = hosting.Sealed(name="message", value=sealed, table="deliveries", column="sealed", row=delivery)
        return hosting.Job(connector="mail", delivery_id=delivery, tenant=whose, connection_id=SHARED, message=place)

    async def sent(self, chain: Chain, to: str = "carla@example.com") -> Outcome:
        return await chain.send(await self.owed(to))

    def took(self) -> dict[str, int]:
        """How many mails each has."""
        found = {
            "resend": len(self.resend.office.letters),
            "sendgrid": len(self.sendgrid.office.letters),
            "smtp": len(self.mailbox.mails),
        }
        return {name: count for name, count in found.items() if count}

    async def provider(self, name: str) -> asyncpg.Record:
        return await self.admin.fetchrow("select * from mail_providers where name = $1", name)

    async def pass_time(self, seconds: float) -> None:
        """For every provider's health: what lies ahead comes so much nearer."""
        for row in await self.admin.fetch("select id, health from mail_providers"):
            known = msgspec.json.decode(row["health"])
            for held in (known, known.get("breaker", {})):
                for name in ("open_until", "since", "rest_from", "rest_until"):
                    if held.get(name) is not None:
                        held[name] -= seconds
            told = msgspec.json.encode(known).decode()
            await self.admin.execute("update mail_providers set health = $2 where id = $1", row["id"], told)

    async def alerts(self) -> list[tuple[str, str]]:
        """(type, provider) of what the platform's stream tells, oldest first."""
        found = await self.events(PLATFORM, kind="platform")
        return [(e.type, str((e.record or {})["name"])) for e in found if e.type.startswith("mail_provider.")]

    async def bring(self, fake: Resend | SendGrid, letter: Any, event: str, *, twice: bool = False) -> int:
        """Post one hook as the provider does; the status of the answer."""
        body, headers = fake._hook(letter, event)
        name = "resend" if isinstance(fake, Resend) else "sendgrid"
        status = 0
        for _ in range(2 if twice else 1):
            answer = await self.sender.http.post(f"/hooks/{name}", content=body, headers=dict(headers))
            status = answer.status_code
        return status

    async def leased(self, name: str) -> Job | None:
        row = await self.admin.fetchrow(LEASE_WORK, UUID(PLATFORM), name)
        return Job(**row) if row else None


@asynccontextmanager
async def housed(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[MailHouse]:
    """The app and the chain, pointed at providers of their own."""
    resend, sendgrid, mailbox = Resend(), SendGrid(), Mailbox()
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    wire = Wire()
    pool = await connect_pool(database.service, size=4, application="tests")
    try:
        async with stage.serving([resend, sendgrid, mailbox]) as at:
            fields = {**resend.settings_at(at), **sendgrid.settings_at(at), "smtp_url": mailbox.address}
            own = msgspec.structs.replace(settings, mail_from="WedSync <no-reply@wedsync.example>", **fields)
            async with served(own) as app:
                house = MailHouse(app, own, admin)
                house.resend, house.sendgrid, house.mailbox = resend, sendgrid, mailbox
                house.sender, house.service = Sender(house), Door(pool)
                house.host = hosting.open_host(own, wire=wire, ring=house.ring)
                yield house
                await house.host.close()
    finally:
        await wire.close()
        await pool.close()
        await admin.close()
