"""The schedule through the user door: what a write records, who is asked, whom it lets, and what follows from it."""

import asyncio
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.contracts.one_wedding import ON, Stage, Wedding
from wedsync.kit.zones import zones
from wedsync.schedule import actions, model
from wedsync.schedule.rows import After, MoveItem, NewItem, PlannedItem
from wedsync.weddings import actions as weddings


@pytest_asyncio.fixture
async def wedding(stage: Stage) -> Wedding:
    return await stage.wedding()


async def add(wedding: Wedding, title: str, at: time, *, who: Any = None, **more: Any) -> UUID:
    async with wedding.as_(who or wedding.ana) as tx:
        return await actions.add(tx, NewItem(title=title, at_local=at, **more))


async def plan(wedding: Wedding) -> dict[UUID, PlannedItem]:
    async with wedding.as_(wedding.ana) as tx:
        return actions.planned(await tx.rows(actions.queries.plan))


async def clock(wedding: Wedding, item_id: UUID) -> time:
    return (await plan(wedding))[item_id].at_local


async def the_day(wedding: Wedding) -> tuple[UUID, UUID, UUID, UUID]:
    """Ceremony, photographs by the photographer, drinks, and a coach that leaves when it leaves."""
    ceremony = await add(wedding, "Ceremony", time(14), kind="ceremony", minutes=45, buffer_minutes=15)
    photos = await add(
        wedding, "Photographs", time(15), after=[After(item_id=ceremony)], owner_link_id=wedding.photographer.id
    )
    drinks = await add(wedding, "Drinks", time(15, 30), minutes=60, after=[After(item_id=photos)])
    coach = await add(wedding, "Coach", time(16, 45), is_anchored=True, after=[After(item_id=drinks, lag_minutes=0)])
    return ceremony, photos, drinks, coach


async def test_an_item_takes_day_and_zone_of_the_wedding_and_makes_it_a_wedding_day(wedding: Wedding) -> None:
    item_id = await add(wedding, "  Cake\u0000 ", time(16, 30))
    item = (await plan(wedding))[item_id]
    assert (item.title, item.on, item.zone, item.takes_rsvps, item.audience) == (
        "Cake",
        ON,
        "Europe/London",
        False,
        "linked",
    )
    assert [(e.type, e.op, e.scope) for e in (await wedding.events())[-2:]] == [
        ("schedule_item.added", "INSERT", 2),
        ("wedding_day.added", "INSERT", 1),
    ]
    async with wedding.as_(wedding.florist) as tx:
        (day,) = await tx.rows(actions.queries.days)
    assert (day["live_from"], day["live_until"]) == (
        item.starts_at - timedelta(hours=2),
        item.ends_at + timedelta(hours=2),
    )


async def test_the_first_ceremony_sets_the_core_time_and_takes_rsvps(wedding: Wedding) -> None:
    item_id = await add(wedding, "Ceremony", time(14), kind="ceremony")
    assert (await plan(wedding))[item_id].takes_rsvps
    (event,) = await wedding.events("wedding.times_changed")
    assert event.record is not None
    assert event.record["ceremony_at"] == "14:00:00"
    await wedding.react()
    assert len(await wedding.events("wedding.times_changed")) == 1
    assert await wedding.events("schedule_item.rippled") == []


async def test_a_move_ripples_and_is_one_event_that_owes_something(wedding: Wedding) -> None:
    ceremony, photos, drinks, coach = await the_day(wedding)
    before = len(await wedding.events())
    async with wedding.as_(wedding.ana) as tx:
        moved = await actions.move(tx, ceremony, MoveItem(at_local=time(14, 30)))
    assert [(m.title, m.after.at_local) for m in moved.moves] == [
        ("Ceremony", time(14, 30)),
        ("Photographs", time(15, 30)),
        ("Drinks", time(16)),
    ]
    assert [(c.title, c.after_title) for c in moved.conflicts] == [("Coach", "Drinks")]
    assert [(c.field, c.before, c.after) for c in moved.core] == [("ceremony_at", time(14), time(14, 30))]
    new = [e for e in (await wedding.events())[before:] if not e.type.startswith("acknowledgement")]
    assert [(e.type, e.bulk, e.subject.id) for e in new if e.subject.table == "schedule_items"] == [
        ("schedule_item.moved", False, ceremony),
        ("schedule_item.rippled", True, photos),
        ("schedule_item.rippled", True, drinks),
        ("schedule.rippled", False, ceremony),
    ]
    assert {e.type for e in new} >= {"wedding.times_changed", "wedding_day.changed"}
    assert len({e.cause for e in new}) == 1
    assert (await clock(wedding, coach)) == time(16, 45)
    await wedding.react()
    assert [await clock(wedding, i) for i in (ceremony, photos, drinks)] == [time(14, 30), time(15, 30), time(16)]


async def test_a_preview_says_the_same_and_writes_nothing(wedding: Wedding) -> None:
    ceremony, *_ = await the_day(wedding)
    events = await wedding.events()
    async with wedding.as_(wedding.ana) as tx:
        shown = await actions.preview(tx, ceremony, MoveItem(by_minutes=30))
    assert await wedding.events() == events
    async with wedding.as_(wedding.ana) as tx:
        moved = await actions.move(tx, ceremony, MoveItem(by_minutes=30))
    assert (shown.moves, shown.conflicts, shown.core) == (moved.moves, moved.conflicts, moved.core)
    assert (shown.is_saved, moved.is_saved, moved.version - shown.version) == (False, True, 1)


async def test_the_owner_of_what_moved_is_asked_and_nobody_else(wedding: Wedding) -> None:
    _, photos, drinks, _ = await the_day(wedding)
    async with wedding.as_(wedding.ana) as tx:
        await actions.change(tx, drinks, {"after": []})
        await actions.move(tx, photos, MoveItem(by_minutes=5))
    assert (await wedding.asked())[f"schedule_items:{photos}"] == {wedding.photographer.id}


async def test_where_something_without_owner_moved_all_who_see_the_schedule_are_asked(wedding: Wedding) -> None:
    cake = await add(wedding, "Cake", time(18))
    async with wedding.as_(wedding.ana) as tx:
        await actions.move(tx, cake, MoveItem(by_minutes=15))
    assert (await wedding.asked())[f"schedule_items:{cake}"] == {wedding.planner.id, wedding.photographer.id}


async def test_a_helpers_item_asks_no_supplier(wedding: Wedding) -> None:
    rings = await add(wedding, "Rings", time(13), owner_membership_id=wedding.dora.id)
    async with wedding.as_(wedding.ana) as tx:
        await actions.move(tx, rings, MoveItem(by_minutes=-15))
    assert f"schedule_items:{rings}" not in await wedding.asked()


async def test_a_new_place_asks_the_owner_and_a_new_title_nobody(wedding: Wedding) -> None:
    shoot = await add(wedding, "Shoot", time(15), owner_link_id=wedding.photographer.id)
    async with wedding.as_(wedding.ana) as tx:
        await actions.change(tx, shoot, {"title": "Portraits"})
    assert f"schedule_items:{shoot}" not in await wedding.asked()
    async with wedding.as_(wedding.ana) as tx:
        await actions.change(tx, shoot, {"place": "Orchard"})
    assert (await wedding.asked())[f"schedule_items:{shoot}"] == {wedding.photographer.id}


async def test_a_dependant_moved_by_hand_keeps_its_gap_from_then_on(wedding: Wedding) -> None:
    ceremony, photos, drinks, _ = await the_day(wedding)
    async with wedding.as_(wedding.ana) as tx:
        await actions.move(tx, photos, MoveItem(by_minutes=10))
        await actions.move(tx, ceremony, MoveItem(by_minutes=-60))
    assert [await clock(wedding, i) for i in (ceremony, photos, drinks)] == [time(13), time(14, 10), time(14, 40)]


async def test_letting_go_of_an_anchor_does_not_make_it_jump(wedding: Wedding) -> None:
    ceremony, _, _, coach = await the_day(wedding)
    async with wedding.as_(wedding.ana) as tx:
        await actions.change(tx, coach, {"is_anchored": False})
        await actions.move(tx, ceremony, MoveItem(by_minutes=5))
    assert await clock(wedding, coach) == time(16, 50)


async def test_removing_an_item_leaves_what_followed_it_where_it_is(wedding: Wedding) -> None:
    ceremony, photos, drinks, _ = await the_day(wedding)
    async with wedding.as_(wedding.ana) as tx:
        await actions.change(tx, drinks, {"after": [After(item_id=photos), After(item_id=ceremony)]})
        await actions.remove(tx, photos)
        await actions.move(tx, ceremony, MoveItem(by_minutes=20))
    assert await clock(wedding, drinks) == time(15, 50)
    assert [e.op for e in await wedding.events("schedule_item.removed")] == ["DELETE"]


async def test_days_come_and_go_with_their_items(wedding: Wedding) -> None:
    await add(wedding, "Ceremony", time(14))
    brunch = await add(wedding, "Brunch", time(11), on=ON + timedelta(days=1))
    late = await add(wedding, "Last dance", time(0, 30), on=ON + timedelta(days=1))
    async with wedding.as_(wedding.ana) as tx:
        await actions.remove(tx, brunch)
    types = [(e.type, (e.record or e.old_record or {})["on"]) for e in await wedding.events() if "day." in e.type]
    assert types == [
        ("wedding_day.added", "2027-06-05"),
        ("wedding_day.added", "2027-06-06"),
        ("wedding_day.changed", "2027-06-05"),
        ("wedding_day.removed", "2027-06-06"),
    ]
    async with wedding.as_(wedding.ana) as tx:
        (day,) = await tx.rows(actions.queries.days)
    assert day["live_until"] == (await plan(wedding))[late].ends_at + timedelta(hours=2)


async def test_two_first_items_at_once_make_one_day_that_holds_both(wedding: Wedding) -> None:
    await asyncio.gather(add(wedding, "Early", time(8)), add(wedding, "Late", time(22), who=wedding.planner))
    async with wedding.as_(wedding.ana) as tx:
        (day,) = await tx.rows(actions.queries.days)
    early, late = (await plan(wedding)).values()
    assert day["live_from"] == early.starts_at - timedelta(hours=2)
    assert day["live_until"] == late.ends_at + timedelta(hours=2)


async def test_another_date_takes_everything_along_at_its_local_time(wedding: Wedding) -> None:
    ids = await the_day(wedding)
    before = await plan(wedding)
    await wedding.change(on=date(2027, 12, 11))
    after = await plan(wedding)
    assert {after[i].on for i in ids} == {date(2027, 12, 11)}
    assert [after[i].at_local for i in ids] == [before[i].at_local for i in ids]
    rippled = await wedding.events("schedule_item.rippled")
    assert (len(rippled), all(e.bulk for e in rippled)) == (4, True)
    assert len(await wedding.events("schedule.rippled")) == 1
    assert {about for about in await wedding.asked() if about.startswith("schedule_items")} == set()


async def test_a_date_that_was_undecided_for_a_while_still_takes_everything_along(wedding: Wedding) -> None:
    ceremony, *_ = await the_day(wedding)
    await wedding.change(on=None)
    assert (await plan(wedding))[ceremony].on == ON
    await wedding.change(on=date(2027, 7, 3))
    assert (await plan(wedding))[ceremony].on == date(2027, 7, 3)


async def test_a_new_ceremony_time_moves_the_item_and_what_follows_but_not_the_reception(wedding: Wedding) -> None:
    ceremony, photos, drinks, _ = await the_day(wedding)
    reception = await add(wedding, "Dinner", time(17), kind="reception", after=[After(item_id=drinks)])
    await wedding.change(ceremony_at=time(13, 0))
    assert [await clock(wedding, i) for i in (ceremony, photos, drinks, reception)] == [
        time(13), time(14), time(14, 30), time(17),
    ]  # fmt: skip
    assert len(await wedding.events("wedding.times_changed")) == 3


async def test_an_overtaken_change_of_the_core_moves_nothing_back(wedding: Wedding) -> None:
    ceremony, *_ = await the_day(wedding)
    for hour in (12, 13):
        async with wedding.as_(wedding.ana) as tx:
            await weddings.change(tx, wedding.id, {"ceremony_at": time(hour)})
    await wedding.react()
    moves = [
        e.record["at_local"]
        for e in await wedding.events("schedule_item.rippled")
        if e.subject.id == ceremony and e.record
    ]
    assert moves == ["13:00:00"]


async def test_another_zone_of_the_wedding_keeps_local_times(wedding: Wedding) -> None:
    ceremony, photos, *_ = await the_day(wedding)
    await wedding.change(time_zone="Europe/Rome")
    after = await plan(wedding)
    assert [(after[i].zone, after[i].at_local) for i in (ceremony, photos)] == [
        ("Europe/Rome", time(14)),
        ("Europe/Rome", time(15)),
    ]


async def test_the_public_website_follows_the_schedule(wedding: Wedding) -> None:
    async with wedding.as_(wedding.ana) as tx:
        await weddings.put_site(tx, wedding.id, slug=f"ab-{uuid4().hex[:8]}", is_published=True, welcome="")
    item = await add(wedding, "Ceremony", time(14), audience="public")
    await wedding.react()
    async with wedding.as_(wedding.ana) as tx:
        await actions.move(tx, item, MoveItem(by_minutes=60))
    await wedding.react()
    last = (await wedding.events("site.changed"))[-1]
    assert last.record is not None
    assert [i["at_local"] for i in last.record["snapshot"]["items"]] == ["15:00:00"]


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Pacific/Auckland", "Australia/Lord_Howe"])
async def test_python_and_postgresql_agree_on_the_instant_of_every_hour_the_clocks_change(
    wedding: Wedding, zone: str
) -> None:
    days = [date(2026, m, d) for m in (3, 4, 9, 10, 11) for d in range(1, 31)]
    async with wedding.as_(wedding.ana) as tx:
        rows = await tx.rows(
            """select d::date as "on", t::time as at_local, timezone($1, d::date + t::time) as at
            from unnest($2::date[]) as d, generate_series(0, 1425, 15) as m, make_time(m / 60, m % 60, 0) as t""",
            *(zone, days),
        )
    assert [r for r in rows if model.instant(r["on"], r["at_local"], zone) != r["at"]] == []


async def test_postgresql_knows_every_zone_that_is_let_through(wedding: Wedding) -> None:
    async with wedding.as_(wedding.ana) as tx:
        known = {r["name"] for r in await tx.rows("select name from pg_timezone_names")}
    assert zones() - known == set()
