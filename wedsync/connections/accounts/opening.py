"""Opens an account for one exchange with its provider, its token fresh, and hears how each exchange ended.

A token is exchanged before it ends, by one process at a time: the account's row is locked from the question to the
moment the new tokens are kept, so that a refresh token that works once is never used twice, nor lost between the
provider's answer and ours. Who has a token that still lives goes on with it meanwhile. Within one process all who open
an account at once share one exchange, so they take one database connection between them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from wedsync.connections import actions
from wedsync.connections.accounts import grants, model
from wedsync.connections.accounts.model import Credentials, Health
from wedsync.connections.contract import Connection, Outcome, ReconnectNeeded, RetryLater
from wedsync.connections.manifest import Manifest
from wedsync.connections.model import CHANGED
from wedsync.events.record import record
from wedsync.kit import clock, sql
from wedsync.kit.actor import SYSTEM
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.kit.http import Wire
from wedsync.kit.seal import KeyRing, SealError

log = structlog.get_logger("accounts")
queries = sql.load("wedsync.connections.accounts")
TABLE: Final = "connection_accounts"
Ask = Callable[..., Awaitable[Row | None]]
REFRESHES_MAX: Final = 3
"""Database connections of one process that may wait for providers at once."""
LEFT_MIN_S: Final = 15.0
"""A token with less than this left may end on its way."""
LOCK_S: Final = 15
PAUSE_S: Final = 30.0
"""After an exchange that failed, while the token before still lives."""
REFRESH: Final = "refresh"
DOUBTED_AFTER: Final = timedelta(minutes=1)
"""A token that is younger and refused is no accident."""


class Accounts:
    """The accounts of one process. `settings` is read by the names in the manifests."""

    def __init__(
        self, *, door: Door, ring: KeyRing, wire: Wire, settings: Any, manifests: Mapping[str, Manifest]
    ) -> None:
        self._door = door
        self._ring = ring
        self._wire = wire
        self._settings = settings
        self._manifests = manifests
        self._refreshing: dict[UUID, asyncio.Task[Credentials | ReconnectNeeded | RetryLater]] = {}
        self._failed_at: dict[UUID, float] = {}
        self._slots = asyncio.Semaphore(REFRESHES_MAX)

    async def open(
        self, connection_id: UUID, tenant: UUID, held: Row | None = None
    ) -> Connection | ReconnectNeeded | RetryLater:
        """The account with what its connector needs; or why nothing can be said to its provider now. `held` is its row,
        where somebody has read it a moment ago."""
        row = held or await self._door.ask(queries.account, connection_id, tenant)
        if row is None or row["state"] is None:
            return ReconnectNeeded(reason="There is no such connection any more.")
        if row["state"] not in model.OPEN:
            return _closed(row)
        try:
            credentials = self._credentials(tenant, connection_id, row["credentials_sealed"])
            hooks = actions.kept(self._ring, tenant, connection_id, row["hooks_sealed"])
        except SealError as error:
            return ReconnectNeeded(reason=f"What we hold of this account cannot be opened: {error}")
        if model.is_due(clock.machine_now(), row["expires_at"], row["refreshed_at"]):
            is_urgent = _left_s(row["expires_at"]) <= LEFT_MIN_S
            task = self._refreshing_of(connection_id, tenant, row["connector"], is_urgent=is_urgent)
            if is_urgent and task is not None:
                # Shielded: what a provider has answered must be kept, whoever stops waiting for it.
                fresh = await asyncio.shield(task)
                if not isinstance(fresh, Credentials):
                    return fresh
                credentials = fresh
        secrets = {**credentials.opened, **({"secret": tuple(one.secret for one in hooks)} if hooks else {})}
        return Connection(id=connection_id, settings=msgspec.json.decode(row["settings"]), secrets=secrets)

    async def heard(self, connection_id: UUID, tenant: UUID, outcome: Outcome | None, *, what: str) -> None:
        """One exchange with the provider ended so, None: well. `what` it was, in a word or two, for the log."""
        async with self._door.bare(SYSTEM) as tx:
            await hear(tx, connection_id, tenant, outcome, what=what)

    async def heard_well(self, connection_id: UUID, tenant: UUID, times: Mapping[str, int]) -> None:
        """So many exchanges of each kind went well."""
        async with self._door.bare(SYSTEM) as tx:
            for what, count in times.items():
                await hear(tx, connection_id, tenant, None, what=what, times=count)

    async def has_another(self, connection_id: UUID, tenant: UUID, opened_at: datetime) -> bool:
        """A token was refused: whether there is another, or one to be had, before a person is asked.

        Providers take tokens back before their time (Microsoft, where a password or a policy changed), and one that
        rotates refuses the old one to whoever opened the account at `opened_at` and still holds it. A token that was
        got a moment ago is refused for good.
        """
        now = clock.machine_now()
        async with self._door.bare(SYSTEM) as tx:
            await tx.value(queries.enter, connection_id, tenant)
            return bool(await tx.value(queries.another, connection_id, opened_at, now, now - DOUBTED_AFTER))

    async def close(self) -> None:
        """Wait for what is being exchanged: its answer would be lost."""
        if self._refreshing:
            await asyncio.wait(self._refreshing.values(), timeout=LOCK_S)

    def _refreshing_of(
        self, connection_id: UUID, tenant: UUID, connector: str, *, is_urgent: bool
    ) -> "asyncio.Task[Credentials | ReconnectNeeded | RetryLater] | None":
        """The exchange that is under way, or a new one; None where it failed a moment ago and there is time."""
        task = self._refreshing.get(connection_id)
        if task is not None:
            return task
        if not is_urgent and clock.monotonic() - self._failed_at.get(connection_id, float("-inf")) < PAUSE_S:
            return None
        task = asyncio.create_task(self._refresh(connection_id, tenant, connector, waits=is_urgent))
        self._refreshing[connection_id] = task
        task.add_done_callback(lambda done: self._refreshed(connection_id, done))
        return task

    def _refreshed(self, connection_id: UUID, done: "asyncio.Task[Credentials | ReconnectNeeded | RetryLater]") -> None:
        del self._refreshing[connection_id]
        self._failed_at.pop(connection_id, None)
        if done.cancelled():
            return
        error = done.exception()  # read it, or asyncio warns where nobody has waited for it
        if error is not None or not isinstance(done.result(), Credentials):
            self._failed_at[connection_id] = clock.monotonic()

    async def _refresh(
        self, connection_id: UUID, tenant: UUID, connector: str, *, waits: bool
    ) -> Credentials | ReconnectNeeded | RetryLater:
        try:
            async with self._slots:
                async with self._door.bare(SYSTEM) as tx:
                    said, is_new = await self._held_and_exchanged(tx, connection_id, tenant, connector, waits=waits)
                if is_new:
                    # Not before the tokens are in: whatever fails here must not take them back.
                    await self.heard(connection_id, tenant, None, what=REFRESH)
                return said
        except Refusal as refusal:
            if refusal.status == 503:
                return RetryLater(reason="Another process has been asking for the next token for long.", is_ours=True)
            return ReconnectNeeded(reason=refusal.detail)
        except SealError as error:
            return ReconnectNeeded(reason=f"What we hold of this account cannot be opened: {error}")

    async def _held_and_exchanged(
        self, tx: Tx, connection_id: UUID, tenant: UUID, connector: str, *, waits: bool
    ) -> tuple[Credentials | ReconnectNeeded | RetryLater, bool]:
        """Under the row's lock; whether it was this process that got the next token."""
        await tx.run(f"set local lock_timeout = '{LOCK_S}s'")
        await tx.value(queries.enter, connection_id, tenant)
        began_at = clock.machine_now()
        row = await tx.row(queries.hold if waits else queries.hold_free, connection_id)
        if row is None:
            return RetryLater(reason="Another process is asking for the next token.", is_ours=True), False
        held = self._credentials(tenant, connection_id, row["credentials_sealed"])
        if not model.is_due(clock.machine_now(), row["expires_at"], row["refreshed_at"]):
            return held, False
        if row["tried_at"] is not None and row["tried_at"] >= began_at:
            return RetryLater(reason="Another process has just asked for the next token in vain.", is_ours=True), False
        said = await self._asked(connector, held)
        if not isinstance(said, grants.Tokens):
            await tx.run(queries.tried, connection_id, clock.machine_now())
            await hear(tx, connection_id, tenant, said, what=REFRESH)
            return said, False
        fresh = renewed(held, said)
        await keep_tokens(tx, self._ring, tenant, connection_id, fresh, said.expires_at)
        return fresh, True

    async def _asked(self, connector: str, held: Credentials) -> grants.Tokens | ReconnectNeeded | RetryLater:
        connect = self._manifests[connector].connect
        if connect is None or not held.refresh_token:
            return ReconnectNeeded(reason="The access that was given has ended. Connect the account again.")
        client = grants.client_of(connect.under(self._settings), self._settings)
        return await grants.refresh(self._wire, client, refresh_token=held.refresh_token, now=clock.machine_now())

    def _credentials(self, tenant: UUID, connection_id: UUID, sealed: bytes | None) -> Credentials:
        if sealed is None:
            raise SealError("there are none")
        return open_credentials(self._ring, tenant, connection_id, sealed)


async def _ask(tx: Tx, *values: Any) -> Row | None:
    return await tx.row(queries.heard, *values)


async def hear(
    tx: Tx, connection_id: UUID, tenant: UUID, outcome: Outcome | None, *, what: str, times: int = 1, ask: Ask = _ask
) -> model.State:
    """Count and log what ended so, and move the account where that moves it; inside any transaction. Its state then.

    `ask`: calls `app.hear_account` with these values in a statement that does more.
    """
    reason, sign = model.reason_of(outcome), model.sign(outcome)
    row = await ask(tx, connection_id, tenant, what, model.word(outcome), reason, sign, times)
    if row is None or row["state"] is None:
        raise LookupError(f"connection {connection_id} has no health")
    health = Health(failures=row["failures"], ok=row["ok"], failed=row["failed"], is_live=row["is_live"])
    before: model.State = row["state"]
    after = model.moved(before, health, outcome)
    if after != before:
        await move(tx, connection_id, before, after, reason)
    return after


async def move(tx: Tx, connection_id: UUID, before: model.State, after: model.State, reason: str) -> None:
    """Tell that an account has come into another state; nothing where somebody has moved it meanwhile."""
    row = await tx.row(
        queries.move, connection_id, before, after, reason if after in ("degraded", "needs_reconnect") else ""
    )
    if row is None:
        return
    kind = CHANGED
    if after == "needs_reconnect":
        kind = model.BROKEN
        log.warning("connection_broken", connection_id=str(connection_id))
    elif after == "active" and before in ("degraded", "needs_reconnect"):
        kind = model.MENDED
        log.info("connection_mended", connection_id=str(connection_id))
    record(tx, kind, op="UPDATE", row=row)


def renewed(held: Credentials, tokens: grants.Tokens) -> Credentials:
    """The next tokens beside what goes on: a provider that does not rotate names no refresh token."""
    refresh_token = tokens.refresh_token or held.refresh_token
    return msgspec.structs.replace(held, access_token=tokens.access_token, refresh_token=refresh_token)


async def keep_tokens(
    tx: Tx, ring: KeyRing, tenant: UUID, connection_id: UUID, held: Credentials, expires_at: datetime | None
) -> None:
    """Seal and keep; together with whatever else the transaction keeps."""
    sealed = seal_credentials(ring, tenant, connection_id, held)
    await tx.run(queries.keep_tokens, connection_id, sealed, expires_at, clock.machine_now())


def seal_credentials(ring: KeyRing, tenant: UUID, connection_id: UUID, held: Credentials) -> bytes:
    """For its column."""
    plain = msgspec.json.encode(held)
    return ring.seal(plain, tenant=tenant, table=TABLE, column="credentials_sealed", row=connection_id)


def open_credentials(ring: KeyRing, tenant: UUID, connection_id: UUID, sealed: bytes) -> Credentials:
    """Raises SealError."""
    plain = ring.open(sealed, tenant=tenant, table=TABLE, column="credentials_sealed", row=connection_id)
    return msgspec.json.decode(plain, type=Credentials)


def _closed(row: Row) -> ReconnectNeeded | RetryLater:
    if row["state"] == "paused":
        return RetryLater(reason="This connection is paused.", is_ours=True)
    return ReconnectNeeded(reason=row["state_reason"] or "This account is not connected. Connect it again.")


def _left_s(expires_at: datetime | None) -> float:
    return float("inf") if expires_at is None else (expires_at - clock.machine_now()) / timedelta(seconds=1)
