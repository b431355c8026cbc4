"""A backup comes back as it was, or as at a moment after it, whole and of a new epoch; a drill changes nothing."""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.embedded import ask, embedded_settings, passable_folder
from tests.ledger import Ledger, Wedding, opened
from wedsync.events.recovery import judge
from wedsync.kit.config import Settings
from wedsync.kit.seal import KeyRing
from wedsync.processes import backup, doctor_deep, restore, swap, up
from wedsync.processes.backup import Backup
from wedsync.processes.engines import Engines, held, publish
from wedsync.processes.failures import CannotRun, EngineFailed
from wedsync.processes.postgres import DATABASE, Postgres

CHANGED = {"streams", "socket_positions", "integrity_checks", "schema_migrations"}
"""What a restore itself writes."""
TABLES = """select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition order by 1"""


class House:
    """A data folder with a cluster, changed and looked at by whoever runs its engines."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engines = Engines(settings)
        self.running = settings

    def start(self) -> None:
        self.engines = Engines(self.settings)
        self.running = self.engines.start()
        asyncio.run(up.build_database(self.running, self.engines))

    def stop(self) -> None:
        self.engines.stop()

    def with_ledger(self, work: Any) -> Any:
        async def go() -> Any:
            assert self.engines.postgres is not None
            user, service = self.running.database_url, self.running.service_database_url
            async with opened(user=user, service=service, admin=self.engines.postgres.url()) as ledger:
                return await work(ledger)

        return asyncio.run(go())

    def facts(self, wedding: Wedding, count: int) -> datetime:
        """So many more changes; returns the database's time after them."""
        self.with_ledger(lambda ledger: ledger.facts(wedding, count))
        at = ask(self.engines, "select clock_timestamp()")
        assert isinstance(at, datetime)
        return at

    def backup(self) -> Path:
        assert self.engines.postgres is not None
        return backup.make(self.engines.postgres, self.settings, self.settings.data_dir / "backups")[0]

    def rows(self) -> dict[str, str]:
        """A digest of each table."""

        async def go(ledger: Ledger) -> dict[str, str]:
            names = [row["relname"] for row in await ledger.admin.fetch(TABLES)]
            digest = "select coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from public.{} t"
            return {n: await ledger.admin.fetchval(digest.format(n)) for n in names if n not in CHANGED}

        found: dict[str, str] = self.with_ledger(go)
        return found

    def events(self, wedding: UUID) -> list[tuple[int, int]]:
        statement = "select epoch, seq from events where stream_id = $1 order by seq"
        rows = self.with_ledger(lambda ledger: ledger.admin.fetch(statement, wedding))
        return [(row["epoch"], row["seq"]) for row in rows]

    def epoch(self) -> int:
        found = ask(self.engines, "select max(epoch) from streams", DATABASE)
        assert isinstance(found, int)
        return found

    def flaws(self) -> list[str]:
        async def go() -> list[str]:
            found = [one async for one in doctor_deep.data(self.running.service_database_url)]
            return [one.text for one in found if one.level != "fine"]

        return asyncio.run(go())


@pytest.fixture
def house() -> Iterator[House]:
    with passable_folder() as folder:
        settings = embedded_settings(
            folder, WEDSYNC_VALKEY_URL="unix:///", WEDSYNC_WAL_ARCHIVE_DIR=str(folder / "archive")
        )
        house = House(settings)
        house.start()
        yield house
        house.stop()


def told_of(house: House) -> Wedding:
    async def go(ledger: Ledger) -> Wedding:
        wedding = await ledger.wedding()
        await ledger.endpoint(wedding, mode="ordered")
        await ledger.facts(wedding, 6)
        return wedding

    wedding: Wedding = house.with_ledger(go)
    return wedding


@pytest.mark.parametrize("changes", [5, pytest.param(500, marks=pytest.mark.prove)])
def test_a_backup_comes_back_at_a_moment_after_it_whole_and_of_a_new_epoch(
    house: House, capsys: pytest.CaptureFixture[str], changes: int
) -> None:
    """Half of the changes since the backup come before that moment, and half after it."""
    wedding = told_of(house)
    at_backup = house.rows()
    place = house.backup()
    moment = house.facts(wedding, changes)
    then = house.rows()
    house.facts(wedding, changes)
    last = 6 + 2 * changes
    house.stop()

    # A drill brings back the backup itself, and nothing of what stands is touched.
    assert restore.run(house.settings, restore.Wish(source=place.parent, is_drill=True)) == 0
    assert "The log of every stream is dense." in capsys.readouterr().out
    house.start()
    assert len(house.events(wedding.id)) == last
    assert house.epoch() == 1
    house.stop()

    wish = restore.Wish(source=place.parent, at=moment.isoformat())
    assert restore.run(house.settings, wish) == 0
    out = capsys.readouterr().out
    assert "each index has all rows" in out
    assert "It stands in the cluster's place; what stood there is in" in out
    house.start()
    assert house.rows() == then != at_backup
    assert house.events(wedding.id) == [(1, seq) for seq in range(1, 7 + changes)]
    epoch = house.epoch()
    assert epoch > 1

    # A client that had seen all of it is told to read anew, and what comes from now on is dense and of the new epoch.
    stands = "select epoch, top, oldest from app.stream_top('wedding', $1)"
    top = house.with_ledger(lambda ledger: ledger.admin.fetchrow(stands, wedding.id))
    verdict = judge((1, last), epoch=top["epoch"], top=top["top"], oldest=top["oldest"], limit=100)
    assert (verdict.epoch, verdict.status) == (epoch, "reset")
    house.facts(wedding, 2)
    assert house.events(wedding.id)[-2:] == [(epoch, 7 + changes), (epoch, 8 + changes)]
    assert house.flaws() == []


def test_a_restore_that_dies_while_it_is_put_in_place_is_finished_by_whoever_comes_next(tmp_path: Path) -> None:
    """After each of its steps: what was restored stands in place, and what stood there is kept."""
    draft, place, before = (tmp_path / name for name in ("postgres.restoring", "postgres", "postgres.before-1"))
    for steps in range(4):
        for folder, holds in ((draft, "restored"), (place, "old")):
            folder.mkdir()
            (folder / "holds").write_text(holds)
        swap.plan(tmp_path, draft=draft, place=place, before=before)
        if steps >= 1:
            place.rename(before)
        if steps == 2:
            place.mkdir()  # Somebody asked where the cluster lies.
        if steps == 3:
            draft.rename(place)
        with held(tmp_path):
            assert [(folder / "holds").read_text() for folder in (place, before)] == ["restored", "old"]
        assert not draft.exists()
        assert not swap.finish(tmp_path), "and once"
        for folder in (place, before):
            shutil.rmtree(folder)


def test_a_restored_cluster_that_cannot_be_put_in_place_keeps_everybody_from_starting_on_an_empty_one(
    tmp_path: Path,
) -> None:
    draft, place, before = (tmp_path / name for name in ("postgres.restoring", "postgres", "postgres.before-1"))
    for folder in (draft, place, before):
        folder.mkdir()
        (folder / "holds").write_text(folder.name)
    swap.plan(tmp_path, draft=draft, place=place, before=before)
    with pytest.raises(EngineFailed, match="could not be put in"), held(tmp_path):
        raise AssertionError("nobody holds it")
    assert [(folder / "holds").read_text() for folder in (draft, place, before)] == [
        folder.name for folder in (draft, place, before)
    ]


@pytest.mark.prove
def test_a_thousand_changes_and_a_lost_disk(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """The middle by the log at hand; all of it by backup and archive alone; and on another machine."""
    wedding = told_of(house)
    place = house.backup()
    middle = house.facts(wedding, 500)
    then = house.rows()
    house.facts(wedding, 500)
    ask(house.engines, "select pg_switch_wal()")
    all_of_it = house.rows()
    house.stop()
    assert restore.run(house.settings, restore.Wish(source=place, at=middle.isoformat())) == 0
    house.start()
    assert house.rows() == then
    assert len(house.events(wedding.id)) == 506
    assert house.flaws() == []
    first = house.epoch()
    house.facts(wedding, 3)
    house.stop()

    # The disk with the cluster is gone, and so is its history: what the archive has of the newest one is followed.
    for lost in house.settings.data_dir.glob("postgres*"):
        shutil.rmtree(lost)
    assert restore.run(house.settings, restore.Wish(source=place, at="latest")) == 0
    house.start()
    assert len(house.events(wedding.id)) == 509
    assert house.epoch() > first
    assert house.flaws() == []
    house.stop()

    # Another machine: other passwords, the same keys, the backup as it was.
    other = embedded_settings(
        house.settings.data_dir / "other", WEDSYNC_VALKEY_URL="unix:///", WEDSYNC_SEAL_KEYS=house.settings.seal_keys
    )
    assert restore.run(other, restore.Wish(source=place)) == 0
    moved = House(other)
    moved.start()
    try:
        assert len(moved.events(wedding.id)) == 6
        assert moved.flaws() == []
    finally:
        moved.stop()
    assert all_of_it != then
    assert "each index has all rows" in capsys.readouterr().out


@pytest.mark.prove
def test_what_cannot_be_restored_is_told_and_changes_nothing(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    wedding = told_of(house)
    with held(house.settings.data_dir):
        publish(house.running)
        backup.run(house.settings, to=None)
        assert "verified." in capsys.readouterr().out
        with pytest.raises(EngineFailed, match="uses the data folder"):
            restore.run(house.settings, restore.Wish(source=house.settings.data_dir / "backups"))
    # An index that lacks rows: what it is of says otherwise than when it was built.
    for statement in (
        "create function public.lie(bigint) returns bigint language sql immutable return $1",
        "create index lying on public.events_202611 (public.lie(seq))",
        "create or replace function public.lie(bigint) returns bigint language sql immutable return -$1",
    ):
        ask(house.engines, statement.replace("events_202611", month(house)), DATABASE)
    damaged = house.backup()
    house.stop()
    with pytest.raises(CannotRun, match="it was not put in place"):
        restore.run(house.settings, restore.Wish(source=damaged))
    assert "pg_amcheck finds damage" in capsys.readouterr().out
    late = (datetime.now(tz=UTC) - timedelta(seconds=1)).isoformat()
    with pytest.raises(EngineFailed, match="The log that is known ends before"):
        restore.run(house.settings, restore.Wish(source=damaged, at=late, is_drill=True))
    victim = max(
        (damaged / "cluster" / "base").rglob("*"), key=lambda file: file.stat().st_size if file.is_file() else 0
    )
    content = bytearray(victim.read_bytes())
    content[4242] ^= 1
    victim.write_bytes(content)
    with pytest.raises(CannotRun, match="is not what was copied"):
        restore.run(house.settings, restore.Wish(source=damaged, is_drill=True))
    house.start()
    assert len(house.events(wedding.id)) == 6


def month(house: House) -> str:
    """The partition that holds the events of now."""
    found = ask(house.engines, "select tableoid::regclass::text from events limit 1", DATABASE)
    assert isinstance(found, str)
    return found


def made(folder: Path, name: str, at: datetime, **fields: Any) -> Path:
    """A backup as far as it is looked at before anything is copied."""
    place = folder / name
    (place / "cluster").mkdir(parents=True)
    (place / "cluster" / "backup_label").write_text(f"START WAL LOCATION: 0/2000028 (file {name:0>24})\n")
    about = Backup(began_at=at, finished_at=at, **fields)
    (place / "backup.json").write_bytes(msgspec.json.encode(about))
    return place


def test_the_newest_backup_that_ended_before_the_moment_is_taken(tmp_path: Path) -> None:
    day = datetime(2026, 6, 5, tzinfo=UTC)
    places = [made(tmp_path, name, day + timedelta(days=n)) for n, name in enumerate(("1", "2", "3"))]
    (tmp_path / ".4.part").mkdir()
    assert restore.chosen(tmp_path, None)[0] == places[2]
    assert restore.chosen(tmp_path, day + timedelta(days=1))[0] == places[1]
    assert restore.chosen(places[0], day + timedelta(days=9))[0] == places[0]
    with pytest.raises(CannotRun, match="no backup leads to a moment before its end"):
        restore.chosen(places[2], day)
    with pytest.raises(CannotRun, match="ended before that moment"):
        restore.chosen(tmp_path, day - timedelta(days=1))
    with pytest.raises(CannotRun, match="is no backup"):
        restore.chosen(tmp_path / "nothing", None)
    with pytest.raises(CannotRun, match="is of PostgreSQL 17"):
        restore.chosen(made(tmp_path, "5", day, postgres=17), None)


def test_backups_that_no_kept_day_needs_are_removed(tmp_path: Path) -> None:
    now = datetime.now(tz=UTC)
    places = [made(tmp_path, str(n), now - timedelta(days=days)) for n, days in enumerate((20, 9, 8, 1))]
    postgres = Postgres(folder=tmp_path, log=tmp_path / "log", account=None, admin_password="")
    # The one of eight days ago leads to any moment of the last seven.
    assert backup.forget(postgres, tmp_path, None, days=7) == places[:2]
    assert [place for place, _ in backup.backups(tmp_path)] == places[2:]
    assert backup.forget(postgres, tmp_path, None, days=7) == []


def test_a_moment_is_a_time_that_has_been() -> None:
    assert restore.moment_of("") is restore.moment_of("latest") is None
    assert restore.moment_of("2026-06-05T14:30Z") == datetime(2026, 6, 5, 14, 30, tzinfo=UTC)
    assert restore.moment_of("2026-06-05T14:30") == datetime(2026, 6, 5, 14, 30, tzinfo=UTC)
    with pytest.raises(CannotRun, match="is not a time"):
        restore.moment_of("yesterday")
    with pytest.raises(CannotRun, match="is in the future"):
        restore.moment_of("2999-01-01T00:00Z")


def test_a_backup_whose_keys_are_missing_is_refused(settings: Settings, tmp_path: Path) -> None:
    keys = KeyRing.new_setting("k9")
    about = Backup(began_at=datetime.now(tz=UTC), finished_at=datetime.now(tz=UTC), seal_keys=("k9",))
    restore.check_keys(about, msgspec.structs.replace(settings, seal_keys=keys))
    with pytest.raises(CannotRun, match="sealed with keys that are not here: k9"):
        restore.check_keys(about, settings)


def test_a_database_of_somebody_elses_is_not_copied(settings: Settings) -> None:
    with pytest.raises(CannotRun, match="This database is run by you"):
        backup.run(settings, to=None)


async def test_somebody_elses_restore_begins_an_epoch(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert await restore.begin_epoch(settings) == 0
    assert "clients read anew" in capsys.readouterr().out
