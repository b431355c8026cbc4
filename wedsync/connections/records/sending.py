"""Hands new enquiries and bookings to a CRM that only takes in: each once, in the order in which they came.

Nothing there can be read back. So what is sent is noted before it leaves and named by a reference of ours: after a try
whose end nobody saw it is sent again, and that the CRM has it already is the proof that it came. What it took counts as
accepted, for nobody tells us whether people there made a job of it.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid4

import msgspec

from wedsync.clients import sealed as client_seals
from wedsync.connections.contract import Outcome, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.connections.records import conflicts
from wedsync.connections.records.contract import Known, Send, Sent
from wedsync.connections.records.kept import Dispute, Kept, remote_key
from wedsync.connections.records.record import Record
from wedsync.connections.records.remote import Outlet
from wedsync.connections.records.run import Ended, Run, stopped
from wedsync.connections.records.settling import record_of
from wedsync.kit import sql
from wedsync.kit.db import Row

queries = sql.load("wedsync.connections.records")
AT_ONCE_MAX: Final = 50
"""Clients of one run; the rest goes on in the next, so that others have their turn."""
OF_OURS: Final = ("", "marketplace")
"""Where clients come from that are sent: added by hand, or by an enquiry. A list that is brought in is known there, or
would flood whoever reads it."""


class One(msgspec.Struct, frozen=True, kw_only=True):
    """A client to hand in. `phase` is what it is sent as, `was_tried` whether that was begun before."""

    id: UUID
    client_id: UUID
    client_version: int
    phase: str
    was_tried: bool
    record: Record

    @property
    def reference(self) -> str:
        """Of the client as an enquiry, and another as a booking."""
        return f"{self.client_id}-booked" if self.phase == "booked" else str(self.client_id)


async def send(run: Run, outlet: Outlet | ReconnectNeeded | RetryLater) -> Ended:
    """All that is to be sent, until the CRM wants no more for now."""
    if isinstance(outlet, (ReconnectNeeded, RetryLater)):
        return stopped(outlet)
    run.outlet = outlet
    async with run.enter() as tx:
        rows = await tx.rows(queries.to_send, run.id, list(OF_OURS), AT_ONCE_MAX)
    for one in _considered(run, rows):
        await _begin(run, one)
        said = await outlet.send(Send(reference=one.reference, record=one.record))
        ended = await _told(run, one, said)
        if ended is not None:
            return ended
    return Ended(is_more=len(rows) == AT_ONCE_MAX)


def _considered(run: Run, rows: Sequence[Row]) -> list[One]:
    found: list[One] = []
    for row in rows:
        details = client_seals.unseal(run.ring, run.tenant, row["client_id"], row["client_sealed"])
        phase = "booked" if row["stage"] == "booked" else "enquiry"
        found.append(
            One(
                id=row["id"] or uuid4(),
                client_id=row["client_id"],
                client_version=row["version"],
                phase=phase,
                was_tried=(row["state"], row["etag"]) == ("sending", phase),
                record=record_of(details, row["stage"], row["wedding_on"]),
            )
        )
    return found


async def _begin(run: Run, one: One) -> None:
    sealed = run.seals.item(one.id, Kept(remote_id=one.reference, base=one.record))
    values = (remote_key(run.id, str(one.client_id)), one.client_id, one.client_version, one.phase, sealed)
    async with run.enter() as tx:
        await tx.run(queries.begin_sending, one.id, run.id, *values)


async def _told(run: Run, one: One, said: Sent | Known | Outcome) -> Ended | None:
    """What it came to; None: the next one. What cannot go on stays begun, and is sent again by the next run."""
    if isinstance(said, Sent) or (isinstance(said, Known) and one.was_tried):
        run.counts.written += 1
        async with run.enter() as tx:
            await tx.run(queries.end_sending, one.id, "sent")
            await conflicts.end(tx, run, one.id)
        return None
    if isinstance(said, (Known, Rejected)):
        async with run.enter() as tx:
            await tx.run(queries.end_sending, one.id, "refused")
            dispute = Dispute(ours=one.record, why=said.reason)
            await conflicts.keep(tx, run, one.id, one.client_id, "unsent", "", dispute)
        return None
    return Ended(word="later", reason=said.reason) if isinstance(said, Unknown) else stopped(said)
