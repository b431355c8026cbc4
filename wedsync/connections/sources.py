"""Sources of hooks as the inbound door knows them: read once, remembered with their version, read again when it is old.

What is remembered decides nothing alone: the statement that keeps a hook refuses one that was verified with the secrets
of another version than the source has now (`inbox`), and then the source is read and the hook verified anew.
"""

from collections import OrderedDict
from typing import Final
from uuid import UUID

import msgspec

from wedsync.connections import actions, model
from wedsync.kit import clock
from wedsync.kit.db import Door
from wedsync.kit.seal import KeyRing

REMEMBERED_MAX: Final = 10_000


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A source. `id` is the connection's, `tenant` whose it is."""

    id: UUID
    tenant: UUID
    scheme: str
    settings: model.HookSettings
    kept: list[model.Kept]
    version: int

    @property
    def secrets(self) -> list[str]:
        """Those that hold now: one that was rotated ends without anybody changing the row."""
        now = clock.machine_now()
        return [one.secret for one in self.kept if one.until is None or one.until > now]


class Sources:
    """The sources that one process remembers; the least recently used are forgotten first."""

    def __init__(self, door: Door, ring: KeyRing) -> None:
        self._door = door
        self._ring = ring
        self._known: OrderedDict[tuple[str, UUID], Held] = OrderedDict()

    def known(self, connector: str, id: UUID) -> Held | None:
        """What is remembered, as it was when it was read."""
        held = self._known.get((connector, id))
        if held is not None:
            self._known.move_to_end((connector, id))
        return held

    async def read(self, connector: str, id: UUID) -> Held | None:
        """The source as it is now; None where there is none. What there is not is not remembered."""
        row = await self._door.ask("select * from app.hook_source($1, $2)", connector, id)
        if row is None:
            self._known.pop((connector, id), None)
            return None
        held = Held(
            id=row["id"],
            tenant=row["tenant_id"],
            scheme=row["scheme"],
            settings=msgspec.json.decode(row["settings"], type=model.HookSettings),
            kept=actions.kept(self._ring, row["tenant_id"], row["id"], row["sealed"]),
            version=row["version"],
        )
        self._known[connector, id] = held
        if len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
        return held
