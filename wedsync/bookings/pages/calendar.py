"""The studio's calendar: a month or a week, what stands against what, and leaving a conflict as it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.bookings import actions, calendar, model, reading
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context, as_struct
from wedsync.web.formats import day_short, day_year
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell

queries = sql.load("wedsync.bookings")
CALENDAR = "/studio/{supplier_id:uuid}/calendar"


class Place(msgspec.Struct, frozen=True):
    """An open transaction of a business's page, its frame, and its home row."""

    tx: Tx
    shell: Shell
    home: Any

    @property
    def may_manage(self) -> bool:
        return self.home["role"] in ("owner", "admin")


@asynccontextmanager
async def entered(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> AsyncIterator[Place]:
    """Inside the supplier, with the page's frame."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "calendar")
        yield Place(tx, shell, await actions.found_home(tx))


@get(CALENDAR, include_in_schema=False)
async def page(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, view: str = "month", on: str = ""
) -> Response[str]:
    """A month or a week; a day that cannot be read is today."""
    async with entered(request, ctx, actor, supplier_id) as place:
        values = await _values(ctx, place, view, on)
    return respond.html("bookings/calendar.html", place.shell, may_manage=place.may_manage, **values)


@get(f"{CALENDAR}/fragments/days", include_in_schema=False)
async def fragment(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, view: str = "month", on: str = ""
) -> Response[str]:
    """The same days, when something changed."""
    async with entered(request, ctx, actor, supplier_id) as place:
        values = await _values(ctx, place, view, on)
    return respond.html("bookings/_calendar.html", place.shell, may_manage=place.may_manage, **values)


async def _values(ctx: Context, place: Place, asked: str, on: str) -> dict[str, Any]:
    view: calendar.View = "week" if asked == "week" else "month"
    zone, today = place.home["time_zone"], place.shell.now.date()
    day = forms.day_asked(on, today)
    first, last = calendar.window(view, day)
    window = model.span(first, last, zone)
    tx = place.tx
    days = calendar.boxes(
        view,
        day,
        today=today,
        states={row["on"]: row["state"] for row in await tx.rows(queries.availability, first, last)},
        bookings=await reading.between(tx, ctx.ring, *window),
        busy=[as_struct(reading.BusyView, row) for row in await tx.rows(queries.busy, *window)],
        # In the order in which they came to be known, so that a new one does not change the colours of the others.
        sources=[row["source"] for row in sorted(await tx.rows(queries.sources, None), key=lambda row: row["id"])],
        resources={row["id"]: row["name"] for row in await tx.rows(queries.resources, None) if row["is_active"]},
        zone=zone,
        base=place.shell.base,
    )
    before, after = calendar.neighbours(view, day)
    return {
        "view": view,
        "on": day,
        "before": before,
        "after": after,
        "title": f"{day:%B %Y}" if view == "month" else f"{day_short(first)} to {day_year(last)}",
        "days": days,
        "legend": calendar.legend(entry for box in days for entry in box.entries),
        "kinds": calendar.KINDS,
        "day_words": calendar.DAY_WORDS,
        "conflicts": await _conflicts(ctx, place),
        "query": f"?view={view}&on={day}",
    }


async def _conflicts(ctx: Context, place: Place) -> list[dict[str, Any]]:
    rows = await place.tx.rows(queries.conflicts, "open", False, None, None, None, 20)
    found = []
    for row in rows:
        booking_id = row["booking_id"] or (row["other_id"] if row["other_table"] == "bookings" else None)
        view = await reading.booking(place.tx, ctx.ring, booking_id) if booking_id else None
        name = (view.couple_names or view.title) if view and view.is_open else ""
        found.append(
            {
                **msgspec.structs.asdict(reading.conflict(row)),
                "name": name or "A booking",
                "href": f"{place.shell.base}/calendar/bookings/{booking_id}" if view and view.is_open else "",
                "on": view.on if view else row["starts_at"].date(),
            }
        )
    return found


@post(CALENDAR + "/conflicts/{conflict_id:uuid}/ignore", include_in_schema=False)
async def ignore(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, conflict_id: UUID
) -> Response[Any]:
    """It is known and stays as it is."""
    form = await forms.read(request)
    async with entered(request, ctx, actor, supplier_id) as place:
        await actions.ignore(place.tx, conflict_id, is_ignored=True)
        values = await _values(ctx, place, form.text("view"), form.text("on"))
        if forms.is_fragment(request):
            return respond.html("bookings/_calendar.html", place.shell, may_manage=place.may_manage, **values)
    return respond.see_other(f"/studio/{supplier_id}/calendar{values['query']}")


ROUTES = (page, fragment, ignore)
