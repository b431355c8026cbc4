"""What the doors of the protocol read: how ready a wedding is, what hangs on who does not come, a pack as a file."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from wedsync.days.actions import queries as plans
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.operations.wedding_day import noshow, readiness
from wedsync.schedule.actions import planned
from wedsync.web.context import as_struct

queries = sql.load("wedsync.operations.wedding_day")


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A business that could stand in: its public page is `/s/{slug}`."""

    supplier_id: UUID
    name: str
    place: str
    slug: str


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is not there: what it holds up, and who could stand in."""

    arrival_id: UUID
    supplier_name: str
    contact_name: str
    contact_phone: str
    expected_at: datetime
    zone: str
    rung: int
    impact: noshow.Impact
    backups: list[Backup]


def as_file(content: bytes) -> Response[bytes]:
    """A day pack to be kept; its own policy is in it, and ours forbids its styles where it would be shown."""
    headers = {"Content-Disposition": 'attachment; filename="day-pack.html"'}
    return Response(content, media_type="text/html; charset=utf-8", headers=headers)


async def judged(tx: Tx) -> readiness.Readiness:
    """For the couple. Raises Refusal 403."""
    head: Any = await tx.row(queries.head)
    if head is None or head["role"] != "couple":
        raise Refusal(
            403, "forbidden", "Only the couple sees what is missing. Your own part is on the page of the day."
        )
    links = await tx.rows(queries.links)
    row: Any = await tx.row(queries.standing)
    known = dict(row) | {
        "suppliers": {link["supplier_name"] for link in links if link["status"] == "active"},
        "invited": {link["supplier_name"] for link in links if link["status"] == "invited"},
        "unconfirmed": msgspec.json.decode(row["unconfirmed"]),
        "arriving": set(row["arriving"]),
    }
    return readiness.judge(readiness.Standing(**known))


async def missing(tx: Tx, arrival_id: UUID) -> Missing:
    """Raises Refusal 404."""
    row, head = await tx.row(queries.arrival, arrival_id), await tx.row(queries.head)
    if row is None or head is None:
        raise not_found("arrival")
    items = list(planned(await tx.rows(plans.plan)).values())
    return Missing(
        arrival_id=row["id"],
        **{
            name: row[name]
            for name in ("supplier_name", "contact_name", "contact_phone", "expected_at", "zone", "rung")
        },
        impact=noshow.impact(items, row["link_id"], row["category"], head["now"]),
        backups=[as_struct(Backup, one) for one in await tx.rows(queries.backups, arrival_id)],
    )
