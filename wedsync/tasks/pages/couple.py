"""The couple's page of tasks: in groups by when they are due, a form beside them, one tap for done."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.tasks import actions, model, view
from wedsync.web import conflict, forms, respond
from wedsync.web.context import Context, expected_version
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell, Toast
from wedsync.weddings.model import changed_fields
from wedsync.weddings.shell import couple_shell

MONEY = Toast(text="This names an amount of money, and the supplier will read it. The budget stays yours.", tone="wait")


@get("/me/{wedding_id:uuid}/tasks", include_in_schema=False)
async def tasks(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """`?filter=` narrows, `?edit=` opens a task's form."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "tasks")
        seen = await view.read(tx)
    row = next((r for r in seen.tasks if str(r["id"]) == request.query_params.get("edit")), None)
    if "money" in request.query_params:
        shell = msgspec.structs.replace(shell, toasts=(*shell.toasts, MONEY))
    return _page(request, shell, seen, editing=view.form_values(row))


def _page(
    request: AnyRequest, shell: Shell, seen: view.Seen, *, editing: dict[str, Any], errors: Any = None, code: int = 200
) -> Response[Any]:
    done, total = view.done_of(seen.tasks)
    problems = dict(errors or {})
    return respond.html(
        "tasks/tasks.html",
        shell,
        code=code,
        filters=view.filters(seen, shell.base),
        done=done,
        total=total,
        editing=editing,
        assignees=view.assignees(seen),
        others=view.others(seen, UUID(editing["id"]) if editing["id"] else None),
        errors=problems,
        problems=list(problems.items()),
        **_groups(request, shell, seen),
    )


def _groups(request: AnyRequest, shell: Shell, seen: view.Seen) -> dict[str, Any]:
    asked = request.query_params.get("filter", "all")
    chosen = asked if asked in dict(view.FILTERS) else "all"
    return {"filter": chosen, "groups": view.groups(seen, chosen, shell.now.date())}


@get("/me/{wedding_id:uuid}/fragments/tasks", include_in_schema=False)
async def tasks_fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The groups, when a task changed."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "tasks")
        seen = await view.read(tx)
    return respond.html("tasks/_tasks.html", shell, **_groups(request, shell, seen))


@post("/me/{wedding_id:uuid}/tasks", include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """A new task; the form again where something is not right."""
    form = await forms.read(request)
    try:
        given = view.assignment(form)
        whose = {"link_id": given.link_id, "membership_id": given.membership_id}
        new = forms.checked(model.NewTask, view.fields(form) | whose, view.WRONG)
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            task_id = await actions.add(tx, new)
            await _ordered(tx, task_id, form)
    except Refusal as refusal:
        return await _again(request, ctx, actor, wedding_id, form, refusal)
    return respond.done(request, _after(wedding_id, form))


@post("/me/{wedding_id:uuid}/tasks/{task_id:uuid}", include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, task_id: UUID) -> Response[Any]:
    """Words, due day and whose it is, all or nothing."""
    form = await forms.read(request)
    try:
        change = changed_fields(forms.checked(model.TaskChange, view.fields(form), view.WRONG))
        given = view.assignment(form)
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await actions.change(tx, task_id, change, version=form.number("version"))
            await actions.assign(tx, task_id, given)
            await _ordered(tx, task_id, form)
    except Refusal as refusal:
        return await _again(request, ctx, actor, wedding_id, form, refusal, task_id)
    return respond.done(request, _after(wedding_id, form))


async def _ordered(tx: Tx, task_id: UUID, form: Form) -> None:
    """What is to be done before it, where the form asks."""
    order = view.order(form)
    if order is not None:
        await actions.follow(tx, task_id, order)


def _after(wedding_id: UUID, form: Form) -> str:
    """The list, which warns where a supplier will read an amount of money."""
    words = f"{form.text('title')}\n{form.text('detail')}"
    names_money = form.text("assignee").startswith("link:") and model.names_money(words)
    return f"/me/{wedding_id}/tasks{'?money' if names_money else ''}"


async def _again(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    form: Form,
    refusal: Refusal,
    task_id: UUID | None = None,
) -> Response[Any]:
    """Who was slower chooses; what is not right stands beside its field as typed; other refusals go their way."""
    is_asked = conflict.is_asked(refusal, form, view.LABELS)
    if not is_asked and (refusal.status != 422 or forms.is_fragment(request)):
        raise refusal
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "tasks")
        seen = await view.read(tx)
        row = next((r for r in seen.tasks if r["id"] == task_id), None)
        if is_asked:
            return await conflict.page(tx, shell, form, view.edited(row, f"{shell.base}/tasks"))
    renamed = {"link_id": "assignee", "membership_id": "assignee"}
    errors = {renamed.get(name, name): words for name, words in forms.errors_of(refusal).items()}
    return _page(request, shell, seen, editing=view.typed(form, view.form_values(row)), errors=errors, code=422)


@post("/me/{wedding_id:uuid}/tasks/{task_id:uuid}/remove", include_in_schema=False)
async def remove(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, task_id: UUID) -> Response[Any]:
    """Off the list, for everybody."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.remove(tx, task_id, version=form.number("version"))
    return respond.done(request, f"/me/{wedding_id}/tasks")


@post("/me/{wedding_id:uuid}/tasks/{task_id:uuid}/done", include_in_schema=False)
async def finish(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, task_id: UUID) -> Response[Any]:
    """One tap; whoever was slower still has it done."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.finish(tx, task_id, version=expected_version(request.headers.get("if-match")))
        return await _task(request, ctx, tx, wedding_id, task_id)


@post("/me/{wedding_id:uuid}/tasks/{task_id:uuid}/reopen", include_in_schema=False)
async def reopen(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, task_id: UUID) -> Response[Any]:
    """It was not done after all."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.reopen(tx, task_id, version=expected_version(request.headers.get("if-match")))
        return await _task(request, ctx, tx, wedding_id, task_id)


async def _task(request: AnyRequest, ctx: Context, tx: Tx, wedding_id: UUID, task_id: UUID) -> Response[Any]:
    """The row alone for scripts, the page for everybody else."""
    if not forms.is_fragment(request):
        return respond.see_other(f"/me/{wedding_id}/tasks#task-{task_id}")
    shell = await couple_shell(request, ctx, tx, wedding_id, "tasks")
    row = await tx.row(view.queries.one, task_id)
    people = {person["id"]: person for person in await tx.rows(view.queries.people)}
    if row is None:
        raise not_found("item")
    return respond.html("tasks/_task.html", shell, task=view.entry(row, people))


ROUTES = (tasks, tasks_fragment, add, save, remove, finish, reopen)
