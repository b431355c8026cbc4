"""Maps of CRMs: what a supplier says a CRM's values are is what they are from then on, and never less than before."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest_asyncio

from tests.contracts.record_house import Book, Lane, laned
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connectors.tave.fake_store import LEAD_NOTES, MONEY
from wedsync.kit.config import Settings

DAY = date(2027, 6, 5)
SECRETS = (*(str(value) for value in MONEY.values() if value > 100), LEAD_NOTES)
KIND: dict[str, Any] = {"target": "package", "source": ["$.jobTypeName"]}


@pytest_asyncio.fixture(scope="module")
async def lane(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Lane]:
    async with laned(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def book(lane: Lane) -> Book:
    lane.forget()
    return await lane.studio(direction="import")


async def saved(book: Book, *rules: dict[str, Any], code: int = 200) -> Any:
    found = await book.owner.got("PUT", f"{book.path}/map", {"rules": list(rules)}, code=code)
    await book.settle()
    return found


def there(book: Book, job: str) -> dict[str, Any]:
    """A job in the studio's own store, to be changed behind everybody's back."""
    studio = book.lane.tave.studios[book.account]
    studio.touched(studio.jobs[job])
    return studio.jobs[job]


async def test_a_map_is_read_beside_what_the_connector_reads_and_without_asking_the_crm(book: Book) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    await book.poll()
    assert (await book.client(job))["package"] == ""
    calls = book.calls
    made = await saved(book, KIND)
    assert (made["version"], made["rules"], made["is_document"]) == (
        1,
        [KIND],
        False,
    )
    client = await book.client(job)
    assert (client["package"], client["name"], client["wedding_on"]) == ("Wedding", "Maria Santos", DAY.isoformat())
    assert book.calls == calls
    await saved(book)
    assert (await book.client(job))["package"] == ""
    versions = (await book.owner.got("GET", f"{book.path}/map/versions"))["items"]
    assert [(one["version"], one["rules"]) for one in versions] == [(2, []), (1, [KIND])]
    (first,) = (await book.owner.got("GET", f"{book.path}/map/versions?cursor=2"))["items"]
    assert first["version"] == 1


async def test_a_map_that_cannot_work_is_refused_by_rule_and_changes_nothing(book: Book) -> None:
    wrong = [
        {"target": "package", "source": ["$.leadMaxBudget"]},
        {"target": "venue", "source": ["$.events[0"]},
        {"target": "wedding_on", "source": ["$.eventDate"], "direction": "both"},
        {"target": "stage", "source": ["$.stage"], "default": "sold"},
    ]
    answer = await book.owner.ask("PUT", f"{book.path}/map", {"rules": wrong})
    assert answer.status_code == 422, answer.text
    fields = {one["field"] for one in answer.json()["errors"]}
    assert fields >= {"rules[0].source", "rules[1].source", "rules[2].direction", "rules[3].default"}
    assert (await book.owner.got("GET", f"{book.path}/map"))["version"] == 0
    await saved(book, KIND)
    stale = await book.owner.ask("PUT", f"{book.path}/map", {"rules": []}, if_match='"0"')
    assert stale.status_code == 412


async def test_a_field_that_the_crm_calls_otherwise_is_told_and_nothing_is_lost(book: Book) -> None:
    jobs = [await book.make(name=f"Maria {n}", wedding_on=DAY) for n in range(4)]
    await book.poll()
    await saved(book, KIND)
    assert {(await book.client(job))["package"] for job in jobs} == {"Wedding"}
    for job in jobs:
        there(book, job)["jobKind"] = there(book, job).pop("jobTypeName")
    await book.poll()
    assert {(await book.client(job))["package"] for job in jobs} == {"Wedding"}
    state = await book.state()
    assert (state["outcome"], "package" in state["reason"]) == ("held", True)
    assert (await book.owner.got("GET", f"{book.path}/map"))["missing"] == ["package"]
    await book.poll()
    assert (await book.state())["outcome"] == "held"
    for job in jobs:
        there(book, job)["jobTypeName"] = "Elopement"
    await book.poll()
    assert (await book.state())["outcome"] == "done"
    assert {(await book.client(job))["package"] for job in jobs} == {"Elopement"}


async def test_a_value_that_cannot_be_read_keeps_what_is_known_and_one_that_is_blank_clears_it(book: Book) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    day = {
        "target": "wedding_on",
        "source": ["$.customNumber"],
        "transform": [{"name": "date", "options": {"format": "%d.%m.%Y"}}],
    }
    there(book, job)["customNumber"] = "12.06.2027"
    await book.poll()
    await saved(book, day)
    assert (await book.client(job))["wedding_on"] == "2027-06-12"
    there(book, job)["customNumber"] = "soon"
    await book.poll()
    assert (await book.client(job))["wedding_on"] == "2027-06-12"
    tried = await book.owner.got("POST", f"{book.path}/map/preview", {"rules": [day]})
    (trouble,) = tried["troubles"]
    assert (trouble["field"], trouble["count"], "cannot be read" in trouble["reason"]) == ("wedding_on", 1, True)
    (problem,) = tried["records"][0]["problems"]
    assert (problem["source"], problem["value"]) == ("$.customNumber", "soon")
    there(book, job)["customNumber"] = ""
    await book.poll()
    assert (await book.client(job))["wedding_on"] is None


async def test_what_a_map_took_over_is_not_written_back(book: Book) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    await book.poll()
    await book.choose("both")
    rule = {"target": "wedding_on", "source": ["$.bookingDate", "$.eventDate"]}
    await saved(book, rule)
    writes = book.writes
    await book.edit(await book.client(job), wedding_on="2027-07-03", stage="booked")
    await book.settle()
    assert book.there(job).wedding_on == DAY
    assert book.there(job).stage == "booked"
    assert book.writes == writes + 1
    for _ in range(2):
        await book.poll()
    assert (await book.client(job))["wedding_on"] == "2027-07-03"
    assert await book.conflicts() == []


async def test_a_job_is_shown_whole_but_for_its_money(book: Book) -> None:
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    await book.poll()
    await saved(book, KIND)
    (item,) = (await book.owner.got("GET", f"{book.path}/items"))["items"]
    whole = await book.owner.got("GET", f"{book.path}/items/{item['id']}")
    assert (whole["external_id"], whole["mapped"]) == (job, [{"path": "$.jobTypeName", "value": "Wedding"}])
    assert {"path": "$.eventDate", "value": "2027-06-05"} in whole["unmapped"]
    text = str(whole) + str(await book.owner.got("POST", f"{book.path}/map/preview", {"rules": [KIND]}))
    assert not [one for one in SECRETS if one in text]
    for table in ("record_documents", "record_items", "record_maps"):
        rows = [dict(row) for row in await book.lane.admin.fetch(f"select * from {table}")]
        kept = "\n".join(str(row) + "\n".join(book.lane.unsealed(table, row)) for row in rows)
        assert "Santos" not in "".join(map(str, rows))
        assert not [one for one in SECRETS if one in kept], table


async def test_maps_are_their_owners_business(book: Book) -> None:
    stranger = await book.lane.supplier("Others")
    member = await book.lane.person("colleague")
    said = {"email": member.email, "role": "member"}
    await book.owner.got("POST", f"/api/v1/suppliers/{book.business.supplier}/members", said, code=201)
    for who in (stranger.owner, member):
        assert (await who.ask("PUT", f"{book.path}/map", {"rules": [KIND]})).status_code in (403, 404)
        assert (await who.ask("GET", f"{book.path}/map")).status_code == 404
        tried = await who.ask("POST", f"{book.path}/map/preview", {"rules": [KIND]})
        assert tried.status_code == 404, tried.text


async def test_the_page_draws_tries_and_saves_a_map(book: Book) -> None:
    await book.make(name="Maria Santos", wedding_on=DAY)
    await book.poll()
    path = f"/studio/{book.business.supplier}/records/{book.id}"
    assert f'href="{path}/fields"' in await book.owner.see(path)
    page = await book.owner.see(f"{path}/fields")
    for words in ("Its fields", "$.jobTypeName", "Maria Santos", "not used"):
        assert words in page, words
    form: dict[str, Any] = {"source.package": "$.jobTypeName", "required.package": "on", "version": "0"}
    tried = await book.owner.send(f"{path}/fields/try", **form)
    assert tried.status_code == 200
    assert '<dt>Package</dt><dd class="break">Wedding</dd>' in tried.text
    wrong = await book.owner.send(f"{path}/fields", **(form | {"source.package": "$.totalCost"}), do="save")
    assert wrong.status_code == 422
    assert "money or notes" in wrong.text
    assert (await book.owner.send(f"{path}/fields", **form, do="save")).status_code == 303
    await book.settle()
    held = await book.owner.got("GET", f"{book.path}/map")
    assert held["rules"] == [KIND | {"check": [{"rule": "required"}]}]
    table: dict[str, Any] = {
        "source.stage": "$.leadStatusName",
        "how.stage": "table",
        "table.stage": "Won = booked\nLost = cancelled",
    }
    day: dict[str, Any] = {
        "source.wedding_on": "$.bookingDate; $.eventDate",
        "how.wedding_on": "date %d/%m/%Y",
        "version": "1",
    }
    assert (await book.owner.send(f"{path}/fields", **table, **day, do="save")).status_code == 303
    stage, on = (await book.owner.got("GET", f"{book.path}/map"))["rules"]
    assert stage["transform"] == [{"name": "lookup", "options": {"table": {"Won": "booked", "Lost": "cancelled"}}}]
    assert (on["source"], on["transform"][0]["options"]) == (["$.bookingDate", "$.eventDate"], {"format": "%d/%m/%Y"})
    page = await book.owner.see(f"{path}/fields?version=1")
    assert 'value="$.jobTypeName"' in page
    assert "Version 2" in page
    (item,) = (await book.owner.got("GET", f"{book.path}/items"))["items"]
    assert "Kept, and not used" in await book.owner.see(f"{path}/jobs/{item['id']}")
