"""Routing rules through the API: kept like endpoints, the first that matches takes an event, shaped and tested."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.rule_house import ESTIMATE, MANY, House, business_of, newly_wed
from tests.contracts.town import Town, built
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    async with built(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def house(town: Town) -> House:
    return await newly_wed(town)


async def test_a_rule_is_kept_changed_by_its_version_and_removed(house: House) -> None:
    endpoint = await house.endpoint()
    made = await house.rule(endpoint, ESTIMATE, conditions=[MANY], lane=1)
    path = f"/api/v1/rules/{made['id']}"
    answer = await house.who.ask("GET", path)
    assert (answer.json(), answer.headers["etag"]) == (made, '"1"')
    assert (await house.who.got("GET", f"{house.path}/rules"))["items"] == [made]
    changed = await house.who.got("PATCH", path, {"lane": None, "conditions": []}, if_match='"1"')
    assert (changed["lane"], changed["conditions"], changed["version"]) == (None, [], 2)
    late = await house.who.got("PATCH", path, {"name": "Late"}, if_match='"1"', code=412)
    assert late["current"]["name"] == "A rule"
    await house.who.got("DELETE", path, code=204)
    await house.who.got("GET", path, code=404)
    await house.who.got("PATCH", path, {"name": "Gone"}, code=404)
    told = await house.town.events(house.wedding, "rule.added", "rule.changed", "rule.removed")
    assert [(e.type, e.scope) for e in told] == [("rule.added", 512), ("rule.changed", 512), ("rule.removed", 512)]


async def test_a_rule_is_its_tenants_alone(house: House) -> None:
    endpoint = await house.endpoint()
    made = await house.rule(endpoint)
    path = f"/api/v1/rules/{made['id']}"
    business, _ = await business_of(house)
    for who in (business.who, await house.town.person("eve")):
        for method, at, body in (
            ("GET", path, None),
            ("PATCH", path, {"name": "Mine"}),
            ("DELETE", path, None),
            ("POST", f"{path}/test", None),
        ):
            assert (await who.ask(method, at, body)).status_code == 404, (method, at)
    listed = await business.who.ask("GET", f"{house.path}/rules")
    assert listed.status_code == 200 and listed.json()["items"] == []
    refused = await business.rule(endpoint, code=422)
    assert refused["errors"][0]["field"] == "endpoint_id"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"types": ["wedding.nothing"]}, "types[0]"),
        ({"types": []}, "types"),
        ({"conditions": [{"field": "record.nothing", "operator": "present"}]}, "conditions[0].field"),
        ({"conditions": [MANY, MANY | {"value": "many"}]}, "conditions[1].value"),
        ({"conditions": [MANY | {"operator": "starts_with", "value": "1"}]}, "conditions[0].operator"),
        ({"conditions": [MANY | {"operator": "changed"}]}, "conditions[0].value"),
        ({"conditions": [{"field": 'record.x" == 1', "operator": "present"}]}, "conditions[0].field"),
        ({"conditions": [{"field": "record.couple_names", "operator": "is", "value": "\0"}]}, "conditions[0].value"),
        ({"lane": 4}, "lane"),
        ({"lane": 0}, "lane"),
        ({"conditions": [MANY] * 11}, "conditions"),
        ({"shape": [{"target": "a"}]}, "shape[0].source"),
        ({"shape": [{"target": "a", "constant": 1}, {"target": "a.b", "constant": 1}]}, "shape"),
        ({"quiet": {"zone": "Mars/Base", "from": "22:00", "until": "07:00"}}, "quiet.zone"),
        ({"quiet": {"zone": "UTC", "from": "07:00", "until": "07:00"}}, "quiet.until"),
        ({"quiet": {"zone": "UTC", "from": "22:00", "until": "07:00"}, "mode": "ordered"}, "quiet"),
        ({"endpoint_id": str(UUID(int=5))}, "endpoint_id"),
    ],
)
async def test_what_cannot_work_is_refused_by_its_field(house: House, fields: dict[str, Any], field: str) -> None:
    endpoint = await house.endpoint()
    asked = {"name": "A rule", "endpoint_id": endpoint, "types": ["wedding.*"]} | fields
    problem = await house.who.got("POST", f"{house.path}/rules", asked, code=422)
    assert problem["errors"][0]["field"].startswith(field), problem
    assert (await house.who.got("GET", f"{house.path}/rules"))["items"] == []


async def test_conditions_on_sealed_rows_are_not_offered(house: House) -> None:
    endpoint = await house.endpoint()
    for name in ("sealed", "note", "allergens"):
        asked = [{"field": f"record.{name}", "operator": "present"}]
        assert "conditions[0].field" in str(await house.rule(endpoint, "needs.changed", conditions=asked, code=422))


async def test_the_first_that_matches_takes_the_event_and_the_chain_is_the_endpoints(house: House) -> None:
    endpoint, other = await house.endpoint(), await house.endpoint()
    many = await house.rule(endpoint, ESTIMATE, conditions=[MANY], lane=1)
    some = await house.rule(endpoint, "wedding.*", lane=3)
    events = [await house.estimate(n) for n in (90, 110, 120)]
    rows = [(await house.owed(endpoint, event)) for event in events]
    assert [len(found) for found in rows] == [1, 1, 1]
    takers = [str(found[0]["subscription_id"]) for found in rows]
    assert takers == [some["id"], many["id"], many["id"]]
    assert [found[0]["lane"] for found in rows] == [3, 1, 1]
    # What the receiver counts by is one chain, whichever rule took the event.
    numbered = await house.owed(endpoint)
    assert [row["previous_seq"] for row in numbered[1:]] == [row["seq"] for row in numbered[:-1]]
    assert [str((await house.owed(other, event))[0]["subscription_id"]) for event in events] == [other] * 3
    await house.who.got("PATCH", f"/api/v1/rules/{some['id']}", {"position": 1})
    swapped = await house.estimate(130)
    assert str((await house.owed(endpoint, swapped))[0]["subscription_id"]) == some["id"]
    await house.who.got("PATCH", f"/api/v1/rules/{some['id']}", {"is_active": False})
    await house.who.got("DELETE", f"/api/v1/rules/{many['id']}", code=204)
    own = await house.estimate(140)
    assert str((await house.owed(endpoint, own))[0]["subscription_id"]) == endpoint


async def test_an_endpoint_with_rules_may_have_no_list_of_its_own(house: House) -> None:
    endpoint = await house.endpoint()
    path = f"/api/v1/endpoints/{endpoint}"
    assert (await house.who.got("PATCH", path, {"events": []}, code=422))["errors"][0]["field"] == "events"
    made = await house.rule(endpoint, ESTIMATE, conditions=[MANY])
    assert (await house.who.got("PATCH", path, {"events": []}))["events"] == []
    for number, owed in ((90, 0), (110, 1)):
        assert len(await house.owed(endpoint, await house.estimate(number))) == owed
    await house.who.got("DELETE", path, code=204)
    await house.who.got("GET", f"/api/v1/rules/{made['id']}", code=404)
    assert [e.type for e in await house.town.events(house.wedding, "rule.removed")] == ["rule.removed"]


async def test_the_lane_is_by_type_severity_and_nearness_unless_the_rule_names_one(house: House) -> None:
    endpoint = await house.endpoint()
    near = House(house.town, house.who, await house.town.wedding(house.who))
    there = await near.endpoint()
    await house.town.admin.execute(
        """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
        values ($1, current_date, 'UTC', clock_timestamp() - interval '1 hour', clock_timestamp() + interval '9 hours')
        on conflict (wedding_id, "on") do update set live_from = excluded.live_from,
          live_until = excluded.live_until""",
        UUID(near.wedding),
    )
    lanes = []
    for where, to in ((house, endpoint), (near, there)):
        await where.who.got("PATCH", f"/api/v1/weddings/{where.wedding}", {"ceremony_venue": "The Old Barn"})
        (severe,) = await where.town.events(where.wedding, "wedding.venue_changed")
        lanes.append([(await where.owed(to, event))[0]["lane"] for event in (severe.id, await where.estimate(90))])
    assert lanes == [[0, 2], [0, 1]]
    told = await near.why((await near.town.events(near.wedding, ESTIMATE))[0].id)
    assert [step["lane"] for step in told["happened"][0]["lane_steps"]] == [2, 1]
    assert "24 hours" in told["happened"][0]["lane_steps"][1]["why"]


async def test_a_severe_allergy_is_more_urgent_and_can_be_asked_for(house: House) -> None:
    endpoint = await house.endpoint()
    await house.rule(endpoint, "needs.*", conditions=[{"field": "severity", "operator": "is", "value": "high"}])
    guest = await house.who.got("POST", f"/api/v1/weddings/{house.wedding}/guests", {"first_name": "Carla"}, code=201)
    lanes = []
    for severity in ("mild", "anaphylaxis"):
        needs = {"allergens": [{"key": "peanuts", "severity": severity}]}
        await house.who.got("PUT", f"/api/v1/guests/{guest['id']}/needs", needs, code=204)
        event = (await house.town.events(house.wedding, "needs.changed"))[-1]
        (owed,) = await house.owed(endpoint, event.id)
        lanes.append((owed["lane"], str(owed["subscription_id"]) != endpoint))
    assert lanes == [(1, False), (0, True)]


async def test_what_a_row_was_before_it_came_to_a_link_is_asked_of_by_no_condition(house: House) -> None:
    business, linked = await business_of(house)
    endpoint = await business.endpoint("task.*")
    asked = [{"field": "old_record.title", "operator": "is", "value": "Secret"}]
    rule = await business.rule(endpoint, "task.*", conditions=asked)
    task = await house.who.got("POST", f"/api/v1/weddings/{house.wedding}/tasks", {"title": "Secret"}, code=201)
    await house.who.got("POST", f"/api/v1/tasks/{task['id']}/assign", {"link_id": linked.link})
    await house.who.got("PATCH", f"/api/v1/tasks/{task['id']}", {"title": "Open"})
    rows = await house.owed(endpoint)
    takers = [(row["type"], str(row["subscription_id"]) == rule["id"]) for row in rows]
    assert [taker for taker in takers if taker[0] == "task.assigned"] == [("task.assigned", False)]
    assert takers[-1] == ("task.changed", True)


async def test_what_a_supplier_may_not_see_reaches_no_rule_preview_or_explanation(house: House) -> None:
    business, _ = await business_of(house, "basic")
    endpoint = await business.endpoint()
    await business.rule(endpoint, "*")
    await house.who.got("POST", f"/api/v1/weddings/{house.wedding}/guests", {"first_name": "Carla"}, code=201)
    (hidden,) = await house.town.events(house.wedding, "guest.added")
    assert await house.owed(endpoint, hidden.id) == []
    await business.who.got("GET", f"{business.path}/events/{hidden.id}/routing", code=404)
    tried = await business.who.got("POST", f"{business.path}/rules/preview", {"types": ["guest.*", "wedding.*"]})
    assert {item["type"].partition(".")[0] for item in tried["items"]} == {"wedding"}
    rule = await business.rule(endpoint, "guest.*", "wedding.*")
    path = f"/api/v1/rules/{rule['id']}/test"
    await business.who.got("POST", path, {"event_id": str(hidden.id)}, code=404)


async def test_a_draft_is_tried_on_real_past_events_and_shaped(house: House) -> None:
    for number in (90, 110, 120):
        await house.estimate(number)
    shape = [
        {"target": "guests.expected", "source": "record.guest_estimate"},
        {"target": "couple", "source": "record.couple_names", "transform": "upper"},
        {"target": "source", "constant": "wedsync"},
        {"target": "nothing", "source": "record.no_such", "default": "-"},
    ]
    draft = {"types": [ESTIMATE], "conditions": [MANY], "shape": shape}
    tried = await house.who.got("POST", f"{house.path}/rules/preview", draft)
    assert (tried["considered"], tried["matched"]) == (3, 2)
    assert [item["failed"] for item in tried["items"]] == [[], [], [0]]
    assert tried["items"][0]["body"]["type"] == ESTIMATE
    data = {"guests": {"expected": 120}, "couple": "ANA & BEN", "source": "wedsync", "nothing": "-"}
    assert tried["items"][0]["body"]["data"] == data
    assert tried["items"][2]["body"] is None
    few = await house.who.got("POST", f"{house.path}/rules/preview", {"types": ["*"], "limit": 2})
    assert (few["considered"], few["items"][0]["body"]["data"]["op"]) == (2, "UPDATE")


async def test_sealed_images_are_opened_in_a_preview_for_whom_they_are(house: House) -> None:
    guest = {"first_name": "Carla", "needs": {"allergens": [], "note": "No nuts"}}
    await house.who.got("POST", f"/api/v1/weddings/{house.wedding}/guests", guest, code=201)
    draft = {"types": ["needs.*"], "shape": [{"target": "note", "source": "record.note"}]}
    tried = await house.who.got("POST", f"{house.path}/rules/preview", draft)
    assert tried["items"][0]["body"]["data"] == {"note": "No nuts"}


async def test_a_test_is_a_delivery_of_a_past_event_and_marked(house: House) -> None:
    endpoint = await house.endpoint()
    rule = await house.rule(endpoint, ESTIMATE, conditions=[MANY], is_active=False)
    path = f"/api/v1/rules/{rule['id']}/test"
    assert (await house.who.got("POST", path, code=409))["code"] == "nothing_to_send"
    past = [await house.estimate(number) for number in (110, 90)]
    sent = await house.who.got("POST", path, code=202)
    assert sent["event_id"] == str(past[0])
    named = await house.who.got("POST", path, {"event_id": str(past[1])}, code=202)
    assert named["event_id"] == str(past[1])
    told = await house.why(past[0])
    assert [(owed["is_test"], owed["rule_id"]) for owed in told["happened"]] == [(False, None), (True, rule["id"])]
    (marked,) = [d for d in await deliveries(house) if d["id"] == sent["delivery_id"]]
    assert (marked["type"], marked["is_test"]) == (ESTIMATE, True)


async def deliveries(house: House) -> list[Any]:
    return list((await house.who.got("GET", f"{house.path}/deliveries"))["items"])


async def test_quiet_hours_hold_what_is_not_urgent_and_not_the_rest(house: House) -> None:
    endpoint = await house.endpoint()
    zone = "Pacific/Kiritimati"
    hours = await house.town.admin.fetchrow(
        """select to_char(t - interval '1 hour', 'HH24:MI') as begun, to_char(t + interval '2 hours', 'HH24:MI') as ends
        from (select clock_timestamp() at time zone $1 as t) x""",
        zone,
    )
    quiet = {"zone": zone, "from": hours["begun"], "until": hours["ends"]}
    await house.rule(endpoint, ESTIMATE, quiet=quiet)
    await house.rule(endpoint, "wedding.venue_changed", quiet=quiet)
    (held,) = await house.owed(endpoint, await house.estimate(90))
    assert (held["state"], held["reason"]) == ("deferred", "held by the quiet hours of its rule")
    run_at = await house.town.admin.fetchval(
        "select run_at from jobs where event_id = $1 and kind = 'delivery'", held["event_id"]
    )
    assert run_at == held["next_at"]
    until = await house.town.admin.fetchval("select $1::timestamptz - clock_timestamp()", run_at)
    assert 7000 < until.total_seconds() <= 7200
    await house.who.got("PATCH", f"/api/v1/weddings/{house.wedding}", {"ceremony_venue": "The Old Barn"})
    (venue,) = await house.town.events(house.wedding, "wedding.venue_changed")
    assert [row["state"] for row in await house.owed(endpoint, venue.id)] == ["pending"]
    now = (await house.why(held["event_id"]))["now"][0]
    assert (now["answer"], now["held_until"] is not None) == ("held", True)


async def test_a_rules_test_pushes_nothing_its_endpoint_could_not_have_been_sent(house: House) -> None:
    before = await house.estimate(80)
    endpoint = await house.endpoint()
    rule = await house.rule(endpoint, ESTIMATE)
    path = f"/api/v1/rules/{rule['id']}/test"
    assert (await house.who.got("POST", path, code=409))["code"] == "nothing_to_send"
    assert (await house.who.got("POST", path, {"event_id": str(before)}, code=409))["code"] == "event_not_heard"
    await house.who.got("PATCH", f"/api/v1/weddings/{house.wedding}", {"ceremony_venue": "The Old Barn"})
    (other,) = await house.town.events(house.wedding, "wedding.venue_changed")
    assert (await house.who.got("POST", path, {"event_id": str(other.id)}, code=409))["code"] == "event_not_heard"
    await house.who.got("POST", path, {"event_id": str(UUID(int=7))}, code=404)
    assert [d for d in await deliveries(house) if d["is_test"]] == []


async def test_a_rules_test_shares_the_limit_of_tests_and_is_not_sent_again(house: House) -> None:
    endpoint = await house.endpoint()
    rule = await house.rule(endpoint, ESTIMATE)
    path, page = f"/api/v1/rules/{rule['id']}/test", f"/me/{house.wedding}/webhooks/rules/{rule['id']}"
    event = await house.estimate(90)
    await house.who.got("PATCH", f"/api/v1/endpoints/{endpoint}", {"state": "paused"})
    assert (await house.who.got("POST", path, code=409))["code"] == "endpoint_inactive"
    assert (await house.who.send(f"{page}/test")).headers["location"] == f"{page}?said=inactive"
    await house.who.got("PATCH", f"/api/v1/endpoints/{endpoint}", {"state": "active"})
    sent = [(await house.who.got("POST", path, code=202))["delivery_id"] for _ in range(15)]
    for _ in range(15):
        await house.who.got("POST", f"/api/v1/endpoints/{endpoint}/test", {"type": ESTIMATE}, code=202)
    refused = await house.who.ask("POST", path)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert (await house.who.send(f"{page}/test")).headers["location"] == f"{page}?said=many"
    await house.town.admin.execute("update deliveries set state = 'delivered' where event_id = $1", event)
    assert (await house.who.got("POST", f"/api/v1/deliveries/{sent[0]}/replay", code=409))["code"] == "is_test"
    again = f"/me/{house.wedding}/webhooks/{endpoint}/deliveries/{sent[0]}/replay"
    assert (await house.who.send(again)).status_code == 409
    rows = await house.town.admin.fetch("select is_test, expires_at from deliveries where event_id = $1", event)
    assert [row["is_test"] for row in rows].count(True) == 15
    assert all(row["expires_at"] for row in rows if row["is_test"])


async def test_an_endpoint_has_room_for_twenty_rules(house: House) -> None:
    endpoint, other = await house.endpoint(), await house.endpoint()
    for _ in range(20):
        await house.rule(endpoint)
    assert (await house.rule(endpoint, code=409))["code"] == "too_many_rules"
    moving = await house.rule(other)
    path = f"/api/v1/rules/{moving['id']}"
    assert (await house.who.got("PATCH", path, {"endpoint_id": endpoint}, code=409))["code"] == "too_many_rules"
    page = f"/me/{house.wedding}/webhooks/rules"
    form: dict[str, Any] = {"name": "Over", "endpoint_id": endpoint, "types": ["wedding.*"], "is_active": "on"}
    changing: dict[str, Any] = {"version": "1"}
    for at, more in ((page, {"id": str(UUID(int=9))}), (f"{page}/{moving['id']}", changing)):
        answer = await house.who.send(at, **(form | more))
        assert (answer.status_code, "has 20 rules already" in answer.text) == (422, True)
