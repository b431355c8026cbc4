"""The demo's wedding of today shows a day as it goes, and the one ahead has a plan for rain."""

from datetime import timedelta

import pytest

from tests.contracts.town import Town
from wedsync.kit import clock
from wedsync.processes import demo


@pytest.fixture
def town(own_town: Town) -> Town:
    """The demo's weddings are all there are."""
    return own_town


async def test_the_demo_shows_who_is_there_what_was_amended_and_a_plan_for_rain(town: Town) -> None:
    told = await demo.build(town.settings)
    there = await town.admin.fetch(
        """select r.state, r.contact_name, w.couple_names from arrivals r join weddings w using (wedding_id)
        where r.confirmed_at is not null and w.couple_names = 'Noor & Max' order by r.contact_name"""
    )
    assert [tuple(row) for row in there] == [
        ("on_site", "Carla Sample", "Noor & Max"),
        ("on_site", "Vera Venue", "Noor & Max"),
    ]
    amended = await town.admin.fetch("select number, kind, title, reason from amendments order by number")
    assert [(row["number"], row["kind"], row["title"]) for row in amended] == [
        (1, "change", "Dinner"),
        (2, "announce", "Taxis leave from the east gate"),
    ]
    gate = await town.admin.fetchrow("select wedding_id, state, decide_by, next_at from weather_gates")
    assert str(gate["wedding_id"]) == told["wedding_id"] and gate["state"] == "waiting"
    assert gate["decide_by"] > clock.now() + timedelta(days=50)
    assert await demo.build(town.settings), "built once"
    assert await town.admin.fetchval("select count(*) from amendments") == 2
