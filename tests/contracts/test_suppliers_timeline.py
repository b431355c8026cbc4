"""A supplier whom the couple lets change the schedule does so in the studio: ripple first, nothing lost, no more."""

import re
from typing import Any

import msgspec
import pytest_asyncio

from tests.contracts.town import Linked, Somebody, Town


class Stage(msgspec.Struct, frozen=True):
    """A planner who may edit, and two items: photographs that follow the drinks."""

    ana: Somebody
    planner: Linked
    wedding: str
    drinks: str
    photos: str

    @property
    def page(self) -> str:
        return f"/studio/{self.planner.supplier}/weddings/{self.wedding}"

    async def item(self, id: str) -> dict[str, object]:
        found: dict[str, object] = await self.ana.got("GET", f"/api/v1/schedule/{id}")
        return found


@pytest_asyncio.fixture
async def stage(town: Town) -> Stage:
    ana = await town.person()
    wedding = await town.wedding(ana)
    planner = await town.linked(ana, wedding, "standard", can_edit_timeline=True)
    path = f"/api/v1/weddings/{wedding}/schedule"
    first = {"title": "Drinks", "kind": "drinks", "at_local": "15:00:00", "minutes": 60, "takes_rsvps": False}
    drinks = (await ana.got("POST", path, first, code=201))["id"]
    second = {"title": "Photographs", "kind": "photos", "at_local": "16:00:00", "minutes": 30}
    photos = (await ana.got("POST", path, second | {"after": [{"item_id": drinks}]}, code=201))["id"]
    return Stage(ana, planner, wedding, drinks, photos)


def typed(version: object, **changed: str) -> dict[str, Any]:
    """The form of the drinks as the planner's browser sends it."""
    fields: dict[str, Any] = {
        "title": "Drinks",
        "kind": "drinks",
        "on": "2027-06-05",
        "at_local": "15:00",
        "minutes": "60",
    }
    fields |= {"buffer_minutes": "0", "place": "", "owner": "", "after_item_id": "", "audience": "linked"}
    return fields | {"version": str(version)} | changed


async def test_the_way_there_is_shown_to_who_may_and_closed_to_others(town: Town, stage: Stage) -> None:
    assert f'href="{stage.page}/schedule"' in await stage.planner.owner.see(stage.page)
    page = await stage.planner.owner.see(f"{stage.page}/schedule?edit={stage.drinks}")
    assert f'action="{stage.page}/schedule/{stage.drinks}/preview"' in page
    assert 'name="audience" value="linked"' in page
    assert "Guests answer for it" not in page
    assert "Photographs" in await stage.planner.owner.see(f"{stage.page}/fragments/schedule", part=True)
    other = await town.linked(stage.ana, stage.wedding, "full")
    path = f"/studio/{other.supplier}/weddings/{stage.wedding}"
    assert f'href="{path}/schedule"' not in await other.owner.see(path)
    await other.owner.see(f"{path}/schedule", code=403)
    assert (await other.owner.send(f"{path}/schedule/{stage.drinks}", **typed(1))).status_code == 403
    await stage.ana.got("PATCH", f"/api/v1/links/{stage.planner.link}", {"can_edit_timeline": False})
    await stage.planner.owner.see(f"{stage.page}/schedule", code=403)
    assert f'href="{stage.page}/schedule"' not in await stage.planner.owner.see(stage.page)
    as_couple = await stage.ana.see(f"/me/{stage.wedding}/suppliers/{stage.planner.link}/see-as")
    assert "Change the schedule" not in as_couple


async def test_the_ripple_is_shown_before_anything_is_saved(stage: Stage) -> None:
    before = await stage.item(stage.drinks)
    later = typed(before["version"], at_local="15:30")
    shown = await stage.planner.owner.send(f"{stage.page}/schedule/{stage.drinks}/preview", part=True, **later)
    assert "Moving this moves 1 other" in shown.text
    assert (await stage.item(stage.photos))["at_local"] == "16:00:00"
    saved = await stage.planner.owner.send(f"{stage.page}/schedule/{stage.drinks}", **later)
    assert saved.headers["location"] == f"{stage.page}/schedule#item-{stage.drinks}"
    assert (await stage.item(stage.photos))["at_local"] == "16:30:00"
    lost = await stage.planner.owner.send(f"{stage.page}/schedule/{stage.drinks}", **later | {"at_local": "17:00"})
    assert lost.status_code == 412
    assert f'action="{stage.page}/schedule/{stage.drinks}"' in lost.text


async def test_an_item_keeps_an_owner_whom_the_supplier_is_not_told_of(town: Town, stage: Stage) -> None:
    florist = await town.linked(stage.ana, stage.wedding)
    await stage.ana.got("PATCH", f"/api/v1/schedule/{stage.drinks}", {"owner_link_id": florist.link})
    page = await stage.planner.owner.see(f"{stage.page}/schedule?edit={stage.drinks}")
    chosen = re.search(r'<option value="([^"]*)" selected>Somebody else</option>', page)
    assert chosen is not None
    version = (await stage.item(stage.drinks))["version"]
    await stage.planner.owner.send(
        f"{stage.page}/schedule/{stage.drinks}", **typed(version, place="Terrace", owner=chosen[1])
    )
    kept = await stage.item(stage.drinks)
    assert (kept["place"], kept["owner_link_id"]) == ("Terrace", florist.link)


async def test_items_and_contacts_come_and_go(stage: Stage) -> None:
    new = typed(0, title="Sparklers", kind="other", at_local="22:00")
    made = await stage.planner.owner.send(f"{stage.page}/schedule", **new)
    assert made.status_code == 303
    wrong = await stage.planner.owner.send(f"{stage.page}/schedule", **new | {"at_local": "late"})
    assert (wrong.status_code, "is not a time" in wrong.text.lower()) == (422, True)
    item = made.headers["location"].partition("#item-")[2]
    gone = await stage.planner.owner.send(f"{stage.page}/schedule/{item}/remove", version="1")
    assert gone.headers["location"] == f"{stage.page}/schedule"
    await stage.planner.owner.send(f"{stage.page}/schedule/contacts", name="Uma", phone="+44 7700 900111")
    page = await stage.planner.owner.see(f"{stage.page}/schedule")
    contact = re.search(r"/schedule/contacts/([0-9a-f-]{36})/remove", page)
    assert contact is not None
    await stage.planner.owner.send(f"{stage.page}/schedule/contacts/{contact[1]}/remove")
    assert "Uma" not in await stage.planner.owner.see(f"{stage.page}/schedule")
    assert (await stage.planner.owner.send(f"{stage.page}/schedule/contacts", name="")).status_code == 422


async def test_what_is_the_couples_to_decide_is_refused(stage: Stage) -> None:
    version = (await stage.item(stage.drinks))["version"]
    public = typed(version, audience="public")
    assert (await stage.planner.owner.send(f"{stage.page}/schedule/{stage.drinks}", **public)).status_code == 403
    assert (await stage.item(stage.drinks))["audience"] == "linked"
