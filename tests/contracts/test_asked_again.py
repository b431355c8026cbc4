"""Asked twice, by who may not, with a version that is old, of what is gone: each noun says no in its own words, or
does nothing a second time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest_asyncio

from tests.contracts import bookings_house, day_house
from tests.contracts.bookings_house import Studio
from tests.contracts.day_house import DayHouse
from tests.contracts.town import Somebody, Town

OLD = '"99"'
NONE = str(uuid4())
Row = tuple[Somebody, str, str, Any, int]
"""Who asks, the method, the path, the body, the status."""


async def refused(*rows: Row, **headers: str) -> None:
    for who, method, path, body, code in rows:
        answer = await who.ask(method, path, body, **headers)
        assert answer.status_code == code, (method, path, body, answer.status_code, answer.text)


@pytest_asyncio.fixture
async def studio(town: Town) -> Studio:
    return await bookings_house.opened(town)


async def test_forms(studio: Studio) -> None:
    owner, member, ana = studio.owner, await studio.colleague(), studio.couple
    forms, couples = f"{studio.path}/forms", f"/api/v1/weddings/{studio.wedding}/forms"
    field = {"key": "why", "kind": "text", "label": "Why?"}
    sections = [{"title": "One", "fields": [field]}]
    form = await owner.got("POST", forms, {"title": "Cake", "sections": sections}, code=201)
    off = await owner.got("POST", forms, {"title": "Off", "sections": sections}, code=201)
    one = f"/api/v1/forms/{form['id']}"
    await owner.got("PATCH", f"/api/v1/forms/{off['id']}", {"is_active": False})
    await refused(
        (owner, "POST", forms, {"template": "none"}, 422),
        (owner, "POST", forms, {"title": "  "}, 422),
        (owner, "POST", forms, {"title": "X", "sections": [{"title": "A", "fields": [field, field]}]}, 422),
        (member, "POST", forms, {"title": "Mine"}, 403),
        (ana, "POST", forms, {"title": "Mine"}, 404),
        (owner, "PATCH", one, {"title": " "}, 422),
        (member, "PATCH", one, {"title": "Mine"}, 403),
        (owner, "PATCH", f"/api/v1/forms/{NONE}", {"title": "X"}, 404),
        (owner, "POST", couples, {"form_id": off["id"]}, 422),
        (owner, "POST", couples, {"form_id": NONE}, 422),
        (ana, "POST", couples, {"form_id": form["id"]}, 403),
    )
    before = await owner.got("GET", one)
    assert (await owner.got("PATCH", one, {"title": "Cake"}))["version"] == before["version"], "nothing changes"
    await refused((owner, "PATCH", one, {"title": "Pie"}, 412), (owner, "DELETE", one, None, 412), if_match=OLD)

    request = await owner.got("POST", couples, {"form_id": form["id"]}, code=201)
    path = f"/api/v1/form-requests/{request['id']}"
    await refused((owner, "POST", f"{path}/lock", None, 412), if_match=OLD)
    await refused(
        (owner, "POST", f"{path}/lock", None, 409),
        (ana, "POST", f"{path}/lock", None, 403),
        (owner, "POST", f"/api/v1/form-requests/{NONE}/lock", None, 404),
    )
    await ana.got("POST", f"{path}/submit", {"answers": {"why": "We like it"}})
    await owner.got("POST", f"{path}/lock")
    version = (await owner.got("GET", path))["version"]
    assert (await owner.got("POST", f"{path}/lock"))["version"] == version, "twice is once"
    await owner.got("POST", f"{path}/reopen", {"word": "And the icing?"})
    await refused((owner, "POST", f"{path}/withdraw", None, 409))
    assert (await owner.got("POST", f"{path}/pass", code=201))["url"]


async def test_pages_of_forms(studio: Studio) -> None:
    owner, member, ana = studio.owner, await studio.colleague(), studio.couple
    home = f"/studio/{studio.supplier}"
    made = {"template": "photographer"}
    form = await owner.got("POST", f"{studio.path}/forms", made, code=201)
    there = f"{home}/forms/{form['id']}"
    assert "/studio/" in await owner.see(f"{there}/fields/new")
    await owner.see(f"{there}/fields/none", code=404)
    await member.see(f"{there}/fields/new", code=403)
    assert (await owner.send(f"{there}/eat")).status_code == 404
    key = form["sections"][0]["fields"][0]["key"]
    sent = [
        (await owner.send(f"{there}/fields/none", label="?", kind="text")).status_code,
        (await owner.send(f"{there}/fields/{key}", label="")).status_code,
        (await owner.send(f"{there}/save", title="Pie", version="99")).status_code,
    ]
    assert sent == [404, 422, 412]
    couple = f"{home}/weddings/{studio.wedding}/forms"
    request = await owner.got("POST", f"/api/v1/weddings/{studio.wedding}/forms", {"form_id": form["id"]}, code=201)
    asked = f"{couple}/{request['id']}"
    assert "/form/" in (await owner.send(f"{asked}/pass")).text
    assert (await owner.send(f"{asked}/lock")).status_code == 409, "nothing was answered yet"
    assert (await owner.send(f"{asked}/eat")).status_code == 404
    await ana.see(couple, code=404)
    assert (await owner.send(f"{there}/remove")).status_code == 303
    await owner.see(there, code=404)


async def test_journeys(studio: Studio) -> None:
    owner, member, ana = studio.owner, await studio.colleague(), studio.couple
    journeys, links = f"{studio.path}/journeys", f"/api/v1/links/{studio.business.link}"
    step = {"kind": "task", "title": "Shot list", "when": {"anchor": "wedding", "days": -30}}
    made = await owner.got("POST", journeys, {"name": "All", "steps": [step]}, code=201)
    one = f"{journeys}/{made['id']}"
    assert (await owner.got("PATCH", one, {"name": "All"}))["version"] == made["version"], "nothing changes"
    await refused(
        (member, "PATCH", one, {"name": "Mine"}, 403),
        (ana, "PATCH", one, {"name": "Mine"}, 404),
        (owner, "PATCH", f"{journeys}/{NONE}", {"name": "X"}, 404),
        (owner, "POST", f"{links}/enrolments", {"journey_id": NONE}, 404),
        (ana, "POST", f"{links}/enrolments", {"journey_id": made["id"]}, 403),
    )
    await refused((owner, "PATCH", one, {"name": "X"}, 412), (owner, "DELETE", one, None, 412), if_match=OLD)
    begun = await owner.got("POST", f"{links}/enrolments", {"journey_id": made["id"]}, code=201)
    again = await owner.got("POST", f"{links}/enrolments", {"journey_id": made["id"]}, code=201)
    assert again["id"] == begun["id"]
    enrolment = f"/api/v1/enrolments/{begun['id']}"
    version = (await owner.got("GET", enrolment))["version"]
    assert (await owner.got("POST", f"{enrolment}/resume"))["version"] == version, "it goes on already"
    await owner.got("POST", f"{enrolment}/pause")
    await owner.got("POST", f"{enrolment}/pause")
    await owner.got("POST", f"{enrolment}/stop")
    await refused(
        (owner, "POST", f"{enrolment}/resume", None, 409),
        (owner, "POST", f"{enrolment}/pause", None, 409),
        (owner, "POST", f"/api/v1/enrolments/{NONE}/pause", None, 404),
    )
    for wanted in (False, False, True, True):
        await ana.got("PUT", f"{links}/offers", {"wanted": wanted})
    await owner.got("PATCH", one, {"is_active": False})
    await refused((owner, "POST", f"{links}/enrolments", {"journey_id": made["id"]}, 409))
    await owner.got("DELETE", one, code=204)
    await refused((owner, "DELETE", one, None, 404))


async def test_calendars(studio: Studio) -> None:
    owner, member, ana = studio.owner, await studio.colleague(), studio.couple
    resources = f"{studio.path}/resources"
    second = await owner.got("POST", resources, {"name": " Second  shooter "}, code=201)
    assert second["name"] == "Second shooter"
    booking = await studio.book(title="Portraits")
    one = f"/api/v1/bookings/{booking['id']}"
    busy = {"busy": [{"external_id": "b1", "starts_at": "2027-01-01T10:00:00Z", "ends_at": "2027-01-01T11:00:00Z"}]}
    naive = {"busy": [{"external_id": "b1", "starts_at": "2027-01-01T10:00:00", "ends_at": "2027-01-01T11:00:00"}]}
    back = {"busy": [{"external_id": "b1", "starts_at": "2027-01-01T11:00:00Z", "ends_at": "2027-01-01T10:00:00Z"}]}
    calendars = f"{studio.path}/busy-calendars/mine"
    await refused(
        (owner, "POST", resources, {"name": "   "}, 422),
        (member, "POST", resources, {"name": "Third"}, 403),
        (ana, "POST", resources, {"name": "Third"}, 404),
        (owner, "PATCH", f"{resources}/{NONE}", {"name": "Third"}, 404),
        (owner, "PATCH", one, {"resource_id": NONE}, 422),
        (owner, "PATCH", f"/api/v1/bookings/{NONE}", {"title": "X"}, 404),
        (owner, "POST", f"{studio.path}/conflicts/{NONE}/ignore", {"is_ignored": True}, 404),
        (owner, "GET", f"{studio.path}/availability?from=2027-06-02&to=2027-06-01", None, 422),
        (owner, "PUT", calendars, {"resource_id": NONE, **busy}, 422),
        (owner, "PUT", calendars, naive, 422),
        (owner, "PUT", calendars, back, 422),
    )
    await owner.got("PUT", calendars, busy)
    await owner.got("PATCH", one, {"resource_id": second["id"]})
    assert (await owner.got("GET", one))["resource_id"] == second["id"]
    page = f"/studio/{studio.supplier}/calendar/bookings/{booking['id']}"
    assert (await owner.send(f"{page}/eat")).status_code == 404
    await owner.see(f"/studio/{studio.supplier}/calendar/bookings/{NONE}", code=404)


DO: Sequence[tuple[dict[str, str], int]] = (
    ({"do": "eat"}, 422),
    ({"do": "mark", "item_id": NONE, "state": "done"}, 404),
    ({"do": "amend", "reason": "Rain", "at_local": "25:00"}, 422),
    ({"do": "amend", "reason": "", "title": "X"}, 422),
    ({"do": "hold", "reason": "Rain", "ceremony_at": "soon"}, 422),
)


async def test_the_day(town: Town) -> None:
    day: DayHouse = await day_house.house(town)
    await day.put_at(timedelta(hours=-2))
    ana, florist = day.ana, day.florist.owner
    said = {"at_local": "10:00:00", "contact_name": "Flo", "contact_phone": "07700 900123"}
    arrival = await florist.got("POST", day.at("arrivals"), said, code=201)
    again = await florist.got("POST", day.at("arrivals"), said, code=201)
    assert again["id"] == arrival["id"]
    step = day.at(f"arrivals/{arrival['id']}/step")
    await refused(
        (day.photographer.owner, "POST", step, {"state": "on_site"}, 403),
        (florist, "POST", day.at(f"arrivals/{NONE}/step"), {"state": "on_site"}, 404),
        (florist, "POST", day.at("arrivals"), {**said, "on": "2031-01-01"}, 409),
        (florist, "POST", day.at("arrivals"), {**said, "contact_name": " "}, 422),
        (ana, "POST", day.at(f"schedule/{NONE}/mark"), {"state": "done"}, 404),
        (ana, "POST", day.at(f"schedule/{day.items['Photos']}/mark"), {}, 422),
        (ana, "POST", day.at("amendments"), {"reason": "Rain", "schedule_item_id": NONE, "by_minutes": 5}, 404),
    )
    await refused((florist, "POST", step, {"state": "on_site"}, 412), if_match=OLD)
    version = (await florist.got("POST", step, {"state": "on_site"}))["version"]
    assert (await florist.got("POST", step, {"state": "on_site"}))["version"] == version, "twice is once"
    page = f"/me/{day.wedding}/day"

    async def does(**fields: Any) -> int:
        return (await ana.send(page, **fields)).status_code

    for fields, code in DO:
        assert await does(**fields) == code, fields
    cake = {"do": "amend", "reason": "They were late", "title": "Cake", "at_local": "18:00"}
    moved = {"do": "amend", "reason": "Rain", "schedule_item_id": day.items["Dinner"], "by_minutes": "15"}
    held = {"do": "hold", "reason": "Rain", "ceremony_at": "16:00", "on": "2027-06-06"}
    assert [await does(**cake), await does(**moved), await does(**held)] == [303, 303, 303]
    made = (await ana.got("GET", day.at("amendments")))["items"]
    assert {one["kind"] for one in made} == {"add", "move"}
    (waiting,) = (await ana.got("GET", day.at("held-changes")))["items"]
    assert waiting["reason"] == "Rain", "what moves the day itself waits for a second word"
