"""What is peculiar to Stripe: its events, its amounts, its answers; with its own library as an independent reader."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
import stripe as official

from wedsync.connections import stage
from wedsync.connections.charging.contract import Asked, Charges, Fees, Opened, Refunded, Refunding
from wedsync.connections.contract import (
    Account,
    Connection,
    Connects,
    Delivered,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
    Unknown,
)
from wedsync.connections.fake_client import CLIENT_SECRET
from wedsync.connections.verify.request import Request
from wedsync.connections.verify.scheme import verify
from wedsync.connectors.stripe import amounts, fake_hooks, mapper
from wedsync.connectors.stripe.answers import read
from wedsync.connectors.stripe.connector import connect
from wedsync.connectors.stripe.fake import Stripe
from wedsync.kit import clock
from wedsync.kit.http import Reply, Timing, Wire

PAYMENT = UUID(int=7)
CARLA = "acct_carla"


class Both:
    """The connector and Stripe's own client, both pointed at one fake."""

    def __init__(self, fake: Stripe, at: str, wire: Wire) -> None:
        self.fake = fake
        settings = dict(fake.settings_at(at))
        self.ours = connect(Tools(wire=wire, machine_now=clock.machine_now, settings=settings))
        self.theirs = official.StripeClient(CLIENT_SECRET, base_addresses={"api": settings["stripe_base_url"]})

    def asked(self, **fields: Any) -> Asked:
        known: dict[str, Any] = {
            "account": CARLA,
            "payment": PAYMENT,
            "amount_minor": 60000,
            "fee_minor": 3000,
            "currency": "GBP",
            "name": "Marlow Photo",
            "title": "Deposit",
            "success_url": "https://a.test/",
            "key": "k1",
            "cancel_url": "https://a.test/",
            "expires_at": clock.machine_now() + timedelta(minutes=31),
        }
        return Asked(**(known | fields))

    async def opened(self, **fields: Any) -> Opened:
        made = await self.ours.open_checkout(self.asked(**fields))
        assert isinstance(made, Opened), made
        return made


@pytest_asyncio.fixture
async def both() -> AsyncIterator[Both]:
    fake = Stripe()
    wire = Wire()
    async with stage.serving([fake]) as at:
        yield Both(fake, at, wire)
    await wire.close()


async def test_their_own_library_reads_what_we_made(both: Both) -> None:
    made = await both.opened()
    both.fake.store.pay(made.id)
    on_behalf: Any = {"stripe_account": CARLA}
    session = await both.theirs.v1.checkout.sessions.retrieve_async(made.id, options=on_behalf)
    assert (session.payment_status, session.amount_total, session.currency) == ("paid", 60000, "gbp")
    intent = await both.theirs.v1.payment_intents.retrieve_async(str(session.payment_intent), options=on_behalf)
    assert (intent.application_fee_amount, intent.metadata["wedsync_payment"]) == (3000, str(PAYMENT))
    refund = await both.ours.refund(
        Refunding(account=CARLA, intent=intent.id, amount_minor=20000, currency="GBP", key="r1")
    )
    assert isinstance(refund, Refunded)
    charge = await both.theirs.v1.charges.retrieve_async(str(intent.latest_charge), options=on_behalf)
    assert charge.amount_refunded == 20000
    fees = (await both.theirs.v1.application_fees.list_async({"limit": 3})).data
    assert [(fee.amount, fee.amount_refunded) for fee in fees] == [(3000, 1000)]
    ours = await both.ours.fees("", timeout_s=5)
    assert isinstance(ours, Fees)
    assert [(fee.amount_minor, fee.returned_minor, fee.account) for fee in ours.items] == [(3000, 1000, CARLA)]


async def test_their_own_library_believes_how_the_fake_signs_and_we_believe_theirs(both: Both) -> None:
    body = msgspec.json.encode(both.fake.store.tell("account.updated", both.fake.store.accounts[CARLA], CARLA))
    header, secret = fake_hooks.signature("whsec_a", body), "whsec_a"
    event = official.Webhook.construct_event(body, header, secret)
    assert (event.type, event.account) == ("account.updated", CARLA)
    now = clock.machine_now().timestamp()
    made = official.WebhookSignature._compute_signature(f"{int(now)}.{body.decode()}", secret)
    for given, secrets, good in (
        (f"t={int(now)},v1={made}", ["whsec_b", secret], True),
        (f"t={int(now)},v0=aa,v1={'0' * 64},v1={made}", [secret], True),
        (f"t={int(now)},v0={made}", [secret], False),
        (f"t={int(now) + 1},v1={made}", [secret], False),
        (f"v1={made}", [secret], False),
    ):
        asked = Request(headers={"stripe-signature": given}, body=body, url="", secrets=secrets, now=now)
        assert (verify("stripe", asked) is None) == good, given


async def test_the_same_order_twice_is_one_even_when_the_first_answer_was_lost(both: Both) -> None:
    both.fake.moods.switch("lost reply", 1)
    until = clock.machine_now() + timedelta(minutes=31)
    lost = await both.ours.open_checkout(both.asked(expires_at=until))
    assert isinstance(lost, Unknown) and lost.repeat_is_safe
    again = await both.opened(expires_at=until)
    assert [again.id] == list(both.fake.store.sessions)
    other = await both.ours.open_checkout(both.asked(expires_at=until, amount_minor=5))
    assert isinstance(other, Rejected), "a key is for one order"


@pytest.mark.parametrize(
    ("mood", "kind"),
    [("429", RetryLater), ("5xx", RetryLater), ("dead token", RetryLater), ("truncated", Unknown)],
)
async def test_what_passes_is_told_from_what_does_not(both: Both, mood: str, kind: type) -> None:
    both.fake.moods.switch(mood, 1)
    said = await both.ours.open_checkout(both.asked())
    assert isinstance(said, kind), said
    if mood == "429":
        assert isinstance(said, RetryLater) and said.after_s == 7
    assert CLIENT_SECRET not in str(said)


async def test_unknown_fields_are_tolerated_and_refusals_say_what_to_do(both: Both) -> None:
    both.fake.moods.switch("unknown fields", 1)
    await both.opened()
    small = await both.ours.open_checkout(both.asked(amount_minor=5, fee_minor=0, key="k2"))
    assert isinstance(small, Rejected) and "small" in small.reason
    gone = await both.ours.open_checkout(both.asked(account="acct_gone", key="k3"))
    assert isinstance(gone, ReconnectNeeded)
    odd = await both.ours.open_checkout(both.asked(amount_minor=60001, currency="KWD", key="k4"))
    assert isinstance(odd, Rejected) and "exactly" in odd.reason


async def test_who_leaves_has_left_and_so_has_who_had_left_before(both: Both) -> None:
    both.fake.moods.switch("5xx", 1)
    assert isinstance(await both.ours.leave(CARLA, timeout_s=5), RetryLater), "nothing was confirmed"
    assert CARLA in both.fake.store.accounts
    for _ in range(2):
        assert isinstance(await both.ours.leave(CARLA, timeout_s=5), Delivered)
    assert CARLA not in both.fake.store.accounts


async def test_an_account_says_who_it_is(both: Both) -> None:
    token = both.fake.consent.issue("carla@sandbox.example").access
    found = await both.ours.account(Connection(id=PAYMENT, secrets={"access_token": (token,)}), timeout_s=5)
    assert found == Account(id=CARLA, title="Carla's studio")
    assert isinstance(both.ours, Charges) and isinstance(both.ours, Connects)


@pytest.mark.parametrize(
    ("minor", "currency", "theirs"),
    [
        (1234, "GBP", 1234),
        (500, "JPY", 500),
        (12, "ISK", 1200),
        (7, "UGX", 700),
        (1500, "MGA", 15),
        (1230, "KWD", 1230),
    ],
)
def test_amounts_are_counted_as_they_count_them(minor: int, currency: str, theirs: int) -> None:
    assert amounts.to_theirs(minor, currency) == theirs
    assert amounts.from_theirs(theirs, currency) == minor


def test_our_share_is_never_more_than_can_be_charged() -> None:
    assert amounts.fee_to_theirs(1239, "KWD") == 1230
    assert amounts.fee_to_theirs(199, "MGA") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"id": "evt", "type": "charge.succeeded", "created": 1, "data": {"object": {"object": "charge"}}}',
        b'{"id": "evt", "type": "x", "created": 1e30, "data": {"object": {}}}',
        b'{"id": "evt", "type": "x", "created": 1, "data": {}}',
        b'{"id": "evt", "type": "refund.created", "created": 1, "data": {"object": '
        b'{"object": "refund", "id": "re", "status": "succeeded", "amount": -5, "currency": "gbp"}}}',
        b'{"id": "evt", "type": "refund.created", "created": 1, "data": {"object": '
        b'{"object": "refund", "id": "re", "status": "succeeded", "amount": "5", "currency": "gbp"}}}',
    ],
)
def test_what_stripe_does_not_send_is_not_read(body: bytes) -> None:
    with pytest.raises(ValueError):
        mapper.read(body)


def test_what_we_do_not_know_says_nothing() -> None:
    at = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    for kind, found in (
        ("payout.paid", {"object": "payout", "id": "po", "amount": 5, "currency": "gbp"}),
        ("refund.updated", {"object": "refund", "id": "re", "status": "of_tomorrow", "amount": 5, "currency": "gbp"}),
        ("checkout.session.completed", {"object": "checkout.session", "id": "cs", "payment_status": "unpaid"}),
    ):
        body = msgspec.json.encode({"id": "evt", "type": kind, "created": at, "data": {"object": found}})
        assert mapper.read(body).movements == ()


def test_what_an_account_only_tries_out_moves_no_real_money() -> None:
    at = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    intent = {"object": "payment_intent", "id": "pi", "amount_received": 5, "currency": "gbp"}
    said = {
        "id": "evt",
        "type": "payment_intent.succeeded",
        "created": at,
        "account": CARLA,
        "data": {"object": intent},
    }
    for key, is_live, count in (
        ("sk_live_1", True, 1),
        ("rk_live_1", False, 0),
        ("sk_live_1", False, 0),
        ("sk_test_1", False, 1),
    ):
        settings = {
            "stripe_base_url": "",
            "stripe_secret_key": key,
            "stripe_client_id": "",
            "stripe_deauthorize_url": "",
        }
        ours = connect(Tools(wire=Wire(), machine_now=clock.machine_now, settings=settings))
        heard = ours.read(msgspec.json.encode({**said, "livemode": is_live}))
        assert (len(heard.movements), bool(heard.account)) == (count, bool(count)), key


async def test_our_fee_goes_back_only_where_there_is_one(both: Both) -> None:
    made = await both.opened(fee_minor=0)
    charge = both.fake.store.pay(made.id)
    asked = Refunding(account=CARLA, intent=charge["payment_intent"], amount_minor=100, currency="GBP", key="r1")
    assert isinstance(await both.ours.refund(asked), Refunded)
    options: Any = {"stripe_account": CARLA}
    params: Any = {"payment_intent": charge["payment_intent"], "refund_application_fee": True}
    with pytest.raises(official.InvalidRequestError, match="no application fee"):
        await both.theirs.v1.refunds.create_async(params, options=options)
    gone = await both.ours.refund(msgspec.structs.replace(asked, intent="pi_of_nobody"))
    assert isinstance(gone, Rejected)


def test_an_error_page_is_no_answer() -> None:
    page = Reply(status=400, headers={}, body=b"<html>", ending="whole", timing=Timing())
    assert isinstance(read(page, dict, now=clock.machine_now()), Rejected)
