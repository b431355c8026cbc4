"""What a photographer's CRM hands out: its galleries move the couple's bar, and what was said is the photographer's."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest_asyncio

from tests.contracts.record_house import Book, Lane, laned
from tests.contracts.town import Somebody
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connections.records.contract import RemoteGallery
from wedsync.connections.records.galleries import HINT, kind_of, same, wanted
from wedsync.connectors.tave.fake_store import GALLERY_PASSWORD, Studio
from wedsync.kit.config import Settings

DAY = date(2027, 6, 5)
URL = "https://gallery.example/one"
WORKED_ON: dict[str, Any] = {
    "id": "1",
    "kind": "gallery",
    "stage": "editing",
    "standing": "on_track",
    "promised_on": None,
    "gallery_url": "",
    "gallery_hint": "",
    "delivered_count": None,
}


@pytest_asyncio.fixture(scope="module")
async def lane(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Lane]:
    async with laned(database, postgres, settings) as made:
        yield made


async def wed(lane: Lane) -> tuple[Book, Somebody, str, str, str]:
    """A photographer's client who is a couple on WedSync: (book, couple, wedding, link, job)."""
    lane.forget()
    book = await lane.studio(direction="import")
    couple = await lane.person()
    wedding = await lane.wedding(couple, on=DAY.isoformat())
    link = await book.link(couple, wedding)
    job = await book.make(name="Ana", partner_name="Ben", wedding_on=DAY, stage="booked")
    await book.poll(wedding)
    return book, couple, wedding, link, job


async def test_a_gallery_opened_there_moves_the_couples_bar(lane: Lane) -> None:
    book, couple, wedding, link, job = await wed(lane)
    studio: Studio = lane.tave.studios[book.account]
    gallery = studio.gallery(job, name="Ana and Ben")

    async def bar() -> list[tuple[str, int | None, str]]:
        found = await couple.got("GET", f"/api/v1/weddings/{wedding}/photos")
        return [(one["stage"], one["delivered_count"], one["gallery_hint"]) for one in found["items"]]

    async def galleries() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await book.owner.got("GET", f"{book.path}/galleries"))["items"]
        return found

    await book.poll(wedding)
    # Nobody knows yet that this client is that couple.
    assert await bar() == []
    assert [(one["state"], one["delivery_id"]) for one in await galleries()] == [("making", None)]
    await book.join(job, wedding, link)
    await book.poll(wedding)
    assert await bar() == [("ready", None, HINT)]
    studio.touched(studio.galleries[gallery], status="active", photoCount=620)
    await book.poll(wedding)
    assert await bar() == [("delivered", 620, HINT)]
    page = await couple.see(f"/me/{wedding}/photos")
    assert "Gallery: Ana and Ben" in page
    assert "620 delivered" in page
    (told,) = [e for e in await lane.events(wedding) if e.type == "photos.delivered"]
    assert str(told.link_id) == link
    # Asked again and again it is the same; made anew there it is not taken back, and closed it is put away.
    events = len(await lane.events(wedding))
    studio.touched(studio.galleries[gallery], status="pre-release")
    await book.poll(wedding)
    await book.poll(wedding)
    assert await bar() == [("delivered", 620, HINT)]
    assert len(await lane.events(wedding)) == events
    studio.touched(studio.galleries[gallery], status="archived")
    await book.poll(wedding)
    assert await bar() == [("archived", 620, HINT)]
    # One whose address no couple may be sent to stays with the photographer, who reads why.
    studio.gallery(job, name="Sneak peek", clientUrl="http://gallery.example/x?password=peonies")
    await book.poll(wedding)
    assert len(await bar()) == 1
    assert "https" in (await galleries())[0]["reason"]
    for table in ("record_galleries", "photo_deliveries", "events"):
        for row in await lane.admin.fetch(f"select * from {table}"):
            assert GALLERY_PASSWORD not in f"{dict(row)} {lane.unsealed(table, row)}"


async def test_whoever_else_is_on_the_job_is_named_at_the_client(lane: Lane) -> None:
    lane.forget()
    book = await lane.studio()
    job = await book.make(name="Ana Lopez", partner_name="Ben Ito", wedding_on=DAY, stage="booked")
    studio: Studio = lane.tave.studios[book.account]
    planner = studio.bring(job, "Petra Plan", "petra@example.org", "vendor")
    studio.bring(job, "Sam Second", "sam@example.org", "team")
    await book.poll()

    async def named() -> list[tuple[str, str, str]]:
        client = await book.client(job)
        return [(one["name"], one["role"], one["email"]) for one in client["contacts"]]

    assert await named() == [("Petra Plan", "Vendor", "petra@example.org")]
    client = await book.client(job)
    assert (client["couple_names"], client["partner_email"]) == ("Ana Lopez & Ben Ito", "")
    page = await book.owner.see(f"/studio/{book.business.supplier}/clients/{client['id']}")
    assert "Petra Plan" in page and "Sam Second" not in page
    # What is changed here goes there as ever, and they stay; asked again nothing is written or taken over.
    await book.edit(client, phone="+351210000000")
    await book.settle()
    writes, version = book.writes, (await book.client(job))["version"]
    await book.poll()
    assert (book.writes, (await book.client(job))["version"]) == (writes, version)
    assert len(await named()) == 1
    studio.bring(job, "Mother Lopez", "rosa@example.org", "customer")
    del studio.parts[planner]
    studio.touched(studio.jobs[job])
    await book.poll()
    assert await named() == [("Mother Lopez", "Customer", "rosa@example.org")]


def test_only_what_changed_there_is_taken_over_and_nothing_is_moved_back() -> None:
    made = RemoteGallery(id="g", record_id="j", state="released", name="Wedding", url=URL, photos=620)
    steps = wanted(WORKED_ON, made, None, DAY)
    assert (steps.fields, steps.stage) == ({"gallery_url": URL, "delivered_count": 620}, "delivered")
    there = {**WORKED_ON, "stage": "viewed", "gallery_url": "https://mine.example/", "delivered_count": 700}
    # What the supplier has changed here stays.
    assert (wanted(there, made, made, DAY).fields, wanted(there, made, made, DAY).stage) == ({}, "")
    making = RemoteGallery(id="g", record_id="j", state="making", url=URL, released_on=DAY)
    assert wanted(there, making, made, DAY).stage == ""
    assert wanted({**WORKED_ON, "standing": "on_hold"}, making, None, DAY).stage == ""
    # The day it opens is a promise where there is none, or an earlier one; a later one would be a delay.
    for promised_on, takes in ((None, True), (date(2027, 7, 1), True), (date(2027, 6, 1), False), (DAY, False)):
        fields = wanted({**WORKED_ON, "promised_on": promised_on}, making, None, DAY).fields
        assert ("promised_on" in fields) is takes
    assert "promised_on" not in wanted(WORKED_ON, making, None, date(2027, 6, 6)).fields
    archived = {**WORKED_ON, "stage": "archived", "gallery_url": URL}
    assert wanted(archived, made, None, DAY).stage == ""
    assert (
        wanted(archived, made, RemoteGallery(id="g", record_id="j", state="closed", url=URL), DAY).stage == "delivered"
    )


def test_a_gallery_finds_the_delivery_that_it_is() -> None:
    told = RemoteGallery(id="g", record_id="j", state="making", name="Wedding", url=URL)
    other = {**WORKED_ON, "id": "2", "gallery_url": URL, "stage": "delivered"}
    assert same([WORKED_ON, other], None, told) == other
    assert same([WORKED_ON], None, told) == WORKED_ON
    assert same([WORKED_ON, {**WORKED_ON, "id": "3"}], None, told) is None
    assert same([{**WORKED_ON, "kind": "album"}], None, told) is None
    assert [kind_of(name) for name in ("A SNEAK peek", "The film", "Ana & Ben")] == ["sneak_peek", "film", "gallery"]


async def test_what_was_said_is_the_photographers_until_it_is_shared(lane: Lane) -> None:
    book, couple, wedding, link, job = await wed(lane)
    studio: Studio = lane.tave.studios[book.account]
    secret = studio.note(job, "<p>They pay late. Their budget is tight.</p>")
    kind = studio.note(job, "<p>They love <b>peonies</b>.</p><p>No flash in church.</p>")
    await book.poll(wedding)
    await book.join(job, wedding, link)
    path = f"/api/v1/links/{link}/correspondence"

    async def mine() -> list[tuple[str, bool, bool]]:
        found = (await book.owner.got("GET", path))["items"]
        return [(one["text"], one["shared_at"] is not None, one["is_changed"]) for one in found]

    async def theirs() -> list[str]:
        return [one["text"] for one in (await couple.got("GET", path))["items"]]

    love, late = "They love peonies.\nNo flash in church.", "They pay late. Their budget is tight."
    assert sorted(await mine()) == [(love, False, False), (late, False, False)]
    assert await theirs() == []
    messages = {one["text"]: one["id"] for one in (await book.owner.got("GET", path))["items"]}
    for _ in range(2):
        await book.owner.got("POST", f"{path}/{messages[love]}/share", code=204)
    assert await theirs() == [love]
    await lane.react(wedding)
    inbox = (await couple.got("GET", "/api/v1/me/inbox"))["items"]
    assert [one["type"] for one in inbox].count("message.shared") == 1
    # What is changed there afterwards is not shared by itself; what is hidden there is forgotten.
    studio.touched(studio.notes[kind], contentHtml="They love roses.")
    studio.touched(studio.notes[secret], hidden=True)
    await book.poll(wedding)
    assert await mine() == [("They love roses.", True, True)]
    assert await theirs() == [love]
    page = await book.owner.see(f"/studio/{book.business.supplier}/weddings/{wedding}/correspondence")
    assert "They love roses." in page
    assert "changed in" in page
    base = f"/studio/{book.business.supplier}/weddings/{wedding}/correspondence/{messages[love]}"
    assert (await book.owner.send(base, share="yes")).status_code == 303
    assert await theirs() == ["They love roses."]
    assert "They love roses." in await couple.see(f"/me/{wedding}/suppliers/{link}/correspondence")
    # Nobody else shares, reads or takes back; a shared one that its CRM forgot stays shared until it is taken back.
    other = await lane.linked(couple, wedding)
    for who, code in ((couple, 403), (other.owner, 404)):
        assert (await who.ask("POST", f"{path}/{messages[love]}/share")).status_code == code
        assert (await who.ask("DELETE", f"{path}/{messages[love]}/share")).status_code == code
    assert (await other.owner.ask("GET", path)).status_code == 404
    assert (await book.owner.ask("POST", f"{path}/{messages[late]}/share")).status_code == 404
    studio.touched(studio.notes[kind], hidden=True)
    await book.poll(wedding)
    assert await mine() == [("They love roses.", True, False)]
    assert (await book.owner.send(base, share="no")).status_code == 303
    assert (await mine(), await theirs()) == ([], [])
    assert (await book.owner.ask("DELETE", f"{path}/{messages[love]}/share")).status_code == 404
    types = [e.type for e in await lane.events(wedding) if e.type.startswith("message.")]
    assert types == ["message.shared", "message.shared", "message.withdrawn"]
    for table in ("record_messages", "messages", "events", "deliveries", "inbox"):
        for row in await lane.admin.fetch(f"select * from {table}"):
            assert "peonies" not in str(dict(row))


async def test_what_is_deleted_there_is_found_by_the_sweep_and_moves_nothing_of_the_couples(lane: Lane) -> None:
    book, couple, wedding, link, job = await wed(lane)
    studio: Studio = lane.tave.studios[book.account]
    opened = studio.gallery(job, name="Ana and Ben", status="active", photoCount=620)
    never = studio.gallery(job, name="Sneak peek")
    kept = studio.note(job, "<p>They love peonies.</p>")
    dropped = studio.note(job, "<p>They love roses.</p>")
    unshared = studio.note(job, "<p>They pay late.</p>")
    await book.poll(wedding)
    await book.join(job, wedding, link)
    # Not looked at yet when it is deleted: it is delivered to nobody.
    studio.drop(never)
    await book.sweep()
    await book.settle(wedding)
    path = f"/api/v1/links/{link}/correspondence"
    messages = {one["text"]: one["id"] for one in (await book.owner.got("GET", path))["items"]}
    for text in ("They love peonies.", "They love roses."):
        await book.owner.got("POST", f"{path}/{messages[text]}/share", code=204)

    async def bar() -> list[tuple[str, int | None]]:
        found = await couple.got("GET", f"/api/v1/weddings/{wedding}/photos")
        return [(one["stage"], one["delivered_count"]) for one in found["items"]]

    async def galleries() -> dict[str, bool]:
        found = (await book.owner.got("GET", f"{book.path}/galleries"))["items"]
        return {one["name"]: one["gone_at"] is not None for one in found}

    async def mine() -> dict[str, tuple[bool, bool]]:
        found = (await book.owner.got("GET", path))["items"]
        return {one["text"]: (one["shared_at"] is not None, one["is_gone"]) for one in found}

    assert await bar() == [("delivered", 620)]
    assert await galleries() == {"Ana and Ben": False, "Sneak peek": True}
    for one in (opened, dropped, unshared):
        studio.drop(one)
    events = len(await lane.events(wedding))
    await book.poll(wedding)
    assert await mine() == {
        "They love peonies.": (True, False),
        "They love roses.": (True, False),
        "They pay late.": (False, False),
    }
    await book.sweep()
    await book.settle(wedding)
    assert await bar() == [("delivered", 620)]
    assert len(await lane.events(wedding)) == events
    assert await galleries() == {"Ana and Ben": True, "Sneak peek": True}
    assert await mine() == {"They love peonies.": (True, False), "They love roses.": (True, True)}
    page = await book.owner.see(f"/studio/{book.business.supplier}/weddings/{wedding}/correspondence")
    assert page.count("any more. They read it until you share it no more.") == 1
    assert "Deleted there" in await book.owner.see(f"/studio/{book.business.supplier}/records/{book.id}")
    for row in await lane.admin.fetch("select * from record_messages where gone_at is not null"):
        assert "They" not in lane.unsealed("record_messages", row)
    # It comes back under its own id, so what was shared of it is that again.
    studio.notes[dropped] = {**studio.notes[kept], "id": dropped, "contentHtml": "<p>They love tulips.</p>"}
    studio.touched(studio.notes[dropped])
    await book.poll(wedding)
    changed = {one["id"]: one for one in (await book.owner.got("GET", path))["items"]}[messages["They love roses."]]
    assert (changed["text"], changed["is_changed"], changed["is_gone"]) == ("They love tulips.", True, False)


async def test_what_a_page_left_out_is_looked_at_before_it_is_gone(lane: Lane) -> None:
    book, _, wedding, link, job = await wed(lane)
    studio: Studio = lane.tave.studios[book.account]
    note = studio.note(job, "<p>They love peonies.</p>")
    await book.poll(wedding)
    await book.join(job, wedding, link)
    rows = studio.rows
    studio.rows = lambda table, sort: [one for one in rows(table, sort) if one["id"] != note]  # type: ignore[method-assign]
    try:
        await book.sweep()
    finally:
        studio.rows = rows  # type: ignore[method-assign]
    found = (await book.owner.got("GET", f"/api/v1/links/{link}/correspondence"))["items"]
    assert [(one["text"], one["is_gone"]) for one in found] == [("They love peonies.", False)]


async def test_the_pages_of_a_correspondence_are_told_of_what_is_new(lane: Lane) -> None:
    book, couple, wedding, link, job = await wed(lane)
    studio: Studio = lane.tave.studios[book.account]
    await book.join(job, wedding, link)
    base = f"/studio/{book.business.supplier}/weddings/{wedding}/correspondence"
    theirs = f"/me/{wedding}/suppliers/{link}/correspondence"
    for who, place in ((book.owner, base), (couple, theirs)):
        page = await who.see(place)
        assert f'data-live="messages record_messages" data-live-src="{place}"' in page
        fragment = await who.see(place, part=True)
        assert "<body" not in fragment and fragment.strip().startswith('<div class="stack" id="correspondence"')
    note = studio.note(job, "<p>They love peonies.</p>")
    await book.poll(wedding)
    studio.drop(note)
    await book.sweep()
    told = [
        e for e in await lane.events(book.business.supplier, kind="supplier") if e.type.startswith("record_message.")
    ]
    assert [(e.type, e.subject.table, e.bulk) for e in told] == [
        ("record_message.told", "record_messages", True),
        ("record_message.forgotten", "record_messages", True),
    ]
    assert "peonies" not in repr(told)
