"""What the inbound door of one process remembers and keeps with: made when the process starts."""

import msgspec

from wedsync.connections.inbox import Inbox
from wedsync.connections.keysets import KeySets
from wedsync.connections.sources import Sources
from wedsync.kit.db import Door
from wedsync.kit.http import Wire
from wedsync.kit.seal import KeyRing


class Reception(msgspec.Struct, frozen=True, kw_only=True):
    """`app.state.reception`."""

    inbox: Inbox
    sources: Sources
    keysets: KeySets


def open_reception(wire: Wire, door: Door, ring: KeyRing) -> Reception:
    """Made in the loop that uses it. `wire` fetches the key sets of tenants."""
    return Reception(inbox=Inbox(door, ring), sources=Sources(door, ring), keysets=KeySets(wire))
