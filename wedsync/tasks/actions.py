"""Every write of tasks. Row security decides who may; these functions tell 404, 403 and 412 apart."""

from typing import Any
from uuid import UUID, uuid4

import msgspec

from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.schedule import wording
from wedsync.tasks import model
from wedsync.tasks.picture import Picture
from wedsync.web.context import stale

queries = sql.load("wedsync.tasks")


async def add(tx: Tx, new: model.NewTask) -> UUID:
    """Write a task down; returns its id. A supplier's or helper's is their own. Raises Refusal 403 or 422."""
    fields = model.settle(msgspec.structs.asdict(new))
    wedding = await tx.row(queries.wedding)
    if wedding is None:
        raise not_found("item")
    if wedding["is_couple"]:
        await _check_assignee(tx, new.link_id, new.membership_id)
    due_on = model.due_day(fields["due_days_before"], fields["due_on"], wedding["on"])
    given = (new.link_id, new.membership_id, fields["title"], fields["detail"])
    row = await tx.row(queries.add, *given, due_on, fields["due_days_before"], new.position)
    if row is None:
        raise not_found("item")
    _record(tx, model.CREATED, "INSERT", row)
    task_id: UUID = row["id"]
    return task_id


async def change(tx: Tx, task_id: UUID, fields: dict[str, Any], *, version: int | None = None) -> int:
    """Change a task; returns its version. Raises Refusal 403, 404, 412 or 422."""
    before = await _claimed(tx, task_id, version)
    settled = model.settle(fields)
    if settled.keys() & {"due_on", "due_days_before"}:
        settled |= _due(before, settled)
    wanted = {k: v for k, v in settled.items() if v != before[k]}
    if not model.may_change(set(wanted), is_couple=before["is_couple"], origin=before["origin"]):
        raise Refusal(403, "forbidden", "You may say how this task goes, but its words and due day are the couple's.")
    if not wanted:
        current: int = before["version"]
        return current
    row = await tx.row(queries.change, task_id, msgspec.json.encode(wanted).decode(), version, before["today"])
    if row is None:
        raise await stale(tx, queries.current, task_id)
    _record(tx, model.kind_of(before["status"], wanted.get("status", before["status"])), "UPDATE", row)
    written: int = row["version"]
    return written


async def finish(tx: Tx, task_id: UUID, *, version: int | None = None) -> int:
    """A task is done; doing it twice changes nothing. Raises Refusal 403, 404 or 412."""
    return await change(tx, task_id, {"status": "done"}, version=version)


async def reopen(tx: Tx, task_id: UUID, *, version: int | None = None) -> int:
    """A task that was done or cancelled is open again; others stay as they are. Raises Refusal 403, 404 or 412."""
    before = await _claimed(tx, task_id, version)
    if before["status"] not in model.CLOSED:
        current: int = before["version"]
        return current
    return await change(tx, task_id, {"status": "open"}, version=version)


async def assign(tx: Tx, task_id: UUID, to: model.Assignment, *, version: int | None = None) -> int:
    """Give a task to a supplier, a partner or helper, or nobody; returns its version. Raises 403, 404, 412 or 422.

    Two facts, because one audience loses the row and another gets it: a replica of either stays true.
    """
    model.check_assignee(to.link_id, to.membership_id)
    before = await _claimed(tx, task_id, version)
    if not before["is_couple"]:
        raise Refusal(403, "forbidden", "Only the couple gives tasks to others. Ask them to.")
    if (to.link_id, to.membership_id) == (before["link_id"], before["membership_id"]):
        current: int = before["version"]
        return current
    await _check_assignee(tx, to.link_id, to.membership_id)
    row = await tx.row(queries.assign, task_id, to.link_id, to.membership_id, version, before["today"])
    if row is None:
        raise await stale(tx, queries.current, task_id)
    # Whose it was when it was written, not when it was read: somebody may have given it away in between.
    record(tx, model.WITHDRAWN, op="DELETE", row=row, link=row["old_link_id"], membership=row["old_membership_id"])
    record(tx, model.ASSIGNED, op="INSERT", row=row, link=to.link_id, membership=to.membership_id)
    written: int = row["version"]
    return written


async def answer(tx: Tx, task_id: UUID, said: model.Answer) -> int:
    """Whoever a task was given to does it, or cannot; the same said twice is said once. Raises Refusal 403 or 404."""
    before = await _own(tx, task_id)
    note = wording.paragraphs(said.note)
    if (before["answer"], before["answer_note"]) == (said.answer, note):
        current: int = before["version"]
        return current
    kind = model.ACCEPTED if said.answer == "accepted" else model.DECLINED
    return await _told(tx, kind, queries.answer, task_id, said.answer, note)


async def hush(tx: Tx, task_id: UUID, said: model.Hush) -> int:
    """No reminders until a day, or none at all. Raises Refusal 403, 404, or 422 for a day that cannot be."""
    before = await _own(tx, task_id)
    if said.until is None:
        return await _told(tx, model.NOTED, queries.hush, task_id, None)
    model.check_snooze(said.until, before["today"])
    return await _told(tx, model.SNOOZED, queries.hush, task_id, said.until)


async def chase(tx: Tx, task_id: UUID) -> int:
    """The couple asks how it goes. Raises Refusal 403, 404, or 409 where it is nobody's, is closed or was asked."""
    before = await _claimed(tx, task_id, None)
    if not before["is_couple"]:
        raise Refusal(403, "forbidden", "Only the couple asks how a task goes.")
    if before["status"] in model.CLOSED or (before["link_id"] or before["membership_id"]) is None:
        raise Refusal(409, "nobody_owes_it", "Nobody has this task to do now. Give it to somebody first.")
    row = await tx.row(queries.chase, task_id, before["today"])
    if row is None:
        raise Refusal(409, "asked_already", "They were reminded within twelve hours. Give them a little time.")
    _record(tx, model.CHASED, "UPDATE", row)
    written: int = row["version"]
    return written


async def follow(tx: Tx, task_id: UUID, order: model.Order) -> int:
    """Say what is to be done before a task. Raises Refusal 403 for others than the couple, 404, or 422."""
    await tx.value(queries.hold_order)
    before = await _claimed(tx, task_id, None)
    if not before["is_couple"]:
        raise Refusal(403, "forbidden", "Only the couple says what waits for what: others see their own tasks only.")
    after = list(dict.fromkeys(order.after_ids))
    if after == list(before["after_ids"]):
        current: int = before["version"]
        return current
    model.check_order(task_id, after, await tx.rows(queries.order_of_tasks))
    return await _told(tx, model.CHANGED, queries.put_after, task_id, after)


async def free(tx: Tx, task_id: UUID) -> None:
    """A task is done, dropped or open again: what waits for it waits for one less, or one more."""
    for row in await tx.rows(queries.recount, task_id):
        may_begin = row["waits_for"] == 0 and row["status"] not in model.CLOSED
        _record(tx, model.FREED if may_begin else model.CHANGED, "UPDATE", row)


async def check_may_show(tx: Tx, task_id: UUID) -> None:
    """Before a photograph is even read. Raises Refusal 403 or 404."""
    await _claimed(tx, task_id, None)


async def show(tx: Tx, ring: KeyRing, task_id: UUID, image: Picture) -> int:
    """A photograph shows it is done, in the place of the one before. Raises Refusal 403 or 404."""
    before = await _claimed(tx, task_id, None)
    photo_id = uuid4()
    sealed = ring.seal(image.data, tenant=before["wedding_id"], table="task_photos", column="sealed", row=photo_id)
    await tx.run(queries.drop_photo, task_id)
    await tx.run(queries.put_photo, task_id, photo_id, image.kind, len(image.data), sealed)
    return await _told(tx, model.PHOTO_ADDED, queries.name_photo, task_id, photo_id)


async def remove(tx: Tx, task_id: UUID, *, version: int | None = None) -> None:
    """Take a task off the list: the couple any, others what they wrote. Raises Refusal 403, 404 or 412."""
    row = await tx.row(queries.remove, task_id, version)
    if row is None:
        await _claimed(tx, task_id, version)
        raise Refusal(403, "forbidden", "Only those who wrote this task take it off the list. You can mark it done.")
    _record(tx, model.REMOVED, "DELETE", row)


async def follow_date(tx: Tx) -> None:
    """The wedding has another date: tasks due so many days before it are due on another day.

    What no supplier has to do is bulk: the change of the date speaks for it.
    """
    for row in await tx.rows(queries.follow_date):
        record(
            tx,
            model.CHANGED,
            op="UPDATE",
            row=row,
            link=row["link_id"],
            membership=row["membership_id"],
            bulk=row["link_id"] is None,
        )


async def _claimed(tx: Tx, task_id: UUID, version: int | None) -> Row:
    """The task as it is, for somebody who may write it and has read this version."""
    row = await tx.row(queries.one, task_id)
    if row is None:
        raise not_found("item")
    if not row["may_write"]:
        raise Refusal(403, "forbidden", "You may see this task, but not change it. It is not yours to do.")
    if version not in (None, row["version"]):
        raise await stale(tx, queries.current, task_id)
    return row


async def _own(tx: Tx, task_id: UUID) -> Row:
    """The task, for whom it was given to."""
    before = await _claimed(tx, task_id, None)
    if not before["is_own"]:
        raise Refusal(403, "forbidden", "Only whom this task was given to answers for it. Give it to yourself first.")
    return before


async def _told(tx: Tx, kind: Any, statement: str, task_id: UUID, *values: Any) -> int:
    """One change of one task; returns its version."""
    row = await tx.row(statement, task_id, *values)
    if row is None:
        raise not_found("item")
    _record(tx, kind, "UPDATE", row)
    written: int = row["version"]
    return written


async def _check_assignee(tx: Tx, link_id: UUID | None, membership_id: UUID | None) -> None:
    model.check_assignee(link_id, membership_id)
    if link_id is None and membership_id is None:
        return
    known = await tx.row(queries.known_assignee, link_id, membership_id)
    for field, column in (("link_id", "is_link"), ("membership_id", "is_member")):
        if known is None or not known[column]:
            raise model.unknown_assignee(field)


def _due(before: Row, wanted: dict[str, Any]) -> dict[str, Any]:
    """The columns of when a task is due: naming one way takes the other's place."""
    days = wanted.get("due_days_before", None if "due_on" in wanted else before["due_days_before"])
    own = wanted.get("due_on") if "due_on" in wanted else (None if days is not None else before["due_on"])
    return {"due_days_before": days, "due_on": model.due_day(days, own, before["wedding_on"])}


def _record(tx: Tx, kind: Any, op: str, row: Row) -> None:
    record(tx, kind, op=op, row=row, link=row["link_id"], membership=row["membership_id"])
