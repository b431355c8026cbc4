"""An API of a business's own: described on one page, tried there as often as needed, and connected when it is right."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.pages import rule_form
from wedsync.connections.pages.place import Place, entered
from wedsync.connections.pages.records import PATH, trial_of
from wedsync.connections.records import describing, looking
from wedsync.connections.records.described import CONNECTOR, Described
from wedsync.connections.records.describing import ApiTrial, HeldApi, NewApi
from wedsync.connections.records.fields import MapRule
from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in

AUTHS: Final = (
    ("bearer", "A token (Authorization: Bearer)"),
    ("header", "A key in a header"),
    ("query", "A key in the address"),
    ("basic", "User and password"),
    ("oauth2", "OAuth 2, client credentials"),
    ("none", "Nothing"),
)
PAGINGS: Final = (
    ("none", "All at once"),
    ("page", "Page by page: ?page=2"),
    ("offset", "From the how-many-eth on: ?offset=100"),
    ("cursor", "By a cursor that each answer names"),
    ("link", "By a Link header that leads on"),
)
WRITES: Final = (
    ("", "Not at all"),
    ("PATCH", "PATCH, only what changes"),
    ("PUT", "PUT, the whole record"),
)
NEW: Final = "/studio/{tenant:uuid}/records/new/" + CONNECTOR
REFUSED: Final = (402, 409, 422, 503)


class Draft(msgspec.Struct, kw_only=True):
    """The page as it stands. `book_id`: of an API that is there."""

    fields: dict[str, Any]
    rows: list[rule_form.Row]
    title: str = ""
    username: str = ""
    book_id: UUID | None = None
    has_password: bool = False
    has_rules: bool = False
    trial: ApiTrial | None = None
    refusal: Refusal | None = None


@get(NEW, include_in_schema=False)
async def new(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """Nothing is filled in but what is usual."""
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        fields = msgspec.structs.asdict(Described(base_url="", list_path="", paging="page", size_name="per_page"))
        return _page(place, Draft(fields=fields, rows=rule_form.rows(())))


@post(NEW, include_in_schema=False)
async def begin(request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, tenant: UUID) -> Response[Any]:
    """`do` is try or connect."""
    form = await forms.read(request)
    return await _done(request, ctx, desk, actor, tenant, form, None)


@get(PATH + "/{book_id:uuid}/api", include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, book_id: UUID) -> Response[str]:
    """As it is described now."""
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        held = await describing.held(place.tx, ctx.ring, book_id)
        return _page(place, _held(held, (await looking.map_of(place.tx, book_id)).rules))


@post(PATH + "/{book_id:uuid}/api", include_in_schema=False)
async def change(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, tenant: UUID, book_id: UUID
) -> Response[Any]:
    """`do` is try or connect: then it is read by the new description."""
    form = await forms.read(request)
    return await _done(request, ctx, desk, actor, tenant, form, book_id)


async def _done(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, tenant: UUID, form: Form, book_id: UUID | None
) -> Response[Any]:
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        path, held = f"{place.shell.base}/records", None
        if book_id is not None:
            held = await describing.held(place.tx, ctx.ring, book_id)
    draft = _drawn(form, held)
    who = signed_in(request, actor)
    try:
        wanted = _wanted(form, draft)
        if form.text("do") != "connect":
            draft.trial = await describing.tried(ctx, desk, who, tenant, wanted)
            draft.rows = rule_form.rows(draft.trial.rules)
            draft.has_rules = bool(draft.trial.rules)
        elif book_id is not None:
            await describing.change(ctx, desk, who, book_id, wanted)
            return respond.see_other(f"{path}/{book_id}")
        else:
            begun = await describing.connect(ctx, desk, who, tenant, wanted)
            return respond.see_other(f"{path}/{begun.connection.id}")
    except Refusal as refusal:
        if refusal.status not in REFUSED:
            raise
        draft.refusal = refusal
        draft.rows = _marked(draft.rows, form, refusal)
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        return _page(place, draft)


def _drawn(form: Form, held: HeldApi | None) -> Draft:
    """The form as it was posted, right or wrong."""
    fields = {name: form.text(name) for name in Described.__struct_fields__}
    return Draft(
        fields=fields,
        rows=_rows(form),
        title=form.text("title")[:200],
        username=form.text("username"),
        book_id=None if held is None else held.connection_id,
        has_password=held is not None and held.has_password,
        has_rules=any(form.text(f"source.{row.field}") for row in rule_form.rows(())),
    )


def _rows(form: Form) -> list[rule_form.Row]:
    try:
        return rule_form.rows(rule_form.rules(form))
    except Refusal:
        return rule_form.rows(())


def _marked(rows: list[rule_form.Row], form: Form, refusal: Refusal) -> list[rule_form.Row]:
    """With what is wrong about a rule beside it."""
    try:
        return rule_form.rows(rule_form.rules(form), refusal.errors)
    except Refusal:
        return rows


def _wanted(form: Form, draft: Draft) -> NewApi:
    """Raises Refusal 422 that names the field."""
    given: dict[str, Any] = {name: value for name, value in draft.fields.items() if value != ""}
    for name in ("first_page", "size"):
        if name in given:
            given[name] = form.number(name)
    words = {name: FieldError(name, "is not right", "Look at it again.") for name in Described.__struct_fields__}
    api: Described = forms.checked(Described, {"base_url": "", "list_path": "", **given}, words)
    rules = rule_form.rules(form)
    is_new = form.text("do") == "connect" and draft.book_id is None
    return NewApi(
        api=api,
        title=draft.title,
        username=draft.username[:2000],
        password=form.text("password")[:2000],
        rules=rules if rules or is_new else None,
        connection_id=draft.book_id,
    )


def _held(held: HeldApi, rules: tuple[MapRule, ...]) -> Draft:
    return Draft(
        fields=msgspec.structs.asdict(held.api),
        rows=rule_form.rows(rules),
        has_rules=bool(rules),
        title=held.title,
        username=held.username,
        book_id=held.connection_id,
        has_password=held.has_password,
    )


def _page(place: Place, draft: Draft) -> Response[str]:
    base = f"{place.shell.base}/records"
    trial = draft.trial
    seen = None if trial is None or trial.trial is None else trial_of(trial.trial)
    paths = [] if seen is None else [(one.path, next(iter(one.values), "")) for one, _ in seen["fields"]]
    is_rule = draft.refusal is not None and any(one.field.startswith("rules[") for one in draft.refusal.errors)
    return respond.html(
        "connections/described.html",
        place.shell,
        code=200 if draft.refusal is None else draft.refusal.status,
        up=f"{place.shell.base}/accounts",
        action=f"{base}/{draft.book_id}/api" if draft.book_id else f"{base}/new/{CONNECTOR}",
        draft=draft,
        errors=forms.errors_of(draft.refusal) if draft.refusal is not None else {},
        auths=AUTHS,
        pagings=PAGINGS,
        writes=WRITES,
        rows=draft.rows,
        directions=rule_form.DIRECTIONS,
        stage_hint=rule_form.STAGE_HINT,
        may_write=bool(draft.fields.get("write")),
        paths=paths,
        trial=trial,
        seen=seen,
        refusal=draft.refusal if is_rule else None,
    )


ROUTES = (new, begin, one, change)
