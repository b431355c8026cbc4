"""The calendar of an account in the world: an event of ours, something to decide, and a run."""

from uuid import UUID, uuid4

from wedsync.connections.calendars import finding
from wedsync.connections.calendars.contract import RemoteCalendar
from wedsync.connections.calendars.facts import CONFLICTED
from wedsync.connections.calendars.kept import Dispute, Kept, Seals
from wedsync.events import record
from wedsync.kit import clock, sql
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing

RUN = """insert into sync_runs (tenant_id, calendar_id, began_at, outcome, pulled)
    values (app.tenant(), $1, $2, 'done', 1)"""


async def keep_calendar(tx: Tx, ring: KeyRing, wedding: UUID, connection: UUID, word: str) -> dict[str, UUID]:
    """`word` is in every field that only the couple may ever read."""
    seals = Seals(ring, wedding)
    await finding.put(tx, seals, connection, (RemoteCalendar(id=word, title=word, is_writable=True),))
    calendar = await tx.value("select id from calendars where connection_id = $1", connection)
    event, conflict = uuid4(), uuid4()
    kept = seals.seal(Kept(remote_id=word), table="calendar_events", row=event)
    await tx.run(
        "insert into calendar_events (id, tenant_id, calendar_id, kind, ours_id, wedding_id, sealed)"
        " values ($1, $2, $3, 'item', $4, $2, $5)",
        *(event, wedding, calendar, uuid4(), kept),
    )
    dispute = seals.seal(Dispute(why=word), table="calendar_conflicts", row=conflict)
    queries = sql.load("wedsync.connections.calendars")
    row = await tx.row(queries.add_conflict, conflict, calendar, event, "removed", "", dispute)
    record.record(tx, CONFLICTED, op="INSERT", row=row)
    await tx.run(RUN, calendar, clock.now())
    return {"calendar": calendar, "calendar_conflict": conflict}
