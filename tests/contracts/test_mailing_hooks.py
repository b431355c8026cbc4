"""What providers say of mails: verified, counted once in any order, and felt at once where an address is over."""

from collections.abc import AsyncIterator
from itertools import permutations
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.mail_house import MailHouse, housed
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connections.contract import Delivered, Rejected
from wedsync.connections.mailing.fake_office import Letter
from wedsync.connectors.resend.fake import Resend
from wedsync.connectors.sendgrid.fake import SendGrid
from wedsync.invitations import sealed
from wedsync.kit.config import Settings

EVENTS = {
    "resend": ("email.sent", "email.delivery_delayed", "email.delivered", "email.bounced"),
    "sendgrid": ("processed", "deferred", "delivered", "bounce"),
}
COMPLAINTS = {"resend": "email.complained", "sendgrid": "spamreport"}
SOFT = {"resend": "transient", "sendgrid": "blocked"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def built(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[MailHouse]:
    async with housed(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def house(built: MailHouse) -> MailHouse:
    await built.afresh()
    return built


def fake_of(house: MailHouse, name: str) -> Resend | SendGrid:
    return house.resend if name == "resend" else house.sendgrid


async def taken(house: MailHouse, name: str, to: str = "") -> Letter:
    """A mail that this provider has taken."""
    address = to or f"{uuid4().hex}@example.com"
    assert isinstance(await house.sent(await house.chain(name, "smtp"), address), Delivered)
    (letter,) = fake_of(house, name).office.to(address)
    return letter


async def status(house: MailHouse, letter: Letter) -> str:
    found = "select status from mail_statuses where delivery_id = $1"
    return str(await house.admin.fetchval(found, UUID(letter.delivery)))


async def reason(house: MailHouse, address: str) -> tuple[str, str] | None:
    found = "select reason, covers from mail_suppressions where address_index = $1"
    row = await house.admin.fetchrow(found, sealed.index(house.ring, address))
    return None if row is None else (row["reason"], row["covers"])


@pytest.mark.parametrize("name", list(EVENTS))
async def test_in_whatever_order_and_however_often_it_is_said_it_comes_to_the_same(house: MailHouse, name: str) -> None:
    fake = fake_of(house, name)
    for order in list(permutations(EVENTS[name]))[::5]:
        letter = await taken(house, name)
        for event in order:
            assert await house.bring(fake, letter, event, twice=True) == 200
        assert await status(house, letter) == "bounced"
        kept = await house.admin.fetch("select * from mail_events where delivery_id = $1", UUID(letter.delivery))
        assert len(kept) == len(EVENTS[name]), "each saying once"
        assert not any(letter.to in str(dict(row)) for row in kept), "of an address nothing is kept"


@pytest.mark.parametrize("name", list(EVENTS))
async def test_an_address_that_is_over_gets_no_mail_by_anybody_and_says_why(house: MailHouse, name: str) -> None:
    fake, chain = fake_of(house, name), await house.chain()
    for event, why in ((EVENTS[name][3], "bounced"), (COMPLAINTS[name], "complained")):
        letter = await taken(house, name)
        assert await house.bring(fake, letter, event) == 200
        assert await reason(house, letter.to) == (why, "all")
        before = house.took()
        refused = await house.sent(chain, letter.to.upper())
        assert isinstance(refused, Rejected)
        assert refused.reason.startswith("This address takes no mail")
        assert house.took() == before
    assert isinstance(await house.sent(chain, "somebody.else@example.com"), Delivered)


@pytest.mark.parametrize("name", list(EVENTS))
async def test_what_may_pass_ends_no_address(house: MailHouse, name: str) -> None:
    letter = await taken(house, name)
    await house.bring(fake_of(house, name), letter, SOFT[name])
    assert await status(house, letter) == "failed"
    assert await reason(house, letter.to) is None


@pytest.mark.parametrize("name", list(EVENTS))
async def test_what_is_not_signed_by_them_is_not_believed(house: MailHouse, name: str) -> None:
    fake, letter = fake_of(house, name), await taken(house, name)
    body, headers = fake._hook(letter, EVENTS[name][3])
    post = house.sender.http.post
    assert (await post(f"/hooks/{name}", content=body)).status_code == 401
    assert (await post(f"/hooks/{name}", content=body + b" ", headers=dict(headers))).status_code == 401
    assert await status(house, letter) == "None"
    assert await reason(house, letter.to) is None


async def test_mails_of_other_programs_and_other_news_are_taken_and_forgotten(house: MailHouse) -> None:
    letter = await taken(house, "sendgrid")
    count = "select count(*) from mail_events"
    before = await house.admin.fetchval(count)
    for delivery in ("", "order-17", str(uuid4())):
        strange = msgspec.structs.replace(letter, id=uuid4().hex, delivery=delivery)
        assert await house.bring(house.sendgrid, strange, "bounce") == 200
    assert await reason(house, letter.to) is None
    assert await house.admin.fetchval(count) == before
    assert (await house.sender.http.post("/hooks/smtp", content=b"{}")).status_code == 404


async def test_who_asked_for_no_invitations_still_gets_what_is_theirs(house: MailHouse) -> None:
    address = f"{uuid4().hex}@example.com"
    await house.admin.execute(
        "insert into mail_suppressions (address_index, reason) values ($1, 'opted_out')",
        sealed.index(house.ring, address),
    )
    letter = await taken(house, "resend", address)
    await house.bring(house.resend, letter, "email.bounced")
    assert await reason(house, address) == ("opted_out", "all"), "one ledger: the mailbox is gone for all mail"
    await house.bring(house.resend, letter, "email.complained")
    assert await reason(house, address) == ("complained", "all")


async def test_an_invitation_that_comes_back_is_told_to_its_supplier(house: MailHouse) -> None:
    business = await house.supplier()
    address = f"{uuid4().hex}@example.com"
    key = sealed.index(house.ring, address)
    invited = await house.admin.fetchval(
        """insert into invitations (supplier_id, client_id, state, mails, expires_at, sealed, token_hash, couple_index)
        values ($1, gen_random_uuid(), 'sent', 1, now() + interval '30 days', '\\x00', $2, $3) returning id""",
        UUID(business.supplier),
        uuid4().bytes * 2,
        [key],
    )
    letter = await taken(house, "sendgrid", address)
    await house.admin.execute(
        """update deliveries set type = 'invitation.sent', recipient_kind = 'address', recipient_id = $2
        where id = $1""",
        UUID(letter.delivery),
        invited,
    )
    await house.bring(house.sendgrid, letter, "bounce", twice=True)
    row = await house.admin.fetchrow("select state, reason from invitations where id = $1", invited)
    assert (row["state"], row["reason"]) == ("bounced", "bounced")
    told = await house.events(business.supplier, "invitation.ended", kind="supplier")
    assert len(told) == 1
    await house.bring(house.sendgrid, letter, "spamreport")
    assert await house.admin.fetchval("select complained_at from invitations where id = $1", invited) is not None
    assert await reason(house, address) == ("complained", "all")


async def test_what_was_said_long_ago_is_forgotten(house: MailHouse) -> None:
    letter = await taken(house, "resend")
    await house.bring(house.resend, letter, "email.delivered")
    old = "set {} = {} - interval '91 days' where delivery_id = $1"
    await house.admin.execute("update mail_events " + old.format("received_at", "received_at"), UUID(letter.delivery))
    await house.admin.execute("update mail_statuses " + old.format("at", "at"), UUID(letter.delivery))
    assert await house.admin.fetchval("select app.forget_mail_events(90)") == 1
    assert await status(house, letter) == "None"
