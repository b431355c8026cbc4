"""Guests, partners and reactions at the same time: nobody waits in a circle, nothing is lost, no limit is passed."""

import asyncio
import random
from uuid import UUID

import msgspec

from tests.contracts.guest_house import GuestHouse, Visitor, edited
from wedsync.guests import actions, letters, model, replies

COUNTED = """select schedule_item_id, invited, accepted, declined, tentative, pending, children, meals
    from headcounts where wedding_id = $1 order by 1"""
COUNTED_ANEW = """select r.schedule_item_id, count(*)::int, count(*) filter (where r.status = 'accepted')::int,
      count(*) filter (where r.status = 'declined')::int, count(*) filter (where r.status = 'tentative')::int,
      count(*) filter (where r.status = 'needs_action')::int,
      count(*) filter (where r.status = 'accepted' and g.age_band in ('child', 'infant'))::int,
      coalesce((select jsonb_object_agg(m.menu_option_id, m.n) from (select x.menu_option_id, count(*) as n from rsvps x
        where x.schedule_item_id = r.schedule_item_id and x.status = 'accepted' and x.menu_option_id is not null
        group by 1) m), '{}')
    from rsvps r join guests g on g.id = r.guest_id where r.wedding_id = $1 group by 1 order by 1"""


async def test_two_phones_bring_no_more_than_may_come(house: GuestHouse) -> None:
    party, _ = await house.party("Carla Mendes", plus_ones=1)
    path = await house.link(party)
    program = Visitor(house.app, accept="application/json")
    bodies = [{"plus_ones": [{"name": name, "schedule_item_ids": [str(house.dinner)]}]} for name in ("Zoë", "Max")]
    answers = await asyncio.gather(*(program.http.put(path, json=body) for body in bodies))
    assert sorted(a.status_code for a in answers) == [200, 422]
    assert await house.wedding.admin.fetchval("select count(*) from guests where party_id = $1", party) == 2


async def test_everybody_at_once(house: GuestHouse) -> None:
    """Forms of the couple, answers of guests, and the recount that follows them, all on the same rows."""
    ana, ben = await house.visitor(house.wedding.ana), await house.visitor(house.wedding.ben.actor)
    party, guests = await house.party("Carla Mendes", "Ola Mendes", "Tomás Mendes")
    path = await house.link(party)

    async def edit(visitor: Visitor, guest: UUID, **change: str) -> int:
        said = await edited(visitor, house, guest) | change
        by_script = await visitor.send(
            f"/me/{house.id}/guests/{guest}", said, by_script=True, If_Match=f'"{said["version"]}"'
        )
        return by_script.status_code

    async def answer(status: str, allergen: str) -> int:
        said = {f"{guest}.{house.dinner}": status for guest in guests}
        said |= {f"{guest}.note": "" for guest in guests} | {f"{guest}.allergen": allergen for guest in guests}
        return (await house.public.send(path, said)).status_code

    codes: list[int] = []
    for turn in range(6):
        status, allergen = ("accepted", "milk") if turn % 2 else ("declined", "eggs")
        done = await asyncio.gather(
            edit(ana, guests[turn % 3], table_label=str(turn)),
            edit(ben, guests[(turn + 1) % 3], phone=str(turn)),
            answer(status, allergen),
            house.react(),
            answer("accepted", "soy"),
        )
        codes += [code for code in done if isinstance(code, int)]
    assert set(codes) <= {200, 303, 412}
    await house.react()
    assert await house.wedding.admin.fetchval("select table_label from guests where id = $1", guests[5 % 3]) == "5"
    counted = await house.wedding.admin.fetchrow("select * from headcounts where schedule_item_id = $1", house.dinner)
    needy = await house.wedding.admin.fetchval(
        "select count(*) from rsvps where schedule_item_id = $1 and status = 'accepted'", house.dinner
    )
    assert counted["accepted"] == needy
    top = await house.wedding.admin.fetchval("select top from streams where id = $1", house.id)
    assert top == await house.wedding.admin.fetchval("select count(*) from events where stream_id = $1", house.id)


async def test_an_invitation_and_an_answer_become_mails(house: GuestHouse) -> None:
    ana = await house.visitor(house.wedding.ana)
    party, (carla, _) = await house.party("Carla Mendes", "Ola Mendes", email="carla@example.org")
    await ana.send(f"/me/{house.id}/parties/{party}/invite", {})
    path = await house.link(party)
    await house.public.send(
        path, {f"{carla}.{house.dinner}": "accepted", f"{carla}.{house.dinner}.menu": house.meals["Sea bass"]}
    )
    await house.react()
    rows = await house.wedding.admin.fetch(
        "select id, type, sealed from deliveries where tenant_id = $1 and recipient_kind = 'guest' order by made_at",
        house.id,
    )
    mails = {
        r["type"]: msgspec.json.decode(
            house.ring.open(r["sealed"], tenant=house.id, table="deliveries", column="sealed", row=r["id"])
        )
        for r in rows
    }
    assert set(mails) == {"party.invited", "rsvp.replied"}
    assert {mail["to"] for mail in mails.values()} == {"carla@example.org"}
    assert path in mails["party.invited"]["text"]
    assert "Sea bass" in mails["rsvp.replied"]["text"]


async def test_a_letter_says_what_was_answered(house: GuestHouse) -> None:
    party, (carla, _) = await house.party("Carla Mendes", "Ola Mendes", email="carla@example.org")
    silent, _ = await house.party("Nobody Reached")
    async with house.wedding.as_(house.wedding.ana) as tx:
        assert await letters.rsvp_summary(tx, house.ring, house.id, silent) is None
        before = await letters.rsvp_summary(tx, house.ring, house.id, party)
    assert before is not None
    assert (before.address, before.coming) == ("carla@example.org", False)
    await house.public.send(await house.link(party), {f"{carla}.{house.dinner}": "accepted"})
    async with house.wedding.as_(house.wedding.ana) as tx:
        letter = await letters.rsvp_summary(tx, house.ring, house.id, party)
    assert letter is not None
    assert letter.coming
    assert letter.lines == [("Carla Mendes", "Dinner; not yet Ceremony"), ("Ola Mendes", "not answered yet")]


async def test_moving_a_guest_takes_everything_along(house: GuestHouse) -> None:
    _, (carla,) = await house.party("Carla Mendes", email="carla@example.org")
    party, _ = await house.party("Ola Mendes")
    async with house.wedding.as_(house.wedding.ana) as tx:
        await actions.put_needs(tx, house.ring, house.id, carla, model.Needs(diets=["vegan"]))
        await actions.change_guest(tx, carla, {"party_id": party})
    for table in ("rsvps", "guest_contacts", "guest_needs"):
        rows = await house.wedding.admin.fetch(f"select distinct party_id from {table} where guest_id = $1", carla)
        assert [r["party_id"] for r in rows] == [party]
    moved = [e for e in await house.events("rsvp.invited", "contact.changed", "needs.changed") if e.bulk]
    assert sorted(e.subject.table for e in moved) == ["guest_contacts", "guest_needs", "rsvps", "rsvps"]
    assert len(await house.events("party.removed")) == 1


async def test_counted_by_changes_or_anew_the_numbers_are_the_same(house: GuestHouse) -> None:
    """Answers in any order, meals, ages, guests who come and go, some in one transaction: always what is there."""
    rng = random.Random(5)
    _, guests = await house.party(*(f"Guest {n}" for n in range(6)))
    statuses: list[model.Status] = ["accepted", "declined", "tentative", "needs_action"]
    for turn in range(60):
        guest, item = rng.choice(guests), rng.choice([house.dinner, house.ceremony])
        status = rng.choice(statuses)
        meal = rng.choice([*house.meals.values(), None]) if item == house.dinner and status == "accepted" else None
        async with house.wedding.as_(house.wedding.ana) as tx:
            if turn % 7 == 3:
                await actions.change_guest(tx, guest, {"age_band": rng.choice(["adult", "child", "infant"])})
            if turn % 20 == 19:
                await actions.remove_guests(tx, house.id, [guests.pop()])
            elif turn % 5 == 4:
                await replies.answer_many(tx, [(g, item, status) for g in guests], by="couple")
            elif guest in guests:
                await replies.reply(tx, guest, item, model.Reply(status=status, menu_option_id=meal), by="couple")
        kept = await house.wedding.admin.fetch(COUNTED, house.id)
        assert kept == await house.wedding.admin.fetch(COUNTED_ANEW, house.id), turn
