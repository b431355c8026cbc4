"""The studio's calendar: what is in it, the form that says whether it is free, conflicts left as they are, set up."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import pytest_asyncio

from tests.contracts.bookings_house import DAY, Studio, opened
from tests.contracts.town import Town, built
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings

FORM: dict[str, Any] = {
    "on": DAY,
    "from": "12:00",
    "until": "22:00",
    "category": "client",
    "before_minutes": "0",
    "after_minutes": "0",
}


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    async with built(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def studio(town: Town) -> Studio:
    return await opened(town)


def _as(state: str) -> dict[str, Any]:
    """The button that was pressed."""
    return {"as": state}


async def test_a_form_holds_books_changes_and_lets_go(studio: Studio) -> None:
    base = f"/studio/{studio.supplier}/calendar"
    assert "Free" in await studio.owner.see(f"{base}/new?on={DAY}")
    sent = await studio.owner.send(f"{base}/new", **FORM, **_as("hold"), title="Ada's party")
    assert (sent.status_code, sent.headers["location"]) == (303, f"{base}?on={DAY}")
    for view in ("month", "week"):
        page = unescape(await studio.owner.see(f"{base}?view={view}&on={DAY}"))
        assert "Ada's party" in page and "12:00–22:00, held" in page and "Client" in page
    path = re.search(rf"{base}/bookings/[0-9a-f-]+", page)
    assert path is not None
    one = path.group()
    await studio.owner.send(f"{one}/book", version="1")
    changed = await studio.owner.send(one, **(FORM | {"until": "02:00", "title": "Ada", "version": "2"}))
    assert changed.status_code == 303, changed.text
    page = await studio.owner.see(one)
    assert 'value="02:00"' in page and "Booked" in page
    stale = await studio.owner.send(one, **(FORM | {"version": "1"}))
    assert stale.status_code == 412
    await studio.owner.send(f"{one}/cancel", version="3")
    assert "Ada" not in await studio.owner.see(f"{base}?on={DAY}")


async def test_a_taken_time_comes_back_with_what_else_would_do(studio: Studio) -> None:
    base = f"/studio/{studio.supplier}/calendar"
    await studio.book()
    sent = await studio.owner.send(f"{base}/new", **FORM, **_as("booked"), title="Bob")
    page = unescape(sent.text)
    assert sent.status_code == 409
    assert "That time is taken" in page and "Not free" in page and 'value="Bob"' in page
    (first, *_) = re.findall(rf'href="({base}/new\?[^"]+)"', page)
    assert "Free</b>" in await studio.owner.see(first)
    asked = "&".join(f"{k}={v}" for k, v in FORM.items())
    part = await studio.owner.see(f"{base}/fragments/free?{asked}", part=True)
    assert part.count("isfree__list") == 1 and "<html" not in part
    wrong = await studio.owner.send(f"{base}/new", **(FORM | {"on": "soon"}))
    assert wrong.status_code == 422 and "Which day?" in wrong.text


async def test_a_conflict_is_on_the_page_until_it_is_left(studio: Studio) -> None:
    base = f"/studio/{studio.supplier}/calendar"
    await studio.book(title="Ada")
    await studio.react()
    page = await studio.owner.see(f"{base}?on={DAY}")
    assert "A wedding has no booking, and the whole day is taken" in page
    assert "1 conflict in your calendar" in await studio.owner.see(f"/studio/{studio.supplier}")
    action = re.search(rf"{base}/conflicts/[0-9a-f-]+/ignore", page)
    assert action is not None
    member = await studio.colleague()
    assert action.group() not in await member.see(f"{base}?on={DAY}")
    assert (await member.send(action.group())).status_code == 403
    part = await studio.owner.send(action.group(), part=True, view="week", on=DAY)
    assert part.status_code == 200 and "the whole day is taken" not in part.text


async def test_what_can_be_booked_and_who_may_ask_is_set_up(studio: Studio) -> None:
    base = f"/studio/{studio.supplier}/calendar/setup"
    assert (await studio.owner.send(f"{base}/resources", name="Hall B")).status_code == 303
    assert (await studio.owner.send(f"{base}/resources", name=" ")).status_code == 422
    await studio.owner.send(f"{base}/settings/new-link")
    await studio.owner.send(f"{base}/settings/save", is_public="on", hold_hours="24")
    page = await studio.owner.see(base)
    assert "Hall B" in page and "/free/" in page and 'value="24"' in page
    await studio.owner.send(f"{base}/settings/end-link")
    assert "/free/" not in await studio.owner.see(base)
    member = await studio.colleague()
    await member.see(base, code=403)
