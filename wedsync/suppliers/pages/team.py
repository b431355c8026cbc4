"""The studio's page of its team: who is in it, inviting by mail, roles, which weddings a member works on, the end."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.suppliers.shell import supplier_shell
from wedsync.suppliers.team import actions as team_actions
from wedsync.suppliers.team import model as team
from wedsync.web import forms, respond
from wedsync.web.context import Context, expected_version
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell

queries = sql.load("wedsync.suppliers")
ROLE_WORDS = {"owner": "Owner", "admin": "Admin", "member": "Member"}
BLANK = {"email": "", "name": "", "role": "member"}


@get("/studio/{supplier_id:uuid}/team", include_in_schema=False)
async def page(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """For everybody of the business; owners and admins change it."""
    return await _page(request, ctx, actor, supplier_id)


async def _page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    *,
    typed: dict[str, str] | None = None,
    errors: Any = None,
    said: str = "",
    code: int = 200,
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "team")
        values = await _values(tx, actor, supplier_id)
        mine = await tx.value(queries.my_role)
    return respond.html(
        "suppliers/team.html",
        shell,
        code=code,
        may_invite=mine != "member",
        invite=typed or BLANK,
        invite_roles=[(key, words, "") for key, words in _roles(mine)],
        errors=errors or {},
        said=said,
        **values,
    )


def _roles(mine: str) -> list[tuple[str, str]]:
    """What this role may give, least first."""
    return [(role, ROLE_WORDS[role]) for role in reversed(team.ROLES) if team.may_manage(mine, role)]


async def _values(tx: Tx, actor: Actor, supplier_id: UUID) -> dict[str, Any]:
    mine = await tx.value(queries.my_role)
    weddings = await tx.rows(queries.team_weddings, supplier_id)
    rows = await tx.rows(queries.team, supplier_id, None)
    return {"role_words": ROLE_WORDS, "members": [_member(row, actor, mine, weddings) for row in rows]}


def _member(row: Row, actor: Actor, mine: str, weddings: list[Row]) -> dict[str, Any]:
    working = set(row["links"])
    ticks = [
        {"link_id": w["link_id"], "words": w["couple_names"], "on": w["on"], "is_on": w["link_id"] in working}
        for w in weddings
    ]
    return {
        **{name: row[name] for name in ("id", "name", "email", "role", "version")},
        "is_me": row["person_id"] == actor.id,
        "may_manage": team.may_manage(mine, row["role"]),
        "roles": _roles(mine),
        "weddings": ticks,
    }


@get("/studio/{supplier_id:uuid}/fragments/team", include_in_schema=False)
async def fragment(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """The list, when the team or the portfolio changed."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "team")
        return await _list(tx, shell, actor, supplier_id)


async def _list(tx: Tx, shell: Shell, actor: Actor, supplier_id: UUID) -> Response[str]:
    return respond.html("suppliers/_team.html", shell, **await _values(tx, actor, supplier_id))


@post("/studio/{supplier_id:uuid}/team", include_in_schema=False)
async def invite(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """By mail; the form again where something is not right."""
    form = await forms.read(request)
    typed = {name: form.text(name) for name in BLANK}
    try:
        new = msgspec.convert({**typed, "email": typed["email"].lower()}, type=team.NewColleague)
        async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
            await team_actions.invite(tx, new)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`")
        words = {"email": "That does not look like an e-mail address.", "name": "That is too long a name."}
        errors = {field: words.get(field, "Choose one of these.")}
        return await _page(request, ctx, actor, supplier_id, typed=typed, errors=errors, code=422)
    except Refusal as refusal:
        if refusal.status not in (402, 403, 409):
            raise
        field = "role" if refusal.status == 403 else "email"
        errors = {field: refusal.detail}
        return await _page(request, ctx, actor, supplier_id, typed=typed, errors=errors, code=refusal.status)
    return respond.see_other(f"/studio/{supplier_id}/team")


@post("/studio/{supplier_id:uuid}/team/{member_id:uuid}", include_in_schema=False)
async def change(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, member_id: UUID) -> Response[Any]:
    """Another role."""
    form = await forms.read(request)
    role = form.text("role")
    if role not in team.ROLES:
        raise Refusal(422, "invalid", "role: must be owner, admin or member")
    wanted = msgspec.convert({"role": role}, type=team.ColleagueChange)
    try:
        async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
            await team_actions.change(tx, member_id, wanted, version=_version(request, form))
    except Refusal as refusal:
        return await _refused(request, ctx, actor, supplier_id, refusal)
    return await _done(request, ctx, actor, supplier_id)


@post("/studio/{supplier_id:uuid}/team/{member_id:uuid}/weddings", include_in_schema=False)
async def weddings(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, member_id: UUID
) -> Response[Any]:
    """What is ticked they work on; what was shown and is not ticked they do not."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        await team_actions.assign_exactly(tx, member_id, _ids(form, "shown"), _ids(form, "on"))
    return await _done(request, ctx, actor, supplier_id)


def _ids(form: Form, name: str) -> set[UUID]:
    try:
        return {UUID(text) for text in form.many(name)}
    except ValueError as error:
        raise Refusal(422, "invalid", f"{name}: is not the id of a link") from error


@get("/studio/{supplier_id:uuid}/team/{member_id:uuid}/end", include_in_schema=False)
async def end(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, member_id: UUID) -> Response[str]:
    """Asked once before they go."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "team")
        row = await tx.row(queries.team, supplier_id, member_id)
        if row is None:
            raise not_found("member")
        team.check(await tx.value(queries.my_role), row["role"])
    return respond.html("suppliers/team_end.html", shell, member=dict(row), is_me=row["person_id"] == actor.id)


@post("/studio/{supplier_id:uuid}/team/{member_id:uuid}/remove", include_in_schema=False)
async def remove(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, member_id: UUID) -> Response[Any]:
    """They are out; whoever removed themselves goes where they still are somebody."""
    form = await forms.read(request)
    try:
        async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
            row = await tx.row(queries.team, supplier_id, member_id)
            await team_actions.remove(tx, member_id, version=_version(request, form))
    except Refusal as refusal:
        return await _refused(request, ctx, actor, supplier_id, refusal)
    left = row is not None and row["person_id"] == actor.id
    return respond.see_other("/me" if left else f"/studio/{supplier_id}/team")


def _version(request: AnyRequest, form: Form) -> int | None:
    return expected_version(request.headers.get("if-match")) or form.number("version")


async def _refused(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, refusal: Refusal
) -> Response[Any]:
    """A script shows the refusal by itself; without one the page says it."""
    if forms.is_fragment(request) or refusal.status != 409:
        raise refusal
    return await _page(request, ctx, actor, supplier_id, said=refusal.detail, code=409)


async def _done(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """The list as it is now; whoever may no longer manage it sees that."""
    if not forms.is_fragment(request):
        return respond.see_other(f"/studio/{supplier_id}/team")
    async with ctx.door.enter(actor, supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "team")
        return await _list(tx, shell, actor, supplier_id)


ROUTES = (page, fragment, invite, change, weddings, end, remove)
