"""The studio's calendar: what is in it, the form that says whether it is free, conflicts left as they are, set up."""

import re
from html import unescape
from typing import Any

import pytest_asyncio

from tests.contracts.bookings_house import DAY, Studio, opened
from tests.contracts.town import Town

FORM: dict[str, Any] = {
    "on": DAY,
    "from": "12:00",
    "until": "22:00",
    "category": "client",
    "before_minutes": "0",
    "after_minutes": "0",
}


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


BUSY = [{"external_id": "a1", "starts_at": f"{DAY}T13:00:00Z", "ends_at": f"{DAY}T14:00:00Z"}]


async def test_each_other_calendar_has_its_colour_and_says_busy_and_nothing_else(studio: Studio) -> None:
    base = f"/studio/{studio.supplier}/calendar"
    for name, words in (("first", "Pia’s Google"), ("second", "Hall plan")):
        body = {"name": words, "busy": [{**BUSY[0], "external_id": f"Dentist {name}"}]}
        await studio.owner.got("PUT", f"{studio.path}/busy-calendars/{name}", body)
    page = unescape(await studio.owner.see(f"{base}?on={DAY}"))
    assert "Busy, Pia’s Google" in page and "Busy, Hall plan" in page and "Dentist" not in page
    assert page.count("chip--source-1") == 2 and page.count("chip--source-2") == 2  # in the month, and its legend
    assert "chip--clash" not in page
    await studio.book(title="Ada")
    await studio.react()
    for view in ("month", "week"):
        page = unescape(await studio.owner.see(f"{base}?view={view}&on={DAY}"))
        assert len(re.findall(r"chip--busy chip--source-\d chip--clash", page)) == 2
    assert len(re.findall(r"Busy, [^<]+</span><span class=\"chip__when\">[^<]+, conflict", page)) == 2


async def test_a_couple_sees_who_is_there_when_and_nothing_of_what_else_they_do(studio: Studio) -> None:
    base, owner = f"/me/{studio.wedding}", studio.owner
    path = f"/api/v1/weddings/{studio.wedding}/schedule"
    await studio.couple.got(
        "POST", path, {"title": "Vows", "kind": "ceremony", "at_local": "11:00:00", "minutes": 45}, code=201
    )
    assert "Free, nothing booked yet" in await studio.couple.see(f"{base}/suppliers/day")
    body = {
        "name": "Secret diary",
        "busy": [{**BUSY[0], "starts_at": f"{DAY}T04:00:00Z", "ends_at": f"{DAY}T22:59:00Z"}],
    }
    await owner.got("PUT", f"{studio.path}/busy-calendars/diary", body)
    await studio.react()
    page = unescape(await studio.couple.see(f"{base}/suppliers/day"))
    assert "Not free" in page and "has no time left that day" in page
    assert "Secret diary" not in page and "strip__booked" not in page
    await studio.book(link_id=studio.business.link, category="wedding", title="Ours", note="Rich uncle")
    await studio.book(on="2027-06-04", title="Somebody else")
    await studio.react()
    page = unescape(await studio.couple.see(f"{base}/suppliers/day"))
    assert "Booked" in page and "12:00 to 22:00" in page and "11:00 Vows" in page
    assert "Vows, 11:00 to 11:45, is outside of what they have booked" in page
    for private in ("Secret diary", "Rich uncle", "Somebody else", "Ours"):
        assert private not in page
    part = await studio.couple.see(f"{base}/fragments/suppliers-day", part=True)
    assert part.count("strip__outside") == 1 and "<html" not in part
    await owner.see(f"{base}/suppliers/day", code=403)
    assert f"{base}/suppliers/day" in await studio.couple.see(f"{base}/suppliers")
    assert f"{base}/suppliers/day" in await studio.couple.see(f"{base}/schedule")
