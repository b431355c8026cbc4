"""What goes wrong between a CRM and us, and what people decide: nothing is lost, overwritten or said twice."""

import re
from collections.abc import AsyncIterator
from datetime import date
from functools import partial
from itertools import count
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.record_house import RESUME, Book, Lane, laned
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connections.calendars import driven
from wedsync.connections.records.driven import READ_ONLY
from wedsync.connectors.tave.fake import BUSY_LISTS
from wedsync.connectors.tave.fake_store import LEAD_NOTES, MONEY
from wedsync.kit.config import Settings

DAY, LATER, LATEST = date(2027, 6, 5), date(2027, 6, 12), date(2027, 6, 19)
TABLES = ("record_items", "record_conflicts", "record_runs", "record_progress", "clients", "inbox_hooks", "events")


@pytest_asyncio.fixture(scope="module")
async def lane(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Lane]:
    async with laned(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def book(lane: Lane) -> Book:
    lane.forget()
    return await lane.studio()


async def test_a_hook_brings_a_new_job_and_one_for_nothing_is_heard_in_vain(book: Book) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    await book.hook({"event": "job.created", "data": {"id": job}})
    client = await book.client(job)
    assert client["couple_names"] == "Maria Santos"
    before = await book.clients()
    await book.hook({"event": "job.created", "data": {"id": "01hq2v7c5p8x9r3k4m6n8t0w2y"}})
    assert await book.clients() == before
    assert (await book.state())["outcome"] == "done"
    assert await book.lane.admin.fetchval("select hints from record_progress where book_id = $1", UUID(book.id)) == []
    # A hook for one that we know and that is deleted there meanwhile.
    await book.lane.tave.delete(book.account, job)
    await book.hook({"event": "order.booked", "data": {"jobId": job}}, "order.booked")
    assert [one["kind"] for one in await book.conflicts()] == ["removed"]
    assert await book.clients() == before


async def test_what_a_hook_names_waits_for_no_list(book: Book) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    since = len(book.lane.tave.exchanges)
    book.lane.tave.moods.switch(BUSY_LISTS)
    await book.hook({"event": "job.created", "data": {"id": job}})
    assert (await book.client(job))["couple_names"] == "Maria Santos"
    assert (await book.state())["outcome"] == "later", "the lists themselves are read another time"
    paths = [one.path for one in list(book.lane.tave.exchanges)[since:]]
    assert paths[0].endswith(f"/job/{job}/worksheet")


async def test_what_a_hook_names_before_it_is_there_is_waited_for(book: Book) -> None:
    studio = book.lane.tave.studios[book.account]
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    parts = studio.jobs.pop(job)
    await book.hook({"event": "job.created", "data": {"id": job}})
    assert await book.clients() == []
    calls = book.calls
    await book.tick()
    assert book.calls == calls, "nothing is asked before it is time"
    # The provider's other servers know it by now; no list is read for it.
    studio.jobs[job] = parts
    await book.later(seconds=6)
    assert (await book.client(job))["couple_names"] == "Maria Santos"
    paths = [one.path for one in list(book.lane.tave.exchanges)[calls:]]
    assert [path for path in paths if "worksheet" not in path] == []


@pytest.mark.parametrize("id", ["01hq2v7c5p8x9r3k4m6n8t0w2y", "not-an-id-of-theirs"])
async def test_what_is_never_there_was_named_in_vain_and_keeps_nothing_else(book: Book, id: str) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    await book.hook({"event": "job.created", "data": {"id": id}})
    assert (await book.client(job))["couple_names"] == "Maria Santos", "the lists are read all the same"
    for seconds in (6, 61, 601):
        await book.later(seconds=seconds)
    state = await book.lane.admin.fetchrow(
        "select waits, look_at from record_progress where book_id = $1", UUID(book.id)
    )
    assert tuple(state) == ("{}", None)
    asked = sum(id in one.path for one in book.lane.tave.exchanges)
    assert asked == 4


async def test_who_is_told_to_wait_waits_and_then_goes_on(book: Book) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    book.lane.tave.moods.switch(driven.BUSY)
    await book.poll()
    state = await book.state()
    assert state["outcome"] == "later"
    calls = book.calls
    book.lane.tave.moods.switch("fine")
    # Whoever pokes it meanwhile makes it ask nothing before Retry-After is over.
    await book.settle()
    assert book.calls == calls
    sql = "select not_before - app.now() > interval '5 seconds' from record_progress where book_id = $1"
    assert await book.lane.admin.fetchval(sql, UUID(book.id))
    await book.poll()
    assert (await book.client(job))["stage"] == "enquiry"


async def test_a_date_that_both_moved_is_shown_and_neither_is_overwritten(book: Book) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    await book.poll()
    client = await book.client(job)
    await book.edit(client, wedding_on=LATER.isoformat(), phone="+351210000000")
    await book.change(job, wedding_on=LATEST, stage="booked")
    await book.poll()
    (conflict,) = await book.conflicts()
    assert (conflict["kind"], conflict["about"]) == ("changed", ["wedding_on"])
    assert (conflict["ours"]["wedding_on"], conflict["theirs"]["wedding_on"]) == (LATER.isoformat(), LATEST.isoformat())
    client, there = await book.client(job), book.there(job)
    # What only one of them changed has gone over nevertheless.
    assert (client["wedding_on"], client["stage"]) == (LATER.isoformat(), "booked")
    assert (there.wedding_on, there.phone) == (LATEST, "+351210000000")
    writes = book.writes
    await book.poll()
    assert (book.writes, len(await book.conflicts())) == (writes, 1)
    await book.decide("ours")
    assert book.there(job).wedding_on == LATER
    assert await book.conflicts() == []
    await book.change(job, wedding_on=DAY)
    await book.edit(await book.client(job), wedding_on=LATEST.isoformat())
    await book.poll()
    await book.decide("theirs")
    assert (await book.client(job))["wedding_on"] == DAY.isoformat()
    assert book.there(job).wedding_on == DAY


async def test_of_two_stages_forward_the_further_holds_and_a_held_date_stays_held(book: Book) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    await book.poll()
    client = await book.client(job)
    await book.edit(client, stage="held")
    await book.settle()
    writes = book.writes
    await book.poll()
    # Workspace has no word for it.
    assert ((await book.client(job))["stage"], book.there(job).stage, book.writes) == ("held", "enquiry", writes)
    await book.edit(client, stage="booked")
    await book.change(job, stage="fulfilled")
    await book.poll()
    assert ((await book.client(job))["stage"], book.there(job).stage) == ("fulfilled", "fulfilled")
    await book.edit(client, stage="cancelled")
    await book.change(job, stage="completed")
    await book.poll()
    assert [one["about"] for one in await book.conflicts()] == [["stage"]]
    await book.decide("theirs")
    assert (await book.client(job))["stage"] == "completed"


async def test_a_couple_that_is_a_client_already_is_not_doubled(lane: Lane) -> None:
    lane.forget()
    book = await lane.studio(direction="import")
    path = f"/api/v1/suppliers/{book.business.supplier}/clients"
    mine = {"name": "Maria Santos", "email": "maria@example.org", "note": "loves peonies", "package": "Full day"}
    await book.owner.got("POST", path, mine, code=201)
    await book.owner.got("POST", path, {"name": "Zoe", "source": "tave", "external_id": "x1"}, code=201)
    job = await book.make(name="Maria Santos", partner_name="Tom Okafor", email="maria@example.org", stage="booked")
    lost = await book.make(name="Lost Lead", stage="cancelled")
    await book.poll()
    clients = await book.clients()
    assert sorted(one["name"] for one in clients) == ["Maria Santos", "Zoe"]
    client = await book.client(job)
    assert (client["partner_name"], client["stage"]) == ("Tom Okafor", "booked")
    assert (client["note"], client["package"], client["source"]) == ("loves peonies", "Full day", "")
    # Only read: what is ours stays ours and is not written there.
    await book.edit(client, stage="fulfilled")
    await book.poll()
    assert (book.there(job).stage, book.writes) == ("booked", 0)
    # A lead that comes back to life becomes a client.
    await book.change(lost, stage="booked")
    await book.poll()
    assert (await book.client(lost))["couple_names"] == "Lost Lead"
    await book.choose("both")
    assert book.there(job).stage == "fulfilled"


async def test_what_was_deleted_there_is_for_people_to_say_and_a_removed_client_stays_away(book: Book) -> None:
    jobs = [await book.make(name=f"Couple No {n}", wedding_on=DAY, email=f"c{n}@example.org") for n in range(3)]
    await book.poll()
    kept, ended, removed = [await book.client(job) for job in jobs]
    for job in jobs[:2]:
        await book.lane.tave.delete(book.account, job)
    await book.poll()
    assert await book.conflicts() == []
    await book.sweep()
    conflicts = {one["client_id"]: one for one in await book.conflicts()}
    assert set(conflicts) == {kept["id"], ended["id"]}
    for client, keep in ((kept, "ours"), (ended, "theirs")):
        path = f"/api/v1/record-conflicts/{conflicts[client['id']]['id']}/resolve"
        await book.owner.got("POST", path, {"keep": keep})
    await book.settle()
    stages = {one["id"]: one["stage"] for one in await book.clients()}
    assert (stages[kept["id"]], stages[ended["id"]]) == ("enquiry", "cancelled")
    # Ours removed: the job is not touched, and does not come back as a client when it changes.
    await book.owner.got("DELETE", f"/api/v1/suppliers/{book.business.supplier}/clients/{removed['id']}", code=204)
    await book.change(jobs[2], stage="booked")
    await book.poll()
    assert removed["id"] not in {one["id"] for one in await book.clients()}
    assert len(await book.clients()) == 2


async def test_much_that_vanishes_at_once_is_asked_about_first(book: Book) -> None:
    jobs = [await book.make(name=f"Couple No {n}", email=f"v{n}@example.org") for n in range(12)]
    await book.poll()
    for job in jobs:
        await book.lane.tave.delete(book.account, job)
    await book.sweep()
    assert [one["kind"] for one in await book.conflicts()] == ["sweep"]
    assert (await book.state())["outcome"] == "held"
    await book.decide("theirs")
    await book.poll()
    assert {one["kind"] for one in await book.conflicts()} == {"removed"}
    assert len(await book.clients()) == 12


async def test_a_key_that_only_reads_still_brings_jobs_in(book: Book) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    await book.poll()
    await book.edit(await book.client(job), stage="booked")
    book.lane.tave.moods.switch(READ_ONLY)
    other = await book.make(name="Zoe Other", wedding_on=LATER)
    await book.poll()
    assert (await book.state())["outcome"] == "read_only"
    assert (await book.client(other))["couple_names"] == "Zoe Other"
    book.lane.tave.moods.switch("fine")
    await book.poll()
    assert (book.there(job).stage, (await book.state())["outcome"]) == ("booked", "done")


async def test_what_cannot_be_taken_over_is_said_and_mended_there(book: Book) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    await book.poll()
    await book.change(job, name="")
    await book.poll()
    (conflict,) = await book.conflicts()
    assert conflict["kind"] == "refused"
    assert "name" in conflict["why"]
    await book.change(job, name="Maria Okafor")
    await book.poll()
    assert await book.conflicts() == []
    assert (await book.client(job))["name"] == "Maria Okafor"


async def test_money_and_notes_of_a_job_are_stored_nowhere(book: Book) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    whole = book.lane.tave.studios[book.account].worksheet(job)
    await book.hook({"event": "job.created", "data": whole})
    await book.change(job, stage="booked")
    await book.hook({"event": "order.booked", "data": whole}, "order.booked")
    assert (await book.client(job))["stage"] == "booked"
    said = [await book.client(job), await book.state(), await book.runs(), await book.conflicts()]
    told = [repr(said)]
    for table in TABLES:
        # Other tests' suppliers have sums of the same digits.
        theirs = f"select * from {table} t where to_jsonb(t)::text like '%' || $1 || '%'"
        rows = await book.lane.admin.fetch(theirs, book.business.supplier)
        for row in rows:
            told.append(repr(dict(row)))
            told += [opened for opened in book.lane.unsealed(table, row) if opened]
    # Millionths of a second are no sum either.
    text = re.sub(r"datetime\.datetime\([^)]*\)|:\d\d\.\d+", "", "\n".join(told))
    assert "Maria Santos" in text
    for word in (*(str(value) for value in MONEY.values() if value > 1000), "734511", LEAD_NOTES):
        # Digits among those of an id or of sealed bytes are no sum.
        assert not re.search(rf"(?<![0-9a-f-]){re.escape(word)}(?![0-9a-f])", text), word


async def test_whichever_question_fails_the_next_look_goes_on_where_it_was(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of a run's questions in turn: nothing is said to be done, and nothing is lost."""
    job, other = await book.make(name="Maria Santos", wedding_on=DAY), await book.make(name="Zoe Other", wedding_on=DAY)
    await book.poll()
    client = await book.client(job)
    moods, outcomes = book.lane.tave.moods, list[str]()
    while "done" not in outcomes:
        await book.edit(client, name=f"Maria {len(outcomes)}")
        await book.change(other, name=f"Zoe {len(outcomes)}")
        asked, broken = count(1), len(outcomes) + 1
        monkeypatch.setattr(moods, "take", partial(_mood, asked, broken))
        await book.lane.admin.execute(RESUME, UUID(book.id))
        await book.lane.admin.fetchval("select app.poke_due_records()")
        await book.work()
        outcomes.append((await book.state())["outcome"])
        assert len(outcomes) < 30
    assert set(outcomes[:-1]) == {"later"}
    monkeypatch.undo()
    await book.poll()
    last = len(outcomes) - 1
    assert (book.there(job).name, (await book.client(other))["name"]) == (f"Maria {last}", f"Zoe {last}")


def _mood(asked: "count[int]", broken: int) -> str:
    return driven.BROKEN if next(asked) == broken else "fine"
