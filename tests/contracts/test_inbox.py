"""The inbox: states, whole numbers that stay right whoever marks what at once, and its own person alone."""

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest

from tests.contracts.town import Linked, Somebody, Town

MARKS = ("delivered", "seen", "read", "unread", "acted", "archived", "restored")


async def filled(town: Town, ana: Somebody, wedding: str, number: int) -> Linked:
    business = await town.linked(ana, wedding)
    await town.react(wedding)
    for n in range(number):
        await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_venue": f"Barn {n}"})
    await town.react(wedding)
    return business


async def page(somebody: Somebody, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = await somebody.got("GET", f"/api/v1/me/inbox{query}")
    return found


async def mark(somebody: Somebody, wanted: str, *ids: str, **more: str) -> dict[str, Any]:
    body = {"as": wanted, "ids": list(ids), **more}
    found: dict[str, Any] = await somebody.got("POST", "/api/v1/me/inbox/marks", body)
    return found


async def test_marks_go_the_way_they_say_and_twice_is_once(town: Town, ana: Somebody, wedding: str) -> None:
    owner = (await filled(town, ana, wedding, 3)).owner
    first = await page(owner)
    assert (first["state"]["unread"], first["state"]["unseen"]) == (3, 3)
    a, b, c = (item["id"] for item in first["items"])
    assert (await mark(owner, "seen", until=a))["marked"] == 3
    assert (await mark(owner, "read", b))["state"] | {"seq": 0} == {"unread": 2, "unseen": 0, "epoch": 1, "seq": 0}
    assert (await mark(owner, "read", b))["marked"] == 0
    await mark(owner, "acted", c)
    (item,) = [i for i in (await page(owner))["items"] if i["id"] == c]
    assert item["read_at"]
    assert item["acted_at"]
    assert (await mark(owner, "archived", a))["state"]["unread"] == 0
    assert [i["id"] for i in (await page(owner))["items"]] == [b, c]
    assert [i["id"] for i in (await page(owner, "?state=archived"))["items"]] == [a]
    assert (await mark(owner, "restored", a))["state"]["unread"] == 1
    assert [i["id"] for i in (await page(owner, "?state=unread"))["items"]] == [a]
    assert [i["id"] for i in (await page(owner, f"?wedding_id={wedding}&limit=1"))["items"]] == [a]
    assert (await mark(owner, "unread", b))["state"]["unread"] == 2
    assert await owner.got("GET", "/api/v1/me/inbox/counts") == (await page(owner))["state"]


async def test_nobody_else_marks_them_and_a_mark_of_nothing_is_refused(town: Town, ana: Somebody, wedding: str) -> None:
    owner = (await filled(town, ana, wedding, 1)).owner
    (item,) = (await page(owner))["items"]
    assert (await mark(ana, "archived", item["id"]))["marked"] == 0
    assert (await page(owner))["state"]["unread"] == 1
    for body in ({"as": "read"}, {"as": "eaten", "ids": [item["id"]]}, {"ids": [item["id"]]}):
        assert (await owner.ask("POST", "/api/v1/me/inbox/marks", body)).status_code in (400, 422)


@pytest.mark.parametrize("marks", [210, pytest.param(1000, marks=pytest.mark.prove)])
async def test_counts_stay_right_under_a_thousand_marks_on_three_devices(
    town: Town, ana: Somebody, wedding: str, marks: int
) -> None:
    """Three devices mark at random while more arrives; every number told is the whole one, and the last is true."""
    business = await filled(town, ana, wedding, 12)
    owner, dice = business.owner, random.Random(6)
    ids = [item["id"] for item in (await page(owner))["items"]]

    async def device(times: int) -> None:
        for _ in range(times):
            some = dice.sample(ids, dice.randint(1, 4))
            state = (await mark(owner, dice.choice(MARKS), *some))["state"]
            assert 0 <= state["unseen"] <= state["unread"] <= len(ids) + 3

    async def arriving() -> None:
        for n in range(3):
            await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_venue": f"Hall {n}"})
            await town.react(wedding)

    await asyncio.gather(*(device(marks // 3) for _ in range(3)), arriving())
    items = (await page(owner, "?limit=200"))["items"]
    unread = [i for i in items if not i["read_at"]]
    state = (await page(owner))["state"]
    assert (state["unread"], state["unseen"]) == (len(unread), len([i for i in unread if not i["seen_at"]]))
    last = (await town.events(owner.id or "", "inbox.counted", kind="person"))[-1]
    assert last.record is not None
    assert (last.record["unread"], last.record["unseen"]) == (state["unread"], state["unseen"])
    seqs = [e.seq for e in await town.events(owner.id or "", kind="person")]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert await town.admin.fetchval("select count(*) from inbox where person_id = $1", UUID(str(owner.id))) == 15
