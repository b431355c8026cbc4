"""The JSON door of weddings: core fields, members, website, and the log of events by the rule."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import Parameter

from wedsync.events.event import cursor as parse_cursor
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import Context, IfMatch, Page, as_struct, etag, expected_version, invalid, person_of
from wedsync.weddings import actions, model

queries = sql.load("wedsync.weddings")
Limit = Annotated[int, Parameter(ge=1, le=500)]
Place = msgspec.defstruct(
    "WeddingPlace", [("id", UUID), ("couple_names", str), ("role", str), ("on", Any)], frozen=True
)


class NewMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A partner by e-mail, or a helper by name alone."""

    role: str
    name: Annotated[str, msgspec.Meta(max_length=300)] = ""
    email: Annotated[str, msgspec.Meta(max_length=320)] = ""


class MadeMember(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is the helper's pass, shown to the couple."""

    id: UUID
    url: str | None = None


class SiteChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The public website."""

    slug: Annotated[str, msgspec.Meta(pattern="^[a-z0-9](?:[a-z0-9-]{1,60}[a-z0-9])$")]
    is_published: bool = True
    welcome: Annotated[str, msgspec.Meta(max_length=4000)] = ""


@get("/api/v1/weddings", summary="My weddings", description="Weddings the person is couple, partner or helper of.")
async def list_weddings(ctx: Context, actor: Actor) -> Page:
    """Suppliers find theirs under `/suppliers/{id}/weddings`."""
    person = person_of(actor)
    async with ctx.door.enter(actor, person) as tx:
        rows = await tx.rows("select * from app.places($1)", person)
    return Page([Place(r["id"], r["name"], r["role"], r["on"]) for r in rows if r["kind"] == "wedding"])


@post("/api/v1/weddings", summary="Set up a wedding", description="The caller becomes its couple.")
async def add_wedding(ctx: Context, actor: Actor, data: model.NewWedding) -> Response[model.Wedding]:
    """Returns the wedding as it is now."""
    person_of(actor)
    wedding_id = await actions.create(ctx.door, actor, data)
    return await _wedding(ctx, actor, wedding_id, status=201)


@get("/api/v1/weddings/{wedding_id:uuid}", summary="One wedding", description="Core fields, for everyone linked.")
async def get_wedding(ctx: Context, actor: Actor, wedding_id: UUID) -> Response[model.Wedding]:
    """With its ETag."""
    return await _wedding(ctx, actor, wedding_id)


async def _wedding(ctx: Context, actor: Actor, wedding_id: UUID, *, status: int = 200) -> Response[model.Wedding]:
    async with ctx.door.enter(actor, wedding_id) as tx:
        row = await tx.row(queries.get, wedding_id)
    if row is None:
        raise not_found("wedding")
    wedding = as_struct(model.Wedding, row)
    return Response(wedding, status_code=status, headers=etag(wedding.version))


@patch(
    "/api/v1/weddings/{wedding_id:uuid}",
    summary="Change core fields",
    description="Linked suppliers are told and asked to confirm.",
)
async def change_wedding(
    ctx: Context, actor: Actor, wedding_id: UUID, data: model.WeddingChange, if_match: IfMatch = None
) -> Response[model.Wedding]:
    """Only the couple."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await actions.change(tx, wedding_id, model.changed_fields(data), version=expected_version(if_match))
    return await _wedding(ctx, actor, wedding_id)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/date-history",
    summary="What the date was before",
    description="One entry for each change of the date or its status, newest first. For the couple.",
)
async def date_history(
    ctx: Context, actor: Actor, wedding_id: UUID, cursor: UUID | None = None, limit: Limit = 100
) -> Page:
    """Others who see the wedding see its date now, and an empty list here."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.date_history, wedding_id, cursor, limit)
    return Page([as_struct(model.PastDate, r) for r in rows], str(rows[-1]["id"]) if len(rows) == limit else None)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/members",
    summary="Who belongs to the wedding",
    description="Couple, partner and helpers.",
)
async def list_members(ctx: Context, actor: Actor, wedding_id: UUID) -> Page:
    """A helper sees only itself."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.members, wedding_id)
    return Page([as_struct(model.Membership, r) for r in rows])


@post(
    "/api/v1/weddings/{wedding_id:uuid}/members",
    summary="Name a partner or helper",
    description="A helper gets a pass, no account.",
)
async def add_member(ctx: Context, actor: Actor, wedding_id: UUID, data: NewMember) -> Response[MadeMember]:
    """Only the couple."""
    if data.role not in ("partner", "helper"):
        raise invalid("role", "must be partner or helper")
    if data.role == "partner" and "@" not in data.email:
        raise invalid("email", "a partner needs an e-mail address to sign in with")
    async with ctx.door.enter(actor, wedding_id) as tx:
        member = await actions.add_member(tx, wedding_id, role=data.role, name=data.name, email=data.email)
        url = None
        if data.role == "helper":
            token = await actions.add_pass(tx, ctx.settings.jwt_secret, "help", wedding_id, membership_id=member)
            url = f"{ctx.settings.public_url}/help/{token}"
    return Response(MadeMember(id=member, url=url), status_code=201)


@delete(
    "/api/v1/weddings/{wedding_id:uuid}/members/{membership_id:uuid}",
    summary="Remove a partner or helper",
    description="Passes end at once.",
)
async def remove_member(ctx: Context, actor: Actor, wedding_id: UUID, membership_id: UUID) -> None:
    """The one who set the wedding up stays."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await actions.remove_member(tx, wedding_id, membership_id)


@put(
    "/api/v1/weddings/{wedding_id:uuid}/site",
    summary="Publish the website",
    description="Address, welcome text, published or not.",
)
async def put_site(
    ctx: Context, actor: Actor, wedding_id: UUID, data: SiteChange, if_match: IfMatch = None
) -> Response[model.Site]:
    """Only the couple; the address must be free."""
    fields = {f: getattr(data, f) for f in data.__struct_fields__}
    async with ctx.door.enter(actor, wedding_id) as tx:
        await actions.put_site(tx, wedding_id, **fields, version=expected_version(if_match))
    async with ctx.door.enter(actor, wedding_id) as tx:
        row = await tx.row(queries.site, wedding_id)
    if row is None:
        raise not_found("website")
    site = msgspec.convert({**dict(row), "snapshot": msgspec.json.decode(row["snapshot"])}, type=model.Site)
    return Response(site, headers=etag(site.version))


@get(
    "/api/v1/weddings/{wedding_id:uuid}/events",
    summary="The log",
    description="Events this audience may see, oldest first, after a cursor.",
)
async def list_events(
    ctx: Context, actor: Actor, wedding_id: UUID, after: str | None = None, limit: Limit = 100
) -> Response[bytes]:
    """`after` is `<epoch>:<seq>`; absent means from the oldest kept. Sealed images stay sealed here."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        stream = await tx.row(queries.stream, wedding_id)
        if stream is None:
            raise not_found("wedding")
        seq = 0 if after is None else _after(after, stream["epoch"])
        rows = await tx.rows(queries.events_after, wedding_id, seq, limit)
    items = [event_json(r, "wedding", wedding_id) for r in rows]
    last = f"{stream['epoch']}:{rows[-1]['seq']}" if rows else f"{stream['epoch']}:{stream['top']}"
    body = {"items": items, "next": last if len(rows) == limit else None, "cursor": last}
    return Response(msgspec.json.encode(body), media_type="application/json")


def _after(text: str, epoch: int) -> int:
    try:
        known, seq = parse_cursor(text)
    except ValueError as error:
        raise invalid("after", str(error)) from error
    if known != epoch:
        raise Refusal(
            410,
            "epoch_changed",
            f"The log was restored; its epoch is now {epoch}. Read again from the start.",
            extra={"epoch": epoch},
        )
    return seq


def event_json(row: Row, kind: str, stream: UUID) -> dict[str, Any]:
    """A row of `events` in live form."""
    raw = {k: None if row[k] is None else msgspec.Raw(row[k].encode()) for k in ("record", "old_record")}
    return {
        "id": row["id"],
        "stream": f"{kind}:{stream}",
        **{
            k: row[k]
            for k in (
                "epoch",
                "seq",
                "type",
                "version",
                "scope",
                "link_id",
                "membership_id",
                "op",
                "cause",
                "bulk",
                "occurred_at",
            )
        },
        **raw,
        "subject": {"table": row["subject_table"], "id": row["subject_id"]},
        "actor": {"kind": row["actor_kind"], "id": row["actor_id"]},
    }


ROUTES = (
    list_weddings,
    add_wedding,
    get_wedding,
    change_wedding,
    date_history,
    list_members,
    add_member,
    remove_member,
    put_site,
    list_events,
)
