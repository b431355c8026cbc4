"""The freeze through its doors: the API and the command line refuse while a wedding is live where it is held."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
import pytest
import pytest_asyncio
from msgspec import json
from msgspec.structs import replace

from tests.contracts.town import Somebody, Town
from tests.engines_fixture import Database, RunningPostgres, copied, settings_for
from tests.served import served
from wedsync.kit.config import Settings
from wedsync.processes import freezing, migrate, migrate_command, ticks
from wedsync.processes.failures import MigrationRefused

PATH = "/api/v1/platform/freeze"
TUESDAY = datetime(2027, 6, 8, 0, tzinfo=UTC)
MoveTo = Callable[[datetime], Awaitable[None]]


@pytest_asyncio.fixture(scope="module")
async def own(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    """Its clock is moved, so it is nobody else's."""
    async with copied(postgres, f"wedsync_{worker}_freeze") as made:
        yield made


@pytest.fixture(scope="module")
def live(own: Database, valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Profile production, but for what it demands of addresses."""
    made = settings_for(tmp_path_factory.mktemp("freeze"), own, valkey_url)
    return replace(made, env="production", freeze_guarded=("none",))


@pytest_asyncio.fixture(scope="module")
async def platform(live: Settings, own: Database, postgres: RunningPostgres) -> AsyncIterator[Town]:
    admin = await asyncpg.connect(postgres.admin_url, database=own.name)
    async with served(live) as app:
        yield Town(app, live, admin)
    await admin.close()


@pytest_asyncio.fixture(scope="module")
async def weddings(platform: Town) -> dict[str, tuple[datetime, datetime]]:
    """One on Tuesday in Auckland, one on Wednesday in Honolulu: zone -> when it is live."""
    found = {}
    for zone, on in (("Pacific/Auckland", "2027-06-08"), ("Pacific/Honolulu", "2027-06-09")):
        couple = await platform.person()
        wedding = await platform.wedding(couple, on=on, time_zone=zone)
        item = {"title": "Ceremony", "kind": "ceremony", "at_local": "14:00", "minutes": 180}
        await couple.got("POST", f"/api/v1/weddings/{wedding}/schedule", item, code=201)
        day = await platform.admin.fetchrow(
            "select live_from, live_until from wedding_days where wedding_id = $1::uuid", wedding
        )
        found[zone] = (day["live_from"], day["live_until"])
    return found


@pytest_asyncio.fixture(scope="module")
async def otto(platform: Town) -> Somebody:
    return await platform.operator("otto")


@pytest_asyncio.fixture(scope="module")
async def olga(platform: Town) -> Somebody:
    return await platform.operator("olga")


@pytest_asyncio.fixture
async def move(platform: Town) -> AsyncIterator[MoveTo]:
    """Set wedding time; a test's overrides end with it."""

    async def to(now: datetime) -> None:
        await platform.admin.execute("delete from clock_setting")
        await platform.admin.execute("insert into clock_setting (base) values ($1)", now)

    yield to
    await platform.admin.execute("update freeze_overrides set ended_at = app.now(), ended_by = asked_by")
    await platform.admin.execute("delete from clock_setting")


def test_the_two_are_on_the_same_hours_of_different_days(weddings: dict[str, tuple[datetime, datetime]]) -> None:
    local = [begins.astimezone(ZoneInfo(zone)).hour for zone, (begins, _) in weddings.items()]
    assert local == [12, 12]
    assert weddings["Pacific/Honolulu"][0] - weddings["Pacific/Auckland"][0] == timedelta(hours=46)


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Pacific/Honolulu"])
async def test_it_is_frozen_while_a_wedding_is_live_and_free_before_and_after(
    live: Settings,
    otto: Somebody,
    weddings: dict[str, Any],
    zone: str,
    move: MoveTo,
    capsys: pytest.CaptureFixture[str],
) -> None:
    begins, ends = weddings[zone]
    for now, is_frozen in ((begins - timedelta(minutes=1), False), (begins, True), (ends, False)):
        await move(now)
        assert (await otto.got("GET", PATH))["is_frozen"] is is_frozen, now
        assert await freezing.check(live, is_json=True) == int(is_frozen)
        assert json.decode(capsys.readouterr().out)["is_frozen"] is is_frozen
    await move(begins + timedelta(hours=1))
    found = await otto.got("GET", PATH)
    assert datetime.fromisoformat(found["until"]) == ends
    assert datetime.fromisoformat(found["next_window"]["starts_at"]) == ends
    assert await freezing.check(live, is_json=False) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "frozen: 1 wedding is live."
    assert said[1].startswith(f"It may be changed again from {ends:%a %d %b %Y %H:%M} UTC")


async def test_a_wedding_that_is_cancelled_freezes_nothing(
    platform: Town, otto: Somebody, weddings: dict[str, Any], move: MoveTo
) -> None:
    await move(weddings["Pacific/Auckland"][0])
    await platform.admin.execute("update weddings set date_status = 'cancelled' where time_zone = 'Pacific/Auckland'")
    assert not (await otto.got("GET", PATH))["is_frozen"]
    await platform.admin.execute("update weddings set date_status = 'confirmed' where time_zone = 'Pacific/Auckland'")
    assert (await otto.got("GET", PATH))["is_frozen"]


async def test_the_status_tells_what_is_ahead(
    live: Settings, weddings: dict[str, Any], move: MoveTo, capsys: pytest.CaptureFixture[str]
) -> None:
    await move(TUESDAY - timedelta(days=2))
    guarded = replace(live, freeze_guarded=("saturday",))
    assert await freezing.status(guarded, is_json=False) == 0
    said = capsys.readouterr().out
    assert said.startswith("frozen: It is Saturday 5 June in Pacific/Honolulu")
    assert "Fri 11 Jun 12:00 - Sun 13 Jun 10:00 UTC" in said
    assert "1 wedding is live" in said


async def test_one_operator_asks_and_only_another_one_lifts_it(
    live: Settings, otto: Somebody, olga: Somebody, weddings: dict[str, Any], move: MoveTo
) -> None:
    await move(weddings["Pacific/Auckland"][0])
    asked = await otto.got("POST", f"{PATH}/overrides", {"reason": "A leak must be closed.", "minutes": 30}, code=201)
    assert asked["confirmed_at"] is None
    assert (await otto.got("GET", PATH))["is_frozen"], "asking is not enough"
    refused = await otto.got("POST", f"{PATH}/overrides/{asked['id']}/confirm", code=403)
    assert refused["code"] == "needs_another_person"
    assert await freezing.check(live, is_json=True) == 1
    given = await olga.got("POST", f"{PATH}/overrides/{asked['id']}/confirm")
    assert (given["confirmed_by"], given["asked_by"]) == (str(olga.id), str(otto.id))
    found = await otto.got("GET", PATH)
    assert (found["is_frozen"], found["override"]["id"]) == (False, asked["id"])
    assert found["reasons"] == ["1 wedding is live"]
    assert await freezing.check(live, is_json=True) == 0
    again = await olga.got("POST", f"{PATH}/overrides/{asked['id']}/confirm", code=409)
    assert again["code"] == "override_confirmed"
    await move(weddings["Pacific/Auckland"][0] + timedelta(minutes=31))
    assert (await otto.got("GET", PATH))["is_frozen"], "it has expired"
    [kept] = [one for one in await otto.got("GET", f"{PATH}/overrides") if one["id"] == asked["id"]]
    assert (kept["reason"], kept["confirmed_by_name"]) == ("A leak must be closed.", olga.email)


async def test_an_override_is_ended_before_its_time_and_a_late_confirmation_is_none(
    otto: Somebody, olga: Somebody, weddings: dict[str, Any], move: MoveTo
) -> None:
    begins = weddings["Pacific/Honolulu"][0]
    await move(begins)
    body = {"reason": "A leak must be closed."}
    first = await otto.got("POST", f"{PATH}/overrides", body, code=201)
    await olga.got("POST", f"{PATH}/overrides/{first['id']}/confirm")
    for _ in range(2):
        await otto.got("POST", f"{PATH}/overrides/{first['id']}/end")
    assert (await otto.got("GET", PATH))["is_frozen"]
    late = await otto.got("POST", f"{PATH}/overrides", body, code=201)
    await move(begins + timedelta(minutes=61))
    told = await olga.got("POST", f"{PATH}/overrides/{late['id']}/confirm", code=409)
    assert told["code"] == "override_over"
    await olga.got("POST", f"{PATH}/overrides/{uuid4()}/confirm", code=404)


@pytest.mark.parametrize("body", [{"reason": "because"}, {"reason": "A leak must be closed.", "minutes": 1000}, {}])
async def test_a_reason_and_a_time_are_asked_for(otto: Somebody, body: dict[str, Any]) -> None:
    assert (await otto.ask("POST", f"{PATH}/overrides", body)).status_code in (400, 422)


async def test_it_is_the_operators_alone(platform: Town, otto: Somebody) -> None:
    ana = await platform.person()
    body = {"reason": "A leak must be closed."}
    for method, path, said in (
        ("GET", PATH, None),
        ("GET", f"{PATH}/overrides", None),
        ("POST", f"{PATH}/overrides", body),
        ("POST", f"{PATH}/overrides/{uuid4()}/confirm", None),
        ("POST", f"{PATH}/overrides/{uuid4()}/end", None),
    ):
        await ana.got(method, path, said, code=403)
        assert (await platform.public.ask(method, path, said)).status_code == 401


async def test_the_database_itself_refuses_one_persons_override(
    own: Database, otto: Somebody, platform: Town, move: MoveTo
) -> None:
    await move(TUESDAY)
    with pytest.raises(asyncpg.CheckViolationError):
        await platform.admin.execute(
            """insert into freeze_overrides
              (reason, minutes, asked_by, asked_at, expires_at, confirmed_by, confirmed_at)
            values ('because it is me', 60, $1, app.now(), app.now(), $1, app.now())""",
            otto.id,
        )
    door = await asyncpg.connect(own.user)
    for statement in (
        "select app.ask_override('nobody in particular', 60)",
        "select app.freeze_facts('1 day', '1 day')",
        "select app.frozen_because()",
        "select app.plan_freezes(false, 0, '[]')",
        "select reason from freeze_overrides",
    ):
        with pytest.raises((asyncpg.PostgresError, AssertionError)):
            assert await door.fetch(statement), "row security shows nothing"
    await door.close()


async def test_a_migration_waits_for_the_end_of_the_freeze(
    live: Settings, own: Database, weddings: dict[str, Any], move: MoveTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`wedsync migrate` and `wedsync up` ask here; what lacks no migration starts at any time."""
    begins, ends = weddings["Pacific/Auckland"]
    await move(begins)
    assert await migrate_command.bring_forward(live) == []

    async def pending(*_: Any) -> list[str]:
        return ["0002_more"]

    monkeypatch.setattr(migrate, "pending", pending)
    with pytest.raises(MigrationRefused, match=r"The platform is frozen, so nothing was migrated\. 1 wedding is live"):
        await migrate_command.bring_forward(live)
    assert await migrate_command.bring_forward(replace(live, env="staging")) == []
    await move(ends)
    assert await migrate_command.bring_forward(live) == []


async def test_the_clock_plans_what_the_database_refuses_by(
    live: Settings, own: Database, platform: Town, weddings: dict[str, Any], move: MoveTo
) -> None:
    service = await asyncpg.connect(own.service)
    because = "select app.frozen_because()"
    begins, ends = weddings["Pacific/Auckland"]
    await move(begins)
    await ticks.planning_freezes(replace(live, env="staging"))(service)
    assert await service.fetchval(because) is None
    tick = ticks.planning_freezes(live)
    await tick(service)
    assert await service.fetchval(because) == "1 wedding is live"
    await move(ends)
    assert await service.fetchval(because) is None
    planned = await platform.admin.fetch("select starts_at, ends_at from freezes order by starts_at")
    assert [tuple(row) for row in planned] == list(weddings.values())
    await tick(service)
    await move(ends + timedelta(days=30))
    await tick(service)
    kept = await platform.admin.fetchval("select count(*) from freezes where ends_at <= $1", ends)
    assert kept == 1, "what was frozen stays on record"
    await service.close()
