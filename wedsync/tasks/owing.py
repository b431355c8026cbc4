"""The couple's chase list: who still owes them what, those first who need a word. Pure but for what it reads."""

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.tasks.model import Owing, Task
from wedsync.web.context import as_struct

queries = sql.load("wedsync.tasks")
TASKS_MAX = 2000


async def read(tx: Tx, today: date) -> list[Owing]:
    """Everybody who was given something that is not done."""
    rows = await tx.rows(queries.page, "to_do", None, None, False, None, TASKS_MAX)
    people = {row["id"]: row for row in await tx.rows(queries.people)}
    reach = {row["id"]: row for row in await tx.rows(queries.reach_of_helpers)}
    return owing([as_struct(Task, row) for row in rows], people, reach, today)


def owing(tasks: Iterable[Task], people: Mapping[UUID, Row], reach: Mapping[UUID, Row], today: date) -> list[Owing]:
    """By person, in the order of who is most overdue; whoever has left owes nothing."""
    by_person: dict[UUID, list[Task]] = {}
    for task in tasks:
        whose = task.link_id or task.membership_id
        if whose is not None and whose in people:
            by_person.setdefault(whose, []).append(task)
    found = [_of(people[whose], reach.get(whose), own, today) for whose, own in by_person.items()]
    return sorted(found, key=lambda one: (-one.declined, -one.overdue, one.next_due_on or date.max, one.name, one.id))


def _of(person: Row, reach: Row | None, own: list[Task], today: date) -> Owing:
    due = [task.due_on for task in own if task.due_on is not None]
    seen_at = None if reach is None else reach["seen_at"]
    return Owing(
        kind=person["kind"],
        id=person["id"],
        name=person["name"],
        open=len(own),
        overdue=sum(day < today for day in due),
        unanswered=sum(task.answer is None for task in own),
        declined=sum(task.answer == "declined" for task in own),
        next_due_on=min(due, default=None),
        reminded_at=max((task.reminded_at for task in own if task.reminded_at is not None), default=None),
        is_reached=reach is None or bool(reach["has_mail"]) or seen_at is not None,
        seen_at=seen_at,
        tasks=own,
    )
