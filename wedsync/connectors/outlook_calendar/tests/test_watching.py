"""Subscriptions are asked for as Graph wants them, verified on the way in, renewed in place and given up."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from litestar import MediaType, Request, Response, post

from tests.connectors import csdl
from wedsync.connections.calendars.contract import Watch, Watching
from wedsync.connections.contract import Delivered, ReconnectNeeded, RetryLater
from wedsync.connections.stage import serving
from wedsync.connections.verify import request as verified
from wedsync.connections.verify.scheme import verify
from wedsync.connectors.outlook_calendar import watching
from wedsync.connectors.outlook_calendar.fake import Outlook
from wedsync.connectors.outlook_calendar.tests.staged import CEREMONY, Stage, timed
from wedsync.kit import clock
from wedsync.kit.http import Wire

NOON = timed("2027-06-12T12:00:00", "2027-06-12T13:00:00")


class Door:
    """What an inbound door does with Graph: says the word back, and takes notifications."""

    def __init__(self) -> None:
        self.taken: asyncio.Queue[bytes] = asyncio.Queue()

    def routes(self) -> list[Any]:
        @post("/door", status_code=202)
        async def ring(request: "Request[Any, Any, Any]") -> Response[str]:
            token = request.query_params.get("validationToken")
            if token is not None:
                return Response(token, status_code=200, media_type=MediaType.TEXT)
            await self.taken.put(await request.body())
            return Response("", status_code=202, media_type=MediaType.TEXT)

        @post("/deaf", status_code=200)
        async def deaf() -> str:
            return "hello"

        return [ring, deaf]

    async def next(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.taken.get()


class Watched(Stage):
    door: Door

    def asked(self, **changes: Any) -> Watch:
        values: dict[str, Any] = {
            "calendar": self.calendar,
            "id": uuid4().hex,
            "token": "t" * 43,
            "address": f"{self.at}/door",
            "expires_at": clock.machine_now() + timedelta(days=30),
        }
        return Watch(**(values | changes))

    async def watch(self, **changes: Any) -> Any:
        return await self.connector.watch(self.asked(**changes), self.held)

    def verdict(self, body: bytes, secret: str) -> str | None:
        now = clock.machine_now().timestamp()
        return verify("graph", verified.Request(headers={}, body=body, url=self.at, secrets=[secret], now=now))


@pytest.fixture
async def stage() -> AsyncIterator[Watched]:
    fake, wire, door = Outlook(), Wire(), Door()
    async with serving([fake], others=door.routes()) as at:
        one = Watched(fake, wire, at)
        one.door = door
        yield one
    await wire.close()


async def test_a_subscription_names_both_addresses_and_ends_before_graph_would_refuse_it(stage: Watched) -> None:
    held = await stage.watch()
    assert isinstance(held, Watching)
    assert held.expires_at <= clock.machine_now() + watching.LIFE_MAX
    (call,) = stage.calls()
    assert call.said == {
        "changeType": "created,updated,deleted",
        "notificationUrl": f"{stage.at}/door",
        "lifecycleNotificationUrl": f"{stage.at}/door",
        "resource": f"/me/calendars/{stage.calendar}/events",
        "expirationDateTime": call.said["expirationDateTime"],
        "clientState": "t" * 43,
    }
    assert csdl.load().problems("graph.subscription", call.said) == []
    assert csdl.load().problems("graph.subscription", call.told) == []


async def test_a_change_and_a_lifecycle_notice_are_both_told_and_verified(stage: Watched) -> None:
    await stage.watch()
    await stage.fake.make(stage.calendar, title="Shoot", times=NOON)
    changed = await stage.door.next()
    await stage.fake.watchers.tell_lifecycle("reauthorizationRequired")
    lifecycle = await stage.door.next()
    for body in (changed, lifecycle):
        assert stage.verdict(body, "t" * 43) is None
        assert stage.verdict(body, "another") is not None
        assert csdl.load().problems("graph.changeNotificationCollection", msgspec.json.decode(body)) == []
    assert b"Shoot" not in changed


async def test_what_the_connector_writes_is_told_too(stage: Watched) -> None:
    await stage.watch()
    made = await stage.push(CEREMONY)
    (notice,) = msgspec.json.decode(await stage.door.next())["value"]
    assert (notice["changeType"], notice["resourceData"]["id"]) == ("created", made.id)


async def test_a_subscription_is_renewed_in_place_and_made_anew_once_it_is_gone(stage: Watched) -> None:
    held = await stage.watch(expires_at=clock.machine_now() + timedelta(hours=1))
    longer = await stage.connector.renew(held, stage.asked(), stage.held)
    assert isinstance(longer, Watching)
    assert longer.id == held.id
    assert longer.expires_at > held.expires_at + timedelta(hours=24)
    await stage.fake.watchers.tell_lifecycle("subscriptionRemoved")
    anew = await stage.connector.renew(held, stage.asked(), stage.held)
    assert isinstance(anew, Watching)
    assert anew.id != held.id
    assert isinstance(await stage.connector.unwatch(stage.calendar, anew, stage.held), Delivered)
    assert isinstance(await stage.connector.unwatch(stage.calendar, anew, stage.held), Delivered)
    assert stage.fake.watchers.held == {}


@pytest.mark.parametrize("address", ["/deaf", "/nowhere"])
async def test_an_address_that_does_not_answer_as_graph_asks_is_tried_again_and_not_for_ever(
    stage: Watched, address: str
) -> None:
    refused = await stage.watch(address=f"{stage.at}{address}")
    assert isinstance(refused, RetryLater)
    assert refused.tries_max == watching.REFUSED_TRIES_MAX


async def test_watching_without_a_sign_in_needs_a_person(stage: Watched) -> None:
    stage.held = msgspec.structs.replace(stage.held, secrets={})
    assert isinstance(await stage.watch(), ReconnectNeeded)
