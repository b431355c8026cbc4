"""What records do because of facts: whatever of ours changed is looked at in every CRM that holds it.

A poke says only that something is to be looked at; the run reads what stands, and a client that is as the last run left
it is no change. So a fact that comes late or twice, or that the run itself has recorded, is none the worse.
"""

from functools import cache

from wedsync.clients import facts as clients
from wedsync.connections import manifest as manifests
from wedsync.connections.accounts import model as accounts
from wedsync.connections.records import actions, facts
from wedsync.events.catalogue import EventType, Reaction
from wedsync.events.event import Event
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.suppliers import model as suppliers
from wedsync.weddings import model as weddings

queries = sql.load("wedsync.connections.records")
OF_WEDDINGS = (
    *(suppliers.ACCEPTED, suppliers.REVOKED),
    *(kind for kind in weddings.EVENTS if kind.table == "weddings"),
)


async def look(tx: Tx, event: Event) -> None:
    """A client of a business changed, or many did."""
    if await tx.value(queries.poke, None, False, False):
        tx.nudges.append("[]")


async def mark_wedding(tx: Tx, event: Event) -> None:
    """A couple on WedSync has another date, or is another's client now."""
    if await tx.value(queries.mark_wedding, event.tenant):
        tx.nudges.append("[]")


async def begin(tx: Tx, event: Event) -> None:
    """An account was connected, or works again: if it is a business's CRM, its jobs are read."""
    way = _crms().get(await tx.value(queries.connector_of, event.subject.id))
    if way is not None:
        await actions.open_book(tx, event.subject.id, way)


async def send(tx: Tx, event: Event) -> None:
    """A client was added: whoever is sent to may have to hear of it. CRMs that are read are not looked at for that."""
    if await tx.value(queries.poke_senders):
        tx.nudges.append("[]")


@cache
def _crms() -> dict[str, facts.Direction]:
    """How each is kept until somebody chooses."""
    found: dict[str, facts.Direction] = {}
    for name, one in manifests.find().items():
        if "records" in one.does:
            found[name] = "import"
        elif "sends" in one.does:
            found[name] = "send"
    return found


def _types(*kinds: EventType) -> tuple[str, ...]:
    return tuple(kind.type for kind in kinds)


REACTIONS = (
    Reaction(
        name="records.look",
        types=_types(clients.CHANGED, clients.IMPORTED, clients.UNDONE),
        run=look,
        is_merged=True,
    ),
    Reaction(name="records.send", types=_types(clients.ADDED), run=send, is_merged=True),
    Reaction(name="records.mark_wedding", types=_types(*OF_WEDDINGS), run=mark_wedding, is_merged=True),
    Reaction(name="records.begin", types=_types(accounts.CONNECTED, accounts.MENDED), run=begin),
)
