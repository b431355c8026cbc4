"""The date of a couple that is on WedSync: theirs to decide, whatever a CRM says; what it says can be proposed."""

from collections.abc import Collection
from datetime import date
from typing import Final
from uuid import UUID

import msgspec

from wedsync.connections.records.merge import Decision, Verdict
from wedsync.connections.records.record import Field, Record
from wedsync.connections.records.run import Run
from wedsync.kit.errors import Refusal
from wedsync.proposals import actions as proposals
from wedsync.proposals.model import NewProposal

ENTER_LINK: Final = "select app.enter_job_link($1, $2, $3)"
THEIRS: Final = "The couple is on WedSync and decides about its date. Choosing the CRM’s proposes it to them."
PROPOSED: Final = "It is proposed to the couple. Once they agree this is over by itself."
UNDATED: Final = "The CRM has no date any more, and only the couple can take theirs back."


def kept(
    decided: Decision, ours: Record, theirs: Record, was: Record, *, verdict: Verdict, writes: Collection[Field]
) -> Decision:
    """As decided, but for the date: ours stays, and goes there only if somebody said so."""
    is_written = verdict == "ours" and "wedding_on" in writes
    there = ours if is_written else theirs
    agreed = ours if is_written else was
    clashes = [field for field in decided.clashes if field != "wedding_on"]
    return Decision(
        ours=msgspec.structs.replace(decided.ours, wedding_on=ours.wedding_on),
        theirs=msgspec.structs.replace(decided.theirs, wedding_on=there.wedding_on),
        base=msgspec.structs.replace(decided.base, wedding_on=agreed.wedding_on),
        clashes=tuple(clashes) if is_written else (*clashes, "wedding_on"),
    )


async def proposed(run: Run, link_id: UUID, on: date | None) -> str:
    """Suggest the CRM's date to the couple; what is to be told of it. The same again is one suggestion."""
    if on is None:
        return UNDATED
    try:
        async with run.enter() as tx:
            if await tx.value(ENTER_LINK, run.job.id, run.job.lease_token, link_id) is None:
                return THEIRS
            new = NewProposal(subject="weddings", fields={"on": on.isoformat()}, why="Moved in our CRM.")
            await proposals.suggest(tx, await proposals.source(tx), new)
    except Refusal as refusal:
        if refusal.code == "lease_lost" or refusal.status == 503:
            raise
        return refusal.detail
    return PROPOSED
