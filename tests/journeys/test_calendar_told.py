"""What its owner does in a connected calendar is here because the provider says so; where it says nothing, by asking.

The demo's photographer has a Google calendar in step, which is the connector's own fake in the sandbox.
"""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio

from tests.eventually import eventually
from tests.product import Product

ACCOUNT = "carla@sandbox.example"
PUSH_OFF = "push off"
FAR = date.today() + timedelta(days=310)
DAYS = [str(FAR + timedelta(days=n)) for n in (0, 7, 14)]
DUE = "update calendar_progress set next_poll_at = app.now() where calendar_id = $1::text::uuid"
IS_DUE_SOON = """select next_poll_at < app.now() + interval '4 minutes' from calendar_progress
    where calendar_id = $1::text::uuid"""
# While the demo's wedding of today is live, its suppliers' accounts are in safe mode: what is announced waits.
AWAY = "update wedding_days set live_from = live_from + $1::interval, live_until = live_until + $1::interval"
OWED = "select count(*) from jobs where tenant_id = $1::text::uuid and name in ('hooks', 'calendars.sync')"

pytestmark = pytest.mark.timeout(600)


class Owner:
    """The photographer, at WedSync and at their calendar."""

    def __init__(self, product: Product, http: httpx.AsyncClient, admin: asyncpg.Connection) -> None:
        self.product = product
        self.http = http
        self.admin = admin
        self.supplier = str(product.demo["photographer"]["supplier_id"])
        self.path = f"{product.web}/api/v1/suppliers/{self.supplier}"

    async def got(self, method: str, url: str, body: Any = None) -> Any:
        headers = self.product.headers("photographer") if url.startswith(self.product.web) else {}
        answer = await self.http.request(method, url, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def calendar(self) -> dict[str, Any] | None:
        """The one that is kept, once it is in step and its provider has agreed to tell."""
        for one in (await self.got("GET", f"{self.path}/calendars"))["items"]:
            if one["connector"] == "google_calendar" and one["direction"] == "both" and one["is_told"]:
                return dict(one) if one["outcome"] == "done" else None
        return None

    async def puts(self, day: str) -> None:
        """An appointment of their own into the calendar, from morning to evening."""
        event = {"title": "Away", "on": day, "from": "07:00:00", "until": "21:00:00"}
        body = {"of": "google_calendar", "account": ACCOUNT, "events": [event]}
        await self.got("POST", f"{self.product.sandbox}/api/events", body)

    async def is_busy(self, day: str) -> bool:
        """So WedSync says."""
        (one,) = (await self.got("GET", f"{self.path}/availability?from={day}&to={day}"))["items"]
        return bool(one["state"] != "free")

    async def books(self, day: str, title: str) -> None:
        body = {"on": day, "at_local": "12:00:00", "minutes": 60, "category": "client", "title": title}
        await self.got("POST", f"{self.path}/bookings", body)

    async def shows(self, title: str) -> bool:
        """So the calendar says."""
        page = await self.http.get(f"{self.product.sandbox}/google/at/{ACCOUNT}")
        return title in page.text

    async def is_at_rest(self) -> bool:
        return not await self.admin.fetchval(OWED, self.supplier)

    async def mood(self, mood: str) -> None:
        await self.got("PUT", f"{self.product.sandbox}/api/moods", {"of": "google_calendar", "mood": mood})


@pytest_asyncio.fixture
async def owner(product: Product) -> AsyncIterator[Owner]:
    state = msgspec.json.decode((product.data_dir / "engines.json").read_bytes())
    admin = await asyncpg.connect(
        host="127.0.0.1",
        port=int(state["postgres_port"]),
        user="wedsync_admin",
        password=state["admin_password"],
        database="wedsync",
    )
    async with httpx.AsyncClient(timeout=30) as http:
        one = Owner(product, http, admin)
        await admin.execute(AWAY, timedelta(days=-30))
        yield one
        await admin.execute(AWAY, timedelta(days=30))
        await one.mood("fine")
    await admin.close()


async def test_a_change_there_is_told_and_where_nothing_is_told_it_is_found_by_asking(owner: Owner) -> None:
    told, untold, ours = DAYS
    calendar = await eventually(owner.calendar, within_s=120, what="the demo's calendar is in step")
    assert not await owner.admin.fetchval(IS_DUE_SOON, calendar["id"])
    await owner.puts(told)
    await eventually(lambda: owner.is_busy(told), within_s=60, what="busy because the provider told")
    await eventually(owner.is_at_rest, within_s=60, what="everything told was looked at")

    await owner.mood(PUSH_OFF)
    await owner.puts(untold)
    # A whole run of the same calendar: it writes, and nobody has given it a reason to look.
    await owner.books(ours, "Portraits untold")
    await eventually(lambda: owner.shows("Portraits untold"), within_s=60, what="our booking is there")
    await eventually(owner.is_at_rest, within_s=60, what="the run has ended")
    assert not await owner.is_busy(untold)
    await owner.admin.execute(DUE, calendar["id"])
    await eventually(lambda: owner.is_busy(untold), within_s=60, what="busy because the clock had it asked")
