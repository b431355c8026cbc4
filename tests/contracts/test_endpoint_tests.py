"""Tests of endpoints: the example of a type, by the real worker and sender, marked, in the log, and no fact."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from tests.contracts.town import Somebody, Town, built
from tests.crash.receiver import Receiver, receiving
from tests.engines_fixture import Database, RunningPostgres, copied
from tests.eventually import eventually
from wedsync.kit.config import Settings
from wedsync.processes import registry, senders, worker

TYPE: dict[str, Any] = {"type": "rsvp.replied"}


@pytest_asyncio.fixture(scope="module")
async def own(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    async with copied(postgres, f"wedsync_{worker}_tests") as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def town(own: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    urls = {"database_url": own.user, "service_database_url": own.service}
    changed = msgspec.structs.replace(settings, **urls, egress_allow=("127.0.0.0/8",))
    async with built(own, postgres, changed) as made:
        yield made


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@asynccontextmanager
async def working(town: Town) -> AsyncIterator[None]:
    """A worker as it is started, with the real sender of webhooks."""
    stop = asyncio.Event()
    async with senders.opened(town.settings) as opened:
        catalogue, works = registry.catalogue(town.settings), registry.works(town.settings)
        task = asyncio.create_task(
            worker.serve(town.settings, catalogue=catalogue, senders=opened.senders, works=works, stop=stop)
        )
        try:
            yield
        finally:
            stop.set()
            await task


class Made(msgspec.Struct, frozen=True):
    """A couple with an endpoint."""

    ana: Somebody
    wedding: str
    id: str
    secret: str

    @property
    def path(self) -> str:
        return f"/api/v1/endpoints/{self.id}"

    @property
    def page(self) -> str:
        return f"/me/{self.wedding}/webhooks/{self.id}"

    async def test(self, **body: Any) -> dict[str, Any]:
        sent: dict[str, Any] = await self.ana.got("POST", f"{self.path}/test", TYPE | body, code=202)
        return sent

    async def ended(self, delivery: str) -> dict[str, Any]:
        """The delivery with its tries, once nothing more will be done about it."""

        async def end() -> Any:
            found = await self.ana.got("GET", f"/api/v1/deliveries/{delivery}")
            return found if found["delivery"]["state"] not in ("pending", "deferred") else None

        found: dict[str, Any] = await eventually(end)
        return found


async def made(town: Town, url: str = "http://127.0.0.1:9/hook") -> Made:
    ana = await town.person()
    wedding = await town.wedding(ana)
    new = {"url": url, "events": ["rsvp.*", "budget_line.*"]}
    endpoint = await ana.got("POST", f"/api/v1/weddings/{wedding}/endpoints", new, code=201)
    return Made(ana, wedding, endpoint["id"], endpoint["secret"])


async def test_it_arrives_signed_and_marked_and_is_no_fact(town: Town, receiver: Receiver) -> None:
    one = await made(town, receiver.url)
    before = await town.events(one.wedding)
    async with working(town):
        sent = await one.test()
        ended = await one.ended(sent["id"])
    assert (sent["is_test"], sent["event_id"], ended["delivery"]["state"]) == (True, None, "delivered")
    assert [attempt["status"] for attempt in ended["attempts"]] == [200]
    (request,) = receiver.requests
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = dict(zip(names, (request.webhook_id, request.timestamp, request.signature), strict=True))
    body = Webhook(one.secret).verify(request.body, headers)
    assert (request.webhook_id, body["data"]["id"], body["test"]) == (sent["id"], sent["id"], True)
    assert (body["type"], body["data"]["record"]["status"]) == ("rsvp.replied", "accepted")
    assert one.wedding not in request.body.decode()
    assert await town.events(one.wedding) == before


async def test_what_fails_is_tried_once_and_says_what_to_do(town: Town, receiver: Receiver) -> None:
    receiver.status = "503 Service Unavailable"
    one = await made(town, receiver.url)
    async with working(town):
        ended = await one.ended((await one.test())["id"])
    assert (ended["delivery"]["state"], len(ended["attempts"])) == ("dead", 1)
    page = await one.ana.see(f"{one.page}/deliveries/{ended['delivery']['id']}")
    assert "Your receiver failed; its own log says why." in page
    assert "try again by ourselves" not in page
    assert "A test: the example of its type" in page
    assert "Send it again" not in page
    since = {"since": "2020-01-01T00:00:00Z"}
    assert await one.ana.got("POST", f"{one.path}/recover", since, code=202) == {"replayed": 0}
    assert "<b>0</b> would be sent again" in await one.ana.see(f"{one.page}/replay")


async def test_an_open_breaker_lets_a_test_through(town: Town, receiver: Receiver) -> None:
    one = await made(town, receiver.url)
    trip = """update destinations set breaker_failures = 5, breaker_until = clock_timestamp() + interval '1 hour',
        not_before = clock_timestamp() + interval '1 hour' where id = $1"""
    await town.admin.execute(trip, UUID(one.id))
    async with working(town):
        assert (await one.ended((await one.test())["id"]))["delivery"]["state"] == "delivered"
    assert (await one.ana.got("GET", one.path))["breaker"]["state"] == "closed"


async def test_what_cannot_be_tested_is_refused(town: Town) -> None:
    one = await made(town)
    wrong = await one.ana.got("POST", f"{one.path}/test", {"type": "rsvp.repied"}, code=422)
    assert wrong["errors"][0] == {
        "field": "type",
        "reason": "is not a type of event",
        "fix": "Did you mean rsvp.replied?",
    }
    await (await town.person("eve")).got("POST", f"{one.path}/test", TYPE, code=404)
    await one.ana.got("PATCH", one.path, {"state": "paused"})
    assert (await one.ana.got("POST", f"{one.path}/test", TYPE, code=409))["code"] == "endpoint_inactive"
    await one.ana.got("PATCH", one.path, {"state": "active"})
    for _ in range(30):
        await one.test()
    refused = await one.ana.ask("POST", f"{one.path}/test", TYPE)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    await one.ana.got("DELETE", one.path, code=204)
    await one.ana.got("POST", f"{one.path}/test", TYPE, code=404)


async def test_every_type_has_an_example_that_can_be_sent(town: Town, receiver: Receiver) -> None:
    """Thirty of a minute at most, so of three endpoints; what is sealed at rest comes opened."""
    types = sorted(registry.catalogue().types)
    async with working(town):
        for at in range(0, len(types), 30):
            one = await made(town, receiver.url)
            for name in types[at : at + 30]:
                await one.test(type=name)
        await eventually(lambda: len(receiver.requests) == len(types), within_s=60)
    bodies = {body["type"]: body for body in (msgspec.json.decode(r.body) for r in receiver.requests)}
    assert sorted(bodies) == types
    assert bodies["contact.changed"]["data"]["record"]["email"] == "maria@example.com"
    assert not [t for t, body in bodies.items() if "sealed" in body["data"]["record"]]


@pytest.mark.parametrize("face", ["couple", "supplier"])
async def test_the_page_offers_what_the_endpoint_hears_of_and_shows_the_test(town: Town, face: str) -> None:
    if face == "couple":
        one = await made(town)
        who, page, offered = one.ana, one.page, ["rsvp.invited", "budget_line.added"]
    else:
        business = await town.supplier()
        who, id = business.owner, str(uuid4())
        page, offered = f"/studio/{business.supplier}/webhooks/{id}", ["rsvp.invited"]
        form: dict[str, Any] = {"id": id, "url": "https://example.com/hook", "events": ["rsvp.*", "budget_line.*"]}
        assert (await who.send(f"/studio/{business.supplier}/webhooks", **form)).status_code == 200
    text = await who.see(page)
    assert "Send an example as a test" in text
    assert [t for t in ("rsvp.invited", "budget_line.added", "task.done") if f'<option value="{t}"' in text] == offered
    sent = await who.send(f"{page}/test", **TYPE)
    assert sent.headers["location"] == f"{page}?said=tested&tested=rsvp.replied"
    after = await who.see(sent.headers["location"])
    assert "The test is on its way" in after
    assert '<option value="rsvp.replied" selected' in after
    assert "Test: example</span>" in after
    await who.send(f"{page}/pause")
    assert (await who.send(f"{page}/test", **TYPE)).headers["location"] == f"{page}?said=inactive"
    assert "Send an example as a test" not in await who.see(page)
    assert (await who.send(f"{page}/test", type="nothing.ever")).status_code == 422


async def test_a_replay_as_new_is_no_test_and_a_rules_test_is(town: Town, receiver: Receiver) -> None:
    one = await made(town, receiver.url)
    kind, wedding = "wedding.estimate_changed", f"/api/v1/weddings/{one.wedding}"
    await one.ana.got("PATCH", one.path, {"events": [kind]})
    rule = {"name": "Estimates", "endpoint_id": one.id, "types": [kind], "shape": [{"target": "kind", "constant": "x"}]}
    async with working(town):
        await one.ana.got("PATCH", wedding, {"guest_estimate": 90})
        await eventually(lambda: len(receiver.requests) == 1)
        (first,) = (await one.ana.got("GET", f"{wedding}/deliveries"))["items"]
        await one.ended(first["id"])
        await one.ana.got("POST", f"/api/v1/deliveries/{first['id']}/replay", {"as_new": True}, code=202)
        await eventually(lambda: len(receiver.requests) == 2)
        made_rule = await one.ana.got("POST", f"{wedding}/rules", rule, code=201)
        sent = await one.ana.got("POST", f"/api/v1/rules/{made_rule['id']}/test", code=202)
        await eventually(lambda: len(receiver.requests) == 3)
        page = await one.ana.see(f"{one.page}/deliveries/{sent['delivery_id']}")
    bodies = [msgspec.json.decode(request.body) for request in receiver.requests]
    assert ["test" in body for body in bodies] == [False, False, True]
    assert bodies[2]["test"] is True
    assert (bodies[1], bodies[2]["data"]) == (bodies[0], {"kind": "x"})
    ids = [request.webhook_id for request in receiver.requests]
    assert ids[0] == first["event_id"] and ids[2] == sent["delivery_id"] and len(set(ids)) == 3
    # Two kinds of tests, told apart.
    assert "a past event, in the shape of its rule" in page and "the example of its type" not in page
    assert "<dt>sequence</dt>" not in page
