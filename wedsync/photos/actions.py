"""Every write of photo deliveries: the supplier of the link makes and moves them, the couple notes that it looked."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.photos import facts, model
from wedsync.web.context import stale

queries = sql.load("wedsync.photos")
Before = Mapping[str, Any]


async def promise(tx: Tx, new: model.NewPhotoDelivery) -> UUID:
    """Write down what will be handed over; returns its id. Raises Refusal 403 for all but a supplier, or 422."""
    fields = model.settle(msgspec.structs.asdict(new))
    whose = await tx.row(queries.whose)
    if whose is None:
        raise not_found("item")
    if whose["link_id"] is None:
        raise Refusal(403, "forbidden", "Only a linked supplier promises photographs. Ask them to write it down.")
    if new.promised_on is not None:
        fields |= model.promised({}, new.promised_on, whose["now"])
    row = await tx.row(queries.add, _json(fields))
    if row is None:
        raise not_found("item")
    record(tx, facts.PROMISED, op="INSERT", row=row, link=row["link_id"])
    made: UUID = row["id"]
    return made


async def change(tx: Tx, photos_id: UUID, fields: dict[str, Any], *, version: int | None = None) -> int:
    """Change words, counts, the address, or promise an earlier day; returns its version.

    Raises Refusal 403, 404, 409, 412, or 422 where a promised day would become later: that is a delay.
    """
    before = await _claimed(tx, photos_id, version)
    wanted = {k: v for k, v in model.settle(fields).items() if v != before[k]}
    if before["stage"] in model.HANDED:
        model.check_place({**before, **wanted})
    if wanted.get("promised_on") is not None:
        model.check_working(before["stage"])
        wanted |= model.promised(before, wanted["promised_on"], before["now"])
        return await _write(tx, facts.PROMISED, before, wanted)
    return await _write(tx, facts.CHANGED, before, wanted)


async def move(tx: Tx, photos_id: UUID, stage: str, *, version: int | None = None) -> int:
    """Say at which stage it is; returns its version. Raises Refusal 403, 404, 409 or 412."""
    before = await _claimed(tx, photos_id, version)
    wanted = {} if stage == before["stage"] else model.moved(before, stage)
    return await _write(tx, facts.STAGE_CHANGED, before, wanted)


async def delay(tx: Tx, photos_id: UUID, later: model.Delay, *, version: int | None = None) -> int:
    """It comes on a later day, and why; returns its version. Raises Refusal 403, 404, 409, 412 or 422."""
    before = await _claimed(tx, photos_id, version)
    return await _write(tx, facts.DELAYED, before, model.delayed(before, later, before["now"]))


async def pause(tx: Tx, photos_id: UUID, reason: str, *, version: int | None = None) -> int:
    """Put it on hold; returns its version. Raises Refusal 403, 404, 409, 412 or 422."""
    before = await _claimed(tx, photos_id, version)
    wanted = model.paused(before, reason)
    changed = {k: v for k, v in wanted.items() if v != before[k]}
    return await _write(tx, facts.PAUSED, before, changed)


async def resume(tx: Tx, photos_id: UUID, *, version: int | None = None) -> int:
    """Go on with it; what is not on hold stays as it is. Raises Refusal 403, 404 or 412."""
    before = await _claimed(tx, photos_id, version)
    wanted = model.resumed(before) if before["standing"] == "on_hold" else {}
    return await _write(tx, facts.RESUMED, before, wanted)


async def deliver(tx: Tx, photos_id: UUID, *, version: int | None = None) -> int:
    """Hand it over: the couple may look. Twice is once. Raises Refusal 403, 404, 409, 412 or 422."""
    before = await _claimed(tx, photos_id, version)
    is_there = before["stage"] in model.HANDED and before["stage"] != "archived"
    wanted = {} if is_there else model.handed_over(before, before["now"])
    return await _write(tx, facts.DELIVERED, before, wanted)


async def see(tx: Tx, photos_id: UUID) -> str:
    """The couple looks, which counts once; returns where, '' for what is on paper. Raises Refusal 403, 404 or 409."""
    before = await _read(tx, photos_id)
    if not before["is_couple"]:
        raise Refusal(403, "forbidden", "Only the couple says that they have seen it. You see it here when they have.")
    await _write(tx, facts.VIEWED, before, model.seen(before, before["now"]))
    url: str = before["gallery_url"]
    return url


async def remove(tx: Tx, photos_id: UUID, *, version: int | None = None) -> None:
    """Take back what is not handed over. Raises Refusal 403, 404, 409 or 412."""
    before = await _claimed(tx, photos_id, version)
    model.check_working(before["stage"])
    row = await tx.row(queries.remove, photos_id)
    if row is None:
        raise not_found("item")
    record(tx, facts.WITHDRAWN, op="DELETE", row=row, link=row["link_id"])


async def _read(tx: Tx, photos_id: UUID) -> dict[str, Any]:
    row = await tx.row(queries.claim, photos_id)
    if row is None:
        raise not_found("item")
    return opened(row)


async def _claimed(tx: Tx, photos_id: UUID, version: int | None) -> dict[str, Any]:
    """The delivery as it is, locked, for its supplier who has read this version."""
    before = await _read(tx, photos_id)
    if not before["is_supplier"]:
        raise Refusal(403, "forbidden", "Only the supplier who promised it changes this. Write to them.")
    if version not in (None, before["version"]):
        raise await stale(tx, queries.current, photos_id)
    return before


async def _write(tx: Tx, kind: EventType, before: Before, wanted: Mapping[str, Any]) -> int:
    """Write what is wanted otherwise, and say so; nothing where nothing is."""
    written: int = before["version"]
    if wanted:
        row = await tx.row(queries.change, before["id"], _json(wanted))
        if row is None:
            raise not_found("item")
        record(tx, kind, op="UPDATE", row=row, link=row["link_id"])
        written = row["version"]
    return written


def opened(row: Row) -> dict[str, Any]:
    """A row with its promises as structs."""
    return {**dict(row), "promises": msgspec.json.decode(row["promises"], type=list[model.Promise])}


def _json(fields: Mapping[str, Any]) -> str:
    return msgspec.json.encode(fields).decode()
