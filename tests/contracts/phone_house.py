"""A town that texts and calls: the served app with the fake of its provider beside it, and hooks that reach the app."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import asyncpg
import httpx
import msgspec

from tests.contracts.town import Linked, Somebody, Town
from tests.engines_fixture import Database, RunningPostgres
from tests.served import served
from wedsync.connections import stage
from wedsync.connections.contract import Delivered, Outcome
from wedsync.connections.host import Host, Job, Sealed
from wedsync.connectors.twilio.fake import Twilio
from wedsync.connectors.twilio.fake_hooks import Form, signature
from wedsync.kit.config import Settings
from wedsync.phones import sealed
from wedsync.phones.model import WORDING_VERSION

PHONE = "/api/v1/me/phone"
CLAIM = """update jobs set lease_token = uuidv7(), lease_until = clock_timestamp() + interval '1 minute'
    where id = any (select id from jobs where name = 'twilio' and lease_token is null
      and ($1 or run_at <= clock_timestamp()) order by lane, run_at)
    returning id, lease_token, tenant_id"""


class PhoneHouse(Town):
    """The town with telephones. Nothing leaves by itself: tests say when, and hooks come back at once."""

    twilio: Twilio
    host: Host
    told: list[tuple[str, Form]]
    owners: dict[str, Somebody]
    """Of businesses that have a phone, by their wedding."""

    async def send(self, *, early: bool = False) -> list[Outcome]:
        """Everything that is owed by text or call now, as a worker would; `early`: also what waits for its moment."""
        done = []
        for row in await self.admin.fetch(CLAIM, early):
            paid = await self.admin.fetchrow("select * from app.payloads($1, $2)", [row["id"]], [row["lease_token"]])
            if paid is None:
                continue
            words = Sealed(name="message", value=paid["sealed"], table="deliveries", column="sealed", row=row["id"])
            job = Job(
                connector="twilio",
                delivery_id=row["id"],
                tenant=row["tenant_id"],
                connection_id=UUID(int=1),
                message=words,
            )
            done.append(await self.host.send(job))
            is_done = isinstance(done[-1], Delivered)
            await self.admin.execute("delete from jobs where id = $1", row["id"])
            await self.admin.execute(
                """insert into attempts (delivery_id, tenant_id, number, outcome, detail, started_at)
                values ($1, $2, 1, 'tried', $3, clock_timestamp())""",
                row["id"],
                row["tenant_id"],
                done[-1].attempt.detail,
            )
            await self.admin.execute(
                "update deliveries set state = $2, sealed = null where id = $1",
                row["id"],
                "delivered" if is_done else "dead",
            )
        await self.hear()
        return done

    async def hear(self) -> None:
        """Bring what the provider has to say of texts and calls."""
        await self.twilio.hooks.settled()
        told, self.told = self.told, []
        for url, form in told:
            status, _ = await self.knock(url, form)
            assert status < 300, (url, form, status)

    async def knock(self, url: str, form: Form, *, secret: str = "") -> tuple[int, str]:
        """One hook, signed by this secret."""
        at = urlsplit(url)
        path = f"{at.path}?{at.query}" if at.query else at.path
        signed = signature(secret or self.twilio.hooks.secret, url, form)
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signed}
        transport = httpx.ASGITransport(app=self.app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.post(path, content=urlencode(form), headers=headers)
        return answer.status_code, answer.text

    def texts(self, number: str) -> list[str]:
        """What its holder has read, in order."""
        return [one["body"] for one in self.twilio.store.messages.values() if one["to"] == number]

    def calls(self, number: str) -> list[dict[str, Any]]:
        return [one for one in self.twilio.store.calls.values() if one["to"] == number]

    def indexes(self, number: str) -> list[bytes]:
        """By which a number is found."""
        return sealed.indexes(self.ring, number)

    async def writes(self, number: str, text: str) -> str:
        """A person texts us; what is answered."""
        return await self.twilio.store.write(number, text)

    async def give(self, somebody: Somebody, number: str, *, calls: bool = False, code: int = 202) -> Any:
        body = {"number": number, "takes_texts": True, "takes_calls": calls, "wording_version": WORDING_VERSION}
        return await somebody.got("PUT", PHONE, body, code=code)

    def code(self, number: str) -> str:
        """Of the last text."""
        found = re.search(r"^\d{6}", self.texts(number)[-1])
        assert found, self.texts(number)
        return found[0]

    async def proved(self, somebody: Somebody, number: str, *, calls: bool = False) -> None:
        """A person with a number that is theirs."""
        await self.give(somebody, number, calls=calls)
        await self.send()
        mine = await somebody.got("POST", f"{PHONE}/verify", {"code": self.code(number)})
        assert mine["phone"]["state"] == "verified"

    async def asked(self, ana: Somebody, number: str, *, at: str = "14:00", **more: Any) -> tuple[str, Linked]:
        """A supplier with a phone, told of a ceremony that moved; the text has been sent."""
        wedding = await self.wedding(ana)
        await self.react(wedding)
        business = await self.linked(ana, wedding)
        await self.proved(business.owner, number, **more)
        await self.moved(ana, wedding, at)
        return wedding, business

    async def moved(self, ana: Somebody, wedding: str, at: str) -> None:
        await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": at})
        await self.react(wedding)
        await self.send()

    async def stands(self, ana: Somebody, wedding: str) -> list[tuple[str, str | None]]:
        """(status, via) of what the couple has asked to be confirmed."""
        items = (await ana.got("GET", f"/api/v1/weddings/{wedding}/acknowledgements"))["items"]
        return [(one["status"], one["via"]) for one in items]


@asynccontextmanager
async def housed(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[PhoneHouse]:
    """The app, pointed at a provider of its own."""
    fake = Twilio("http://test/hooks/twilio/phone/texts")
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with stage.serving([fake]) as at:
            own = msgspec.structs.replace(settings, public_url="http://test", **fake.settings_at(at))
            async with served(own) as app:
                house = PhoneHouse(app, own, admin)
                house.twilio, house.host, house.told, house.owners = fake, app.state.desk.host, [], {}
                _led_back(house)
                # What tests of other files owe would be told to the addresses of their own houses.
                await admin.execute("delete from jobs where name = 'twilio'")
                yield house
    finally:
        await admin.close()


def _led_back(house: PhoneHouse) -> None:
    """What the provider tells waits until a test brings it; what it asks is answered by the app at once."""

    def tell(url: str, forms: list[Form]) -> None:
        mood = house.twilio.moods.current
        told = [form for form in forms for _ in range(2 if mood == "duplicate" else 1)]
        house.told += [(url, form) for form in (reversed(told) if mood == "shuffled" else told)]

    house.twilio.hooks.tell = tell  # type: ignore[method-assign]
    house.twilio.hooks.ask = house.knock  # type: ignore[method-assign]
