"""The gateway on the real log: every audience gets what it may see and not a byte more, live and when it comes back."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.eventually import eventually
from tests.gateway_world import Client, on_uvloop, open_socket
from tests.world import AUDIENCES, World, build
from wedsync.events import record
from wedsync.events.live import Options
from wedsync.events.reader import DatabaseReader
from wedsync.guests import actions as guests
from wedsync.guests import model as guest_model
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.db import Door
from wedsync.kit.valkey import Publisher
from wedsync.notices import inbox
from wedsync.notices.facts import NOTICE_ADDED
from wedsync.processes import registry
from wedsync.processes.gateway import FEED, Gateway, options
from wedsync.suppliers import actions as suppliers
from wedsync.suppliers import model as supplier_model
from wedsync.tasks import actions as tasks
from wedsync.tasks.model import NewTask

EVERYTHING = {"event": "*", "schema": "public", "table": "*"}


@asynccontextmanager
async def running(settings: Settings, hub_options: Options | None = None) -> AsyncIterator[tuple[World, Gateway]]:
    """A world whose doors publish, and a gateway on its database."""
    world = await build(settings)
    publisher = Publisher(settings.valkey_url)

    async def published(nudge: str) -> None:
        await publisher.publish(FEED, nudge)

    world.door = Door(world.door.pool, flush=record.flush, published=published)
    reader = await DatabaseReader.open(settings.door("reader"), size=4)
    gateway = Gateway(settings, reader, hub_options or options(registry.catalogue(), world.ring))
    await gateway.start("127.0.0.1", 0)
    try:
        await eventually(lambda: gateway.hub.feed_is_up)
        yield world, gateway
    finally:
        await gateway.stop(drain_s=0)
        await reader.close()
        await publisher.close()
        await world.door.pool.close()


def text_of(client: Client) -> str:
    return "".join(part if isinstance(part, str) else part.decode("latin-1") for part in client.received)


@on_uvloop
async def test_the_whole_log_shows_each_audience_its_canaries_and_no_other(settings: Settings) -> None:
    async with running(settings) as (world, gateway):
        topic = f"realtime:wedding:{world.wedding_id}"
        told: dict[str, str] = {}
        for audience in AUDIENCES:
            if audience == "guest":
                continue
            for config in ({"broadcast": {"recover": "1:0"}}, {"postgres_changes": [EVERYTHING]}):
                async with open_socket(gateway, world.tokens[audience], query="&client_id=x") as client:
                    answer = await client.join(topic, {**config, "broadcast": {"recover": "1:0"}})
                    if answer["status"] == "ok":
                        await client.until("broadcast", lambda p: p["event"] == "wedsync:recovery")
                    await client.nothing_until_heartbeat()
                    told[audience] = told.get(audience, "") + text_of(client)
        for audience, text in told.items():
            leaked = [scope for scope, canary in world.forbidden(audience).items() if canary in text]
            assert not leaked, f"{audience} was sent {leaked}"
            assert '"sealed"' not in text
        missing = [s for s, canary in world.canaries.items() if canary not in told["couple"] and s != "other"]
        assert set(missing) <= {"private", "studio", "own_time", "clients"}
        assert world.canaries["dietary"] in told["caterer"]
        assert world.canaries["contacts"] in told["stationer"]


@on_uvloop
async def test_whole_numbers_of_an_inbox_reach_every_device_of_its_person(settings: Settings) -> None:
    async with running(settings) as (world, gateway):
        person, actor = world.people["standard"], world.actor("standard")
        topic, token = f"realtime:person:{person}", world.tokens["standard"]
        async with open_socket(gateway, token) as phone, open_socket(gateway, token) as desk:
            for client in (phone, desk):
                assert (await client.join(topic))["status"] == "ok"
            async with world.door.enter(actor, person) as tx:
                row = await tx.row(
                    """insert into inbox (person_id, event_id, stream_id, type, title, occurred_at)
                    values ($1, uuidv7(), $2, 'task.assigned', 'A task', app.now())
                    returning id, to_jsonb(inbox) as record, null as old_record""",
                    person,
                    world.wedding_id,
                )
                assert row is not None
                record.record(tx, NOTICE_ADDED, op="INSERT", row=row)
            for mark, numbers in (("seen", (1, 0)), ("read", (0, 0)), ("unread", (1, 0))):
                async with world.door.enter(actor, person) as tx:
                    await inbox.mark(tx, mark, ids=[row["id"]])
                for client in (phone, desk):
                    counted = await client.until("broadcast", lambda p: p["event"] == "inbox.counted")
                    told = counted["payload"]["record"]
                    assert (told["unread"], told["unseen"]) == numbers


@on_uvloop
async def test_a_write_is_on_every_permitted_screen_and_a_gap_is_read(settings: Settings) -> None:
    async with running(settings) as (world, gateway):
        topic = f"realtime:wedding:{world.wedding_id}"
        async with (
            open_socket(gateway, world.tokens["couple"]) as ana,
            open_socket(gateway, world.tokens["full"], vsn="1.0.0") as venue,
            open_socket(gateway, world.tokens["standard"]) as photographer,
        ):
            for client in (ana, venue, photographer):
                assert (await client.join(topic, {"postgres_changes": [EVERYTHING]}))["status"] == "ok"
            guest = guest_model.NewGuest(first_name="Zoe", last_name="Zed")
            party = guest_model.NewParty(name="The Zeds", guests=[guest])
            async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
                await guests.add_party(tx, world.ring, world.wedding_id, party)
            for client in (ana, venue):
                change = await client.until("postgres_changes", lambda p: p["data"]["table"] == "guests")
                assert change["data"]["record"]["first_name"] == "Zoe"
                columns = {c["name"]: c["type"] for c in change["data"]["columns"]}
                assert columns["id"] == "uuid"
            await photographer.nothing_until_heartbeat()
            assert "Zoe" not in text_of(photographer)
            quiet = Door(world.door.pool, flush=record.flush)
            async with quiet.enter(world.actor("couple"), world.wedding_id) as tx:
                await tasks.add(tx, NewTask(title="Said to nobody"))
            for client in (ana, venue, photographer):
                change = await client.until("postgres_changes", lambda p: p["data"]["table"] == "tasks")
                assert change["data"]["record"]["title"] == "Said to nobody"


async def flip(world: World, who: str, **flags: Any) -> None:
    """The couple flips switches of a link."""
    async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
        change = supplier_model.LinkChange(**flags)
        await suppliers.change(tx, world.links[who], change)


@on_uvloop
async def test_a_switch_of_the_couple_is_felt_within_a_second_both_ways(settings: Settings) -> None:
    async with running(settings) as (world, gateway):
        topic = f"realtime:wedding:{world.wedding_id}"
        async with open_socket(gateway, world.tokens["full"]) as client:
            await client.join(topic, {"postgres_changes": [EVERYTHING]})
            guest = guest_model.NewGuest(first_name="Zoe", last_name="Zed")
            async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
                party = guest_model.NewParty(name="The Zeds", guests=[guest])
                _, (zoe,) = await guests.add_party(tx, world.ring, world.wedding_id, party)
            await client.until("postgres_changes", lambda p: p["data"]["table"] == "guests")
            started = clock.monotonic()
            await flip(world, "full", can_view_guests=False)
            tomb = await client.until(
                "postgres_changes",
                lambda p: p["data"]["type"] == "DELETE" and p["data"]["old_record"]["id"] == str(zoe),
            )
            assert set(tomb["data"]["old_record"]) == {"rev", "id", "wedding_id"}
            revoked = await client.until("broadcast")
            assert (revoked["event"], revoked["payload"]["scopes"]) == ("wedsync:revoked", ["guests"])
            assert clock.monotonic() - started < 1
            async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
                party = guest_model.NewParty(name="Unseen", guests=[guest_model.NewGuest(first_name="Hid")])
                await guests.add_party(tx, world.ring, world.wedding_id, party)
            seen = await client.nothing_until_heartbeat()
            assert "Hid" not in json.dumps(seen)
            started = clock.monotonic()
            await flip(world, "full", can_view_guests=True)
            granted = await client.until("broadcast")
            assert (granted["event"], granted["payload"]) == ("wedsync:granted", {"scopes": ["guests"]})
            assert clock.monotonic() - started < 1


@on_uvloop
async def test_positions_outlive_the_gateway(settings: Settings) -> None:
    async with running(settings) as (world, gateway):
        topic = f"realtime:wedding:{world.wedding_id}"
        async with open_socket(gateway, world.tokens["couple"]) as client:
            await client.join(topic)
            await gateway.stop(drain_s=0)
        async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
            await tasks.add(tx, NewTask(title="While it was away"))
        reader = await DatabaseReader.open(world.settings.door("reader"), size=2)
        after = Gateway(settings, reader)
        await after.start("127.0.0.1", 0)
        async with open_socket(after, world.tokens["couple"]) as client:
            await client.join(topic)
            cast = await client.until("broadcast", lambda p: p["event"].startswith("task."))
            assert cast["payload"]["record"]["title"] == "While it was away"
            assert cast["meta"]["replayed"] is True
        await after.stop(drain_s=0)
        await reader.close()


@on_uvloop
async def test_inbox_supplier_and_website_streams_open_to_their_own(settings: Settings) -> None:
    async with running(settings) as (world, gateway):
        person, business = world.people["standard"], world.businesses["standard"]
        async with open_socket(gateway, world.tokens["standard"]) as client:
            for topic in (f"realtime:person:{person}", f"realtime:supplier:{business}"):
                assert (await client.join(topic))["status"] == "ok"
            for topic in (
                f"realtime:person:{world.people['couple']}",
                f"realtime:supplier:{world.businesses['twin']}",
                f"realtime:wedding:{world.other_id}",
                "realtime:platform",
            ):
                assert (await client.join(topic))["status"] == "error"
