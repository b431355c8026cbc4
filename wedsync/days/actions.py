"""Every write of wedding days: amendments, who comes and is there, how far an item is, and changes that wait.

An amendment changes the schedule by the schedule's own actions, in the same transaction: there is one plan, and beside
it who changed it on the day and why.
"""

import zlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from wedsync.days import facts, model
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.schedule import actions as schedule
from wedsync.schedule import wording
from wedsync.schedule.model import instant, local_of, wedding_phase
from wedsync.schedule.rows import NewItem, WeddingDay
from wedsync.web.context import as_struct, invalid, stale
from wedsync.weddings import actions as weddings
from wedsync.weddings.model import WeddingChange, changed_fields

queries = sql.load("wedsync.days")
SCHEDULE = 2
SHOWN = ("title", "on", "at_local", "minutes", "place")


async def amend(tx: Tx, new: model.NewAmendment, *, version: int | None = None) -> UUID:
    """Change the plan on the day, for everybody to read at once; returns the amendment's id. `version` is the item's
    as whoever asks knows it.

    Raises Refusal 403 for whoever may not change the schedule, 404, 409 before the day, 412 or 422.
    """
    kind, reason = model.kind_of(new), wording.required("reason", new.reason)
    about = await leading(tx)
    await tx.run(queries.hold)
    model.check_amendable(wedding_phase(await days(tx), about["now"]))
    item_id, before = new.schedule_item_id, await _item(tx, new.schedule_item_id)
    fields = model.fields_of(new)
    if kind == "add":
        item_id = await schedule.add(tx, NewItem(**fields), is_amending=True)
    elif kind == "drop" and before is not None:
        await _mark(tx, before["id"], "dropped", None, about["name"])
    elif before is not None:
        await schedule.change(tx, before["id"], _placed(before, fields), version=version, is_amending=True)
    after = await _item(tx, item_id)
    title = (before or after or fields)["title"]
    was, now = _differing(before, after)
    row: Any = await tx.row(queries.amend, kind, item_id, title, _json(was), _json(now), reason, about["name"])
    pairs = {name: [was.get(name), now.get(name)] for name in now}
    record(tx, facts.AMENDED, op="INSERT", row=row, summary={"words": f"{title}: {reason}"[:300], **pairs})
    made: UUID = row["id"]
    return made


async def confirm(tx: Tx, said: model.Confirmation, *, link_id: UUID | None = None) -> UUID:
    """A supplier says when they come and whom to ring there; `link_id` where somebody of the couple's or whoever leads
    the day says it for them. Raises Refusal 403, 404, 409 without a day to come, 422."""
    about = await _about(tx)
    link = about["link_id"] or link_id
    if link is None or (link_id not in (None, about["link_id"]) and not about["may_write"]):
        raise Refusal(403, "forbidden", "Only the supplier, or whoever leads the day, says when they come.")
    day = await _day(tx, said.on, about["now"])
    name, phone = wording.required("contact_name", said.contact_name), wording.line(said.contact_phone)
    expected = instant(day.on, said.at_local.replace(second=0, microsecond=0, fold=0), day.zone)
    vehicle = wording.line(said.vehicle)
    row = await tx.row(queries.confirm_arrival, link, day.on, day.zone, expected, name, phone, vehicle, about["name"])
    if row is None:
        raise not_found("link")
    record(tx, facts.CONFIRMED, op="INSERT" if row["old_record"] is None else "UPDATE", row=row)
    arrival: UUID = row["id"]
    return arrival


async def step(tx: Tx, arrival_id: UUID, to: model.ArrivalStep, *, version: int | None = None) -> int:
    """On my way, on site, ready, left; returns the new version. Raises Refusal 403, 404, 409 or 412."""
    about = await _about(tx)
    before = await tx.row(queries.arrival, arrival_id)
    if before is None:
        raise not_found("arrival")
    if before["link_id"] != about["link_id"] and not about["may_write"]:
        raise Refusal(403, "forbidden", "Only the supplier, or whoever leads the day, says where they are.")
    claimed: Any = await tx.row(queries.claim_arrival, arrival_id)
    if version not in (None, claimed["version"]):
        raise await stale(tx, queries.current_arrival, arrival_id)
    if claimed["state"] == to.state and to.eta_minutes is None:
        current: int = claimed["version"]
        return current
    model.check_step(claimed["state"], to.state)
    is_coming = to.state == "on_my_way" and to.eta_minutes is not None
    eta = about["now"] + timedelta(minutes=to.eta_minutes or 0) if is_coming else None
    row: Any = await tx.row(queries.step_arrival, arrival_id, to.state, eta, about["name"])
    is_found = claimed["rung"] >= model.MISSING and to.state in ("on_site", "ready")
    record(tx, facts.CAME if is_found else facts.MOVED_ON, op="UPDATE", row=row)
    made: int = row["version"]
    return made


async def ask(tx: Tx, link_id: UUID, day: WeddingDay, needed_at: datetime, times: int) -> None:
    """The clock asks a supplier when they come; who has said it, or was asked so often before, is left alone."""
    row = await tx.row(queries.ask_arrival, link_id, day.on, day.zone, needed_at, times)
    if row is not None:
        op = "INSERT" if row["old_record"] is None else "UPDATE"
        record(tx, facts.ASKED, op=op, row=row, link=link_id)


async def climb(tx: Tx, arrival_id: UUID, rung: int) -> bool:
    """The next rung of the clock of a supplier who does not come; false where they came, or it was reached before."""
    row = await tx.row(queries.climb, arrival_id, rung)
    kind = facts.OF_RUNGS[rung]
    if row is None or kind is None:
        return False
    link = msgspec.json.decode(row["record"])["link_id"] if kind is facts.PROMPTED else None
    record(tx, kind, op="UPDATE", row=row, link=link)
    return True


async def begin(tx: Tx, on: date, stage: model.Stage) -> bool:
    """What comes after a day begins; false where it had. By the system alone."""
    row = await tx.row(queries.begin_stage, on, stage)
    if row is not None:
        record(tx, facts.STAGE_BEGUN, op="INSERT", row=row)
    return row is not None


async def keep_pack(
    tx: Tx, ring: KeyRing, file: bytes, *, link_id: UUID | None, because: model.Because, number: int
) -> UUID:
    """Keep a day pack for whoever it was made for: the couple, or one link. By the system alone."""
    home, pack_id, packed = await tx.home(), uuid4(), zlib.compress(file, 6)
    sealed = ring.seal(packed, tenant=home, table="day_packs", column="sealed", row=pack_id)
    row: Any = await tx.row(queries.put_pack, pack_id, link_id, because, number, len(file), sealed)
    record(tx, facts.PACKED, op="INSERT", row=row, link=link_id)
    return pack_id


async def open_pack(tx: Tx, ring: KeyRing, pack_id: UUID) -> bytes:
    """The file of a pack. Raises Refusal 404."""
    row = await tx.row(queries.pack, pack_id)
    if row is None:
        raise not_found("day pack")
    packed = ring.open(row["sealed"], tenant=row["wedding_id"], table="day_packs", column="sealed", row=row["id"])
    return zlib.decompress(packed)


async def mark(tx: Tx, item_id: UUID, change: model.MarkChange) -> None:
    """How far an item has come, by whoever owns it or leads the day. Raises Refusal 403, 404 or 422."""
    if change.state is None and change.late_minutes is None:
        raise invalid("state", "is missing", "Say that it has started, is done, or how late it runs.")
    about = await _about(tx)
    item = await _item(tx, item_id)
    if item is None:
        raise not_found("item")
    owners = {item["owner_link_id"], item["owner_membership_id"]} - {None}
    if not about["may_write"] and not owners & {about["link_id"], about["membership_id"]}:
        raise Refusal(403, "forbidden", "Only whoever is responsible for this, or leads the day, says how far it is.")
    await _mark(tx, item_id, change.state, change.late_minutes, about["name"])


async def hold(tx: Tx, new: model.NewHeldChange) -> UUID:
    """Ask for a change of date, places or times in the last week. Raises Refusal 403, 409 or 422."""
    about = await _couple(tx)
    given = {name: getattr(new, name) for name in new.__struct_fields__ if name != "reason"}
    wanted = {name: value for name, value in given.items() if value is not msgspec.UNSET}
    if not wanted:
        raise invalid("all", "change nothing", "Send what is to change: on, times, venues or addresses.")
    if await tx.value(queries.guard) is None:
        raise Refusal(409, "not_frozen", "Nothing holds this back yet. Change it on the wedding itself.")
    row = await tx.row(queries.hold_change, _json(wanted), wording.required("reason", new.reason), about["name"])
    if row is None:
        raise Refusal(409, "waiting", "Another change waits for a second word. Confirm or take back that one first.")
    record(tx, facts.HELD, op="INSERT", row=row)
    made: UUID = row["id"]
    return made


async def second(tx: Tx, change_id: UUID) -> None:
    """The second word, by somebody else of the couple's side, or by the same where they are alone: the change is made.
    Raises Refusal 403, 404, 409, or as the change itself does."""
    about = await _couple(tx)
    held = await _waiting(tx, change_id)
    if held["asked_by"] == about["actor_id"] and await tx.value(queries.couple_count) > 1:
        raise Refusal(409, "needs_another", "You asked for it. Somebody else of you two gives the second word.")
    fields = changed_fields(msgspec.convert(msgspec.json.decode(held["fields"]), WeddingChange))
    await weddings.change(tx, about["wedding_id"], fields, is_confirmed=True)
    row: Any = await tx.row(queries.end_change, change_id, "made", about["name"])
    record(tx, facts.HELD_MADE, op="UPDATE", row=row)


async def withdraw(tx: Tx, change_id: UUID) -> None:
    """Take a waiting change back. Raises Refusal 403, 404 or 409."""
    about = await _couple(tx)
    await _waiting(tx, change_id)
    row: Any = await tx.row(queries.end_change, change_id, "withdrawn", about["name"])
    record(tx, facts.HELD_WITHDRAWN, op="UPDATE", row=row)


async def days(tx: Tx) -> list[WeddingDay]:
    """The days of the entered wedding."""
    return [as_struct(WeddingDay, row) for row in await tx.rows(queries.days)]


async def _about(tx: Tx) -> Row:
    about = await tx.row(queries.about)
    if about is None or not (about["mask"] & SCHEDULE or about["link_id"]):
        raise not_found("wedding")
    return about


async def leading(tx: Tx) -> Row:
    """Who asks, where they may amend the plan. Raises Refusal 403 or 404."""
    about = await _about(tx)
    if not about["may_write"]:
        raise Refusal(
            403,
            "forbidden",
            "Only the couple and whoever leads the day amend the plan. Say of your own part that it runs late.",
        )
    return about


async def _couple(tx: Tx) -> Row:
    about = await _about(tx)
    if not about["is_couple"]:
        raise Refusal(403, "forbidden", "Only the couple changes this. Send them a proposal.")
    return about


async def _waiting(tx: Tx, change_id: UUID) -> Row:
    held = await tx.row(queries.claim_change, change_id)
    if held is None:
        raise not_found("change")
    if held["state"] != "waiting":
        raise Refusal(409, "over", "This change was decided already. Look at it again.")
    return held


async def _item(tx: Tx, item_id: UUID | None) -> Row | None:
    if item_id is None:
        return None
    row = await tx.row(queries.item, item_id)
    if row is None:
        raise not_found("item")
    return row


async def _day(tx: Tx, on: date | None, now: datetime) -> WeddingDay:
    """The day that is meant: the one named, or the next that is not over."""
    known = await days(tx)
    found = next((day for day in known if (day.on == on if on else day.live_until > now)), None)
    if found is None:
        raise Refusal(
            409, "no_day", "There is no such day on the schedule. Put its first item there, or name another day."
        )
    return found


async def _mark(tx: Tx, item_id: UUID, state: model.MarkState | None, late_minutes: int | None, name: str) -> None:
    row: Any = await tx.row(queries.mark, item_id, state, late_minutes, name)
    record(tx, facts.MARKED, op="INSERT" if row["old_record"] is None else "UPDATE", row=row)


def _placed(before: Row, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as the schedule takes them: minutes later are another time."""
    out = dict(fields)
    by_minutes = out.pop("by_minutes", None)
    if by_minutes is not None:
        out["on"], out["at_local"] = local_of(before["starts_at"] + timedelta(minutes=by_minutes), before["zone"])
    return out


def _differing(before: Row | None, after: Row | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of the item's fields those that differ, as they were and are; of a new one all."""
    if after is None:
        return {}, {}
    names = [name for name in SHOWN if before is None or before[name] != after[name]]
    was = {} if before is None else {name: before[name] for name in names}
    return was, {name: after[name] for name in names}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
