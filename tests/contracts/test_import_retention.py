"""Uploaded lists are kept for the days the settings say, and no longer; what came of them stays."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tests.contracts.guest_house import Builder, GuestHouse
from tests.contracts.import_house import FILES, Importer, importer, working
from wedsync.kit.config import Settings, SettingsInvalid, load
from wedsync.processes import clock, forgetting

pytestmark = pytest.mark.usefixtures("nothing_owed")

LIST = (FILES / "messy_300.csv").read_bytes()


@pytest_asyncio.fixture
async def ana(build: Builder, settings: Settings) -> AsyncIterator[Importer]:
    house: GuestHouse = await build()
    async with working(house.wedding.door, settings):
        yield await importer(house)


@pytest_asyncio.fixture
async def clocks(settings: Settings) -> AsyncIterator[Any]:
    """The connection of a clock that leads."""
    connection = await asyncpg.connect(settings.service_database_url)
    yield connection
    await connection.close()


async def age(ana: Importer, import_id: str, days: int, **columns: str) -> None:
    """As if it had ended, or been uploaded, so long ago; the row's own trigger would say that it changed now."""
    admin = ana.house.wedding.admin
    changed = "".join(f", {name} = '{value}'" for name, value in columns.items())
    async with admin.transaction():
        await admin.execute("set local session_replication_role = replica")
        await admin.execute(
            f"update imports set finished_at = finished_at - $2::interval, updated_at = updated_at - $2{changed}"
            " where id = $1",
            *(UUID(import_id), timedelta(days=days)),
        )


async def kept(ana: Importer, import_id: str) -> tuple[bool, bool]:
    """(the file, the journal)."""
    row = await ana.house.wedding.admin.fetchrow("select plan, undo from imports where id = $1", UUID(import_id))
    assert row is not None
    return row["plan"] is not None, row["undo"] is not None


async def test_a_file_goes_after_its_days_and_what_came_of_it_stays(ana: Importer, clocks: Any) -> None:
    done = await ana.bring(LIST, "messy_300.csv")
    content = await ana.content()
    await age(ana, done["id"], 29)
    await forgetting.forgetting_uploads(30)(clocks)
    assert await kept(ana, done["id"]) == (True, True)
    assert (await ana.http.get(f"/api/v1/imports/{done['id']}/rejected.csv")).status_code == 200
    await age(ana, done["id"], 2)
    await forgetting.forgetting_uploads(30)(clocks)
    assert await kept(ana, done["id"]) == (False, True)
    gone = await ana.http.get(f"/api/v1/imports/{done['id']}/rejected.csv")
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")
    told = await ana.state(UUID(done["id"]))
    assert (told["created"], told["rejected"], told["can_undo"]) == (done["created"], 4, False)
    page = await ana.http.get(f"/me/{ana.house.id}/guests/import/{done['id']}", headers={"accept": "text/html"})
    assert (page.status_code, "Rows that stayed out" in page.text) == (200, True)
    again = await ana.bring(LIST, "messy_300.csv")
    assert (again["created"], again["updated"]) == (0, 0), "the next import still knows what the last one said"
    assert await ana.content() == content


async def test_an_upload_nobody_went_on_with_goes_too_and_one_that_runs_does_not(ana: Importer, clocks: Any) -> None:
    sent = await ana.http.post(f"/me/{ana.house.id}/guests/import", files={"file": ("list.csv", b"Name\nAna Li\n")})
    path = sent.headers["location"]
    waiting = path.rpartition("/")[2]
    await age(ana, waiting, 31, status="running")
    await forgetting.forgetting_uploads(30)(clocks)
    assert await kept(ana, waiting) == (True, False)
    await age(ana, waiting, 0, status="pending")
    await forgetting.forgetting_uploads(30)(clocks)
    assert await kept(ana, waiting) == (False, False)
    page = await ana.http.get(path, headers={"accept": "text/html"})
    assert page.status_code == 410


async def test_of_an_import_taken_back_nothing_sealed_is_left(ana: Importer, clocks: Any) -> None:
    done = await ana.bring(b"Name\nAna Li\n")
    await ana.undo(done["id"])
    await age(ana, done["id"], 31)
    await forgetting.forgetting_uploads(30)(clocks)
    assert await kept(ana, done["id"]) == (False, False)


async def nobody(nudge: str) -> None:
    """Nobody listens."""


def test_the_clock_does_it_for_the_days_of_the_setting() -> None:
    chosen = load({"WEDSYNC_ENV": "test", "WEDSYNC_IMPORT_RETENTION_DAYS": "7"})
    assert chosen.import_retention_days == 7
    assert "forget_uploads" in {timer.name for timer in clock.timers(chosen, nobody)}
    with pytest.raises(SettingsInvalid, match="IMPORT_RETENTION_DAYS"):
        load({"WEDSYNC_ENV": "test", "WEDSYNC_IMPORT_RETENTION_DAYS": "0"})
