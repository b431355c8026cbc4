"""The studio's page of plan and usage."""

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Response, get

from wedsync.commerce import charts, model, reading
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import respond
from wedsync.web.context import Context
from wedsync.web.formats import day_short
from wedsync.web.forms import AnyRequest, signed_in

DAYS: Final = 30
TONES: Final = {"open": "accent", "near": "wait", "reached": "bad", "free": "accent"}


@get("/studio/{supplier_id:uuid}/plan", include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """What the business has and uses, and what the other plans hold."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "plan")
        report = await reading.report(tx)
        plans = await reading.plans(tx)
        drawn = await _charts(tx, shell.now.date())
    return respond.html(
        "commerce/plan.html",
        shell,
        **values(report, plans, contact=ctx.settings.plan_contact),
        charts=drawn,
    )


async def _charts(tx: Tx, today: date) -> list[tuple[str, str, charts.Chart]]:
    first = today - timedelta(days=DAYS - 1)
    days = reading.every_day(await reading.usage(tx, first, today), first, today)
    return drawn(days, await reading.coming(tx, today.replace(day=1)), today)


def drawn(days: list[model.UsageDay], coming: dict[str, int], today: date) -> list[tuple[str, str, charts.Chart]]:
    """(heading, what is counted, chart): calls by day, messages where there were any, weddings of the next year."""
    calls = charts.bars("API calls by day", [(day_short(one.on), one.api_calls) for one in days], unit="calls")
    messages = charts.bars("Text messages by day", [(day_short(one.on), one.sms) for one in days], unit="messages")
    months = [_month(today, n) for n in range(12)]
    weddings = charts.bars(
        "Weddings by month",
        [(f"{month:%b %Y}", coming.get(f"{month:%Y-%m}", 0)) for month in months],
        unit="weddings",
        step=25.0,
    )
    found = [("API calls, day by day", "Calls", calls), ("Your weddings of the next year", "Weddings", weddings)]
    return [*found, ("Text messages, day by day", "Messages", messages)] if messages.total else found


def _month(today: date, ahead: int) -> date:
    number = today.month - 1 + ahead
    return date(today.year + number // 12, number % 12 + 1, 1)


def values(report: model.Report, plans: list[model.Plan], *, contact: str) -> dict[str, Any]:
    """The template's values."""
    return {
        "report": report,
        "counted": [_counted(one) for one in report.limits if one.per != "rate"],
        "rates": [
            (one.title, model.in_words(one.name, one.allowed), _about(one))
            for one in report.limits
            if one.per == "rate"
        ],
        "plans": plans,
        "rows": [
            (kind.title, [model.in_words(name, plan.limits.get(name)) for plan in plans])
            for name, kind in model.KINDS.items()
        ],
        "contact": contact,
        "contact_href": _href(contact),
    }


def _counted(one: model.Limit) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "about": _about(one),
        "used": one.used or 0,
        "kept": one.kept,
        "allowed": one.allowed,
        "state": one.state,
        "tone": TONES[one.state],
        "over": max((one.used or 0) - one.allowed, 0) if one.allowed is not None else 0,
    }


def _about(one: model.Limit) -> str:
    return model.KINDS[one.name].about


def _href(contact: str) -> str:
    if "://" in contact:
        return contact
    return f"mailto:{contact}" if "@" in contact else ""


ROUTES = (show,)
