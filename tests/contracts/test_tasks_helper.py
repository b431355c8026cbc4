"""A helper's page: a pass opens their own tasks and the day, and not one thing more."""

from datetime import time
from uuid import UUID

import pytest_asyncio

from tests.contracts.one_wedding import Browser, Stage, Wedding
from wedsync.budget import actions as budget
from wedsync.budget.model import NewLine
from wedsync.kit.actor import ANONYMOUS
from wedsync.schedule import actions as schedule
from wedsync.schedule.rows import NewContact, NewItem
from wedsync.tasks import actions, model
from wedsync.web import auth
from wedsync.weddings import actions as weddings

SECRET = "a secret of this test"


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


async def test_the_page_is_live_with_a_token_that_ends_with_the_pass(wedding: Wedding, browser: Browser) -> None:
    secret = wedding.app.state.ctx.settings.jwt_secret
    async with wedding.as_(wedding.ana) as tx:
        kim = await weddings.add_member(tx, wedding.id, role="helper", name="Kim")
        page = f"/help/{await weddings.add_pass(tx, SECRET, 'help', wedding.id, membership_id=kim)}"
    text = await browser.see(page)
    assert f'data-live-topic="realtime:wedding:{wedding.id}"' in text
    assert f'data-live-token-url="{page}/token"' in text
    assert "The day" in await browser.see(f"{page}/fragments/cues")
    first, again = [auth.read_token(secret, (await browser.send(f"{page}/token")).json()["access_token"]) for _ in "12"]
    assert first is not None
    assert first == again
    async with wedding.as_(wedding.ana) as tx:
        person = await tx.value("select m.person_id from memberships m where m.id = $1", kim)
        seen = {r["membership_id"]: r["at"] for r in await tx.rows("select * from app.helpers_seen()")}
        assert (first[0], seen[kim] is not None) == (person, True)
        await weddings.renew_member_pass(tx, SECRET, wedding.id, kim)
    async with wedding.as_(wedding.ana) as tx:
        assert await tx.value("select app.session_alive($1)", first[1]) is False
    ended = await wedding.admin.fetchval("select type from events where stream_id = $1", person)
    assert ended == "session.ended"
    assert (await browser.send(f"{page}/token")).status_code == 410
