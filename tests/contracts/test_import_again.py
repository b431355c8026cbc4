"""A list that was brought in comes again with changes: each lands in its field, and what has no place yet is told."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.guest_house import Builder, GuestHouse
from tests.contracts.import_house import Importer, importer, working
from wedsync.guests.importing import actions, work
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx

pytestmark = pytest.mark.usefixtures("nothing_owed")

ROWS = 3
TOUCHED = "update guests set role = role where wedding_id = $1 and display_name = 'Cy Fox'"
FIRST = """Name,Email,Side,Table,RSVP Ceremony,RSVP Dinner,Meal,Allergies
Ana Li,a@example.com,bride,4,,yes,Sea bass,nuts
Ben Wu,,bride,5,,,,
Cy Fox,,,6,yes,,,
"""
THEN = """Name,Email,Side,Table,RSVP Ceremony,RSVP Dinner,Meal,Allergies
Ana Li,ana@example.org,groom,4,,yes,Mushroom pie,sesame
Ben Wu,ben@example.org,bride,7,no,yes,,celery
Cy Fox,,,6,yes,,,
"""


@pytest_asyncio.fixture
async def house(build: Builder, settings: Settings) -> AsyncIterator[GuestHouse]:
    house = await build()
    async with working(house.wedding.door, settings):
        yield house


@pytest_asyncio.fixture
async def ana(house: GuestHouse) -> Importer:
    return await importer(house)


async def listed(ana: Importer) -> dict[str, dict[str, str]]:
    out = await ana.http.get(f"/api/v1/weddings/{ana.house.id}/guests/export")
    return {row["Name"]: row for row in csv.DictReader(io.StringIO(out.text.removeprefix("\ufeff")))}


async def test_each_change_of_a_list_lands_in_its_field_and_can_be_taken_back(ana: Importer) -> None:
    await ana.bring(FIRST.encode())
    before, then = readable(await ana.content()), await listed(ana)
    done = await ana.bring(THEN.encode())
    assert (done["created"], done["updated"], done["skipped"]) == (0, 2, 1)
    now = await listed(ana)
    assert (now["Ana Li"]["Email"], now["Ana Li"]["RSVP: Dinner"]) == ("ana@example.org", "accepted")
    assert now["Ana Li"]["Meal: Dinner"] == "Mushroom pie"
    assert "sesame" in now["Ana Li"]["Allergens"]
    assert (now["Ben Wu"]["Email"], now["Ben Wu"]["Table"]) == ("ben@example.org", "7")
    assert (now["Ben Wu"]["RSVP: Ceremony"], now["Ben Wu"]["RSVP: Dinner"]) == ("declined", "accepted")
    assert "celery" in now["Ben Wu"]["Allergens"]
    assert now["Cy Fox"] == then["Cy Fox"]
    assert (await ana.undo(done["id"]))["kept"] == []
    assert readable(await ana.content()) == before


def readable(content: dict[str, list[Any]]) -> Any:
    """Without what is sealed anew each time."""
    return {
        table: [{k: v for k, v in json.loads(row).items() if k != "sealed"} for row in rows]
        for table, rows in content.items()
    }


async def test_a_meal_that_is_not_on_the_menu_is_told_and_the_rest_comes(ana: Importer) -> None:
    trial = await ana.trial(b"Name,Meal,Table\nAna Li,Goose,1\nBen Wu,Sea bass," + b"7" * 400 + b"\n")
    assert trial["created"] == 2
    assert trial["notes"] == ["1 meal choices are not on your menu. Add them there and import this list again."]


@pytest.mark.parametrize(("changes", "status"), [(6, "finished"), (8, "failed")])
async def test_a_list_that_changes_while_it_is_decided_on_is_decided_on_again_until_it_rests(
    ana: Importer, monkeypatch: pytest.MonkeyPatch, changes: int, status: str
) -> None:
    """Each time between the look and the writing somebody answers; longer rests let a burst come to its end."""
    await ana.bring(FIRST.encode())
    progress, looks = actions.progress, 0

    async def meanwhile(tx: Tx, wedding_id: UUID, import_id: UUID, done: int) -> None:
        nonlocal looks
        looks += done == ROWS // 2
        if done == ROWS // 2 and looks <= changes:
            await ana.house.wedding.admin.execute(TOUCHED, ana.house.id)
        await progress(tx, wedding_id, import_id, done)

    monkeypatch.setattr(actions, "progress", meanwhile)
    done = await ana.bring(THEN.encode())
    assert done["status"] == status
    assert looks == min(changes + 1, work.DECIDED_MAX)
    assert (await listed(ana))["Ben Wu"]["Table"] == ("7" if status == "finished" else "5")
