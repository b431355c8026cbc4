"""The couple's page of tasks: groups by due day, one form, one tap for done, nobody's words lost."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.one_wedding import Browser, Stage, Wedding
from wedsync.kit.db import Row
from wedsync.tasks import actions, model, view


@pytest_asyncio.fixture
async def wedding(stage: Stage) -> Wedding:
    return await stage.wedding()


@pytest_asyncio.fixture
async def ana(wedding: Wedding) -> Browser:
    return Browser(wedding.app, wedding.ana)


def form(**fields: Any) -> dict[str, Any]:
    """The fields of a task's form as a browser posts them."""
    blank = {"version": "0", "title": "Shot list", "detail": "", "assignee": "", "due_kind": "none"}
    return blank | {"due_on": "", "due_days_before": ""} | fields


async def tasks(wedding: Wedding) -> list[Row]:
    async with wedding.as_(wedding.ana) as tx:
        return await tx.rows(actions.queries.page, "", None, None, False, None, 100)


async def add(wedding: Wedding, title: str = "Shot list", **more: Any) -> UUID:
    async with wedding.as_(wedding.ana) as tx:
        return await actions.add(tx, model.NewTask(title=title, **more))


async def test_an_empty_list_says_how_to_begin(wedding: Wedding, ana: Browser) -> None:
    page = await ana.see(f"/me/{wedding.id}/tasks")
    assert "Nothing to do here" in page
    assert "0 of 0 done." in page


async def test_what_is_typed_becomes_a_task(wedding: Wedding, ana: Browser) -> None:
    path = f"/me/{wedding.id}/tasks"
    said = form(
        assignee=f"membership:{wedding.dora.id}", due_kind="before", due_days_before="14", detail="Both\nfamilies"
    )
    answer = await ana.send(path, **said)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    (task,) = await tasks(wedding)
    assert (task["membership_id"], task["due_on"], task["detail"]) == (
        wedding.dora.id,
        date(2027, 5, 22),
        "Both\nfamilies",
    )
    page = await ana.see(path)
    assert "14 days before" in page
    assert "Dora, helper" in page
    assert "Shot list" in await ana.see(f"/me/{wedding.id}/fragments/tasks")


async def test_the_form_changes_words_day_and_hands_at_once(wedding: Wedding, ana: Browser) -> None:
    task = await add(wedding, due_days_before=14)
    path = f"/me/{wedding.id}/tasks"
    page = await ana.see(f"{path}?edit={task}")
    assert "Change the task" in page
    said = form(title="List", assignee=f"link:{wedding.florist.id}", due_kind="on", due_on="2027-03-01", version="1")
    assert (await ana.send(f"{path}/{task}", **said)).status_code == 303
    (row,) = await tasks(wedding)
    assert (row["title"], row["link_id"], row["due_on"], row["due_days_before"]) == (
        "List", wedding.florist.id, date(2027, 3, 1), None,
    )  # fmt: skip
    await ana.send(f"{path}/{task}", **form(title="List", due_kind="before", due_days_before="14", version="3"))
    await ana.send(f"{path}/{task}", **form(title="List 2", due_kind="before", due_days_before="14", version="5"))
    (row,) = await tasks(wedding)
    assert (row["title"], row["due_on"], row["due_days_before"], row["link_id"]) == (
        "List 2",
        date(2027, 5, 22),
        14,
        None,
    )


async def test_money_in_words_for_a_supplier_is_pointed_out(wedding: Wedding, ana: Browser) -> None:
    path = f"/me/{wedding.id}/tasks"
    answer = await ana.send(path, **form(title="Invoice £300", assignee=f"link:{wedding.florist.id}"))
    assert answer.headers["location"] == f"{path}?money"
    assert "names an amount of money" in await ana.see(answer.headers["location"])
    assert (await ana.send(path, **form(title="Invoice £300"))).headers["location"] == path


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": ""}, "one to 300 letters"),
        ({"detail": "x" * 4001}, "4000 letters"),
        ({"assignee": "link:me"}, "nobody of the list"),
        ({"assignee": f"link:{UUID(int=7)}"}, "nobody of this wedding"),
        ({"due_kind": "on"}, "Choose the day"),
        ({"due_kind": "on", "due_on": "soon"}, "Is not a date"),
        ({"due_kind": "before"}, "number of days"),
        ({"due_kind": "before", "due_days_before": "9999"}, "between -366 and 1100"),
    ],
)
async def test_what_is_not_right_is_shown_beside_its_field(
    wedding: Wedding, ana: Browser, fields: dict[str, str], words: str
) -> None:
    task = await add(wedding, "Untouched")
    for path in (f"/me/{wedding.id}/tasks", f"/me/{wedding.id}/tasks/{task}"):
        answer = await ana.send(path, **form(version="1") | fields)
        assert (answer.status_code, words in answer.text) == (422, True)
    assert [t["title"] for t in await tasks(wedding)] == ["Untouched"]


async def test_one_tap_is_done_and_another_opens_it_again(wedding: Wedding, ana: Browser) -> None:
    task = await add(wedding)
    path = f"/me/{wedding.id}/tasks/{task}"
    row = await ana.send(f"{path}/done", by_script=True)
    assert row.text.startswith('<li class="task is-done"')
    assert "Open again: Shot list" in row.text
    assert (await ana.send(f"{path}/reopen")).headers["location"] == f"/me/{wedding.id}/tasks#task-{task}"
    assert [t["status"] for t in await tasks(wedding)] == ["open"]


async def test_whoever_saves_second_chooses_and_loses_nothing(wedding: Wedding, ana: Browser) -> None:
    task = await add(wedding)
    path = f"/me/{wedding.id}/tasks/{task}"
    ben = Browser(wedding.app, wedding.ben)
    assert (await ben.send(path, **form(title="Ben's list", version="1"))).status_code == 303
    asked = await ana.send(path, **form(title="Ana's list", detail="Grandparents", version="1"))
    assert asked.status_code == 412
    for words in ("Ben saved first", "Ben&#39;s list", "Ana&#39;s list", "Grandparents"):
        assert words in asked.text
    assert [t["title"] for t in await tasks(wedding)] == ["Ben's list"]


async def test_a_task_is_removed_and_filters_narrow(wedding: Wedding, ana: Browser) -> None:
    mine, theirs = await add(wedding, "Ours"), await add(wedding, "Theirs", link_id=wedding.florist.id)
    await add(wedding, "Helper's", membership_id=wedding.dora.id)
    for key, shown in (("us", "Ours"), ("suppliers", "Theirs"), ("helpers", "Helper&#39;s")):
        fragment = await ana.see(f"/me/{wedding.id}/fragments/tasks?filter={key}")
        assert [word for word in ("Ours", "Theirs", "Helper&#39;s") if word in fragment] == [shown]
    assert (await ana.send(f"/me/{wedding.id}/tasks/{theirs}/remove", version="1")).status_code == 303
    assert (await ana.send(f"/me/{wedding.id}/tasks/{mine}/remove", by_script=True)).headers["hx-redirect"]
    assert [t["title"] for t in await tasks(wedding)] == ["Helper's"]


async def test_the_page_is_the_couples(wedding: Wedding) -> None:
    app = wedding.app
    for who, code in ((wedding.planner, 403), (wedding.dora, 403), (wedding.stranger, 404)):
        await Browser(app, who).see(f"/me/{wedding.id}/tasks", code=code)


@pytest.mark.parametrize(
    ("status", "days", "group"),
    [
        ("open", -1, "late"),
        ("open", 0, "week"),
        ("in_progress", 6, "week"),
        ("waiting_on", 7, "month"),
        ("open", 30, "month"),
        ("open", 31, "later"),
        ("open", None, "any"),
        ("done", -1, "done"),
        ("cancelled", None, "dropped"),
    ],
)
def test_tasks_stand_where_they_are_looked_for(status: str, days: int | None, group: str) -> None:
    today = date(2027, 5, 1)
    assert view.group_of(status, None if days is None else today + timedelta(days=days), today) == group
