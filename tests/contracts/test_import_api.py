"""A guest list comes in through the API, comes again and changes nothing, and goes again; bad ones change nothing."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.guest_house import Builder, GuestHouse
from tests.contracts.import_house import FILES, Importer, importer, working
from wedsync.kit.config import Settings

pytestmark = pytest.mark.usefixtures("nothing_owed")

READABLE = sorted(path.name for path in FILES.iterdir() if path.name != "not_really.xlsx")
TYPICAL = {"messy_300.csv", "german_spreadsheet.csv", "eventbrite.csv"}
LISTS = [name if name in TYPICAL else pytest.param(name, marks=pytest.mark.prove) for name in READABLE]


@pytest_asyncio.fixture
async def house(build: Builder, settings: Settings) -> AsyncIterator[GuestHouse]:
    house = await build()
    async with working(house.wedding.door, settings):
        yield house


@pytest_asyncio.fixture
async def ana(house: GuestHouse) -> Importer:
    return await importer(house)


@pytest.mark.parametrize("name", LISTS)
async def test_every_list_comes_in_changes_nothing_the_second_time_and_can_be_taken_back(
    name: str, ana: Importer
) -> None:
    data = (FILES / name).read_bytes()
    before = await ana.content()
    trial = await ana.trial(data, name)
    assert await ana.content() == before
    done = await ana.bring(data, name)
    assert done["status"] == "finished"
    counts = ("rows", "created", "updated", "skipped", "rejected")
    assert [done[c] for c in counts] == [trial[c] for c in counts]
    assert done["rows"] == done["done"] == sum(done[c] for c in counts[1:])
    assert done["created"] > 0
    content = await ana.content()
    assert len(content["guests"]) == trial["people"]["guests_new"]
    again = await ana.bring(data, name)
    assert (again["created"], again["updated"]) == (0, 0)
    assert await ana.content() == content
    assert (await ana.undo(again["id"]))["removed"] == 0
    undone = await ana.undo(done["id"])
    assert undone["removed"] == trial["people"]["guests_new"]
    assert undone["kept"] == []
    assert await ana.content() == before
    assert (await ana.state(UUID(done["id"])))["status"] == "undone"


async def test_a_file_may_be_the_body_and_choices_may_correct_its_columns(ana: Importer) -> None:
    data = b"Who,Where\nAna Li,4\nBen Wu,5\n"
    choices = '{"columns": {"Who": "full_name", "Where": "table"}}'
    answer = await ana.http.post(
        ana.path, content=data, params={"filename": "who.csv", "choices": choices}, headers={"content-type": "text/csv"}
    )
    done = await ana.ended(UUID(answer.json()["import_id"]))
    assert (done["filename"], done["created"]) == ("who.csv", 2)
    rows = await ana.house.wedding.admin.fetch(
        "select display_name, table_label from guests where wedding_id = $1 order by 1", ana.house.id
    )
    assert [tuple(row) for row in rows] == [("Ana Li", "4"), ("Ben Wu", "5")]


async def test_rows_that_cannot_be_read_stay_out_are_named_and_come_back_as_a_file(ana: Importer) -> None:
    data = (FILES / "messy_300.csv").read_bytes()
    done = await ana.bring(data, "messy_300.csv")
    assert done["rejected"] == 4
    assert {issue["row"] for issue in done["errors"]} == {44, 84, 85, 164}
    answer = await ana.http.get(f"/api/v1/imports/{done['id']}/rejected.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="rejected.csv"'
    assert len(answer.text.splitlines()) == 5
    assert "Why it was not imported" in answer.text
    stored = await ana.house.wedding.admin.fetchval("select errors from imports where id = $1", UUID(done["id"]))
    assert not any(issue["value"] in str(stored) for issue in done["errors"] if len(issue["value"]) > 3)


async def test_an_import_tells_screens_and_owes_one_summary_and_no_letters(ana: Importer) -> None:
    await ana.bring(b"Name,Email,Diet\nAna Li,a@example.com,vegan\nBen Wu,b@example.com,\n")
    events = await ana.house.events()
    rows = [e for e in events if e.subject.table in ("parties", "guests", "rsvps", "guest_contacts", "guest_needs")]
    assert len(rows) == 2 + 2 + 4 + 2 + 1
    assert all(e.bulk for e in rows)
    told = [(e.type, e.bulk, e.scope) for e in events if e.subject.table == "imports"]
    assert told[0] == ("import.uploaded", True, 512)
    assert told[-1] == ("import.finished", False, 512)
    assert ("import.progressed", True, 512) in told
    counted = [e for e in events if e.type == "headcount.changed" and e.record and e.record["invited"] == 2]
    assert {e.record["pending"] for e in counted if e.record} == {2}
    owed = await ana.house.wedding.admin.fetchval(
        """select count(*) from deliveries d join events e on e.id = d.event_id
        where e.stream_id = $1 and (e.bulk or e.subject_table = 'imports')""",
        ana.house.id,
    )
    assert owed == 0


async def test_an_answer_newer_than_the_file_wins_and_a_change_of_ours_is_kept(ana: Importer) -> None:
    data = b"Name,Email,Table,RSVP\nAna Li,a@example.com,4,yes\nBen Wu,b@example.com,5,\n"
    await ana.bring(data)
    admin, wedding = ana.house.wedding.admin, ana.house.id
    guest = await admin.fetchval("select id from guests where wedding_id = $1 and display_name = 'Ana Li'", wedding)
    path = f"/api/v1/guests/{guest}/rsvps/{ana.house.dinner}"
    assert (await ana.http.put(path, json={"status": "declined"})).status_code == 200
    assert (await ana.http.patch(f"/api/v1/guests/{guest}", json={"table_label": "9"})).status_code == 200
    again = await ana.bring(data)
    assert (again["updated"], again["skipped"]) == (0, 2)
    assert (await ana.house.answers(guest))[ana.house.dinner][0] == "declined"
    moved = await ana.bring(data.replace(b",5,", b",6,").replace(b",4,", b",7,"))
    assert (moved["created"], moved["updated"]) == (0, 1)
    tables = await admin.fetch("select display_name, table_label from guests where wedding_id = $1", wedding)
    assert {tuple(row) for row in tables} == {("Ana Li", "9"), ("Ben Wu", "6")}
    assert (await ana.undo(moved["id"]))["restored"] == 1
    assert (
        await admin.fetchval(
            "select table_label from guests where display_name = 'Ben Wu' and wedding_id = $1", wedding
        )
        == "5"
    )


async def test_taking_back_leaves_whom_somebody_has_touched_since(ana: Importer) -> None:
    done = await ana.bring(b"Name,Plus One\nAna Li,yes\nBen Wu,\nCy Fox,\n")
    admin, wedding = ana.house.wedding.admin, ana.house.id
    ids = {
        r["display_name"]: r["id"]
        for r in await admin.fetch("select id, display_name from guests where wedding_id = $1", wedding)
    }
    assert len(ids) == 4
    await ana.http.put(f"/api/v1/guests/{ids['Cy Fox']}/rsvps/{ana.house.dinner}", json={"status": "accepted"})
    await ana.http.put(f"/api/v1/guests/{ids['Guest of Ana Li']}/needs", json={"diets": ["vegan"]})
    undone = await ana.undo(done["id"])
    assert undone["removed"] == 1
    assert {kept["name"] for kept in undone["kept"]} == {"Ana Li", "Guest of Ana Li", "Cy Fox"}
    assert await ana.names() == {"Ana Li", "Guest of Ana Li", "Cy Fox"}
    again = await ana.http.post(f"/api/v1/imports/{done['id']}/undo")
    assert (again.status_code, again.json()["code"]) == (409, "import_not_undoable")


async def test_an_import_older_than_thirty_days_stays(ana: Importer) -> None:
    done = await ana.bring(b"Name\nAna Li\n")
    await ana.house.wedding.admin.execute(
        "update imports set finished_at = finished_at - interval '31 days' where id = $1", UUID(done["id"])
    )
    assert (await ana.http.post(f"/api/v1/imports/{done['id']}/undo")).status_code == 409
    assert await ana.names() == {"Ana Li"}


async def test_the_export_is_safe_to_open_and_imports_again_unchanged(ana: Importer) -> None:
    await ana.bring(
        b"Name,Email,Table,RSVP,Allergies\nAna Li,a@example.com,=HYPERLINK(1),yes,nuts\nBen Wu,,=HYPERLINK(1),,\n"
    )
    out = await ana.http.get(f"/api/v1/weddings/{ana.house.id}/guests/export")
    assert out.headers["content-type"].startswith("text/csv")
    assert "a@example.com" in out.text
    assert ",=HYPERLINK" not in out.text
    before = await ana.content()
    again = await ana.bring(out.content, "guests.csv")
    assert (again["rows"], again["created"], again["updated"], again["skipped"]) == (2, 0, 0, 2)
    assert await ana.content() == before
    rows = (await ana.http.get(f"/api/v1/weddings/{ana.house.id}/guests/export?format=json")).json()
    assert [row["Name"] for row in rows] == ["Ana Li", "Ben Wu"]
    florist = await ana.house.visitor(ana.house.wedding.florist.actor)
    assert (await florist.http.get(f"/api/v1/weddings/{ana.house.id}/guests/export")).status_code == 403
