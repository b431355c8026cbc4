"""Every write of records by people: kept so or so, looked at now, and what they decide of conflicts."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from wedsync.connections import actions as connections
from wedsync.connections import manifest as manifests
from wedsync.connections.records import conflicts, facts, fields, mapping, model
from wedsync.connections.records.fields import MapRule
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.web.context import stale

queries = sql.load("wedsync.connections.records")
KEEPERS: Final = ("owner", "admin")


async def open_book(tx: Tx, connection_id: UUID, direction: facts.Direction = "import") -> None:
    """A CRM was connected, or works again: its jobs are read, or it is sent to, from now on. Twice is once."""
    row = await tx.row(queries.open_book, connection_id, direction)
    if row is not None:
        record(tx, facts.OPENED, op="INSERT", row=row)
        await tx.run(queries.add_progress, connection_id)
    await poke(tx, connection_id, is_pull=True)


async def change(tx: Tx, book_id: UUID, wanted: model.BookChange, *, version: int | None = None) -> int:
    """Keep it otherwise; returns the version. Raises Refusal 403, 404 or 412."""
    held = await _held(tx, book_id)
    if version not in (None, held["version"]):
        raise await stale(tx, queries.book_current, book_id)
    known: int = held["version"]
    direction = wanted.direction
    if direction is UNSET or direction == held["direction"]:
        return known
    _check_way(direction, directions_of(held["connector"]))
    row: Any = await tx.row(queries.change_book, book_id, direction)
    record(tx, facts.CHANGED, op="UPDATE", row=row)
    await tx.run(queries.begin_anew, book_id, direction == "off")
    if direction == "send":
        await tx.run(queries.send_from_now, book_id)
    await tx.run(queries.mark_all, book_id)
    await poke(tx, book_id, is_pull=True)
    return int(row["version"])


def directions_of(connector: str) -> tuple[facts.Direction, ...]:
    """The ways in which this CRM can be kept."""
    manifest = manifests.find().get(connector)
    return ("send", "off") if manifest is not None and "sends" in manifest.does else ("import", "both", "off")


def _check_way(direction: facts.Direction, known: Collection[facts.Direction]) -> None:
    if direction not in known:
        fix = f"Choose one of {', '.join(known)}."
        errors = [FieldError("direction", "is not a way in which this CRM can be kept", fix)]
        raise Refusal(422, "invalid", f"direction: this CRM cannot be kept so. {fix}", errors=errors)


async def save_map(tx: Tx, book_id: UUID, rules: Sequence[MapRule], *, version: int | None = None) -> int:
    """Read its records by these rules from now on, those it has too; returns the map's version. No rules: as its
    connector reads them by itself. Raises Refusal 403, 404, 412, or 422 that names every rule that cannot work."""
    await _held(tx, book_id)
    now: Any = await tx.row(queries.map, book_id, None)
    if version not in (None, now["version"]):
        raise Refusal(412, "changed_meanwhile", "Somebody else changed this map after you read it. Look at it again.")
    fields.compiled(rules, may_write=now["connector"] in mapping.documentary())
    known = msgspec.json.decode(now["rules"], type=tuple[MapRule, ...])
    if known == tuple(rules):
        return int(now["version"])
    text = msgspec.json.encode(tuple(rules)).decode()
    row: Any = await tx.row(queries.add_map, book_id, now["version"] + 1, text)
    record(tx, facts.MAPPED, op="INSERT", row=row)
    await tx.run(queries.found_again, book_id)
    await poke(tx, book_id, is_pull=False, is_now=True)
    return int(now["version"]) + 1


async def sync_now(tx: Tx, book_id: UUID) -> None:
    """Look at both sides at once. Raises Refusal 403, 404 or 409."""
    held = await _held(tx, book_id)
    if held["direction"] == "off":
        raise Refusal(409, "records_off", "This CRM is not used. Choose how it is kept first.")
    await poke(tx, book_id, is_pull=True, is_now=True)


async def hook_place(tx: Tx, ring: KeyRing, book_id: UUID, public_url: str) -> model.HookPlace:
    """Where a CRM is to send, and its key. Raises Refusal 403, 404, or 409 where no person has to tell it."""
    held = await _held(tx, book_id)
    if not is_told_by_person(held["connector"]):
        raise Refusal(
            409, "not_by_hand", "This CRM is told by us where to send, or tells nothing. Nothing is to be done."
        )
    row: Any = await tx.row(queries.hook_secrets, book_id)
    (newest, *_) = connections.kept(ring, row["tenant_id"], book_id, row["sealed"])
    return model.HookPlace(address=f"{public_url}/hooks/{held['connector']}/{book_id}", key=newest.secret)


def is_told_by_person(connector: str) -> bool:
    """Whether somebody has to tell this CRM in its own settings where to send."""
    manifest = manifests.find().get(connector)
    return manifest is not None and manifest.hooks is not None and manifest.hooks.told_by == "person"


async def resolve(tx: Tx, conflict_id: UUID, keep: model.Side) -> None:
    """Say which side holds. Raises Refusal 403, 404, or 409 for what was decided already."""
    await _check_keeper(tx)
    held = await tx.row(queries.hold_conflict, conflict_id)
    if held is None:
        raise not_found("conflict")
    if not await conflicts.resolve(tx, conflict_id, keep):
        raise Refusal(409, "conflict_resolved", "This is decided already.")
    if held["item_id"] is not None:
        await tx.run(queries.give_verdict, held["item_id"], keep)
    elif held["kind"] == "sweep":
        await tx.run(queries.let_sweep, held["book_id"], keep == "theirs")
    await poke(tx, held["book_id"], is_pull=False, is_now=True)


async def poke(tx: Tx, book_id: UUID, *, is_pull: bool, is_now: bool = False) -> None:
    """Its job looks at it; workers at once, for nothing else tells them."""
    await tx.value(queries.poke, [book_id], is_pull, is_now)
    tx.nudges.append("[]")


async def _held(tx: Tx, book_id: UUID) -> Row:
    await _check_keeper(tx)
    held = await tx.row(queries.hold_book, book_id)
    if held is None:
        raise not_found("connection")
    return held


async def _check_keeper(tx: Tx) -> None:
    if await tx.value(queries.my_role) not in KEEPERS:
        raise Refusal(403, "forbidden", "Only an owner or admin decides about connected CRMs. Ask one of them.")
