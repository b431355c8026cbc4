"""How a person connects an account, step by step: sent to the provider and back, or by a form; and how it ends.

Providers are asked between transactions, never inside of one, but for the exchange of a refresh token (`opening`).
A person's right is asked for anew in every transaction: between consent and return it may have been taken away.
"""

from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from litestar.datastructures import State

from wedsync.connections.accounts import actions, grants, model
from wedsync.connections.accounts.model import Begun, Credentials, NewAccount, Revealed
from wedsync.connections.accounts.opening import Accounts
from wedsync.connections.calendars import parting
from wedsync.connections.contract import Account, Connection, Outcome, ReconnectNeeded, Rejected, RetryLater
from wedsync.connections.host import Host
from wedsync.connections.manifest import Connect, Manifest
from wedsync.connections.shown import connection_of
from wedsync.kit import clock, sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.guard import TargetError
from wedsync.kit.http import Wire
from wedsync.kit.sql import Queries
from wedsync.web.context import Context

queries = sql.load("wedsync.connections.accounts")
sources: Queries = sql.load("wedsync.connections")
PROBE_S: Final = 10.0
CHECK: Final = "check"


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What connecting needs beside the context: made once per web process. `settings` holds the operator's."""

    host: Host
    accounts: Accounts
    wire: Wire
    settings: Any


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody came back from a provider and is connected."""

    tenant: UUID
    connection_id: UUID
    is_couple: bool


def provide_desk(state: State, ctx: Context) -> Desk:
    """Dependency `desk`; on the chain of `ctx`, as all of them."""
    desk: Desk = state.desk
    return desk


def redirect_uri(ctx: Context, connector: str) -> str:
    """Exactly this is registered with the provider."""
    return f"{ctx.settings.public_url}/connections/{connector}/consent"


def offers(desk: Desk, *, is_couples: bool = False) -> list[model.Offer]:
    """Every connector that accounts are connected of, configured or not; of couples or of businesses."""
    return [
        model.Offer(
            name=manifest.name,
            title=manifest.title,
            summary=manifest.summary,
            status=manifest.status,
            does=manifest.does,
            way=connect.way,
            is_configured=not manifest.missing(desk.settings),
            missing=tuple(f"WEDSYNC_{name.upper()}" for name in manifest.missing(desk.settings)),
            asks=connect.asks,
            wants=connect.scopes,
        )
        for manifest in desk.host.manifests.values()
        if manifest.is_for_couples or not is_couples
        if (connect := _way(desk, manifest)) is not None
    ]


async def begin(ctx: Context, desk: Desk, actor: Actor, tenant: UUID, connector: str, new: NewAccount) -> Begun:
    """Connect an account: at once with what the form gave, or by sending the person to the provider."""
    manifest, connect = _offered(desk, connector)
    if connect.way == "oauth2":
        async with ctx.door.enter(actor, tenant) as tx:
            await actions.may_begin(tx, manifest)
            connection_id = await actions.draft(tx, ctx.ring, tenant, manifest, new.title)
            return await _sent(ctx, desk, tx, actor, tenant, connection_id, manifest, connect)
    async with ctx.door.enter(actor, tenant) as tx:
        await actions.may_begin(tx, manifest)
    credentials, account = await _proved(desk, manifest, connect, new)
    async with ctx.door.enter(actor, tenant) as tx:
        await actions.must_be(tx)
        connection_id = await actions.draft(tx, ctx.ring, tenant, manifest, new.title)
        await actions.connected(tx, ctx.ring, manifest, connection_id, account, credentials, title=new.title)
        return Begun(connection=await _shown(ctx, tx, connection_id))


async def again(ctx: Context, desk: Desk, actor: Actor, connection_id: UUID, new: NewAccount) -> Begun:
    """Connect the same account again: its id, and what hangs on it, stays."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.must_be(tx)
        held = await _one(tx, connection_id)
        manifest, connect = _offered(desk, held["connector"])
        if connect.way == "oauth2":
            return await _sent(ctx, desk, tx, actor, held["tenant_id"], connection_id, manifest, connect)
    credentials, account = await _proved(desk, manifest, connect, new)
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.must_be(tx)
        await actions.connected(tx, ctx.ring, manifest, connection_id, account, credentials, title=new.title)
        return Begun(connection=await _shown(ctx, tx, connection_id))


async def come_back(
    ctx: Context, desk: Desk, actor: Actor, connector: str, *, state: str, code: str, error: str
) -> Returned:
    """From the provider, with its answer: a code, or an error. Raises Refusal in words for the person who came."""
    if actor.id is None or actor.session_id is None:
        raise _over()
    async with ctx.door.bare(actor) as tx:
        taken = await tx.row(queries.take_consent, actions.digest(state), actor.id, actor.session_id)
    if taken is None:
        raise _over()
    tenant, connection_id = taken["tenant_id"], taken["connection_id"]
    verifier = ctx.ring.open(
        taken["verifier_sealed"],
        tenant=tenant,
        table="connection_consents",
        column="verifier_sealed",
        row=taken["id"],
    ).decode()
    async with ctx.door.enter(actor, tenant) as tx:
        await actions.must_be(tx)
        is_couple = await tx.value(queries.my_role) == "couple"
        held = await _one(tx, connection_id)
    manifest, connect = _offered(desk, held["connector"])
    if manifest.name != connector:
        raise _over()
    if error or not code:
        raise _unwilling(manifest, error)
    client = grants.client_of(connect, desk.settings)
    said = await grants.exchange(
        desk.wire,
        client,
        code=code,
        verifier=verifier,
        redirect_uri=redirect_uri(ctx, connector),
        now=clock.machine_now(),
    )
    tokens = await _allowed(desk, client, manifest, said)
    credentials = Credentials(access_token=tokens.access_token, refresh_token=tokens.refresh_token)
    account = await _account(desk, manifest, credentials, connection_id)
    async with ctx.door.enter(actor, tenant) as tx:
        await actions.must_be(tx)
        await actions.connected(
            tx, ctx.ring, manifest, connection_id, account, credentials, expires_at=tokens.expires_at
        )
    return Returned(tenant=tenant, connection_id=connection_id, is_couple=is_couple)


async def check(ctx: Context, desk: Desk, actor: Actor, connection_id: UUID) -> model.Report:
    """Ask the provider now whether it lets us in; what it says counts like any other exchange."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.must_be(tx)
        held = await _one(tx, connection_id)
    tenant, connector = held["tenant_id"], held["connector"]
    answer = await _asked(desk, connector, connection_id, tenant)
    if answer is not None:
        if isinstance(answer, Account):
            async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
                await actions.must_be(tx)
                await actions.named(tx, ctx.ring, connection_id, answer)
        await desk.accounts.heard(connection_id, tenant, None if isinstance(answer, Account) else answer, what=CHECK)
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        return await report(tx, connection_id)


async def _asked(desk: Desk, connector: str, connection_id: UUID, tenant: UUID) -> Account | Outcome | None:
    """What the provider says; None where the account is not open. A token refused before its time is not the answer."""
    opened = await desk.accounts.open(connection_id, tenant)
    opened_at = clock.machine_now()
    if not isinstance(opened, Connection):
        return None
    answer = await desk.host.account(connector, opened, timeout_s=PROBE_S)
    if isinstance(answer, ReconnectNeeded) and await desk.accounts.has_another(connection_id, tenant, opened_at):
        opened = await desk.accounts.open(connection_id, tenant)
        if not isinstance(opened, Connection):
            return None
        answer = await desk.host.account(connector, opened, timeout_s=PROBE_S)
    return answer


async def resume(ctx: Context, desk: Desk, actor: Actor, connection_id: UUID) -> model.Report:
    """Go on, and see at once whether that works."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.must_be(tx)
        await actions.resume(tx, ctx.ring, connection_id)
    return await check(ctx, desk, actor, connection_id)


async def pause(ctx: Context, actor: Actor, connection_id: UUID) -> model.Report:
    """Nothing goes either way until it is resumed."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.must_be(tx)
        await actions.pause(tx, ctx.ring, connection_id)
        return await report(tx, connection_id)


async def disconnect(ctx: Context, desk: Desk, actor: Actor, connection_id: UUID) -> bool:
    """Have nothing told us any more, take our access back at the provider, then forget all we hold. False where the
    provider has not confirmed it.

    In this order: what we have forgotten nobody can take back there.
    """
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.must_be(tx, actions.OWNERS)
        held = await actions.hold(tx, ctx.ring, connection_id)
        watched = await parting.watched(tx, connection_id)
    if watched:
        opened = await desk.accounts.open(connection_id, held.tenant)
        if isinstance(opened, Connection):
            await parting.end_watches(desk.host, ctx.ring, held.connector, opened, watched)
    _, connect = _known(desk, held.connector)
    is_revoked = False
    token = "" if held.credentials is None else held.credentials.refresh_token or held.credentials.access_token
    if connect.way == "oauth2" and token:
        is_revoked = await grants.revoke(desk.wire, grants.client_of(connect, desk.settings), token=token)
    if not is_revoked and held.account is not None:
        nobody = Connection(id=connection_id, settings={}, secrets={})
        is_revoked = await desk.host.leave(held.connector, held.account.id, nobody, timeout_s=PROBE_S)
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.must_be(tx, actions.OWNERS)
        await actions.disconnect(tx, ctx.ring, connection_id)
        told = "" if is_revoked else "The provider was not told, or has not confirmed it."
        await actions.noted(tx, connection_id, "disconnect", "ok", told)
    return is_revoked


async def reveal(ctx: Context, actor: Actor, connection_id: UUID) -> Revealed:
    """Which account it is there."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.must_be(tx, actions.OWNERS)
        held = await actions.hold(tx, ctx.ring, connection_id)
        await actions.noted(tx, connection_id, "reveal", "ok")
    credentials = held.credentials or Credentials()
    title = "" if held.account is None else held.account.title
    return Revealed(account=title, username=credentials.username, address=credentials.address)


async def report(tx: Tx, connection_id: UUID) -> model.Report:
    """How it is now. Raises Refusal 404."""
    row = await tx.row(queries.report, connection_id)
    if row is None:
        raise not_found("connection")
    return model.Report(**dict(row))


def _known(desk: Desk, connector: str) -> tuple[Manifest, Connect]:
    manifest = desk.host.manifests.get(connector)
    connect = None if manifest is None else _way(desk, manifest)
    if manifest is None or connect is None:
        raise not_found("connector")
    return manifest, connect


def _way(desk: Desk, manifest: Manifest) -> Connect | None:
    return None if manifest.connect is None else manifest.connect.under(desk.settings)


def _offered(desk: Desk, connector: str) -> tuple[Manifest, Connect]:
    manifest, connect = _known(desk, connector)
    missing = manifest.missing(desk.settings)
    if missing:
        names = " and ".join(f"WEDSYNC_{name.upper()}" for name in missing)
        detail = f"{manifest.title} is not configured here. Ask your operator to set {names}."
        raise Refusal(409, "not_configured", detail)
    return manifest, connect


async def _sent(
    ctx: Context,
    desk: Desk,
    tx: Tx,
    actor: Actor,
    tenant: UUID,
    connection_id: UUID,
    manifest: Manifest,
    connect: Connect,
) -> Begun:
    state, verifier = await actions.consent(tx, ctx.ring, actor, tenant, connection_id)
    url = grants.authorize_url(
        grants.client_of(connect, desk.settings),
        state=state,
        verifier=verifier,
        redirect_uri=redirect_uri(ctx, manifest.name),
    )
    return Begun(connection=await _shown(ctx, tx, connection_id), authorize_url=url)


async def _proved(
    desk: Desk, manifest: Manifest, connect: Connect, new: NewAccount
) -> tuple[Credentials, Account | None]:
    """What a form gave, tried at the provider. Raises Refusal 422, 503."""
    model.check(new, connect.asks)
    address = _as_https(new.address)
    if address:
        try:
            await desk.wire.vet(address)
        except TargetError as error:
            raise error.as_refusal("address") from error
    credentials = Credentials(
        username=new.username, password=new.password, address=address, description=new.description
    )
    account = await _account(desk, manifest, credentials, uuid4())
    if account is None:
        detail = f"{manifest.title} did not answer. Nothing was kept; try again in a minute."
        raise Refusal(503, "provider_away", detail, headers={"Retry-After": "60"})
    return credentials, account


def _as_https(typed: str) -> str:
    """Calendars write webcal:// for https, and people leave it out."""
    scheme, there, rest = typed.strip().partition("://")
    if typed.strip() and not there:
        return f"https://{scheme}"
    return f"https://{rest}" if scheme.lower() in ("webcal", "webcals") else typed.strip()


async def _account(desk: Desk, manifest: Manifest, credentials: Credentials, id: UUID) -> Account | None:
    """Who is there; None where the provider did not say. Raises Refusal 422 where it does not let us in."""
    opened = Connection(id=id, secrets=credentials.opened)
    answer = await desk.host.account(manifest.name, opened, timeout_s=PROBE_S)
    if isinstance(answer, Account):
        return answer
    if isinstance(answer, ReconnectNeeded | Rejected):
        connect = _way(desk, manifest)
        field = connect.asks[-1] if connect is not None and connect.asks else ""
        errors = [FieldError(field, answer.reason.rstrip("."), "Look at it again.")] if field else []
        raise Refusal(422, "not_let_in", f"{manifest.title} does not let us in: {answer.reason}", errors=errors)
    return None


async def _allowed(
    desk: Desk, client: grants.Client, manifest: Manifest, said: grants.Tokens | ReconnectNeeded | RetryLater
) -> grants.Tokens:
    """Raises Refusal 422, 503."""
    if isinstance(said, ReconnectNeeded):
        detail = f"{manifest.title} did not accept what it had sent with you. Start again."
        raise Refusal(422, "consent_failed", detail)
    if isinstance(said, RetryLater):
        raise Refusal(503, "provider_away", f"{said.reason} Start again in a minute.", headers={"Retry-After": "60"})
    if said.missing:
        await grants.revoke(desk.wire, client, token=said.refresh_token or said.access_token)
        detail = (
            f"You did not allow all that {manifest.title} is needed for. Start again and leave every tick where it is."
        )
        raise Refusal(422, "scopes_missing", detail)
    return said


def _unwilling(manifest: Manifest, error: str) -> Refusal:
    if error == "access_denied":
        return Refusal(422, "consent_denied", f"You did not allow it, so {manifest.title} is not connected.")
    return Refusal(422, "consent_failed", f"{manifest.title} did not connect. Start again.")


def _over() -> Refusal:
    return Refusal(
        410, "consent_over", "This sign-in has ended, was used already, or began in another browser. Start again."
    )


async def _one(tx: Tx, connection_id: UUID) -> Any:
    row = await tx.row(queries.one, connection_id)
    if row is None:
        raise not_found("connection")
    return row


async def _shown(ctx: Context, tx: Tx, connection_id: UUID) -> Any:
    return connection_of(ctx.settings.public_url, await tx.row(sources.connection, connection_id))
