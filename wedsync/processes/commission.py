"""`wedsync commission`: our ledger, balanced and held against the fees that payment providers took for us."""

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from wedsync.connections.charging.contract import Charges
from wedsync.connections.charging.reconciling import Report, fees_of, report
from wedsync.connections.host import open_host
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import connect_pool
from wedsync.kit.http import Wire
from wedsync.processes.engines import reach
from wedsync.processes.failures import CannotRun
from wedsync.web.formats import money

queries = sql.load("wedsync.payments")


async def run(settings: Settings, *, connector: str, is_json: bool) -> int:
    """0 where everything is the same on both sides, else 1."""
    found = await reconciled(reach(settings), connector)
    if is_json:
        told = {**msgspec.to_builtins(found), "is_clean": found.is_clean}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        show(found, connector)
    return 0 if found.is_clean else 1


async def reconciled(settings: Settings, connector: str) -> Report:
    """Raises CannotRun where the provider cannot be asked."""
    wire = Wire(allow=settings.egress_allow, proxy=settings.egress_proxy)
    host = open_host(settings, wire=wire)
    pool = await connect_pool(settings.door("service"), size=1, application="wedsync-commission")
    try:
        charges = host.connector(connector, Charges)
        if charges is None:
            raise CannotRun(f"--connector is {connector!r}, which takes no payments; stripe does.")
        # The provider first: what is taken meanwhile is then rather missing there than here, and the next run has both.
        fees = await fees_of(charges)
        if not isinstance(fees, list):
            raise CannotRun(f"The provider does not tell its fees: {getattr(fees, 'reason', '')}")
        rows = [await pool.fetch(one) for one in (queries.fees_held, queries.accounts, queries.open_items)]
    finally:
        await pool.close()
        await host.close()
        await wire.close()
    return report(fees, *rows)


def show(found: Report, connector: str) -> None:
    """For people."""
    console = Console(markup=False)
    _print(
        console,
        "The ledger",
        ("Currency", "Account", "Debit", "Credit"),
        [
            (one.currency, one.account, money(one.debit_minor, one.currency), money(one.credit_minor, one.currency))
            for one in found.sides
        ],
    )
    _print(
        console,
        "Suppliers",
        ("Supplier", "Our share", "Taken", "Open"),
        [
            (
                one.name or one.supplier_id,
                money(one.due_minor, one.currency),
                money(one.taken_minor, one.currency),
                _open(one),
            )
            for one in found.open
        ],
    )
    _print(
        console,
        f"What {connector} and the ledger do not agree on",
        ("Fee", "Account", "Ours", "Theirs", "Why"),
        [
            (
                one.fee,
                one.account,
                _side(one.ours_minor, one.currency),
                _side(one.theirs_minor, one.currency),
                one.words,
            )
            for one in found.differences
        ],
    )
    balance = (
        "Debits equal credits." if found.is_balanced else "DEBITS AND CREDITS DIFFER: stop, and look at the database."
    )
    console.print(f"{balance} {found.matched} fees are the same on both sides, {len(found.differences)} are not.")


def _print(console: Console, title: str, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if not rows:
        return
    table = Table(*heads, box=None, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()


def _side(minor: int | None, currency: str) -> str:
    return "–" if minor is None else money(minor, currency)


def _open(one: Any) -> str:
    if not one.open_minor:
        return "even"
    owes = "owed to us" if one.open_minor > 0 else "to be given back"
    return f"{money(abs(one.open_minor), one.currency)} {owes}"
