"""Thousands of charges, refunds and disputes, told twice, in any order: payments and the ledger hold to the cent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import msgspec
import pytest

from tests.contracts.payment_house import Paid, PaymentHouse, housed
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings
from wedsync.payments import movements
from wedsync.processes import commission
from wedsync.processes.failures import CannotRun

Make = Callable[[], Awaitable[Database]]
RATE_BP = 500
TOGETHER = 32
COUPLES = 3
"""Each has a supplier of its own, whose hooks are worked on beside those of the others."""


@asynccontextmanager
async def stormy(make: Make, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[PaymentHouse]:
    """A house with a database of its own: its ledger is held against one Stripe."""
    database = await make()
    places = {"database_url": database.user, "service_database_url": database.service}
    async with housed(database, postgres, msgspec.structs.replace(settings, **places)) as house:
        yield house


def happen(house: PaymentHouse, rng: Random, account: str, payment: str) -> None:
    """One thing at Stripe: a charge of this payment, or something that becomes of one."""
    store = house.stripe.store
    own = [one for one in store.charges.values() if one["metadata"].get("wedsync_payment") == payment]
    what = rng.choice(["charge", "refund", "refund", "dispute", "close", "fail"]) if own else "charge"
    charge: dict[str, Any] = rng.choice(own) if own else {}
    open_ = [one for one in store.disputes.values() if one["charge"] == charge.get("id")]
    left = charge.get("amount_captured", 0) - charge.get("amount_refunded", 0)
    if what == "charge":
        amount = rng.randint(100, 99_999)
        fee = movements.share(amount, RATE_BP)
        store.charge(account, amount, "gbp", fee=fee, metadata={"wedsync_payment": payment})
    elif what == "refund" and left and not open_:
        form = {"charge": charge["id"], "amount": str(rng.randint(1, left)), "refund_application_fee": "true"}
        store.refund(account, form)
    elif what == "fail" and not open_:
        for one in [r for r in store.refunds.values() if r["charge"] == charge["id"]][:1]:
            store.fail_refund(one["id"])
    elif what == "dispute" and left and not open_:
        store.dispute(charge["id"])
    elif what == "close" and open_ and open_[0]["status"] == "needs_response":
        store.close_dispute(open_[0]["id"], is_won=rng.random() < 0.5)


def truth(house: PaymentHouse, payment: str) -> dict[str, int]:
    """What Stripe itself holds of a payment at the end, counted from its objects and nothing else."""
    store = house.stripe.store
    own = {id for id, one in store.charges.items() if one["metadata"].get("wedsync_payment") == payment}
    refunds = [one for one in store.refunds.values() if one["charge"] in own and one["status"] != "failed"]
    disputes = [one for one in store.disputes.values() if one["charge"] in own]
    found = {
        "received_minor": sum(store.charges[id]["amount_captured"] for id in own),
        "refunded_minor": sum(one["amount"] for one in refunds),
        "disputed_minor": sum(one["amount"] for one in disputes if one["status"] == "needs_response"),
        "lost_minor": sum(one["amount"] for one in disputes if one["status"] == "lost"),
    }
    kept = found["received_minor"] - sum(n for name, n in found.items() if name != "received_minor")
    fees = [one for one in store.fees.values() if one["charge"] in own]
    held = sum(one["amount"] - one["amount_refunded"] for one in fees)
    return found | {"income": movements.share(kept, RATE_BP), "provider": held}


async def weather(house: PaymentHouse, couples: list[Paid], payments: list[tuple[Paid, str]], count: int) -> None:
    """So many hooks, a tenth of them twice, in an order of chance across all suppliers."""
    rng = Random(20270110)
    since = len(house.stripe.store.events)
    while len(house.told(since)) < count:
        paid, payment = rng.choice(payments)
        happen(house, rng, paid.account, payment)
    told = house.told(since)
    told = [*told, *rng.sample(told, len(told) // 10)]
    rng.shuffle(told)
    for batch in (told[at : at + TOGETHER] for at in range(0, len(told), TOGETHER)):
        answers = await asyncio.gather(*(house.bring([one]) for one in batch))
        assert {status for statuses in answers for status in statuses} <= {200, 202}
    await house.worked_at_once([paid.business.supplier for paid in couples])


@pytest.mark.parametrize("count", [100, pytest.param(10_000, marks=[pytest.mark.prove, pytest.mark.timeout(1500)])])
async def test_the_ledger_balances_to_the_cent(
    make_database: Make, postgres: RunningPostgres, settings: Settings, count: int
) -> None:
    async with stormy(make_database, postgres, settings) as house:
        couples = [await house.paid() for _ in range(COUPLES)]
        payments = [(paid, (await house.asked(paid))["id"]) for paid in couples for _ in range(max(count // 100, 3))]
        await weather(house, couples, payments, count)
        failed = await house.admin.fetch("select error from inbox_hooks where status in ('failed', 'received')")
        assert failed == []
        for paid, payment in payments:
            wanted, found = truth(house, payment), await house.payment(paid, payment)
            assert {name: found[name] for name in wanted if name.endswith("_minor")} == {
                name: minor for name, minor in wanted.items() if name.endswith("_minor")
            }
            ledger = await house.ledger(payment)
            assert sum(ledger.values()) == 0
            assert (-ledger.get("income", 0), ledger.get("provider", 0)) == (wanted["income"], wanted["provider"])
        found_ = await commission.reconciled(house.settings, "stripe")
        assert found_.is_clean and found_.matched == len(house.stripe.store.fees)
        entries = await house.admin.fetchval("select count(*) from commission_entries")
        print(
            f"{count} hooks and {count // 10} repeats: {entries} entries, {found_.matched} fees the same on both sides"
        )


async def test_the_operator_is_told_what_stripe_and_the_ledger_do_not_agree_on(
    make_database: Make, postgres: RunningPostgres, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    async with stormy(make_database, postgres, settings) as house:
        paid = await house.paid()
        payment, since = await house.asked(paid), len(house.stripe.store.events)
        charge = house.stripe.store.pay(await house.checkout(paid, payment))
        told = house.told(since)
        assert await commission.run(house.settings, connector="stripe", is_json=False) == 1
        assert charge["application_fee"] in (shown := capsys.readouterr().out)
        assert "its hook has not come" in " ".join(shown.split())
        await house.settled(paid, told)
        assert await commission.run(house.settings, connector="stripe", is_json=True) == 0
        report = msgspec.json.decode(capsys.readouterr().out)
        assert (report["is_clean"], report["matched"], report["open"][0]["taken_minor"]) == (True, 1, 3000)
        # A dispute that was lost: our share is not ours, and the report says what is to be given back.
        since = len(house.stripe.store.events)
        house.stripe.store.close_dispute(house.stripe.store.dispute(charge["id"])["id"], is_won=False)
        await house.settled(paid, house.told(since))
        assert await commission.run(house.settings, connector="stripe", is_json=False) == 0
        assert "£30 to be given back" in " ".join(capsys.readouterr().out.split())
        with pytest.raises(CannotRun, match="takes no payments"):
            await commission.run(house.settings, connector="webhook", is_json=True)
        house.stripe.moods.switch("5xx", 1)
        with pytest.raises(CannotRun, match="does not tell its fees"):
            await commission.run(house.settings, connector="stripe", is_json=True)
