"""What a business has, uses and used: read in its own transaction, for its owners and admins."""

from datetime import date, timedelta
from typing import Final

import msgspec

from wedsync.commerce import model
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found

queries = sql.load("wedsync.commerce")
KEEPERS: Final = ("owner", "admin")


async def kept(tx: Tx) -> None:
    """Raises Refusal 403 for other people of the business, 404 in another kind of tenant."""
    role = await tx.value(queries.my_role)
    if role is None:
        raise not_found("supplier")
    if role not in KEEPERS:
        raise Refusal(403, "forbidden", "Only an owner or admin of this business sees its plan. Ask one of them.")


async def report(tx: Tx) -> model.Report:
    """Raises Refusal 403, 404."""
    await kept(tx)
    mine = await tx.row(queries.mine)
    if mine is None:
        raise not_found("plan")
    limits = [
        model.limit(row["name"], row["allowed"], row["used"], row["kept"]) for row in await tx.rows(queries.report)
    ]
    return model.Report(
        supplier_id=await tx.home(),
        plan=mine["plan"],
        title=mine["title"],
        is_default=mine["is_default"],
        is_protected=mine["is_protected"],
        dormant_clients=mine["dormant_clients"],
        resets_on=model.resets_on(mine["today"]),
        limits=model.ordered(limits),
    )


async def usage(tx: Tx, since: date, until: date) -> list[model.UsageDay]:
    """Oldest first, days with something in them. Raises Refusal 403, 404."""
    await kept(tx)
    return [model.UsageDay(**dict(row)) for row in await tx.rows(queries.usage, since, until)]


async def coming(tx: Tx, since: date) -> dict[str, int]:
    """How many weddings of the business are in each month (`2027-06`) that has any."""
    return {row["month"]: row["n"] for row in await tx.rows(queries.coming, since)}


async def plans(tx: Tx) -> list[model.Plan]:
    """Every tier, the smallest first; a tier holds nothing of anybody's, so whoever asks is told."""
    return [
        model.Plan(plan=row["plan"], title=row["title"], limits=msgspec.json.decode(row["limits"]))
        for row in await tx.rows(queries.plans)
    ]


def every_day(days: list[model.UsageDay], since: date, until: date) -> list[model.UsageDay]:
    """The same with the days on which nothing was used."""
    known = {day.on: day for day in days}
    span = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    return [known.get(on, model.UsageDay(on=on, api_calls=0, sms=0)) for on in span]
