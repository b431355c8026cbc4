"""The operator sees how the platform stands: queue, clock and breakers, in counts and of no tenant which."""

from uuid import uuid4

from tests.contracts.town import Somebody, Town
from wedsync.processes.clock import LEADER_KEY


async def test_health_tells_lanes_and_whether_a_clock_leads(town: Town, otto: Somebody) -> None:
    found = await otto.got("GET", "/api/v1/platform/health")
    parts = {one["part"]: one for one in found["parts"]}
    assert {f"queue {lane}" for lane in ("critical", "high", "normal", "low")} <= set(parts)
    assert (parts["clock"]["status"], found["status"]) == ("bad", "bad")
    await town.admin.execute("select pg_advisory_lock($1)", LEADER_KEY)
    found = await otto.got("GET", "/api/v1/platform/health")
    assert [one["status"] for one in found["parts"] if one["part"] == "clock"] == ["good"]
    await town.admin.execute("select pg_advisory_unlock($1)", LEADER_KEY)
    assert found["is_frozen"] is False


async def test_breakers_are_counted_by_connector_and_a_host_is_named_only_where_it_is_shared(
    town: Town, otto: Somebody
) -> None:
    host = f"{uuid4()}.example:443"
    add = """insert into destinations (id, tenant_id, connector, breaker_failures, breaker_until)
        values ($1, $2, 'webhook', 5, clock_timestamp() + interval '1 minute')"""
    place = "update destinations set host = $2 where id = $1"
    await town.admin.execute(
        "insert into hosts (host, open_until) values ($1, clock_timestamp() + interval '1 min')", host
    )
    made = [uuid4(), uuid4()]
    await town.admin.execute(add, made[0], uuid4())
    await town.admin.execute(place, made[0], host)
    found = await otto.got("GET", "/api/v1/platform/breakers")
    assert [one["state"] for one in found if one["name"] == "webhook"] == ["open"]
    assert host not in {one["name"] for one in found}
    await town.admin.execute(add, made[1], uuid4())
    await town.admin.execute(place, made[1], host)
    [shared] = [one for one in await otto.got("GET", "/api/v1/platform/breakers") if one["name"] == host]
    assert (shared["kind"], shared["state"], shared["destinations"]) == ("host", "open", 2)
    await town.admin.execute("delete from destinations where id = any($1)", made)
    await town.admin.execute("delete from hosts where host = $1", host)


async def test_it_is_the_operators_alone(town: Town) -> None:
    ana = await town.person()
    for path in ("/api/v1/platform/health", "/api/v1/platform/breakers"):
        await ana.got("GET", path, code=403)
        assert (await town.public.ask("GET", path)).status_code == 401
