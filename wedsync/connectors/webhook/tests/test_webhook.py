"""Webhooks arrive signed, once, in the promised shape, and every answer of a receiver leads to the right next step."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import msgspec
import pytest
import standardwebhooks
import svix.webhooks
from hypothesis import given
from hypothesis import strategies as st

from wedsync.connections import replies, signatures
from wedsync.connections.contract import (
    Attempt,
    Connection,
    Delivered,
    Delivery,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
)
from wedsync.connections.stage import serving
from wedsync.connectors.webhook import mapper
from wedsync.connectors.webhook.answers import to_outcome
from wedsync.connectors.webhook.connector import connect
from wedsync.connectors.webhook.fake import Hooks
from wedsync.connectors.webhook.tests.staged import DELIVERY, EVENT, TENANT, Stage
from wedsync.kit import clock
from wedsync.kit.http import Reply, Timing, Wire

NOW = datetime(2026, 6, 13, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    hooks = Hooks()
    wire = Wire(allow=("127.0.0.0/8",))
    async with serving([hooks]) as address:
        yield Stage(hooks, connect(Tools(wire=wire, machine_now=clock.machine_now)), address)
    await wire.close()


def judged(status: int, **headers: str) -> Outcome:
    lower = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = Reply(status=status, headers=lower, body=b"", ending="whole", timing=Timing())
    return to_outcome(reply, Attempt(), now=NOW)


async def test_the_body_has_the_promised_shape_and_both_public_libraries_accept_the_signature(stage: Stage) -> None:
    outcome = await stage.send("shape", previous_seq=5)
    assert isinstance(outcome, Delivered)
    (received,) = stage.hooks.of("shape")
    for library in (standardwebhooks.Webhook, svix.webhooks.Webhook):
        library(stage.secret).verify(received.body, received.headers)
    assert json.loads(received.body) == {
        "type": "rsvp.replied",
        "timestamp": "2026-06-13T13:59:58.123456Z",
        "data": {
            "id": EVENT["id"],
            "scope": ["guests"],
            "subject": EVENT["subject"],
            "op": "UPDATE",
            "record": EVENT["record"],
            "old_record": EVENT["old_record"],
            "actor": EVENT["actor"],
        },
        "stream": EVENT["stream"],
        "epoch": 1,
        "sequence": 7,
        "previous_sequence": 5,
    }
    assert received.headers["webhook-id"] == EVENT["id"]
    assert received.headers["content-type"] == "application/json"
    assert outcome.attempt.status == 200
    assert outcome.attempt.address == "127.0.0.1"
    assert outcome.attempt.response_head == "ok"
    assert outcome.attempt.first_byte_ms is not None


async def test_while_a_secret_is_rotated_either_verifies(stage: Stage) -> None:
    old, new = signatures.new_secret(), signatures.new_secret()
    await stage.send("rotated", secrets=(new, old))
    (received,) = stage.hooks.of("rotated")
    for secret in (old, new):
        standardwebhooks.Webhook(secret).verify(received.body, received.headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(stage.secret).verify(received.body, received.headers)


async def test_a_repeat_has_the_same_id_and_body_and_a_replay_as_new_has_not(stage: Stage) -> None:
    for _ in range(2):
        await stage.send("repeat")
    assert [received.times for received in stage.hooks.of("repeat")] == [2]
    await stage.send("repeat", as_new=True)
    newest, first = stage.hooks.of("repeat")
    assert newest.webhook_id == str(DELIVERY)
    assert newest.body == first.body


async def test_the_receiver_of_the_sandbox_tells_good_signatures_from_bad(stage: Stage) -> None:
    stage.hooks.receiver("checked").secrets = (stage.secret,)
    await stage.send("checked")
    await stage.send("checked", secrets=(signatures.new_secret(),), as_new=True)
    bad, good = stage.hooks.of("checked")
    assert (good.verified, bad.verified, bad.problem) == (True, False, "no signature matches")


@pytest.mark.parametrize(
    ("mood", "expected"),
    [
        ("broken", RetryLater(reason="The receiver answered 500.")),
        ("down", RetryLater(reason="The receiver answered 503.")),
        ("busy", RetryLater(reason="The receiver answered 429.", after_s=2.0)),
        ("refusing", RetryLater(reason="The receiver answered 400.", tries_max=3)),
        ("duplicate", RetryLater(reason="The receiver answered 409.", tries_max=3)),
        ("early", RetryLater(reason="The receiver answered 425.")),
        ("large", RetryLater(reason="The receiver answered 413.", tries_max=3)),
        ("leaving", Delivered(disable=True)),
        ("aborting", Rejected(reason="The receiver answered 503 and asked for no repeat of this one.")),
        ("gone", Rejected(reason="The receiver answered 410: it is gone for good.", disable=True)),
    ],
)
async def test_every_mood_of_a_receiver_leads_to_the_right_next_step(
    stage: Stage, mood: str, expected: Outcome
) -> None:
    stage.hooks.receiver(mood).moods.switch(mood, times=1)
    assert msgspec.structs.replace(await stage.send(mood), attempt=Attempt()) == expected
    assert isinstance(await stage.send(mood), Delivered)


async def test_a_date_as_retry_after_is_kept_to(stage: Stage) -> None:
    stage.hooks.receiver("booked").moods.switch("booked", times=1)
    outcome = await stage.send("booked")
    assert isinstance(outcome, RetryLater)
    assert outcome.after_s == pytest.approx(90, abs=5)


async def test_a_body_without_end_is_read_to_a_cap_and_no_longer(stage: Stage) -> None:
    stage.hooks.receiver("endless").moods.switch("endless", times=1)
    outcome = await stage.send("endless")
    assert isinstance(outcome, Delivered)
    assert len(outcome.attempt.response_head) == 8192


async def test_a_body_that_trickles_is_cut_at_the_deadline_of_the_whole_call(stage: Stage) -> None:
    stage.hooks.receiver("trickling").moods.switch("trickling", times=1)
    began = clock.monotonic()
    outcome = await stage.send("trickling", timeout_s=0.7)
    assert isinstance(outcome, Delivered)
    assert 0.5 < clock.monotonic() - began < 2.5


@pytest.mark.parametrize(("mood", "says"), [("dropped", "broke off before an answer"), ("hanging", "No answer within")])
async def test_a_lost_reply_is_tried_again_and_makes_one_thing_there(stage: Stage, mood: str, says: str) -> None:
    stage.hooks.receiver(mood).moods.switch(mood, times=1)
    lost = await stage.send(mood, timeout_s=0.5)
    assert isinstance(lost, RetryLater)
    assert (says in lost.reason, lost.tries_max) == (True, None)
    assert isinstance(await stage.send(mood), Delivered)
    assert [received.times for received in stage.hooks.of(mood)] == [2]


async def test_a_redirect_is_not_followed(stage: Stage) -> None:
    stage.hooks.receiver("moved").moods.switch("moved", times=1)
    outcome = await stage.send("moved")
    assert isinstance(outcome, RetryLater)
    assert outcome.tries_max == 3
    assert "Change the endpoint's address" in outcome.reason
    assert not stage.hooks.of("elsewhere")


async def test_a_redirect_to_a_clouds_metadata_is_not_followed_either(stage: Stage) -> None:
    stage.hooks.receiver("inward").moods.switch("inward", times=1)
    outcome = await stage.send("inward")
    assert isinstance(outcome, RetryLater)
    assert (outcome.attempt.status, outcome.tries_max, outcome.attempt.address) == (307, 3, "127.0.0.1")


async def test_a_packed_body_stays_packed(stage: Stage) -> None:
    stage.hooks.receiver("swollen").moods.switch("swollen", times=1)
    outcome = await stage.send("swollen")
    assert isinstance(outcome, Delivered)
    assert len(outcome.attempt.response_head) <= 8192


async def test_an_answer_after_the_deadline_counts_as_none_and_the_repeat_has_the_same_id(stage: Stage) -> None:
    stage.hooks.receiver("late").moods.switch("slow", times=1)
    late = await stage.send("late", timeout_s=0.4)
    assert late == RetryLater(reason="No answer within 0.4 s.", is_unreachable=True, attempt=late.attempt)
    assert isinstance(await stage.send("late"), Delivered)
    assert [received.times for received in stage.hooks.of("late")] == [2]


async def test_a_burst_of_failures_passes_and_the_next_try_is_taken(stage: Stage) -> None:
    stage.hooks.receiver("burst").moods.switch("down", times=3)
    outcomes = [await stage.send("burst") for _ in range(4)]
    assert [type(outcome) for outcome in outcomes] == [RetryLater, RetryLater, RetryLater, Delivered]


async def test_without_a_secret_or_an_event_nothing_leaves(stage: Stage) -> None:
    assert isinstance(await stage.send("nothing", secrets=()), ReconnectNeeded)
    assert isinstance(await stage.send("nothing", event=None), Rejected)
    assert stage.hooks.receiver("nothing").calls == 0


async def test_an_address_inside_our_network_is_not_called_and_soon_parked() -> None:
    wire = Wire()
    connector = connect(Tools(wire=wire, machine_now=clock.machine_now))
    connection = Connection(
        id=TENANT, settings={"url": "https://127.0.0.1/hooks"}, secrets={"secret": (signatures.new_secret(),)}
    )
    delivery = Delivery(id=DELIVERY, tenant=TENANT, timeout_s=2, event=EVENT)
    outcome = await connector.deliver(delivery, connection)
    await connector.close()
    await wire.close()
    assert isinstance(outcome, RetryLater)
    assert outcome.tries_max == 3
    assert "a loopback address" in outcome.reason


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_delivered(status: int) -> None:
    assert judged(status) == Delivered()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_passes_is_retried_without_limit(status: int) -> None:
    assert judged(status) == RetryLater(reason=f"The receiver answered {status}.")
    assert judged(status, retry_after="90") == RetryLater(reason=f"The receiver answered {status}.", after_s=90.0)


@pytest.mark.parametrize("status", [300, 301, 304, 308, 400, 401, 403, 404, 405, 409, 413, 422, 451])
def test_what_hardly_passes_is_tried_thrice(status: int) -> None:
    outcome = judged(status)
    assert isinstance(outcome, RetryLater)
    assert outcome.tries_max == 3


def test_the_receivers_wishes_are_followed() -> None:
    assert judged(200, webhook_delivery="disable") == Delivered(disable=True)
    assert judged(200, webhook_delivery="abort-message") == Delivered()
    disabled = judged(500, webhook_delivery=" Disable , x")
    assert isinstance(disabled, Rejected)
    assert disabled.disable
    aborted = judged(503, webhook_delivery="abort-message")
    assert isinstance(aborted, Rejected)
    assert not aborted.disable


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("999999999999999999999", 86_400.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=30), usegmt=True), 86_400.0),
        ("Sat, 13 Jun 2026 14:01:00", 60.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, seconds: float | None) -> None:
    assert replies.retry_after_s({"retry-after": text}, now=NOW) == seconds


@given(text=st.text(max_size=60))
def test_any_retry_after_is_read_or_left_alone(text: str) -> None:
    seconds = replies.retry_after_s({"retry-after": text}, now=NOW)
    assert seconds is None or 0 <= seconds <= 86_400


@given(
    record=st.none() | st.dictionaries(st.text(max_size=8), st.text(max_size=30) | st.integers(-9, 9) | st.none()),
    scope=st.integers(0, 2047),
    previous=st.none() | st.integers(0, 2**60),
)
def test_the_mapper_keeps_everything_and_equal_events_make_equal_bytes(
    record: dict[str, Any] | None, scope: int, previous: int | None
) -> None:
    event = EVENT | {"record": record, "scope": scope}
    body = mapper.to_body(event, previous_seq=previous)
    assert body == mapper.to_body(dict(event), previous_seq=previous)
    read = json.loads(body)
    assert read["data"]["record"] == record
    assert read["previous_sequence"] == previous
    assert len(read["data"]["scope"]) == scope.bit_count()


def test_an_image_that_is_still_text_is_passed_on_as_it_is() -> None:
    event = EVENT | {"record": msgspec.Raw(b'{"b":1,"a":2}')}
    assert b'"record":{"b":1,"a":2}' in mapper.to_body(event, previous_seq=None)
