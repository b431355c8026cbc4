"""Bookings: one of two wins, the other is told what else would do; holds end, buffers count, the team sees its part."""

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.bookings_house import DAY, Studio, opened
from tests.contracts.town import Town

OVERLAPS = """select count(*) from bookings a
    join bookings b on b.supplier_id = a.supplier_id and b.resource_id = a.resource_id and b.id > a.id
      and a.blocked && b.blocked
    where a.supplier_id = $1 and a.state <> 'cancelled' and b.state <> 'cancelled'"""


@pytest_asyncio.fixture
async def studio(town: Town) -> Studio:
    return await opened(town)


async def test_of_two_at_once_one_wins_and_the_other_is_told_three_alternatives(studio: Studio) -> None:
    asked = {"on": DAY, "at_local": "12:00:00", "minutes": 600, "category": "client"}
    answers = await asyncio.gather(
        *(studio.owner.ask("POST", f"{studio.path}/bookings", asked | {"title": name}) for name in ("Ada", "Bob"))
    )
    assert sorted(a.status_code for a in answers) == [201, 409]
    problem = next(a.json() for a in answers if a.status_code == 409)
    assert problem["code"] == "taken"
    assert len(problem["alternatives"]) == 3
    for one in problem["alternatives"]:
        assert one["reason"]
        names = ("resource_id", "on", "at_local", "minutes", "zone", "before_minutes", "after_minutes")
        await studio.book(**{name: one[name] for name in names})


KEPT = "select d.xmin::text as written, d.link_id, d.is_private from booking_details d where d.booking_id = $1"


async def test_a_move_leaves_the_sealed_words_as_they_are_and_a_new_word_or_reader_seals_them_anew(
    studio: Studio,
) -> None:
    made = await studio.book(title="Ada & Bob", note="Two dogs")
    path, admin = f"/api/v1/bookings/{made['id']}", studio.town.admin
    first = await admin.fetchrow(KEPT, UUID(made["id"]))
    moved = await studio.owner.got("PATCH", path, {"on": "2027-07-21"})
    assert (moved["title"], moved["note"]) == ("Ada & Bob", "Two dogs")
    assert await admin.fetchrow(KEPT, UUID(made["id"])) == first
    said = await studio.owner.got("PATCH", path, {"note": "Three dogs"})
    assert (said["title"], said["note"]) == ("Ada & Bob", "Three dogs")
    second = await admin.fetchrow(KEPT, UUID(made["id"]))
    assert second["written"] != first["written"]
    await studio.owner.got("PATCH", path, {"category": "private"})
    assert (await admin.fetchrow(KEPT, UUID(made["id"])))["is_private"]


@pytest.mark.parametrize("count", [240, pytest.param(10_000, marks=[pytest.mark.prove, pytest.mark.timeout(900)])])
async def test_random_bookings_at_once_never_overlap(studio: Studio, count: int) -> None:
    second = await studio.owner.got("POST", f"{studio.path}/resources", {"name": "Second shooter"}, code=201)
    dice = random.Random(7)
    made: list[str] = []
    codes: set[int] = set()

    async def attempt() -> None:
        fields: dict[str, Any] = {
            "on": f"2027-07-{dice.randint(1, 20):02}",
            "at_local": f"{dice.randint(0, 23):02}:{dice.choice((0, 15, 30)):02}:00",
            "minutes": dice.choice((30, 240, 900)),
            "before_minutes": dice.choice((0, 0, 45)),
            "category": "client",
            "state": dice.choice(("hold", "booked")),
        }
        if dice.random() < 0.5:
            fields["resource_id"] = second["id"]
        what, known = dice.random(), dice.choice(made) if made else ""
        if known and what < 0.3:
            moved = {name: fields[name] for name in ("on", "at_local", "minutes")}
            answer = await studio.owner.ask("PATCH", f"/api/v1/bookings/{known}", moved)
        elif known and what < 0.4:
            answer = await studio.owner.ask("POST", f"/api/v1/bookings/{known}/cancel")
        else:
            answer = await studio.owner.ask("POST", f"{studio.path}/bookings", fields)
            made.extend([answer.json()["id"]] if answer.status_code == 201 else [])
        codes.add(answer.status_code)

    for start in range(0, count, 24):
        await asyncio.gather(*(attempt() for _ in range(start, min(start + 24, count))))
    assert codes <= {200, 201, 409}
    assert {201, 409} <= codes
    assert await studio.town.admin.fetchval(OVERLAPS, UUID(studio.supplier)) == 0


async def test_set_up_and_teardown_belong_to_what_is_blocked(studio: Studio) -> None:
    await studio.book(before_minutes=60, after_minutes=30)
    await studio.book(code=409, at_local="10:30:00", minutes=45)
    await studio.book(at_local="10:15", minutes=45)
    await studio.book(code=409, at_local="22:15:00", minutes=60)
    await studio.book(at_local="22:30:00", minutes=60)


async def test_whole_days_are_days_there_when_clocks_change(studio: Studio) -> None:
    made = await studio.book(on="2027-03-27", days=2)
    assert (made["starts_at"], made["ends_at"]) == ("2027-03-27T00:00:00Z", "2027-03-28T23:00:00Z")
    gap = await studio.book(on="2027-10-31", at_local="01:30:00", minutes=60)
    assert (gap["starts_at"], gap["ends_at"]) == ("2027-10-31T01:30:00Z", "2027-10-31T02:30:00Z")


async def test_a_hold_ends_by_the_clock_with_a_fact_and_its_time_is_free(studio: Studio) -> None:
    held = await studio.book(state="hold", hold_hours=1)
    assert held["expires_at"]
    await studio.town.admin.execute(
        "update bookings set expires_at = clock_timestamp() where id = $1", UUID(held["id"])
    )
    assert await studio.town.admin.fetchval("select app.end_bookings($1)", UUID(studio.supplier)) is not None
    now = await studio.owner.got("GET", f"/api/v1/bookings/{held['id']}")
    assert (now["state"], now["reason"], now["expires_at"]) == ("cancelled", "expired", None)
    assert [e.subject.id for e in await studio.told("booking.expired")] == [UUID(held["id"])]
    await studio.book()


async def test_a_hold_whose_time_is_over_gives_way_before_the_clock_comes(studio: Studio) -> None:
    held = await studio.book(state="hold")
    await studio.town.admin.execute(
        "update bookings set expires_at = clock_timestamp() where id = $1", UUID(held["id"])
    )
    await studio.book()
    assert [e.subject.id for e in await studio.told("booking.expired")] == [UUID(held["id"])]


async def test_a_hold_is_booked_and_let_go_once(studio: Studio) -> None:
    held = await studio.book(state="hold", title="Ada")
    path = f"/api/v1/bookings/{held['id']}"
    booked = await studio.owner.got("POST", f"{path}/book", if_match='"1"')
    assert (booked["state"], booked["expires_at"], booked["title"]) == ("booked", None, "Ada")
    assert (await studio.owner.got("POST", f"{path}/book"))["version"] == booked["version"]
    assert (await studio.owner.got("POST", f"{path}/cancel", if_match='"1"', code=412))["version"] == 2
    assert (await studio.owner.got("POST", f"{path}/cancel"))["state"] == "cancelled"
    assert (await studio.owner.got("POST", f"{path}/cancel"))["version"] == 3
    assert (await studio.owner.got("POST", f"{path}/book", code=409))["code"] == "booking_ended"
    types = [e.type for e in await studio.told() if e.subject.id == UUID(held["id"])]
    assert types == ["booking.held", "booking.booked", "booking.cancelled"]


async def test_a_booking_is_moved_onto_free_time_only(studio: Studio) -> None:
    first = await studio.book()
    second = await studio.book(on="2027-06-06", title="Bob", place="Hall")
    path = f"/api/v1/bookings/{second['id']}"
    problem = await studio.owner.got("PATCH", path, {"on": DAY}, code=409)
    assert len(problem["alternatives"]) == 3
    moved = await studio.owner.got("PATCH", path, {"on": DAY, "at_local": "22:00:00", "minutes": 60, "note": "Late"})
    assert (moved["title"], moved["place"], moved["note"], moved["version"]) == ("Bob", "Hall", "Late", 2)
    whole = await studio.owner.got("PATCH", f"/api/v1/bookings/{first['id']}", {"on": "2027-06-08", "days": 1})
    assert (whole["at_local"], whole["minutes"], whole["days"]) == (None, None, 1)


async def test_what_is_asked_wrongly_is_named(studio: Studio) -> None:
    link = {"link_id": studio.business.link}
    for fields, field in (
        ({"days": 1, "at_local": "10:00:00", "minutes": 60}, "days"),
        ({"at_local": "10:00:00", "minutes": None}, "minutes"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"on": "1888-01-01"}, "on"),
        ({"on": "2020-01-01", "state": "hold"}, "on"),
        (link, "link_id"),
        ({"category": "wedding", "link_id": str(UUID(int=7))}, "link_id"),
        ({"resource_id": str(UUID(int=7))}, "resource_id"),
    ):
        asked = {"on": DAY, "at_local": "12:00:00", "minutes": 60, "category": "client"} | fields
        problem = await studio.owner.got("POST", f"{studio.path}/bookings", asked, code=422)
        assert problem["errors"][0]["field"] == field, problem


async def test_private_time_is_busy_to_the_others_and_a_member_books_nothing_else(studio: Studio) -> None:
    member, admin = await studio.colleague(), await studio.colleague("admin")
    private = await studio.book(who=member, category="private", title="canary-dentist", note="canary-note")
    client = await studio.book(on="2027-06-06", title="canary-client")
    await studio.book(who=member, code=403)
    for who, opened_ids in ((studio.owner, {client["id"]}), (admin, {client["id"]}), (member, {private["id"]})):
        path = f"{studio.path}/bookings?from={DAY}&to=2027-06-06"
        seen = (await who.got("GET", path))["items"]
        assert {b["id"] for b in seen if b["is_open"]} == opened_ids
        assert {b["id"] for b in seen if b["title"]} == opened_ids
    for who in (studio.owner, admin):
        await who.got("PATCH", f"/api/v1/bookings/{private['id']}", {"title": "Mine"}, code=403)
        await who.got("POST", f"/api/v1/bookings/{private['id']}/cancel", code=403)
    await member.got("PATCH", f"/api/v1/bookings/{client['id']}", {"title": "Mine"}, code=403)
    assert "canary" not in str([(e.record, e.old_record) for e in await studio.told()])
    kept = await studio.town.admin.fetch(
        "select d::text from booking_details d where supplier_id = $1", UUID(studio.supplier)
    )
    assert len(kept) >= 2 and "canary" not in str(kept)
    assert (await member.got("POST", f"/api/v1/bookings/{private['id']}/cancel"))["state"] == "cancelled"


async def test_strangers_couples_and_other_businesses_see_nothing(studio: Studio, town: Town) -> None:
    made = await studio.book(title="canary-client")
    other = await town.supplier("Other")
    for who in (other.owner, studio.couple, await town.person("stranger")):
        for method, path in (
            ("GET", f"{studio.path}/bookings?from={DAY}&to={DAY}"),
            ("GET", f"{studio.path}/availability?from={DAY}&to={DAY}"),
            ("GET", f"{studio.path}/conflicts"),
            ("GET", f"{studio.path}/resources"),
            ("GET", f"/api/v1/bookings/{made['id']}"),
            ("POST", f"/api/v1/bookings/{made['id']}/cancel"),
        ):
            answer = await who.ask(method, path)
            assert answer.status_code == 404, (method, path, answer.text)
            assert "canary" not in answer.text


async def test_a_resource_more_takes_a_booking_more_and_out_of_use_none(studio: Studio) -> None:
    added = await studio.owner.got("POST", f"{studio.path}/resources", {"name": " Hall  B "}, code=201)
    assert added["name"] == "Hall B"
    await studio.book()
    problem = await studio.book(code=409)
    assert problem["alternatives"][0] | {"reason": ""} == problem["alternatives"][0] | {
        "kind": "resource",
        "reason": "",
    }
    await studio.book(resource_id=added["id"])
    path = f"{studio.path}/resources/{added['id']}"
    await studio.owner.got("PATCH", path, {"is_active": False}, if_match='"1"')
    await studio.owner.got("PATCH", path, {"name": "C"}, if_match='"1"', code=412)
    await studio.book(code=422, on="2027-06-20", resource_id=added["id"])
    default = (await studio.owner.got("GET", f"{studio.path}/resources"))["items"][0]
    assert default["is_default"]
    await studio.owner.got("PATCH", f"{studio.path}/resources/{default['id']}", {"is_active": False}, code=409)


async def test_a_repeated_request_books_once(studio: Studio) -> None:
    asked = {"on": DAY, "at_local": "12:00:00", "minutes": 600, "category": "client"}
    answers = [
        await studio.owner.ask("POST", f"{studio.path}/bookings", asked, idempotency_key="one-booking-please")
        for _ in range(2)
    ]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
