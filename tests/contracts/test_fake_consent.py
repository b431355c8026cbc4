"""The sandbox's consent is as strict as a provider's: what a client does wrong fails here before it fails there."""

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import pytest
from axe_playwright_python.async_playwright import Axe
from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler
from playwright.async_api import async_playwright

from tests.chromium import LAUNCH
from wedsync.connections import stage
from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET
from wedsync.connections.fake_consent import Consent
from wedsync.kit.http import Failure, Reply, Wire

BACK = "http://127.0.0.1:9/back?kept=1"
VERIFIER = "v" * 50
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "client_id": CLIENT_ID,
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": "calendar profile",
    "state": "s-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
SWAP = {
    "grant_type": "authorization_code",
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "redirect_uri": BACK,
    "code_verifier": VERIFIER,
}


class Provider:
    """A fake that has a consent and one door behind it."""

    title = "Acme calendars"

    def __init__(self, **given: Any) -> None:
        accounts = {"carla@sandbox.example": "Carla", "dario@sandbox.example": "Dario"}
        scopes = {"calendar": "See and change your calendars", "profile": "See who you are", "offline": "Stay"}
        self.consent = Consent("/acme/oauth", self.title, accounts=accounts, scopes=scopes, **given)

        @get("/acme/me")
        async def me(request: "Request[Any, Any, Any]") -> Response[dict[str, str]]:
            account = self.consent.account_of(request)
            return Response({"account": account} if account else {}, status_code=200 if account else 401)

        self.routes: Sequence[ControllerRouterHandler] = [*self.consent.routes, me]

    @property
    def address(self) -> str:
        return "/acme"

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Client:
    """A program that wants in."""

    def __init__(self, consent: Consent, wire: Wire, address: str) -> None:
        self.consent = consent
        self._wire = wire
        self.address = address

    async def _ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        reply = await self._wire.request(method, self.address + path, headers=headers, body=body)
        assert isinstance(reply, Reply)
        return reply

    async def authorize(self, **changes: str) -> Reply:
        return await self._ask("GET", f"/acme/oauth/authorize?{urlencode({**ASKED, 'auto': '1', **changes})}")

    async def back(self, **changes: str) -> dict[str, str]:
        reply = await self.authorize(**changes)
        assert reply.status == 303, reply.body
        assert reply.headers["location"].startswith(BACK + "&")
        return dict(parse_qsl(urlsplit(reply.headers["location"]).query))

    async def token(self, *, authorization: str = "", **fields: str) -> tuple[int, dict[str, Any]]:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        headers |= {"authorization": authorization} if authorization else {}
        reply = await self._ask("POST", "/acme/oauth/token", urlencode(fields).encode(), **headers)
        return reply.status, msgspec.json.decode(reply.body)

    async def connected(self, **changes: str) -> dict[str, Any]:
        status, told = await self.token(**SWAP, code=(await self.back(**changes))["code"])
        assert status == 200, told
        return told

    async def refreshed(self, token: str, **changes: str) -> tuple[int, dict[str, Any]]:
        given = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": token}
        return await self.token(**{**given, "grant_type": "refresh_token", **changes})

    async def me(self, token: str) -> str | None:
        reply = await self._ask("GET", "/acme/me", authorization=f"Bearer {token}")
        return msgspec.json.decode(reply.body).get("account") if reply.status == 200 else None

    async def revoke(self, token: str) -> int:
        body, kind = urlencode({"token": token}).encode(), "application/x-www-form-urlencoded"
        return (await self._ask("POST", "/acme/oauth/revoke", body, **{"content-type": kind})).status


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    provider, wire = Provider(), Wire(allow=("127.0.0.0/8",))
    async with stage.serving([provider]) as address:
        yield Client(provider.consent, wire, address)
    await wire.close()


async def test_a_code_becomes_tokens_that_know_their_account(client: Client) -> None:
    told = await client.back(auto="dario@sandbox.example")
    assert (told["state"], told["kept"]) == ("s-1", "1")
    status, tokens = await client.token(**SWAP, code=told["code"])
    assert status == 200
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 3600, "calendar profile")
    assert await client.me(tokens["access_token"]) == "dario@sandbox.example"
    before = client.consent.refreshes
    status, again = await client.refreshed(tokens["refresh_token"])
    assert (status, client.consent.refreshes - before) == (200, 1)
    assert "refresh_token" not in again
    assert await client.me(again["access_token"]) == "dario@sandbox.example"
    assert await client.me("access-made-up") is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"auto": "deny"}, "access_denied"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
        ({"scope": "calendar everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"auto": "", "prompt": "none"}, "interaction_required"),
    ],
)
async def test_what_is_asked_wrongly_is_told_to_who_asked(client: Client, changes: dict[str, str], error: str) -> None:
    told = await client.back(**changes)
    assert told["error"] == error
    assert "code" not in told


@pytest.mark.parametrize("changes", [{"client_id": "who"}, {"redirect_uri": "/back"}, {"redirect_uri": BACK + "#a"}])
async def test_nobody_is_sent_to_an_address_that_cannot_be_trusted(client: Client, changes: dict[str, str]) -> None:
    reply = await client.authorize(**changes)
    assert reply.status == 400
    assert b"Something is wrong" in reply.body


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 50}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:9/back"}, "invalid_grant"),
        ({"code": "code-made-up"}, "invalid_grant"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "who"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_a_code_is_given_nothing_for_without_its_proof(
    client: Client, changes: dict[str, str], error: str
) -> None:
    code = (await client.back())["code"]
    status, told = await client.token(**{**SWAP, "code": code, **changes})
    assert (status, told["error"]) == (401 if error == "invalid_client" else 400, error)


async def test_a_client_may_show_its_secret_in_the_header(client: Client) -> None:
    code = (await client.back())["code"]
    fields = {name: value for name, value in SWAP.items() if not name.startswith("client")}
    basic = "Basic " + b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    assert (await client.token(**fields, code=code, authorization=basic))[0] == 200
    assert (await client.token(**fields, code=code, authorization="Basic ***"))[0] == 401


async def test_a_code_used_twice_ends_what_it_gave(client: Client) -> None:
    code = (await client.back())["code"]
    _, tokens = await client.token(**SWAP, code=code)
    assert (await client.token(**SWAP, code=code))[1]["error"] == "invalid_grant"
    assert await client.me(tokens["access_token"]) is None
    assert (await client.refreshed(tokens["refresh_token"]))[1]["error"] == "invalid_grant"


async def test_a_rotated_refresh_token_used_again_ends_the_grant(client: Client) -> None:
    client.consent.grants.rotates = True
    try:
        first = (await client.connected())["refresh_token"]
        _, again = await client.refreshed(first)
        assert again["refresh_token"] != first
        assert (await client.refreshed(first))[1]["error"] == "invalid_grant"
        assert await client.me(again["access_token"]) is None
        assert (await client.refreshed(again["refresh_token"]))[1]["error"] == "invalid_grant"
    finally:
        client.consent.grants.rotates = False


async def test_access_ends_by_time_by_revoking_and_by_the_persons_will(client: Client) -> None:
    client.consent.grants.life_s = 0.0
    short = await client.connected()
    client.consent.grants.life_s = 3600.0
    assert await client.me(short["access_token"]) is None
    _, fresh = await client.refreshed(short["refresh_token"])
    assert await client.me(fresh["access_token"]) is not None
    client.consent.grants.expire()
    assert await client.me(fresh["access_token"]) is None
    assert (await client.refreshed(short["refresh_token"], scope="calendar"))[1]["scope"] == "calendar"
    assert (await client.refreshed(short["refresh_token"], scope="offline"))[1]["error"] == "invalid_scope"
    assert await client.revoke(short["refresh_token"]) == 200
    assert await client.revoke("refresh-made-up") == 200
    assert await client.revoke("") == 400
    assert (await client.refreshed(short["refresh_token"]))[1]["error"] == "invalid_grant"
    issued = client.consent.issue("eve@sandbox.example")
    assert await client.me(issued.access) == "eve@sandbox.example"
    client.consent.grants.end_of("eve@sandbox.example")
    assert await client.me(issued.access) is None


async def test_moods_are_as_providers_are_on_bad_days(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wedsync.connections.fake_consent.SLOW_S", 0.0)
    tokens = await client.connected()
    moods, refresh = client.consent.moods, tokens["refresh_token"]
    for mood, status in (("slow", 200), ("429", 429), ("5xx", 503), ("odd", 200)):
        moods.switch(mood, 1)
        told = await client.refreshed(refresh)
        assert told[0] == status
        assert ("access_token" in told[1]) == (mood == "slow")
    moods.switch("dead token")
    assert await client.me(tokens["access_token"]) is None
    assert (await client.refreshed(refresh))[1]["error"] == "invalid_grant"
    moods.switch("fewer scopes", 1)
    assert (await client.connected())["scope"] == "calendar"
    assert (await client.connected())["scope"] == "calendar profile"


async def test_a_lost_reply_has_refreshed_all_the_same(client: Client) -> None:
    refresh, before = (await client.connected())["refresh_token"], client.consent.refreshes
    client.consent.moods.switch("lost reply", 1)
    wire = Wire(allow=("127.0.0.0/8",))
    body = urlencode({**SWAP, "grant_type": "refresh_token", "refresh_token": refresh}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    lost = await wire.request("POST", client.address + "/acme/oauth/token", headers=headers, body=body)
    await wire.close()
    assert isinstance(lost, Failure)
    assert client.consent.refreshes == before + 1


async def test_without_asking_to_stay_there_is_nothing_to_refresh_with(client: Client) -> None:
    try:
        client.consent.offline = ("access_type", "offline")
        assert "refresh_token" not in await client.connected()
        assert "refresh_token" in await client.connected(access_type="offline")
        client.consent.offline = ("scope", "offline")
        assert "refresh_token" not in await client.connected()
        assert "refresh_token" in await client.connected(scope="calendar offline")
    finally:
        client.consent.offline = None


@pytest.mark.browser
async def test_a_person_chooses_an_account_and_allows_or_not(client: Client) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**LAUNCH)
        page = await browser.new_page(viewport={"width": 390, "height": 844}, java_script_enabled=False)
        home = f"{client.address}/healthz-not-there?kept=1"
        address = f"{client.address}/acme/oauth/authorize?{urlencode({**ASKED, 'redirect_uri': home})}"
        await page.goto(address + "&login_hint=dario@sandbox.example")
        assert await page.get_by_text("See and change your calendars").is_visible()
        assert await page.get_by_role("radio", name="Dario").is_checked()
        await page.get_by_role("radio", name="Carla").check()
        await page.get_by_role("button", name="Allow", exact=True).click()
        code = dict(parse_qsl(urlsplit(page.url).query))["code"]
        _, tokens = await client.token(**{**SWAP, "code": code, "redirect_uri": home})
        assert await client.me(tokens["access_token"]) == "carla@sandbox.example"
        await page.goto(address)
        await page.get_by_role("button", name="Do not allow").click()
        assert "error=access_denied" in page.url
        seeing = await browser.new_page(viewport={"width": 390, "height": 844})
        await seeing.goto(address)
        assert await seeing.evaluate("document.documentElement.scrollWidth") <= 390
        assert not (await Axe().run(seeing)).response["violations"]
        await browser.close()
