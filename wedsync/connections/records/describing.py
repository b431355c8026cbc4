"""Connects an API of a business's own: judged, tried on its first records, kept with the map of its values.

What it lets us in with is given anew whenever it would go to another host or in another way than before: whoever may
edit a description must not be able to have a key sent to themselves.
"""

from typing import Annotated, Any, Final
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta

from wedsync.connections.accounts import actions as accounts
from wedsync.connections.accounts import connecting, opening
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.accounts.model import Begun, Credentials, NewAccount, Short
from wedsync.connections.contract import Connection
from wedsync.connections.records import actions, documents, suggesting, trying
from wedsync.connections.records.contract import Found, Pull, Pulled, Records
from wedsync.connections.records.described import CONNECTOR, Described, faults
from wedsync.connections.records.fields import RULES_MAX, MapRule, compiled
from wedsync.connections.records.record import Record
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.guard import TargetError
from wedsync.kit.seal import KeyRing
from wedsync.web.context import Context

queries = sql.load("wedsync.connections.records")
TRIED_MAX: Final = 20
READ_MAX: Final = 5
"""Records that a trial reads one by one, where lists do not tell them whole."""
TIMEOUT_S: Final = 10.0
NEEDED: Final = {
    "password": "Give the key or password: it goes to another place than before, or there is none yet.",
    "username": "Give the user name or client id.",
}


class NewApi(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An API as it is described, what it lets us in with, and which of its values are which; without rules, those that
    are suggested. `connection_id`: of one that is there, whose key is used where none is given."""

    api: Described
    title: Annotated[str, Meta(max_length=200)] = ""
    username: Short = ""
    password: Short = ""
    rules: Annotated[tuple[MapRule, ...], Meta(max_length=RULES_MAX)] | None = None
    connection_id: UUID | None = None


class HeldApi(msgspec.Struct, frozen=True, kw_only=True):
    """What we hold of an API; `has_password`: it has a key or password, which nobody is shown."""

    connection_id: UUID
    title: str
    api: Described
    username: str
    has_password: bool


class ApiTrial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: why nothing did (`reason`), or what would come in by `rules`; `is_suggested`: those are ours."""

    reason: str
    has_more: bool
    rules: tuple[MapRule, ...]
    is_suggested: bool
    trial: trying.MapTrial | None


async def tried(ctx: Context, desk: Desk, actor: Actor, tenant: UUID, new: NewApi) -> ApiTrial:
    """Nothing is kept. Raises Refusal 403, 404, 422."""
    async with ctx.door.enter(actor, tenant) as tx:
        await accounts.must_be(tx)
        new = await _filled(tx, ctx.ring, new)
    await _judge(desk, new)
    secrets = Credentials(username=new.username, password=new.password, description=_text(new.api)).opened
    connection = Connection(id=uuid4(), secrets=secrets)
    said = await desk.host.call(
        CONNECTOR,
        Records,
        lambda one: one.pull(Pull(cursor="", timeout_s=TIMEOUT_S), connection),
        connection,
        timeout_s=TIMEOUT_S,
    )
    if not isinstance(said, Pulled):
        return _nothing(new, getattr(said, "reason", "") or "The API said nothing that can be read.")
    told: list[trying.Told] = []
    for hint in said.hints[:TRIED_MAX]:
        found: Any = hint.found
        if found is None and len(told) < READ_MAX:
            found = await _read(desk, hint.id, connection)
        if isinstance(found, Found):
            told.append(trying.Told(id=found.id, own=Record(), document=documents.kept(found.document)))
        elif found is not None:
            return _nothing(new, f"One record cannot be read: {getattr(found, 'reason', '') or 'it is not there.'}")
    rules = suggesting.suggested([one.document for one in told]) if new.rules is None else new.rules
    trial = trying.tried(rules, told, may_write=new.api.may_write)
    return ApiTrial(reason="", has_more=said.has_more, rules=rules, is_suggested=new.rules is None, trial=trial)


async def connect(ctx: Context, desk: Desk, actor: Actor, tenant: UUID, new: NewApi) -> Begun:
    """Tried at once and kept; its first run begins. Raises Refusal 402, 403, 409, 422 or 503."""
    async with ctx.door.enter(actor, tenant) as tx:
        # Names are looked up, and faults told, only for those who may.
        await accounts.may_begin(tx, desk.host.manifests[CONNECTOR])
    rules = _rules(new)
    await _judge(desk, new)
    begun = await connecting.begin(ctx, desk, actor, tenant, CONNECTOR, _account(new))
    await _keep_map(ctx, actor, begun.connection.id, rules)
    return begun


async def change(ctx: Context, desk: Desk, actor: Actor, connection_id: UUID, new: NewApi) -> None:
    """The same connection, described anew and read from its beginning. Raises Refusal as `connect`, and 404."""
    rules = None if new.rules is None else _rules(new)
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await accounts.must_be(tx)
        new = await _filled(tx, ctx.ring, msgspec.structs.replace(new, connection_id=connection_id))
    await _judge(desk, new)
    await connecting.again(ctx, desk, actor, connection_id, _account(new))
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.open_book(tx, connection_id)
        await tx.run(queries.forget_etags, connection_id)
        await tx.run(queries.read_anew, connection_id)
        if rules is not None:
            await actions.save_map(tx, connection_id, rules)


async def held(tx: Tx, ring: KeyRing, connection_id: UUID) -> HeldApi:
    """Raises Refusal 403, 404."""
    await accounts.must_be(tx)
    kept, title = await _credentials(tx, ring, connection_id)
    api = msgspec.json.decode(kept.description, type=Described)
    return HeldApi(
        connection_id=connection_id, title=title, api=api, username=kept.username, has_password=bool(kept.password)
    )


async def _credentials(tx: Tx, ring: KeyRing, connection_id: UUID) -> tuple[Credentials, str]:
    row = await tx.row(queries.credentials, connection_id)
    if row is None or row["connector"] != CONNECTOR or row["credentials_sealed"] is None:
        raise not_found("connection")
    opened = opening.open_credentials(ring, row["tenant_id"], connection_id, row["credentials_sealed"])
    return opened, row["title"]


async def _filled(tx: Tx, ring: KeyRing, new: NewApi) -> NewApi:
    """With the key that is held already, where none was given and it goes where it went before."""
    if new.connection_id is None or new.password:
        return new
    kept, _ = await _credentials(tx, ring, new.connection_id)
    before = msgspec.json.decode(kept.description, type=Described)
    if before.holder != new.api.holder or (new.username and new.username != kept.username):
        return new
    return msgspec.structs.replace(new, username=kept.username, password=kept.password)


async def _judge(desk: Desk, new: NewApi) -> None:
    """Raises Refusal 422 that names the fields."""
    wrong = faults(new.api)
    for name in ("username", "password"):
        is_needed = new.api.auth != "none" if name == "password" else new.api.auth in ("basic", "oauth2")
        if is_needed and not getattr(new, name):
            wrong.append(FieldError(name, "is missing", NEEDED[name]))
    for name, url in new.api.addresses.items():
        try:
            await desk.wire.vet(url)
        except TargetError as error:
            wrong += error.as_refusal(name).errors
    if wrong:
        raise Refusal(422, "invalid", "The API cannot be asked as it is described.", errors=wrong)


def _rules(new: NewApi) -> tuple[MapRule, ...]:
    """Raises Refusal 422."""
    if not new.rules:
        what = FieldError("rules", "are missing", "Say at least which value is the couple's name or e-mail.")
        raise Refusal(422, "invalid", "Nothing would be read without a map.", errors=[what])
    compiled(new.rules, may_write=new.api.may_write)
    return new.rules


def _account(new: NewApi) -> NewAccount:
    return NewAccount(title=new.title, username=new.username, password=new.password, description=_text(new.api))


def _text(api: Described) -> str:
    return msgspec.json.encode(api).decode()


async def _read(desk: Desk, id: str, connection: Connection) -> Any:
    return await desk.host.call(
        CONNECTOR, Records, lambda one: one.read(id, connection, timeout_s=TIMEOUT_S), connection, timeout_s=TIMEOUT_S
    )


def _nothing(new: NewApi, reason: str) -> ApiTrial:
    return ApiTrial(reason=reason, has_more=False, rules=new.rules or (), is_suggested=False, trial=None)


async def _keep_map(ctx: Context, actor: Actor, connection_id: UUID, rules: tuple[MapRule, ...]) -> None:
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.open_book(tx, connection_id)
        await actions.save_map(tx, connection_id, rules)
