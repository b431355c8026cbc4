"""`wedsync rotate-keys`: seals everything again with the first key of the ring, while the product runs.

It reads each table once, a few pages at a time, and changes only what another key sealed; each batch is a transaction,
so it can be killed at any moment and started again, and goes on with what is left. What processes that do not know the
new key yet have sealed meanwhile is found by the next run or by `--check`.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from wedsync.kit.config import Settings
from wedsync.kit.db import connect_pool
from wedsync.kit.seal import KEY_ID_BYTES, KeyRing, SealError
from wedsync.processes import sealed_places as places
from wedsync.processes import sealed_statements as statements
from wedsync.processes.engines import require
from wedsync.processes.migrate_command import running_database
from wedsync.processes.sealed_places import COLUMNS, IMAGES, OLD_SECRETS, Place

PAGES: Final = 64
"""Of a table in one transaction: half a MiB."""
TOLD_EVERY: Final = 1000
Say = Callable[[str], None]
INDEXED: Final[dict[str, tuple[str, Callable[[KeyRing, bytes], Any]]]] = {
    "invitations.sealed": (statements.COUPLE, places.couple_index),
    "mail_suppressions.sealed": (statements.SUPPRESSION, places.address_index),
    "mail_consents.sealed": (statements.CONSENT, places.address_index),
    "phones.sealed": (statements.PHONE, places.number_index),
    "phone_stops.sealed": (statements.STOP, places.number_index),
}
"""Columns with a blind index beside them that no tenant's key makes."""
Reseal = Callable[[Any, KeyRing, Place, Any], Awaitable[None]]


async def run(settings: Settings, *, is_check: bool, pages: int = PAGES) -> int:
    """0 when everything is sealed with the newest key."""
    ring = KeyRing.from_setting(settings.seal_keys)
    with running_database(settings) as (running, _):
        require(running, "owner_database_url")
        pool = await connect_pool(running.owner_database_url, size=1, application="wedsync-rotate-keys")
        try:
            async with pool.acquire() as connection:
                await connection.execute("set role wedsync_recorder; set sealing.anew = 'on'")
                if not is_check:
                    await rotate(connection, ring, pages=pages, say=_told)
                return await check(connection, ring, say=_told)
        finally:
            await pool.close()


async def rotate(connection: Any, ring: KeyRing, *, pages: int, say: Say) -> None:
    """Seal everything again that the first key has not sealed."""
    for place in COLUMNS:
        await _through(connection, ring, place, _reseal_column, statements.select(place), pages=pages, say=say)
    for place in IMAGES:
        await _through(connection, ring, place, _reseal_image, statements.select_images(place), pages=pages, say=say)
    await _through(connection, ring, OLD_SECRETS, _reseal_olds, statements.SELECT_OLDS, pages=pages, say=say)


async def check(connection: Any, ring: KeyRing, *, say: Say) -> int:
    """Tell what other keys than the first still hold; 0 when that is nothing."""
    held: dict[str, int] = {}
    for place in (*COLUMNS, *IMAGES, OLD_SECRETS):
        for row in await connection.fetch(statements.COUNTS[place]):
            name = bytes(row["key"]).rstrip(b"\0").decode("ascii", errors="replace")
            if name != ring.primary:
                held[name] = held.get(name, 0) + row["n"]
                say(f"{place.name}: {row['n']} sealed with {name}")
    lost = sorted(set(held) - set(ring.key_ids))
    if lost:
        say(f"Not on the ring, so these do not open: {', '.join(lost)}. Put them back at the end of WEDSYNC_SEAL_KEYS.")
    if held:
        say("Run `wedsync rotate-keys` again, once every process knows the newest key; keep the others until then.")
        return 1
    say(f"Everything is sealed with {ring.primary}. No other key of WEDSYNC_SEAL_KEYS is needed; take them out.")
    return 0


async def _through(
    connection: Any, ring: KeyRing, place: Place, reseal: Reseal, select: str, *, pages: int, say: Say
) -> None:
    """One column from the first page of its table, or of all its partitions at once, to the last."""
    last = await connection.fetchval(statements.BLOCKS, place.table)
    done = told = unopened = 0
    for first in range(0, last, pages):
        async with connection.transaction():
            span = (first, 0), (first + pages, 0)
            for row in await connection.fetch(select, *span, _marker(ring)):
                try:
                    await reseal(connection, ring, place, row)
                    done += 1
                except SealError:
                    unopened += 1
        if done - told >= TOLD_EVERY:
            told = done
            say(f"{place.name}: {done} sealed anew, page {min(first + pages, last)} of {last}")
    if done or unopened:
        say(f"{place.name}: {done} sealed anew" + (f", {unopened} did not open" if unopened else ""))


async def _reseal_column(connection: Any, ring: KeyRing, place: Place, row: Any) -> None:
    bound = {"tenant": row["tenant"], "table": place.table, "column": place.column, "row": row["row"]}
    plain = ring.open(row["sealed"], **bound)
    sealed = ring.seal(plain, **bound)
    if place.name == "guest_contacts.sealed":
        index = places.contact_index(ring, row["tenant"], plain)
        await connection.execute(statements.CONTACT, row["rel"], row["at"], sealed, index)
        return
    if place.name == "clients.sealed":
        indexes = places.client_indexes(ring, row["tenant"], plain)
        await connection.execute(statements.CLIENT, row["rel"], row["at"], sealed, *indexes)
        return
    if place.name in INDEXED:
        statement, index_of = INDEXED[place.name]
        await connection.execute(statement, row["rel"], row["at"], sealed, index_of(ring, plain))
        return
    if place.name == "connection_accounts.account_sealed":
        connector = await connection.fetchval(statements.CONNECTOR, row["tenant"], row["row"])
        index = places.account_index(ring, row["tenant"], row["row"], connector, sealed)
        await connection.execute(statements.ACCOUNT_KEY, row["tenant"], row["row"], index)
    await connection.execute(statements.update(place), row["rel"], row["at"], sealed)


async def _reseal_image(connection: Any, ring: KeyRing, place: Place, row: Any) -> None:
    record = msgspec.json.decode(row["sealed"])
    bound = {"tenant": row["tenant"], "table": row["subject"], "column": "sealed", "row": places.image_row(record)}
    plain = ring.open(bytes.fromhex(record["sealed"].removeprefix("\\x")), **bound)
    text = "\\x" + ring.seal(plain, **bound).hex()
    await connection.execute(statements.update_image(place), row["rel"], row["at"], text)


async def _reseal_olds(connection: Any, ring: KeyRing, place: Place, row: Any) -> None:
    olds = msgspec.json.decode(row["sealed"])
    bound = {"tenant": row["tenant"], "table": place.table, "column": "secret_sealed", "row": row["row"]}
    for old in olds:
        old["sealed"] = ring.seal(ring.open(bytes.fromhex(old["sealed"]), **bound), **bound).hex()
    await connection.execute(statements.OLDS, row["rel"], row["at"], msgspec.json.encode(olds).decode())


def _marker(ring: KeyRing) -> bytes:
    """The key id as it stands in a sealed value."""
    return ring.primary.encode("ascii").ljust(KEY_ID_BYTES, b"\0")


def _told(line: str) -> None:
    print(line, flush=True, file=sys.stdout)
