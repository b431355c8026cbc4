"""The guest list as its reader may see it, in the shape that imports again unchanged."""

import asyncio
from uuid import UUID

import msgspec

from wedsync.guests import sealed
from wedsync.guests.importing import needs
from wedsync.guests.importing.export import ExportGuest, export_rows, to_csv, to_json
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing
from wedsync.web.context import Context

queries = sql.load("wedsync.guests.importing")


async def exported(ctx: Context, actor: Actor, wedding_id: UUID, kind: str) -> bytes:
    """CSV or JSON. Contacts and needs are there for audiences that may see them. Raises Refusal 403 without guests."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        if not await tx.value(queries.may_read_guests):
            raise Refusal(403, "forbidden", "Guests were not shared with you. Ask the couple for them.")
        guests = await tx.rows(queries.exported_guests, wedding_id)
        answers = await tx.rows(queries.exported_answers, wedding_id)
        contacts = await tx.rows(queries.stored_contacts, wedding_id)
        wants = await tx.rows(queries.stored_needs, wedding_id)

    def written() -> bytes:
        found = _guests(ctx.ring, wedding_id, guests, contacts=contacts, wants=wants)
        for row in answers:
            guest = found.get(row["guest_id"])
            if guest is not None:
                guest.answers[row["title"]] = row["status"]
                if row["meal"]:
                    guest.meals[row["title"]] = row["meal"]
        rows = export_rows(list(found.values()))
        return to_csv(rows) if kind == "csv" else to_json(rows)

    return await asyncio.to_thread(written)


def _guests(
    ring: KeyRing, wedding_id: UUID, guests: list[Row], *, contacts: list[Row], wants: list[Row]
) -> dict[UUID, ExportGuest]:
    reached = {r["guest_id"]: sealed.open_contact(ring, wedding_id, r["guest_id"], r["sealed"]) for r in contacts}
    wanted = {r["guest_id"]: sealed.open_needs(ring, wedding_id, r["guest_id"], r["sealed"]) for r in wants}
    found: dict[UUID, ExportGuest] = {}
    for row in guests:
        values = dict(row) | {"id": str(row["id"]), "party_id": str(row["party_id"]), "tags": list(row["tags"])}
        if row["id"] in reached:
            values |= msgspec.structs.asdict(reached[row["id"]])
        need = wanted.get(row["id"])
        if need is not None:
            values["needs"] = msgspec.convert(msgspec.to_builtins(need), type=needs.Needs)
        found[row["id"]] = ExportGuest(**values)
    return found
