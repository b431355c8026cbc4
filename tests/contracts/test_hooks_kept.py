"""What is kept of hooks that come together, and of those whose source changes while they come."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.contracts.senders import COUPLES, Sender, at, said, signed, source
from tests.contracts.town import Somebody, Town, built
from tests.engines_fixture import Database, RunningPostgres
from tests.eventually import eventually
from wedsync.connections import inbox
from wedsync.connections.elements import Element
from wedsync.connections.keysets import AGE_MAX_S, FLOOR_S, HELD_MAX_S, KeySets
from wedsync.connections.verify.keys import key_id
from wedsync.kit import clock
from wedsync.kit.config import LOOPBACK, Settings
from wedsync.kit.errors import Refusal
from wedsync.kit.http import Wire

WAITING = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like $1)"


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    async with built(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def ana(town: Town) -> Somebody:
    return await town.person()


@pytest_asyncio.fixture
async def wedding(town: Town, ana: Somebody) -> str:
    return await town.wedding(ana)


@pytest_asyncio.fixture
async def sender(town: Town) -> Sender:
    return Sender(town)


async def test_many_at_once_share_commits_and_each_is_answered_as_its_own(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    free = {"rate_per_minute": 1000}
    made = [await source(ana, wedding, scheme="bearer", settings=free) for _ in range(3)]
    bearer = [{"authorization": f"Bearer {one['secret']}"} for one in made]
    await sender.post(at(made[0]), {"id": "warm"}, **bearer[0])
    sent = [sender.post(at(made[n % 3]), {"id": n // 6 + 1}, **bearer[n % 3]) for n in range(36)]
    answers = await asyncio.gather(*sent)
    ids: dict[tuple[int, int], set[str]] = {}
    for n, answer in enumerate(answers):
        ids.setdefault((n % 3, n // 6), set()).update(answer.json()["ids"])
    assert all(len(found) == 1 for found in ids.values())
    assert len(set().union(*ids.values())) == 18
    assert sorted(a.status_code for a in answers) == [200] * 18 + [202] * 18
    rows = await town.admin.fetch(
        "select xmin::text as x, count(*) from inbox_hooks where tenant_id = $1 group by 1", UUID(wedding)
    )
    assert len(rows) < 19
    jobs = await town.admin.fetch(
        """select h.number, j.order_seq from jobs j join inbox_hooks h on h.id = (j.args ->> 'hook_id')::uuid
        where j.tenant_id = $1""",
        UUID(wedding),
    )
    assert len(jobs) == len({row["number"] for row in jobs}) == 19
    assert all(row["number"] == row["order_seq"] for row in jobs)


async def test_one_that_cannot_be_kept_does_not_take_the_others_with_it(
    town: Town, ana: Somebody, wedding: str
) -> None:
    made = await source(ana, wedding, scheme="bearer")
    whose = inbox.Source(id=UUID(made["id"]), tenant=UUID(wedding), connector="zapier_hook", verified_by="bearer")
    kept = inbox.Inbox(town.door, town.ring)
    keys = ["a", "b", "x" * 300, "c"]
    found: list[Any] = await asyncio.gather(
        *(kept.keep(whose, [Element(key, b"{}")], {}) for key in keys), return_exceptions=True
    )
    assert [isinstance(one, Refusal) for one in found] == [False, False, True, False]
    assert all(one[0].is_new for one in found if not isinstance(one, Refusal))


async def test_what_waits_is_bounded_and_commits_are_cut_by_their_size(
    town: Town, ana: Somebody, wedding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await source(ana, wedding, scheme="bearer")
    whose = inbox.Source(id=UUID(made["id"]), tenant=UUID(wedding), connector="zapier_hook", verified_by="bearer")
    monkeypatch.setattr(inbox, "TOGETHER_BYTES_MAX", 2000)
    monkeypatch.setattr(inbox, "WAITING_BYTES_MAX", 9000)
    kept = inbox.Inbox(town.door, town.ring)
    found: list[Any] = await asyncio.gather(
        *(kept.keep(whose, [Element(f"big{n}", b"x" * 900)], {}) for n in range(12)), return_exceptions=True
    )
    refused = [one for one in found if isinstance(one, Refusal)]
    assert [(one.status, one.headers["Retry-After"]) for one in refused] == [(503, "5")] * 2
    rows = await town.admin.fetch(
        "select count(*) from inbox_hooks where source_id = $1 group by xmin::text", UUID(made["id"])
    )
    assert [row["count"] for row in rows] == [2] * 5
    assert (await kept.keep(whose, [Element("last", b"x" * 9001)], {}))[0].is_new


async def test_whoever_waits_when_the_process_ends_is_told_to_come_again(
    town: Town, ana: Somebody, wedding: str, postgres: RunningPostgres
) -> None:
    made = await source(ana, wedding, scheme="bearer")
    whose = inbox.Source(
        id=UUID(made["id"]),
        tenant=UUID(wedding),
        connector="zapier_hook",
        verified_by="bearer",
        connection=UUID(made["id"]),
        version=1,
    )
    other = await asyncpg.connect(postgres.admin_url, database=await town.admin.fetchval("select current_database()"))
    change = other.transaction()
    await change.start()
    kept = inbox.Inbox(town.door, town.ring)
    try:
        await other.execute("update connections set title = 'Held' where id = $1", UUID(made["id"]))
        first = asyncio.create_task(kept.keep(whose, [Element("first", b"{}")], {}))

        async def waits() -> bool:
            found: bool = await town.admin.fetchval(WAITING, "%receive_hooks%")
            return found

        is_waiting: bool = await eventually(waits)
        next_one = asyncio.create_task(kept.keep(whose, [Element("next", b"{}")], {}))

        async def both_wait() -> bool:
            return len(kept._waiting) == 1

        is_second: bool = await eventually(both_wait)
        committing = kept._committing
        assert committing is not None
        committing.cancel()
        found: Any = await asyncio.wait_for(asyncio.gather(first, next_one, return_exceptions=True), 20)
    finally:
        await change.rollback()
        await other.close()
    assert (is_waiting, is_second, [one.status for one in found]) == (True, True, [503, 503])


async def test_a_secret_that_is_gone_is_refused_at_the_next_hook_by_every_process(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    """Its verification was right by what is remembered; the statement that keeps the hook is who knows better."""
    made = await source(ana, wedding, scheme="bearer", settings={"rate_per_minute": 100})
    old = {"authorization": f"Bearer {made['secret']}"}
    assert (await sender.post(at(made), {"id": 1}, **old)).status_code == 202
    path = f"/api/v1/connections/{made['id']}"
    new = (await ana.got("POST", f"{path}/rotate-secret", {"overlap_hours": 0}))["secret"]
    assert (await sender.post(at(made), {"id": 2}, **old)).status_code == 401
    assert (await sender.post(at(made), {"id": 2}, authorization=f"Bearer {new}")).status_code == 202
    assert (await ana.ask("DELETE", path)).status_code == 204
    assert (await sender.post(at(made), {"id": 3}, authorization=f"Bearer {new}")).status_code == 404
    keys = await town.admin.fetch("select dedupe_key from inbox_hooks where source_id = $1", UUID(made["id"]))
    assert {row["dedupe_key"] for row in keys} == {"1", "2"}


async def test_a_hook_that_arrives_while_its_secret_changes_waits_and_is_judged_by_the_new_one(
    town: Town, ana: Somebody, wedding: str, sender: Sender, postgres: RunningPostgres
) -> None:
    made = await source(ana, wedding, "couples")
    assert (await sender.couples(made["secret"], said(wedding))).status_code == 202
    other = await asyncpg.connect(postgres.admin_url, database=await town.admin.fetchval("select current_database()"))
    change = other.transaction()
    await change.start()
    try:
        await other.execute("update connections set deleted_at = now() where id = $1", UUID(made["id"]))
        asked = asyncio.create_task(sender.couples(made["secret"], said(wedding)))

        async def waits() -> bool:
            found: bool = await town.admin.fetchval(WAITING, "%receive_hooks%")
            return found

        is_waiting: bool = await eventually(waits)
    finally:
        await change.commit()
        await other.close()
    assert is_waiting
    assert (await asked).status_code == 401


class Issuer:
    """Serves a key set over HTTP, and counts how often it is asked."""

    def __init__(self) -> None:
        self.keys = {name: ECKey.import_key(generate_private_key(SECP256R1())) for name in ("one", "two")}
        self.shown = ["one"]
        self.asked = 0
        self.is_away = False

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        keys = [self.keys[name].as_dict(private=False) | {"kid": name} for name in self.shown]
        body = msgspec.json.encode({"keys": keys})
        status = b"503 Away" if self.is_away else b"200 OK"
        writer.write(b"HTTP/1.1 %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()
        writer.close()

    def token(self, name: str) -> str:
        claims = {"exp": clock.machine_now().timestamp() + 60, "jti": str(uuid4())}
        return "Bearer " + jwt.encode({"alg": "ES256", "kid": name}, claims, self.keys[name])


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[tuple[Issuer, str]]:
    made = Issuer()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    async with server:
        yield made, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"


async def test_a_token_is_verified_by_the_key_set_at_its_issuers_address(
    town: Town, ana: Somebody, wedding: str, sender: Sender, issuer: tuple[Issuer, str]
) -> None:
    serving, url = issuer
    settings = {"options": {"jwks_url": url, "algorithms": ["ES256"]}}
    made = await source(ana, wedding, scheme="jwt", settings=settings)
    for name, status in (("one", 202), ("one", 202), ("two", 401)):
        answer = await sender.post(at(made), {}, authorization=serving.token(name))
        assert answer.status_code == status, answer.text
    assert serving.asked == 1
    # Where nothing is opened, no tenant's address leads into our own network.
    wire = Wire()
    nothing = await KeySets(wire).keys(url, "one")
    await wire.close()
    assert (nothing.keys, "private network" in nothing.fault or "leads to" in nothing.fault) == ([], True)
    assert serving.asked == 1


async def test_an_issuers_address_is_judged_when_it_is_saved_and_why_it_fails_is_told_to_its_owner(
    town: Town, ana: Somebody, wedding: str, sender: Sender, issuer: tuple[Issuer, str]
) -> None:
    serving, url = issuer
    path = f"/api/v1/weddings/{wedding}/connections"

    def asked(url: str) -> dict[str, Any]:
        return {"options": {"jwks_url": url, "algorithms": ["ES256"]}}

    for bad in ("http://10.0.0.7/keys", "https://user:word@example.com/keys"):
        new = {"connector": "zapier_hook", "scheme": "jwt", "settings": asked(bad)}
        refused = await ana.got("POST", path, new, code=422)
        assert refused["errors"][0]["field"] == "settings.options.jwks_url"
    serving.is_away = True
    made = await source(ana, wedding, scheme="jwt", settings=asked(url))
    await ana.got("PATCH", f"/api/v1/connections/{made['id']}", {"settings": asked(bad)}, code=422)
    assert (await sender.post(at(made), {}, authorization=serving.token("one"))).status_code == 401
    (told,) = await sender.reasons()
    assert "could not be fetched: It was answered with status 503." in told["reason"]
    assert str(told["tenant"]) == wedding


async def test_whoever_is_refused_too_often_makes_us_fetch_no_keys(
    town: Town, ana: Somebody, wedding: str, sender: Sender, issuer: tuple[Issuer, str]
) -> None:
    serving, url = issuer
    made = await source(ana, wedding, scheme="jwt", settings={"options": {"jwks": {"keys": [{"kid": "none"}]}}})
    codes = [(await sender.post(at(made), {}, authorization="Bearer e30.e30.x")).status_code for _ in range(10)]
    assert codes == [401] * 10
    settings = {"options": {"jwks_url": url, "algorithms": ["ES256"]}}
    await ana.got("PATCH", f"/api/v1/connections/{made['id']}", {"settings": settings})
    assert (await sender.post(at(made), {}, authorization=serving.token("one"))).status_code == 429
    assert serving.asked == 0
    assert (await Sender(town).post(at(made), {}, authorization=serving.token("one"))).status_code == 202


async def test_a_key_set_is_fetched_again_for_an_unknown_key_or_when_it_is_old_and_not_oftener(
    issuer: tuple[Issuer, str],
) -> None:
    serving, url = issuer
    now = 1000.0
    wire = Wire(allow=LOOPBACK)
    sets = KeySets(wire, lambda: now)
    try:
        first = await asyncio.gather(*(sets.keys(url, "one") for _ in range(5)))
        assert (serving.asked, {len(found.keys) for found in first}) == (1, {1})
        serving.shown = ["one", "two"]
        await sets.keys(url, "two")
        assert serving.asked == 1
        now += FLOOR_S
        assert len((await sets.keys(url, "two")).keys) == 2
        assert serving.asked == 2
        serving.is_away = True
        now += AGE_MAX_S
        assert len((await sets.keys(url, "one")).keys) == 2
        assert len((await sets.keys(url, "one")).keys) == 2
        assert serving.asked == 3
        now += HELD_MAX_S
        assert (await sets.keys(url, "one")).keys == []
    finally:
        await wire.close()


def test_the_name_of_a_key_is_read_from_any_text() -> None:
    head = "eyJhbGciOiJFUzI1NiIsImtpZCI6Im9uZSJ9"
    assert key_id(f"Bearer {head}.e30.x") == "one"
    assert [key_id(text) for text in ("", "Bearer", "Bearer é.é", "Bearer W10.x", "e30.e30.x")] == [None] * 5


async def test_a_couples_hook_by_the_platform_survives_a_change_of_the_couples_own(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    made = await source(ana, wedding, "couples")
    body = msgspec.json.encode(said(wedding))
    platform = {"x-wedsync-signature": signed(town.settings.couples_webhook_secret, body)}
    assert (await sender.post(COUPLES, body, **platform)).status_code == 202
    await ana.got("POST", f"/api/v1/connections/{made['id']}/rotate-secret", {"overlap_hours": 0})
    assert (await sender.post(COUPLES, body, **platform)).status_code == 200
