"""The photograph of a task as it goes out: opened for whoever sees the task, and harmless in any browser."""

from uuid import UUID

from litestar import Response

from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.tasks")
HEADERS = {
    # It was cleaned when it came; should a browser take it for something else all the same, it may do nothing.
    "content-security-policy": "default-src 'none'; sandbox",
    "cache-control": "private, max-age=300",
    "cross-origin-resource-policy": "same-origin",
}


async def served(tx: Tx, ring: KeyRing, task_id: UUID) -> Response[bytes]:
    """Raises Refusal 404 where there is none."""
    row = await tx.row(queries.photo, task_id)
    if row is None:
        raise not_found("photograph")
    body = ring.open(row["sealed"], tenant=row["wedding_id"], table="task_photos", column="sealed", row=row["id"])
    named = {"content-disposition": f'inline; filename="task.{row["kind"]}"', "etag": f'"{row["id"]}"'}
    return Response(body, media_type=f"image/{row['kind']}", headers={**HEADERS, **named})
