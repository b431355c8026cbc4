"""Forms through the door: asked by a supplier, filled in from the record, answered once, private to that link."""

from typing import Any

import pytest_asyncio

from tests.contracts.town import Linked, Somebody, Town

SECRET = "Uncle Theo and Aunt Ines do not speak"  # noqa: S105


class Asked:
    """Ana was asked by her photographer; another supplier of the same level looks on."""

    def __init__(
        self, town: Town, ana: Somebody, wedding: str, photo: Linked, other: Linked, form: Any, id: str
    ) -> None:
        self.town, self.ana, self.wedding, self.photo, self.other = town, ana, wedding, photo, other
        self.form, self.id = form, id
        self.path = f"/api/v1/form-requests/{id}"
        self.core = f"/api/v1/weddings/{wedding}"

    async def types(self) -> list[str]:
        """What was recorded of forms."""
        return [e.type for e in await self.town.events(self.wedding) if e.type.startswith("form.")]

    async def told(self, who: Somebody) -> list[str]:
        """What somebody's inbox says of forms."""
        await self.town.react(self.wedding)
        items = (await who.got("GET", "/api/v1/me/inbox"))["items"]
        return [one["title"] for one in items if one["type"].startswith("form.")]


@pytest_asyncio.fixture
async def asked(town: Town, ana: Somebody, wedding: str) -> Asked:
    core = {"ceremony_venue": "St Mary", "ceremony_at": "14:00", "guest_estimate": 90}
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", core)
    photo, other = await town.linked(ana, wedding), await town.linked(ana, wedding)
    made = {"template": "photographer", "intro": "Ten minutes."}
    form = await photo.owner.got("POST", f"/api/v1/suppliers/{photo.supplier}/forms", made, code=201)
    body = {"form_id": form["id"], "due_on": "2027-05-01", "word": "Please"}
    request = await photo.owner.got("POST", f"/api/v1/weddings/{wedding}/forms", body, code=201)
    again = await photo.owner.got("POST", f"/api/v1/weddings/{wedding}/forms", body, code=201)
    assert again["id"] == request["id"]
    return Asked(town, ana, wedding, photo, other, form, request["id"])


def needed(**more: Any) -> dict[str, Any]:
    """What the photographer's form cannot do without, and more."""
    return {"publish": "Yes"} | more


async def test_a_form_is_filled_in_from_the_record_and_what_differs_goes_back_once(asked: Asked) -> None:
    ana, photo = asked.ana, asked.photo.owner
    seen = await ana.got("GET", asked.path)
    assert seen["record"] == {
        "on": "2027-06-05",
        "ceremony_venue": "St Mary",
        "ceremony_at": "14:00",
    }
    await ana.got("PUT", f"{asked.path}/draft", {"answers": {"tender": SECRET, "prep": "No", "nonsense": "x"}})
    assert (await ana.got("GET", asked.path))["draft"] == {"tender": SECRET, "prep": "No"}
    before = await photo.got("GET", asked.path)
    assert (before["state"], before["draft"], before["record"], before["answers"]) == ("started", {}, {}, {})

    answers = seen["record"] | needed(
        tender=SECRET, prep="No", prep_from="09:00", ceremony_at="14:30", board="http://x"
    )
    refused = await ana.got("POST", f"{asked.path}/submit", {"answers": answers}, code=422)
    assert [e["field"] for e in refused["errors"]] == ["board"]
    answers |= {"board": "https://pictures.example.com/ana", "day_contacts": "Priya, coordinator, 07700 900123"}
    done = await ana.got("POST", f"{asked.path}/submit", {"answers": answers})
    assert (done["state"], done["known"], done["avoided"], done["draft"]) == ("submitted", 3, 2, {})
    # Where they do not get ready with the photographer, nobody asked from when.
    assert "prep_from" not in done["answers"]
    core = await ana.got("GET", asked.core)
    assert core["ceremony_at"] == "14:30:00"
    (contact,) = (await ana.got("GET", f"{asked.core}/day-contacts"))["items"]
    assert (contact["name"], contact["what"], contact["phone"]) == ("Priya", "coordinator", "07700 900123")

    version = core["version"]
    again = await ana.got("POST", f"{asked.path}/submit", {"answers": done["answers"]})
    assert (again["submissions"], (await ana.got("GET", asked.core))["version"]) == (1, version)
    otherwise = done["answers"] | {"tender": "Nothing"}
    amended = await ana.got("POST", f"{asked.path}/submit", {"answers": otherwise})
    assert (amended["submissions"], amended["changed"]) == (2, ["tender"])
    read = await photo.got("GET", asked.path)
    assert (read["answers"]["tender"], read["record"]) == ("Nothing", {})
    assert await asked.types() == ["form.asked", "form.started", "form.submitted", "form.submitted"]


async def test_what_was_changed_meanwhile_is_asked_about_and_never_overwritten(asked: Asked) -> None:
    ana = asked.ana
    seen = (await ana.got("GET", asked.path))["record"]
    await ana.got("PATCH", asked.core, {"ceremony_at": "15:00", "ceremony_venue": "St Anne"})
    body = {"answers": seen | needed(ceremony_at="13:00"), "seen": seen}
    refused = await ana.got("POST", f"{asked.path}/submit", body, code=422)
    (fault,) = refused["errors"]
    assert fault["field"] == "ceremony_at" and "15:00" in fault["reason"]
    # What was left as it was shown follows the record; what is meant after a second look goes back.
    body["seen"] |= {"ceremony_at": "15:00"}
    done = await ana.got("POST", f"{asked.path}/submit", body)
    assert (done["answers"]["ceremony_venue"], done["answers"]["ceremony_at"]) == ("St Anne", "13:00")
    now = await ana.got("GET", asked.core)
    assert (now["ceremony_venue"], now["ceremony_at"]) == ("St Anne", "13:00:00")


async def test_answers_are_the_links_and_the_couples_alone(asked: Asked) -> None:
    ana, photo, town = asked.ana, asked.photo.owner, asked.town
    await ana.got("POST", f"{asked.path}/submit", {"answers": needed(tender=SECRET)})
    eve = await town.person("eve")
    for stranger in (asked.other.owner, eve):
        await stranger.got("GET", asked.path, code=404)
        await stranger.got("POST", f"{asked.path}/lock", code=404)
        await stranger.got("GET", f"/api/v1/forms/{asked.form['id']}", code=404)
    assert (await asked.other.owner.got("GET", f"{asked.core}/forms"))["items"] == []
    assert [one["id"] for one in (await ana.got("GET", f"{asked.core}/forms"))["items"]] == [asked.id]
    await photo.got("POST", f"{asked.path}/submit", {"answers": needed()}, code=403)
    await ana.got("POST", f"{asked.core}/forms", {"form_id": asked.form["id"]}, code=403)
    await ana.got("POST", f"{asked.path}/lock", code=403)
    # Nobody's log, and no dump of the tables, holds a word of it.
    for event in await town.events(asked.wedding):
        assert SECRET not in str(event.record) and "sections" not in (event.record or {})
    assert SECRET.encode() not in await town.admin.fetchval("select sealed from form_requests where id = $1", asked.id)


async def test_it_becomes_final_opens_again_and_keeps_the_version_it_was_asked_in(asked: Asked) -> None:
    ana, photo = asked.ana, asked.photo.owner
    path = f"/api/v1/forms/{asked.form['id']}"
    other = {
        "sections": [{"title": "New", "fields": [{"key": "q", "kind": "text", "label": "Q", "is_required": True}]}]
    }
    changed = await photo.got("PATCH", path, other)
    assert changed["version"] == asked.form["version"] + 1
    await photo.got("PATCH", path, {"title": "x"}, code=412, if_match='"1"')
    await ana.got("POST", f"{asked.path}/submit", {"answers": needed()})
    await photo.got("POST", f"{asked.path}/withdraw", code=409)
    assert (await photo.got("POST", f"{asked.path}/lock"))["state"] == "locked"
    await ana.got("PUT", f"{asked.path}/draft", {"answers": {}}, code=409)
    await ana.got("POST", f"{asked.path}/submit", {"answers": needed()}, code=409)
    opened = await photo.got("POST", f"{asked.path}/reopen", {"word": "Which hall?"})
    assert (opened["state"], opened["word"], opened["form_version"]) == ("started", "Which hall?", 1)
    await ana.got("POST", f"{asked.path}/submit", {"answers": needed(tender="x")})
    await photo.got("POST", f"{asked.path}/lock")
    # Asked anew it is asked in its new version, and the old one stays as it was.
    newer = await photo.got("POST", f"{asked.core}/forms", {"form_id": asked.form["id"]}, code=201)
    assert (newer["form_version"], newer["sections"][0]["title"]) == (2, "New")
    await photo.got("POST", f"{asked.path}/reopen", {}, code=409)
    assert (await photo.got("POST", f"/api/v1/form-requests/{newer['id']}/withdraw"))["state"] == "withdrawn"
    await photo.got("DELETE", path, code=204)
    assert (await ana.got("GET", asked.path))["answers"]["tender"] == "x"


async def test_a_form_must_fit_together(asked: Asked) -> None:
    photo, path = asked.photo.owner, f"/api/v1/forms/{asked.form['id']}"
    fields: list[dict[str, Any]] = [
        {"key": "a", "kind": "choice", "label": "A", "options": ["one"]},
        {"key": "a", "kind": "text", "label": "Twice", "maps_to": "on"},
        {"key": "b", "kind": "text", "label": "B", "show_if": {"field": "c", "values": ["x"]}},
        {"key": "c", "kind": "text", "label": "C", "maps_to": "budget"},
    ]
    refused = await photo.got("PATCH", path, {"sections": [{"title": "S", "fields": fields}]}, code=422)
    named = [e["field"].rpartition("fields")[2] for e in refused["errors"]]
    assert named == ["[0].options", "[1].key", "[1].kind", "[2].show_if", "[3].maps_to"]
    empty = await photo.got("POST", f"/api/v1/suppliers/{asked.photo.supplier}/forms", {"title": "None"}, code=201)
    await photo.got("POST", f"{asked.core}/forms", {"form_id": empty["id"]}, code=422)
    listed = await photo.got("GET", f"/api/v1/suppliers/{asked.photo.supplier}/forms")
    assert {one["title"] for one in listed["items"]} == {"Photography questionnaire", "None"}
    known = await photo.got("GET", "/api/v1/form-templates")
    assert {one["key"] for one in known["templates"]} == {"photographer", "venue", "music", "caterer"}
