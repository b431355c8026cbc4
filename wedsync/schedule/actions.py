"""Every write of the schedule: items with what follows them, the days they make, and on-day contacts.

The first ceremony and reception stand for the wedding's core times: moving them here changes the core in the same
transaction, which only the couple may. `wedding_days` are kept in the transaction of whatever changes an item.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.schedule import facts, model
from wedsync.schedule.ripple import (
    Conflict,
    Dependency,
    Move,
    Ripple,
    dependencies_of,
    follow,
    grouped,
    ripple,
    shifted,
    standing,
)
from wedsync.schedule.rows import After, CoreTime, Kind, MoveItem, NewContact, NewItem, PlannedItem, Slot
from wedsync.web.context import stale
from wedsync.weddings import actions as weddings

queries = sql.load("wedsync.schedule")
Plan = dict[UUID, PlannedItem]
PLACE_IN_TIME = ("on", "at_local", "zone")
COUPLE_ONLY = {"takes_rsvps": False, "audience": "linked"}
# What a supplier who owns an item wants to know of before the day.
OWNER_ASKED = frozenset({"place", "minutes", "owner_link_id"})


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What a move does: every new start, what anchors stopped, core times that go along, and who confirms.

    `asks` are links; null is every link that sees the schedule.
    """

    is_saved: bool
    version: int
    moves: list[Move]
    conflicts: list[Conflict]
    core: list[CoreTime]
    asks: list[UUID] | None


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One new or changed item and all that follows from it, before anything is written."""

    plan: Plan
    item: Slot
    ripple: Ripple
    follows: list[Dependency] | None
    fields: dict[str, Any] = {}
    core: list[CoreTime] = []


async def add(tx: Tx, new: NewItem, *, is_amending: bool = False) -> UUID:
    """Put an item on the schedule; returns its id. Raises Refusal 403, 404, 409 or 422."""
    await tx.run(queries.lock)
    wedding = await tx.row(queries.wedding)
    if wedding is None:
        raise not_found("item")
    if not wedding["may_write"]:
        raise _forbidden()
    if not is_amending:
        model.check_unguarded(wedding["guard"])
    plan = planned(await tx.rows(queries.plan))
    if len(plan) >= model.ITEMS_MAX:
        raise Refusal(409, "schedule_full", f"A schedule holds {model.ITEMS_MAX} items. Remove some, or join them.")
    is_couple = wedding["is_couple"]
    fields = model.fields_of_new(new, wedding["on"], wedding["time_zone"], by_couple=is_couple)
    await _check(tx, fields, COUPLE_ONLY, is_couple=is_couple)
    outcome = _outcome(plan, model.draft(wedding["fresh_id"], fields), new.after, stays=False)
    outcome = await _with_core(tx, outcome, {outcome.item.kind})
    row = await tx.row(queries.add, _json(fields | _times(outcome.item) | {"id": outcome.item.id}))
    if row is None:
        raise not_found("item")
    record(tx, facts.ADDED, op="INSERT", row=row)
    await _follow_up(tx, outcome, wedding["wedding_id"], is_amending=is_amending)
    return outcome.item.id


async def change(
    tx: Tx, item_id: UUID, fields: dict[str, Any], *, version: int | None = None, is_amending: bool = False
) -> int:
    """Change an item and re-time what follows it; returns the new version. Raises Refusal 403, 404, 409, 412 or 422.

    `is_amending`: on the day, for an amendment that says so to everybody; these facts then ask nobody.
    """
    await tx.run(queries.lock)
    outcome = await _considered(tx, item_id, fields, version=version, is_amending=is_amending)
    return await _write(tx, outcome, is_amending=is_amending)


async def move(tx: Tx, item_id: UUID, to: MoveItem, *, version: int | None = None) -> Moved:
    """Move an item and everything that follows it. Raises Refusal 403, 404, 409, 412 or 422."""
    await tx.run(queries.lock)
    outcome = await _considered(tx, item_id, to, version=version)
    return _shown(outcome, await _write(tx, outcome), is_saved=True)


async def preview(tx: Tx, item_id: UUID, to: dict[str, Any] | MoveItem) -> Moved:
    """What `change` or `move` would do; writes nothing. Raises the same refusals."""
    outcome = await _considered(tx, item_id, to)
    return _shown(outcome, outcome.plan[item_id].version, is_saved=False)


async def remove(tx: Tx, item_id: UUID, *, version: int | None = None) -> None:
    """Take an item off the schedule; what followed it stays where it is. Raises Refusal 403, 404, 409 or 412."""
    await tx.run(queries.lock)
    plan, _, _ = await _claimed(tx, item_id, version)
    if await tx.value(queries.has_answers, item_id):
        raise Refusal(
            409,
            "has_answers",
            "Guests are invited to this. Take the invitations back first, so that no answer is lost.",
        )
    row = await tx.row(queries.remove, item_id)
    record(tx, facts.REMOVED, op="DELETE", row=_written(row))
    left = {i: other for i, other in plan.items() if i != item_id}
    follows = grouped(d for d in dependencies_of(left.values()) if d.after_item_id != item_id)
    await _put_dependencies(tx, [lag for i, own in follows.items() for lag in standing(left, i, own)])
    await _put_days(tx, plan.values(), left.values())


async def shift(tx: Tx, days: int) -> None:
    """The wedding has another date: everything goes along by as many days and keeps its local time."""
    await tx.run(queries.lock)
    plan = planned(await tx.rows(queries.plan))
    await _write_retimed(tx, plan, [shifted(item, days) for item in plan.values()])


async def follow_core(tx: Tx, zone_before: str) -> None:
    """The core's ceremony, reception and zone hold for the schedule too; what follows them ripples.

    Reads the core as it is now, so that a change that was overtaken moves nothing back.
    """
    await tx.run(queries.lock)
    wedding = await tx.row(queries.wedding)
    plan = planned(await tx.rows(queries.plan))
    if wedding is None:
        raise not_found("item")
    held = {i.id: i for i in plan.values() if i.zone == zone_before != wedding["time_zone"]}
    held = {i: model.placed(item, {"zone": wedding["time_zone"]}) for i, item in held.items()}
    for kind, field in model.CORE_TIMES:
        item = model.core_item((plan | held).values(), kind, wedding["on"])
        if item is not None and wedding[field] is not None and item.zone == wedding["time_zone"]:
            held[item.id] = model.placed(item, {"at_local": wedding[field]})
    await _write_retimed(tx, plan, list(held.values()))


async def tell_core(tx: Tx) -> None:
    """The core's ceremony and reception are when the schedule now has them; the other way round of `follow_core`."""
    await tx.run(queries.lock)
    wedding = await tx.row(queries.wedding)
    if wedding is None:
        raise not_found("item")
    items = planned(await tx.rows(queries.plan)).values()
    kinds: set[Kind] = {"ceremony", "reception"}
    found = model.core_times(items, kinds, wedding["on"], wedding["time_zone"], dict(wedding))
    if found:
        await weddings.change(tx, wedding["wedding_id"], {c.field: c.after for c in found}, is_confirmed=True)


async def add_contact(tx: Tx, new: NewContact) -> UUID:
    """Name somebody to ring on the day. Raises Refusal 403 or 422."""
    fields = model.settle_contact(msgspec.structs.asdict(new))
    row = await tx.row(queries.add_contact, *(fields[f] for f in ("name", "what", "phone", "position")))
    record(tx, facts.CONTACT_ADDED, op="INSERT", row=_written(row))
    contact_id: UUID = _written(row)["id"]
    return contact_id


async def change_contact(tx: Tx, contact_id: UUID, fields: dict[str, Any], *, version: int | None = None) -> int:
    """Change an on-day contact; returns the new version. Raises Refusal 403, 404, 412 or 422."""
    before = await tx.row(queries.contact, contact_id)
    if before is None:
        raise not_found("item")
    fields = {k: v for k, v in model.settle_contact(fields).items() if v != before[k]}
    current: int = before["version"]
    if not fields and version in (None, current):
        return current
    row = await tx.row(queries.change_contact, contact_id, _json(fields), version)
    if row is None:
        raise await stale(tx, queries.contact, contact_id) if before["may_write"] else _forbidden()
    record(tx, facts.CONTACT_CHANGED, op="UPDATE", row=row)
    written: int = row["version"]
    return written


async def remove_contact(tx: Tx, contact_id: UUID, *, version: int | None = None) -> None:
    """Take an on-day contact off. Raises Refusal 403, 404 or 412."""
    row = await tx.row(queries.remove_contact, contact_id, version)
    if row is None:
        before = await tx.row(queries.contact, contact_id)
        raise (
            _forbidden()
            if before is not None and not before["may_write"]
            else await stale(tx, queries.contact, contact_id)
        )
    record(tx, facts.CONTACT_REMOVED, op="DELETE", row=row)


def planned(rows: Iterable[Row]) -> Plan:
    """Rows of the plan as items, by id, in order of time."""
    items = (msgspec.convert({**dict(r), "after": msgspec.json.decode(r["after"])}, type=PlannedItem) for r in rows)
    return {item.id: item for item in items}


async def _claimed(
    tx: Tx, item_id: UUID, version: int | None, *, is_amending: bool = False
) -> tuple[Plan, PlannedItem, bool]:
    """The plan, the item to change, and whether the couple is asking."""
    rows = await tx.rows(queries.plan)
    plan = planned(rows)
    item = plan.get(item_id)
    if item is None:
        raise not_found("item")
    if not rows[0]["may_write"]:
        raise _forbidden()
    if not is_amending:
        model.check_unguarded(rows[0]["guard"])
    if version not in (None, item.version):
        raise await stale(tx, queries.current, item_id)
    return plan, item, rows[0]["is_couple"]


async def _considered(
    tx: Tx, item_id: UUID, to: dict[str, Any] | MoveItem, *, version: int | None = None, is_amending: bool = False
) -> _Outcome:
    plan, item, is_couple = await _claimed(tx, item_id, version, is_amending=is_amending)
    wanted = model.fields_of_move(item, to) if isinstance(to, MoveItem) else dict(to)
    after = wanted.pop("after", None)
    item_then = model.placed(item, model.settle(wanted))
    fields = {f: v for f in wanted if (v := getattr(item_then, f)) != getattr(item, f)}
    await _check(tx, msgspec.structs.asdict(item_then), msgspec.structs.asdict(item), is_couple=is_couple)
    outcome = _outcome(plan, item_then, after, stays=bool(fields.keys() & set(PLACE_IN_TIME)))
    moved: set[Kind] = {plan[m.item_id].kind for m in outcome.ripple.moves}
    if "kind" in fields:
        moved.add(fields["kind"])
    return await _with_core(tx, msgspec.structs.replace(outcome, fields=fields), moved)


def _outcome(plan: Plan, item: Slot, after: list[After] | None, *, stays: bool) -> _Outcome:
    """What one new or changed item does to the others; `after` None leaves what it follows."""
    own = [d for d in dependencies_of(plan.values()) if d.item_id == item.id]
    others = [d for d in dependencies_of(plan.values()) if d.item_id != item.id]
    new = own
    if after is not None:
        item, new = follow(plan, item, after, stays=stays)
    result = ripple(plan, others + new, [item])
    new = result.lags or new
    is_new = {(d.after_item_id, d.lag_minutes) for d in new} != {(d.after_item_id, d.lag_minutes) for d in own}
    return _Outcome(plan=plan, item=item, ripple=result, follows=new if is_new else None)


async def _with_core(tx: Tx, outcome: _Outcome, kinds: set[Kind]) -> _Outcome:
    if not kinds & {kind for kind, _ in model.CORE_TIMES}:
        return outcome
    wedding = await tx.row(queries.wedding)
    if wedding is None:
        raise not_found("item")
    core = model.core_times(outcome.ripple.items.values(), kinds, wedding["on"], wedding["time_zone"], dict(wedding))
    return msgspec.structs.replace(outcome, core=core)


async def _check(tx: Tx, then: Mapping[str, Any], before: Mapping[str, Any], *, is_couple: bool) -> None:
    """What no statement refuses: guests' matters are the couple's, and an owner is somebody of this wedding."""
    if not is_couple and any(then[f] != before[f] for f in COUPLE_ONLY):
        raise Refusal(403, "forbidden", "Only the couple decides who sees this and whether guests answer for it.")
    model.check_audience(then["takes_rsvps"], then["audience"])
    for field in ("owner_link_id", "owner_membership_id"):
        if then[field] is not None and then[field] != before.get(field):
            known = await tx.value(queries.known_owner, then["owner_link_id"], then["owner_membership_id"])
            if not known:
                reason = "is nobody of this wedding"
                errors = [FieldError(field, reason, "Take an id from the wedding's suppliers or members.")]
                raise Refusal(422, "unknown_reference", f"{field}: {reason}", errors=errors)


async def _write(tx: Tx, outcome: _Outcome, *, is_amending: bool = False) -> int:
    """Write an outcome; returns the item's version."""
    before = outcome.plan[outcome.item.id]
    if not (outcome.fields or outcome.ripple.moves or outcome.follows is not None):
        return before.version
    own = outcome.fields | _times(outcome.item) | {"id": before.id}
    rest = _moved_rows(outcome.ripple, but=before.id)
    rows = {r["id"]: r for r in await tx.rows(queries.write, _json([own, *rest]))}
    kind = facts.AMENDED if is_amending else facts.MOVED if outcome.ripple.moves else facts.CHANGED
    asked, summary = ([] if is_amending else _asks(outcome)), _summary(before, outcome)
    record(tx, kind, op="UPDATE", row=rows[before.id], concerns=asked, summary=summary)
    _record_rippled(tx, [rows[r["id"]] for r in rest], began_with=rows[before.id])
    await _follow_up(tx, outcome, before.wedding_id, is_amending=is_amending)
    version: int = rows[before.id]["version"]
    return version


def _summary(before: PlannedItem, outcome: _Outcome) -> dict[str, Any]:
    """What whoever confirms reads: the item, its fields before and after, and what moved with it."""
    names = dict.fromkeys([*PLACE_IN_TIME, *sorted(outcome.fields)])
    pairs = {f: [getattr(before, f), getattr(outcome.item, f)] for f in names}
    moves = [[m.title, m.before.at_local, m.after.at_local] for m in outcome.ripple.moves if m.item_id != before.id]
    return {"words": outcome.item.title, **{f: p for f, p in pairs.items() if p[0] != p[1]}, "moves": moves[:20]}


def _asks(outcome: _Outcome) -> list[UUID] | None:
    """The links that confirm; None is every link that sees the schedule. A new core time asks everyone by itself."""
    moved = [outcome.ripple.items[m.item_id] for m in outcome.ripple.moves]
    if not moved and outcome.fields.keys() & OWNER_ASKED:
        moved = [outcome.item]
    elif not outcome.core and any(i.owner_link_id is None and i.owner_membership_id is None for i in moved):
        return None
    return sorted({i.owner_link_id for i in moved if i.owner_link_id is not None})


async def _write_retimed(tx: Tx, plan: Plan, held: list[PlannedItem]) -> None:
    """Write what the wedding's own change moved; that change asks for confirmation, so these facts do not."""
    result = ripple(plan, dependencies_of(plan.values()), held)
    rows = await tx.rows(queries.write, _json(_moved_rows(result))) if result.moves else []
    if rows:
        by_id = {r["id"]: r for r in rows}
        ordered = [by_id[m.item_id] for m in result.moves]
        _record_rippled(tx, ordered, began_with=ordered[0])
        await _put_days(tx, plan.values(), result.items.values())
    await _put_dependencies(tx, result.lags)


def _record_rippled(tx: Tx, rows: list[Row], *, began_with: Row) -> None:
    """The dependants are bulk: sockets and the log carry them, and one event that owes something speaks for all."""
    for row in rows:
        record(tx, facts.RIPPLED, op="UPDATE", row=row, bulk=True)
    if rows:
        record(tx, facts.SCHEDULE_RIPPLED, op="UPDATE", row=began_with)


async def _follow_up(tx: Tx, outcome: _Outcome, wedding_id: UUID, *, is_amending: bool = False) -> None:
    """What goes along. Who leads the day may move the ceremony, not the core: of an amendment a reaction tells it."""
    if outcome.follows is not None:
        await _put_dependencies(tx, outcome.follows, of={outcome.item.id})
    await _put_days(tx, outcome.plan.values(), outcome.ripple.items.values())
    if outcome.core and not is_amending:
        await weddings.change(tx, wedding_id, {core.field: core.after for core in outcome.core})


async def _put_dependencies(tx: Tx, rows: list[Dependency], *, of: set[UUID] | None = None) -> None:
    """Replace what these items follow; without `of`, the items that are in the rows."""
    items = {d.item_id for d in rows} if of is None else of
    if items:
        await tx.run(queries.put_dependencies, _json(rows), list(items))


async def _put_days(tx: Tx, before: Iterable[Slot], now: Iterable[Slot]) -> None:
    spans = model.days_of(now)
    if spans != model.days_of(before):
        for row in await tx.rows(queries.put_days, _json(spans)):
            record(tx, facts.DAY_KINDS[row["op"]], op=row["op"], row=row)


def _moved_rows(result: Ripple, but: UUID | None = None) -> list[dict[str, Any]]:
    return [{"id": m.item_id, **_times(result.items[m.item_id])} for m in result.moves if m.item_id != but]


def _times(item: Slot) -> dict[str, Any]:
    return {f: getattr(item, f) for f in PLACE_IN_TIME}


def _shown(outcome: _Outcome, version: int, *, is_saved: bool) -> Moved:
    made = outcome.ripple
    return Moved(
        is_saved=is_saved,
        version=version,
        moves=made.moves,
        conflicts=made.conflicts,
        core=outcome.core,
        asks=_asks(outcome),
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _written(row: Row | None) -> Row:
    if row is None:
        raise not_found("item")
    return row


def _forbidden() -> Refusal:
    return Refusal(403, "forbidden", "You may see the schedule, but not change it. Ask the couple to let you edit it.")
