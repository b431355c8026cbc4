"""`wedsync import`: the same import from a terminal, with counts in words."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.contracts.guest_house import Builder, GuestHouse
from tests.contracts.import_house import Importer, importer, working
from wedsync.kit.config import Settings
from wedsync.kit.errors import Refusal
from wedsync.processes import guest_import
from wedsync.processes.failures import CannotRun

pytestmark = pytest.mark.usefixtures("nothing_owed")


@pytest_asyncio.fixture
async def house(build: Builder, settings: Settings) -> AsyncIterator[GuestHouse]:
    house = await build()
    async with working(house.wedding.door, settings):
        yield house


@pytest_asyncio.fixture
async def ana(house: GuestHouse) -> Importer:
    return await importer(house)


@pytest.fixture
def list_file(tmp_path: Path) -> Path:
    path = tmp_path / "guests.csv"
    path.write_text("Name,Email\nAna Li,a@example.com\nBen Wu,nonsense\n")
    return path


async def test_a_dry_run_tells_and_an_import_does(
    ana: Importer, list_file: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    token = ana.http.headers["authorization"].removeprefix("Bearer ")
    asked: dict[str, Any] = {"file": list_file, "wedding": str(ana.house.id), "token": token}
    assert await guest_import.run(settings, is_dry_run=True, **asked) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "2 rows: 1 would be new" in told
    assert "Row 3, Email" in told
    assert await ana.names() == set()
    assert await guest_import.run(settings, is_dry_run=False, **asked) == 0
    assert "2 rows: 1 new" in " ".join(capsys.readouterr().out.split())
    assert await ana.names() == {"Ana Li"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"wedding": "ours"}, "is not an id"),
        ({"file": Path("nowhere.csv")}, "cannot be read"),
        ({"token": "x"}, "unknown or expired"),
        ({"token": ""}, "Say who imports"),
    ],
)
async def test_what_is_missing_is_said(
    changed: dict[str, object], words: str, house: GuestHouse, list_file: Path, settings: Settings
) -> None:
    asked: dict[str, Any] = {"file": list_file, "wedding": str(house.id), "is_dry_run": True, "token": "x", **changed}
    with pytest.raises(CannotRun, match=words):
        await guest_import.run(settings, **asked)


async def test_an_address_of_a_stranger_imports_nothing_and_becomes_nobody(
    house: GuestHouse, list_file: Path, settings: Settings
) -> None:
    email = f"nobody.{house.id}@example.com"
    with pytest.raises(Refusal) as refused:
        await guest_import.run(settings, file=list_file, wedding=str(house.id), is_dry_run=True, email=email)
    assert refused.value.status == 404
    assert not await house.wedding.admin.fetchval("select exists (select from persons where email = $1)", email)
