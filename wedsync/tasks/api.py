"""The JSON door of tasks."""

import asyncio
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import Parameter

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.tasks import actions, model, owing, photos, picture
from wedsync.web import uploads
from wedsync.web.context import Context, IfMatch, as_struct, expected_version, invalid, versioned
from wedsync.web.forms import AnyRequest
from wedsync.weddings.model import changed_fields

queries = sql.load("wedsync.tasks")
PHOTO_BODY_MAX = picture.BYTES_MAX + 64 * 1024
"""The picture, and what a form puts around it."""
Limit = Annotated[int, Parameter(ge=1, le=500)]
StatusFilter = Literal["open", "in_progress", "waiting_on", "done", "cancelled", "to_do"]


class TaskPage(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks in order of their due day, those without one last; `next` goes back in as `?cursor=`."""

    items: list[model.TaskView]
    next: str | None = None


class OwingPage(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody who was given something that is not done, those first who need a word."""

    items: list[model.Owing]
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


@post(
    "/api/v1/tasks/{task_id:uuid}/answer",
    status_code=200,
    summary="Say whether you do it",
    description="By whoever the task was given to; a helper does so on the page of their pass. The couple is told of "
    "one that is declined, and nobody is reminded of it any more.",
)
async def answer_task(ctx: Context, actor: Actor, task_id: UUID, data: model.Answer) -> Response[model.TaskView]:
    """Saying it again changes nothing."""
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        await actions.answer(tx, task_id, data)
        return await _task(tx, task_id)


@post(
    "/api/v1/tasks/{task_id:uuid}/hush",
    status_code=200,
    summary="No reminders for now",
    description='Until a day (`{"until": "2027-05-21"}`), or none at all (`{}`): you know. Another due day, or other '
    "hands, begin them anew.",
)
async def hush_task(ctx: Context, actor: Actor, task_id: UUID, data: model.Hush) -> Response[model.TaskView]:
    """By whoever the task was given to."""
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        await actions.hush(tx, task_id, data)
        return await _task(tx, task_id)


@post(
    "/api/v1/tasks/{task_id:uuid}/chase",
    status_code=200,
    summary="Ask how it goes",
    description="Reminds whoever has it to do, by hand; at most once in twelve hours (409).",
)
async def chase_task(ctx: Context, actor: Actor, task_id: UUID) -> Response[model.TaskView]:
    """For the couple."""
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        await actions.chase(tx, task_id)
        return await _task(tx, task_id)


@put(
    "/api/v1/tasks/{task_id:uuid}/after",
    status_code=200,
    summary="What is to be done first",
    description="All tasks that this one waits for. While one of them is open nobody is reminded of it; when the last "
    "is done whoever has it to do is told.",
)
async def order_task(ctx: Context, actor: Actor, task_id: UUID, data: model.Order) -> Response[model.TaskView]:
    """For the couple; 422 where it would wait for itself."""
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        await actions.follow(tx, task_id, data)
        return await _task(tx, task_id)


@put(
    "/api/v1/tasks/{task_id:uuid}/photo",
    status_code=200,
    request_max_body_size=PHOTO_BODY_MAX,
    summary="Show that it is done",
    description="A JPEG, PNG or WebP of at most 8 MiB, as the body itself or as the field `file` of a form; it takes "
    "the place of the one before. Of what a phone writes into a picture (where, when, with what) nothing is kept.",
)
async def put_photo(request: AnyRequest, ctx: Context, actor: Actor, task_id: UUID) -> Response[model.TaskView]:
    """413 for one that is too large, 422 for what is no picture."""
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        await actions.check_may_show(tx, task_id)
    data, _, _ = await uploads.received(request, "photograph")
    image = await asyncio.to_thread(picture.cleaned, data)
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        await actions.show(tx, ctx.ring, task_id, image)
        return await _task(tx, task_id)


@get(
    "/api/v1/tasks/{task_id:uuid}/photo",
    summary="The photograph of a task",
    description="For whoever sees the task; 404 where there is none.",
    media_type="image/jpeg",
)
async def get_photo(ctx: Context, actor: Actor, task_id: UUID) -> Response[bytes]:
    """As it was sent, without what the phone had written into it."""
    async with ctx.door.enter_at(actor, "tasks", task_id) as tx:
        return await photos.served(tx, ctx.ring, task_id)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/tasks/owed",
    summary="Who still owes what",
    description="Everybody who was given something that is not done: how much is overdue, declined or unanswered, "
    "when they were reminded last, and whether we can reach them. For the couple.",
)
async def list_owed(ctx: Context, actor: Actor, wedding_id: UUID) -> OwingPage:
    """Those who declined first, then the most overdue."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        wedding = await tx.row(queries.wedding)
        if wedding is None or not wedding["is_couple"]:
            raise Refusal(403, "forbidden", "Only the couple sees who owes what.")
        return OwingPage(items=await owing.read(tx, wedding["today"]))


async def _task(tx: Tx, task_id: UUID, *, status: int = 200) -> Response[model.TaskView]:
    row = await tx.row(queries.one, task_id)
    return versioned(None if row is None else _view(row), status=status)


def _view(row: Row) -> model.TaskView:
    task = as_struct(model.Task, row)
    return model.TaskView(**msgspec.structs.asdict(task), warnings=model.warnings_of(task))


ROUTES = (
    *(list_tasks, add_task, get_task, change_task, remove_task, assign_task, finish_task, reopen_task),
    *(answer_task, hush_task, chase_task, order_task, put_photo, get_photo, list_owed),
)
