"""The JSON door of tasks."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import Parameter

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.tasks import actions, model
from wedsync.web.context import Context, IfMatch, as_struct, expected_version, invalid, versioned
from wedsync.weddings.model import changed_fields

queries = sql.load("wedsync.tasks")
Limit = Annotated[int, Parameter(ge=1, le=500)]
StatusFilter = Literal["open", "in_progress", "waiting_on", "done", "cancelled", "to_do"]


class TaskPage(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks in order of their due day, those without one last; `next` goes back in as `?cursor=`."""

    items: list[model.TaskView]
    next: str | None = None


@get(
    "/api/v1/weddings/{wedding_id:uuid}/tasks",
    summary="Tasks",
    description="By due day. The couple sees all; others what is given to them, and with scope tasks what is "
    "given to nobody. `status=to_do` leaves out what is done or cancelled.",
)
async def list_tasks(
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    status: StatusFilter | None = None,
    link_id: UUID | None = None,
    membership_id: UUID | None = None,
    unassigned: bool = False,
    cursor: Annotated[UUID | None, Parameter(description="`next` of the page before")] = None,
    limit: Limit = 200,
) -> TaskPage:
    """Filters narrow what the audience sees anyway."""
    wanted = (status or "", link_id, membership_id, unassigned)
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.page, *wanted, cursor, limit + 1)
        if not rows and await tx.row(queries.wedding) is None:
            raise not_found("item")
        if cursor is not None and not rows and await tx.row(queries.current, cursor) is None:
            raise invalid("cursor", "is no longer on the list", "Read the list again from its start.")
    next_cursor = str(rows[limit - 1]["id"]) if len(rows) > limit else None
    return TaskPage(items=[_view(row) for row in rows[:limit]], next=next_cursor)


@post(
    "/api/v1/weddings/{wedding_id:uuid}/tasks",
    summary="Add a task",
    description="Due on a day, or so many days before the wedding. A supplier's or helper's is their own.",
)
async def add_task(ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewTask) -> Response[model.TaskView]:
    """`warnings` say when a supplier would read an amount of money."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _task(tx, await actions.add(tx, data), status=201)


@get("/api/v1/tasks/{task_id:uuid}", summary="One task", description="With its ETag.")
async def get_task(ctx: Context, actor: Actor, task_id: UUID) -> Response[model.TaskView]:
    """For those who see it."""
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        return await _task(tx, task_id)


@patch(
    "/api/v1/tasks/{task_id:uuid}",
    summary="Change a task",
    description="What is absent stays. Whoever it is given to changes its status; its words are for those who wrote "
    "it. `due_on` takes the place of `due_days_before`, and the other way round.",
)
async def change_task(
    ctx: Context, actor: Actor, task_id: UUID, data: model.TaskChange, if_match: IfMatch = None
) -> Response[model.TaskView]:
    """With the new ETag; 412 carries the current row."""
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        await actions.change(tx, task_id, changed_fields(data), version=expected_version(if_match))
        return await _task(tx, task_id)


@delete(
    "/api/v1/tasks/{task_id:uuid}",
    summary="Remove a task",
    description="The couple removes any; a supplier or helper what they wrote.",
)
async def remove_task(ctx: Context, actor: Actor, task_id: UUID, if_match: IfMatch = None) -> None:
    """Whoever saw it is told."""
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        await actions.remove(tx, task_id, version=expected_version(if_match))


@post(
    "/api/v1/tasks/{task_id:uuid}/assign",
    status_code=200,
    summary="Give a task to somebody",
    description="A supplier's link, a partner's or helper's membership, or nobody (`{}`). It leaves everybody else's "
    "list.",
)
async def assign_task(
    ctx: Context, actor: Actor, task_id: UUID, data: model.Assignment, if_match: IfMatch = None
) -> Response[model.TaskView]:
    """Only the couple."""
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        await actions.assign(tx, task_id, data, version=expected_version(if_match))
        return await _task(tx, task_id)


@post(
    "/api/v1/tasks/{task_id:uuid}/done",
    status_code=200,
    summary="Mark a task done",
    description="Twice is once.",
)
async def finish_task(ctx: Context, actor: Actor, task_id: UUID, if_match: IfMatch = None) -> Response[model.TaskView]:
    """The couple, and whoever it is given to."""
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        await actions.finish(tx, task_id, version=expected_version(if_match))
        return await _task(tx, task_id)


@post(
    "/api/v1/tasks/{task_id:uuid}/reopen",
    status_code=200,
    summary="Open a task again",
    description="One that is done or cancelled; others stay as they are.",
)
async def reopen_task(ctx: Context, actor: Actor, task_id: UUID, if_match: IfMatch = None) -> Response[model.TaskView]:
    """The couple, and whoever it is given to."""
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        await actions.reopen(tx, task_id, version=expected_version(if_match))
        return await _task(tx, task_id)


async def _task(tx: Tx, task_id: UUID, *, status: int = 200) -> Response[model.TaskView]:
    row = await tx.row(queries.one, task_id)
    return versioned(None if row is None else _view(row), status=status)


def _view(row: Row) -> model.TaskView:
    task = as_struct(model.Task, row)
    return model.TaskView(**msgspec.structs.asdict(task), warnings=model.warnings_of(task))


ROUTES = (*(list_tasks, add_task, get_task, change_task, remove_task, assign_task, finish_task, reopen_task),)
