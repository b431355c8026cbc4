"""A business's team on open sockets: who is removed, or taken off a wedding, is cut within a second; nobody else is."""

import asyncio
from typing import Any
from uuid import UUID

from tests.contracts.test_gateway_database import running
from tests.gateway_world import Client, on_uvloop, open_socket
from tests.world import World
from wedsync.kit.config import Settings
from wedsync.suppliers.team import actions as team_actions
from wedsync.suppliers.team import model as team

EVERYTHING = {"event": "*", "schema": "public", "table": "*"}


async def joined(world: World, **new: Any) -> tuple[str, UUID]:
    """A world's person who becomes a colleague of the photographer's business; a token and the member's id."""
    email = await _email(world)
    async with world.door.enter(world.actor("standard"), world.businesses["standard"]) as tx:
        return world.tokens["stranger"], await team_actions.invite(tx, team.NewColleague(email=email, **new))


async def _email(world: World) -> str:
    async with world.door.enter(world.actor("stranger"), world.people["stranger"]) as tx:
        email: str = await tx.value("select p.email from persons p where p.person_id = $1", world.people["stranger"])
    return email


async def assigned(world: World, member: UUID) -> None:
    async with world.door.enter(world.actor("standard"), world.businesses["standard"]) as tx:
        await team_actions.assign(tx, member, world.links["standard"])


async def cut(client: Client) -> None:
    """The channel is closed for good."""
    async with asyncio.timeout(30):
        await client.until("phx_close")


@on_uvloop
async def test_a_removed_colleague_is_cut_and_the_others_go_on(settings: Settings) -> None:
    async with running(settings) as (world, gateway):
        topic = f"realtime:wedding:{world.wedding_id}"
        token, member = await joined(world, role="admin")
        async with open_socket(gateway, token) as admin, open_socket(gateway, world.tokens["standard"]) as owner:
            for client in (admin, owner):
                assert (await client.join(topic, {"postgres_changes": [EVERYTHING]}))["status"] == "ok"
            async with world.door.enter(world.actor("standard"), world.businesses["standard"]) as tx:
                await team_actions.remove(tx, member)
            await cut(admin)
            assert (await admin.join(topic))["status"] == "error"
            frames = await owner.nothing_until_heartbeat()
            assert "phx_close" not in [frame[3] for frame in frames]


@on_uvloop
async def test_a_member_taken_off_a_wedding_is_cut_from_it_and_hears_the_team_on(settings: Settings) -> None:
    async with running(settings) as (world, gateway):
        wedding, studio = (f"realtime:wedding:{world.wedding_id}", f"realtime:supplier:{world.businesses['standard']}")
        token, member = await joined(world)
        async with open_socket(gateway, token) as client:
            assert (await client.join(wedding))["status"] == "error"
            assert (await client.join(studio, {"postgres_changes": [EVERYTHING]}))["status"] == "ok"
            await assigned(world, member)
            told = await client.until("postgres_changes", lambda p: p["data"]["table"] == "assignments")
            assert told["data"]["type"] == "INSERT"
            assert (await client.join(wedding))["status"] == "ok"
            async with world.door.enter(world.actor("standard"), world.businesses["standard"]) as tx:
                await team_actions.unassign(tx, member, world.links["standard"])
            await cut(client)
            assert (await client.join(wedding))["status"] == "error"
