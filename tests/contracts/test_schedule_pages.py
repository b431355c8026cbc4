"""The couple's page of the schedule: what is typed is kept, what moves is shown first, nobody's words are lost."""

import re
from datetime import time
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.one_wedding import Browser, Stage, Wedding
from wedsync.schedule import actions
from wedsync.schedule.rows import After, NewItem, PlannedItem


@pytest_asyncio.fixture
async def wedding(stage: Stage) -> Wedding:
    return await stage.wedding()


@pytest_asyncio.fixture
async def ana(wedding: Wedding) -> Browser:
    return Browser(wedding.app, wedding.ana)


def form(**fields: Any) -> dict[str, Any]:
    """The fields of an item's form as a browser posts them; a tick that is off is not there."""
    blank = {"version": "0", "title": "Cake", "kind": "other", "on": "2027-06-05", "at_local": "16:30", "minutes": "20"}
    return blank | {"buffer_minutes": "0", "place": "", "owner": "", "after_item_id": "", "audience": "linked"} | fields


async def items(wedding: Wedding) -> list[PlannedItem]:
    async with wedding.as_(wedding.ana) as tx:
        return list(actions.planned(await tx.rows(actions.queries.plan)).values())


async def add(wedding: Wedding, title: str, at: time, **more: Any) -> UUID:
    async with wedding.as_(wedding.ana) as tx:
        return await actions.add(tx, NewItem(title=title, at_local=at, **more))


async def test_an_empty_schedule_says_how_to_begin(wedding: Wedding, ana: Browser) -> None:
    page = await ana.see(f"/me/{wedding.id}/schedule")
    assert "The day is still blank" in page
    assert "local, in London" in page


async def test_what_is_typed_becomes_an_item(wedding: Wedding, ana: Browser) -> None:
    path = f"/me/{wedding.id}/schedule"
    assert 'name="title"' in await ana.see(f"{path}?new=1")
    said = form(title="Cake & coffee", owner=f"link:{wedding.florist.id}", is_anchored="on", place="Hall")
    answer = await ana.send(path, **said)
    (item,) = await items(wedding)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}#item-{item.id}")
    assert (item.title, item.owner_link_id, item.is_anchored, item.takes_rsvps) == (
        "Cake & coffee", wedding.florist.id, True, False,
    )  # fmt: skip
    page = await ana.see(path)
    assert "Cake &amp; coffee" in page
    assert "20 min, until 16:50" in page
    assert "Florist" in page
    assert "Cake &amp; coffee" in await ana.see(f"/me/{wedding.id}/fragments/schedule")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": ""}, "one to 300 letters"),
        ({"at_local": "later"}, "Is not a time"),
        ({"minutes": "5000"}, "between 0 and 2880"),
        ({"minutes": "many"}, "whole number"),
        ({"on": "tomorrow"}, "Is not a date"),
        ({"owner": "link:me"}, "none of the list"),
        ({"owner": f"membership:{UUID(int=7)}"}, "nobody of this wedding"),
        ({"after_item_id": str(UUID(int=7))}, "not on this schedule"),
        ({"takes_rsvps": "on"}, "must see it"),
    ],
)
async def test_what_is_not_right_is_shown_beside_its_field(
    wedding: Wedding, ana: Browser, fields: dict[str, str], words: str
) -> None:
    answer = await ana.send(f"/me/{wedding.id}/schedule", **form(place="Orchard", **fields))
    assert answer.status_code == 422
    assert words in answer.text
    assert "Orchard" in answer.text
    assert await items(wedding) == []


async def test_what_moves_is_shown_and_then_saved(wedding: Wedding, ana: Browser) -> None:
    ceremony = await add(wedding, "Ceremony", time(14), kind="ceremony", minutes=60)
    await add(wedding, "Photographs", time(15), after=[After(item_id=ceremony)], owner_link_id=wedding.photographer.id)
    await add(wedding, "Coach", time(15, 30), is_anchored=True, after=[After(item_id=ceremony, lag_minutes=10)])
    path = f"/me/{wedding.id}/schedule"
    assert 'value="14:00"' in await ana.see(f"{path}?edit={ceremony}")
    said = form(
        title="Ceremony",
        kind="ceremony",
        at_local="14:45",
        minutes="60",
        audience="invited",
        takes_rsvps="on",
        version="1",
    )
    for by_script in (True, False):
        shown = await ana.send(f"{path}/{ceremony}/preview", by_script=by_script, **said)
        assert shown.status_code == 200
        assert "Moving this moves 1 other" in shown.text
        assert "Coach is fixed at 15:30, but Ceremony would not be over before 15:55." in shown.text
        assert "Photographer" in shown.text
        assert "Florist" in shown.text
        assert ("<html" in shown.text) is not by_script
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', shown.text.split('id="ripple"')[1]))
    assert hidden == said | {"version": "1"}
    saved = await ana.send(f"{path}/{ceremony}", **hidden)
    assert saved.status_code == 303
    assert [(i.title, i.at_local) for i in await items(wedding)] == [
        ("Ceremony", time(14, 45)),
        ("Coach", time(15, 30)),
        ("Photographs", time(15, 45)),
    ]
    page = await ana.see(path)
    assert "was </span>14:00" in page
    assert "Not confirmed yet" not in page.split("Coach")[1]


async def test_where_nothing_moves_it_is_saved_at_once(wedding: Wedding, ana: Browser) -> None:
    cake = await add(wedding, "Cake", time(16, 30), minutes=20)
    path = f"/me/{wedding.id}/schedule/{cake}/preview"
    answer = await ana.send(path, by_script=True, **form(title="Cake and coffee", version="1"))
    assert answer.headers["hx-redirect"] == f"/me/{wedding.id}/schedule#item-{cake}"
    assert (await items(wedding))[0].title == "Cake and coffee"


async def test_a_form_keeps_what_an_item_follows(wedding: Wedding, ana: Browser) -> None:
    one, two = await add(wedding, "One", time(9)), await add(wedding, "Two", time(9))
    last = await add(wedding, "Last", time(12), after=[After(item_id=one), After(item_id=two)])
    path = f"/me/{wedding.id}/schedule/{last}"
    first = (await items(wedding))[-1].after[0].item_id
    await ana.send(
        path, **form(title="Last one", at_local="12:00", minutes="30", after_item_id=str(first), version="1")
    )
    assert len((await items(wedding))[-1].after) == 2
    await ana.send(path, **form(title="Last one", at_local="12:00", minutes="30", after_item_id="", version="2"))
    assert (await items(wedding))[-1].after == []


async def test_a_circle_is_shown_in_the_form_that_made_it(wedding: Wedding, ana: Browser) -> None:
    one = await add(wedding, "One", time(9))
    two = await add(wedding, "Two", time(10), after=[After(item_id=one)])
    said = form(title="One", at_local="09:00", minutes="30", after_item_id=str(two), version="1")
    answer = await ana.send(f"/me/{wedding.id}/schedule/{one}/preview", by_script=True, **said)
    assert (answer.status_code, answer.headers["hx-retarget"]) == (200, "#item-form")
    assert "Goes in a circle" in answer.text


async def test_whoever_saves_second_chooses_and_loses_nothing(wedding: Wedding, ana: Browser) -> None:
    cake = await add(wedding, "Cake", time(16, 30), minutes=20)
    path = f"/me/{wedding.id}/schedule/{cake}"
    ben = Browser(wedding.app, wedding.ben)
    assert (await ben.send(path, **form(place="Barn", version="1"))).status_code == 303
    asked = await ana.send(path, **form(place="Hall", title="Big cake", version="1"))
    assert asked.status_code == 412
    assert "Ben saved first" in asked.text
    for words in ("Barn", "Hall", "Big cake"):
        assert words in asked.text
    assert (await ana.send(path, **form(place="Barn", title="Big cake", version="2"))).status_code == 303
    (item,) = await items(wedding)
    assert (item.title, item.place) == ("Big cake", "Barn")


async def test_an_item_is_removed(wedding: Wedding, ana: Browser) -> None:
    cake = await add(wedding, "Cake", time(16, 30))
    assert (await ana.send(f"/me/{wedding.id}/schedule/{cake}/remove", version="1")).status_code == 303
    assert await items(wedding) == []
    assert (await ana.send(f"/me/{wedding.id}/schedule/{cake}/remove", version="1")).status_code == 404


async def test_whom_to_call(wedding: Wedding, ana: Browser) -> None:
    path = f"/me/{wedding.id}/schedule"
    assert (await ana.send(f"{path}/contacts", name="Dora", what="Keys", phone="+44 20 7946 0018")).status_code == 303
    page = await ana.see(path)
    assert "+44 20 7946 0018" in page
    empty = await ana.send(f"{path}/contacts", name="", what="", phone="")
    assert empty.status_code == 422
    found = re.search(r"/schedule/contacts/([0-9a-f-]+)/remove", page)
    assert found
    assert (await ana.send(f"{path}/contacts/{found[1]}/remove")).status_code == 303
    assert "7946" not in await ana.see(path)


async def test_the_page_is_the_couples(wedding: Wedding) -> None:
    app = wedding.app
    for who, code in ((wedding.planner, 403), (wedding.dora, 403), (wedding.stranger, 404)):
        await Browser(app, who).see(f"/me/{wedding.id}/schedule", code=code)
    cake = form()
    assert (await Browser(app, wedding.dora).send(f"/me/{wedding.id}/schedule", **cake)).status_code == 403
