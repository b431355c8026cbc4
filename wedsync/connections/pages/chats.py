"""The page of channels: those there are, making one for a wedding, pausing, going on and closing."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

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
    "active": ("Open", "good"),
    "paused": ("Paused", ""),
    "failed": ("Not made", "bad"),
    "closed": ("Closed", ""),
}
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


async def _page(
    place: Place, wedding_id: UUID | None, *, form: forms.Form | None = None, refusal: Refusal | None = None
) -> Response[str]:
    tx, tenant = place.tx, place.tenant
    chats = await tx.rows(queries.chats, tenant, wedding_id)
    workspaces = await tx.rows(queries.workspaces, tenant, list(actions.programs()))
    weddings = [] if place.is_couple else await tx.rows(queries.weddings_of_supplier, tenant, None)
    posted = {row["chat_id"]: row["at"] for row in await tx.rows(queries.last_posted, tenant)}
    titles = {row["id"]: _title(row) for row in workspaces}
    couples = {row["wedding_id"]: row["couple_names"] for row in weddings}
    given = form.text if form is not None else lambda _: ""
    return respond.html(
        "connections/chats.html",
        place.shell,
        code=422 if refusal is not None else 200,
        path=f"{place.shell.base}/chats",
        chats=[
            {
                **dict(row),
                "words": STATES[row["state"]],
                "where": titles.get(row["connection_id"], "a workspace that is not connected now"),
                "posted_at": posted.get(row["id"]),
                "couple": couples.get(row["wedding_id"], ""),
            }
            for row in chats
        ],
        workspaces=[(str(id), title) for id, title in titles.items()],
        weddings=[(str(row["wedding_id"]), _wedding(row)) for row in weddings],
        chosen=given("wedding_id") or str(wedding_id or ""),
        name=given("name"),
        programs=[(name, find()[name].title) for name in actions.programs()],
        refusal=refusal,
        errors=forms.errors_of(refusal) if refusal is not None else {},
    )


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


ROUTES = (listed, create, act)
