"""Tells an account's health how the exchanges of one run ended: failures at once, what went well in few statements."""

from collections import Counter
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from wedsync.connections.accounts.opening import Accounts, Ask, hear
from wedsync.connections.contract import Delivered, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.kit import clock
from wedsync.kit.db import Tx

Answer = TypeVar("Answer")
AGAIN: Final = "The next token is tried first."
AGAIN_S: Final = 1.0
UNTOLD_MAX: Final = 20
"""A long run tells how it goes before it ends."""


class Telling:
    """Of one account, in one run."""

    def __init__(
        self, accounts: Accounts, connection_id: UUID, tenant: UUID, opened_at: datetime | None = None
    ) -> None:
        self._accounts = accounts
        self._connection_id = connection_id
        self._tenant = tenant
        self._well: Counter[str] = Counter()
        self._opened_at = opened_at or clock.machine_now()

    async def told(self, said: Answer, what: str) -> Answer | RetryLater:
        """The answer of one exchange. Only an outcome says something of the account: a row that has gone does not.

        A token that is refused before its time is no reason to ask a person: the next run has another.
        """
        if isinstance(said, ReconnectNeeded) and await self._has_another():
            await self._tell_well()
            again = RetryLater(reason=f"{said.reason} {AGAIN}", after_s=AGAIN_S, is_ours=True, attempt=said.attempt)
            await self._accounts.heard(self._connection_id, self._tenant, again, what=what)
            return again
        if isinstance(said, (Delivered, RetryLater, ReconnectNeeded, Rejected, Unknown)):
            # What went well came first: failures are counted in a row.
            await self._tell_well()
            await self._accounts.heard(self._connection_id, self._tenant, said, what=what)
            return said
        self._well[what] += 1
        if self._well.total() >= UNTOLD_MAX:
            await self._tell_well()
        return said

    async def _has_another(self) -> bool:
        return await self._accounts.has_another(self._connection_id, self._tenant, self._opened_at)

    async def _tell_well(self) -> None:
        if self._well:
            well, self._well = self._well, Counter()
            await self._accounts.heard_well(self._connection_id, self._tenant, well)

    def well(self) -> tuple[str, int] | None:
        """What `tell` would count, and how often that was, where it is of one kind."""
        return next(iter(self._well.items())) if len(self._well) == 1 else None

    async def tell(self, tx: Tx, ask: Ask | None = None) -> bool:
        """What went well since the last time, counted in this transaction of the account's tenant; the last of it by
        `ask`, where that is given. Whether there was anything."""
        well, self._well = list(self._well.items()), Counter()
        last = len(well) - 1
        for number, (what, times) in enumerate(well):
            asks = {"ask": ask} if ask is not None and number == last else {}
            await hear(tx, self._connection_id, self._tenant, None, what=what, times=times, **asks)
        return bool(well)
