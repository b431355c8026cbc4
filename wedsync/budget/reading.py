"""Reads the whole budget at once, for the API and the page alike."""

from wedsync.budget import model
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.web.context import as_struct

queries = sql.load("wedsync.budget")


async def read(tx: Tx, guests: int | None = None) -> model.Budget:
    """The budget, for so many guests where that is asked. Raises Refusal 404 for whoever has none here."""
    wedding = await demand_couple(tx)
    counted = model.head_count(wedding["expected"], wedding["guest_estimate"], guests)
    lines = [as_struct(model.Line, row) for row in await tx.rows(queries.lines)]
    payments = [as_struct(model.Payment, row) for row in await tx.rows(queries.payments, None)]
    planned = model.planned_lines(lines, payments, counted.count)
    totals = model.totals_of(planned, wedding["currency"])
    return model.Budget(currency=wedding["currency"], guests=counted, totals=totals, lines=planned)


async def demand_couple(tx: Tx) -> Row:
    """Currency and head count of the wedding. Raises Refusal 404 for whoever has no budget here."""
    row = await tx.row(queries.wedding)
    if row is None:
        raise not_found("item")
    return row
