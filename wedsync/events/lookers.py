"""Who is at the sockets of one gateway: how many of an address, what suppliers were sent, and who was refused."""

from collections import Counter
from typing import Final
from uuid import UUID

from wedsync.events.audience import Audience
from wedsync.events.scope import Scope
from wedsync.events.sockets import Socket
from wedsync.kit.addresses import block_of
from wedsync.kit.watch import Note, Watch

LIVE: Final = "live"
"""The source of reads by sockets in the access log."""


class Lookers:
    """Counted beside the sockets, and written by `watch` every few seconds."""

    def __init__(self) -> None:
        self.watch = Watch()
        self._by_address: Counter[str] = Counter()

    def of(self, address: str) -> int:
        """Open sockets of an address."""
        return self._by_address[block_of(address)]

    def came(self, socket: Socket) -> None:
        """A socket is open."""
        self._by_address[block_of(socket.address)] += 1

    def went(self, socket: Socket) -> None:
        """A socket that came is gone."""
        address = block_of(socket.address)
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def sent(self, tenant: str, audience: Audience, scope: int) -> None:
        """A supplier was sent something of a wedding: of what its link holds, or what is its own."""
        if audience.link_id is not None:
            seen = scope & audience.mask or int(Scope.CORE)
            self.watch.read(tenant, audience.link_id, seen, LIVE)

    def refused(self, socket: Socket, code: str, *, kind: str, ident: str) -> None:
        """A join that was refused; of its topic only what it is about, for a name may be anything."""
        person = socket.claims.person if socket.claims is not None else None
        note = Note(
            kind="join.refused",
            address=socket.address,
            endpoint=f"join realtime:{kind or 'unknown'}",
            reason=code,
            actor_kind="person" if person else "anonymous",
            actor=UUID(person) if person else None,
            place=("tenant", ident) if kind in ("wedding", "supplier", "person") else None,
        )
        self.watch.note(note)
