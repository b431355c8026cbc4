"""Rotating keys: killed half way and started again, and afterwards the old key opens nothing and nobody needs it."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest

from tests.engines_fixture import Database, RunningPostgres, settings_for
from tests.world import World, build
from wedsync.clients.sealed import email_indexes, unseal
from wedsync.connections import actions as sources
from wedsync.connections.accounts.actions import account_keys, open_account
from wedsync.connections.model import NewSecret
from wedsync.kit.config import Settings
from wedsync.kit.seal import KeyRing, SealError
from wedsync.processes.rotate_keys import check
from wedsync.processes.sealed_places import COLUMNS, IMAGES, NOT_SEALED, image_row
from wedsync.subscriptions import actions as endpoints

OLD, NEW = KeyRing.new_setting("old"), KeyRing.new_setting("new")


async def rotate(settings: Settings, *options: str, dies_after: int = 0) -> tuple[int, list[str]]:
    """The command, on a ring that knows both; killed after so many lines."""
    environ = {**os.environ, **settings.environ(), "WEDSYNC_SEAL_KEYS": f"{NEW},{OLD}"}
    command = (sys.executable, "-m", "wedsync.processes.cli", "rotate-keys", *options)
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    lines = []
    while line := (await process.stdout.readline()).decode().strip():
        lines.append(line)
        if dies_after and len(lines) == dies_after:
            process.kill()
            break
    return await process.wait(), lines


async def everything(admin: asyncpg.Connection, ring: KeyRing) -> tuple[int, int, set[str]]:
    """How many sealed values there are, how many the ring opens, and where they are."""
    found = opened = 0
    seen = set()
    for place in COLUMNS:
        for row in await admin.fetch(
            f"select {place.tenant} as tenant, {place.row} as row, {place.column} as sealed from {place.table}"
            f" where {place.column} is not null"
        ):
            found, seen = found + 1, seen | {place.name}
            opened += opens(ring, row["sealed"], row["tenant"], place.table, place.column, row["row"])
    for place in IMAGES:
        for row in await admin.fetch(
            f"select stream_id, subject_table, {place.column} as image from events where {place.column} ? 'sealed'"
        ):
            image = msgspec.json.decode(row["image"])
            sealed = bytes.fromhex(image["sealed"].removeprefix("\\x"))
            found, seen = found + 1, seen | {place.name}
            opened += opens(ring, sealed, row["stream_id"], row["subject_table"], "sealed", UUID(image_row(image)))
    for row in await admin.fetch("select id, tenant_id, old_secrets from endpoints where old_secrets <> '[]'"):
        for old in msgspec.json.decode(row["old_secrets"]):
            found, seen = found + 1, seen | {"endpoints.old_secrets"}
            opened += opens(
                ring, bytes.fromhex(old["sealed"]), row["tenant_id"], "endpoints", "secret_sealed", row["id"]
            )
    return found, opened, seen


def opens(ring: KeyRing, sealed: bytes, tenant: UUID, table: str, column: str, row: UUID) -> bool:
    try:
        ring.open(sealed, tenant=tenant, table=table, column=column, row=row)
    except SealError:
        return False
    return True


async def versions(admin: asyncpg.Connection) -> list[tuple[str, int]]:
    rows = await admin.fetch(
        "select id::text, version from endpoints union all select id::text, version from connections"
    )
    return sorted((row[0], row[1]) for row in rows)


@pytest.mark.timeout(300)
async def test_killed_half_way_and_resumed_it_ends_with_the_new_key_alone(
    make_database: Callable[[], Awaitable[Database]], postgres: RunningPostgres, valkey_url: str, tmp_path: Path
) -> None:
    database = await make_database()
    settings = msgspec.structs.replace(settings_for(tmp_path, database, valkey_url), seal_keys=OLD)
    world = await build(settings)
    await a_secret_in_overlap(world)
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        old, new = KeyRing.from_setting(OLD), KeyRing.from_setting(NEW)
        found, opened, seen = await everything(admin, old)
        assert found == opened > 15
        assert seen >= {"guest_contacts.sealed", "guest_needs.sealed", "booking_details.sealed", "inbox_hooks.sealed"}
        assert seen >= {"clients.sealed", "client_imports.plan", "client_imports.undo"}
        assert seen >= {"endpoints.secret_sealed", "endpoints.old_secrets", "connections.sealed", "events.record"}
        assert seen >= {"connection_accounts.account_sealed", "connection_accounts.credentials_sealed"}
        before = await versions(admin)
        code, _ = await rotate(settings, "--pages", "1", dies_after=2)
        assert code == -9
        _, half, _ = await everything(admin, new)
        assert 0 < half < found
        connection = await asyncpg.connect(database.owner)
        await connection.execute("set role wedsync_recorder")
        lines: list[str] = []
        assert await check(connection, KeyRing.from_setting(f"{NEW},{OLD}"), say=lines.append) == 1
        assert lines[0].endswith("sealed with old")
        await connection.close()
        code, told = await rotate(settings, "--pages", "1")
        assert (code, told[-1][:32]) == (0, "Everything is sealed with new. N")
        assert (await everything(admin, new))[:2] == (found, found)
        assert (await everything(admin, old))[1] == 0
        assert await versions(admin) == before
        await the_indexes_are_the_new_keys(admin, new)
    finally:
        await admin.close()
        await world.door.pool.close()


async def a_secret_in_overlap(world: World) -> None:
    """An endpoint whose secret was just rotated, and the same of a source of hooks."""
    async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
        (endpoint, *_) = await tx.rows("select id from endpoints")
        await endpoints.rotate(tx, world.ring, world.wedding_id, endpoint["id"], 24)
        (source, *_) = await tx.rows("select id from connections where state is null")
        await sources.rotate(tx, world.ring, world.wedding_id, source["id"], NewSecret())


async def the_indexes_are_the_new_keys(admin: asyncpg.Connection, ring: KeyRing) -> None:
    """Guests are found by their address, and an account is not connected twice, with the new key alone."""
    for row in await admin.fetch("select wedding_id, guest_id, sealed, email_index from guest_contacts"):
        place = {"tenant": row["wedding_id"], "table": "guest_contacts"}
        contact = msgspec.json.decode(ring.open(row["sealed"], **place, column="sealed", row=row["guest_id"]))
        wanted = ring.blind(contact["email"], **place, column="email", form="email") if contact.get("email") else None
        assert row["email_index"] == wanted
    for row in await admin.fetch("select supplier_id, id, sealed, email_index, partner_email_index from clients"):
        client = unseal(ring, row["supplier_id"], row["id"], row["sealed"])
        assert (row["email_index"], row["partner_email_index"]) == email_indexes(ring, row["supplier_id"], client)
    for row in await admin.fetch(
        "select c.id, c.tenant_id, c.connector, c.account_key, a.account_sealed from connections c"
        " join connection_accounts a on a.connection_id = c.id"
    ):
        account = open_account(ring, row["tenant_id"], row["id"], row["account_sealed"])
        assert account is not None
        assert row["account_key"] in account_keys(ring, row["tenant_id"], row["connector"], account.id)


async def test_no_column_of_bytes_is_forgotten(database: Database, postgres: RunningPostgres) -> None:
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        rows = await admin.fetch(
            """select c.relname || '.' || a.attname as name, a.attname
            from pg_attribute a join pg_class c on c.oid = a.attrelid
            where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
              and a.atttypid = 'bytea'::regtype and not a.attisdropped"""
        )
    finally:
        await admin.close()
    known = {place.name for place in COLUMNS}
    assert {row["name"] for row in rows if row["attname"] not in NOT_SEALED} == known
