"""The receiver learns who sends: own headers, keys and tokens arrive, a token is fetched once, and nothing leaks."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from wedsync.connections.contract import Delivered, ReconnectNeeded, RetryLater, Tools
from wedsync.connections.stage import serving
from wedsync.connectors.webhook.connector import connect
from wedsync.connectors.webhook.fake import Hooks, Receiver
from wedsync.connectors.webhook.tests.staged import Stage
from wedsync.kit import clock
from wedsync.kit.credentials import Credentials
from wedsync.kit.http import Wire
from wedsync.kit.oauth import Grant, TokenError, Tokens

SECRET = "s3cr:t & more"


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    hooks = Hooks()
    wire = Wire(allow=("127.0.0.0/8",))
    async with serving([hooks]) as address:
        yield Stage(hooks, connect(Tools(wire=wire, machine_now=clock.machine_now)), address)
    await wire.close()


@pytest.fixture
def guarded(stage: Stage) -> Iterator[Receiver]:
    """A receiver that takes only requests with its token server's newest token."""
    receiver = stage.hooks.receiver(f"guarded-{uuid4().hex[:8]}")
    receiver.tokens.client = ("wedsync", SECRET)
    yield receiver
    receiver.tokens.moods.switch("fine")


def client_credentials(stage: Stage, receiver: Receiver, **more: str) -> Credentials:
    auth = {
        "token_url": f"{stage.address}/oauth/{receiver.name}/token",
        "client_id": "wedsync",
        "client_secret": SECRET,
        "client_auth": "basic",
    }
    return Credentials(kind="oauth2", auth=auth | more)


@pytest.mark.parametrize(
    ("held", "arrives"),
    [
        (Credentials(headers={"x-tenant": "acme"}), {"x-tenant": "acme"}),
        (Credentials(kind="api_key", auth={"header": "X-Api-Key", "value": "k-1234567"}), {"x-api-key": "k-1234567"}),
        (
            Credentials(kind="basic", auth={"username": "ana", "password": "wörd:1"}),
            {"authorization": f"Basic {b64encode('ana:wörd:1'.encode()).decode()}"},
        ),
        (
            Credentials(kind="bearer", auth={"token": "t-1234567"}, headers={"x-tenant": "acme"}),
            {"authorization": "Bearer t-1234567", "x-tenant": "acme"},
        ),
    ],
)
async def test_what_was_set_arrives_and_the_log_does_not_have_it(
    stage: Stage, held: Credentials, arrives: dict[str, str]
) -> None:
    name = f"{held.kind}-proof"
    outcome = await stage.send(name, held=held)
    assert isinstance(outcome, Delivered)
    (received,) = stage.hooks.of(name)
    assert arrives.items() <= received.headers.items()
    assert received.headers["webhook-signature"].startswith("v1,")
    logged = outcome.attempt.request_headers
    assert not [value for value in arrives.values() if value in logged.values()]
    assert set(held.secrets) <= set(outcome.attempt.masked)


async def test_own_headers_never_take_the_place_of_ours(stage: Stage) -> None:
    """The door refuses such names; were one held all the same, ours is what arrives."""
    await stage.send("ours", held=Credentials(headers={"webhook-id": "theirs", "content-type": "text/html"}))
    (received,) = stage.hooks.of("ours")
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"] != "theirs"


@pytest.mark.parametrize("client_auth", ["basic", "body"])
async def test_a_token_is_fetched_once_and_used_until_it_is_over(
    stage: Stage, guarded: Receiver, client_auth: str
) -> None:
    held = client_credentials(stage, guarded, client_auth=client_auth, scope="hooks", audience="https://a.test")
    for _ in range(3):
        assert isinstance(await stage.send(guarded.name, held=held), Delivered)
    (asked,) = guarded.tokens.asked
    assert (asked["scope"], asked["audience"]) == ("hooks", "https://a.test")
    assert ("client_secret" in asked) == (client_auth == "body")


async def test_many_at_once_make_one_fetch_and_other_endpoints_make_their_own(stage: Stage, guarded: Receiver) -> None:
    held = client_credentials(stage, guarded)
    outcomes = await asyncio.gather(*(stage.send(guarded.name, held=held) for _ in range(12)))
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert len(guarded.tokens.asked) == 1
    await stage.send(guarded.name, held=held, endpoint=uuid4())
    assert len(guarded.tokens.asked) == 2


async def test_a_token_shortly_before_its_end_is_not_used_again(stage: Stage, guarded: Receiver) -> None:
    guarded.tokens.life_s = 0
    held = client_credentials(stage, guarded)
    for _ in range(2):
        assert isinstance(await stage.send(guarded.name, held=held), Delivered)
    assert len(guarded.tokens.asked) == 2


async def test_another_client_secret_is_another_token_at_once(stage: Stage, guarded: Receiver) -> None:
    await stage.send(guarded.name, held=client_credentials(stage, guarded))
    outcome = await stage.send(guarded.name, held=client_credentials(stage, guarded, client_secret="another-one"))
    assert isinstance(outcome, RetryLater)
    assert outcome.reason == "The token server answered 401: invalid_client."


async def test_a_token_that_was_revoked_is_asked_for_anew_once(stage: Stage, guarded: Receiver) -> None:
    held = client_credentials(stage, guarded)
    await stage.send(guarded.name, held=held)
    guarded.tokens.current = "revoked"
    outcomes = await asyncio.gather(*(stage.send(guarded.name, held=held) for _ in range(5)))
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert len(guarded.tokens.asked) == 2
    guarded.tokens.client = ("wedsync", SECRET)
    before = guarded.calls
    receiver = stage.hooks.receiver(f"{guarded.name}-never")
    receiver.tokens.client = ("nobody", "known")
    other = uuid4()
    for calls in (2, 3):
        refused = await stage.send(receiver.name, held=held, endpoint=other)
        assert isinstance(refused, RetryLater)
        assert (refused.attempt.status, refused.tries_max) == (401, 3), "after one fresh token a 401 is an answer"
        assert (receiver.calls, guarded.calls, len(guarded.tokens.asked)) == (calls, before, 4), "once a minute"


async def test_a_token_server_that_refuses_is_not_asked_by_every_delivery(stage: Stage, guarded: Receiver) -> None:
    wire, now = Wire(allow=("127.0.0.0/8",)), [1_000.0]
    tokens = Tokens(wire, monotonic=lambda: now[0])
    grant = msgspec.convert(client_credentials(stage, guarded).typed, type=Grant)
    guarded.tokens.moods.switch("refusing")
    for waited, asked in ((0.0, 1), (29.0, 1), (1.5, 2), (59.0, 2), (1.5, 3), (59.0, 3), (1.5, 4)):
        now[0] += waited
        with pytest.raises(TokenError, match="answered 401: invalid_client"):
            await tokens.get("one", grant, timeout_s=5.0)
        assert len(guarded.tokens.asked) == asked
    mended = msgspec.structs.replace(grant, scope="mended")
    guarded.tokens.moods.switch("fine")
    first = await tokens.get("one", mended, timeout_s=5.0)
    assert len(guarded.tokens.asked) == 5, "another grant is asked for at once"
    second = await tokens.get("one", mended, timeout_s=5.0, refused=first)
    for waited, asked in ((0.0, 6), (58.0, 6), (3.0, 7)):
        now[0] += waited
        third = await tokens.get("one", mended, timeout_s=5.0, refused=second)
        assert len(guarded.tokens.asked) == asked
    assert len({first, second, third}) == 3
    await wire.close()


@pytest.mark.parametrize(
    ("mood", "reason", "ladder"),
    [
        ("down", "The token server answered 503.", None),
        ("refusing", "The token server answered 401: invalid_client.", 3),
        ("odd", "The token server answered 200, but with no token in it.", 3),
        ("hanging", "The token server gave no token", None),
    ],
)
async def test_a_token_server_that_fails_is_told_as_what_it_is(
    stage: Stage, guarded: Receiver, mood: str, reason: str, ladder: int | None
) -> None:
    guarded.tokens.moods.switch(mood)
    outcome = await stage.send(guarded.name, held=client_credentials(stage, guarded), timeout_s=0.6)
    assert isinstance(outcome, RetryLater)
    assert outcome.reason.startswith(reason)
    assert (outcome.tries_max, outcome.is_ours, outcome.is_unasked) == (ladder, False, True)
    assert outcome.attempt.status is None
    assert guarded.calls == 0
    assert SECRET not in outcome.reason


async def test_a_token_server_inside_our_network_is_not_called(stage: Stage, guarded: Receiver) -> None:
    held = client_credentials(stage, guarded, token_url="https://169.254.169.254/token")
    outcome = await stage.send(guarded.name, held=held)
    assert isinstance(outcome, RetryLater)
    assert outcome.tries_max == 3
    assert "a link-local address" in outcome.reason
    assert "WEDSYNC_EGRESS_ALLOW" in outcome.reason


async def test_an_expired_certificate_parks_the_endpoint_before_anything_is_sent(stage: Stage) -> None:
    over = clock.machine_now() - timedelta(days=1)
    held = Credentials(kind="mtls", auth={"pem": "", "expires_at": over.isoformat()})
    outcome = await stage.send("expired", held=held)
    assert isinstance(outcome, ReconnectNeeded)
    assert outcome.reason == f"The client certificate expired on {over:%Y-%m-%d}. Set one that is valid."
    assert stage.hooks.receiver("expired").calls == 0


def test_nothing_that_proves_us_is_in_a_representation() -> None:
    held = Credentials(kind="bearer", auth={"token": "t-1234567"}, headers={"x-tenant": "acme-secret"})
    shown: list[Any] = [held, UUID(int=0)]
    assert not [secret for secret in held.secrets if secret in repr(shown)]
