"""What the doors of the protocol read: how ready a wedding is, what hangs on who does not come, a pack as a file."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from wedsync.days.actions import queries as plans
from wedsync.days.model import DayStage
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


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """Photographs or a film that were promised and are not here yet."""

    id: UUID
    supplier_name: str
    kind: str
    title: str
    promised_on: date | None
    stage: str


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """Money that is still asked for."""

    id: UUID
    supplier_name: str
    title: str
    due_on: date | None


class LeftToDo(msgspec.Struct, frozen=True, kw_only=True):
    """A task that is not done."""

    id: UUID
    title: str
    due_on: date | None


class Afterwards(msgspec.Struct, frozen=True, kw_only=True):
    """What is still open after the day, as whoever asks may see it. `stages` are those that have begun."""

    stages: list[DayStage]
    promised: list[Promised]
    owed: list[Owed]
    left_to_do: list[LeftToDo]


class SafeAccounts(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts of one connector that are in safe mode; `failing` of them because their provider is."""

    connector: str
    accounts: int
    failing: int
    until: datetime


class MailBackup(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends mail (position 1) or stands in. Warm: well, and heard of lately (in 45 s while one is live)."""

    name: str
    position: int
    is_down: bool
    reason: str
    heard_at: datetime | None
    is_warm: bool


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """For operators: how many weddings are live or will be within 72 hours, what is spared for them, who stands in."""

    live: int
    due: int
    next_at: datetime | None
    safe: list[SafeAccounts]
    mail: list[MailBackup]


async def today(tx: Tx) -> Today:
    """Counts only: whose weddings they are is not told."""
    row: Any = await tx.row(queries.due)
    safe = [as_struct(SafeAccounts, one) for one in await tx.rows(queries.safe_accounts)]
    backups = [as_struct(MailBackup, one) for one in await tx.rows(queries.mail_backups)]
    return Today(live=row["live"], due=row["due"], next_at=row["next_at"], safe=safe, mail=backups)


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


async def afterwards(tx: Tx) -> Afterwards:
    """Raises Refusal 404 for a stranger."""
    if await tx.row(queries.head) is None:
        raise not_found("wedding")
    return Afterwards(
        stages=[as_struct(DayStage, row) for row in await tx.rows(queries.aftercare)],
        promised=[as_struct(Promised, row) for row in await tx.rows(queries.promised)],
        owed=[as_struct(Owed, row) for row in await tx.rows(queries.owed)],
        left_to_do=[as_struct(LeftToDo, row) for row in await tx.rows(queries.left_to_do)],
    )


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
