"""The operator's console: today's weddings, events, what was given up, tenants, acts; bounded, and of nobody what."""

from uuid import UUID, uuid4

import msgspec
import pytest

from tests.contracts.town import Somebody, Town
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.operations.console import model
from wedsync.operations.shell import sections

PLATFORM = "/api/v1/platform"
FLOOD = """insert into events (stream_id, seq, id, epoch, type, scope, subject_table, subject_id, op, record,
      actor_kind, cause, occurred_at)
    select $1, $2 + n, uuidv7(), 1, $3, 1, 'rsvps', $1, 'INSERT', '{"words": "mauve-otter-41"}', 'person', uuidv7(),
      now()
    from generate_series(1, $4) n"""
DEAD = """insert into deliveries (id, made_at, tenant_id, connector, destination_id, subscription_id, event_id,
      stream_id, seq, type, lane, state, reason)
    values ($1, clock_timestamp() - interval '1 hour', $2, 'webhook', $3, $4, $5, $2, 1, 'rsvp.replied', 1,
      'dead', $6)"""


@pytest.fixture(scope="module")
def town(own_town: Town) -> Town:
    """Of its own: it counts everything there is."""
    return own_town


async def held(town: Town, wedding: str, *, starts: str, ends: str, zone: str = "Pacific/Auckland") -> None:
    await town.admin.execute(
        f"""insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
        values ($1, (now() at time zone '{zone}')::date, $2, now() + '{starts}', now() + '{ends}')""",
        UUID(wedding),
        zone,
    )


async def test_the_board_shows_todays_weddings_by_urgency_and_nothing_of_what_they_hold(
    town: Town, otto: Somebody
) -> None:
    ana = await town.person("ana")
    calm = await town.wedding(ana, couple_names="Mauve & Otter")
    await held(town, calm, starts="-1 hour", ends="6 hours")
    troubled = await town.wedding(ana, couple_names="Teal & Heron")
    await held(town, troubled, starts="-2 hours", ends="5 hours")
    far = await town.wedding(ana)
    await town.admin.execute(
        """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
        values ($1, current_date + 5, 'Europe/London', now() + '5 days', now() + '5 days 9 hours')""",
        UUID(far),
    )
    called_off = await town.wedding(ana)
    await held(town, called_off, starts="-1 hour", ends="6 hours")
    await town.admin.execute("update weddings set date_status = 'cancelled' where wedding_id = $1", UUID(called_off))
    body = {"what": "medical", "detail": "mauve-otter-41"}
    await ana.got("POST", f"/api/v1/weddings/{troubled}/alerts", body, code=201)
    board = await otto.got("GET", f"{PLATFORM}/board")
    assert board["whole"] == 2
    assert [one["wedding_id"] for one in board["weddings"]] == [troubled, calm]
    first = board["weddings"][0]
    assert (first["p0"], first["unanswered"], first["phase"], first["zone"]) == (1, 1, "live", "Pacific/Auckland")
    assert 0 < first["readiness"] < 100
    page = await otto.see("/ops")
    for words in (troubled.replace("-", "")[-8:], "1 P0", "1 unanswered", "2 weddings live", "When to maintain"):
        assert words in page, words
    for words in ("Mauve", "Heron", "mauve-otter", str(ana.email)):
        assert words not in page, words
        assert words not in msgspec.json.encode(board).decode(), words
    for path in (one.href for one in sections()):
        assert "Wedding day: 2 weddings are live." in await otto.see(path), path
    part = await otto.see("/ops", part=True)
    assert part.strip().startswith('<div id="today"') and "<html" not in part
    assert "1 urgent call for help is open" in await otto.see("/ops/fragments/mode", part=True)


async def test_readiness_is_what_the_couple_sees(town: Town, otto: Somebody) -> None:
    ana = await town.person("ana")
    wedding = await town.wedding(ana)
    await town.linked(ana, wedding)
    await held(town, wedding, starts="-1 hour", ends="6 hours")
    [line] = [one for one in (await otto.got("GET", f"{PLATFORM}/board"))["weddings"] if one["wedding_id"] == wedding]
    page = await ana.see(f"/me/{wedding}/readiness")
    assert f'<span class="countdown__number">{line["readiness"]}</span>' in page


async def test_the_stream_stays_bounded_however_much_happens(town: Town, otto: Somebody) -> None:
    stream = uuid4()
    await town.admin.execute("insert into streams (id, kind) values ($1, 'wedding')", stream)
    sizes = []
    for first, many in ((0, 3000), (3000, 30_000)):
        await town.admin.execute(FLOOD, stream, first, "rsvp.replied", many)
        found = await otto.got("GET", f"{PLATFORM}/events")
        assert (found["looked"], len(found["lines"])) == (model.LOOKED, model.SHOWN)
        assert found["lines"][0]["last_seq"] == first + many, "the newest first"
        assert found["per_second"] > 1000
        sizes.append(len(await otto.see("/ops/events", part=True)))
    assert abs(sizes[1] - sizes[0]) < 0.05 * sizes[0]
    plan = await town.admin.fetchval(
        "explain (analyze, format json) select * from (select id from events order by id desc limit 2000) x"
    )
    assert max(read_of(node) for node in nodes(msgspec.json.decode(plan)[0]["Plan"])) <= model.LOOKED
    assert "mauve-otter" not in await otto.see("/ops/events")


def nodes(plan: dict[str, object]) -> list[dict[str, object]]:
    below = plan.get("Plans", [])
    assert isinstance(below, list)
    return [plan, *(one for part in below for one in nodes(part))]


def read_of(node: dict[str, object]) -> float:
    rows, loops = node["Actual Rows"], node["Actual Loops"]
    return float(str(rows)) * float(str(loops))


async def test_one_action_is_one_line_and_filters_narrow_it(town: Town, otto: Somebody) -> None:
    ana = await town.person("ana")
    wedding = await town.wedding(ana)
    party = await ana.got("POST", f"/api/v1/weddings/{wedding}/parties", {"name": "Quince"}, code=201)
    guests = f"/api/v1/weddings/{wedding}/guests"
    for name in ("Ida", "Jo"):
        await ana.got("POST", guests, {"first_name": name, "party_id": party["id"]}, code=201)
    found = await otto.got("GET", f"{PLATFORM}/events?id={wedding}&type=guest")
    assert {one["type"] for one in found["lines"]} == {"guest.added"}
    assert len(found["lines"]) == 2
    assert {one["stream_id"] for one in found["lines"]} == {wedding}
    event = (await town.events(wedding, "wedding.created"))[0].id
    one = await otto.got("GET", f"{PLATFORM}/events?id={event}")
    assert [line["id"] for line in one["lines"]] == [str(event)]
    lane = found["lines"][0]["lane"]
    other = next(name for name in model.LANES if name != lane)
    assert (await otto.got("GET", f"{PLATFORM}/events?id={wedding}&type=guest&lane={other}"))["lines"] == []
    await otto.got("GET", f"{PLATFORM}/events?lane=fast", code=422)
    await otto.see("/ops/events?id=nonsense", code=422)
    page = await otto.see(f"/ops/events?id={wedding}&type=guest.added")
    assert "guest.added" in page and "Quince" not in page and "Ida" not in page


async def test_dead_letters_are_sent_again_on_record_and_once(town: Town, otto: Somebody) -> None:
    business = await town.supplier()
    made = await business.owner.got(
        "POST",
        f"/api/v1/suppliers/{business.supplier}/endpoints",
        {"url": "https://example.com/", "events": ["*"], "description": ""},
        code=201,
    )
    place, tenant = UUID(made["id"]), UUID(business.supplier)
    subscription = await town.admin.fetchval("select id from subscriptions where destination_id = $1 limit 1", place)
    for _ in range(3):
        await town.admin.execute(
            DEAD, uuid4(), tenant, place, subscription, uuid4(), "The receiver answered 500: mauve-otter-41"
        )
    found = await otto.got("GET", f"{PLATFORM}/dead-letters")
    [letter] = [one for one in found["letters"] if one["destination_id"] == str(place)]
    assert (letter["dead"], letter["repeatable"], letter["host"]) == (3, 3, "")
    assert letter["reasons"] == [{"reason": "The receiver answered 500", "times": 3}]
    await otto.got("POST", f"{PLATFORM}/dead-letters/{place}/replay", {"reason": ""}, code=422)
    await otto.got("POST", f"{PLATFORM}/dead-letters/{uuid4()}/replay", {"reason": "They mended it."}, code=404)
    answer = await otto.send(f"/ops/dead-letters/{place}/replay", reason="They mended their server.")
    assert answer.headers["location"] == "/ops/dead-letters?replayed=3"
    assert "3 are on the way again" in await otto.see("/ops/dead-letters?replayed=3")
    again = await town.admin.fetch(
        "select lane, actor_id from deliveries where destination_id = $1 and replay_of is not null", place
    )
    assert [tuple(row) for row in again] == [(3, otto.id)] * 3
    assert (
        await town.admin.fetchval(
            "select count(*) from jobs j join deliveries d using (id) where d.destination_id = $1 and d.lane = 3",
            place,
        )
        == 3
    )
    assert all(
        one["destination_id"] != str(place) for one in (await otto.got("GET", f"{PLATFORM}/dead-letters"))["letters"]
    )
    twice = await otto.got("POST", f"{PLATFORM}/dead-letters/{place}/replay", {"reason": "Once more."})
    assert twice == {"replayed": 0}
    told = await business.owner.got(
        "GET", f"/api/v1/suppliers/{business.supplier}/security-events?kind=operator.replayed"
    )
    assert (told["items"][0]["reason"], told["items"][0]["times"]) == ("They mended their server.", 3)
    page = await otto.see("/ops/security")
    assert "Sent again what was given up" in page and "They mended their server." in page


async def test_given_up_work_runs_again(town: Town, otto: Somebody) -> None:
    name = f"made_up.{uuid4().hex[:6]}"
    await town.admin.execute(
        """insert into dead_jobs (id, kind, name, lane, tenant_id, destination_id, order_seq, made_at, attempts, reason)
        values ($1, 'work', $2, 3, $3, $3, 0, now(), 9, 'KeyError: mauve-otter-41')""",
        uuid4(),
        name,
        uuid4(),
    )
    page = await otto.see("/ops/dead-letters")
    assert name in page and "KeyError" in page and "mauve-otter" not in page
    answer = await otto.send("/ops/dead-letters/work", kind="work", name=name, reason="The release mends it.")
    assert answer.headers["location"] == "/ops/dead-letters?replayed=1"
    assert await town.admin.fetchval("delete from jobs where name = $1 returning attempt", name) == 0
    assert name not in await otto.see("/ops/dead-letters")


async def test_tenants_are_told_by_plan_use_and_trouble_and_named_only_where_they_are_public(
    town: Town, otto: Somebody
) -> None:
    hidden, shown = await town.supplier("Mauve Otter Photo"), await town.supplier("Teal Heron Films")
    await town.admin.execute(
        "insert into listings (supplier_id, slug, is_published) values ($1, $2, true)",
        UUID(shown.supplier),
        f"p{uuid4().hex[:8]}",
    )
    await town.admin.execute("update destinations set state = 'parked' where tenant_id = $1", UUID(hidden.supplier))
    page = await otto.see("/ops/tenants")
    assert "Teal Heron Films" in page and "Mauve Otter" not in page
    assert hidden.supplier[-8:] in page and "seats" in page
    found = await otto.got("GET", f"{PLATFORM}/tenants")
    assert found["counts"]["businesses"] >= 2
    one = next(one for one in found["businesses"] if one["supplier_id"] == hidden.supplier)
    assert {use["name"] for use in one["used"]} == {"weddings", "seats", "connections", "sms", "api_calls"}


async def test_refusals_of_everybody_are_listed_by_kind(town: Town, otto: Somebody) -> None:
    ana = await town.person("ana")
    wedding = await town.wedding(ana)
    stranger = await town.person("stranger")
    await stranger.got("GET", f"/api/v1/weddings/{wedding}/guests", code=404)
    await town.watched()
    page = await otto.see("/ops/security?kind=access.refused")
    assert "Somebody asked for what is not theirs" in page and wedding[-8:] in page
    await otto.see("/ops/security?kind=made.up", code=422)


async def test_the_console_is_the_operators_alone(town: Town) -> None:
    ana = await town.person("ana")
    for name in ("board", "events", "dead-letters", "tenants", "maintenance-windows"):
        await ana.got("GET", f"{PLATFORM}/{name}", code=403)
        assert (await town.public.ask("GET", f"{PLATFORM}/{name}")).status_code == 401
    for path in ("events", "dead-letters", "tenants", "security", "status", "fragments/mode"):
        await ana.see(f"/ops/{path}", code=403)
    asked = {"reason": "I would like to."}
    await ana.got("POST", f"{PLATFORM}/dead-letters/{uuid4()}/replay", asked, code=403)
    assert (await ana.send("/ops/dead-letters/work", kind="work", name="x", reason="I would.")).status_code == 403
    with pytest.raises(Refusal, match="You may see this"):
        async with town.door.enter(Actor(kind="person", id=ana.id), UUID(str(ana.id))) as tx:
            await tx.value("select app.replay_dead($1, 30, 10, 'I would like to')", uuid4())
