"""Pages of payments: the supplier asks, notes and refunds; the couple sees what is due and goes to pay it."""

import re
from collections.abc import AsyncIterator
from html import unescape

import pytest_asyncio

from tests.contracts.payment_house import PaymentHouse, housed
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[PaymentHouse]:
    async with housed(database, postgres, settings) as made:
        yield made


async def test_a_payment_is_asked_for_paid_and_refunded_by_pages_alone(house: PaymentHouse) -> None:
    paid = await house.paid()
    owner, ana = paid.business.owner, paid.ana
    studio = f"/studio/{paid.business.supplier}/weddings/{paid.wedding}"
    me = f"/me/{paid.wedding}/payments"
    assert f"{studio}/payments" in await owner.see(studio)
    assert "Nothing asked for yet" in await ana.see(me)
    wrong = await owner.send(f"{studio}/payments", kind="deposit", amount="six hundred")
    assert wrong.status_code == 422 and "not an amount" in wrong.text and 'value="six hundred"' in wrong.text
    made = await owner.send(f"{studio}/payments", kind="balance", amount="1,840.50", due_on="2027-05-01", note="Thanks")
    one = made.headers["location"]
    assert made.status_code == 303 and "Balance: £1,840.50" in unescape(await owner.see(one))
    page = unescape(await ana.see(me))
    assert "Pay £1,840.50" in page and "Thanks" in page and "1 May" in page
    since = len(house.stripe.store.events)
    onward = await ana.send(f"{me}/{one.rpartition('/')[2]}/pay")
    session = onward.headers["refresh"].rpartition("/")[2]
    assert onward.status_code == 200 and "Go and pay" in onward.text
    house.stripe.store.pay(session)
    assert "as soon as it is confirmed" in await ana.see(f"{me}?paid={one.rpartition('/')[2]}")
    await house.settled(paid, house.told(since))
    assert "£1,840.50 received online." in unescape(await ana.see(me))
    since = len(house.stripe.store.events)
    ordered = await owner.send(f"{one}/refund", amount="40.50")
    assert "The refund was ordered" in await owner.see(ordered.headers["location"])
    await house.settled(paid, house.told(since))
    assert "£40.50 refunded" in unescape(await owner.see(one))
    assert (await ana.send(f"{one}/refund", amount="1")).status_code == 404
    await house.reacted(paid.wedding, "wedding")
    # 5 % of £1,840.50, less that of what went back; the provider holds the same.
    commission = unescape(await owner.see(f"/studio/{paid.business.supplier}/commission"))
    assert "£90 is our share, £90 was taken." in commission and "Ana & Ben" in commission
    for words in ("£92.02", "Given back to you", "enquired on"):
        assert words in commission
    assert "Nothing was ever charged" in await (other := await house.linked(ana, paid.wedding)).owner.see(
        f"/studio/{other.supplier}/commission"
    )


async def test_what_came_directly_is_noted_and_what_cannot_be_done_is_said(house: PaymentHouse) -> None:
    paid = await house.paid(is_market=False)
    owner = paid.business.owner
    base = f"/studio/{paid.business.supplier}/weddings/{paid.wedding}/payments"
    one = (await owner.send(base, kind="deposit", amount="600")).headers["location"]
    more = await owner.send(f"{one}/receive", amount="601")
    assert more.status_code == 422 and "more than was asked for" in more.text
    assert (await owner.send(f"{one}/receive", amount="200")).status_code == 303
    assert "Partly paid" in await owner.see(one)
    version = re.search(r'name="version" value="(\d+)"', await owner.see(one))
    assert version is not None
    stale = await owner.send(one, kind="deposit", amount="600", version="1")
    assert stale.status_code == 412 and "That was not done" in stale.text
    late = await owner.send(one, kind="deposit", amount="500", version=version.group(1))
    assert late.status_code == 409 and "its amount stays" in late.text
    await owner.send(f"{one}/receive", amount="0")
    assert (await owner.send(f"{one}/cancel")).status_code == 303
    assert "Not asked for any more" in await owner.see(one)
    assert (await owner.send(f"{one}/burn")).status_code == 404
    third = await house.linked(paid.ana, paid.wedding, level="full")
    elsewhere = f"/studio/{third.supplier}/weddings/{paid.wedding}/payments"
    assert "£600" not in await third.owner.see(elsewhere)
    await third.owner.see(f"{elsewhere}/{one.rpartition('/')[2]}", code=404)


async def test_without_a_connected_account_the_page_says_how_to_be_paid(house: PaymentHouse) -> None:
    ana = await house.person()
    wedding = await house.wedding(ana)
    business = await house.linked(ana, wedding)
    base = f"/studio/{business.supplier}/weddings/{wedding}/payments"
    assert "They cannot pay you online yet" in await business.owner.see(base)
    one = (await business.owner.send(base, kind="deposit", amount="600")).headers["location"]
    assert "takes no payments online here" in unescape(await ana.see(f"/me/{wedding}/payments"))
    refused = await ana.send(f"/me/{wedding}/payments/{one.rpartition('/')[2]}/pay")
    assert refused.status_code == 409 and "cannot be paid online yet" in refused.text
