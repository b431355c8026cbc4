"""Whatever a provider answers, it is told apart what to do: wait, connect again, give up, or ask first."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from wedsync.connections.contract import Delivered, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.connections.records.answers import Answers
from wedsync.connections.records.contract import Gone, ReadOnly
from wedsync.connectors.custom_api import answers as custom_api
from wedsync.connectors.slack import answers as slack
from wedsync.connectors.stripe import answers as stripe
from wedsync.connectors.twilio import answers as twilio
from wedsync.kit.http import Failure, Reply, Timing
from wedsync.kit.oauth import TokenError

NOW = datetime(2027, 6, 1, tzinfo=UTC)
NO_TIME = Timing(resolve_ms=0.0, first_byte_ms=0.0, total_ms=0.0, address="")
LOST = Failure(kind="timeout", reason="It took too long.", may_have_arrived=True, timing=NO_TIME)
UNSENT = Failure(kind="name", reason="There is no such name.", may_have_arrived=False, timing=NO_TIME)
TAVE = Answers("Workspace", "jobs")


class Anything(msgspec.Struct):
    """An answer that says nothing of what is asked for."""

    id: str = ""


def reply(status: int, body: Any = None, *, ending: Any = "whole", **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else msgspec.json.encode({} if body is None else body)
    return Reply(status=status, headers=headers, body=raw, ending=ending, timing=NO_TIME)


@pytest.mark.parametrize(
    ("exchange", "makes", "meant"),
    [
        (LOST, True, Unknown),
        (LOST, False, RetryLater),
        (UNSENT, True, RetryLater),
        (reply(200, {"ok": True}, ending="cut"), True, Unknown),
        (reply(200, b"{"), True, Unknown),
        (reply(200, {"ok": True}), True, Anything),
        (reply(200, {"ok": False, "error": "channel_not_found"}), True, slack.Error),
        (reply(200, {"ok": False, "error": "token_revoked"}), True, ReconnectNeeded),
        (reply(200, {"ok": False, "error": "ratelimited"}), True, RetryLater),
        (reply(429, b""), False, RetryLater),
        (reply(503, b""), False, RetryLater),
        (reply(401, b""), False, ReconnectNeeded),
        (reply(403, b""), False, ReconnectNeeded),
        (reply(404, b""), False, Rejected),
    ],
)
def test_slack(exchange: Reply | Failure, makes: bool, meant: type) -> None:
    assert type(slack.read(exchange, Anything, now=NOW, makes=makes)) is meant


@pytest.mark.parametrize(
    ("exchange", "moves", "meant"),
    [
        (LOST, True, Unknown),
        (LOST, False, RetryLater),
        (UNSENT, True, RetryLater),
        (reply(200, {"id": "ch_1"}), True, Anything),
        (reply(200, {"id": "ch_1"}, ending="cut"), True, Unknown),
        (reply(200, b"<html>"), True, Unknown),
        (reply(500), True, RetryLater),
    ],
)
def test_stripe(exchange: Reply | Failure, moves: bool, meant: type) -> None:
    assert type(stripe.read(exchange, Anything, now=NOW, moves=moves)) is meant


@pytest.mark.parametrize(
    ("exchange", "meant"),
    [
        (LOST, Unknown),
        (UNSENT, RetryLater),
        (reply(201, {"sid": "SM1"}), Delivered),
        (reply(201, {"sid": "SM1"}, ending="cut"), Unknown),
        (reply(201, b"{"), Unknown),
        (reply(503), RetryLater),
    ],
)
def test_what_twilio_says_of_a_text(exchange: Reply | Failure, meant: type) -> None:
    assert type(twilio.sent(exchange, now=NOW)) is meant


@pytest.mark.parametrize(
    ("exchange", "meant"),
    [
        (LOST, RetryLater),
        (reply(200, {"messages": [{"sid": "SM1"}]}), list),
        (reply(200, b"{"), RetryLater),
        (reply(503), RetryLater),
    ],
)
def test_what_twilio_says_of_what_was_sent(exchange: Reply | Failure, meant: type) -> None:
    assert isinstance(twilio.found(exchange, now=NOW), meant)


PAGE: Mapping[str, str] = {"content-type": "text/html"}


@pytest.mark.parametrize(
    ("exchange", "meant"),
    [
        (LOST, Unknown),
        (UNSENT, RetryLater),
        (reply(200), type(None)),
        (reply(200, b"<html>"), Unknown),
        (reply(404), Gone),
        (reply(410), Gone),
        (reply(404, b"<html>", **PAGE), RetryLater),
        (reply(403), ReadOnly),
        (reply(401), ReconnectNeeded),
        (reply(302), RetryLater),
        (reply(429), RetryLater),
        (reply(422), Rejected),
    ],
)
def test_what_a_crm_says_of_a_change(exchange: Reply | Failure, meant: type) -> None:
    assert type(TAVE.wrote(exchange, now=NOW)) is meant


@pytest.mark.parametrize(
    ("exchange", "meant"),
    [
        (LOST, RetryLater),
        (reply(200, b"{", ending="cut"), RetryLater),
        (reply(301), ReconnectNeeded),
        (reply(429), RetryLater),
        (reply(401), ReconnectNeeded),
        (reply(403), ReconnectNeeded),
        (reply(400), Rejected),
        (reply(404), Rejected),
    ],
)
def test_what_an_api_that_nobody_has_heard_of_says(exchange: Reply | Failure, meant: type) -> None:
    assert type(custom_api.trouble(exchange, now=NOW)) is meant


@pytest.mark.parametrize(("is_passing", "meant"), [(True, RetryLater), (False, ReconnectNeeded)])
def test_no_token_is_waited_for_or_asked_of_people(is_passing: bool, meant: type) -> None:
    assert type(custom_api.untold(TokenError("No token.", is_passing=is_passing))) is meant
