"""What is peculiar to Resend: every line of its table, its OpenAPI, its idempotency keys, and its unsure shapes."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from tests.connectors.specs import spec
from wedsync.connections.contract import Connection, Delivered, Delivery, Outcome, Rejected, RetryLater, Tools, word
from wedsync.connections.mailing.taxonomy import QUOTA_S
from wedsync.connections.stage import serving
from wedsync.connectors.resend import mapper
from wedsync.connectors.resend.answers import TABLE
from wedsync.connectors.resend.connector import Resend, connect
from wedsync.connectors.resend.fake import Resend as Fake
from wedsync.kit import clock
from wedsync.kit.http import Wire

FILE = "resend.openapi.json"
MESSAGE: dict[str, Any] = {"to": "carla@example.com", "to_name": "Carla", "subject": "Hello", "text": "Hello.\n"}
WORDS = {
    "wait": "retry_later",
    "retry": "retry_later",
    "elsewhere": "retry_later",
    "config": "reconnect_needed",
    "permanent": "rejected",
    "unknown": "unknown",
}


class Desk(msgspec.Struct):
    """The connector and its fake."""

    fake: Fake
    connector: Resend

    async def send(self, id: UUID | None = None, **changes: Any) -> Outcome:
        delivery = Delivery(id=id or uuid4(), tenant=uuid4(), timeout_s=5, message=MESSAGE | changes)
        return await self.connector.deliver(delivery, Connection(id=uuid4()))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    fake, wire = Fake(), Wire()
    try:
        async with serving([fake]) as at:
            settings = {"mail_from": "WedSync <no-reply@wedsync.example>"} | dict(fake.settings_at(at))
            yield Desk(fake, connect(Tools(wire=wire, machine_now=clock.machine_now, settings=settings)))
    finally:
        await wire.close()


async def test_every_line_of_the_table_leads_where_it_says(desk: Desk) -> None:
    for row in TABLE:
        desk.fake.refuses = (row.status, row.code or "something_new")
        outcome = await desk.send()
        assert word(outcome) == WORDS[row.kind], row
        assert not isinstance(outcome, Delivered)
        assert f"{row.status}" in outcome.reason and row.why in outcome.reason
        if row.kind == "elsewhere":
            assert isinstance(outcome, RetryLater) and outcome.after_s == QUOTA_S
    for status, expected in ((502, "retry_later"), (418, "rejected"), (408, "retry_later")):
        desk.fake.refuses = (status, "nobody_knows")
        assert word(await desk.send()) == expected


async def test_what_we_send_and_what_the_fake_answers_is_as_resend_describes_it(desk: Desk) -> None:
    document = spec(FILE)
    await desk.send()
    full: dict[str, Any] = {
        "html": "<p>x</p>",
        "reply_to": "ana@example.com",
        "language": "de",
        "unsubscribe_url": "https://x.test/",
    }
    await desk.send(from_name="Zoë", **full)
    schema = document.request("POST", "/emails")
    for call in desk.fake.office.calls:
        assert document.faults(schema, call.body) == []
        assert 1 <= len(call.key) <= 256
    letter = desk.fake.office.to()[0]
    assert document.faults(document.schema("SendEmailResponse"), {"id": letter.id}) == []
    names = {"email.delivered": "Delivered", "email.bounced": "Bounced", "email.complained": "Complained"}
    for event, name in names.items():
        body, _ = desk.fake._hook(letter, event)
        assert document.faults(document.schema(f"Email{name}Event"), msgspec.json.decode(body)) == []


async def test_the_same_delivery_is_the_same_mail_and_another_text_under_its_key_is_refused(desk: Desk) -> None:
    id = uuid4()
    assert isinstance(await desk.send(id), Delivered)
    assert isinstance(await desk.send(id), Delivered)
    (letter,) = desk.fake.office.to()
    assert letter.times == 2
    assert isinstance(await desk.send(id, text="Another."), Rejected)


async def test_a_key_that_may_only_send_is_a_good_key(desk: Desk) -> None:
    desk.fake.is_restricted = True
    assert isinstance(await desk.connector.probe(timeout_s=5), Delivered)


def hook(**data: Any) -> bytes:
    return msgspec.json.encode({"type": "email.bounced", "created_at": "2026-11-21T10:00:00.000Z", "data": data})


def test_shapes_that_their_specification_and_their_library_disagree_on_are_both_read() -> None:
    id = uuid4()
    for tags in ({"delivery_id": str(id)}, [{"name": "delivery_id", "value": str(id)}]):
        for to in ("a@example.com", ["A <a@example.com>"]):
            (said,) = mapper.read(hook(to=to, tags=tags, bounce={"type": "Permanent", "subType": "NoEmail"}), "m1")
            assert (said.delivery, said.address, said.ends_address) == (id, "a@example.com", True)
    for kind in ("Transient", "Temporary", "Undetermined", ""):
        (said,) = mapper.read(hook(to="a@example.com", bounce={"type": kind, "diagnosticCode": "text"}), "m1")
        assert (said.status, said.ends_address, said.delivery) == ("failed", False, None)
    (said,) = mapper.read(hook(to=["a@example.com", "b@example.com"], bounce={"type": "Permanent"}), "m1")
    assert said.address == ""
    contact = msgspec.json.encode(
        {"type": "contact.created", "created_at": "2026-11-21T10:00:00Z", "data": {"id": "x"}}
    )
    assert mapper.read(contact, "m2") == ()
