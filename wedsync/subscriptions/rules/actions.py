"""Every write of rules: added, changed, placed, removed, tried; each keeps its subscription in the ledger."""

from typing import Any
from uuid import UUID, uuid4

import msgspec

from wedsync.events.document import body_of
from wedsync.events.images import OpenSealed, with_images
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.subscriptions.model import check_asked
from wedsync.subscriptions.rules import conditions, model, quiet, shape
from wedsync.subscriptions.rules.fields import Fields
from wedsync.web.context import stale

queries = sql.load("wedsync.subscriptions.rules")


async def add(tx: Tx, fields: Fields, new: model.NewRule, *, rule_id: UUID | None = None) -> UUID:
    """Add a rule behind the others of its endpoint; returns its id. Raises Refusal 409, 422.

    A form brings the id, so that sending it twice adds one.
    """
    model.check(new, fields)
    await _hold_endpoint(tx, new.endpoint_id)
    await _has_room(tx, new.endpoint_id)
    if await tx.value(queries.count) >= model.TENANT_RULES_MAX:
        raise Refusal(409, "too_many_rules", f"There are {model.TENANT_RULES_MAX} rules already. Remove one first.")
    row = await tx.row(queries.add, rule_id or uuid4(), *_columns(new))
    if row is None:
        raise Refusal(409, "already_added", "This rule was added already.")
    await tx.run(queries.connect, row["id"], conditions.compiled(new.conditions))
    record(tx, model.ADDED, op="INSERT", row=row)
    added: UUID = row["id"]
    return added


async def _hold_endpoint(tx: Tx, endpoint_id: UUID) -> None:
    if await tx.row(queries.hold_endpoint, endpoint_id) is None:
        raise model.wrong("endpoint_id", "is not one of your endpoints", "Add the endpoint first.")


async def _has_room(tx: Tx, endpoint_id: UUID) -> None:
    """Of an endpoint that is held."""
    if len(await tx.rows(queries.of_endpoint, endpoint_id)) >= model.RULES_MAX:
        detail = f"This endpoint has {model.RULES_MAX} rules already. Remove one, or let one rule ask for more types."
        raise Refusal(409, "too_many_rules", detail)


def _columns(rule: model.NewRule) -> tuple[Any, ...]:
    """From endpoint_id to is_active, as the queries take them."""
    asked = msgspec.json.encode(rule.conditions).decode()
    shaped, hours = shape.stored(rule.shape), quiet.stored(rule.quiet)
    return rule.endpoint_id, rule.name, rule.types, asked, rule.lane, rule.mode, shaped, hours, rule.is_active


async def change(tx: Tx, fields: Fields, rule_id: UUID, given: dict[str, Any], *, version: int | None) -> None:
    """Change a rule, and its place if that is given. Raises Refusal 403, 404, 409, 412, 422."""
    row = await tx.row(queries.rule, rule_id)
    if row is None:
        raise not_found("rule")
    now = model.read(row)
    position = given.pop("position", None)
    kept = {name: getattr(now, name) for name in model.NewRule.__struct_fields__}
    wanted = model.NewRule(**(kept | given))
    model.check(wanted, fields)
    await _hold_endpoint(tx, wanted.endpoint_id)
    if wanted.endpoint_id != now.endpoint_id:
        await _has_room(tx, wanted.endpoint_id)
    changed = await tx.row(queries.change, rule_id, version, *_columns(wanted))
    if changed is None:
        raise await stale(tx, queries.current, rule_id)
    await tx.run(queries.connect, rule_id, conditions.compiled(wanted.conditions))
    record(tx, model.CHANGED, op="UPDATE", row=changed)
    if position is not None:
        await _place(tx, wanted.endpoint_id, rule_id, position)


async def _place(tx: Tx, endpoint_id: UUID, rule_id: UUID, position: int) -> None:
    """Every rule of the endpoint that has another number now is told."""
    order = [row["id"] for row in await tx.rows(queries.of_endpoint, endpoint_id)]
    for row in await tx.rows(queries.place, model.placed(order, rule_id, position)):
        rows = msgspec.json.decode(row["conditions"], type=list[conditions.Condition])
        await tx.run(queries.connect, row["id"], conditions.compiled(rows))
        record(tx, model.CHANGED, op="UPDATE", row=row)


async def move(tx: Tx, rule_id: UUID, by: int) -> None:
    """So many places later among the rules of its endpoint, or earlier with a negative number."""
    row = await tx.row(queries.rule, rule_id)
    if row is None:
        raise not_found("rule")
    await _hold_endpoint(tx, row["endpoint_id"])
    order = [one["id"] for one in await tx.rows(queries.of_endpoint, row["endpoint_id"])]
    await _place(tx, row["endpoint_id"], rule_id, order.index(rule_id) + 1 + by)


async def remove(tx: Tx, rule_id: UUID) -> None:
    """Remove a rule; what it took before stays in the ledger, and what is not sent yet is not sent."""
    row = await tx.row(queries.remove, rule_id)
    if row is None:
        raise not_found("rule")
    await tx.run(queries.connect, rule_id, None)
    record(tx, model.REMOVED, op="UPDATE", row=row)


async def remove_of(tx: Tx, endpoint_id: UUID) -> None:
    """An endpoint goes, and its rules with it."""
    for row in await tx.rows(queries.of_endpoint, endpoint_id):
        await remove(tx, row["id"])


async def has(tx: Tx, endpoint_id: UUID) -> bool:
    """Whether any rule sends something to an endpoint."""
    return bool(await tx.rows(queries.of_endpoint, endpoint_id))


async def preview(tx: Tx, fields: Fields, draft: model.Draft, open_sealed: OpenSealed) -> model.Preview:
    """The newest events of the draft's types that the tenant may see, and what the draft makes of them.

    Raises Refusal 422 for a draft that could not be saved.
    """
    fields.check(draft.types, draft.conditions)
    if draft.shape is not None:
        shape.check(draft.shape)
    stored = shape.stored(draft.shape)
    rows = await tx.rows(queries.past, draft.types, conditions.rows(draft.conditions), draft.limit)
    items = [_tried(row, stored, open_sealed) for row in rows]
    return model.Preview(considered=len(items), matched=sum(item.is_match for item in items), items=items)


def _tried(row: Row, stored: str | None, open_sealed: OpenSealed) -> model.Tried:
    event = with_images(row["event"], open_sealed)
    failed = [number for number, is_met in enumerate(row["rows_met"]) if not is_met]
    data = None if stored is None or failed else shape.shaped(stored, event)
    return model.Tried(
        event_id=row["id"],
        type=event["type"],
        occurred_at=row["occurred_at"],
        is_match=not failed,
        failed=failed,
        body=None if failed else body_of(event, previous_seq=None, data=data),
    )


async def send_test(tx: Tx, rule_id: UUID, event_id: UUID | None) -> model.TestSent:
    """Owe one past event to the rule's endpoint, marked as a test. Raises Refusal 404, 409, 429."""
    row = await tx.row(queries.rule, rule_id)
    if row is None:
        raise not_found("rule")
    delivery_id = uuid4()
    owed = await tx.row(queries.owe_test, rule_id, delivery_id, [event_id] if event_id else await _fitting(tx, row))
    if owed is None or owed["asked"] == "unheard":
        raise await _unheard(tx, event_id)
    check_asked(owed["asked"])
    return model.TestSent(delivery_id=delivery_id, event_id=owed["event_id"])


async def _fitting(tx: Tx, row: Row) -> list[UUID]:
    """The newest events that the rule would take, as it stands."""
    rule = model.read(row)
    past = await tx.rows(queries.past, rule.types, conditions.rows(rule.conditions), model.PAST_MAX)
    return [one["id"] for one in past if all(one["rows_met"])]


async def _unheard(tx: Tx, event_id: UUID | None) -> Refusal:
    """Why there is nothing to send."""
    if event_id is None:
        return Refusal(
            409,
            "nothing_to_send",
            "None of the newest events since its endpoint was added is one that this rule takes. Change something it "
            "asks for, or send its endpoint the example of a type.",
        )
    heard = await tx.row(queries.heard, event_id)
    if heard is None or not heard["may_see"]:
        return not_found("event")
    return Refusal(
        409,
        "event_not_heard",
        "The rule does not ask for this type of event, or it happened before the endpoint was added. Name another.",
    )
