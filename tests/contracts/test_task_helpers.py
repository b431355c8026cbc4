"""Tasks given to helpers: answered, reminded of on a ladder, put off, ordered, and shown to be done by a photograph."""

import struct
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio

from tests.contracts.one_wedding import Browser, Client, Stage, Wedding
from wedsync.kit.actor import ANONYMOUS
from wedsync.processes.ticks import reminding_of_tasks
from wedsync.tasks import actions, model
from wedsync.weddings import actions as weddings

SECRET = "a secret of this test"
CANARY = b"CANARY-51.5N"


@pytest_asyncio.fixture
async def wedding(stage: Stage) -> Wedding:
    return await stage.wedding()


@pytest_asyncio.fixture
async def page(wedding: Wedding) -> str:
    async with wedding.as_(wedding.ana) as tx:
        return f"/help/{await weddings.add_pass(tx, SECRET, 'help', wedding.id, membership_id=wedding.dora.id)}"


async def add(wedding: Wedding, title: str = "Bring the rings", **more: Any) -> UUID:
    async with wedding.as_(wedding.ana) as tx:
        return await actions.add(tx, model.NewTask(title=title, **more))


async def tick(wedding: Wedding) -> list[str]:
    """What the clock has told since, and everything that follows from it."""
    before = len(await wedding.events("task.due_soon", "task.overdue"))

    async def published(nudge: str) -> None:
        assert nudge

    await reminding_of_tasks(published)(wedding.admin)
    await wedding.react()
    return [e.type for e in await wedding.events("task.due_soon", "task.overdue")][before:]


async def is_due(wedding: Wedding, task: UUID, days: int, rung: int = 0, **columns: Any) -> date:
    """Time has passed: the task is due so many days from the day that reminders go by, and nothing was said yet."""
    today: date = await wedding.admin.fetchval("select app.task_day('Europe/London')")
    named = {"due_on": today + timedelta(days=days), "reminded_rung": rung, **columns}
    places = ", ".join(f"{name} = ${n}" for n, name in enumerate(named, start=2))
    await wedding.admin.execute(f"update tasks set {places} where id = $1", task, *named.values())
    return today


async def told(wedding: Wedding, who: Any) -> list[str]:
    person = getattr(who, "actor", who).id
    rows = await wedding.admin.fetch("select type from inbox where person_id = $1 order by id", person)
    return [row["type"] for row in rows if row["type"].startswith("task.")]


async def test_a_helper_is_reminded_on_a_ladder_until_they_put_it_off_note_it_or_it_is_done(
    wedding: Wedding, page: str
) -> None:
    browser = Browser(wedding.app, ANONYMOUS)
    task = await add(wedding, membership_id=wedding.dora.id, due_on=date(2027, 6, 1))
    await wedding.react()
    assert await tick(wedding) == []
    today = await is_due(wedding, task, 3)
    assert (await tick(wedding), await tick(wedding)) == (["task.due_soon"], [])
    assert "I do it" in await browser.see(page)
    row = await browser.send(f"{page}/tasks/{task}/answer", by_script=True, answer="accepted")
    assert "Accepted" in row.text and "Later, or a photograph" in row.text
    # Put off: what falls due meanwhile waits for that day.
    assert (await browser.send(f"{page}/tasks/{task}/hush", days="1")).status_code == 303
    await is_due(wedding, task, -1, rung=2)
    assert await tick(wedding) == []
    await is_due(wedding, task, -1, rung=2, snoozed_until=today)
    assert (await tick(wedding), await tick(wedding)) == (["task.overdue"], [])
    assert await told(wedding, wedding.dora) == ["task.due_soon", "task.overdue"]
    assert await told(wedding, wedding.ana) == await told(wedding, wedding.ben) == ["task.overdue"]
    assert await told(wedding, wedding.photographer) == []
    await browser.send(f"{page}/tasks/{task}/hush", days="")
    await is_due(wedding, task, -3, rung=5)
    assert await tick(wedding) == []
    ana = Client(wedding.app, wedding.ana)
    # Another day begins it anew, and done ends it.
    soon = (today + timedelta(days=2)).isoformat()
    assert (await ana("PATCH", f"/api/v1/tasks/{task}", {"due_on": soon})).json()["noted_at"] is None
    await is_due(wedding, task, 1, rung=2)
    await browser.send(f"{page}/tasks/{task}/done")
    assert await tick(wedding) == []
    assert [e.type for e in await wedding.events("task.accepted", "task.snoozed", "task.noted", "task.done")] == [
        *("task.accepted", "task.snoozed", "task.noted", "task.done"),
    ]
    for days in ("0", "-3", "61", "x"):
        assert (await browser.send(f"{page}/tasks/{task}/hush", days=days)).status_code == 422


async def test_what_is_declined_goes_back_to_the_couple_and_the_chase_list_says_who_owes_what(
    wedding: Wedding, page: str
) -> None:
    browser, ana, dora = Browser(wedding.app, ANONYMOUS), Client(wedding.app, wedding.ana), wedding.dora
    rings = await add(wedding, membership_id=dora.id, due_on=date(2027, 6, 1))
    shots = await add(wedding, "Send the shot list", link_id=wedding.photographer.id, due_on=date(2027, 6, 2))
    await add(wedding, "Nobody's yet")
    await browser.send(f"{page}/tasks/{rings}/answer", answer="declined", note="I arrive at four.")
    await is_due(wedding, rings, -1)
    await is_due(wedding, shots, -8)
    assert await tick(wedding) == ["task.overdue"]
    assert "task.declined" in await told(wedding, wedding.ana)
    assert await told(wedding, wedding.photographer) == ["task.assigned", "task.overdue"][1:]
    owed = (await ana("GET", f"/api/v1/weddings/{wedding.id}/tasks/owed")).json()["items"]
    assert [(one["name"], one["open"], one["overdue"], one["declined"]) for one in owed] == [
        ("Dora", 1, 1, 1),
        ("Photographer", 1, 1, 0),
    ]
    assert owed[1]["tasks"][0]["reminded_at"] is not None
    text = await Browser(wedding.app, wedding.ana).see(f"/me/{wedding.id}/tasks/owed")
    for words in ("Dora", "I arrive at four.", "Give it away", "Send the shot list", "1 overdue"):
        assert words in text
    assert (await Client(wedding.app, dora)("GET", f"/api/v1/weddings/{wedding.id}/tasks/owed")).status_code == 403
    # Asked by hand: not within twelve hours of a reminder, not what is nobody's, and not by others.
    assert (await ana("POST", f"/api/v1/tasks/{shots}/chase")).json()["code"] == "asked_already"
    await wedding.admin.execute("update tasks set reminded_at = reminded_at - interval '13 hours'")
    assert (await ana("POST", f"/api/v1/tasks/{shots}/chase")).status_code == 200
    assert (await Browser(wedding.app, wedding.ana).send(f"/me/{wedding.id}/tasks/{shots}/chase")).status_code == 303
    await wedding.react()
    assert await told(wedding, wedding.photographer) == ["task.overdue", "task.chased"]
    photographer = Client(wedding.app, wedding.photographer)
    assert (await photographer("POST", f"/api/v1/tasks/{shots}/chase")).status_code == 403
    assert (await ana("POST", f"/api/v1/tasks/{shots}/answer", {"answer": "accepted"})).status_code == 403
    # Given to somebody else it is new to them.
    given = (await ana("POST", f"/api/v1/tasks/{rings}/assign", {"membership_id": str(wedding.ben.id)})).json()
    assert (given["answer"], given["answer_note"], given["reminded_at"]) == (None, "", None)
    await wedding.react()
    assert (await told(wedding, wedding.ben))[-1] == "task.assigned"


async def test_a_supplier_answers_on_its_page_of_the_wedding(stage: Stage, wedding: Wedding) -> None:
    task = await add(wedding, "Send the shot list", link_id=wedding.photographer.id)
    studio = await wedding.admin.fetchval("select supplier_id from links where id = $1", wedding.photographer.id)
    page = f"/studio/{studio}/weddings/{wedding.id}/tasks/{task}"
    browser = Browser(wedding.app, wedding.photographer)
    shown = await browser.send(f"{page}/answer", by_script=True, answer="accepted")
    assert shown.status_code == 200 and "Send the shot list" in shown.text and "I do it" not in shown.text
    assert (await browser.send(f"{page}/hush", days="3")).status_code == 303
    assert (await browser.send(f"{page}/done")).headers["location"].endswith("#tasks")
    stranger = Browser(wedding.app, wedding.florist)
    assert (await stranger.send(f"{page}/done")).status_code == 404
    kinds = [e.type for e in await wedding.events("task.accepted", "task.snoozed", "task.done")]
    assert kinds == ["task.accepted", "task.snoozed", "task.done"]


async def test_what_waits_for_another_task_is_left_alone_until_that_one_is_done(wedding: Wedding) -> None:
    ana, dora = Client(wedding.app, wedding.ana), wedding.dora
    first = await add(wedding, "Choose the songs", membership_id=wedding.ben.id)
    then = await add(wedding, "Print the song sheet", membership_id=dora.id)
    answer = await ana("PUT", f"/api/v1/tasks/{then}/after", {"after_ids": [str(first)]})
    assert (answer.json()["waits_for"], answer.json()["after_ids"]) == (1, [str(first)])
    circle = await ana("PUT", f"/api/v1/tasks/{first}/after", {"after_ids": [str(then)]})
    assert "circle" in circle.json()["errors"][0]["reason"]
    nowhere = await ana("PUT", f"/api/v1/tasks/{first}/after", {"after_ids": [str(UUID(int=9))]})
    assert nowhere.status_code == 422
    hers = Client(wedding.app, dora)
    assert (await hers("PUT", f"/api/v1/tasks/{then}/after", {"after_ids": []})).status_code == 403
    await is_due(wedding, then, 0)
    assert await tick(wedding) == []
    async with wedding.as_(wedding.ben) as tx:
        await actions.finish(tx, first)
    await wedding.react()
    assert (await told(wedding, dora))[-1] == "task.freed"
    assert await tick(wedding) == ["task.due_soon"]
    async with wedding.as_(wedding.ben) as tx:
        await actions.reopen(tx, first)
    await wedding.react()
    assert (await ana("GET", f"/api/v1/tasks/{then}")).json()["waits_for"] == 1
    async with wedding.as_(wedding.ana) as tx:
        await actions.remove(tx, first)
    await wedding.react()
    assert (await ana("GET", f"/api/v1/tasks/{then}")).json()["waits_for"] == 0
    browser = Browser(wedding.app, wedding.ana)
    assert "Only after" in await browser.see(f"/me/{wedding.id}/tasks")
    third = await add(wedding, "Fold the song sheet")
    fields: dict[str, Any] = {
        "title": "Fold the song sheet",
        "due_kind": "none",
        "after_shown": "1",
        "after": str(then),
    }
    assert (await browser.send(f"/me/{wedding.id}/tasks/{third}", **fields)).status_code == 303
    assert "other tasks (1)" in await browser.see(f"/me/{wedding.id}/tasks?edit={third}")
    assert (await browser.send(f"/me/{wedding.id}/tasks/{third}", **fields | {"after": "x"})).status_code == 422


def jpeg() -> bytes:
    """One pixel's worth of structure, with everything a phone tells beside the picture."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0) + CANARY
    parts = [(0xE0, b"JFIF\0"), (0xE1, exif), (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + CANARY), (0xFE, CANARY)]
    parts += [(0xED, CANARY), (0xC0, b"\x08\0\1\0\1\1\1\x11\0")]
    made = b"\xff\xd8" + b"".join(bytes((0xFF, m)) + struct.pack(">H", len(b) + 2) + b for m, b in parts)
    return made + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + b"\x12\xff\x00\x34\xff\xd0\x56" + b"\xff\xd9" + jpeg_tail()


def jpeg_tail() -> bytes:
    return b"\xff\xd8" + CANARY + b"\xff\xd9"


async def test_a_photograph_shows_it_is_done_and_tells_nothing_else(wedding: Wedding, page: str) -> None:
    dora, ana = Client(wedding.app, wedding.dora), Client(wedding.app, wedding.ana)
    task = await add(wedding, membership_id=wedding.dora.id)
    put = await dora("PUT", f"/api/v1/tasks/{task}/photo", None)
    assert put.status_code == 422
    for wrong in (b"<svg onload=alert(1)>", b"GIF89a" + b"0" * 40, jpeg()[:60], b"\x89PNG\r\n\x1a\n" + b"0" * 20):
        assert (await dora._http.put(f"/api/v1/tasks/{task}/photo", content=wrong)).status_code == 422
    assert (await ana("GET", f"/api/v1/tasks/{task}/photo")).status_code == 404
    sent = await dora._http.put(f"/api/v1/tasks/{task}/photo", content=jpeg())
    assert sent.status_code == 200 and sent.json()["photo_id"]
    browser = Browser(wedding.app, ANONYMOUS)
    again = await browser._http.post(f"{page}/tasks/{task}/photo", files={"file": ("a.jpg", jpeg(), "text/html")})
    assert again.status_code == 303
    shown = [await ana("GET", f"/api/v1/tasks/{task}/photo"), await browser._http.get(f"{page}/tasks/{task}/photo")]
    shown.append(await Browser(wedding.app, wedding.ana)._http.get(f"/me/{wedding.id}/tasks/{task}/photo"))
    for answer in shown:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert CANARY not in answer.content and answer.content.endswith(b"\xff\xd9")
        assert struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) in answer.content
    assert await wedding.admin.fetchval("select count(*) from task_photos where task_id = $1", task) == 1
    sealed = await wedding.admin.fetchval("select sealed from task_photos where task_id = $1", task)
    assert b"JFIF" not in sealed
    assert "photo?of=" in await browser.see(page)
    for other in (wedding.photographer, wedding.florist, wedding.stranger):
        assert (await Client(wedding.app, other)("GET", f"/api/v1/tasks/{task}/photo")).status_code == 404
        refused = await Client(wedding.app, other)._http.put(f"/api/v1/tasks/{task}/photo", content=jpeg())
        assert refused.status_code == 404
