"""Payments through the door: asked for, paid online, refunded, disputed; whatever order Stripe tells it in."""

import random
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from tests.contracts.payment_house import HOOKS, PaymentHouse, housed, signed
from tests.contracts.town import Somebody
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings
from wedsync.processes.ticks import reminding_of_payments


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[PaymentHouse]:
    async with housed(database, postgres, settings) as made:
        yield made


async def test_a_couple_pays_online_and_our_share_is_in_the_ledger(house: PaymentHouse) -> None:
    paid = await house.paid()
    payment = await house.asked(paid, due_on="2027-01-15")
    since = len(house.stripe.store.events)
    session = await house.checkout(paid, payment)
    assert await house.checkout(paid, payment) == session, "the page that is open is opened again"
    house.stripe.store.pay(session)
    await house.settled(paid, house.told(since))
    found = await house.payment(paid, payment["id"])
    assert (found["status"], found["received_minor"], found["way"]) == ("paid", 60000, "online")
    assert await house.ledger(payment["id"]) == {"income": -3000, "provider": 3000}
    assert [e.type for e in await house.events(paid.wedding) if e.subject.table == "payments"] == [
        "payment.requested",
        "payment.received",
    ]


async def test_whatever_the_order_it_comes_to_the_same(house: PaymentHouse) -> None:
    paid = await house.paid()
    ends = []
    for seed in range(4):
        payment = await house.asked(paid)
        since = len(house.stripe.store.events)
        charge = house.stripe.store.pay(await house.checkout(paid, payment))
        form = {"charge": charge["id"], "amount": "20000", "refund_application_fee": "true"}
        refund = house.stripe.store.refund(paid.account, form)
        house.stripe.store.refund(paid.account, form | {"amount": "10000"})
        house.stripe.store.fail_refund(refund["id"])
        house.stripe.store.close_dispute(house.stripe.store.dispute(charge["id"])["id"], is_won=False)
        told = house.told(since)
        # All of it twice, and a repeat of the repeat under another id: what is told anew says nothing new.
        again = [event | {"id": f"{event['id']}_again"} for event in told]
        await house.settled(paid, [*told, *told, *again], random.Random(seed))
        found = await house.payment(paid, payment["id"])
        columns = ("status", "received_minor", "refunded_minor", "disputed_minor", "lost_minor")
        ends.append(([found[name] for name in columns], await house.ledger(payment["id"])))
    assert [end for end in ends if end != ends[0]] == [], ends[0]
    stands, ledger = ends[0]
    # 10,000 went back and the rest was lost: nothing is kept, so nothing is ours, and what Stripe holds is owed back.
    assert stands == ["refunded", 60000, 10000, 0, 50000]
    assert ledger == {"provider": 1500, "receivable": -1500}


async def test_a_refund_that_comes_first_waits_for_its_charge(house: PaymentHouse) -> None:
    paid = await house.paid()
    payment = await house.asked(paid)
    since = len(house.stripe.store.events)
    charge = house.stripe.store.pay(await house.checkout(paid, payment))
    house.stripe.store.refund(paid.account, {"charge": charge["id"], "amount": "60000"})
    told = house.told(since)
    refunds = [one for one in told if one["type"] == "refund.created"]
    await house.settled(paid, refunds)
    assert (await house.payment(paid, payment["id"]))["status"] == "requested"
    await house.settled(paid, [one for one in told if one["type"] == "charge.succeeded"])
    assert (await house.payment(paid, payment["id"]))["status"] == "refunded"
    types = [e.type for e in await house.events(paid.wedding) if e.subject.table == "payments"]
    assert types == ["payment.requested", "payment.received", "payment.refunded"], "each is told, in its order"


async def test_only_what_began_in_the_marketplace_within_180_days_is_shared(house: PaymentHouse) -> None:
    for is_market, days, source, fee in (
        (True, 179, "marketplace", 3000),
        (True, 180, "marketplace", None),
        (False, 0, "", None),
        (True, 5, "import", None),
    ):
        paid = await house.paid(is_market=False)
        if is_market:
            await house.enquired(paid.business, paid.wedding, days=days, source=source)
        payment = await house.asked(paid)
        since = len(house.stripe.store.events)
        charge = house.stripe.store.pay(await house.checkout(paid, payment))
        await house.settled(paid, house.told(since))
        assert charge["application_fee_amount"] == fee, (days, source)
        assert (await house.ledger(payment["id"])).get("income", 0) == -(fee or 0)


async def test_who_was_a_client_before_the_enquiry_is_free(house: PaymentHouse) -> None:
    paid = await house.paid(days=3)
    await house.enquired(paid.business, paid.wedding, days=30, source="import")
    payment = await house.asked(paid)
    charge = house.stripe.store.pay(await house.checkout(paid, payment))
    assert charge["application_fee_amount"] is None


async def test_hooks_are_believed_only_when_stripe_signed_them_now(house: PaymentHouse) -> None:
    paid = await house.paid()
    event = house.stripe.store.tell("account.updated", house.stripe.store.accounts[paid.account], paid.account)
    body = msgspec.json.encode(event)
    good = {"stripe-signature": signed(body, house.stripe.hooks.secret)}
    old = {"stripe-signature": signed(body, house.stripe.hooks.secret, ago_s=301)}
    for headers, content, status in (
        ({}, body, 401),
        ({"stripe-signature": signed(body, "whsec_of_somebody_else")}, body, 401),
        (old, body, 401),
        (good, body + b" ", 401),
        (good, body, 202),
        (good, body, 200),
    ):
        answer = await house.sender.http.post(HOOKS, content=content, headers=headers)
        assert answer.status_code == status, answer.text
    foreign = house.stripe.store.tell(
        "charge.succeeded", {"id": "ch_1", "object": "charge", "currency": "gbp"}, "acct_of_nobody"
    )
    assert await house.bring([foreign]) == [200]
    assert (await house.sender.http.post("/hooks/google_calendar", content=body, headers=good)).status_code == 404


async def test_an_account_that_may_not_charge_or_has_left_cannot_be_paid_into(house: PaymentHouse) -> None:
    paid = await house.paid()
    payment = await house.asked(paid)
    since = len(house.stripe.store.events)
    house.stripe.store.change_account(paid.account, charges_enabled=False)
    await house.settled(paid, house.told(since))
    path = f"/api/v1/payments/{payment['id']}/checkout"
    assert (await paid.ana.got("POST", path, code=409))["code"] == "not_online"
    house.stripe.store.change_account(paid.account, charges_enabled=True)
    # The older word comes last, and changes nothing.
    await house.settled(paid, list(reversed(house.told(since))))
    charge = house.stripe.store.pay(await house.checkout(paid, payment))
    house.stripe.store.leave(paid.account)
    since = len(house.stripe.store.events)
    house.stripe.store.refund(paid.account, {"charge": charge["id"]})
    await house.settled(paid, house.told(0)[-20:])
    assert (await house.payment(paid, payment["id"]))["status"] == "refunded", "its hooks are heard after it has left"
    second = await house.asked(paid)
    assert (await paid.ana.got("POST", f"/api/v1/payments/{second['id']}/checkout", code=409))["code"] == "not_online"
    assert (await paid.business.owner.ask("GET", f"/api/v1/suppliers/{paid.business.supplier}/commission")).is_success


async def test_a_refund_is_ordered_by_the_supplier_and_done_when_stripe_says_so(house: PaymentHouse) -> None:
    paid = await house.paid()
    payment = await house.collected(paid)
    path = f"/api/v1/suppliers/{paid.business.supplier}/payments/{payment['id']}/refund"
    owner, since = paid.business.owner, len(house.stripe.store.events)
    assert (await paid.ana.ask("POST", path, {})).status_code == 404
    assert (await owner.got("POST", path, {"amount_minor": 60001}, code=409))["code"] == "not_refundable"
    first = await owner.got("POST", path, {"amount_minor": 20000}, code=202)
    assert await owner.got("POST", path, {"amount_minor": 20000}, code=202) == first, "pressed twice it goes back once"
    assert (await house.payment(paid, payment["id"]))["refunded_minor"] == 0
    await house.settled(paid, house.told(since))
    found = await house.payment(paid, payment["id"])
    assert (found["status"], found["refunded_minor"]) == ("part_refunded", 20000)
    assert await house.ledger(payment["id"]) == {"income": -2000, "provider": 2000}


async def test_a_payment_of_which_nothing_is_ours_is_refunded_too(house: PaymentHouse) -> None:
    paid = await house.paid(is_market=False)
    payment = await house.collected(paid)
    path = f"/api/v1/suppliers/{paid.business.supplier}/payments/{payment['id']}/refund"
    since = len(house.stripe.store.events)
    await paid.business.owner.got("POST", path, {"amount_minor": 20000}, code=202)
    await house.settled(paid, house.told(since))
    assert (await house.payment(paid, payment["id"]))["refunded_minor"] == 20000


async def test_a_refund_that_bounced_can_be_ordered_again(house: PaymentHouse) -> None:
    paid = await house.paid()
    payment = await house.collected(paid)
    path = f"/api/v1/suppliers/{paid.business.supplier}/payments/{payment['id']}/refund"
    since = len(house.stripe.store.events)
    first = await paid.business.owner.got("POST", path, {"amount_minor": 20000}, code=202)
    house.stripe.store.fail_refund(first["refund_id"])
    await house.settled(paid, house.told(since))
    assert (await house.payment(paid, payment["id"]))["refunded_minor"] == 0
    second = await paid.business.owner.got("POST", path, {"amount_minor": 20000}, code=202)
    assert second["refund_id"] != first["refund_id"]


async def test_a_page_that_could_not_be_opened_holds_nobody_up(house: PaymentHouse) -> None:
    paid = await house.paid()
    payment = await house.asked(paid)
    path = f"/api/v1/payments/{payment['id']}"
    for mood in ("5xx", "lost reply"):
        house.stripe.moods.switch(mood, 1)
        assert (await paid.ana.got("POST", f"{path}/checkout", code=503))["code"] == "provider_away"
    assert (await paid.business.owner.got("PATCH", path, {"amount_minor": 50000}))["amount_minor"] == 50000
    session = await house.checkout(paid, payment)
    assert house.stripe.store.sessions[session]["amount_total"] == 50000


async def test_an_account_that_has_left_is_opened_by_connecting_it_again_and_by_nothing_else(
    house: PaymentHouse,
) -> None:
    paid = await house.paid()
    since = len(house.stripe.store.events)
    house.stripe.store.leave(paid.account)
    await house.settled(paid, house.told(since))
    owner, listed = paid.business.owner, f"/api/v1/suppliers/{paid.business.supplier}/connections"
    (connection,) = [one for one in (await owner.got("GET", listed))["items"] if one["connector"] == "stripe"]
    await owner.got("POST", f"/api/v1/connections/{connection['id']}/pause")
    await house.reacted(paid.business.supplier)
    sql = "select ended_at is null from payout_accounts where account = $1"
    assert await house.admin.fetchval(sql, paid.account) is False
    again = await owner.got("POST", f"/api/v1/connections/{connection['id']}/reconnect", {})
    assert await house.consented(paid.business, again) == paid.account
    assert await house.admin.fetchval(sql, paid.account) is True, "connected again it is paid into again"


async def test_two_businesses_are_not_paid_into_one_account(house: PaymentHouse) -> None:
    paid = await house.paid()
    other = await house.linked(paid.ana, paid.wedding)
    path = f"/api/v1/suppliers/{other.supplier}/connections/stripe"
    begun = await other.owner.got("POST", path, {}, code=201)
    refused = await house.come_back(other, begun, signed_in_as=paid.business.owner.email, code=409)
    assert "Another business here is paid into this account" in refused
    since, connection = len(house.stripe.store.events), f"/api/v1/connections/{await house.connection(paid)}"
    assert await paid.business.owner.got("POST", f"{connection}/disconnect", {}) == {"is_revoked": True}
    assert [one["type"] for one in house.told(since)] == ["account.application.deauthorized"]
    await house.reacted(paid.business.supplier)
    begun = await other.owner.got("POST", path, {}, code=201)
    await house.come_back(other, begun, signed_in_as=paid.business.owner.email)


async def test_what_came_outside_is_noted_and_is_nobodys_but_theirs(house: PaymentHouse) -> None:
    paid = await house.paid()
    payment = await house.asked(paid)
    owner, path = paid.business.owner, f"/api/v1/payments/{payment['id']}"
    noted = await owner.got("POST", f"{path}/receive", {"amount_minor": 60000})
    assert (noted["status"], noted["way"]) == ("paid", "outside")
    assert (await owner.got("POST", f"{path}/cancel", code=409))["code"] == "paid_already"
    assert (await owner.got("POST", f"{path}/receive", {"amount_minor": 0}))["status"] == "requested"
    assert (await paid.ana.got("POST", f"{path}/cancel", code=403))["code"] == "forbidden"
    assert (await owner.got("PATCH", path, {"amount_minor": 50000}))["amount_minor"] == 50000
    assert (await owner.got("POST", f"{path}/cancel"))["status"] == "cancelled"
    assert await house.ledger(payment["id"]) == {}


async def test_of_a_day_that_comes_and_passes_they_are_told_once_each(house: PaymentHouse) -> None:
    paid = await house.paid()
    payment = await house.asked(paid, due_on="2027-01-15", title="The second\nphotographer")

    async def tick(at: str) -> list[str]:
        before = len(await house.events(paid.wedding))
        await house.admin.execute(
            """update payments set due_on = app.now()::date + $2::integer, created_at = app.now() - interval '2 days'
            where id = $1""",
            UUID(payment["id"]),
            int(at),
        )

        async def published(nudge: str) -> None: ...

        await reminding_of_payments(published)(house.admin)
        return [e.type for e in (await house.events(paid.wedding))[before:]]

    async def told(who: Somebody) -> list[str]:
        inbox = (await who.got("GET", "/api/v1/me/inbox"))["items"]
        return [one["type"] for one in reversed(inbox) if one["type"].startswith("payment.")]

    assert await tick("5") == []
    assert await tick("2") == ["payment.due_soon"]
    assert await tick("2") == []
    assert await tick("-2") == ["payment.overdue"]
    assert await tick("-2") == []
    await house.reacted(paid.wedding, "wedding")
    assert await told(paid.ana) == ["payment.requested", "payment.due_soon", "payment.overdue"]
    assert await told(paid.business.owner) == ["payment.overdue"]
    newest = (await paid.ana.got("GET", "/api/v1/me/inbox"))["items"][0]
    assert "£600 was due and is not paid" in newest["title"]
    # Another day is reminded of anew; what is paid, of no more.
    path = f"/api/v1/payments/{payment['id']}"
    moved = await paid.business.owner.got("PATCH", path, {"due_on": "2027-03-01"})
    assert moved["reminded_at"] is moved["overdue_at"] is None
    assert await tick("1") == ["payment.due_soon"]
    await paid.business.owner.got("POST", f"{path}/receive", {"amount_minor": 60000})
    assert await tick("-2") == []


async def test_the_two_parties_are_told_and_no_third_one_sees_it(house: PaymentHouse) -> None:
    paid = await house.paid()
    third = await house.linked(paid.ana, paid.wedding, level="full")
    canary = "canary-of-the-deposit"
    payment = await house.collected(paid, 77123, title=canary)
    await house.reacted(paid.wedding, "wedding")
    for who, count in ((paid.ana, 2), (paid.business.owner, 1), (third.owner, 0)):
        inbox = await who.got("GET", "/api/v1/me/inbox")
        assert len([one for one in inbox["items"] if one["type"].startswith("payment.")]) == count
    assert (await third.owner.ask("GET", f"/api/v1/payments/{payment['id']}")).status_code == 404
    for path in ("payments", "events", "links", "budget"):
        answer = await third.owner.ask("GET", f"/api/v1/weddings/{paid.wedding}/{path}")
        assert canary not in answer.text and "77123" not in answer.text, path
    line = {"title": "canary-of-the-budget", "estimate_minor": 4711}
    await paid.ana.got("POST", f"/api/v1/weddings/{paid.wedding}/budget", line, code=201)
    for path in ("payments", "events", "budget"):
        answer = await paid.business.owner.ask("GET", f"/api/v1/weddings/{paid.wedding}/{path}")
        assert "canary-of-the-budget" not in answer.text, path
    # What we keep of it is between us and the supplier.
    seen = await paid.ana.ask("GET", f"/api/v1/weddings/{paid.wedding}/payments")
    assert "commission" not in seen.text and "rate_bp" not in seen.text
    own = await paid.business.owner.got("GET", f"/api/v1/suppliers/{paid.business.supplier}/commission")
    assert [one["kind"] for one in own["items"]] == ["collected", "accrued"]


async def test_nobody_rewrites_the_ledger(house: PaymentHouse) -> None:
    paid = await house.paid()
    payment = await house.collected(paid)
    for statement in ("update commission_entries set amount_minor = 1", "delete from commission_entries"):
        with pytest.raises(asyncpg.PostgresError, match="only added to"):
            await house.admin.execute(f"{statement} where payment_id = $1", UUID(payment["id"]))
