"""Setting a business up in six steps: each can be done, skipped, left and taken up again, by whoever keeps it."""

import re
from typing import Any

import httpx

from tests.contracts.client_house import FILES
from tests.contracts.town import SAME_ORIGIN, Somebody, Town
from wedsync.processes import registry

START = "/studio/start"


async def begun(owner: Somebody, **fields: str) -> str:
    """The path of the business's steps."""
    given: dict[str, Any] = {"you": "Mira Moss", "business": "Moss & Fern", "zone": "Europe/Lisbon"} | fields
    answer = await owner.send(START, **given)
    assert answer.status_code == 303, answer.text
    path: str = answer.headers["location"]
    return path


def here(text: str) -> str:
    """The step that a page is of."""
    [found] = re.findall(r'aria-current="step"><a href="[^"]+step=(\w+)"', text)
    return str(found)


async def uploaded(owner: Somebody, town: Town, path: str, data: bytes, name: str) -> httpx.Response:
    """A file, as a browser sends it."""
    headers = {"authorization": f"Bearer {owner.bearer}", "accept": "text/html"} | SAME_ORIGIN
    transport = httpx.ASGITransport(app=town.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as http:
        return await http.post(f"{path}/list", files={"file": (name, data)})


async def test_six_steps_from_nothing_to_a_wedding_in_step(town: Town, ana: Somebody, wedding: str) -> None:
    owner = await town.person("mira")
    assert "Six short steps" in await owner.see(START)
    path = await begun(owner)
    supplier = path.split("/")[2]
    assert here(await owner.see(path)) == "category"
    await owner.send(f"{path}/category", category="florist")
    assert here(await owner.see(path)) == "calendar"
    await owner.send(f"{path}/calendar", action="skip")
    kept = await uploaded(owner, town, path, (FILES / "tave_jobs.csv").read_bytes(), "jobs.csv")
    summed = await owner.see(kept.headers["location"])
    assert "3 new" in re.sub(r"\s+", " ", summed)
    assert (await owner.got("GET", f"/api/v1/suppliers/{supplier}/clients"))["items"] == []
    assert (await owner.send(kept.headers["location"])).headers["location"] == path
    assert len((await owner.got("GET", f"/api/v1/suppliers/{supplier}/clients"))["items"]) == 3
    letter = await owner.see(path)
    assert here(letter) == "invitation"
    assert "Moss &amp; Fern keeps the date, places and times of weddings" in letter
    await owner.send(f"{path}/invitation")
    invited = {"supplier_name": "Moss", "email": owner.email, "level": "standard"}
    link = (await ana.got("POST", f"/api/v1/weddings/{wedding}/links", invited, code=201))["id"]
    assert "<b>Ana &amp; Ben</b> invite you" in await owner.see(path)
    taken = await owner.send(f"{path}/wedding", link_id=link)
    assert taken.headers["location"] == f"{path}?step=wedding"
    await town.react(wedding)
    assert "In step" in await owner.see(f"{path}?step=wedding")
    assert "data-key" in await owner.see(f"{path}/fragments/weddings", part=True)
    end = await owner.see(path)
    assert "You are set up" in end
    assert "Left for later" in end
    assert f'href="/studio/{supplier}/start"' in await owner.see(f"/studio/{supplier}/weddings")
    assert (await owner.send(f"{path}/end")).headers["location"] == f"/studio/{supplier}"
    assert f'href="/studio/{supplier}/start"' not in await owner.see(f"/studio/{supplier}/weddings")
    business = await town.admin.fetchrow(
        "select name, category, time_zone from suppliers where supplier_id = $1::uuid", supplier
    )
    assert tuple(business) == ("Moss & Fern", "florist", "Europe/Lisbon")
    assert await town.admin.fetchval("select name from persons where person_id = $1", owner.id) == "Mira Moss"


async def test_every_step_can_be_skipped_and_taken_up_again(town: Town) -> None:
    owner = await town.person("mira")
    path = await begun(owner)
    for step in ("category", "calendar", "clients", "invitation", "wedding"):
        assert here(await owner.see(path)) == step
        await owner.send(f"{path}/{step}", action="skip")
    assert (await owner.ask("GET", START)).headers["location"] == path
    end = await owner.see(path)
    assert end.count('data-state="skipped"') == 5
    await owner.send(f"{path}/category", category="other")
    assert (await owner.see(path)).count('data-state="skipped"') == 4
    await owner.send(f"{path}/business", business="Moss & Sons", zone="Asia/Tokyo")
    assert 'value="Moss &amp; Sons"' in await owner.see(f"{path}?step=business")
    changed = await town.events(path.split("/")[2], "onboarding.changed", kind="supplier")
    assert len(changed) == 8


async def test_what_cannot_be_is_said_where_it_was_typed(town: Town) -> None:
    owner = await town.person("mira")
    for fields, words in (
        ({"business": ""}, "Write the name couples know"),
        ({"zone": "Moon/Base"}, "is not an IANA time zone"),
        ({"you": ""}, "Tell us your name"),
    ):
        given: dict[str, Any] = {"you": "Mira", "business": "Moss", "zone": "Europe/Lisbon"} | fields
        answer = await owner.send(START, **given)
        assert (answer.status_code, words.lower() in answer.text.lower()) == (422, True), words
    path = await begun(owner)
    wrong: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("category", {"category": "pirate"}, "Choose what comes closest"),
        ("calendar", {"address": ""}, "Paste the address"),
        ("clients", {}, "Choose the list"),
        ("wedding", {"couple_email": "nowhere"}, "Write name@example.com"),
        ("wedding", {"link_id": "mine"}, ""),
        ("business", {"business": " ", "zone": "Europe/Lisbon"}, "Write the name"),
    )
    for step, typed, words in wrong:
        answer = await owner.send(f"{path}/{step}", **typed)
        assert (answer.status_code, words in answer.text, here(answer.text)) == (422, True, step), (step, answer.text)
    away = await owner.send(f"{path}/calendar", address="http://127.0.0.1:1/a.ics")
    assert (away.status_code, here(away.text)) == (503, "calendar")
    refused = await uploaded(owner, town, path, b"%PDF-1.7", "a.pdf")
    assert (refused.status_code, "This is a PDF" in refused.text) == (422, True)
    assert (await owner.send(f"{path}/nonsense")).status_code == 404
    asked = await owner.send(f"{path}/wedding", couple_email="nobody@example.org")
    assert asked.status_code == 303
    assert "appears here by itself" in await owner.see(f"{path}?step=wedding")


async def test_only_whoever_keeps_a_business_sets_it_up(town: Town) -> None:
    owner = await town.person("mira")
    path = await begun(owner)
    supplier = path.split("/")[2]
    colleague, stranger = await town.person("colleague"), await town.person()
    asked = {"email": colleague.email, "role": "member"}
    await owner.got("POST", f"/api/v1/suppliers/{supplier}/members", asked, code=201)
    await colleague.see(path, code=403)
    assert (await colleague.send(f"{path}/category", category="florist")).status_code == 403
    await stranger.see(path, code=404)
    assert "Six short steps" in await colleague.see(START)
    assert "Six short steps" in await owner.see(f"{START}?new=1")
    assert "onboarding.changed" in registry.catalogue(town.settings).types
