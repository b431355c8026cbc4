"""Friday's preflight: a planted defect of each kind is found with what to do, and the operators are told once."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from msgspec.structs import replace

from tests.contracts.certificates import Certificates
from tests.contracts.town import Somebody, Town
from tests.eventually import eventually
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.operations.freeze.model import Verdict
from wedsync.operations.preflight import actions, judging, model
from wedsync.operations.preflight.model import Facts, Machine
from wedsync.processes import backup, preflight, wedding_time

PATH = "/api/v1/platform/preflight"
FRIDAY = datetime(2027, 6, 4, 6, tzinfo=UTC)
SOUND = Machine(env="production", backup_at=FRIDAY, has_archive=True, drilled_at=FRIDAY, disk_free=0.8)
UNARCHIVED = model.Server(refuses_ddl=True, archives=True)
FREE = Verdict(is_frozen=False, reason="", reasons=(), at=FRIDAY)

# name of the check -> words of what is found, and the statement that plants it: $1 the wedding, $2 its supplier
PLANTED = {
    "credentials": ("1 of 1 at tave", "bad", "update connections set state = 'needs_reconnect' where tenant_id = $2"),
    "a credential that ended": (
        "1 of 1 at tave",
        "bad",
        """insert into connection_accounts (connection_id, tenant_id, expires_at)
        select id, $2, clock_timestamp() - interval '3 hours' from connections where tenant_id = $2""",
    ),
    "connections": ("1 degraded", "look", "update connections set state = 'degraded' where tenant_id = $2"),
    "an account that is silent": ("1 silent at tave", "look", "delete from connection_health where tenant_id = $2"),
    "an endpoint that was switched off": (
        "1 webhook endpoints were switched off",
        "look",
        "insert into endpoints (tenant_id, url, secret_sealed, state) values ($1, 'https://a.example', '', 'disabled')",
    ),
    "mail without anybody": (
        "Nobody takes mail",
        "bad",
        "update mail_providers set is_down = true",
    ),
    "backlog": (
        "the oldest job 400",
        "bad",
        """insert into jobs (id, kind, name, lane, tenant_id, destination_id, run_at)
        select uuidv7(), 'work', 'digest', 1, $1, d.id, clock_timestamp() - interval '40000 seconds'
        from destinations d where d.tenant_id <> $2 limit 1""",
    ),
    "what was given up on": (
        "1 were given up on",
        "look",
        """insert into deliveries (id, made_at, tenant_id, connector, destination_id, type, lane, state, done_at)
        values (uuidv7(), clock_timestamp(), $2, 'webhook', $1, 'rsvp.replied', 1, 'dead', clock_timestamp())""",
    ),
    "integrity": (
        "found 3 flaws",
        "bad",
        "insert into integrity_checks (name, took_ms, found) select 'log', 1, 3",
    ),
    "matters": (
        "1 changes that suppliers have not confirmed",
        "look",
        """insert into acknowledgements (wedding_id, link_id, about, event_id, event_seq, type, opened_at)
        select $1, l.id, 'x', uuidv7(), 1, 'wedding.date_changed', clock_timestamp() from links l
        where l.wedding_id = $1 and l.supplier_id = $2""",
    ),
    "an alert that nobody took up": (
        "1 alerts of the platform",
        "look",
        """insert into platform_alerts (rule, subject, severity, says, opened_at, last_at)
        select 'down', 'clock', 'page', 'No clock leads.', now(), now()""",
    ),
    "database": (
        "not valid",
        "bad",
        "update pg_index set indisvalid = false where indexrelid = 'guests_pkey'::regclass",
    ),
    "processes": ("worker, gateway, clock", "bad", "select 1"),
    "freeze": (
        "a request to the clock",
        "look",
        """insert into migration_requests (steps, is_dry_run, asked_by, asked_at)
        select '[]', false, m.person_id, now() from memberships m where m.wedding_id = $1 limit 1""",
    ),
}
ABOUT = {
    "a credential that ended": "credentials",
    "an account that is silent": "connections",
    "an endpoint that was switched off": "connections",
    "mail without anybody": "connections",
    "what was given up on": "backlog",
    "an alert that nobody took up": "matters",
}


@pytest_asyncio.fixture(scope="module")
async def town(own_town: Town) -> Town:
    """A town whose clock is moved to a Friday, so it is nobody else's."""
    await own_town.admin.execute("insert into clock_setting (base) values ($1)", FRIDAY)
    await own_town.admin.execute("insert into mail_providers (name, position) values ('resend', 1)")
    return own_town


@pytest_asyncio.fixture(scope="module")
async def wedding(town: Town) -> tuple[UUID, UUID]:
    """Tomorrow, with a supplier whose CRM is connected and well."""
    couple, owner = await town.person("ana"), await town.person("carla")
    wedding = await town.wedding(couple, on="2027-06-05")
    await town.admin.execute(
        """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
        values ($1::uuid, '2027-06-05', 'Europe/London', '2027-06-05 10:00Z', '2027-06-05 23:00Z')""",
        wedding,
    )
    made = await owner.got("POST", "/api/v1/suppliers", {"name": "Light", "category": "photographer"}, code=201)
    supplier = made["id"]
    await town.admin.execute(
        """insert into links (wedding_id, supplier_id, supplier_name, category, level, status)
        values ($1::uuid, $2::uuid, 'Light', 'photographer', 'standard', 'active')""",
        wedding,
        supplier,
    )
    await town.admin.execute(
        """with made as (insert into connections (tenant_id, connector, scheme, sealed, state)
            values ($1::uuid, 'tave', 'account', 'x', 'active') returning id)
        insert into connection_health (connection_id, tenant_id, ok_at)
        select id, $1::uuid, clock_timestamp() from made""",
        supplier,
    )
    return UUID(wedding), UUID(supplier)


async def facts(connection: asyncpg.Connection) -> Facts:
    return msgspec.json.decode(await connection.fetchval(actions.queries.facts, model.AHEAD), type=Facts)


def check(found: Facts, name: str, machine: Machine = SOUND, freeze: Verdict = FREE) -> model.Check:
    [one] = [one for one in judging.judge(found, machine, freeze).checks if one.name == name]
    return one


@pytest.mark.parametrize("defect", PLANTED)
async def test_a_planted_defect_is_found_with_what_to_do(town: Town, wedding: tuple[UUID, UUID], defect: str) -> None:
    words, status, statement = PLANTED[defect]
    name = ABOUT.get(defect, defect)
    before = check(await facts(town.admin), name)
    change = town.admin.transaction()
    await change.start()
    try:
        named = statement.replace("$1", f"'{wedding[0]}'::uuid").replace("$2", f"'{wedding[1]}'::uuid")
        await town.admin.execute(named)
        found = check(await facts(town.admin), name)
    finally:
        await change.rollback()
    assert words in found.says, found
    assert (found.status, bool(found.do)) == (status, True)
    assert words not in before.says or name == "processes"


async def test_only_what_the_next_days_need_is_counted(town: Town, wedding: tuple[UUID, UUID]) -> None:
    found = await facts(town.admin)
    assert (found.weddings, [one.connector for one in found.accounts]) == (1, ["tave"])
    change = town.admin.transaction()
    await change.start()
    try:
        await town.admin.execute("update weddings set date_status = 'postponed' where wedding_id = $1", wedding[0])
        assert (await facts(town.admin)).weddings == 0
        await town.admin.execute("update weddings set date_status = 'confirmed' where wedding_id = $1", wedding[0])
        await town.admin.execute("update links set status = 'revoked' where wedding_id = $1", wedding[0])
        assert list((await facts(town.admin)).accounts) == []
    finally:
        await change.rollback()


def made(**more: Any) -> Facts:
    server = model.Server(refuses_ddl=True, archives=True, archived_at=FRIDAY)
    known: dict[str, Any] = {"now": FRIDAY, "machine_now": FRIDAY, "weddings": 1, "server": server, "max": 100}
    return Facts(**known | {"operators": 2, "clock_leads": True, "processes": judging.NEEDED} | more)


@pytest.mark.parametrize(
    ("name", "found", "machine", "status", "words"),
    [
        ("backups", {}, {"backup_at": None}, "bad", "There is no backup"),
        ("backups", {}, {"backup_at": FRIDAY - timedelta(hours=30)}, "bad", "30 h old"),
        ("backups", {}, {"backup_flaw": "a file is short"}, "bad", "a file is short"),
        ("backups", {}, {"has_archive": False}, "look", "the log is not archived"),
        (
            "backups",
            {"server": model.Server(refuses_ddl=True, archives=True)},
            {"is_bundled": False},
            "bad",
            "not arch",
        ),
        (
            "backups",
            {"server": model.Server(refuses_ddl=True, archives=False)},
            {"is_bundled": False},
            "look",
            "by you",
        ),
        ("restorable", {}, {"drilled_at": None}, "look", "was not tried"),
        ("restorable", {}, {"drilled_at": FRIDAY - timedelta(days=60)}, "look", "60 days ago"),
        ("restorable", {}, {"drill_flaws": 2}, "bad", "found 2 flaws"),
        ("capacity", {"used": 80}, {}, "bad", "80 of 100 connections"),
        ("capacity", {"fullest": 40, "fullest_so_far": 20}, {}, "look", "The fullest so far had 20"),
        ("capacity", {}, {"disk_free": 0.02}, "bad", "2% of the disk"),
        ("capacity", {}, {"disk_free": 0.2}, "look", "20% of the disk"),
        ("certificates", {}, {"has_certificate": True}, "bad", "cannot be read"),
        ("certificates", {}, {}, "look", "in front of this machine"),
        (
            "certificates",
            {},
            {"has_certificate": True, "certificate_ends_at": FRIDAY + timedelta(days=2)},
            "bad",
            "holds until 06 June",
        ),
        ("freeze", {}, {"pending": ["0002_more"]}, "look", "0002_more"),
        ("freeze", {"server": model.Server(refuses_ddl=False, archives=True)}, {}, "look", "does not refuse DDL"),
        ("standby", {}, {}, "look", "There is no standby"),
        ("standby", {"standbys": [model.Standby("second", 40.0)]}, {}, "bad", "second by 40 s"),
        ("processes", {"clock_leads": False}, {}, "bad", "Not alive: clock"),
        ("matters", {"emergencies": 1}, {}, "bad", "1 emergencies"),
        ("integrity", {}, {}, "look", "not examined"),
        ("operators", {"operators": 1}, {}, "look", "One operator alone"),
    ],
)
def test_what_this_machine_lacks_is_told(
    name: str, found: dict[str, Any], machine: dict[str, Any], status: str, words: str
) -> None:
    told = check(made(**found), name, replace(SOUND, **machine))
    assert (told.status, words in told.says, bool(told.do)) == (status, True, True), told


def test_where_nothing_is_wrong_nothing_is_to_be_done() -> None:
    sound = replace(SOUND, has_certificate=True, certificate_ends_at=FRIDAY + timedelta(days=60))
    found = made(examined_at=FRIDAY, standbys=[model.Standby("second", 0.1)])
    report = judging.judge(found, sound, FREE)
    assert (report.is_ready, report.to_do) == (True, [])
    assert all(line.startswith("good") for line in model.lines(report))


def test_a_frozen_platform_says_that_what_waits_must_wait() -> None:
    frozen = replace(FREE, is_frozen=True, reason="It is Saturday.")
    told = check(made(), "freeze", replace(SOUND, pending=["0002_more"]), frozen)
    assert "until Monday" in told.do


@pytest.mark.parametrize(
    ("now", "last", "is_due"),
    [
        ("2027-06-03T23:00Z", None, False),
        ("2027-06-04T04:59Z", None, False),
        ("2027-06-04T05:00Z", None, True),
        ("2027-06-04T10:00Z", "2027-06-04T05:00Z", False),
        ("2027-06-04T11:00Z", "2027-06-04T05:00Z", True),
        ("2027-06-06T23:00Z", None, True),
        ("2027-06-07T00:00Z", None, False),
    ],
)
def test_it_is_made_from_friday_morning_to_the_end_of_sunday(now: str, last: str | None, is_due: bool) -> None:
    known = None if last is None else datetime.fromisoformat(last)
    assert model.is_due(datetime.fromisoformat(now), known) is is_due


def test_a_weekend_is_named_by_its_friday() -> None:
    assert {model.weekend_of(date(2027, 6, day)) for day in range(1, 7)} == {date(2027, 6, 4)}


async def letters(town: Town, person: UUID | None) -> list[dict[str, Any]]:
    assert person is not None
    rows = await town.admin.fetch("select id, sealed from deliveries where recipient_id = $1 order by made_at", person)
    opened = [
        town.ring.open(r["sealed"], tenant=person, table="deliveries", column="sealed", row=r["id"]) for r in rows
    ]
    return [one for one in map(msgspec.json.decode, opened) if "this weekend" in one["subject"]]


async def test_the_clock_makes_it_and_mails_every_operator_once(
    town: Town, wedding: tuple[UUID, UUID], otto: Somebody
) -> None:
    """Also when it is looked at again."""
    nudges: list[str] = []

    async def published(nudge: str) -> None:
        nudges.append(nudge)

    service = await asyncpg.connect(town.settings.door("service"))
    # As in a drill: this process's time is the database's, which says that it is Friday.
    await wedding_time.take(service, wedding_time.ENV)
    try:
        tick = preflight.by_clock(town.settings, published)
        await tick(service)

        async def kept() -> Any:
            return await otto.got("GET", PATH)

        [first] = await eventually(kept)
        assert (first["weekend"], first["is_ready"]) == ("2027-06-04", False)
        await eventually(lambda: letters_now(town, otto))
        await town.admin.execute("update preflights set at = at - interval '7 hours'")

        async def twice() -> bool:
            await tick(service)
            return len(await otto.got("GET", PATH)) == 2

        await eventually(twice)
    finally:
        clock.follow(None, env=wedding_time.ENV)
        await service.close()
    [letter] = await letters(town, otto.id)
    assert letter["subject"].startswith("1 wedding this weekend: ")
    assert "worker, gateway, clock." in letter["text"]
    # The same word in the app, at the head of every page of the operator's, also where mail is down.
    for path in ("/ops/alerts", "/ops/fragments/mode"):
        head = await otto.see(path, part="fragments" in path)
        assert "Preflight: 1 thing is to be mended now." in head
    await town.admin.execute("update preflights set at = at - interval '7 hours'")
    assert "It is older than six hours" in await otto.see("/ops/fragments/mode", part=True)
    page = await otto.see("/ops/preflight")
    for words in ("1 wedding ahead", "Providers&#39; credentials", "you were mailed", "Not ready"):
        assert words in page, words


async def letters_now(town: Town, somebody: Somebody) -> bool:
    return bool(await letters(town, somebody.id))


async def test_the_command_says_what_to_do_and_programs_read_the_answer(
    town: Town, wedding: tuple[UUID, UUID], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await preflight.run(town.settings, is_json=False, tells=False) == 1
    said = capsys.readouterr().out
    lines = said[said.index("1 wedding in the next four days") :].splitlines()
    assert lines[1].startswith("bad ")
    assert await preflight.run(town.settings, is_json=True, tells=False) == 1
    assert msgspec.json.decode(capsys.readouterr().out.splitlines()[-1])["weddings"] == 1


async def test_it_is_for_the_operator_alone_and_looks_now(town: Town, otto: Somebody) -> None:
    ana = await town.person("bela")
    for method in ("GET", "POST"):
        await ana.got(method, PATH, code=403)
    await ana.see("/ops/preflight", code=403)
    found = await otto.got("POST", PATH, {}, code=200)
    assert [one["name"] for one in found["checks"]] == list(judging.CHECKS)


def test_a_certificate_is_read_for_its_end(tmp_path: Path) -> None:
    certificate, _ = Certificates(tmp_path).issued("wedsync.example", days=3)
    (tmp_path / "chain.pem").write_text(certificate)
    end = preflight.certificate_end(tmp_path / "chain.pem")
    assert end is not None
    assert end > clock.machine_now()
    (tmp_path / "none.pem").write_text("no certificate")
    assert preflight.certificate_end(tmp_path / "none.pem") is None


def test_a_drill_of_a_restore_is_remembered(settings: Settings, tmp_path: Path) -> None:
    assert backup.drilled(tmp_path) is None
    backup.note_drill(tmp_path, flaws=1)
    kept = backup.drilled(tmp_path)
    assert kept is not None
    assert kept.flaws == 1
