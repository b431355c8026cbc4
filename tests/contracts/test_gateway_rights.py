"""Nobody gets a frame they may not see, and a right that is taken away is felt on open sockets at once."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest

from tests.gateway_world import COUPLE, World, gateway_world, on_uvloop, person_of
from wedsync.events.audience import Audience
from wedsync.events.scope import Scope
from wedsync.kit import clock

LINK, OTHER_LINK = str(uuid4()), str(uuid4())
MEMBERSHIP = str(uuid4())
PHOTOGRAPHER = Audience(int(Scope.CORE | Scope.SCHEDULE | Scope.TASKS), link_id=LINK, role="supplier")
FLORIST = Audience(int(Scope.CORE | Scope.SCHEDULE | Scope.TASKS), link_id=OTHER_LINK, role="supplier")
HELPER = Audience(int(Scope.CORE | Scope.SCHEDULE), membership_id=MEMBERSHIP, role="helper")
EVERYTHING = {"event": "*", "schema": "public", "table": "*"}


async def shown(world: World, wedding: str, audience: Audience, **event: Any) -> list[list[Any]]:
    """What one audience is written for one event."""
    async with world.client(world.person(wedding, audience)) as client:
        await client.join(f"realtime:wedding:{wedding}")
        world.happens(wedding, **event)
        return await client.nothing_until_heartbeat()


@pytest.mark.parametrize(
    ("event", "seen_by"),
    [
        ({"scope": int(Scope.CORE)}, {"couple", "photographer", "florist", "helper"}),
        ({"scope": int(Scope.TASKS)}, {"couple", "photographer", "florist"}),
        ({"scope": int(Scope.GUESTS)}, {"couple"}),
        ({"scope": int(Scope.DIETARY)}, {"couple"}),
        ({"scope": int(Scope.BUDGET)}, {"couple"}),
        ({"scope": int(Scope.PRIVATE)}, {"couple"}),
        ({"scope": int(Scope.PHOTOS), "link_id": LINK}, {"couple", "photographer"}),
        ({"scope": int(Scope.TASKS), "link_id": OTHER_LINK}, {"couple", "florist"}),
        ({"scope": int(Scope.TASKS), "membership_id": MEMBERSHIP}, {"couple", "helper"}),
    ],
)
@on_uvloop
async def test_the_rule(event: dict[str, Any], seen_by: set[str]) -> None:
    audiences = {"couple": COUPLE, "photographer": PHOTOGRAPHER, "florist": FLORIST, "helper": HELPER}
    async with gateway_world() as world:
        wedding = world.log.stream()
        seen = {name for name, audience in audiences.items() if await shown(world, wedding, audience, **event)}
        assert seen == seen_by


@on_uvloop
async def test_no_word_of_another_tenants_stream_arrives() -> None:
    async with gateway_world() as world:
        mine, other = world.log.stream(), world.log.stream()
        async with world.client(world.person(mine)) as client, world.client(world.person(other)) as neighbour:
            await client.join(f"realtime:wedding:{mine}", {"postgres_changes": [EVERYTHING]})
            await neighbour.join(f"realtime:wedding:{other}")
            await client.until("system")
            world.happens(other)
            await neighbour.until("broadcast")
            assert await client.nothing_until_heartbeat() == []


@on_uvloop
async def test_a_row_that_moves_to_another_link_vanishes_here_and_appears_there() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with (
            world.client(world.person(wedding, PHOTOGRAPHER)) as photographer,
            world.client(world.person(wedding, FLORIST)) as florist,
            world.client(world.person(wedding)) as ana,
        ):
            for client in (photographer, florist, ana):
                await client.join(topic, {"postgres_changes": [EVERYTHING]})
            row = str(uuid4())
            canary = "only for the photographer"
            moved = world.happens(
                wedding,
                row_id=row,
                table="tasks",
                type="task.assigned",
                scope=int(Scope.TASKS),
                op="UPDATE",
                link_id=OTHER_LINK,
                record={"title": "Flowers", "link_id": OTHER_LINK},
                old_record={"id": row, "title": canary, "link_id": LINK},
            )
            here = (await photographer.until("postgres_changes"))["data"]
            assert here["type"] == "DELETE"
            assert here["old_record"] == {"rev": "1:1:0", "id": row, "wedding_id": wedding}
            there = (await florist.until("postgres_changes"))["data"]
            assert there["type"] == "INSERT"
            assert there["record"] == {"rev": "1:1:0", **moved["record"]}
            assert canary not in json.dumps(there)
            both = (await ana.until("postgres_changes"))["data"]
            assert both["type"] == "UPDATE"
            assert both["old_record"]["title"] == canary


@on_uvloop
async def test_sealed_images_are_opened_for_the_scope_and_never_leave_sealed() -> None:
    def open_sealed(table: str, record: dict[str, Any], tenant: str) -> dict[str, Any]:
        return {**record, "needs": f"opened {table}"}

    dietician = Audience(int(Scope.CORE | Scope.DIETARY), link_id=LINK, role="supplier")
    async with gateway_world(open_sealed=open_sealed) as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding, dietician)) as client:
            await client.join(f"realtime:wedding:{wedding}", {"postgres_changes": [EVERYTHING]})
            sealed = {"sealed": "\\x01aabb", "guest_id": "g"}
            world.happens(wedding, table="guest_needs", scope=int(Scope.DIETARY), record=sealed)
            record = (await client.until("postgres_changes"))["data"]["record"]
            assert record["needs"] == "opened guest_needs"
            assert "sealed" not in record


async def supplier_joined(world: World, wedding: str, client: Any, token: str, **config: Any) -> str:
    """Join as a supplier that sees tasks; returns the row it was then sent."""
    await client.join(f"realtime:wedding:{wedding}", {"postgres_changes": [EVERYTHING], **config})
    row = str(uuid4())
    world.happens(wedding, row_id=row, table="tasks", type="task.added", scope=int(Scope.TASKS))
    await client.until("postgres_changes")
    return row


def scopes_change(world: World, wedding: str, token: str, audience: Audience | None) -> dict[str, Any]:
    """The couple flips a switch."""
    person, _ = person_of(token)
    if audience is None:
        world.log.standing.pop((person, wedding))
    else:
        world.log.standing[person, wedding] = audience
    return world.happens(
        wedding,
        row_id=LINK,
        table="links",
        type="link.scopes_changed" if audience else "link.revoked",
        scope=int(Scope.CORE),
        link_id=LINK,
        op="UPDATE",
        record={"mask": audience.mask if audience else 0},
        old_record={"id": LINK, "mask": 7},
    )


@on_uvloop
async def test_a_scope_taken_away_takes_its_rows_back_and_is_silent_from_then_on() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding, PHOTOGRAPHER)
        async with world.client(token) as client, world.client(world.person(wedding, FLORIST)) as florist:
            row = await supplier_joined(world, wedding, client, token)
            await florist.join(f"realtime:wedding:{wedding}")
            started = clock.monotonic()
            scopes_change(world, wedding, token, Audience(int(Scope.CORE), link_id=LINK, role="supplier"))
            world.happens(wedding, table="tasks", type="task.added", scope=int(Scope.TASKS))
            world.happens(wedding, table="weddings", type="wedding.renamed", scope=int(Scope.CORE))
            tomb = (await client.until("postgres_changes"))["data"]
            assert tomb["type"] == "DELETE"
            assert {k: tomb["old_record"][k] for k in ("id", "wedding_id")} == {"id": row, "wedding_id": wedding}
            revoked = await client.until("broadcast")
            assert revoked["event"] == "wedsync:revoked"
            assert revoked["payload"]["scopes"] == ["schedule", "tasks"]
            assert clock.monotonic() - started < 1
            changed = (await client.until("postgres_changes"))["data"]
            assert changed["table"] == "links"
            renamed = (await client.until("postgres_changes"))["data"]
            assert renamed["table"] == "weddings"
            assert renamed["record"]["rev"] == "1:4:2"
            assert await client.nothing_until_heartbeat() == []
            names = [(await florist.until("broadcast"))["event"] for _ in range(2)]
            assert names == ["task.added", "wedding.renamed"]


@on_uvloop
async def test_while_rights_are_asked_nothing_is_judged_by_the_old_ones() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding, PHOTOGRAPHER)
        async with world.client(token) as client:
            await supplier_joined(world, wedding, client, token)
            gate = world.log.gates["audience"] = asyncio.Event()
            scopes_change(world, wedding, token, Audience(int(Scope.CORE), link_id=LINK, role="supplier"))
            for _ in range(3):
                world.happens(wedding, table="tasks", type="task.added", scope=int(Scope.TASKS))
            assert await client.nothing_until_heartbeat() == []
            gate.set()
            assert (await client.until("postgres_changes"))["data"]["type"] == "DELETE"
            assert (await client.until("postgres_changes"))["data"]["table"] == "links"
            assert await client.nothing_until_heartbeat() == []


@on_uvloop
async def test_a_scope_that_is_granted_flows_at_once() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding, PHOTOGRAPHER)
        async with world.client(token) as client:
            await supplier_joined(world, wedding, client, token)
            more = Audience(PHOTOGRAPHER.mask | int(Scope.GUESTS), link_id=LINK, role="supplier")
            scopes_change(world, wedding, token, more)
            world.happens(wedding)
            granted = await client.until("broadcast")
            assert (granted["event"], granted["payload"]) == ("wedsync:granted", {"scopes": ["guests"]})
            assert (await client.until("postgres_changes"))["data"]["table"] == "links"
            assert (await client.until("postgres_changes"))["data"]["table"] == "rsvps"


@on_uvloop
async def test_a_revoked_link_is_told_so_and_closed_for_good() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding, PHOTOGRAPHER)
        async with world.client(token) as client:
            topic = f"realtime:wedding:{wedding}"
            await supplier_joined(world, wedding, client, token)
            scopes_change(world, wedding, token, None)
            frames = [await client.read() for _ in range(4)]
            assert [f[3] for f in frames] == ["postgres_changes", "broadcast", "system", "phx_close"]
            assert frames[1][4]["payload"]["scopes"] == ["core", "schedule", "tasks"]
            assert frames[3] == ["1", "1", topic, "phx_close", {}]
            world.happens(wedding, scope=int(Scope.CORE))
            assert await client.nothing_until_heartbeat() == []
            assert (await client.join(topic))["status"] == "error"


@on_uvloop
async def test_without_bindings_the_rows_are_named_in_the_notice() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding, PHOTOGRAPHER)
        async with world.client(token) as client:
            await client.join(f"realtime:wedding:{wedding}")
            row = str(uuid4())
            world.happens(wedding, row_id=row, table="tasks", type="task.added", scope=int(Scope.TASKS))
            await client.until("broadcast")
            scopes_change(world, wedding, token, Audience(int(Scope.CORE), link_id=LINK))
            revoked = await client.until("broadcast", lambda payload: payload["event"] == "wedsync:revoked")
            assert revoked["payload"]["rows"] == [{"table": "tasks", "id": row, "op": "DELETE"}]


@on_uvloop
async def test_a_removed_membership_ends_the_persons_channels() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding, HELPER)
        async with world.client(token) as client:
            await client.join(f"realtime:wedding:{wedding}")
            person, _ = person_of(token)
            world.log.standing.clear()
            world.happens(
                wedding,
                row_id=MEMBERSHIP,
                table="memberships",
                type="membership.removed",
                scope=int(Scope.CORE),
                op="DELETE",
                old_record={"id": MEMBERSHIP, "person_id": person},
            )
            await client.until("phx_close")


@on_uvloop
async def test_a_member_removed_from_a_supplier_loses_its_weddings_though_nobody_follows_the_supplier() -> None:
    async with gateway_world() as world:
        wedding, supplier = world.log.stream(), world.log.stream("supplier")
        token = world.person(wedding, PHOTOGRAPHER)
        person, _ = person_of(token)
        async with world.client(token) as client:
            await client.join(f"realtime:wedding:{wedding}")
            world.log.standing.clear()
            world.happens(
                supplier,
                table="supplier_members",
                type="membership.removed",
                scope=int(Scope.CORE),
                op="DELETE",
                old_record={"id": str(uuid4()), "person_id": person},
            )
            await client.until("phx_close")


@on_uvloop
async def test_an_ended_session_is_cut_at_once_on_every_channel() -> None:
    async with gateway_world() as world:
        wedding, inbox = world.log.stream(), world.log.stream("person")
        token = world.person(wedding)
        _, sid = person_of(token)
        async with world.client(token) as client:
            await client.join(f"realtime:wedding:{wedding}")
            world.log.sessions.discard(sid)
            world.happens(inbox, row_id=sid, table="sessions", type="session.ended", scope=int(Scope.PRIVATE))
            await client.until("phx_close")
            refused = await client.join(f"realtime:wedding:{wedding}")
            assert refused["response"]["reason"].startswith("InvalidJWTToken")


@on_uvloop
async def test_a_session_that_ended_without_word_is_found_within_the_check() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding)
        async with world.client(token) as client:
            await client.join(f"realtime:wedding:{wedding}")
            world.log.sessions.clear()
            await world.gateway.upkeep.check_sessions()
            await client.until("phx_close")


@on_uvloop
async def test_a_token_that_expires_is_given_a_minute_and_then_the_client_rejoins() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        token = world.person(wedding, expires_in_s=30)
        async with world.client(token) as client:
            await client.join(topic)
            now = world.hub.tokens.now()
            world.hub.tokens._now = lambda: now + 80
            world.gateway.upkeep.tick(clock.monotonic())
            assert await client.nothing_until_heartbeat() == []
            world.hub.tokens._now = lambda: now + 100
            world.gateway.upkeep.tick(clock.monotonic())
            assert "expired" in (await client.until("system"))["message"]
            assert (await client.read())[:4] == ["1", "1", topic, "phx_error"]
            world.hub.tokens._now = lambda: now
            assert (await client.join(topic, token=world.token(*person_of(token))))["status"] == "ok"


@on_uvloop
async def test_a_fresh_token_keeps_the_channel_and_a_wrong_one_makes_it_rejoin() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        token = world.person(wedding, expires_in_s=30)
        async with world.client(token) as client:
            await client.join(topic)
            fresh = world.token(*person_of(token), expires_in_s=900)
            await client.send(topic, "access_token", {"access_token": fresh})
            await client.send(topic, "access_token", {"access_token": None})
            await client.send(topic, "access_token", {"access_token": "sb_x"})
            world.happens(wedding)
            assert (await client.until("broadcast"))["meta"]["id"] == "1:1:0"
            now = world.hub.tokens.now()
            world.hub.tokens._now = lambda: now + 300
            world.gateway.upkeep.tick(clock.monotonic())
            assert await client.nothing_until_heartbeat() == []
            await client.send(topic, "access_token", {"access_token": fresh[:-4] + "AAAA"})
            assert (await client.until("system"))["status"] == "error"
            assert (await client.read())[3] == "phx_error"


@on_uvloop
async def test_rights_are_asked_again_by_the_clock_too() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding, PHOTOGRAPHER)
        async with world.client(token) as client:
            await client.join(f"realtime:wedding:{wedding}")
            world.log.standing.clear()
            world.hub.streams[f"wedding:{wedding}"].audiences.clear()
            world.gateway.upkeep.tick(clock.monotonic() + 16)
            await client.until("phx_close")
