"""Why an event went where it went: every row, rule and endpoint, and never anything else than what was recorded."""

import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio

from tests.contracts.rule_house import ESTIMATE, MANY, House, business_of, newly_wed
from tests.contracts.town import Linked, Town, built
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings

SEED = 20261121


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    async with built(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def house(town: Town) -> House:
    return await newly_wed(town)


async def test_an_explanation_says_which_row_which_rule_and_which_endpoint(house: House) -> None:
    first, second = await house.endpoint("wedding.*"), await house.endpoint("task.*")
    off = await house.rule(first, ESTIMATE, is_active=False, name="Off")
    small = await house.rule(first, ESTIMATE, name="Small", conditions=[MANY, MANY | {"operator": "less", "value": 50}])
    taker = await house.rule(first, ESTIMATE, name="Taker", lane=3)
    event = await house.estimate(200)
    await house.who.got("PATCH", f"/api/v1/endpoints/{first}", {"state": "paused"})
    told = await house.why(event)
    answers = {(v["rule_id"] or v["endpoint_id"]): v for v in told["now"]}
    assert [answers[r["id"]]["answer"] for r in (off, small, taker)] == ["off", "condition", "waits"]
    assert answers[small["id"]]["failed"] == [1]
    assert answers[small["id"]]["words"] == "Not so: Guest estimate is less than 50."
    assert (answers[first]["answer"], answers[first]["taken_by"]) == ("earlier_rule", taker["id"])
    assert answers[second]["answer"] == "other_type"
    assert answers[taker["id"]]["words"] == "It takes it, and it waits: paused by its owner."
    reason = "update endpoints set state_reason = 'The receiver answered 410.' where id = $1"
    await house.town.admin.execute(reason, UUID(first))
    words = {v["rule_id"]: v["words"] for v in (await house.why(event))["now"]}
    assert words[taker["id"]] == "It takes it, and it waits: The receiver answered 410."
    assert answers[taker["id"]]["lane_steps"] == [{"why": "the rule names its lane", "lane": 3}]
    (owed,) = told["happened"]
    assert (owed["rule_id"], owed["endpoint_id"], owed["lane"]) == (taker["id"], first, 3)
    await house.who.got("GET", f"{house.path}/events/{uuid4()}/routing", code=404)


CHOICES: list[list[dict[str, Any]]] = [
    [],
    [MANY],
    [MANY | {"operator": "is", "value": 100}],
    [{"field": "record.guest_estimate", "operator": "changed"}],
    [{"field": "record.couple_names", "operator": "changed"}],
    [{"field": "record.couple_names", "operator": "contains", "value": "BEN"}, MANY | {"operator": "is_not"}],
    [
        {"field": "op", "operator": "is", "value": "UPDATE"},
        {"field": "old_record.guest_estimate", "operator": "absent"},
    ],
    [{"field": "severity", "operator": "is", "value": "high"}],
]


async def test_what_is_explained_is_what_was_recorded_over_random_rules(house: House) -> None:
    """Endpoints and rules at random; each event's explanation, asked before anything else changes, is the ledger's."""
    dice = random.Random(SEED)
    business, linked = await business_of(house, "standard")
    desks = [(house, [await house.endpoint("wedding.*"), await house.endpoint("*")])]
    desks.append((business, [await business.endpoint("wedding.*", "task.*")]))
    made: list[tuple[House, str]] = []
    for step in range(18):
        desk, endpoints = dice.choice(desks)
        if made and dice.random() < 0.4:
            owner, id = dice.choice(made)
            change = dice.choice(
                [
                    {"is_active": dice.random() < 0.6},
                    {"conditions": dice.choice(CHOICES)},
                    {"lane": dice.choice([None, 1])},
                ]
            )
            await owner.who.got("PATCH", f"/api/v1/rules/{id}", change | {"position": dice.randint(1, 4)})
        else:
            types = dice.choice([["wedding.*"], [ESTIMATE], ["*"], ["task.*", "wedding.changed"]])
            conditions = dice.choice(CHOICES) if types != ["task.*", "wedding.changed"] else []
            rule = await desk.rule(dice.choice(endpoints), *types, conditions=conditions)
            made.append((desk, rule["id"]))
        await _something(house, dice, step, linked)
        event = (await house.town.events(house.wedding))[-1]
        for desk, endpoints in desks:
            await _agrees(desk, endpoints, event.id)


async def _something(house: House, dice: random.Random, step: int, linked: Linked) -> None:
    what = dice.randrange(4)
    if what == 0:
        await house.estimate(50 + step * 7)
    elif what == 1:
        fields = {"couple_names": f"Ana & Ben {step}"}
        await house.who.got("PATCH", f"/api/v1/weddings/{house.wedding}", fields)
    elif what == 2:
        fields = {"ceremony_venue": f"Barn {step}"}
        await house.who.got("PATCH", f"/api/v1/weddings/{house.wedding}", fields)
    else:
        asked = {"title": f"Task {step}", "link_id": linked.link}
        await house.who.got("POST", f"/api/v1/weddings/{house.wedding}/tasks", asked, code=201)


async def _agrees(desk: House, endpoints: list[str], event: UUID) -> None:
    answer = await desk.who.ask("GET", f"{desk.path}/events/{event}/routing")
    owed = [row for endpoint in endpoints for row in await desk.owed(endpoint, event)]
    if answer.status_code == 404:
        assert owed == []
        return
    told = answer.json()
    would = {(v["rule_id"] or v["endpoint_id"], v["lane"]) for v in told["now"] if v["answer"] == "takes"}
    assert would == {(str(row["subscription_id"]), row["lane"]) for row in owed}
    assert {(o["rule_id"] or o["endpoint_id"], o["lane"]) for o in told["happened"]} == would


async def test_conditions_are_asked_only_of_types_that_a_rule_asks_for(house: House) -> None:
    """Everybody's rules are asked while a wedding is held: a condition that cannot be asked at all shows when it is."""
    rule = await house.rule(await house.endpoint(), "task.*")
    asked = """update subscriptions set condition = '$unknown == 1',
          patterns = array(select 'task.' || n || '%' from generate_series(1, 500) n) || '{task.%}' where id = $1"""
    await house.town.admin.execute(asked, UUID(rule["id"]))
    # The planner knows then that the types of this rule are dear to look through.
    await house.town.admin.execute("analyze subscriptions")
    await house.estimate(90)
    task = await house.who.ask("POST", f"/api/v1/weddings/{house.wedding}/tasks", {"title": "Cake"})
    assert task.status_code == 500
