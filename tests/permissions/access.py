"""How to try what the permission file says, as each audience, and its page in the reference."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from tests.permissions.tables import AUDIENCES, BUSINESS, EVERYBODY, HOMES, OPENED, STAFF, TABLES, TEAM
from tests.world import World
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal
from wedsync.operations.platform import PLATFORM
from wedsync.weddings.actions import token_hash


class Image(msgspec.Struct, frozen=True):
    """A row of a table and its writable columns, to try inserts with; `touched` is a column that updates may name."""

    columns: list[str]
    row: dict[str, Any]
    touched: str


Images = dict[str, Image]


class Ground(msgspec.Struct, frozen=True):
    """A world, and an image of each table."""

    world: World
    images: Images


class Cell(msgspec.Struct, frozen=True):
    """What happened: rows read (and how many of another home), rows an update and a delete touched (-1: refused
    altogether), and whether a row could be inserted here and with another home.
    """

    read: int
    strays: int
    wrote: int
    deleted: int
    inserted: bool
    inserted_elsewhere: bool


@asynccontextmanager
async def entered(ground: Ground, audience: str, *, tenant: str) -> AsyncIterator[Tx]:
    """A transaction of one audience in its own wedding, in somebody else's, or nowhere. Raises Refusal."""
    if tenant == "none":
        async with ground.world.door.bare(ground.world.actor("couple")) as tx:
            yield tx
        return
    if audience == "guest":
        async with ground.world.door.enter_pass("rsvp", token_hash(ground.world.passes["rsvp"])) as tx:
            yield tx
        return
    if audience == OPENED:
        async with ground.world.door.enter(ground.world.actor(OPENED), PLATFORM) as tx:
            look = await tx.value("select app.note_look($1, 'wedding')", ground.world.ids["opening"])
        async with ground.world.door.enter_opening(ground.world.actor(OPENED), look) as tx:
            yield tx
        return
    own, other = homes(ground, audience)
    async with ground.world.door.enter(ground.world.actor(audience), own if tenant == "own" else other) as tx:
        yield tx


def homes(ground: Ground, audience: str) -> tuple[UUID, UUID]:
    """(the wedding or business it acts in, another one)."""
    if audience in STAFF:
        return ground.world.businesses["standard"], ground.world.businesses["twin"]
    return ground.world.wedding_id, ground.world.other_id


class Undo(Exception):  # noqa: N818 - it reads as a sentence where it is raised
    """Ends a transaction whose writes must not stay."""


async def try_cell(ground: Ground, audience: str, table: str, *, tenant: str = "own") -> Cell:
    """Read, update, delete and insert as one audience; nothing stays."""
    home = home_of(table)
    own, other = homes(ground, audience)
    touch = f'update {table} set "{{0}}" = "{{0}}"'.format(ground.images[table].touched)
    here, elsewhere = (own, other) if tenant != "other" else (other, own)
    counts = f"select count(*), count(*) filter (where {home} <> $1) from {table}"
    read, strays = await _tried(ground, audience, tenant, lambda tx: tx.row(counts, here), (0, 0))
    wrote = await _tried(ground, audience, tenant, lambda tx: tx.run(touch), 0)
    deleted = await _tried(ground, audience, tenant, lambda tx: tx.run(f"delete from {table}"), 0)
    return Cell(
        read=read,
        strays=strays,
        wrote=wrote,
        deleted=deleted,
        inserted=await _inserts(ground, audience, tenant, table, here),
        inserted_elsewhere=await _inserts(ground, audience, tenant, table, elsewhere),
    )


async def _tried(
    ground: Ground, audience: str, tenant: str, attempt: Callable[[Tx], Awaitable[Any]], nothing: Any
) -> Any:
    """What an attempt answers; `nothing` where the audience cannot even enter, -1 where the command is refused."""
    done = nothing
    try:
        async with entered(ground, audience, tenant=tenant) as tx:
            done = await attempt(tx)
            raise Undo
    except Undo:
        return done
    except Refusal as refusal:
        if refusal.status == 403:
            return nothing if isinstance(nothing, tuple) else -1
        # A constraint spoke: row security had let the command through to rows.
        return nothing if refusal.status == 404 else 1


async def _inserts(ground: Ground, audience: str, tenant: str, table: str, home: UUID) -> bool:
    """Whether row security lets a row of this home in. Constraints are checked after it, so their refusal is a yes."""
    image = ground.images[table]
    wanted = {**image.row, home_of(table): str(home)}
    names = ", ".join(f'"{c}"' for c in image.columns)
    statement = f"insert into {table} ({names}) select {names} from jsonb_populate_record(null::{table}, $1)"
    return (
        await _tried(ground, audience, tenant, lambda tx: tx.run(statement, msgspec.json.encode(wanted).decode()), 0)
        > 0
    )


def home_of(table: str) -> str:
    """The column that says whose a row is."""
    return HOMES.get(table, "wedding_id" if table in TABLES else "supplier_id")


def places() -> list[tuple[str, str]]:
    """Every (table, audience) of the permission file."""
    return [
        *((table, audience) for table in TABLES for audience in (*AUDIENCES, OPENED)),
        *((table, audience) for table in BUSINESS for audience in STAFF),
    ]


def expected(table: str, audience: str) -> tuple[bool, bool]:
    """(may read something, may write something) in its own wedding or business, by the permission file."""
    verbs = (BUSINESS if audience in STAFF else TABLES)[table]
    return audience in verbs["r"], audience in verbs["w"]


def appends(table: str, audience: str) -> bool:
    """May put rows in that nobody changes afterwards."""
    return table in TABLES and audience in TABLES[table].get("a", set())


async def policies(owner: asyncpg.Connection, table: str) -> list[dict[str, Any]]:
    """The policies of the user door on one table."""
    rows = await owner.fetch(
        """select tablename, policyname, cmd, permissive, qual, with_check from pg_policies
        where schemaname = 'public' and roles = '{wedsync_user}' and tablename = $1 order by policyname""",
        table,
    )
    return [dict(row) for row in rows]


PAGE = Path(__file__).parents[2] / "docs" / "reference" / "access.md"


def page() -> str:
    """Audiences by verbs, as a page: the permission file for people."""
    staff = [who for who in STAFF if who in TEAM]
    lines = [
        "# Who may do what",
        "",
        "Generated from the permission file that the access matrix is proved by. r reads, w writes, a appends what",
        "nobody changes; of tables with rows for one link a supplier reads and writes its own.",
        "",
        *_table(TABLES, EVERYBODY),
        "",
        "## Within a business",
        "",
        "Nobody else reads or writes any of it, the couples it works for included. A member reads the details of",
        "bookings, and the weddings, that they are assigned to.",
        "",
        *_table(BUSINESS, staff),
    ]
    return "\n".join(lines) + "\n"


def _table(rows: dict[str, dict[str, set[str]]], audiences: Sequence[str]) -> Iterator[str]:
    yield "| Table | " + " | ".join(audiences) + " |"
    yield "|---|" + "---|" * len(audiences)
    for table, verbs in rows.items():
        cells = ("".join(v for v in "rwa" if audience in verbs.get(v, set())) or "–" for audience in audiences)
        yield f"| {table} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page())
