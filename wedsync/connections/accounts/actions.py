"""Every write of accounts by people: begun, connected, paused, gone on with, disconnected."""

import hashlib
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import msgspec

from wedsync.connections import actions
from wedsync.connections import model as sources
from wedsync.connections.accounts import grants, model, opening
from wedsync.connections.accounts.model import Credentials
from wedsync.connections.contract import Account
from wedsync.connections.manifest import Manifest
from wedsync.events.record import record
from wedsync.kit import clock, sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.connections.accounts")
KEEPERS: Final = ("couple", "owner", "admin")
OWNERS: Final = ("couple", "owner")


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A connection's row, locked. `account` is null until the provider has said who it is."""

    id: UUID
    tenant: UUID
    connector: str
    state: model.State
    account: Account | None
    credentials: Credentials | None
    hooks: list[sources.Kept]


async def must_be(tx: Tx, roles: tuple[str, ...] = KEEPERS) -> None:
    """Raises Refusal 403 for everybody else of the tenant."""
    if await tx.value(queries.my_role) not in roles:
        who = "the owner" if roles == OWNERS else "an owner or admin"
        raise Refusal(403, "forbidden", f"Only {who} may do this. Ask them to.")


async def is_couples(tx: Tx) -> bool:
    """Whether it is a couple who acts in their wedding."""
    return bool(await tx.value(queries.my_role) == "couple")


async def may_begin(tx: Tx, manifest: Manifest) -> None:
    """Raises Refusal 403, 422 where it is no account of a couple's, or 402 where the plan has none left: before anybody
    is sent to a provider."""
    await must_be(tx)
    if not manifest.is_for_couples and await is_couples(tx):
        detail = f"{manifest.title} is connected by a business. Ask the supplier who works with it to connect theirs."
        raise Refusal(422, "not_for_couples", detail)
    await tx.value(queries.ask_limit)


async def draft(tx: Tx, ring: KeyRing, tenant: UUID, manifest: Manifest, title: str) -> UUID:
    """A connection to be; the one that was begun before and not finished, where there is one."""
    held = await tx.row(queries.draft, tenant, manifest.name)
    if held is not None:
        found: UUID = held["id"]
        return found
    connection_id = uuid4()
    scheme = manifest.hooks.scheme if manifest.hooks is not None else ""
    sealed = actions.seal(ring, tenant, connection_id, [])
    settings = sources.HookSettings(rate_per_minute=sources.ACCOUNT_RATE_PER_MINUTE)
    values = (title or manifest.title, scheme, sealed, msgspec.json.encode(settings).decode())
    row = await tx.row(queries.add, connection_id, tenant, manifest.name, *values)
    if row is None:
        raise not_found("tenant")
    await tx.run(queries.add_account, connection_id, tenant)
    await tx.run(queries.add_health, connection_id, tenant)
    record(tx, sources.ADDED, op="INSERT", row=row)
    return connection_id


async def consent(tx: Tx, ring: KeyRing, actor: Actor, tenant: UUID, connection_id: UUID) -> tuple[str, str]:
    """Remember that this session sends somebody to the provider. Returns (state, PKCE verifier)."""
    if actor.session_id is None:
        raise Refusal(403, "browser_needed", "Connecting takes a browser that is signed in: an API key has no session.")
    state, verifier, consent_id = grants.new_secret(), grants.new_secret(), uuid4()
    sealed = ring.seal(
        verifier.encode(), tenant=tenant, table="connection_consents", column="verifier_sealed", row=consent_id
    )
    until = clock.machine_now() + timedelta(minutes=model.CONSENT_MINUTES)
    values = (consent_id, tenant, connection_id, actor.id, actor.session_id, digest(state), sealed, until)
    await tx.run(queries.add_consent, *values)
    return state, verifier


async def hold(tx: Tx, ring: KeyRing, connection_id: UUID) -> Held:
    """Lock an account against everybody else. Raises Refusal 404."""
    kept = await tx.row(queries.hold_account, connection_id)
    row = await tx.row(queries.hold_one, connection_id)
    if kept is None or row is None:
        raise not_found("connection")
    return _held(ring, row, kept)


async def connected(
    tx: Tx,
    ring: KeyRing,
    manifest: Manifest,
    connection_id: UUID,
    account: Account | None,
    credentials: Credentials,
    *,
    expires_at: datetime | None = None,
    title: str = "",
) -> None:
    """Keep what the provider gave. Without `account` it has not said yet who it is: connecting, until it does.

    Raises Refusal 409 for an account that is connected already, and where another account was connected here.
    """
    held = await hold(tx, ring, connection_id)
    key = None
    if account is not None:
        key = await _key(tx, ring, held, account)
    elif held.state not in ("draft", "connecting"):
        raise Refusal(503, "provider_away", "The provider does not answer now. Nothing was changed; try again later.")
    if not credentials.refresh_token and held.credentials is not None:
        credentials = msgspec.structs.replace(credentials, refresh_token=held.credentials.refresh_token)
    now = clock.machine_now()
    known = None if account is None else seal_account(ring, held.tenant, connection_id, account)
    kept = opening.seal_credentials(ring, held.tenant, connection_id, credentials)
    await tx.run(queries.keep_account, connection_id, known, kept, expires_at, now)
    await tx.run(queries.well_again, connection_id, now, "connect")
    # What is watched there goes on under the secret it was told.
    sealed = actions.seal(ring, held.tenant, connection_id, held.hooks or _new_hooks(manifest))
    state = "connecting" if account is None else "active"
    record(
        tx, model.CONNECTED, op="UPDATE", row=await _done(tx, queries.connect, connection_id, state, key, sealed, title)
    )
    await tx.value(queries.note, connection_id, "connect", "ok" if account is not None else "unknown", "")


async def named(tx: Tx, ring: KeyRing, connection_id: UUID, account: Account) -> None:
    """The provider has said at last who it is. Raises Refusal 409 for an account that is connected already."""
    held = await hold(tx, ring, connection_id)
    if held.account is not None or held.state == "disconnected":
        return
    key = await _key(tx, ring, held, account)
    await tx.run(queries.name_account, connection_id, seal_account(ring, held.tenant, connection_id, account))
    record(tx, sources.CHANGED, op="UPDATE", row=await _done(tx, queries.identify, connection_id, key))


async def pause(tx: Tx, ring: KeyRing, connection_id: UUID) -> None:
    """Nothing goes either way until somebody resumes it. Raises Refusal 404, 409."""
    await _by_person(
        tx, ring, connection_id, ("active", "degraded", "needs_reconnect", "connecting"), "paused", "pause"
    )


async def resume(tx: Tx, ring: KeyRing, connection_id: UUID) -> None:
    """It may go on; whether it does, its next exchange says. Raises Refusal 404, 409."""
    await _by_person(tx, ring, connection_id, ("paused",), "connecting", "resume")


async def disconnect(tx: Tx, ring: KeyRing, connection_id: UUID) -> None:
    """Forget all that lets us in; which account it was is kept, sealed, so that the same can come back until the
    connection is removed. Raises Refusal 404, 409.
    """
    held = await hold(tx, ring, connection_id)
    if held.state == "disconnected":
        raise Refusal(409, "disconnected", "It is disconnected already.")
    await tx.run(queries.forget_credentials, connection_id)
    sealed = actions.seal(ring, held.tenant, connection_id, [])
    record(tx, model.DISCONNECTED, op="UPDATE", row=await _done(tx, queries.disconnect, connection_id, sealed))


async def noted(tx: Tx, connection_id: UUID, what: str, word: str, reason: str = "") -> None:
    """A line of the log."""
    await tx.value(queries.note, connection_id, what, word, reason)


def digest(state: str) -> bytes:
    """What is kept of a state; 256 random bits need no more than a hash."""
    return hashlib.sha256(state.encode()).digest()


def seal_account(ring: KeyRing, tenant: UUID, connection_id: UUID, account: Account) -> bytes:
    """For its column."""
    plain = msgspec.json.encode(account)
    return ring.seal(plain, tenant=tenant, table=opening.TABLE, column="account_sealed", row=connection_id)


def open_account(ring: KeyRing, tenant: UUID, connection_id: UUID, sealed: bytes | None) -> Account | None:
    """Raises SealError."""
    if sealed is None:
        return None
    plain = ring.open(sealed, tenant=tenant, table=opening.TABLE, column="account_sealed", row=connection_id)
    return msgspec.json.decode(plain, type=Account)


def account_keys(ring: KeyRing, tenant: UUID, connector: str, account_id: str) -> list[bytes]:
    """The blind index of an account under every key, the one to write first."""
    return ring.blinds(f"{connector} {account_id}", tenant=tenant, table="connections", column="account_key")


def _held(ring: KeyRing, row: Row, kept: Row) -> Held:
    id, tenant = row["id"], row["tenant_id"]
    sealed = kept["credentials_sealed"]
    return Held(
        id=id,
        tenant=tenant,
        connector=row["connector"],
        state=row["state"],
        account=open_account(ring, tenant, id, kept["account_sealed"]),
        credentials=None if sealed is None else opening.open_credentials(ring, tenant, id, sealed),
        hooks=actions.kept(ring, tenant, id, row["sealed"]),
    )


def _new_hooks(manifest: Manifest) -> list[sources.Kept]:
    return [sources.Kept(sources.new_secret())] if manifest.hooks is not None else []


async def _key(tx: Tx, ring: KeyRing, held: Held, account: Account) -> bytes:
    keys = account_keys(ring, held.tenant, held.connector, account.id)
    before = await tx.value(queries.account_key, held.id)
    if before is not None and before not in keys:
        raise Refusal(
            409,
            "another_account",
            "You signed in with another account than the one this connection is of. Sign in with that one, or connect "
            "the other one as a new connection.",
        )
    if await tx.row(queries.same_account, held.tenant, keys, held.id) is not None:
        raise Refusal(
            409, "already_connected", "This account is connected already. Use that connection, or disconnect it first."
        )
    if await tx.value(queries.is_paid_elsewhere, held.connector, account.id):
        raise Refusal(
            409,
            "paid_elsewhere",
            "Another business here is paid into this account. Connect an account of this business, or disconnect it "
            "there first.",
        )
    return keys[0]


async def _by_person(
    tx: Tx, ring: KeyRing, connection_id: UUID, before: tuple[model.State, ...], after: model.State, what: str
) -> None:
    held = await hold(tx, ring, connection_id)
    if held.state not in before:
        raise Refusal(409, "not_now", f"It is {held.state.replace('_', ' ')}, so this cannot be done now.")
    await opening.move(tx, connection_id, held.state, after, "")
    await noted(tx, connection_id, what, "ok")


async def _done(tx: Tx, statement: str, *values: object) -> Row:
    row = await tx.row(statement, *values)
    if row is None:
        raise not_found("connection")
    return row
