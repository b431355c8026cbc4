"""Because of facts: an answered link answers the invitation, a client that is gone is not written to."""

from wedsync.clients import facts as clients
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.invitations import actions, joining
from wedsync.kit.db import Tx
from wedsync.suppliers import model as suppliers


async def answered(tx: Tx, event: Event) -> None:
    """A request that an invitation became, or a supplier whom a couple named."""
    await joining.note_link(tx, event.subject.id)


async def gone(tx: Tx, event: Event) -> None:
    """The client was removed or cancelled."""
    await actions.withdraw_of_client(tx, event.subject.id)


REACTIONS = (
    Reaction(
        name="invitations.answered",
        types=(suppliers.ACCEPTED.type, suppliers.DECLINED.type, suppliers.REVOKED.type),
        run=answered,
    ),
    Reaction(name="invitations.removed", types=(clients.REMOVED.type,), run=gone),
    Reaction(
        name="invitations.cancelled",
        types=(clients.CHANGED.type,),
        run=gone,
        condition='$.record.stage == "cancelled" && $.old.stage != "cancelled"',
    ),
)
