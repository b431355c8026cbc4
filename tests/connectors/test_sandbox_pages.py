"""What a visitor does on the pages of a sandbox is done there, and what cannot be done is refused in words."""

import itertools
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.fake_client import CLIENT_SECRET, HOOK_SECRET, PHONE_ACCOUNT
from wedsync.connections.mailing.fake_office import Letter
from wedsync.connections.records.driven import Driven
from wedsync.connections.records.record import Record
from wedsync.connections.stage import serving
from wedsync.connectors.csv.fake import TOKENS, Lists
from wedsync.connectors.custom_api.fake import KEYS as API_KEYS
from wedsync.connectors.custom_api.fake import Api
from wedsync.connectors.google_calendar.fake import build as google
from wedsync.connectors.honeybook.fake import HoneyBook
from wedsync.connectors.light_blue.fake import LightBlue
from wedsync.connectors.mailchimp.fake import Mailchimp
from wedsync.connectors.resend.fake import KEY as RESEND_KEY
from wedsync.connectors.resend.fake import Resend
from wedsync.connectors.sendgrid.fake import KEY as SENDGRID_KEY
from wedsync.connectors.sendgrid.fake import SendGrid
from wedsync.connectors.slack.fake import Slack
from wedsync.connectors.stripe.fake import Stripe
from wedsync.connectors.tave.fake import KEYS as TAVE_KEYS
from wedsync.connectors.tave.fake import Tave
from wedsync.connectors.tripleseat.fake import Tripleseat
from wedsync.connectors.twilio.fake import Twilio
from wedsync.connectors.venue_booking.fake import KEYS as HOUSE_KEYS
from wedsync.connectors.venue_booking.fake import VenueSystem
from wedsync.kit import clock
from wedsync.kit.http import Reply, Wire

CARLA = ACCOUNTS[0]
FORM = "application/x-www-form-urlencoded"


class Sandbox:
    """Every fake with pages behind one port, and somebody with a browser."""

    def __init__(self, wire: Wire) -> None:
        self.at = ""
        self._wire = wire
        self.tave, self.house, self.seat, self.honey = Tave(), VenueSystem(), Tripleseat(), HoneyBook()
        self.api, self.lists, self.blue, self.google = Api(), Lists(), LightBlue(), google(None)
        self.stripe, self.twilio, self.slack, self.chimp = Stripe(), Twilio(), Slack(), Mailchimp()
        self.resend, self.sendgrid = Resend(), SendGrid()

    @property
    def all(self) -> list[Any]:
        of_records = [self.tave, self.house, self.seat, self.honey, self.api, self.lists, self.blue, self.google]
        return [*of_records, self.stripe, self.twilio, self.slack, self.chimp, self.resend, self.sendgrid]

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = await self._wire.request(method, self.at + path, headers=named, body=body)
        assert isinstance(reply, Reply), reply
        return reply

    async def do(self, path: str, **fields: str) -> int:
        """A form of a page is sent."""
        return (await self.ask("POST", path, urlencode(fields).encode(), content_type=FORM)).status

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """A program calls the API."""
        raw = b"" if body is None else msgspec.json.encode(body)
        reply = await self.ask(method, path, raw, content_type="application/json", **headers)
        return reply.status, msgspec.json.decode(reply.body or b"null")


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    wire = Wire(allow=("127.0.0.0/8",))
    made = Sandbox(wire)
    async with serving(made.all) as made.at:
        yield made
    await wire.close()


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("tave", "/tave/at/{}"),
        ("house", "/venue-system/at/{}"),
        ("seat", "/tripleseat/at/{}"),
        ("honey", "/honeybook/at/{}"),
        ("api", "/custom-api/at/{}"),
        ("lists", "/csv/at/{}"),
    ],
)
async def test_a_job_is_made_changed_and_deleted_on_the_page(sandbox: Sandbox, name: str, page: str) -> None:
    fake: Driven = getattr(sandbox, name)
    there = page.format(TOKENS[CARLA] if name == "lists" else CARLA)
    before = set(fake.seen(CARLA))
    assert await sandbox.do(there, name="Maria Santos", wedding_on="2027-06-05", stage="booked") == 303
    (id,) = set(fake.seen(CARLA)) - before
    assert fake.seen(CARLA)[id].name == "Maria Santos"
    assert await sandbox.do(there, what="change", id=id, name="Maria Okafor", wedding_on="2027-06-06") == 303
    assert str(fake.seen(CARLA)[id].wedding_on) == "2027-06-06"
    assert (await sandbox.ask("GET", "/csv/" if name == "lists" else there)).status == 200
    assert await sandbox.do(there, name="Nobody", wedding_on="soon") == 422
    assert await sandbox.do(there, what="delete", id=id) == 303
    assert set(fake.seen(CARLA)) == before
    assert await sandbox.do(there, what="delete", id=id) == 404
    assert await sandbox.do(page.format("nobody@sandbox.example"), name="Maria") == 404
    if name != "lists":
        assert await sandbox.do(there, what="change", id=id, name="Maria") == 404
        assert (await sandbox.ask("GET", page.format("nobody@sandbox.example"))).status == 404


async def test_a_venue_is_planned_and_hooks_are_asked_for_on_its_page(sandbox: Sandbox) -> None:
    id = await sandbox.house.make(CARLA, Record(name="Maria"))
    there = f"/venue-system/at/{CARLA}"
    assert await sandbox.do(there, what="plan", id=id, part="ceremony", space="hall") == 303
    assert sandbox.house.house(CARLA).booking(id)["uses"] == [{"part": "ceremony", "space_id": "hall"}]
    assert await sandbox.do(there, what="plan", id="none") == 404
    for fake, place in ((sandbox.house.house(CARLA), there), (sandbox.seat.venue(CARLA), f"/tripleseat/at/{CARLA}")):
        assert await sandbox.do(place, what="hook", address=f"{sandbox.at}/nowhere", key="k1") == 303
        assert await sandbox.do(place, what="hook", address=f"{sandbox.at}/nowhere", key="k2") == 303
        assert fake.hooks == {f"{sandbox.at}/nowhere": "k2"}


async def test_a_photographer_writes_notes_and_hands_over_galleries(sandbox: Sandbox) -> None:
    id, studio, there = await sandbox.tave.make(CARLA, Record(name="Maria")), sandbox.tave.studio(CARLA), "/tave/at/"
    assert await sandbox.do(there + CARLA, what="note", id=id, text="  ") == 303
    assert [one["contentHtml"] for one in studio.notes.values()] == ["A note"]
    assert await sandbox.do(there + CARLA, what="gallery", id=id, name="") == 303
    (gallery,) = studio.galleries
    assert studio.galleries[gallery]["name"] == "Wedding"
    assert await sandbox.do(there + CARLA, what="status", id=gallery, status="active") == 303
    assert studio.galleries[gallery]["status"] == "active"
    assert await sandbox.do(there + CARLA, what="status", id=gallery, status="eaten") == 422
    assert await sandbox.do(there + CARLA, what="status", id="none", status="active") == 404
    assert await sandbox.do(there + CARLA, what="drop", id=gallery) == 303
    # Workspace answers 400 where an id is none of its kind.
    for what, told in (("drop", 404), ("note", 400), ("gallery", 400)):
        assert await sandbox.do(there + CARLA, what=what, id="none") == told
    assert not studio.galleries


async def test_an_inbox_is_emptied_by_hand(sandbox: Sandbox) -> None:
    studio = sandbox.blue.studio(CARLA)
    for number in range(2):
        studio.take({"Type": "contact form", "ContactEmail": f"m{number}@example.org"}, clock.machine_now())
    there = f"/light-blue/at/{CARLA}"
    assert await sandbox.do(there, number="1") == 303
    assert await sandbox.do(there, number="2", what="discard") == 303
    assert [one.state for one in studio.items] == ["accepted", "discarded"]
    assert await sandbox.do(there, number="3") == 404
    assert await sandbox.do("/light-blue/at/nobody", number="1") == 404


async def test_money_goes_back_and_forth_on_the_page_of_charges(sandbox: Sandbox) -> None:
    store, keys = sandbox.stripe.store, itertools.count()

    def charge() -> str:
        return str(store.charge("acct_carla", 10_000 + next(keys), "eur", fee=150, metadata={})["id"])

    returned, disputed = charge(), charge()
    there = "/stripe/charges/"
    assert await sandbox.do(there + returned, what="refund", amount="4000") == 303
    assert store.charges[returned]["amount_refunded"] == 4000
    for amount in ("1000000", "0", "-1", "ten"):
        assert await sandbox.do(there + returned, what="refund", amount=amount) == 400, amount
    assert await sandbox.do(there + returned, what="refund") == 303
    assert store.charges[returned]["refunded"] is True
    assert await sandbox.do(there + returned, what="refund") == 400, "nothing is left"
    assert await sandbox.do(there + disputed, what="dispute") == 303
    assert await sandbox.do(there + disputed, what="refund") == 400, "it is disputed"
    assert await sandbox.do(there + disputed, what="win") == 303
    assert [one["status"] for one in store.disputes.values()] == ["won"]
    assert await sandbox.do(there + disputed, what="lose") == 303, "it has ended: nothing happens"
    assert [one["status"] for one in store.disputes.values()] == ["won"]
    assert await sandbox.do(there + "ch_none", what="refund") == 404
    assert (await sandbox.ask("GET", "/stripe/pay/cs_none")).status == 404
    assert await sandbox.do("/stripe/pay/cs_none") == 400
    assert (await sandbox.ask("GET", "/stripe/")).status == 200


STRIPE = {"authorization": f"Bearer {CLIENT_SECRET}"}
SESSION = {
    "mode": "payment",
    "line_items[0][price_data][unit_amount]": "10000",
    "line_items[0][price_data][currency]": "eur",
    "line_items[0][price_data][product_data][name]": "Flowers",
}


@pytest.mark.parametrize(
    ("changed", "account", "code"),
    [
        ({"mode": "setup"}, "acct_carla", "parameter_missing"),
        ({"line_items[0][price_data][product_data][name]": ""}, "acct_carla", "parameter_missing"),
        ({"line_items[0][price_data][unit_amount]": "1"}, "acct_carla", "amount_too_small"),
        ({"expires_at": "1"}, "acct_carla", "parameter_invalid_integer"),
        ({"payment_intent_data[application_fee_amount]": "10001"}, "acct_carla", "application_fee_too_large"),
        ({}, "acct_closed", "charges_not_enabled"),
        ({}, "acct_nobody", "account_invalid"),
    ],
)
async def test_stripe_refuses_a_checkout(sandbox: Sandbox, changed: Mapping[str, str], account: str, code: str) -> None:
    sandbox.stripe.store.add_account("acct_closed", name="Closed", email="c@example.org")["charges_enabled"] = False
    form = urlencode({**SESSION, **changed}).encode()
    reply = await sandbox.ask(
        "POST", "/stripe/v1/checkout/sessions", form, content_type=FORM, stripe_account=account, **STRIPE
    )
    assert reply.status in (400, 403)
    assert msgspec.json.decode(reply.body)["error"]["code"] == code


async def test_an_account_of_stripe_sees_what_is_its_own(sandbox: Sandbox) -> None:
    id = sandbox.stripe.store.charge("acct_carla", 10_000, "eur", fee=0, metadata={})["id"]
    whose = [("acct_carla", 200), ("acct_dario", 404), ("", 404)]
    for account, status in whose:
        assert (await sandbox.call("GET", f"/stripe/v1/charges/{id}", stripe_account=account, **STRIPE))[0] == status
    fees = "/stripe/v1/application_fees"
    assert (await sandbox.call("GET", fees, **STRIPE))[0] == 200
    assert (await sandbox.call("GET", fees, stripe_account="acct_carla", **STRIPE))[0] == 403
    assert (await sandbox.call("GET", fees, authorization="Bearer guessed"))[0] == 401
    refund = urlencode({"charge": id}).encode()
    reply = await sandbox.ask(
        "POST", "/stripe/v1/refunds", refund, content_type=FORM, stripe_account="acct_dario", **STRIPE
    )
    assert reply.status == 404, "a charge of another's is not given back"


async def test_calls_are_answered_on_the_page_of_telephones(sandbox: Sandbox) -> None:
    store = sandbox.twilio.store
    called = {"To": "+351210000000", "From": "+15005550006", "Url": f"{sandbox.at}/nowhere"}
    human, none = (str(store.create_call(called)["sid"]) for _ in range(2))
    assert await sandbox.do(f"/twilio/calls/{human}", what="1") == 303
    assert store.calls[human]["status"] == "ringing", "nobody has asked for a key"
    assert await sandbox.do(f"/twilio/calls/{human}", what="human") == 303
    assert store.calls[human]["answered_by"] == "human"
    assert await sandbox.do(f"/twilio/calls/{none}", what="no-answer") == 303
    assert store.calls[none]["status"] == "no-answer"
    assert await sandbox.do("/twilio/calls/CAnone", what="human") == 404
    store.create_message({"To": "+351210000000", "From": "+15005550006", "Body": "The cake is late"}, "fine")
    assert await sandbox.do("/twilio/texts", **{"from": "+351210000000", "text": "stop"}) == 303
    page = (await sandbox.ask("GET", "/twilio/")).body.decode()
    assert page.index("stop") < page.index("The cake is late")


@pytest.mark.parametrize(
    ("what", "form", "code"),
    [
        ("Messages", {"To": "12", "From": "+15005550006", "Body": "x"}, 21211),
        ("Messages", {"To": "+351210000000", "Body": "x"}, 21603),
        ("Messages", {"To": "+351210000000", "From": "+15005550006"}, 21617),
        ("Messages", {"To": "+351210000000", "From": "+15005550006", "Body": "x" * 1601}, 21617),
        ("Messages", {"To": "+351210000009", "From": "+15005550006", "Body": "x"}, 21610),
        ("Calls", {"To": "12", "From": "+15005550006", "Url": "http://a.example"}, 21211),
        ("Calls", {"To": "+351210000000", "From": "+15005550006"}, 21205),
        ("Calls", {"To": "+351210000000", "Url": "http://a.example"}, 21205),
    ],
)
async def test_twilio_refuses_what_it_cannot_send(
    sandbox: Sandbox, what: str, form: Mapping[str, str], code: int
) -> None:
    sandbox.twilio.store.stopped.add("+351210000009")
    key = b64encode(f"{PHONE_ACCOUNT}:{HOOK_SECRET}".encode()).decode()
    there, raw = f"/twilio/2010-04-01/Accounts/{PHONE_ACCOUNT}/{what}.json", urlencode(form).encode()
    reply = await sandbox.ask("POST", there, raw, content_type=FORM, authorization=f"Basic {key}")
    assert (reply.status, msgspec.json.decode(reply.body)["code"]) == (400, code)
    reply = await sandbox.ask("POST", there, raw, content_type=FORM, authorization="Basic guessed")
    assert (reply.status, msgspec.json.decode(reply.body)["code"]) == (401, 20003)


async def test_the_apis_of_crms_refuse_what_is_wrong(sandbox: Sandbox) -> None:
    job = await sandbox.tave.make(CARLA, Record(name="Maria"))
    await sandbox.tave.change(CARLA, job, stage="cancelled")
    tave = {"x_api_key": TAVE_KEYS[CARLA]}
    assert (await sandbox.call("PUT", f"/tave/api/v2/job/{job}", {"colour": "red"}, **tave))[0] == 400
    assert (await sandbox.call("PUT", f"/tave/api/v2/job/{job}", ["colour"], **tave))[0] == 400
    seen = [
        await sandbox.call("GET", f"/tave/api/v2/job?pageSize=100{more}", **tave)
        for more in ("", "&includeClosed=true")
    ]
    closed, all_of_them = ({one["id"] for one in said["items"]} for _, said in seen)
    assert job in all_of_them - closed
    house = {"authorization": f"Bearer {HOUSE_KEYS[CARLA]}"}
    there = "/venue-system/api/quinta/bookings"
    for cursor, status in (("", 200), ("0", 200), ("x", 422), ("²", 422), ("-1", 422)):
        asked = urlencode({"cursor": cursor})
        assert (await sandbox.call("GET", f"{there}?{asked}", **house))[0] == status, cursor
    booking = await sandbox.house.make(CARLA, Record(name="Maria"))
    version = sandbox.house.house(CARLA).booking(booking)["version"]
    wrong = {"if_match": version, **house}
    assert (await sandbox.call("PATCH", f"{there}/{booking}", {"total": 1}, **wrong))[0] == 422
    studio = CARLA.partition("@")[0]
    entry = await sandbox.api.make(CARLA, Record(name="Maria"))
    key = {"authorization": f"Bearer {API_KEYS[CARLA]}"}
    whole = sandbox.api.studios[CARLA][entry]
    there = f"/custom-api/v1/{studio}/bookings/{entry}"
    for body, status in (
        (whole, 200),
        ({"status": "Lead"}, 400),
        ({**{name: value for name, value in whole.items() if name != "couple"}, "colour": "red"}, 400),
    ):
        assert (await sandbox.call("PUT", there, body, **key))[0] == status, body


async def test_tripleseat_and_honeybook_refuse_what_is_wrong(sandbox: Sandbox) -> None:
    id = await sandbox.seat.make(CARLA, Record(name="Maria"))
    seat = {"authorization": f"Bearer {sandbox.seat.consent.issue(CARLA).access}"}
    site = min(sandbox.seat.venue(CARLA).sites)
    for path, status in (
        (f"bookings/{id}.json", 200),
        ("bookings/x.json", 404),
        (f"bookings.json?site_id={site}", 200),
        ("bookings.json?site_id=99", 404),
        (f"bookings.json?site_id={site}&updated_since=6/5/27", 422),
        (f"bookings.json?site_id={site}&updated_since=2027-06-05", 422),
    ):
        assert (await sandbox.call("GET", f"/tripleseat/api/v1/{path}", **seat))[0] == status, path
    put = [("contacts/1", {"contact": {}}, 404), (f"bookings/{id}", {"booking": {"colour": "red"}}, 422)]
    for path, body, status in put:
        assert (await sandbox.call("PUT", f"/tripleseat/api/v1/{path}", body, **seat))[0] == status, path
    await sandbox.seat.change(CARLA, id, venue="The barn")
    assert sandbox.seat.seen(CARLA)[id].venue == "The barn"
    space = await sandbox.honey.make(CARLA, Record(name="Maria"))
    honey = {"authorization": f"Bearer {sandbox.honey.consent.issue(CARLA).access}"}
    for path, body, status in (
        (f"workspaces/{space}", {"stage_id": "eaten"}, 422),
        (f"workspaces/{space}", {"colour": "red"}, 422),
        ("contacts/none", {"name": "Maria"}, 404),
        (f"workspaces/{space}", {"stage_id": "done"}, 200),
    ):
        assert (await sandbox.call("PUT", f"{sandbox.honey.address}/{path}", body, **honey))[0] == status, body


async def test_mail_services_refuse_strangers_and_what_is_no_mail(sandbox: Sandbox) -> None:
    resend, sendgrid = {"authorization": f"Bearer {RESEND_KEY}"}, {"authorization": f"Bearer {SENDGRID_KEY}"}
    guessed = {"authorization": "Bearer guessed"}
    mails = f"{sandbox.resend.address}/emails"
    assert (await sandbox.call("POST", mails, {"from": "a@example.org"}, **guessed))[0] == 403
    assert (
        await sandbox.call("POST", mails, {"from": "a@example.org", "to": "b@example.org", "subject": "x"}, **resend)
    )[0] == 422
    send = f"{sandbox.sendgrid.address}/v3/mail/send"
    assert (await sandbox.call("POST", send, {"subject": "x"}, **guessed))[0] == 401
    assert (await sandbox.call("POST", send, {"subject": "x"}, **sendgrid))[0] == 400
    sandbox.sendgrid.moods.switch("unknown fields", 1)
    status, said = await sandbox.call("GET", f"{sandbox.sendgrid.address}/v3/scopes", **sendgrid)
    assert (status, set(said)) == (200, {"scopes", "novelty"})
    for name, known, event in (("resend", sandbox.resend, "email.bounced"), ("sendgrid", sandbox.sendgrid, "bounce")):
        letter = Letter(id="l1", at=clock.machine_now(), to="b@example.org", subject="x", text="", delivery="", body={})
        await known.office.put(letter, tells=[])
        assert await sandbox.do(f"/{name}/letters/l1", event=event) == 303
        assert await sandbox.do(f"/{name}/letters/l1", event="eaten") == 404
        assert await sandbox.do(f"/{name}/letters/none", event=event) == 404


async def test_slack_and_mailchimp_refuse_strangers_and_what_is_not_there(sandbox: Sandbox) -> None:
    token = {"authorization": f"Bearer {sandbox.slack.consent.issue(CARLA).access}"}
    for method, headers, error in (
        ("auth.test", {"authorization": "Bearer guessed"}, "invalid_auth"),
        ("channels.burn", token, "unknown_method"),
        ("chat.postMessage", token, "channel_not_found"),
    ):
        reply = await sandbox.ask("POST", f"/slack/api/{method}", b"", content_type=FORM, **headers)
        assert msgspec.json.decode(reply.body)["error"] == error
    assert await sandbox.do("/slack/press", channel="C0", ts="1.0", user="U1") == 404
    home = sandbox.slack.workspace(CARLA)
    channel = home.create({"name": "wedding"})["channel"]["id"]
    ts = home.post({"channel": channel, "text": "x"})["ts"]
    assert await sandbox.do("/slack/press", channel=channel, ts="1.0", user="U1") == 404
    assert await sandbox.do("/slack/press", channel=channel, ts=ts, user="U1") == 404, "it has no button"
    assert (await sandbox.ask("GET", "/google/at/none")).status == 404
