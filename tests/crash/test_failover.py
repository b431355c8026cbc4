"""The database's failover under load: nothing that was answered is lost, and everybody is answered again in seconds."""

from pathlib import Path

import msgspec
import pytest

from wedsync.processes.drills import failover
from wedsync.processes.drills.failover import Wish
from wedsync.processes.drills.failover_report import Report
from wedsync.processes.failures import CannotRun

SMALL, LARGE = Wish(weddings=2, writers=4, seconds=3.0), Wish(weddings=10, writers=20, seconds=20.0)


@pytest.mark.prove  # in each run tests/contracts/test_standby.py kills a primary that is written to
@pytest.mark.timeout(900)
async def test_a_killed_primary_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    await loses_nothing(SMALL, tmp_path)


@pytest.mark.prove
@pytest.mark.timeout(900)
async def test_neither_does_one_that_many_write_to(tmp_path: Path) -> None:
    await loses_nothing(LARGE, tmp_path)


async def loses_nothing(wish: Wish, tmp_path: Path) -> None:
    ended = await failover.run(wish, to=tmp_path, web_workers=1)
    told = msgspec.json.decode((tmp_path / "database-failover.json").read_bytes(), type=Report)
    assert (told.lost, told.twice, told.unanswered, told.screens_missing) == (0, 0, 0, 0)
    assert told.delivered == told.to_deliver >= told.answered
    assert told.answered > 10 * wish.writers
    assert {one.words: one.told for one in told.promises if not one.is_kept} == {}
    assert ended == 0
    assert "Every promise was kept." in (tmp_path / "database-failover.html").read_text()


async def test_a_drill_without_anybody_who_writes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="a writer for each"):
        await failover.run(Wish(weddings=2, writers=1, seconds=1.0), to=tmp_path)
