"""Pages about suppliers: the couple's switches and see-as, and the studio's week, weddings and requests."""

import re

import pytest

from tests.contracts.town import Somebody, Town


def part_of(page: str) -> str:
    """What a page says of the wedding: its main part, without the frame and without addresses of forms."""
    return page.split("<main", 1)[1].split("</main>", 1)[0]


async def test_a_supplier_is_invited_by_form(town: Town, ana: Somebody, wedding: str) -> None:
    path = f"/me/{wedding}/suppliers"
    new = {"supplier_name": "Hartley", "email": "Mira@Example.test", "category": "florist", "level": "basic"}
    assert (await ana.send(path, **new)).status_code == 303
    page = await ana.see(path)
    assert "invited at mira@example.test" in page
    twice = await ana.send(path, **new)
    assert twice.status_code == 409
    assert "already invited" in twice.text
    assert "does not look like" in (await ana.send(path, **(new | {"email": "mira"}))).text
    assert "Who is it?" in (await ana.send(path, **(new | {"supplier_name": "", "email": "b@b.test"}))).text


async def test_switches_are_felt_and_a_stale_switch_is_refused(town: Town, ana: Somebody, wedding: str) -> None:
    link = (await town.linked(ana, wedding)).link
    path = f"/me/{wedding}/suppliers/{link}/access"
    version = str((await ana.got("GET", f"/api/v1/links/{link}"))["version"])
    row = await ana.send(path, part=True, version=version, level="standard", can_view_guests="on")
    assert row.status_code == 200
    assert f'id="link-{link}"' in row.text
    assert "<html" not in row.text
    assert (await ana.got("GET", f"/api/v1/links/{link}"))["can_view_guests"] is True
    assert (await ana.send(path, version=version, level="standard")).status_code == 412
    whole = await ana.send(path, version=str(int(version) + 1), level="full")
    assert whole.headers["location"] == f"/me/{wedding}/suppliers#link-{link}"
    assert (await ana.send(path, version=str(int(version) + 2), level="all")).status_code == 422
    assert (await ana.send(f"/me/{wedding}/suppliers/{wedding}/access", level="full")).status_code == 404


async def test_seeing_as_a_supplier_is_what_that_supplier_sees(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.linked(ana, wedding, "standard")
    item = {"title": "Dinner", "kind": "reception", "at_local": "17:00:00", "place": "Elm Barn"}
    await ana.got("POST", f"/api/v1/weddings/{wedding}/schedule", item, code=201)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:00"})
    theirs = part_of(await business.owner.see(f"/studio/{business.supplier}/weddings/{wedding}"))
    ours = part_of(await ana.see(f"/me/{wedding}/suppliers/{business.link}/see-as"))
    for words in ("Elm Barn", "Dinner", "14:00"):
        assert words in theirs
        assert words in ours
    assert "Seen and fine" in theirs
    assert "Seen and fine" not in ours
    await ana.got("PATCH", f"/api/v1/links/{business.link}", {"level": "basic"})
    assert "Dinner" not in part_of(await business.owner.see(f"/studio/{business.supplier}/weddings/{wedding}"))
    assert "Dinner" not in part_of(await ana.see(f"/me/{wedding}/suppliers/{business.link}/see-as"))
    await ana.see(f"/me/{wedding}/suppliers/{wedding}/see-as", code=404)


async def test_a_part_that_is_taken_away_is_gone(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.linked(ana, wedding, "standard")
    base = f"/studio/{business.supplier}/weddings/{wedding}/fragments"
    for part in ("core", "day", "tasks", "counts", "waiting"):
        await business.owner.see(f"{base}/{part}", part=True)
    await ana.got("PATCH", f"/api/v1/links/{business.link}", {"level": "basic"})
    for part in ("day", "tasks", "counts", "budget"):
        await business.owner.see(f"{base}/{part}", part=True, code=404)


async def test_a_link_is_ended_after_asking_once(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.linked(ana, wedding)
    path = f"/me/{wedding}/suppliers/{business.link}"
    assert "Keep it" in await ana.see(f"{path}/end")
    await business.owner.see(f"/studio/{business.supplier}/weddings/{wedding}")
    assert (await ana.send(f"{path}/revoke")).status_code == 303
    await business.owner.see(f"/studio/{business.supplier}/weddings/{wedding}", code=404)
    assert (await ana.send(f"{path}/dance")).status_code == 404


async def test_a_request_is_let_in_or_not(town: Town, ana: Somebody, wedding: str) -> None:
    asking = [await town.supplier(name) for name in ("Hartley", "Nobody Ltd")]
    for business in asking:
        path = f"/studio/{business.supplier}/invite"
        assert "e-mail" in await business.owner.see(path)
        assert (await business.owner.send(path, email="ana")).status_code == 422
        assert ana.email in (await business.owner.send(path, email=ana.email)).text
    links = {r["supplier_name"]: r["id"] for r in (await ana.got("GET", f"/api/v1/weddings/{wedding}/links"))["items"]}
    row = await ana.send(f"/me/{wedding}/suppliers/{links['Hartley']}/accept", part=True)
    assert "Up to date with everything" in row.text
    gone = await ana.send(f"/me/{wedding}/suppliers/{links['Nobody Ltd']}/decline", part=True)
    assert gone.text == ""
    assert "Hartley" in await ana.see(f"/me/{wedding}/fragments/suppliers", part=True)


async def test_an_invitation_waits_in_the_studio_and_is_taken_up_there(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.supplier()
    asked = {"supplier_name": "Marlow", "email": business.owner.email}
    link = (await ana.got("POST", f"/api/v1/weddings/{wedding}/links", asked, code=201))["id"]
    studio = f"/studio/{business.supplier}"
    assert "invite you as Marlow" in await business.owner.see(studio)
    done = await business.owner.send(f"{studio}/invitations/{link}", part=True)
    assert (done.status_code, done.headers["hx-redirect"]) == (200, studio)
    await business.owner.see(f"{studio}/weddings/{wedding}")


async def test_the_week_lists_what_waits_and_the_weddings_by_when(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.linked(ana, wedding)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:00"})
    due = {"title": "Send the shot list", "link_id": business.link, "due_on": "2027-05-01"}
    await ana.got("POST", f"/api/v1/weddings/{wedding}/tasks", due, code=201)
    await town.react(wedding)
    studio = f"/studio/{business.supplier}"
    for page in (
        await business.owner.see(studio),
        await business.owner.see(f"{studio}/fragments/portfolio", part=True),
    ):
        assert "Send the shot list" in page
        assert "Seen and fine" in page
        assert "Ana &amp; Ben" in page
    assert "Coming" in await business.owner.see(f"{studio}/weddings")
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"on": None})
    await town.react(wedding)
    assert "Without a date" in await business.owner.see(f"{studio}/weddings", part=True)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"on": "2001-06-02"})
    await town.react(wedding)
    assert "Past" in await business.owner.see(f"{studio}/weddings")


@pytest.mark.parametrize("page", ["", "/weddings", "/invite"])
async def test_a_studio_is_its_members_alone(town: Town, ana: Somebody, page: str) -> None:
    business = await town.supplier()
    await ana.see(f"/studio/{business.supplier}{page}", code=404)


async def test_what_guests_need_is_counted_by_kind_and_hidden_where_it_is_one_persons(
    town: Town, ana: Somebody, wedding: str
) -> None:
    caterer = await town.linked(ana, wedding, "standard")
    path = f"/api/v1/weddings/{wedding}"
    dinner = {"title": "Dinner", "kind": "reception", "at_local": "17:00:00", "takes_rsvps": True}
    item = (await ana.got("POST", f"{path}/schedule", dinner, code=201))["id"]
    needs = [{"diets": ["vegan"]}] * 3 + [{"allergens": [{"key": "tree_nuts"}]}]
    for number, need in enumerate(needs):
        guest = {"first_name": f"Guest {number}", "last_name": "Hale", "schedule_item_ids": [item]}
        made = (await ana.got("POST", f"{path}/guests", guest, code=201))["id"]
        await ana.got("PUT", f"/api/v1/guests/{made}/needs", need, code=204)
        await ana.got("PUT", f"/api/v1/guests/{made}/rsvps/{item}", {"status": "accepted"})
    await town.react(wedding)
    page = await caterer.owner.see(f"/studio/{caterer.supplier}/weddings/{wedding}/fragments/counts")
    told = dict(re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", page))
    assert told == {"Vegan": "3", "Allergy: tree nuts": "under 3"}
    assert "Hale" not in page
