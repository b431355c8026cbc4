"""Tasks through the doors: who sees which, what a change of hands tells whom, and what follows the date."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from tests.contracts.one_wedding import Client, Stage, Wedding
from wedsync.kit.errors import Refusal
from wedsync.tasks import actions, model


@pytest_asyncio.fixture
async def wedding(stage: Stage) -> Wedding:
    return await stage.wedding()


@pytest_asyncio.fixture
async def ana(wedding: Wedding) -> Client:
    return Client(wedding.app, wedding.ana)


async def add(wedding: Wedding, title: str = "Shot list", *, who: Any = None, **more: Any) -> UUID:
    async with wedding.as_(who or wedding.ana) as tx:
        return await actions.add(tx, model.NewTask(title=title, **more))


async def titles(wedding: Wedding, who: Any) -> set[str]:
    async with wedding.as_(who) as tx:
        return {r["title"] for r in await tx.rows(actions.queries.page, "", None, None, False, None, 100)}


async def refused(call: Any) -> Refusal:
    with pytest.raises(Refusal) as found:
        await call
    return found.value


async def test_each_sees_their_own_and_those_with_the_scope_what_is_nobodys(wedding: Wedding) -> None:
    await add(wedding, "shared")
    for name in ("photographer", "florist"):
        await add(wedding, name, link_id=getattr(wedding, name).id)
    for name in ("dora", "ben"):
        await add(wedding, name, membership_id=getattr(wedding, name).id)
    everything = {"shared", "photographer", "florist", "dora", "ben"}
    assert await titles(wedding, wedding.ana) == await titles(wedding, wedding.ben) == everything
    assert await titles(wedding, wedding.photographer) == {"shared", "photographer"}
    assert await titles(wedding, wedding.planner) == {"shared"}
    assert await titles(wedding, wedding.florist) == {"florist"}
    assert await titles(wedding, wedding.dora) == {"dora"}
    assert len(await wedding.seen_by(wedding.photographer, "tasks")) == 2
    assert len(await wedding.seen_by(wedding.florist, "tasks")) == 1
    assert len(await wedding.seen_by(wedding.dora, "tasks")) == 1


async def test_when_a_task_changes_hands_one_replica_loses_it_and_another_gets_it(wedding: Wedding) -> None:
    task = await add(wedding)
    steps: list[tuple[Any, model.Assignment]] = [
        (wedding.photographer, model.Assignment(link_id=wedding.photographer.id)),
        (wedding.florist, model.Assignment(link_id=wedding.florist.id)),
        (wedding.dora, model.Assignment(membership_id=wedding.dora.id)),
        (None, model.Assignment()),
    ]
    everyone: list[Any] = [wedding.photographer, wedding.planner, wedding.florist, wedding.dora]
    for holder, to in steps:
        async with wedding.as_(wedding.ana) as tx:
            await actions.assign(tx, task, to)
        for who in [wedding.ana, *everyone]:
            seen = await wedding.seen_by(who, "tasks")
            holds = bool(seen) and seen[-1][1] != "DELETE"
            assert holds == bool(await titles(wedding, who)), (holder, who)
    assert await wedding.seen_by(wedding.florist, "tasks") == [
        ("task.assigned", "INSERT"),
        ("task.withdrawn", "DELETE"),
    ]


async def test_nobody_learns_who_had_a_task_before_or_has_it_now(wedding: Wedding) -> None:
    task = await add(wedding, link_id=wedding.florist.id)
    async with wedding.as_(wedding.ana) as tx:
        await actions.assign(tx, task, model.Assignment(link_id=wedding.photographer.id))
    for who, other in ((wedding.photographer, wedding.florist), (wedding.florist, wedding.photographer)):
        async with wedding.as_(who) as tx:
            rows = await tx.rows("select e.record, e.old_record from events e where e.stream_id = $1", wedding.id)
        assert not any(str(other.id) in str(dict(r)) for r in rows)


async def test_giving_it_to_whoever_has_it_changes_nothing(wedding: Wedding) -> None:
    task = await add(wedding, link_id=wedding.florist.id)
    events = await wedding.events()
    async with wedding.as_(wedding.ana) as tx:
        assert await actions.assign(tx, task, model.Assignment(link_id=wedding.florist.id)) == 1
    assert await wedding.events() == events


async def test_who_it_is_given_to_says_how_it_goes_and_no_more(wedding: Wedding) -> None:
    for place, given in ((wedding.florist, "link_id"), (wedding.dora, "membership_id")):
        task = await add(wedding, **{given: place.id})
        async with wedding.as_(place) as tx:
            await actions.change(tx, task, {"status": "in_progress"})
            await actions.finish(tx, task)
            assert await actions.finish(tx, task) == 3
            assert (await refused(actions.change(tx, task, {"title": "Mine"}))).status == 403
            assert (await refused(actions.assign(tx, task, model.Assignment()))).status == 403
            assert (await refused(actions.remove(tx, task))).status == 403
    (first, _) = await wedding.events("task.done")
    assert first.record is not None
    assert first.record["done_by"] == str(wedding.florist.actor.id)
    assert (first.record["status"], first.record["done_at"] is not None) == ("done", True)


async def test_row_security_alone_keeps_the_couples_task_on_the_list(wedding: Wedding) -> None:
    task = await add(wedding, link_id=wedding.florist.id)
    async with wedding.as_(wedding.florist) as tx:
        assert await tx.run("delete from tasks where id = $1", task) == 0
    with pytest.raises(Refusal) as found:
        async with wedding.as_(wedding.florist) as tx:
            await tx.run("update tasks set link_id = null where id = $1", task)
    assert isinstance(found.value.__cause__, asyncpg.InsufficientPrivilegeError)


async def test_a_supplier_or_helper_writes_tasks_of_their_own(wedding: Wedding) -> None:
    for place in (wedding.florist, wedding.dora):
        mine = await add(wedding, "Buy ribbon", who=place, link_id=wedding.photographer.id, due_on=date(2027, 5, 1))
        assert await titles(wedding, wedding.photographer) == set()
        async with wedding.as_(place) as tx:
            await actions.change(tx, mine, {"title": "Buy more ribbon"})
            await actions.remove(tx, mine)
    origins = [e.record["origin"] for e in await wedding.events("task.created") if e.record]
    assert origins == ["supplier", "helper"]


async def test_what_is_nobodys_is_changed_by_the_couple_alone(wedding: Wedding) -> None:
    task = await add(wedding)
    async with wedding.as_(wedding.photographer) as tx:
        assert (await refused(actions.finish(tx, task))).status == 403
        assert (await refused(actions.reopen(tx, task))).status == 403
        assert (await refused(actions.remove(tx, task))).status == 403
    async with wedding.as_(wedding.florist) as tx:
        assert (await refused(actions.finish(tx, task))).status == 404
        assert (await refused(actions.remove(tx, task))).status == 404


async def test_done_and_open_again(wedding: Wedding) -> None:
    task = await add(wedding)
    async with wedding.as_(wedding.ana) as tx:
        assert await actions.reopen(tx, task) == 1
        await actions.finish(tx, task)
        await actions.reopen(tx, task)
        await actions.change(tx, task, {"status": "cancelled"})
        await actions.reopen(tx, task)
    assert [e.type for e in await wedding.events() if e.subject.table == "tasks"] == [
        "task.created", "task.done", "task.reopened", "task.changed", "task.changed",
    ]  # fmt: skip
    last = (await wedding.events("task.changed"))[-1].record
    assert last is not None
    assert (last["status"], last["done_at"], last["done_by"]) == ("open", None, None)


async def test_relative_tasks_follow_the_date_and_others_stay(wedding: Wedding) -> None:
    relative = await add(wedding, "relative", due_days_before=14, link_id=wedding.photographer.id)
    nobodys = await add(wedding, "nobody's", due_days_before=-1)
    fixed = await add(wedding, "fixed", due_on=date(2027, 5, 1))
    await wedding.change(on=date(2027, 7, 3))
    async with wedding.as_(wedding.ana) as tx:
        rows = {r["id"]: r["due_on"] for r in await tx.rows(actions.queries.page, "", None, None, False, None, 100)}
    assert rows == {relative: date(2027, 6, 19), nobodys: date(2027, 7, 4), fixed: date(2027, 5, 1)}
    changed = await wedding.events("task.changed")
    assert {(e.subject.id, e.link_id, e.bulk) for e in changed} == {
        (relative, wedding.photographer.id, False),
        (nobodys, None, True),
    }
    await wedding.change(on=None)
    async with wedding.as_(wedding.ana) as tx:
        row = await tx.row(actions.queries.one, relative)
    assert row is not None
    assert (row["due_on"], row["due_days_before"]) == (None, 14)


async def test_one_way_of_being_due_takes_the_place_of_the_other(wedding: Wedding) -> None:
    task = await add(wedding, due_days_before=10)
    due = []
    async with wedding.as_(wedding.ana) as tx:
        for fields in (
            {"due_on": date(2027, 5, 1)},
            {"due_days_before": 4},
            {"due_days_before": None},
            {"due_days_before": 4},
            {"due_on": None},
        ):
            await actions.change(tx, task, fields)
            row = await tx.row(actions.queries.one, task)
            assert row is not None
            due.append((row["due_on"], row["due_days_before"]))
    assert due == [
        (date(2027, 5, 1), None),
        (date(2027, 6, 1), 4),
        (date(2027, 6, 1), None),
        (date(2027, 6, 1), 4),
        (None, None),
    ]


async def test_the_portfolio_of_whoever_has_to_do_it_counts_it(wedding: Wedding) -> None:
    await add(wedding, link_id=wedding.photographer.id, due_days_before=14)
    await wedding.react()
    row = await wedding.admin.fetchrow(
        "select tasks_open, next_due from supplier_index where id = $1", wedding.photographer.id
    )
    assert tuple(row) == (1, date(2027, 5, 22))


@pytest.mark.parametrize("who", ["revoked", "removed", "nobody"])
async def test_only_somebody_of_the_wedding_gets_a_task(wedding: Wedding, ana: Client, who: str) -> None:
    body = {"link_id": str(uuid4())} if who == "nobody" else {}
    if who == "revoked":
        await wedding.admin.execute("update links set status = 'revoked' where id = $1", wedding.florist.id)
        body = {"link_id": str(wedding.florist.id)}
    if who == "removed":
        await wedding.admin.execute(
            "update memberships set removed_at = clock_timestamp() where id = $1", wedding.dora.id
        )
        body = {"membership_id": str(wedding.dora.id)}
    task = await add(wedding)
    answer = await ana("POST", f"/api/v1/tasks/{task}/assign", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_reference")
    assert answer.json()["errors"][0]["fix"]
    again = await ana("POST", f"/api/v1/weddings/{wedding.id}/tasks", {"title": "x", **body})
    assert again.status_code == 422
    assert [e.type for e in await wedding.events() if e.subject.table == "tasks"] == ["task.created"]


async def test_a_task_is_given_to_one(wedding: Wedding, ana: Client) -> None:
    task = await add(wedding)
    both = {"link_id": str(wedding.florist.id), "membership_id": str(wedding.dora.id)}
    answer = await ana("POST", f"/api/v1/tasks/{task}/assign", both)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "membership_id")


async def test_the_api_of_a_task(wedding: Wedding, ana: Client) -> None:
    base = f"/api/v1/weddings/{wedding.id}/tasks"
    made = await ana("POST", base, {"title": "Pay £200 deposit", "due_days_before": 30})
    assert (made.status_code, made.headers["etag"], made.json()["warnings"]) == (201, '"1"', [])
    assert made.json()["due_on"] == "2027-05-06"
    path = f"/api/v1/tasks/{made.json()['id']}"
    given = await ana("POST", f"{path}/assign", {"link_id": str(wedding.florist.id)}, if_match='"1"')
    assert [w["field"] for w in given.json()["warnings"]] == ["title"]
    changed = await ana("PATCH", path, {"title": "Pay deposit"}, if_match='"2"')
    assert (changed.json()["warnings"], changed.headers["etag"]) == ([], '"3"')
    late = await ana("PATCH", path, {"title": "Pay it"}, if_match='"2"')
    assert (late.status_code, late.json()["current"]["title"]) == (412, "Pay deposit")
    for step, status in (("done", "done"), ("reopen", "open")):
        assert (await ana("POST", f"{path}/{step}")).json()["status"] == status
    assert (await ana("GET", path)).json()["version"] == 5
    assert (await ana("POST", f"{path}/assign", {}, if_match='"1"')).status_code == 412
    assert (await ana("DELETE", path, if_match='"1"')).status_code == 412
    assert (await ana("DELETE", path)).status_code == 204
    assert (await ana("GET", path)).status_code == (await ana("PATCH", path, {"title": "x"})).status_code == 404
    assert (await ana("DELETE", path)).status_code == (await ana("POST", f"{path}/assign", {})).status_code == 404


async def test_the_list_is_by_due_day_filtered_and_in_pages(wedding: Wedding, ana: Client) -> None:
    base = f"/api/v1/weddings/{wedding.id}/tasks"
    for n, due in enumerate(("2027-03-01", None, "2027-01-01", "2027-02-01", None)):
        await ana("POST", base, {"title": f"Task {n}", "due_on": due, "position": n})
    found, cursor = [], ""
    while True:
        page = (await ana("GET", f"{base}?limit=2{cursor}")).json()
        found += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert [t["title"] for t in found] == ["Task 2", "Task 3", "Task 0", "Task 1", "Task 4"]
    await ana("POST", f"/api/v1/tasks/{found[0]['id']}/done")
    await ana("POST", f"/api/v1/tasks/{found[1]['id']}/assign", {"link_id": str(wedding.florist.id)})
    await ana("POST", f"/api/v1/tasks/{found[2]['id']}/assign", {"membership_id": str(wedding.dora.id)})
    for query, expected in (
        ("status=done", {"Task 2"}),
        ("status=to_do", {"Task 0", "Task 1", "Task 3", "Task 4"}),
        (f"link_id={wedding.florist.id}", {"Task 3"}),
        (f"membership_id={wedding.dora.id}", {"Task 0"}),
        ("unassigned=true&status=to_do", {"Task 1", "Task 4"}),
    ):
        assert {t["title"] for t in (await ana("GET", f"{base}?{query}")).json()["items"]} == expected
    assert (await ana("GET", f"{base}?cursor={uuid4()}")).status_code == 422
    assert (await ana("GET", f"{base}?status=later")).status_code == 422


async def test_another_suppliers_task_is_as_absent_as_none(wedding: Wedding) -> None:
    task = await add(wedding, link_id=wedding.florist.id)
    client = Client(wedding.app, wedding.photographer)
    hidden = await client("GET", f"/api/v1/tasks/{task}")
    absent = await client("GET", f"/api/v1/tasks/{uuid4()}")
    assert (hidden.status_code, hidden.content) == (404, absent.content)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": "x" * 301}, "title"),
        ({"title": "x", "due_on": "soon"}, "due_on"),
        ({"title": "x", "due_days_before": 5000}, "due_days_before"),
        ({"title": "x", "due_days_before": 5, "due_on": "2027-01-01"}, "due_days_before"),
        ({"title": "x", "link_id": "me"}, "link_id"),
        ({"title": "x", "price": 5}, ""),
    ],
)
async def test_bad_input_is_named_and_changes_nothing(
    wedding: Wedding, ana: Client, body: dict[str, Any], field: str
) -> None:
    answer = await ana("POST", f"/api/v1/weddings/{wedding.id}/tasks", body)
    assert answer.status_code == 422, answer.text
    assert field in answer.json()["detail"]
    assert await wedding.events("task.created") == []
