"""Headers and authentication of endpoints through the door: what may be set, what is never shown, what arrives."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio
from msgspec.structs import replace

from tests.contracts.certificates import Certificates
from tests.contracts.town import Somebody, Town, built
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connections.host import open_host
from wedsync.connections.stage import serving
from wedsync.connectors.webhook.fake import Hooks
from wedsync.events import breakers
from wedsync.events.jobs import Job, Queue
from wedsync.events.retry import Outcome
from wedsync.kit import credentials
from wedsync.kit.config import LOOPBACK, Settings
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.http import Wire
from wedsync.processes import senders
from wedsync.subscriptions import vetting

URL = "https://example.com/hook"
HOOK = {"url": URL, "events": ["wedding.*"]}
OAUTH = {
    "kind": "oauth2",
    "token_url": "https://login.example.com/token",
    "client_id": "us",
    "client_secret": "cs-secret",
}
LEASED = """update jobs set lease_token = uuidv7(), lease_until = clock_timestamp() + interval '1 minute', attempt = 1
    where destination_id = $1
    returning id, kind, name, lane, tenant_id, destination_id, made_at, event_id, args, attempt, live_until,
    expires_at, lease_token, false as is_ordered"""


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    """As in production: nothing is opened."""
    async with built(database, postgres, msgspec.structs.replace(settings, egress_allow=())) as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def play(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    """Where the operator opened loopback."""
    async with built(database, postgres, msgspec.structs.replace(settings, egress_allow=LOOPBACK)) as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def service(database: Database) -> AsyncIterator[Door]:
    pool = await connect_pool(database.service, size=1, application="tests")
    yield Door(pool)
    await pool.close()


@pytest_asyncio.fixture
async def ana(town: Town) -> Somebody:
    return await town.person()


@pytest_asyncio.fixture
async def path(town: Town, ana: Somebody) -> str:
    return f"/api/v1/weddings/{await town.wedding(ana)}/endpoints"


async def refusal(who: Somebody, method: str, path: str, body: dict[str, Any]) -> tuple[str, str]:
    """(field, all that was said) of a 422."""
    problem = await who.got(method, path, body, code=422)
    (error,) = problem["errors"]
    return error["field"], f"{problem['detail']} {error['reason']} {error['fix']}"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Host",
            "content-length",
            "Content-Type",
            "webhook-id",
            "WEBHOOK-SIGNATURE",
            "svix-id",
            "cookie",
            "connection",
        ),
        *("forwarded", "x-forwarded-for", "X-Forwarded-Host", "proxy-authorization", "sec-fetch-site", "te", "upgrade"),
        *("transfer-encoding", "expect", "via", "trailer", "keep-alive", "accept-encoding", "metadata-flavor"),
        *("x-aws-ec2-metadata-token", "x-real-ip", "authorization", "x tenant", "x:tenant", "", "é", "x" * 65),
    ],
)
async def test_a_header_that_is_not_theirs_to_set_is_refused(ana: Somebody, path: str, name: str) -> None:
    field, said = await refusal(ana, "POST", path, HOOK | {"headers": {name: "value"}})
    assert field == "headers"
    assert "use" in said.lower() or "choose" in said.lower()
    key = {"kind": "api_key", "header": name or "é", "value": "value"}
    if len(name) <= 64:
        assert (await refusal(ana, "POST", path, HOOK | {"auth": key}))[0] == "auth.header"


@pytest.mark.parametrize("value", ["", " ", " a", "a ", "a\r\nx-evil: 1", "a\x00", "ä", "a\tb", "a" * 1025])
async def test_a_value_that_cannot_be_sent_is_refused(ana: Somebody, path: str, value: str) -> None:
    answer = await ana.ask("POST", path, HOOK | {"headers": {"x-tenant": value}})
    assert answer.status_code in (400, 422)
    key = {"kind": "api_key", "header": "x-key", "value": value}
    if len(value) < 1024:
        assert (await ana.ask("POST", path, HOOK | {"auth": key})).status_code == 422


async def test_headers_are_few_and_short(ana: Somebody, path: str) -> None:
    many = {f"x-{number}": "a" for number in range(21)}
    assert (await ana.ask("POST", path, HOOK | {"headers": many})).status_code in (400, 422)
    long = {f"x-{number}": "a" * 1000 for number in range(9)}
    assert "8192" in (await refusal(ana, "POST", path, HOOK | {"headers": long}))[1]
    assert "twice" in (await refusal(ana, "POST", path, HOOK | {"headers": {"X-A": "1", "x-a": "2"}}))[1]
    both = {"headers": {"x-key": "1"}, "auth": {"kind": "api_key", "header": "X-Key", "value": "1"}}
    assert "API key" in (await refusal(ana, "POST", path, HOOK | both))[1]


@pytest.mark.parametrize(
    ("auth", "field"),
    [
        ({"kind": "api_key", "header": "x-key"}, "auth.value"),
        ({"kind": "basic", "username": "ana"}, "auth.password"),
        ({"kind": "basic", "username": "a:b", "password": "c"}, "auth.username"),
        ({"kind": "basic", "username": "ana", "password": "a\nb"}, "auth.password"),
        ({"kind": "bearer"}, "auth.token"),
        ({"kind": "bearer", "token": "a b"}, "auth.token"),
        ({"kind": "bearer", "token": "abc", "password": "d"}, "auth.password"),
        ({"kind": "none", "token": "abc"}, "auth.token"),
        ({"kind": "oauth2", "client_id": "a", "client_secret": "b"}, "auth.token_url"),
        (OAUTH | {"token_url": "http://login.example.com/"}, "auth.token_url"),
        (OAUTH | {"token_url": "https://169.254.169.254/token"}, "auth.token_url"),
        (OAUTH | {"token_url": "https://localhost/token"}, "auth.token_url"),
        (OAUTH | {"scope": "a\nb"}, "auth.scope"),
        ({"kind": "mtls", "certificate": "a"}, "auth.key"),
        ({"kind": "mtls", "certificate": "a", "key": "b"}, "auth.certificate"),
    ],
)
async def test_an_authentication_that_cannot_work_is_refused_by_its_field(
    ana: Somebody, path: str, auth: dict[str, str], field: str
) -> None:
    assert (await refusal(ana, "POST", path, HOOK | {"auth": auth}))[0] == field


async def test_a_certificate_is_read_and_checked_when_it_is_set(ana: Somebody, path: str, tmp_path: Path) -> None:
    authority = Certificates(tmp_path)
    certificate, key = authority.issued("us.example", days=10)
    other_certificate, other_key = authority.issued("them.example")
    over, over_key = authority.issued("over.example", from_days=-9, days=-2)
    early, early_key = authority.issued("early.example", from_days=2, days=9)
    for given, field, says in (
        ((certificate, other_key), "auth.key", "does not belong"),
        ((over, over_key), "auth.certificate", "expired on"),
        ((early, early_key), "auth.certificate", "valid only from"),
        ((certificate, key.replace("PRIVATE", "ENCRYPTED PRIVATE")), "auth.key", "password"),
        ((key, certificate), "auth.certificate", "cannot be read"),
    ):
        auth = {"kind": "mtls", "certificate": given[0], "key": given[1]}
        named, said = await refusal(ana, "POST", path, HOOK | {"auth": auth})
        assert (named, says in said) == (field, True), said
    made = await ana.got(
        "POST", path, HOOK | {"auth": {"kind": "mtls", "certificate": certificate, "key": key}}, code=201
    )
    assert made["auth"]["kind"] == "mtls"
    assert made["auth"]["subject"] == "CN=us.example"
    assert set(made["auth"]) == {"kind", "subject", "expires_at"}
    at = f"/api/v1/endpoints/{made['id']}"
    half = {"auth": {"kind": "mtls", "certificate": other_certificate}}
    assert (await refusal(ana, "PATCH", at, half))[0] == "auth.key"
    assert (await ana.got("PATCH", at, {"auth": {"kind": "mtls"}}))["auth"] == made["auth"]


@pytest.mark.parametrize(
    ("auth", "shown", "secret"),
    [
        (
            {"kind": "api_key", "header": "X-Key", "value": "CANARY-1"},
            {"kind": "api_key", "header": "X-Key"},
            "CANARY-1",
        ),
        (
            {"kind": "basic", "username": "ana", "password": "CANARY-2"},
            {"kind": "basic", "username": "ana"},
            "CANARY-2",
        ),
        ({"kind": "bearer", "token": "CANARY-3"}, {"kind": "bearer"}, "CANARY-3"),
        (
            OAUTH | {"client_secret": "CANARY-4", "audience": "a"},
            {
                "kind": "oauth2",
                "token_url": "https://login.example.com/token",
                "client_id": "us",
                "audience": "a",
                "client_auth": "basic",
            },
            "CANARY-4",
        ),
    ],
)
async def test_what_proves_us_is_sealed_and_never_shown_again(
    town: Town, ana: Somebody, path: str, auth: dict[str, str], shown: dict[str, str], secret: str
) -> None:
    headers = {"X-Tenant": "CANARY-0"}
    made = await ana.ask("POST", path, HOOK | {"auth": auth, "headers": headers})
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    assert (made.json()["auth"], made.json()["header_names"]) == (shown, ["x-tenant"])
    at = f"/api/v1/endpoints/{id}"
    changed = await ana.ask(
        "PATCH", at, {"description": "CRM", "headers": {"x-tenant": None}, "auth": {"kind": auth["kind"]} | shown}
    )
    assert changed.status_code == 200, changed.text
    seen = [made.text, changed.text, (await ana.ask("GET", at)).text, (await ana.ask("GET", path)).text]
    tenant = path.split("/")[4]
    seen += [repr(await town.events(tenant, f"endpoint.{word}")) for word in ("added", "changed")]
    row = await town.admin.fetchrow("select * from endpoints where id = $1", UUID(id))
    seen.append(repr(dict(row)))
    assert not [text for text in seen if "CANARY" in text]
    assert not [text for text in seen[:-1] if "credentials_sealed" in text]
    place = {"tenant": UUID(tenant), "table": "endpoints", "column": "credentials_sealed", "row": UUID(id)}
    held = credentials.from_text(town.ring.open(row["credentials_sealed"], **place).decode())
    assert held.headers == {"x-tenant": "CANARY-0"}
    assert secret in held.auth.values()
    gone = await ana.got("PATCH", at, {"headers": {}, "auth": {"kind": "none"}})
    assert (gone["auth"], gone["header_names"]) == ({"kind": "none"}, [])
    assert await town.admin.fetchval("select credentials_sealed from endpoints where id = $1", UUID(id)) is None


async def test_what_was_set_for_one_address_goes_to_no_other(ana: Somebody, path: str) -> None:
    bearer = {"kind": "bearer", "token": "t-1234567"}
    made = await ana.got("POST", path, HOOK | {"auth": bearer, "headers": {"x-a": "1"}}, code=201)
    at = f"/api/v1/endpoints/{made['id']}"
    assert (await ana.got("PATCH", at, {"url": f"{URL}/other"}))["auth"] == {"kind": "bearer"}
    elsewhere = {"url": "https://elsewhere.example/hook"}
    assert (await refusal(ana, "PATCH", at, elsewhere))[0] == "auth"
    assert (await refusal(ana, "PATCH", at, elsewhere | {"auth": {"kind": "bearer"}}))[0] == "headers"
    both = elsewhere | {"auth": {"kind": "bearer"}, "headers": {}}
    assert (await refusal(ana, "PATCH", at, both))[0] == "auth.token"
    kept = elsewhere | {"auth": bearer, "headers": {"x-a": None}}
    assert (await refusal(ana, "PATCH", at, kept))[0] == "headers"
    assert (await ana.got("PATCH", at, elsewhere | {"auth": bearer, "headers": {}}))["auth"] == {"kind": "bearer"}
    await ana.got("PATCH", at, {"auth": OAUTH})
    moved = {"auth": OAUTH | {"token_url": "https://thief.example/token", "client_secret": ""}}
    assert (await refusal(ana, "PATCH", at, moved))[0] == "auth.client_secret"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://example.com/hook", "does not use https"),
        ("https://10.1.2.3/hook", "a private network address in 10.0.0.0/8"),
        ("https://169.254.169.254/latest/meta-data/", "in 169.254.0.0/16"),
        ("https://[::ffff:127.0.0.1]/", "a loopback address (the machine itself) in 127.0.0.0/8"),
        ("https://[fd00::1]/", "in fc00::/7"),
        ("https://2130706433/", "in disguise"),
        ("https://localhost/hook", "a name inside a network"),
        ("https://example.com:22/hook", "uses port 22"),
    ],
)
async def test_an_address_is_judged_when_it_is_saved_and_the_refusal_says_the_range(
    ana: Somebody, path: str, url: str, says: str
) -> None:
    made = await ana.got("POST", path, HOOK, code=201)
    for method, at, body in (
        ("POST", path, HOOK | {"url": url}),
        ("PATCH", f"/api/v1/endpoints/{made['id']}", {"url": url}),
    ):
        field, said = await refusal(ana, method, at, body)
        assert (field, says in said) == ("url", True), said
        assert "WEDSYNC_EGRESS_ALLOW" in said or " in " not in says or "disguise" in says


async def test_a_name_is_looked_up_only_for_who_may_keep_endpoints_and_not_endlessly(town: Town) -> None:
    asked: list[str] = []

    async def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["10.0.0.5"]

    ana, stranger, held = await town.person(), await town.person("stranger"), town.app.state.ctx
    wedding = await town.wedding(ana)
    path, inward = f"/api/v1/weddings/{wedding}/endpoints", HOOK | {"url": "https://inward.example/hook"}
    made = await ana.got("POST", path, HOOK | {"url": "https://8.8.8.8/hook"}, code=201)
    business = await town.linked(ana, wedding, "full")
    wire = Wire(resolver=resolve)
    town.app.state.ctx = replace(held, wire=wire)
    try:
        await stranger.got("POST", path, inward, code=404)
        await stranger.got("PATCH", f"/api/v1/endpoints/{made['id']}", {"url": inward["url"]}, code=404)
        await business.owner.got("POST", path, inward, code=403)
        assert asked == []
        field, told = await refusal(ana, "POST", path, inward)
        assert (field, "leads to an address that is not public" in told, "10." in told) == ("url", True, False)
        assert asked == ["inward.example"]
        codes = [(await ana.ask("POST", path, inward)).status_code for _ in range(vetting.NAMES.burst + 20)]
        assert (codes[0], codes[-1]) == (422, 429)
    finally:
        town.app.state.ctx = held
        await wire.close()


async def leave(town: Town, service: Door, endpoint: str, *, proxy: str = "") -> Sequence[Outcome]:
    """As a worker sends it: leased, judged by the database, opened by the host, called."""
    jobs = [Job(**row) for row in await town.admin.fetch(LEASED, UUID(endpoint))]
    payloads = await Queue(service).payloads(jobs)
    wire = Wire(allow=LOOPBACK, proxy=proxy)
    host = open_host(town.settings, wire=wire, ring=town.ring)
    try:
        send = senders.through(host, open_sealed=senders.opener(town.ring))["webhook"]
        return [await send(payload) for payload in payloads]
    finally:
        await host.close()
        await wire.close()
        await town.admin.execute("delete from jobs where destination_id = $1", UUID(endpoint))
        await town.admin.execute("update deliveries set state = 'dead' where destination_id = $1", UUID(endpoint))


async def test_what_was_set_arrives_and_a_replay_as_new_has_another_id(play: Town, service: Door) -> None:
    ana = await play.person()
    wedding = await play.wedding(ana)
    hooks, name = Hooks(), f"proof-{uuid4().hex[:8]}"
    async with serving([hooks]) as address:
        new = {
            "url": f"{address}/hooks/{name}",
            "events": ["wedding.*"],
            "headers": {"x-tenant": "acme-1234"},
            "auth": {"kind": "bearer", "token": "t-1234567"},
        }
        made = await ana.got("POST", f"/api/v1/weddings/{wedding}/endpoints", new, code=201)
        hooks.receiver(name).secrets = (made["secret"],)
        await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"guest_estimate": 80})
        (outcome,) = await leave(play, service, made["id"])
        (first,) = hooks.of(name)
        assert (outcome.word, first.verified) == ("delivered", True)
        assert (first.headers["x-tenant"], first.headers["authorization"]) == ("acme-1234", "Bearer t-1234567")
        (delivery,) = [
            one
            for one in (await ana.got("GET", f"/api/v1/weddings/{wedding}/deliveries"))["items"]
            if one["destination_id"] == made["id"]
        ]
        assert delivery["as_new"] is False
        again = f"/api/v1/deliveries/{delivery['id']}/replay"
        assert (await ana.got("POST", again, {"as_new": True}, code=202))["replayed"] == 1
        await leave(play, service, made["id"])
        as_new, known = hooks.of(name)
        assert (known.webhook_id, known.times) == (delivery["event_id"], 1)
        newest = (await ana.got("GET", f"/api/v1/weddings/{wedding}/deliveries"))["items"][0]
        assert (as_new.webhook_id, newest["as_new"], newest["replay_of"]) == (newest["id"], True, delivery["id"])
        assert as_new.body == known.body
        await ana.got("POST", again, code=202)
        await leave(play, service, made["id"])
        assert {received.webhook_id: received.times for received in hooks.of(name)} == {
            known.webhook_id: 2,
            as_new.webhook_id: 1,
        }
        missed = {"since": "2026-01-01T00:00:00Z", "as_new": True}
        assert (await ana.got("POST", f"/api/v1/endpoints/{made['id']}/recover", missed, code=202))["replayed"] == 1
        await leave(play, service, made["id"])
        assert len(hooks.of(name)) == 3


async def test_a_proxy_that_is_away_is_told_as_ours_and_counts_against_nobody(play: Town, service: Door) -> None:
    ana = await play.person()
    wedding = await play.wedding(ana)
    made = await ana.got(
        "POST", f"/api/v1/weddings/{wedding}/endpoints", HOOK | {"url": "http://127.0.0.1:9/"}, code=201
    )
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"guest_estimate": 80})
    (outcome,) = await leave(play, service, made["id"], proxy="http://127.0.0.1:9")
    assert (outcome.word, outcome.is_ours, outcome.tries_max) == ("retry_later", True, None)
    assert outcome.reason.startswith("The operator's egress proxy did not reach 127.0.0.1")
    assert breakers.sign(outcome) is None
    assert breakers.sign(msgspec.structs.replace(outcome, is_ours=False)) is not None


async def test_http_is_for_opened_ranges_alone(play: Town) -> None:
    ana = await play.person()
    path = f"/api/v1/weddings/{await play.wedding(ana)}/endpoints"
    assert (await ana.ask("POST", path, HOOK | {"url": "http://127.0.0.1:9/"})).status_code == 201
    assert "in 10.0.0.0/8" in (await refusal(ana, "POST", path, HOOK | {"url": "http://10.0.0.1/"}))[1]
    assert "https" in (await refusal(ana, "POST", path, HOOK | {"url": "http://8.8.8.8/"}))[1]
    mtls = {"url": "http://127.0.0.1:9/", "auth": {"kind": "mtls", "certificate": "a", "key": "b"}}
    assert (await refusal(ana, "POST", path, HOOK | mtls))[0] == "auth.certificate"
