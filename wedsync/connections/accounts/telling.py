"""Tells an account's health how the exchanges of one run ended: failures at once, what went well in few statements."""

from collections import Counter
from typing import Final, TypeVar
from uuid import UUID

from wedsync.connections.accounts.opening import Accounts, hear
from wedsync.connections.contract import Delivered, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.kit.db import Tx

Answer = TypeVar("Answer")
UNTOLD_MAX: Final = 20
"""A long run tells how it goes before it ends."""


class Telling:
    """Of one account, in one run."""

    def __init__(self, accounts: Accounts, connection_id: UUID, tenant: UUID) -> None:
        self._accounts = accounts
        self._connection_id = connection_id
        self._tenant = tenant
        self._well: Counter[str] = Counter()

    async def told(self, said: Answer, what: str) -> Answer:
        """The answer of one exchange. Only an outcome says something of the account: a row that has gone does not."""
        if isinstance(said, (Delivered, RetryLater, ReconnectNeeded, Rejected, Unknown)):
            # What went well came first: failures are counted in a row.
            await self._tell_well()
            await self._accounts.heard(self._connection_id, self._tenant, said, what=what)
            return said
        self._well[what] += 1
        if self._well.total() >= UNTOLD_MAX:
            await self._tell_well()
        return said

    async def _tell_well(self) -> None:
        if self._well:
            well, self._well = self._well, Counter()
            await self._accounts.heard_well(self._connection_id, self._tenant, well)

    async def tell(self, tx: Tx) -> None:
        """What went well since the last time, counted in this transaction of the account's tenant."""
        well, self._well = self._well, Counter()
        for what, times in well.items():
            await hear(tx, self._connection_id, self._tenant, None, what=what, times=times)
