"""What providers' sign-ins may answer: every refusal means one thing, and no answer brings in what is no token."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from wedsync.connections.accounts import grants
from wedsync.connections.accounts.grants import Client, Tokens
from wedsync.connections.contract import ReconnectNeeded, RetryLater
from wedsync.kit.http import Failure, Kind, Reply, Timing, Wire
from wedsync.kit.oauth import LIFE_UNSAID_S, TOKEN_CHARACTERS_MAX

NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)
CLIENT = Client(
    client_id="wed:sync",
    client_secret="tulip",
    authorize_url="https://sign.example/authorize?tenant=common",
    token_url="https://sign.example/token",
    revoke_url="https://sign.example/revoke",
    client_auth="post",
    scopes=("openid", "https://graph.example/Calendars.ReadWrite", "User.Read"),
    parameters={"prompt": "consent"},
)
GOOD = {"access_token": "a1", "refresh_token": "r1", "expires_in": 3600}


class Script(Wire):
    """Gives one answer, and keeps what was asked."""

    def __init__(self, answer: Reply | Failure) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[tuple[str, dict[str, Any], dict[str, list[str]]]] = []

    async def request(self, method: str, url: str, **how: Any) -> Reply | Failure:
        self.asked.append((url, how["headers"], parse_qs(how["body"].decode())))
        return self.answer


def reply(status: int, said: Any = b"") -> Reply:
    body = said if isinstance(said, bytes) else msgspec.json.encode(said)
    return Reply(status=status, headers={}, body=body, ending="whole", timing=Timing())


def failure(kind: Kind) -> Failure:
    return Failure(kind=kind, reason=f"It is {kind}.", may_have_arrived=True, timing=Timing())


async def refreshed(answer: Reply | Failure, client: Client = CLIENT) -> Any:
    return await grants.refresh(Script(answer), client, refresh_token="r0", now=NOW)


@pytest.mark.parametrize("said", grants.ENDED)
@pytest.mark.parametrize("status", [400, 401, 403])
async def test_what_only_a_person_can_mend_asks_for_one(status: int, said: str) -> None:
    found = await refreshed(reply(status, {"error": said}))
    assert isinstance(found, ReconnectNeeded)
    assert said in found.reason


@pytest.mark.parametrize(
    ("answer", "is_ours", "is_unreachable"),
    [
        (reply(400, {"error": "invalid_client"}), True, False),
        (reply(401, {"error": "unauthorized_client"}), True, False),
        (reply(400, {"error": "invalid_request"}), False, False),
        (reply(400, {"error": ["invalid_grant"]}), False, False),
        (reply(400, b"<html>"), False, False),
        (reply(400, b'"invalid_grant"'), False, False),
        (reply(429, {"error": "invalid_grant"}), False, False),
        (reply(503, b"\xff"), False, False),
        (reply(302), False, False),
        (failure("timeout"), False, True),
        (failure("connect"), False, True),
    ],
)
async def test_what_may_pass_is_tried_later(answer: Reply | Failure, is_ours: bool, is_unreachable: bool) -> None:
    found = await refreshed(answer)
    assert isinstance(found, RetryLater)
    assert (found.is_ours, found.is_unreachable) == (is_ours, is_unreachable)
    assert "tulip" not in found.reason and "r0" not in found.reason


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"access_token": ""},
        {"access_token": 5},
        {"access_token": "a b"},
        {"access_token": "a\n"},
        {"access_token": "é"},
        {"access_token": "x" * (TOKEN_CHARACTERS_MAX + 1)},
        {"access_token": "a1", "refresh_token": "r\n"},
        {"access_token": "a1", "refresh_token": ["r1"]},
        [GOOD],
    ],
)
async def test_a_token_that_cannot_be_used_is_none(said: Any) -> None:
    found = await refreshed(reply(200, said))
    assert isinstance(found, RetryLater)
    assert "without a token" in found.reason


@pytest.mark.parametrize(
    ("said", "life_s"),
    [
        (3600, 3600),
        (59.5, 59.5),
        (0, 0),
        ("1800", 1800),
        ("½", LIFE_UNSAID_S),
        ("soon", LIFE_UNSAID_S),
        (-1, LIFE_UNSAID_S),
        (10**12, LIFE_UNSAID_S),
        (True, LIFE_UNSAID_S),
        (None, LIFE_UNSAID_S),
    ],
)
async def test_how_long_a_token_lives_is_read_however_it_is_written(said: Any, life_s: float) -> None:
    found = await refreshed(reply(200, {"access_token": "a1", "expires_in": said}))
    assert found == Tokens(access_token="a1", refresh_token="", expires_at=NOW + timedelta(seconds=life_s))
    assert "a1" not in repr(found)


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("Calendars.ReadWrite user.read", ()),
        ("https://graph.example/User.Read", ("https://graph.example/Calendars.ReadWrite",)),
        ("none", ("https://graph.example/Calendars.ReadWrite", "User.Read")),
        ("", ()),
        (["User.Read"], ()),
    ],
)
async def test_scopes_that_were_unticked_are_told(said: Any, missing: tuple[str, ...]) -> None:
    assert (await refreshed(reply(200, {**GOOD, "scope": said}))).missing == missing


async def test_the_client_proves_itself_as_the_provider_wants_it() -> None:
    for auth, secret in (("basic", "tu/lip"), ("basic", ""), ("post", "tu/lip")):
        wire = Script(reply(200, GOOD))
        client = msgspec.structs.replace(CLIENT, client_auth=auth, client_secret=secret)
        given = {"code": "c", "verifier": "v", "redirect_uri": "https://us.example/back"}
        assert isinstance(await grants.exchange(wire, client, **given, now=NOW), Tokens)
        ((url, headers, fields),) = wire.asked
        assert (url, fields["code_verifier"], fields["grant_type"]) == (CLIENT.token_url, ["v"], ["authorization_code"])
        if auth == "basic" and secret:
            assert b64decode(headers["authorization"].removeprefix("Basic ")) == b"wed%3Async:tu%2Flip"
            assert "client_secret" not in fields
        else:
            assert "authorization" not in headers
            assert (fields["client_id"], fields.get("client_secret", [""])) == (["wed:sync"], [secret])
        assert "lip" not in repr(client)


@pytest.mark.parametrize(
    ("answer", "is_done"),
    [(reply(200), True), (reply(204), True), (reply(400), False), (reply(503), False), (failure("timeout"), False)],
)
async def test_a_token_has_ended_only_where_the_provider_says_so(answer: Reply | Failure, is_done: bool) -> None:
    wire = Script(answer)
    assert await grants.revoke(wire, CLIENT, token="r0") is is_done
    assert wire.asked[0][0] == CLIENT.revoke_url
    nowhere = Script(answer)
    assert not await grants.revoke(nowhere, msgspec.structs.replace(CLIENT, revoke_url=""), token="r0")
    assert nowhere.asked == []


@pytest.mark.parametrize(("at", "joint"), [("https://sign.example/a", "?"), ("https://sign.example/a?tenant=x", "&")])
def test_the_address_to_say_yes_at_keeps_what_it_says_itself(at: str, joint: str) -> None:
    client = msgspec.structs.replace(CLIENT, authorize_url=at)
    url = grants.authorize_url(client, state="s", verifier="v", redirect_uri="https://us.example/back")
    assert url.startswith(f"{at}{joint}prompt=consent&")
    assert "code_challenge_method=S256" in url and "verifier" not in url
