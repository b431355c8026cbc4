"""The inbound door: who may send, what is kept before it is answered, and what it changes."""

import asyncio
import base64
import hmac
import io
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from tests.contracts.import_house import working
from tests.contracts.senders import COUPLES, Sender, at, said, settled, source
from tests.contracts.town import Somebody, Town
from tests.engines_fixture import RunningPostgres
from wedsync.connections import signatures
from wedsync.kit import clock

pytestmark = pytest.mark.usefixtures("nothing_owed")


@pytest_asyncio.fixture
async def sender(town: Town) -> AsyncIterator["Sender"]:
    yield Sender(town)


async def test_the_couples_hook_changes_the_wedding_once(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    made = await source(ana, wedding, "couples")
    assert made["url"].endswith(COUPLES)
    told = said(wedding)
    async with working(town.door, town.settings):
        first = await sender.couples(made["secret"], told)
        assert first.status_code == 202
        hook = first.json()["id"]
        again = await sender.couples(made["secret"], told)
        assert (again.status_code, again.json()) == (200, {"id": hook})
        done = await settled(ana, hook)
    assert (done["status"], done["type"], done["verified_by"]) == ("applied", "wedding.updated", "couple")
    assert (await ana.got("GET", f"/api/v1/weddings/{wedding}"))["guest_estimate"] == 80
    (event,) = [e for e in await town.events(wedding) if e.record and e.record.get("guest_estimate") == 80]
    assert event.actor.kind == "system"
    assert len((await ana.got("GET", f"/api/v1/weddings/{wedding}/hooks"))["items"]) == 1


async def test_the_platforms_secret_and_standard_webhooks_are_taken_too(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    assert (await sender.couples(town.settings.couples_webhook_secret, said(wedding))).status_code == 202
    made = await source(ana, wedding, "couples", scheme="standard")
    body, now = msgspec.json.encode(said(wedding)), int(clock.machine_now().timestamp())
    signature = signatures.sign([made["secret"]], message_id="msg_1", timestamp=now, body=body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(now), "webhook-signature": signature}
    assert (await sender.post(COUPLES, body, **headers)).status_code == 202


async def test_refusals_say_what_to_do_and_are_noted_without_a_secret(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    secret = (await source(ana, wedding, "couples"))["secret"]
    for answer, status in (
        (await sender.couples("another secret", said(wedding)), 401),
        (await sender.post(COUPLES, said(wedding)), 401),
        (await sender.couples(secret, said(str(uuid4()))), 401),
        (await sender.couples(secret, b'{"couple_id": "%b"}' % wedding.encode()), 422),
        (await sender.couples(town.settings.couples_webhook_secret, b"[]"), 422),
        (await sender.couples(town.settings.couples_webhook_secret, said(str(uuid4()))), 422),
        (await sender.post(COUPLES, b"x" * (1024 * 1024 + 1)), 413),
        (await sender.post(f"/hooks/zapier_hook/{uuid4()}", {}), 404),
    ):
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    noted = await sender.reasons()
    assert [one["status"] for one in noted] == [401, 401, 401, 422, 422, 422, 413, 404]
    assert noted[0]["tenant"] == UUID(wedding)
    assert secret not in str(noted)
    assert (await ana.got("GET", f"/api/v1/weddings/{wedding}/hooks"))["items"] == []


async def test_eleven_in_a_minute_are_one_too_many(ana: Somebody, wedding: str, sender: Sender) -> None:
    secret = (await source(ana, wedding, "couples"))["secret"]
    statuses = [(await sender.couples(secret, said(wedding))).status_code for _ in range(10)]
    assert statuses == [202] * 10
    late = await sender.couples(secret, said(wedding))
    assert late.status_code == 429
    assert 1 <= int(late.headers["retry-after"]) <= 60
    bad = [(await sender.couples("another secret", said(wedding))).status_code for _ in range(11)]
    assert bad == [401] * 10 + [429]
    assert [one["status"] for one in await sender.reasons()] == [429, *bad]


async def test_a_flood_of_refusals_does_not_become_as_many_writes(sender: Sender) -> None:
    nobody = f"/hooks/zapier_hook/{uuid4()}"
    assert {(await sender.post(nobody, {})).status_code for _ in range(120)} <= {404, 429}
    assert len(await sender.notes()) <= 2
    assert len(await sender.reasons()) == 120


async def test_a_secret_is_rotated_with_an_overlap_and_the_last_one_ends_with_none(
    ana: Somebody, wedding: str, sender: Sender
) -> None:
    made = await source(ana, wedding, "couples")
    path = f"/api/v1/connections/{made['id']}/rotate-secret"
    new = (await ana.got("POST", path, {"overlap_hours": 1}))["secret"]
    for secret in (made["secret"], new):
        assert (await sender.couples(secret, said(wedding))).status_code == 202
    last = (await ana.got("POST", path, {"overlap_hours": 0}))["secret"]
    assert (await sender.couples(new, said(wedding))).status_code == 401
    assert (await sender.couples(last, said(wedding))).status_code == 202
    assert "secret" not in await ana.got("GET", f"/api/v1/connections/{made['id']}")
    assert (await ana.ask("DELETE", f"/api/v1/connections/{made['id']}")).status_code == 204
    assert (await sender.couples(last, said(wedding))).status_code == 401


async def test_a_mapped_form_answers_for_a_guest_found_by_mail(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    item = (
        await ana.got(
            "POST",
            f"/api/v1/weddings/{wedding}/schedule",
            {"title": "Dinner", "kind": "reception", "at_local": "18:00", "takes_rsvps": True},
            code=201,
        )
    )["id"]
    new = {"first_name": "Carla", "contact": {"email": "carla@example.test"}}
    guest = (await ana.got("POST", f"/api/v1/weddings/{wedding}/guests", new, code=201))["id"]
    rules = [
        {"target": "$.data.email", "source": ["$.mail"]},
        {"target": "$.data.status", "source": ["$.coming"]},
        {"target": "$.data.schedule_item_id", "default": item},
    ]
    settings = {"type": "rsvp.replied", "mapping": {"name": "form", "version": 1, "rules": rules}}
    made = await source(ana, wedding, scheme="bearer", settings=settings)
    bearer = {"authorization": f"Bearer {made['secret']}"}
    async with working(town.door, town.settings):
        taken = await sender.post(at(made), {"id": 1, "mail": "CARLA@example.test", "coming": "accepted"}, **bearer)
        assert taken.status_code == 202, taken.text
        assert (await settled(ana, taken.json()["ids"][0]))["error"] == ""
        nobody = await sender.post(at(made), {"id": 2, "mail": "eve@example.test", "coming": "accepted"}, **bearer)
        failed = await settled(ana, nobody.json()["ids"][0])
        assert (failed["status"], failed["error"][:17]) == ("failed", "No guest has this")
        await ana.got(
            "POST", f"/api/v1/weddings/{wedding}/guests", new | {"contact": {"email": "eve@example.test"}}, code=201
        )
        replayed = await ana.got("POST", f"/api/v1/hooks/{failed['id']}/replay", code=202)
        assert (replayed["status"], replayed["replays"]) == ("received", 1)
        assert (await settled(ana, failed["id"]))["status"] == "applied"
    answers = (await ana.got("GET", f"/api/v1/weddings/{wedding}/rsvps"))["items"]
    assert {a["status"] for a in answers if a["guest_id"] == guest} == {"accepted"}


async def test_a_batch_is_kept_by_its_elements_and_stays_sealed(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    made = await source(ana, wedding, scheme="graph", secret="state-of-ours")
    one = {"subscriptionId": "s", "clientState": "state-of-ours", "changeType": "updated", "resourceData": {"id": "a"}}
    two = one | {"resourceData": {"id": "b"}}
    forged = one | {"clientState": "forged", "resourceData": {"id": "c"}}
    first = await sender.post(at(made), {"value": [one, forged, one]})
    assert (first.status_code, len(first.json()["ids"])) == (202, 1)
    second = await sender.post(at(made), {"value": [one, two]})
    assert (second.status_code, second.json()["ids"][0]) == (202, first.json()["ids"][0])
    assert (await sender.post(at(made), {"value": [two, one]})).status_code == 200
    rows = await town.admin.fetch("select sealed, headers from inbox_hooks where source_id = $1", UUID(made["id"]))
    assert len(rows) == 2
    assert not any(b"subscriptionId" in row["sealed"] for row in rows)


async def test_handshakes_are_answered_and_leave_nothing(ana: Somebody, wedding: str, sender: Sender) -> None:
    graph = await source(ana, wedding, scheme="graph", secret="state-of-ours")
    answer = await sender.post(f"{at(graph)}?validationToken=a%20b%3C", b"")
    assert (answer.status_code, answer.text) == (200, "a b<")
    assert answer.headers["content-type"].startswith("text/plain")
    slack = await source(ana, wedding, scheme="slack")
    now = str(int(clock.machine_now().timestamp()))
    body = b'{"type":"url_verification","challenge":"3eZb"}'
    mac = hmac.new(slack["secret"].encode(), b"v0:%b:%b" % (now.encode(), body), "sha256").hexdigest()
    headers = {"x-slack-request-timestamp": now, "x-slack-signature": f"v0={mac}"}
    answer = await sender.post(at(slack), body, **headers)
    assert (answer.status_code, answer.text) == (200, "3eZb")
    assert (await sender.post(at(slack), body)).status_code == 401
    for scheme, method in (("mailchimp", "GET"), ("mandrill", "HEAD")):
        made = await source(ana, wedding, scheme=scheme)
        assert (await sender.http.request(method, at(made))).status_code == 200
        assert (await sender.http.request(method, f"/hooks/zapier_hook/{uuid4()}")).status_code == 404
    assert (await ana.got("GET", f"/api/v1/weddings/{wedding}/hooks"))["items"] == []


async def test_basic_credentials_reach_the_door_that_judges_them(ana: Somebody, wedding: str, sender: Sender) -> None:
    made = await source(ana, wedding, scheme="basic", settings={"options": {"user": "zap"}})
    good = base64.b64encode(f"zap:{made['secret']}".encode()).decode()
    assert (await sender.post(at(made), {"id": 1}, authorization=f"Basic {good}")).status_code == 202
    assert (await sender.post(at(made), {"id": 1}, authorization="Basic x")).status_code == 401


@pytest.mark.parametrize(
    "fields",
    [
        {"connector": "couples", "scheme": "slack"},
        {"scheme": "standard", "secret": "no base64 at all"},
        {"scheme": "jwt"},
        {"scheme": "sendgrid"},
        {"scheme": "trust"},
        {"settings": {"mapping": {"name": "x", "version": 1, "rules": [{"target": "a", "source": ["$.["]}]}}},
    ],
)
async def test_a_source_that_could_never_work_is_refused(ana: Somebody, wedding: str, fields: dict[str, Any]) -> None:
    path = f"/api/v1/weddings/{wedding}/connections"
    await ana.got("POST", path, {"connector": "zapier_hook"} | fields, code=422)


async def test_sources_and_hooks_are_the_couples_alone(town: Town, ana: Somebody, wedding: str, sender: Sender) -> None:
    made = await source(ana, wedding, "couples")
    await ana.got("POST", f"/api/v1/weddings/{wedding}/connections", {"connector": "couples"}, code=409)
    hook = (await sender.couples(made["secret"], said(wedding))).json()["id"]
    business = await town.linked(ana, wedding, "full")
    eve = await town.person("eve")
    for path in (f"/api/v1/connections/{made['id']}", f"/api/v1/hooks/{hook}"):
        for who in (business.owner, eve):
            await who.got("GET", path, code=404)
    assert (await business.owner.got("GET", f"/api/v1/weddings/{wedding}/hooks"))["items"] == []
    assert (await business.owner.ask("POST", f"/api/v1/hooks/{hook}/replay")).status_code in (403, 404)
    (event,) = await town.events(wedding, "connection.added")
    assert event.record is not None and "sealed" not in event.record


async def test_the_same_hook_sent_many_times_at_once_is_kept_once(ana: Somebody, wedding: str, sender: Sender) -> None:
    made = await source(ana, wedding, scheme="bearer", settings={"rate_per_minute": 100})
    sent = [sender.post(at(made), {"id": 1}, authorization=f"Bearer {made['secret']}") for _ in range(8)]
    answers = await asyncio.gather(*sent)
    assert sorted(a.status_code for a in answers) == [200] * 7 + [202]
    assert len({a.json()["ids"][0] for a in answers}) == 1


async def test_a_database_that_is_away_is_a_503(
    town: Town, ana: Somebody, wedding: str, sender: Sender, postgres: RunningPostgres
) -> None:
    made = await source(ana, wedding, scheme="bearer")
    name = await town.admin.fetchval("select current_database()")
    outside = await asyncpg.connect(postgres.admin_url)
    await outside.execute(f'alter database "{name}" allow_connections false')
    try:
        cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = $2"
        await outside.execute(cut, name, "wedsync_user")
        answers = [await sender.post(at(made), {"id": 1}, authorization=f"Bearer {made['secret']}") for _ in range(3)]
    finally:
        await outside.execute(f'alter database "{name}" allow_connections true')
        await outside.close()
    assert [a.status_code for a in answers] == [503] * 3
    assert all(a.headers["retry-after"] == "5" for a in answers)


async def test_the_snippet_of_the_how_to_is_accepted(
    ana: Somebody, wedding: str, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it stands on the page; only the network under it is the test's."""
    text = (Path(__file__).parents[2] / "docs" / "howto" / "receive-a-hook.md").read_text()
    names: dict[str, Any] = {}
    exec(text.partition("```python\n")[2].partition("```")[0], names)
    sent: list[urllib.request.Request] = []

    def caught(request: urllib.request.Request) -> io.BytesIO:
        sent.append(request)
        return io.BytesIO(b"{}")

    monkeypatch.setattr(urllib.request, "urlopen", caught)
    secret = (await source(ana, wedding, "couples"))["secret"]
    names["send"](f"http://test{COUPLES}", secret, wedding, "1", "wedding.updated", {"guest_estimate": 90})
    body: Any = sent[0].data
    answer = await sender.post(COUPLES, body, **{name.lower(): value for name, value in sent[0].header_items()})
    assert answer.status_code == 202, answer.text
