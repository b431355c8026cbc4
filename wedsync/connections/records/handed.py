"""What a CRM hands out beside its jobs: galleries and messages are kept as they were told, each with the job's key.

Whether the job is known by then does not matter: what belongs together is found by the key.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec

from wedsync.connections.records import facts
from wedsync.connections.records.contract import Pulled, RemoteGallery, RemoteMessage
from wedsync.connections.records.kept import GALLERIES, MESSAGES, Hung, remote_key
from wedsync.connections.records.run import Run
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Tx

galleries = sql.load("wedsync.connections.galleries")
messages = sql.load("wedsync.connections.correspondence")
GALLERY: Final = "gallery"
MESSAGE: Final = "message"
"""What their keys begin with, so that they are no record's."""
TEXT_MAX: Final = 20_000
NAME_MAX: Final = 120


async def keep(tx: Tx, run: Run, page: Pulled) -> None:
    """What says the same as before is no news."""
    if page.galleries:
        await _keep_galleries(tx, run, page.galleries)
    if page.messages:
        await _keep_messages(tx, run, page.messages)


async def _keep_galleries(tx: Tx, run: Run, several: Sequence[RemoteGallery]) -> None:
    told = {remote_key(run.id, f"{GALLERY} {one.id}"): one for one in several}
    rows = {bytes(row["remote_key"]): row for row in await tx.rows(galleries.known_galleries, run.id, list(told))}
    for key, one in told.items():
        row, now = rows.get(key), msgspec.structs.replace(one, name=" ".join(one.name.split())[:NAME_MAX].rstrip())
        before = None if row is None else run.seals.hung(row["id"], row["sealed"])
        if row is not None and before is not None and before.told == now and row["gone_at"] is None:
            continue
        id = uuid4() if row is None else row["id"]
        hung = Hung(told=now, taken=None if before is None else before.taken)
        sealed = run.seals.seal(hung, table=GALLERIES, row=id)
        await tx.run(galleries.put_gallery, id, run.id, key, remote_key(run.id, one.record_id), sealed)
        run.counts.pulled += 1


async def _keep_messages(tx: Tx, run: Run, several: Sequence[RemoteMessage]) -> None:
    told = {remote_key(run.id, f"{MESSAGE} {one.id}"): one for one in several}
    rows = {bytes(row["remote_key"]): row for row in await tx.rows(messages.known, run.id, list(told))}
    for key, one in told.items():
        row = rows.get(key)
        if one.is_removed:
            await forget(tx, run, key)
            continue
        now = msgspec.structs.replace(one, text=one.text.replace("\0", "")[:TEXT_MAX].strip())
        if row is not None and row["gone_at"] is None and run.seals.message(row["id"], row["sealed"]) == now:
            continue
        id = uuid4() if row is None else row["id"]
        sealed = run.seals.seal(now, table=MESSAGES, row=id)
        of = remote_key(run.id, one.record_id)
        put: Any = await tx.row(messages.put, id, run.id, key, of, sealed, now.said_at)
        record(tx, facts.TOLD, op="INSERT" if row is None else "UPDATE", row=put, bulk=True)
        run.counts.pulled += 1


async def forget(tx: Tx, run: Run, key: bytes) -> None:
    """A message is not there any more: its words go, and that it was there stays, for what was shared of it and for the
    day on which it comes back."""
    for row in await tx.rows(messages.known, run.id, [key]):
        if row["gone_at"] is None:
            said = run.seals.message(row["id"], row["sealed"])
            bare = msgspec.structs.replace(said, text="", is_removed=True)
            sealed = run.seals.seal(bare, table=MESSAGES, row=row["id"])
            gone: Any = await tx.row(messages.forget, row["id"], sealed)
            record(tx, facts.FORGOTTEN, op="UPDATE", row=gone, bulk=True)
