"""A business that invites its clients' couples, the worker that writes its mails, and the clock that minds them."""

import re
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec

from tests.contracts.client_house import Office, opened
from tests.contracts.town import LEASE_WORK, Somebody, Town
from wedsync.events.jobs import Job
from wedsync.invitations import posting
from wedsync.processes.ticks import minding_invitations


class Inviting(msgspec.Struct, frozen=True, kw_only=True):
    """The business and how it invites."""

    office: Office

    @property
    def town(self) -> Town:
        return self.office.town

    @property
    def owner(self) -> Somebody:
        return self.office.owner

    @property
    def supplier(self) -> str:
        return self.office.supplier

    @property
    def path(self) -> str:
        return f"/api/v1/suppliers/{self.supplier}/invitations"

    async def client(self, email: str, name: str = "Ana Lopez", **fields: Any) -> str:
        """A client who can be invited, unless the test says otherwise."""
        given = {"name": name, "partner_name": "Ben Ito", "email": email, "wedding_on": "2099-06-05"} | fields
        made: dict[str, Any] = await self.office.add(**given, is_another=True)
        return str(made["id"])

    async def judged(self, *clients: str, dry_run: bool = False) -> dict[str, Any]:
        """What becomes of the chosen, by client: None, or why not."""
        path = self.path + ("?dry_run=true" if dry_run else "")
        said = await self.owner.got("POST", path, {"client_ids": list(clients)}, code=200 if dry_run else 202)
        return {item["client_id"]: item["why"] for item in said["items"]}

    async def invited(self, email: str, **fields: Any) -> str:
        """Invited and written to; the client's id."""
        client = await self.client(email, **fields)
        assert await self.judged(client) == {client: None}
        await self.post()
        return client

    async def post(self) -> int:
        """The worker's turn; how many jobs it found."""
        done = 0
        while job := await self.leased():
            await self.work(job)
            done += 1
        return done

    async def leased(self) -> Job | None:
        """The next job of writing mails, taken by a worker."""
        row = await self.town.admin.fetchrow(LEASE_WORK, UUID(self.supplier), posting.WORK)
        return Job(**row) if row else None

    async def work(self, job: Job) -> None:
        """As the worker does it."""
        await posting.works(self.town.ring, self.town.settings)[posting.WORK](self.town.door, job)

    async def mails(self, to: str = "") -> list[dict[str, Any]]:
        return await self.town.mails(self.supplier, to=to)

    async def rows(self) -> list[dict[str, Any]]:
        """Newest first, as the team reads them."""
        found: list[dict[str, Any]] = (await self.owner.got("GET", self.path))["items"]
        return found

    async def states(self) -> list[str]:
        """Oldest first."""
        return [row["state"] for row in reversed(await self.rows())]

    async def link(self, to: str) -> str:
        """The path of the couple's page in the newest mail."""
        mail = (await self.mails(to))[-1]
        return str(re.findall(r"http\S+?(/invite/\S+)", mail["text"])[0])

    async def out(self, to: str) -> str:
        """The path that ends such mails."""
        mail = (await self.mails(to))[-1]
        return f"/no-mail/{mail['unsubscribe_url'].rpartition('/')[2]}"

    async def later(self, days: float) -> None:
        """So many days pass for all invitations of this business."""
        columns = ("next_at", "expires_at", "sent_at", "reminded_at", "created_at")
        moved = ", ".join(f"{name} = {name} - $2::interval" for name in columns)
        sentence = f"update invitations set {moved} where supplier_id = $1"
        await self.town.admin.execute(sentence, UUID(self.supplier), timedelta(days=days))

    async def mind(self) -> None:
        """The clock's turn, with no more rights than it has."""

        async def published(_: str) -> None:
            """Nobody listens here."""

        await self.town.admin.execute("set role wedsync_service")
        try:
            await minding_invitations(published)(self.town.admin)
        finally:
            await self.town.admin.execute("reset role")

    async def ended(self, to: str, state: str, outcome: str = "") -> None:
        """A mail's delivery ends like this, as the ledger writes it."""
        rows = await self.town.admin.fetch(
            "select d.id, d.made_at, d.tenant_id, d.sealed from deliveries d where d.tenant_id = $1",
            UUID(self.supplier),
        )
        for row in rows:
            plain = self.town.ring.open(
                row["sealed"], tenant=row["tenant_id"], table="deliveries", column="sealed", row=row["id"]
            )
            if msgspec.json.decode(plain)["to"] == to:
                await self.town.admin.execute("update deliveries set state = $2 where id = $1", row["id"], state)
                await self.town.admin.execute("delete from jobs where id = $1", row["id"])
                if outcome:
                    await self.town.admin.execute(
                        """insert into attempts (delivery_id, tenant_id, number, outcome, started_at)
                        values ($1, $2, 1, $3, clock_timestamp())""",
                        row["id"],
                        row["tenant_id"],
                        outcome,
                    )

    async def confirm(self, path: str, who: Somebody | None = None, **fields: Any) -> httpx.Response:
        """The couple presses the button; its own suppliers ticked as the page ticks them."""
        page = await (who or self.town.public).see(path)
        ticked = re.findall(r'name="taken" value="([^"]+)" checked', page)
        form = {"couple_names": "Ana & Ben", "on": "2099-06-05", "level": "standard", "taken": ticked} | fields
        return await (who or self.town.public).send(path, **form)


async def inviting(town: Town) -> Inviting:
    """A new business."""
    return Inviting(office=await opened(town))


def somebody(name: str = "ana") -> str:
    """An address that nobody has."""
    return f"{name}.{secrets.token_hex(6)}@example.test"
