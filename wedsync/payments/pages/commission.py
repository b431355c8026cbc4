"""The studio's page of our commission: what was charged, on which engagement, and what is still open between us."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Response, get

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import not_found
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import respond
from wedsync.web.context import Context
from wedsync.web.formats import money
from wedsync.web.forms import AnyRequest, signed_in

queries = sql.load("wedsync.payments")
KEEPERS: Final = ("owner", "admin")
KINDS: Final = {
    "accrued": "Our share of a payment",
    "reversed": "Not ours any more, for it went back",
    "collected": "Taken with the payment",
    "returned": "Given back to you",
}


@get("/studio/{supplier_id:uuid}/commission", include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """For owners and admins."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        if await tx.value(queries.my_role) not in KEEPERS:
            raise not_found("page")
        shell = await supplier_shell(request, ctx, tx, supplier_id, "plan")
        sums = await tx.rows(queries.sums)
        engagements = await tx.rows(queries.bookings)
        entries = await tx.rows(queries.posted)
    drawn = values(sums, engagements, entries, rate_bp=ctx.settings.commission_bp)
    return respond.html("payments/commission.html", shell, **drawn)


def values(
    sums: Iterable[Mapping[str, Any]],
    engagements: Iterable[Mapping[str, Any]],
    entries: Iterable[Mapping[str, Any]],
    *,
    rate_bp: int,
) -> dict[str, Any]:
    """The template's values."""
    return {
        "rate": percent(rate_bp),
        "sums": [_sum(one) for one in sums],
        "engagements": [{**dict(one), **_sum(one), "rate": percent(one["rate_bp"])} for one in engagements],
        "entries": [
            {**dict(one), "words": KINDS[one["kind"]], "money": money(one["amount_minor"], one["currency"])}
            for one in entries
        ],
    }


def percent(rate_bp: int) -> str:
    """`5 %`, `7.5 %`."""
    return f"{rate_bp / 100:.2f}".rstrip("0").rstrip(".") + " %"


def _sum(row: Mapping[str, Any]) -> dict[str, Any]:
    """The two sides, and what is open between them: more than nothing is owed to us, less is owed to the supplier."""
    open_ = row["due_minor"] - row["taken_minor"]
    return {
        "due": money(row["due_minor"], row["currency"]),
        "taken": money(row["taken_minor"], row["currency"]),
        "open": money(abs(open_), row["currency"]),
        "balance": "even" if not open_ else "ours" if open_ > 0 else "yours",
    }


ROUTES = (show,)
