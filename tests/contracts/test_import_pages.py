"""The wizard, as a browser without scripts walks it: choose, check, correct, run, see what stayed out, take it back."""

from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from tests.contracts.guest_house import GuestHouse, Visitor, fields
from tests.contracts.import_house import FILES, Importer, working
from wedsync.kit.config import Settings

pytestmark = pytest.mark.usefixtures("nothing_owed")


@pytest_asyncio.fixture
async def ana(house: GuestHouse) -> Visitor:
    return await house.visitor(house.wedding.ana)


async def choose(ana: Visitor, house: GuestHouse, name: str, data: bytes) -> httpx.Response:
    return await ana.http.post(f"/me/{house.id}/guests/import", files={"file": (name, data)})


async def chosen(ana: Visitor, house: GuestHouse, name: str, data: bytes) -> str:
    """The path of the check step."""
    answer = await choose(ana, house, name, data)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_a_list_walks_through_every_step_without_scripts(
    ana: Visitor, house: GuestHouse, settings: Settings
) -> None:
    page = await ana.see(f"/me/{house.id}/guests/import")
    assert "Zola" in page
    path = await chosen(ana, house, "messy_300.csv", (FILES / "messy_300.csv").read_bytes())
    page = await ana.see(path)
    assert "We read 300 rows" in page
    assert "Rows we cannot read" in page
    assert await house.wedding.admin.fetchval("select count(*) from guests where wedding_id = $1", house.id) == 0
    form = fields(page)
    again = await ana.send(path, {**form, "action": "check"})
    assert again.headers["location"] == path
    assert (await ana.send(path, {**form, "action": "run"})).status_code == 303
    page = await ana.see(path)
    assert "Bringing them in" in page
    assert '<meta http-equiv="refresh"' in page
    assert "<progress" in await ana.part(f"{path}/progress")
    async with working(house.wedding.door, settings):
        done = await Importer(house, ana).ended(UUID(path.rpartition("/")[2]))
    assert done["status"] == "finished"
    page = await ana.see(path)
    assert "They are in" in page
    assert "Rows that stayed out" in page
    assert len((await ana.see(f"{path}/rejected.csv")).splitlines()) == 5
    assert "messy_300.csv" in await ana.see(f"/me/{house.id}/guests/import")
    assert (await ana.send(f"{path}/undo", {})).status_code == 303
    assert "All taken back" in await ana.see(path)
    assert await house.wedding.admin.fetchval("select count(*) from guests where wedding_id = $1", house.id) == 0


async def test_a_wrong_column_is_corrected_and_a_date_order_chosen(ana: Visitor, house: GuestHouse) -> None:
    data = b"Name,Thing,RSVP,RSVP date\nAna Li,4,yes,01/02/2027\nBen Wu,5,no,03/04/2027\n"
    path = await chosen(ana, house, "list.csv", data)
    page = await ana.see(path)
    assert "Dates are read day first" in page
    form = fields(page)
    assert form["column.1"] == ""
    await ana.send(path, {**form, "column.1": "table", "dates": "month_first", "action": "check"})
    page = await ana.see(path)
    assert fields(page)["column.1"] == "table"
    assert "Dates are read month first" in page
    refused = await ana.send(path, {**fields(page), "column.0": "", "action": "run"})
    assert refused.status_code == 422
    assert "No column of this file is marked as holding names" in refused.text


async def test_namesakes_are_asked_about_one_by_one(ana: Visitor, house: GuestHouse) -> None:
    await house.party("Ana Li", email="a@example.com")
    path = await chosen(ana, house, "list.csv", b"Name,Email\nAna Li,other@example.com\n")
    page = await ana.see(path)
    assert "Only you can tell" in page
    await ana.send(path, {**fields(page), "person.0": "new", "action": "check"})
    page = await ana.see(path)
    assert fields(page)["person.0"] == "new"


async def test_a_file_that_is_none_is_refused_on_the_page(ana: Visitor, house: GuestHouse) -> None:
    answer = await choose(ana, house, "menu.pdf", b"%PDF-1.7")
    assert answer.status_code == 422
    assert "This is a PDF" in answer.text
    empty = await ana.http.post(f"/me/{house.id}/guests/import", files={"other": ("a.csv", b"x")})
    assert "Choose a file first" in empty.text


async def test_a_file_without_headings_is_asked_about_not_refused(ana: Visitor, house: GuestHouse) -> None:
    path = await chosen(ana, house, "odd.csv", b"Qux,Zip\nblue,1\ngreen,2\n")
    assert fields(await ana.see(path))["column.0"] == "full_name"


async def test_the_wizard_is_the_couples(house: GuestHouse, ana: Visitor) -> None:
    path = await chosen(ana, house, "list.csv", b"Name\nAna Li\n")
    planner = await house.visitor(house.wedding.planner.actor)
    for at in (f"/me/{house.id}/guests/import", path, f"{path}/progress"):
        await planner.see(at, code=403)
    stranger = await house.visitor(house.wedding.stranger)
    await stranger.see(path, code=404)
    await ana.see(f"/me/{house.id}/guests/import/{uuid4()}", code=404)
