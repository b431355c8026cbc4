"""What the schedule refuses, to whom and why; what is refused changes nothing."""

import asyncio
from datetime import date, time
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.one_wedding import Place, Stage, Wedding
from wedsync.kit.errors import Refusal
from wedsync.schedule import actions, model
from wedsync.schedule.rows import After, MoveItem, NewContact, NewItem, PlannedItem


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


async def refused(call: Any) -> Refusal:
    with pytest.raises(Refusal) as found:
        await call
    return found.value


@pytest.mark.parametrize("who", ["photographer", "dora", "florist"])
async def test_who_may_not_edit_the_timeline_changes_nothing(wedding: Wedding, who: str) -> None:
    item = await add(wedding, "Cake", time(18))
    place: Place = getattr(wedding, who)
    hidden = 404 if who == "florist" else 403
    async with wedding.as_(place) as tx:
        assert (await refused(actions.change(tx, item, {"title": "Mine"}))).status == hidden
        assert (await refused(actions.move(tx, item, MoveItem(by_minutes=5)))).status == hidden
        assert (await refused(actions.preview(tx, item, MoveItem(by_minutes=5)))).status == hidden
        assert (await refused(actions.remove(tx, item))).status == hidden
        assert (await refused(actions.add(tx, NewItem(title="Mine", at_local=time(9))))).status == 403
    with pytest.raises(Refusal) as found:
        async with wedding.as_(place) as tx:
            await actions.add_contact(tx, NewContact(name="Me"))
    assert found.value.status == 403


async def test_a_planner_edits_the_timeline_but_neither_the_core_nor_guests_matters(wedding: Wedding) -> None:
    mine = await add(wedding, "Set-up", time(8), who=wedding.planner, owner_link_id=wedding.planner.id)
    ceremony = await add(wedding, "Ceremony", time(14), kind="ceremony", after=[After(item_id=mine)])
    theirs = await add(wedding, "Tasting", time(10), who=wedding.planner, kind="brunch")
    assert not (await plan(wedding))[theirs].takes_rsvps
    for call in (
        lambda tx: actions.move(tx, ceremony, MoveItem(by_minutes=5)),
        lambda tx: actions.move(tx, mine, MoveItem(by_minutes=5)),
        lambda tx: actions.change(tx, theirs, {"takes_rsvps": True, "audience": "invited"}),
        lambda tx: actions.add(tx, NewItem(title="Open house", at_local=time(9), audience="public")),
    ):
        with pytest.raises(Refusal) as found:
            async with wedding.as_(wedding.planner) as tx:
                await call(tx)
        assert found.value.status == 403
    assert await clock(wedding, ceremony) == time(14)
    async with wedding.as_(wedding.planner) as tx:
        await actions.move(tx, theirs, MoveItem(by_minutes=5))
        assert (await refused(actions.change(tx, theirs, {"owner_link_id": wedding.photographer.id}))).status == 422


async def test_whoever_moved_something_is_not_asked_to_confirm_it(wedding: Wedding) -> None:
    cake = await add(wedding, "Cake", time(18))
    async with wedding.as_(wedding.planner) as tx:
        await actions.move(tx, cake, MoveItem(by_minutes=15))
    assert (await wedding.asked())[f"schedule_items:{cake}"] == {wedding.photographer.id}


async def test_a_stale_version_is_told_what_is_there_now(wedding: Wedding) -> None:
    cake = await add(wedding, "Cake", time(18))
    async with wedding.as_(wedding.ana) as tx:
        assert await actions.change(tx, cake, {"place": "Hall"}, version=1) == 2
    async with wedding.as_(wedding.ben) as tx:
        error = await refused(actions.change(tx, cake, {"place": "Barn"}, version=1))
        assert (error.status, error.extra["current"]["place"], error.headers["ETag"]) == (412, "Hall", '"2"')  # type: ignore[index]
        assert (await refused(actions.remove(tx, cake, version=1))).status == 412
        assert await actions.change(tx, cake, {"place": "Hall"}, version=2) == 2
    assert len(await wedding.events("schedule_item.changed")) == 1


async def test_an_item_guests_answered_for_is_not_removed_by_anybody(wedding: Wedding) -> None:
    item = await add(wedding, "Dinner", time(18), takes_rsvps=True)
    admin = wedding.admin
    party = await admin.fetchval("insert into parties (wedding_id, name) values ($1, 'P') returning id", wedding.id)
    guest = await admin.fetchval(
        "insert into guests (wedding_id, party_id, display_name, name_sort) values ($1, $2, 'C', 'c') returning id",
        *(wedding.id, party),
    )
    await admin.execute(
        "insert into rsvps (wedding_id, guest_id, schedule_item_id, party_id) values ($1, $2, $3, $4)",
        *(wedding.id, guest, item, party),
    )
    for who in (wedding.ana, wedding.planner):
        async with wedding.as_(who) as tx:
            error = await refused(actions.remove(tx, item))
        assert (error.status, error.code) == (409, "has_answers")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"owner_link_id": UUID(int=7)}, "owner_link_id"),
        ({"owner_membership_id": UUID(int=7)}, "owner_membership_id"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"after": [After(item_id=UUID(int=7))]}, "after[0].item_id"),
        ({"takes_rsvps": True}, "audience"),
        ({"on": date(9999, 12, 31)}, "on"),
        ({"title": "\u0007"}, "title"),
    ],
)
async def test_what_cannot_be_taken_changes_nothing(wedding: Wedding, fields: dict[str, Any], field: str) -> None:
    item = await add(wedding, "Cake", time(18))
    events = await wedding.events()
    async with wedding.as_(wedding.ana) as tx:
        error = await refused(actions.change(tx, item, fields))
    assert (error.status, [e.field for e in error.errors]) == (422, [field])
    assert await wedding.events() == events


async def test_a_circle_is_refused_with_its_titles(wedding: Wedding) -> None:
    ceremony, _, drinks, _ = await the_day(wedding)
    async with wedding.as_(wedding.ana) as tx:
        error = await refused(actions.change(tx, ceremony, {"after": [After(item_id=drinks)]}))
    assert (error.status, error.code) == (422, "dependency_cycle")
    assert all(title in error.detail for title in ("Ceremony", "Photographs", "Drinks"))


async def test_two_who_link_items_at_once_never_make_a_circle(wedding: Wedding) -> None:
    one, two = await add(wedding, "One", time(9)), await add(wedding, "Two", time(9))

    async def link(who: Any, item: UUID, after: UUID) -> None:
        async with wedding.as_(who) as tx:
            await actions.change(tx, item, {"after": [After(item_id=after)]})

    both = await asyncio.gather(link(wedding.ana, one, two), link(wedding.ben, two, one), return_exceptions=True)
    (error,) = [e for e in both if e is not None]
    assert isinstance(error, Refusal)
    assert error.code == "dependency_cycle"


async def test_a_schedule_is_full_at_some_point(wedding: Wedding) -> None:
    await wedding.admin.execute(
        """insert into schedule_items (wedding_id, title, "on", at_local, zone)
        select $1, 'Item ' || n, '2027-06-05', '12:00', 'Europe/London' from generate_series(1, $2) n""",
        *(wedding.id, model.ITEMS_MAX),
    )
    async with wedding.as_(wedding.ana) as tx:
        error = await refused(actions.add(tx, NewItem(title="One more", at_local=time(9))))
    assert (error.status, error.code) == (409, "schedule_full")


async def test_on_day_contacts_are_kept_and_told(wedding: Wedding) -> None:
    async with wedding.as_(wedding.ana) as tx:
        contact = await actions.add_contact(tx, NewContact(name=" Dora ", phone="+44 20 7946 0018"))
        assert await actions.change_contact(tx, contact, {"what": "Keys"}, version=1) == 2
        assert await actions.change_contact(tx, contact, {"what": "Keys"}) == 2
        assert (await refused(actions.change_contact(tx, contact, {"what": "Cars"}, version=1))).status == 412
        assert (await refused(actions.remove_contact(tx, contact, version=1))).status == 412
    async with wedding.as_(wedding.photographer) as tx:
        assert (await refused(actions.change_contact(tx, contact, {"what": "Mine"}))).status == 403
        assert (await refused(actions.remove_contact(tx, contact))).status == 403
    async with wedding.as_(wedding.florist) as tx:
        assert (await refused(actions.change_contact(tx, contact, {"what": "Mine"}))).status == 404
        assert (await refused(actions.remove_contact(tx, contact))).status == 404
    async with wedding.as_(wedding.ana) as tx:
        await actions.remove_contact(tx, contact, version=2)
    assert await wedding.seen_by(wedding.photographer, "day_contacts") == [
        ("day_contact.added", "INSERT"),
        ("day_contact.changed", "UPDATE"),
        ("day_contact.removed", "DELETE"),
    ]
    assert await wedding.seen_by(wedding.florist, "day_contacts") == []
