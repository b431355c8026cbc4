"""Photo deliveries through the door: who promises, who moves, who looks, and what the clock says of promised days."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest_asyncio

from tests.contracts.town import Linked, Somebody, Town
from wedsync.kit import clock
from wedsync.processes.ticks import warning_of_photos

GALLERY = "https://gallery.example.com/ana-and-ben"


def soon(days: int) -> str:
    return (clock.now().date() + timedelta(days=days)).isoformat()


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """A gallery that is promised to one couple, and a second supplier with every scope there is."""

    town: Town
    ana: Somebody
    wedding: str
    photographer: Linked
    other: Linked
    id: str

    @property
    def owner(self) -> Somebody:
        return self.photographer.owner

    @property
    def path(self) -> str:
        return f"/api/v1/photos/{self.id}"

    async def does(self, act: str, body: Any = None, *, code: int = 200, who: Somebody | None = None) -> Any:
        return await (who or self.owner).got("POST", f"{self.path}/{act}", body, code=code)

    async def types(self) -> list[str]:
        return [e.type for e in await self.town.events(self.wedding) if e.type.startswith("photos.")]

    async def tick(self) -> list[str]:
        """What the clock has told since; its tick is for all weddings."""
        before, nudges = len(await self.types()), []

        async def published(nudge: str) -> None:
            nudges.append(nudge)

        await warning_of_photos(published)(self.town.admin)
        return (await self.types())[before:]

    async def is_at(self, **columns: str) -> None:
        """Time has passed: the promise is older than it was."""
        written = ", ".join(f"{name} = {value}" for name, value in columns.items())
        await self.town.admin.execute(f"update photo_deliveries set {written} where id = $1", UUID(self.id))


@pytest_asyncio.fixture
async def gallery(town: Town, ana: Somebody) -> Promised:
    wedding = await town.wedding(ana, on=soon(-10))
    photographer = await town.linked(ana, wedding)
    other = await town.linked(ana, wedding, level="full")
    asked = {"kind": "gallery", "title": "The welcome\ndinner", "promised_on": soon(20), "shot_count": 3120}
    path = f"/api/v1/weddings/{wedding}/photos"
    made = await photographer.owner.got("POST", path, asked, code=201)
    await town.react(wedding)
    return Promised(town=town, ana=ana, wedding=wedding, photographer=photographer, other=other, id=made["id"])


async def inbox(somebody: Somebody) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await somebody.got("GET", "/api/v1/me/inbox"))["items"]
    return [one for one in found if one["type"].startswith("photos.")]


async def test_a_gallery_from_promise_to_download(gallery: Promised) -> None:
    made = await gallery.owner.got("GET", gallery.path)
    assert (made["stage"], made["title"], made["link_id"]) == ("not_started", "The welcome dinner", made["link_id"])
    assert [one["promised_on"] for one in made["promises"]] == [soon(20)]
    await gallery.does("move", {"stage": "editing"})
    await gallery.does("move", {"stage": "editing"})
    refused = await gallery.does("deliver", code=422)
    assert refused["errors"][0]["field"] == "gallery_url"
    body = {"gallery_url": GALLERY, "gallery_hint": "Your first dog", "edited_count": 640, "delivered_count": 640}
    await gallery.owner.got("PATCH", gallery.path, body)
    assert (await gallery.does("view", who=gallery.ana, code=409))["code"] == "not_delivered"
    delivered = await gallery.does("deliver")
    assert (delivered["stage"], delivered["viewed_at"]) == ("delivered", None)
    await gallery.does("deliver")
    seen = await gallery.does("view", who=gallery.ana)
    again = await gallery.does("view", who=gallery.ana)
    assert (seen["stage"], again["version"]) == ("viewed", seen["version"])
    await gallery.does("move", {"stage": "editing"}, code=409)
    await gallery.does("move", {"stage": "downloaded"})
    await gallery.does("move", {"stage": "archived"})
    assert (await gallery.does("deliver"))["stage"] == "delivered"
    assert await gallery.types() == [
        *("photos.promised", "photos.stage_changed", "photos.changed", "photos.delivered", "photos.viewed"),
        *("photos.stage_changed", "photos.stage_changed", "photos.delivered"),
    ]
    emptied = await gallery.owner.got("PATCH", gallery.path, {"gallery_url": ""}, code=422)
    assert emptied["errors"][0]["field"] == "gallery_url"


async def test_only_its_supplier_moves_it_and_only_the_couple_looks(gallery: Promised, town: Town) -> None:
    colleague = await town.person("colleague")
    members = f"/api/v1/suppliers/{gallery.photographer.supplier}/members"
    made = await gallery.owner.got("POST", members, {"email": colleague.email, "role": "member"}, code=201)
    await colleague.got("GET", gallery.path, code=404)
    await gallery.owner.got("PUT", f"{members}/{made['id']}/assignments/{gallery.photographer.link}", code=204)
    await gallery.does("move", {"stage": "culling"}, who=colleague)
    listed = f"/api/v1/weddings/{gallery.wedding}/photos"
    for stranger in (gallery.other.owner, await town.person("eve")):
        await gallery.does("move", {"stage": "ready"}, who=stranger, code=404)
        await stranger.got("GET", gallery.path, code=404)
    assert (await gallery.other.owner.got("GET", listed))["items"] == []
    assert [one["id"] for one in (await gallery.ana.got("GET", listed))["items"]] == [gallery.id]
    await gallery.ana.got("POST", listed, {"kind": "film"}, code=403)
    await gallery.ana.got("PATCH", gallery.path, {"note": "Hurry"}, code=403)
    await gallery.ana.got("DELETE", gallery.path, code=403)
    for act, body in (("move", {"stage": "ready"}), ("deliver", None), ("resume", None), ("pause", {"reason": "x"})):
        await gallery.does(act, body, who=gallery.ana, code=403)
    await gallery.does("view", code=403)


async def test_a_delay_needs_a_reason_and_the_couple_hears_of_it(gallery: Promised) -> None:
    later = {"promised_on": soon(30), "reason": "The lab is closed for two weeks."}
    refused = await gallery.owner.got("PATCH", gallery.path, {"promised_on": soon(30)}, code=422)
    assert "delayed" in refused["errors"][0]["fix"]
    await gallery.does("delay", {"promised_on": soon(30)}, code=422)
    await gallery.does("delay", later | {"promised_on": soon(10)}, code=422)
    delayed = await gallery.does("delay", later)
    assert [one["promised_on"] for one in delayed["promises"]] == [soon(20), soon(30)]
    assert (delayed["standing"], delayed["reason"]) == ("delayed", later["reason"])
    await gallery.does("pause", {"reason": "The wall is painted first."})
    await gallery.does("move", {"stage": "culling"}, code=409)
    assert (await gallery.does("resume"))["standing"] == "delayed"
    await gallery.owner.got("PATCH", gallery.path, {"gallery_url": GALLERY})
    await gallery.does("deliver")
    await gallery.does("delay", later | {"promised_on": soon(40)}, code=409)
    await gallery.town.react(gallery.wedding)
    told = await inbox(gallery.ana)
    assert {one["type"] for one in told} == {"photos.delayed", "photos.delivered"}
    assert {one["href"] for one in told} == {f"/me/{gallery.wedding}/photos"}
    titles = " ".join(one["title"] for one in told)
    assert "Your gallery “The welcome dinner” is here" in titles
    assert await inbox(gallery.owner) == []


async def test_the_supplier_is_reminded_once_at_seven_tenths_and_once_when_it_is_late(gallery: Promised) -> None:
    assert await gallery.tick() == []
    made_at = "app.now() - interval '69 days'"
    await gallery.is_at(promised_at=made_at, promised_on="(app.now() + interval '30 days')::date")
    await gallery.town.admin.execute(
        "update weddings set \"on\" = (app.now() - interval '69 days')::date where wedding_id = $1",
        UUID(gallery.wedding),
    )
    assert await gallery.tick() == []
    await gallery.is_at(promised_on="(app.now() + interval '28 days')::date")
    assert await gallery.tick() == ["photos.at_risk"]
    assert await gallery.tick() == []
    await gallery.does("move", {"stage": "ready"})
    await gallery.is_at(promised_on="(app.now() - interval '3 days')::date")
    assert await gallery.tick() == ["photos.overdue"]
    assert await gallery.tick() == []
    await gallery.town.react(gallery.wedding)
    told = await inbox(gallery.owner)
    assert sorted(one["type"] for one in told) == ["photos.at_risk", "photos.overdue"]
    assert await inbox(gallery.ana) == await inbox(gallery.other.owner) == []
    mails = await gallery.town.mails(gallery.wedding, to=gallery.owner.email)
    assert any("promised day" in m["text"] and "confirm" not in m["text"] for m in mails)
    renewed = await gallery.does("delay", {"promised_on": soon(9), "reason": "The lab is closed."})
    assert renewed["warned_at"] is renewed["overdue_at"] is None


async def test_nobody_is_reminded_of_what_is_over(gallery: Promised) -> None:
    await gallery.is_at(
        promised_at="app.now() - interval '60 days'", promised_on="(app.now() + interval '1 day')::date"
    )
    await gallery.does("move", {"stage": "ready"})
    assert await gallery.tick() == []
    await gallery.is_at(promised_on="(app.now() - interval '3 days')::date")
    await gallery.ana.got("DELETE", f"/api/v1/links/{gallery.photographer.link}", code=204)
    assert await gallery.tick() == []


async def test_what_is_taken_back_is_gone_and_a_stale_version_is_told(gallery: Promised) -> None:
    stale = await gallery.owner.ask("PATCH", gallery.path, {"note": "Soon"}, if_match='"7"')
    assert (stale.status_code, stale.json()["current"]["id"]) == (412, gallery.id)
    await gallery.owner.got("DELETE", gallery.path, code=204)
    await gallery.ana.got("GET", gallery.path, code=404)
    assert (await gallery.types())[-1] == "photos.withdrawn"
    (fact,) = await gallery.town.events(gallery.wedding, "photos.withdrawn")
    assert (fact.scope, str(fact.link_id)) == (128, gallery.photographer.link)
