"""The day before the wedding a severe allergy changes: the caterer has it in the product, by mail and in their channel,
and says that the kitchen knows by one press. What it says of whom stays in the product. The time it took is printed;
how fast it must be is measured by the bench.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.chat_house import ChatHouse, Chatting, housed
from tests.contracts.town import Linked, Somebody
from tests.engines_fixture import Database, RunningPostgres
from tests.eventually import eventually
from wedsync.connectors.smtp.fake import Mailbox
from wedsync.kit import clock
from wedsync.kit.config import Settings

NEEDS = {"allergens": [{"key": "peanuts", "severity": "anaphylaxis"}]}
ORDER = ("alert.raised", "alert.acknowledged", "alert.resolved")
SAID = "A severe allergy has changed: tell the kitchen"
SUBJECT = "Ana & Ben: A severe allergy has changed: tell the kitchen"
CHANGED = "select recorded_at from events where stream_id = $1 and type = 'needs.changed' order by seq limit 1"

pytestmark = [pytest.mark.timeout(600)]


class Kitchen(msgspec.Struct, frozen=True, kw_only=True):
    """A caterer with a channel, and a wedding tomorrow."""

    house: ChatHouse
    mailbox: Mailbox
    ana: Somebody
    wedding: str
    caterer: Linked
    channel: Chatting
    others: Chatting
    guest: str

    async def notices(self) -> list[dict[str, Any]]:
        items = (await self.caterer.owner.got("GET", "/api/v1/me/inbox"))["items"]
        return [one for one in items if one["type"] == "alert.raised"]

    def mails(self) -> list[Any]:
        return [mail for mail in self.mailbox.mails if mail.to == self.caterer.owner.email and mail.subject == SUBJECT]

    async def alert(self) -> dict[str, Any]:
        (one,) = (await self.ana.got("GET", f"/api/v1/weddings/{self.wedding}/alerts"))["items"]
        return dict(one)


async def caterer_of(house: ChatHouse, ana: Somebody, wedding: str) -> Linked:
    """Who is shown named needs."""
    found = await house.linked(ana, wedding, can_view_dietary=True)
    await house.admin.execute("update links set category = 'caterer' where id = $1", UUID(found.link))
    await house.indexed(found, wedding)
    return found


@pytest_asyncio.fixture
async def kitchen(
    make_database: Callable[[], Awaitable[Database]], postgres: RunningPostgres, settings: Settings
) -> AsyncIterator[Kitchen]:
    # Of its own: in the one that tests share, its worker would first do all that a thousand others owe.
    database = await make_database()
    mailbox = Mailbox()
    await mailbox.start()
    own = msgspec.structs.replace(settings, smtp_url=mailbox.address)
    async with housed(database, postgres, own) as house:
        ana = await house.person("ana")
        tomorrow = (clock.now() + timedelta(days=1)).date().isoformat()
        wedding = await house.wedding(ana, on=tomorrow)
        item = {"title": "Ceremony", "kind": "ceremony", "on": tomorrow, "at_local": "13:00:00"}
        await ana.got("POST", f"/api/v1/weddings/{wedding}/schedule", item, code=201)
        caterer, florist = await caterer_of(house, ana, wedding), await house.linked(ana, wedding)
        await house.indexed(florist, wedding)
        party = {"name": "Carla", "guests": [{"first_name": "Carla", "last_name": "Doe"}]}
        await ana.got("POST", f"/api/v1/weddings/{wedding}/parties", party, code=201)
        (guest,) = (await ana.got("GET", f"/api/v1/weddings/{wedding}/guests"))["items"]
        yield Kitchen(
            house=house,
            mailbox=mailbox,
            ana=ana,
            wedding=wedding,
            caterer=caterer,
            channel=await house.opened(caterer.owner, caterer.supplier, wedding_id=wedding),
            others=await house.opened(florist.owner, florist.supplier, wedding_id=wedding),
            guest=guest["id"],
        )
        await house.admin.execute("delete from jobs where name like 'alerts.%'")
    await mailbox.stop()


async def test_a_changed_allergy_is_at_the_caterers_and_confirmed(kitchen: Kitchen) -> None:
    house, channel = kitchen.house, kitchen.channel
    await kitchen.ana.got("PUT", f"/api/v1/guests/{kitchen.guest}/needs", NEEDS, code=204)
    took: dict[str, datetime] = {}

    async def there() -> bool:
        seen = {
            "in the product": await kitchen.notices(),
            "by mail": kitchen.mails(),
            "in their channel": [one for one in channel.channel.messages if SAID in one["text"]] and channel.buttons,
        }
        took.update({way: clock.machine_now() for way, found in seen.items() if found and way not in took})
        return len(took) == len(seen)

    await eventually(there, within_s=60, what="the caterer has it on three ways")
    changed = await house.admin.fetchval(CHANGED, UUID(kitchen.wedding))
    told = ", ".join(f"{way} {(at - changed).total_seconds() * 1000:.0f} ms" for way, at in took.items())
    print(f"\na changed allergy, from its commit: {told}")
    (message,) = (one for one in channel.channel.messages if SAID in one["text"])
    assert channel.buttons[0]["text"]["text"] == "The kitchen knows"
    for words in (str(message), str(kitchen.mails()[0]), str(await kitchen.notices())):
        assert "Carla" not in words
        assert "peanut" not in words.lower()
    assert kitchen.others.texts == [], "whoever is not shown named needs hears nothing of them"
    assert (await kitchen.alert())["state"] == "triggered"
    pressed = await house.press(channel, message["ts"], channel.channel.members[0])
    assert pressed.status_code == 200
    await eventually(lambda: not channel.buttons)

    async def is_known() -> bool:
        return bool((await kitchen.alert())["state"] == "resolved")

    await eventually(is_known)
    now = await kitchen.alert()
    assert (now["kind"], now["acknowledged_via"]) == ("dietary", "chat")
    (message,) = (one for one in channel.channel.messages if one["ts"] == message["ts"])
    assert "Confirmed by" in str(message["blocks"]), "other messages may have come since"
    facts = [e.type for e in await house.events(kitchen.wedding) if e.type in ("needs.changed", *ORDER)]
    assert facts[:1] == ["needs.changed"]
    assert [kind for kind in facts if kind in ORDER] == list(ORDER), "raised, confirmed, over, each once"
