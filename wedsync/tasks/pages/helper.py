"""A helper's page, opened by their pass: their tasks, the day with their own cues, whom to call. Nothing else."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.people.model import TOKEN_S, Token
from wedsync.schedule.model import local_of
from wedsync.tasks import actions, answering, photos, picture, view
from wedsync.web import auth, forms, respond, uploads
from wedsync.web.context import Context, expected_version
from wedsync.web.forms import AnyRequest
from wedsync.web.shell import Shell
from wedsync.web.visitor import theme_of
from wedsync.weddings.actions import token_hash
from wedsync.weddings.shell import live

queries = sql.load("wedsync.tasks")


@get("/help/{token:str}", include_in_schema=False)
async def page(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """410 once the couple has taken the pass back."""
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        about = await _about(tx)
        seen = await view.read(tx)
        cues = await tx.rows(queries.cues)
        contacts = [dict(row) for row in await tx.rows(queries.day_contacts)]
        session = await tx.row("select * from app.helper_session()")
    shell = _shell(request, token, about)
    if session is not None:
        topic = f"realtime:wedding:{about['wedding_id']}"
        shell = msgspec.structs.replace(shell, live=live(ctx, topic, f"{shell.base}/token"))
    return respond.html(
        "tasks/helper.html",
        shell,
        name=about["name"],
        wedding=dict(about),
        groups=view.groups(seen, "all", about["now"].date()),
        cues=[_cue(cue) for cue in cues],
        contacts=contacts,
    )


@post("/help/{token:str}/token", status_code=200, include_in_schema=False)
async def socket_token(ctx: Context, token: str) -> Token:
    """What the page's socket shows: good for what the pass opens, until the pass is taken back."""
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        session = await tx.row("select * from app.helper_session()")
    if session is None:
        raise not_found("token")
    person, session_id = session["person_id"], session["session_id"]
    minted = auth.mint(ctx.settings.jwt_secret, person=person, session=session_id, seconds=TOKEN_S)
    return Token(access_token=minted, expires_in=TOKEN_S)


@get("/help/{token:str}/fragments/cues", include_in_schema=False)
async def cues_fragment(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """The day, redrawn."""
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        about = await _about(tx)
        cues = [_cue(cue) for cue in await tx.rows(queries.cues)]
    return respond.html("tasks/_cues.html", _shell(request, token, about), wedding=dict(about), cues=cues)


@get("/help/{token:str}/fragments/tasks", include_in_schema=False)
async def tasks_fragment(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """Their tasks, redrawn."""
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        about = await _about(tx)
        groups = view.groups(await view.read(tx), "all", about["now"].date())
    return respond.html("tasks/_tasks.html", _shell(request, token, about), groups=groups, filter="")


@post("/help/{token:str}/tasks/{task_id:uuid}/done", include_in_schema=False)
async def finish(request: AnyRequest, ctx: Context, token: str, task_id: UUID) -> Response[Any]:
    """One tap."""
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        await actions.finish(tx, task_id, version=expected_version(request.headers.get("if-match")))
        return await _task(request, tx, token, task_id)


@post("/help/{token:str}/tasks/{task_id:uuid}/reopen", include_in_schema=False)
async def reopen(request: AnyRequest, ctx: Context, token: str, task_id: UUID) -> Response[Any]:
    """It was not done after all."""
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        await actions.reopen(tx, task_id, version=expected_version(request.headers.get("if-match")))
        return await _task(request, tx, token, task_id)


@post("/help/{token:str}/tasks/{task_id:uuid}/answer", include_in_schema=False)
async def answer(request: AnyRequest, ctx: Context, token: str, task_id: UUID) -> Response[Any]:
    """They do it, or cannot."""
    said = answering.answer(await forms.read(request))
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        await actions.answer(tx, task_id, said)
        return await _task(request, tx, token, task_id)


@post("/help/{token:str}/tasks/{task_id:uuid}/hush", include_in_schema=False)
async def hush(request: AnyRequest, ctx: Context, token: str, task_id: UUID) -> Response[Any]:
    """Reminded later, or not any more."""
    form = await forms.read(request)
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        await actions.hush(tx, task_id, await answering.hush(tx, task_id, form))
        return await _task(request, tx, token, task_id)


@post(
    "/help/{token:str}/tasks/{task_id:uuid}/photo",
    include_in_schema=False,
    request_max_body_size=picture.BYTES_MAX + 64 * 1024,
)
async def send_photo(request: AnyRequest, ctx: Context, token: str, task_id: UUID) -> Response[Any]:
    """A photograph shows it is done."""
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        await actions.check_may_show(tx, task_id)
    data, _, _ = await uploads.received(request, "photograph")
    image = await asyncio.to_thread(picture.cleaned, data)
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        await actions.show(tx, ctx.ring, task_id, image)
        return await _task(request, tx, token, task_id)


@get("/help/{token:str}/tasks/{task_id:uuid}/photo", include_in_schema=False)
async def photo(ctx: Context, token: str, task_id: UUID) -> Response[bytes]:
    """The photograph of one of their tasks."""
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        return await photos.served(tx, ctx.ring, task_id)


async def _about(tx: Tx) -> Row:
    row = await tx.row(queries.about_helper)
    if row is None:
        raise not_found("page")
    return row


def _shell(request: AnyRequest, token: str, about: Row) -> Shell:
    return Shell(
        base=f"/help/{token}",
        path=request.url.path,
        theme=theme_of(request),
        heading=about["couple_names"],
        on=about["on"],
        now=about["now"],
    )


def _cue(row: Row) -> dict[str, Any]:
    until = local_of(row["ends_at"], row["zone"])[1]
    return {**dict(row), "detail": f"Until {until.hour:02}:{until.minute:02}"}


async def _task(request: AnyRequest, tx: Tx, token: str, task_id: UUID) -> Response[Any]:
    """The row alone for scripts, the page for everybody else."""
    if not forms.is_fragment(request):
        return respond.see_other(f"/help/{token}#task-{task_id}")
    about = await _about(tx)
    row = await tx.row(queries.one, task_id)
    if row is None:
        raise not_found("item")
    return respond.html("tasks/_task.html", _shell(request, token, about), task=view.entry(row, {}))


ROUTES = (
    *(page, socket_token, cues_fragment, tasks_fragment, finish, reopen),
    *(answer, hush, send_photo, photo),
)
