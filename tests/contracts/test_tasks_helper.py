"""A helper's page: a pass opens their own tasks and the day, and not one thing more."""

from collections.abc import AsyncIterator
from datetime import time
from uuid import UUID

import pytest_asyncio

from tests.contracts.one_wedding import Browser, Stage, Wedding, opened
from tests.engines_fixture import Database, RunningPostgres
from wedsync.budget import actions as budget
from wedsync.budget.model import NewLine
from wedsync.kit.actor import ANONYMOUS
from wedsync.schedule import actions as schedule
from wedsync.schedule.rows import NewContact, NewItem
from wedsync.tasks import actions, model
from wedsync.weddings import actions as weddings

SECRET = "a secret of this test"


@pytest_asyncio.fixture(scope="module")
async def stage(database: Database, postgres: RunningPostgres) -> AsyncIterator[Stage]:
    async with opened(database, postgres.admin_url) as made:
        yield made


@pytest_asyncio.fixture
async def wedding(stage: Stage) -> Wedding:
    return await stage.wedding()


@pytest_asyncio.fixture
async def page(wedding: Wedding) -> str:
    """The address of Dora's page."""
    async with wedding.as_(wedding.ana) as tx:
        return f"/help/{await weddings.add_pass(tx, SECRET, 'help', wedding.id, membership_id=wedding.dora.id)}"


@pytest_asyncio.fixture
async def browser(wedding: Wedding) -> Browser:
    return Browser(wedding.app, ANONYMOUS)


async def rings(wedding: Wedding) -> UUID:
    async with wedding.as_(wedding.ana) as tx:
        return await actions.add(tx, model.NewTask(title="Bring the rings", membership_id=wedding.dora.id))


async def test_it_shows_their_tasks_their_cues_and_whom_to_call(wedding: Wedding, page: str, browser: Browser) -> None:
    await rings(wedding)
    async with wedding.as_(wedding.ana) as tx:
        await schedule.add(tx, NewItem(title="Speeches", at_local=time(18), owner_membership_id=wedding.dora.id))
        await schedule.add(tx, NewItem(title="Ceremony", at_local=time(14)))
        await schedule.add_contact(tx, NewContact(name="Uma", phone="+44 20 7946 0018"))
        await actions.add(tx, model.NewTask(title="CANARY-of-the-couple"))
        await actions.add(tx, model.NewTask(title="CANARY-of-a-supplier", link_id=wedding.florist.id))
        await budget.add_line(tx, NewLine(title="CANARY-of-the-budget"))
    text = await browser.see(page)
    for words in ("Dora, thank you for helping", "Bring the rings", "Speeches", "Until 18:30", "Ceremony", "7946 0018"):
        assert words in text
    assert "CANARY" not in text
    assert "Bring the rings" in await browser.see(f"{page}/fragments/tasks")


async def test_one_tap_is_done_in_their_name(wedding: Wedding, page: str, browser: Browser) -> None:
    task = await rings(wedding)
    row = await browser.send(f"{page}/tasks/{task}/done", by_script=True)
    assert row.text.startswith('<li class="task is-done"')
    assert (await browser.send(f"{page}/tasks/{task}/reopen")).headers["location"] == f"{page}#task-{task}"
    done, _ = await wedding.events("task.done", "task.reopened")
    assert done.actor.id == wedding.dora.actor.id


async def test_other_peoples_tasks_are_not_there(wedding: Wedding, page: str, browser: Browser) -> None:
    async with wedding.as_(wedding.ana) as tx:
        other = await actions.add(tx, model.NewTask(title="Not Dora's"))
    for step in ("done", "reopen"):
        assert (await browser.send(f"{page}/tasks/{other}/{step}")).status_code == 404
    assert await wedding.events("task.done") == []


async def test_a_pass_that_was_taken_back_or_never_was_opens_nothing(
    wedding: Wedding, page: str, browser: Browser
) -> None:
    await browser.see("/help/AAAA", code=404)
    async with wedding.as_(wedding.ana) as tx:
        await weddings.remove_member(tx, wedding.id, wedding.dora.id)
    await browser.see(page, code=410)
    await browser.see(f"{page}/fragments/tasks", code=410)
