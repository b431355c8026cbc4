"""`wedsync plan`: what plans there are, what a business has and uses, and giving it another or limits of its own."""

import sys
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from rich.console import Console
from rich.table import Table

from wedsync.commerce import model, reading
from wedsync.kit import sql
from wedsync.kit.actor import SYSTEM
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, Row, Tx, connect_pool
from wedsync.kit.errors import Refusal
from wedsync.processes.engines import reach
from wedsync.processes.failures import CannotRun

queries = sql.load("wedsync.commerce")
DEFAULT: Final = "default"
NONE: Final = "none"
WIDTH: Final = 120


async def run(settings: Settings, *, supplier: str, give: str, limits: Sequence[str], because: str) -> int:
    """Without a business the tiers; CannotRun for what cannot be read or is not there."""
    pool = await connect_pool(reach(settings).door("service"), size=1, application="wedsync-plan")
    try:
        async with Door(pool).bare(SYSTEM) as tx:
            if supplier:
                _show(await _changed(tx, _id(supplier), give=give, limits=limits, because=because))
            elif give or limits:
                raise CannotRun("Name the business: wedsync plan <id> --give professional.")
            else:
                _show_plans(await reading.plans(tx))
    except Refusal as refusal:
        raise CannotRun(f"There is no business {supplier}. Its id is in the address of its studio.") from refusal
    finally:
        await pool.close()
    return 0


async def _changed(tx: Tx, business: UUID, *, give: str, limits: Sequence[str], because: str) -> list[Row]:
    """What it has, after it was given what was asked for."""
    before = await tx.rows(queries.given, business)
    if not (give or limits):
        return before
    wanted = _plan(give, await reading.plans(tx)) if give else before[0]["given"]
    extra = _extra(msgspec.json.decode(before[0]["extra"]), limits)
    await tx.value(queries.give, business, wanted, msgspec.json.encode(extra).decode(), because)
    return await tx.rows(queries.given, business)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CannotRun(f"{text!r} is not the id of a business. It is in the address of its studio.") from None


def _plan(text: str, plans: Sequence[model.Plan]) -> str | None:
    names = [plan.plan for plan in plans]
    if text != DEFAULT and text not in names:
        raise CannotRun(f"--give is {text!r}; it must be one of {', '.join([*names, DEFAULT])}.")
    return None if text == DEFAULT else text


def _extra(before: dict[str, Any], limits: Sequence[str]) -> dict[str, int | None]:
    """The limits of its own with those that were given: a number, `none` for no limit, `default` for the tier's."""
    extra = dict(before)
    for text in limits:
        name, _, value = text.partition("=")
        if name not in model.KINDS or not (value in (NONE, DEFAULT) or (value.isascii() and value.isdigit())):
            known = ", ".join(model.KINDS)
            raise CannotRun(f"--limit is {text!r}; write it like seats=5, seats=none or seats=default. Known: {known}.")
        if value == DEFAULT:
            extra.pop(name, None)
        else:
            extra[name] = None if value == NONE else int(value[:15])
    return extra


def _show_plans(plans: Sequence[model.Plan]) -> None:
    table = Table("", *(plan.title for plan in plans), box=None)
    for name, kind in model.KINDS.items():
        table.add_row(kind.title, *(model.in_words(name, plan.limits.get(name)) for plan in plans))
    _print(table)


def _show(rows: Sequence[Row]) -> None:
    head = rows[0]
    extra = msgspec.json.decode(head["extra"])
    sys.stdout.write(f"{head['title']}{'' if head['given'] else ' (the default)'}\n")
    table = Table("", "Has", "Uses", "", box=None)
    for row in sorted(rows, key=lambda one: list(model.KINDS).index(one["name"])):
        own = "its own" if row["name"] in extra else ""
        used = "" if row["used"] is None else f"{row['used']:,}"
        table.add_row(model.KINDS[row["name"]].title, model.in_words(row["name"], row["allowed"]), used, own)
    _print(table)


def _print(table: Table) -> None:
    Console(width=None if sys.stdout.isatty() else WIDTH, markup=False).print(table)
