"""The page of channels: those there are, making one for a wedding, pausing, going on and closing."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.connections.accounts import connecting
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.accounts.model import NewAccount
from wedsync.connections.chatting import actions, model
from wedsync.connections.manifest import find
from wedsync.connections.pages.place import Place, entered
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.connections.chatting")
HERE: Final = "accounts"
STATES: Final = {
    "opening": ("Being made", "wait"),
    "waiting": ("Needs its workflow", "wait"),
    "active": ("Open", "good"),
    "paused": ("Paused", ""),
    "failed": ("Not made", "bad"),
    "closed": ("Closed", ""),
}
WIRED: Final = ("waiting", "active", "paused")
"""States in which a channel needs an account that takes its messages, where its program is such a one."""
VERBS: Final = {"pause": "paused", "resume": "active"}
WORDS: Final = {
    "connection_id": FieldError("connection_id", "is no workspace", "Choose a workspace."),
    "wedding_id": FieldError("wedding_id", "is no wedding", "Choose a wedding."),
    "name": FieldError("name", "is too long", f"Use at most {model.NAME_MAX} characters."),
}


def paths(rest: str = "") -> list[str]:
    """The two addresses of a page."""
    return [f"/me/{{tenant:uuid}}/chats{rest}", f"/studio/{{tenant:uuid}}/chats{rest}"]


@get(paths(), include_in_schema=False)
async def listed(
    request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, wedding_id: UUID | None = None
) -> Response[str]:
    """For the couple, or owners and admins; of one wedding where that is asked for."""
    async with entered(request, ctx, actor, tenant, here=HERE) as place:
        return await _page(place, wedding_id)


@post(paths(), include_in_schema=False)
async def create(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[Any]:
    """Asked for; the workspace makes it in a moment."""
    form = await forms.read(request)
    try:
        wanted = forms.checked(model.NewChat, _given(form), WORDS)
        async with entered(request, ctx, actor, tenant, here=HERE) as place:
            await actions.create(place.tx, tenant, wanted, is_couple=place.is_couple)
    except Refusal as refusal:
        if refusal.status not in (409, 422):
            raise
        async with entered(request, ctx, actor, tenant, here=HERE) as place:
            return await _page(place, None, form=form, refusal=refusal)
    return respond.see_other(request.url.path)


@post(paths("/{chat_id:uuid}/{verb:str}"), include_in_schema=False)
async def act(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, chat_id: UUID, verb: str) -> Response[Any]:
    """pause, resume, close. What is done meanwhile is done."""
    back = request.url.path.rpartition(f"/{chat_id}")[0]
    async with entered(request, ctx, actor, tenant, here=HERE) as place:
        if verb == "close":
            await actions.close(place.tx, chat_id)
        elif verb in VERBS:
            wanted = forms.checked(model.ChatChange, {"state": VERBS[verb]}, {})
            await actions.change(place.tx, chat_id, wanted)
        else:
            raise not_found("page")
    return respond.done(request, back)


@post(paths("/{chat_id:uuid}/workflow"), include_in_schema=False)
async def give_workflow(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, tenant: UUID, chat_id: UUID
) -> Response[Any]:
    """The address that takes the channel's messages: a new one is connected first, or one is chosen that is."""
    form = await forms.read(request)
    try:
        async with entered(request, ctx, actor, tenant, here=HERE) as place:
            held = await place.tx.row(queries.chat, chat_id)
            taker = "" if held is None else actions.poster(await _maker(place, held))
            chosen = _chosen(form, await place.tx.rows(queries.workspaces, tenant, [taker]))
        if held is None or not taker:
            raise not_found("page")
        if chosen is None:
            new = NewAccount(title=held["name"], address=form.text("address"))
            begun = await connecting.begin(ctx, desk, forms.signed_in(request, actor), tenant, taker, new)
            chosen = begun.connection.id
        async with entered(request, ctx, actor, tenant, here=HERE) as place:
            await actions.change(place.tx, chat_id, model.ChatChange(posts_by=chosen))
    except Refusal as refusal:
        if refusal.status not in (402, 409, 422, 503):
            raise
        async with entered(request, ctx, actor, tenant, here=HERE) as place:
            return await _page(place, None, refusal=refusal, wiring=chat_id)
    return respond.done(request, request.url.path.rpartition(f"/{chat_id}")[0])


async def _maker(place: Place, held: Row) -> str:
    """The connector that made the channel; one that is disconnected is looked up as well."""
    return (await place.tx.value(queries.maker, held["connection_id"])) or ""


def _chosen(form: forms.Form, known: Sequence[Row]) -> UUID | None:
    return next((row["id"] for row in known if str(row["id"]) == form.text("posts_by")), None)


async def _page(
    place: Place,
    wedding_id: UUID | None,
    *,
    form: forms.Form | None = None,
    refusal: Refusal | None = None,
    wiring: UUID | None = None,
) -> Response[str]:
    """`refusal` is about making a channel, or about the workflow of the one that is `wiring`."""
    tx, tenant = place.tx, place.tenant
    chats = await tx.rows(queries.chats, tenant, wedding_id)
    workspaces = await tx.rows(queries.workspaces, tenant, list(actions.programs()))
    weddings = [] if place.is_couple else await tx.rows(queries.weddings_of_supplier, tenant, None)
    posted = {row["chat_id"]: row["at"] for row in await tx.rows(queries.last_posted, tenant)}
    couples = {row["wedding_id"]: row["couple_names"] for row in weddings}
    free = _free(chats, workspaces)
    given = form.text if form is not None else lambda _: ""
    return respond.html(
        "connections/chats.html",
        place.shell,
        code=422 if refusal is not None else 200,
        path=f"{place.shell.base}/chats",
        chats=[
            {
                **_shown(row, workspaces, free),
                "posted_at": posted.get(row["id"]),
                "couple": couples.get(row["wedding_id"], ""),
            }
            for row in chats
        ],
        workspaces=[(str(row["id"]), _title(row)) for row in free],
        weddings=[(str(row["wedding_id"]), _wedding(row)) for row in weddings],
        chosen=given("wedding_id") or str(wedding_id or ""),
        name=given("name"),
        programs=[(name, find()[name].title) for name in actions.programs()],
        refusal=refusal,
        wiring=wiring,
        errors=forms.errors_of(refusal) if refusal is not None else {},
    )


def _free(chats: Sequence[Row], workspaces: Sequence[Row]) -> list[Row]:
    """The accounts that another channel can be made with: one that is a channel itself is of one wedding."""
    open_ones = [row for row in chats if row["state"] != "failed"]
    used = {id for row in open_ones for id in (row["connection_id"], row["posts_by"])}
    return [row for row in workspaces if row["id"] not in used or not actions.program(row["connector"]).is_one]


def _shown(row: Row, workspaces: Sequence[Row], free: Sequence[Row]) -> dict[str, Any]:
    """One channel in words; with `workflows` to choose from where it still needs one."""
    known = {one["id"]: one for one in workspaces}
    maker = known.get(row["connection_id"])
    taker = actions.poster(maker["connector"]) if maker is not None else ""
    return {
        **dict(row),
        "words": STATES[row["state"]],
        "where": _title(maker) if maker is not None else "a workspace that is not connected now",
        "is_unwired": bool(taker) and row["state"] in WIRED and row["posts_by"] not in known,
        "workflows": [(str(one["id"]), one["title"]) for one in free if one["connector"] == taker],
    }


def _given(form: forms.Form) -> dict[str, Any]:
    wedding_id = form.text("wedding_id")
    return {
        "connection_id": form.text("connection_id"),
        **({"wedding_id": wedding_id} if wedding_id else {}),
        "name": form.text("name"),
        "is_private": not form.text("is_public"),
    }


def _title(row: Row) -> str:
    program = find()[row["connector"]].title
    return row["title"] if row["title"] == program else f"{row['title']} ({program})"


def _wedding(row: Row) -> str:
    return f"{row['couple_names']}, {row['on']:%-d %B %Y}" if row["on"] else str(row["couple_names"])


ROUTES = (listed, create, give_workflow, act)
