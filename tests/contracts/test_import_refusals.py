"""What an import refuses: files that are none, bombs, too much, strangers, suppliers; and then nothing has changed."""

import io
import zipfile
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.contracts.guest_house import Builder, GuestHouse
from tests.contracts.import_house import FILES, Importer, importer, working
from wedsync.kit.config import Settings

pytestmark = pytest.mark.usefixtures("nothing_owed")

MIB = 1024 * 1024
LIST = b"Name\nAna Li\n"


@pytest_asyncio.fixture
async def ana(house: GuestHouse) -> Importer:
    return await importer(house)


def bomb() -> bytes:
    """A workbook of a few kilobytes whose sheet would be 300 MiB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", "<workbook><sheets><sheet name='a' sheetId='1'/></sheets></workbook>")
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(300):
                sheet.write(b"\x00" * MIB)
    return out.getvalue()


@pytest.mark.parametrize("dry_run", ["true", "false"])
@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "import_empty"),
        (b"Name\n", 422, "import_empty"),
        (b"%PDF-1.7 a menu", 422, "import_unreadable"),
        (b"A,B\n1,2\n", 422, "mapping_without_names"),
        ((FILES / "not_really.xlsx").read_bytes(), 422, "import_unreadable"),
        (b"Name\n" + b"Ana Li\n" * 20_001, 413, "import_too_many_rows"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_in_words_and_nothing_is_kept(
    data: bytes, status: int, code: str, dry_run: str, ana: Importer
) -> None:
    answer = await ana.send(data, dry_run=dry_run)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert await ana.house.events("import.uploaded") == []


async def test_a_bomb_is_refused_before_it_is_unpacked(ana: Importer) -> None:
    answer = await ana.send(bomb(), "guests.xlsx")
    assert answer.status_code in (413, 422)
    assert await ana.house.events("import.uploaded") == []


async def test_more_than_twenty_mebibytes_are_refused(ana: Importer) -> None:
    answer = await ana.send(b"Name\n" + b"x" * (21 * MIB))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("choices", "field"),
    [
        ("{", "choices"),
        ('{"columns": {"Nome": "full_name"}}', "Nome"),
        ('{"columns": {"Name": "shoe_size"}}', "Name"),
        ('{"people": {"0": "marry"}}', "choices"),
    ],
)
async def test_a_choice_that_makes_no_sense_names_itself(choices: str, field: str, ana: Importer) -> None:
    answer = await ana.send(LIST, choices=choices)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_form_without_a_file_says_so(ana: Importer) -> None:
    answer = await ana.http.post(ana.path, files={"list": ("a.csv", LIST)})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "file")


async def test_only_the_couple_imports_and_sees_imports(ana: Importer, build: Builder, settings: Settings) -> None:
    house = ana.house
    async with working(house.wedding.door, settings):
        done = await ana.bring(LIST)
    for who in (house.wedding.planner.actor, house.wedding.photographer.actor, house.wedding.dora.actor):
        other = Importer(house, await house.visitor(who))
        for dry_run in ("true", "false"):
            assert (await other.send(LIST, dry_run=dry_run)).status_code == 403
        assert (await other.http.get(f"/api/v1/imports/{done['id']}")).status_code == 404
        assert (await other.http.get(f"/api/v1/imports/{done['id']}/rejected.csv")).status_code == 404
        assert (await other.http.post(f"/api/v1/imports/{done['id']}/undo")).status_code == 404
    stranger = Importer(house, await (await build()).visitor(house.wedding.stranger))
    assert (await stranger.send(LIST)).status_code == 404
    assert (await stranger.http.get(f"/api/v1/imports/{done['id']}")).status_code == 404
    assert (await ana.http.get(f"/api/v1/imports/{uuid4()}")).status_code == 404
    assert await ana.names() == {"Ana Li"}
