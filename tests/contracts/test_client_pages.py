"""The studio's pages of clients: found, added, changed and read; a list brought in by three steps and taken back."""

import re
from typing import Any

import httpx
import pytest_asyncio

from tests.contracts.client_house import FILES, HEADER, Office, opened
from tests.contracts.town import SAME_ORIGIN, Somebody, Town


@pytest_asyncio.fixture
async def office(town: Town) -> Office:
    return await opened(town)


def page(office: Office, rest: str = "") -> str:
    return f"/studio/{office.supplier}/clients{rest}"


async def chosen(office: Office, data: bytes, name: str, who: Somebody | None = None) -> httpx.Response:
    """The first step, as a browser does it."""
    headers = {"authorization": f"Bearer {(who or office.owner).bearer}", "accept": "text/html"} | SAME_ORIGIN
    transport = httpx.ASGITransport(app=office.town.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as http:
        return await http.post(page(office, "/import"), files={"file": (name, data)})


async def test_a_client_is_added_found_changed_and_removed_in_the_studio(office: Office) -> None:
    assert "No clients yet" in await office.owner.see(page(office))
    assert "Your clients" in await office.owner.see(f"/studio/{office.supplier}/weddings")
    ana = {"name": "Ana Lopez", "email": "ana@example.org", "wedding_on": "2099-06-05", "venue": "Glasshouse"}
    made = await office.owner.send(page(office, "/new"), **ana, stage="booked")
    assert made.status_code == 303
    path = made.headers["location"]
    again = await office.owner.send(page(office, "/new"), **ana)
    assert (again.status_code, path in again.text, "Add as another" in again.text) == (409, True, True)
    assert (await office.owner.send(page(office, "/new"), **ana, is_another="on")).status_code == 303
    wrong = await office.owner.send(page(office, "/new"), name="", email="nowhere at all", note="kept words")
    assert wrong.status_code == 422
    assert "Write it like name@example.com" in wrong.text
    assert "kept words" in wrong.text
    rows = await office.owner.see(page(office, "?q=GLASS"), part=True)
    assert rows.count("data-key=") == 2
    assert "<html" not in rows
    assert "data-key=" not in await office.owner.see(page(office, "?stage=held"), part=True)
    assert "data-key=" not in await office.owner.see(page(office, "?when=past"), part=True)
    fields: dict[str, Any] = {**ana, "stage": "completed", "partner_name": "Ben"}
    assert (await office.owner.send(path, **fields, version=1)).status_code == 303
    late = await office.owner.send(path, **fields, version=1)
    assert (late.status_code, "changed this client meanwhile" in late.text) == (412, True)
    assert "Ana Lopez &amp; Ben" in await office.owner.see(path)
    assert (await office.owner.send(f"{path}/remove", version=2)).status_code == 303
    await office.owner.see(path, code=404)


async def test_a_long_list_goes_on_page_by_page(office: Office) -> None:
    await office.bring(HEADER + "".join(f"Person {n},,p{n}@example.org,2099-01-01,,\n" for n in range(60)))
    first = await office.owner.see(page(office))
    assert first.count("data-key=") == 50
    [more] = re.findall(r'href="([^"]+)" rel="next"', first)
    assert (await office.owner.see(more.replace("&amp;", "&"))).count("data-key=") == 10


async def test_a_colleague_reads_and_strangers_find_nothing(office: Office) -> None:
    made = await office.add(name="Ana Lopez", note="Likes lilies")
    member = await office.colleague()
    assert "Import a list" not in await member.see(page(office))
    seen = await member.see(page(office, f"/{made['id']}"))
    assert "Likes lilies" in seen
    assert "<textarea" not in seen
    for rest in ("/new", "/import"):
        await member.see(page(office, rest), code=403)
    assert (await member.send(page(office, f"/{made['id']}"), name="Eve", version=1)).status_code == 403
    assert (await chosen(office, b"Name\nAna Li\n", "a.csv", member)).status_code == 403
    stranger = await office.town.person()
    for rest in ("", f"/{made['id']}", "/import"):
        await stranger.see(page(office, rest), code=404)


async def test_a_list_comes_in_by_three_steps_and_goes_back(office: Office) -> None:
    refused = await chosen(office, b"%PDF-1.7", "a.pdf")
    assert (refused.status_code, "This is a PDF" in refused.text) == (422, True)
    kept = await chosen(office, (FILES / "tave_jobs.csv").read_bytes(), "jobs.csv")
    path = kept.headers["location"]
    check = await office.owner.see(path)
    assert "It looks like an export of Tave / VSCO Workspace" in check
    assert "Bring in 3 clients" in check
    assert await office.clients() == []
    form = dict(re.findall(r'name="(column\.\d+)".*?value="(\w+)" selected', check))
    assert form["column.4"] == "wedding_on"
    looked = await office.owner.send(path, **form, asks_kind="on", stage="booked", action="check")
    assert looked.status_code == 303
    assert "Bring in 4 clients" in await office.owner.see(path)
    nameless = {name: "ignore" for name in form}
    bad = await office.owner.send(path, **nameless, action="run")
    assert (bad.status_code, "No column of this file is marked" in bad.text) == (422, True)
    ran = await office.owner.send(path, **form, asks_kind="on", only_weddings="on", action="run")
    assert ran.status_code == 303
    done = await office.owner.see(path)
    assert "They are in" in done
    assert "cid at example" in done
    assert (await office.owner.send(path, **form, action="run")).status_code == 303
    assert len(await office.clients()) == 3
    assert "cid at example" in (await office.owner.ask("GET", f"{path}/rejected.csv")).text
    assert "jobs.csv" in await office.owner.see(page(office, "/import"))
    assert (await office.owner.send(f"{path}/undo")).status_code == 303
    assert "Taken back" in await office.owner.see(path)
    assert await office.clients() == []


async def test_a_sheet_whose_names_nobody_can_tell_is_asked_about(office: Office) -> None:
    kept = await chosen(office, b"A1;B2\nx9;10\ny8;20\n", "odd.csv")
    assert kept.status_code == 303
    assert "You chose it." in await office.owner.see(kept.headers["location"])
