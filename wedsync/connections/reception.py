"""What the inbound door of one process remembers and keeps with: made when the process starts, closed at its end."""

import msgspec

from wedsync.connections.inbox import Inbox
from wedsync.connections.keysets import KeySets
from wedsync.connections.sources import Sources
from wedsync.kit.config import Settings
from wedsync.kit.db import Door
from wedsync.kit.http import Wire
from wedsync.kit.seal import KeyRing


class Reception(msgspec.Struct, frozen=True, kw_only=True):
    """`app.state.reception`."""

    inbox: Inbox
    sources: Sources
    keysets: KeySets
    wire: Wire

    async def close(self) -> None:
        """Lets go of what it called others with."""
        await self.wire.close()


def open_reception(settings: Settings, door: Door, ring: KeyRing) -> Reception:
    """Made in the loop that uses it."""
    wire = Wire(allow=settings.egress_allow, clients_max=64)
    return Reception(inbox=Inbox(door, ring), sources=Sources(door, ring), keysets=KeySets(wire), wire=wire)
