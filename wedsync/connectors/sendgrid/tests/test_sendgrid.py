"""What is peculiar to SendGrid: every line of its table, its OpenAPI, its hooks of many, and no repeat that is safe."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from tests.connectors.specs import spec
from wedsync.connections.contract import Connection, Delivered, Delivery, Outcome, RetryLater, Tools, Unknown, word
from wedsync.connections.mailing.taxonomy import QUOTA_S
from wedsync.connections.stage import serving
from wedsync.connectors.sendgrid import answers, mapper
from wedsync.connectors.sendgrid.answers import TABLE
from wedsync.connectors.sendgrid.connector import SendGrid, connect
from wedsync.connectors.sendgrid.fake import SendGrid as Fake
from wedsync.kit import clock
from wedsync.kit.http import Reply, Timing, Wire

FILE = "sendgrid_mail_v3.openapi.json"
MESSAGE: dict[str, Any] = {"to": "carla@example.com", "to_name": "Carla", "subject": "Hello", "text": "Hello.\n"}
FORBIDDEN = {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "to", "from", "subject", "reply-to"}
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
    connector: SendGrid

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
        desk.fake.refuses = (row.status, row.code or "Something about carla@example.com")
        outcome = await desk.send()
        assert word(outcome) == WORDS[row.kind], row
        assert not isinstance(outcome, Delivered)
        assert f"{row.status}" in outcome.reason and row.why in outcome.reason
        assert "carla" not in repr(outcome)
        if row.kind == "elsewhere":
            assert isinstance(outcome, RetryLater) and outcome.after_s == QUOTA_S
    for status, expected in ((599, "retry_later"), (418, "rejected"), (408, "retry_later")):
        desk.fake.refuses = (status, "nobody knows")
        assert word(await desk.send()) == expected


async def test_what_we_send_is_as_sendgrid_describes_it(desk: Desk) -> None:
    document = spec(FILE)
    await desk.send()
    full: dict[str, Any] = {
        "html": "<p>x</p>",
        "reply_to": "ana@example.com",
        "language": "de",
        "unsubscribe_url": "https://x.test/",
    }
    await desk.send(from_name="Zoë", **full)
    schema = document.request("POST", "/v3/mail/send")
    for call in desk.fake.office.calls:
        assert document.faults(schema, call.body) == []
        assert next(one["type"] for one in call.body["content"]) == "text/plain"
        assert not FORBIDDEN & {name.lower() for name in call.body["headers"]}
        assert call.body["tracking_settings"]["click_tracking"] == {"enable": False}
    desk.fake.refuses = (400, "invalid")
    assert document.faults(document.schema("ErrorResponse"), {"errors": [{"message": "invalid", "field": None}]}) == []


async def test_an_answer_that_was_lost_leaves_open_whether_a_repeat_is_a_second_mail(desk: Desk) -> None:
    desk.fake.moods.switch("lost reply", 1)
    outcome = await desk.send()
    assert isinstance(outcome, Unknown)
    assert not outcome.repeat_is_safe


def test_the_time_of_their_limit_is_a_second_of_the_clock() -> None:
    now = clock.machine_now()

    def after(text: str) -> float:
        headers = {"x-ratelimit-reset": text}
        reply = Reply(status=429, headers=headers, body=b"", ending="whole", timing=Timing())
        outcome = answers.read(reply, now=now)
        assert isinstance(outcome, RetryLater) and outcome.after_s is not None
        return outcome.after_s

    assert after(str(int(now.timestamp()) + 30)) == pytest.approx(30, abs=1)
    assert after("5") == 1.0
    assert after("soon") == after("") == answers.REST_S


def test_a_hook_of_many_is_read_in_its_order_and_what_is_nobodys_here_is_told_apart() -> None:
    id = uuid4()
    body = msgspec.json.encode(
        [
            {"event": "processed", "timestamp": 1700000000, "sg_event_id": "a", "delivery_id": str(id)},
            {
                "event": "bounce",
                "type": "blocked",
                "timestamp": 1700000001,
                "sg_event_id": "b",
                "email": "x@example.com",
            },
            {"event": "bounce", "type": "bounce", "timestamp": 1700000002, "sg_event_id": "c", "delivery_id": 7},
            {"event": "group_unsubscribe", "timestamp": 1700000003, "sg_event_id": "d"},
            {"event": "dropped", "timestamp": 1700000004, "sg_event_id": "e", "reason": "Bounced Address"},
            {"event": "delivered", "timestamp": 1700000005},
        ]
    )
    said = mapper.read(body)
    assert [(one.id, one.status, one.ends_address) for one in said] == [
        ("a", "accepted", False),
        ("b", "failed", False),
        ("c", "bounced", True),
        ("e", "suppressed", False),
    ]
    assert [one.delivery for one in said] == [id, None, None, None]
