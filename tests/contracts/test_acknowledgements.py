"""Acknowledgements: opened by a change, seen, given by one tap opened again by a newer change."""

import re

from tests.contracts.town import Somebody, Town


async def states(somebody: Somebody, wedding: str) -> list[str]:
    return [a["status"] for a in (await somebody.got("GET", f"/api/v1/weddings/{wedding}/acknowledgements"))["items"]]


async def move(ana: Somebody, wedding: str, at: str) -> None:
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": at})


async def mailed(town: Town, wedding: str, to: str) -> str:
    """The path of the confirming link in the newest mail."""
    await town.react(wedding)
    found = re.search(r"/ack/[\w-]+", (await town.mails(wedding, to=to))[-1]["text"])
    assert found is not None
    return found[0]


async def test_the_link_that_was_asked_confirms_and_nobody_else(town: Town, ana: Somebody, wedding: str) -> None:
    asked, other = await town.linked(ana, wedding), await town.linked(ana, wedding)
    await move(ana, wedding, "14:00")
    (mine,) = (await asked.owner.got("GET", f"/api/v1/weddings/{wedding}/acknowledgements"))["items"]
    assert mine["summary"] == {"ceremony_at": [None, "14:00:00"]}
    path = f"/api/v1/acknowledgements/{mine['id']}/acknowledge"
    await other.owner.got("POST", path, code=404)
    await ana.got("POST", path, code=403)
    assert sorted(await states(ana, wedding)) == ["open", "open"]
    for _ in range(2):
        await asked.owner.got("POST", path, code=204)
    assert sorted(await states(ana, wedding)) == ["acknowledged", "open"]
    assert len(await town.events(wedding, "acknowledgement.given")) == 1
    (left,) = (await ana.got("GET", f"/api/v1/weddings/{wedding}/acknowledgements?status=open"))["items"]
    assert left["link_id"] == other.link
    (tally,) = (await ana.got("GET", f"/api/v1/weddings/{wedding}/tally"))["items"]
    assert (tally["asked"], tally["acknowledged"], len(tally["waiting_for"])) == (2, 1, 1)


async def test_a_newer_change_asks_again(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.linked(ana, wedding)
    await move(ana, wedding, "14:00")
    (first,) = (await business.owner.got("GET", f"/api/v1/weddings/{wedding}/acknowledgements"))["items"]
    await business.owner.got("POST", f"/api/v1/acknowledgements/{first['id']}/acknowledge", code=204)
    await move(ana, wedding, "15:00")
    (again,) = (await business.owner.got("GET", f"/api/v1/weddings/{wedding}/acknowledgements"))["items"]
    assert (again["id"], again["status"], again["summary"]) == (
        first["id"],
        "open",
        {"ceremony_at": ["14:00:00", "15:00:00"]},
    )


async def test_opening_the_mailed_page_is_seeing_never_confirming(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.linked(ana, wedding)
    await move(ana, wedding, "14:00")
    path = await mailed(town, wedding, business.owner.email)
    for _ in range(2):
        assert "Seen and fine" in await town.public.see(path)
    assert await states(ana, wedding) == ["seen"]
    assert len(await town.events(wedding, "acknowledgement.seen")) == 1


async def test_one_tap_confirms_what_the_page_listed_and_not_what_came_since(
    town: Town, ana: Somebody, wedding: str
) -> None:
    business = await town.linked(ana, wedding)
    await move(ana, wedding, "14:00")
    path = await mailed(town, wedding, business.owner.email)
    ids = re.findall(r'name="id" value="([^"]+)"', await town.public.see(path))
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_venue": "Elm Barn"})
    assert (await town.public.send(path, id=ids)).headers["location"] == path
    assert sorted(await states(ana, wedding)) == ["acknowledged", "open"]
    (given,) = await town.events(wedding, "acknowledgement.given")
    assert given.record is not None
    assert given.record["via"] == "pass"
    page = await town.public.see(path)
    assert "Elm Barn" in page
    await town.public.send(path, id=re.findall(r'name="id" value="([^"]+)"', page))
    assert "Thank you" in await town.public.see(path)


async def test_a_page_that_was_not_sent_whole_or_has_no_pass_is_refused(
    town: Town, ana: Somebody, wedding: str
) -> None:
    business = await town.linked(ana, wedding)
    await move(ana, wedding, "14:00")
    path = await mailed(town, wedding, business.owner.email)
    assert (await town.public.send(path, id="x")).status_code == 422
    await town.public.see("/ack/nonsense", code=404)
    await ana.got("DELETE", f"/api/v1/links/{business.link}", code=204)
    assert (await town.public.ask("GET", path, accept="text/html")).status_code in (404, 410)


async def test_confirming_from_the_studio_redraws_what_waits(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.linked(ana, wedding)
    await move(ana, wedding, "14:00")
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_venue": "Elm Barn"})
    waiting = (await business.owner.got("GET", f"/api/v1/weddings/{wedding}/acknowledgements"))["items"]
    base = f"/studio/{business.supplier}/weddings/{wedding}"
    first, second = (f"{base}/acknowledgements/{one['id']}" for one in waiting)
    drawn = await business.owner.send(first, part=True)
    assert drawn.text.count("Seen and fine") == 1
    whole = await business.owner.send(second)
    assert (whole.status_code, whole.headers["location"]) == (303, base)
    assert set(await states(ana, wedding)) == {"acknowledged"}
