"""Forms through the door: asked by a supplier, filled in from the record, answered once, private to that link."""

from typing import Any
from uuid import UUID

import pytest_asyncio

from tests.contracts.town import Linked, Somebody, Town

SECRET = "Uncle Theo and Aunt Ines do not speak"


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


async def test_a_supplier_builds_a_form_step_by_step(asked: Asked) -> None:
    photo, base = asked.photo.owner, f"/studio/{asked.photo.supplier}"
    assert "Your forms" in await photo.see(f"{base}/weddings")
    at = (await photo.send(f"{base}/forms", template="", title="Music")).headers["location"]
    await photo.send(f"{at}/section-add", version=1, section_title="The party")
    made: dict[str, Any] = {
        "version": 2,
        "section": 0,
        "label": "A first dance?",
        "kind": "choice",
        "options": "Yes\nNo\n",
        "maps_to": "",
    }
    assert (await photo.send(f"{at}/fields/new", **made)).status_code == 303
    song: dict[str, Any] = {
        "version": 3,
        "section": 0,
        "label": "Which song?",
        "kind": "text",
        "is_required": "on",
        "maps_to": "",
    }
    song |= {"show_field": "a_first_dance", "show_a_first_dance": "Yes"}
    assert (await photo.send(f"{at}/fields/new", **song)).status_code == 303
    late = await photo.send(f"{at}/fields/new", version=3, section=0, label="Too late", kind="text")
    assert late.status_code == 422 and "Somebody else changed this" in late.text
    where: dict[str, Any] = {
        "version": 4,
        "section": 0,
        "label": "Where is the party?",
        "kind": "number",
        "maps_to": "reception_venue",
    }
    await photo.send(f"{at}/fields/new", **where)
    # Which song cannot stand above the question it hangs on; where the party is can go up twice.
    stuck = await photo.send(f"{at}/field-up", version=5, key="which_song")
    assert stuck.status_code == 422 and "has to stay above it" in stuck.text
    for version in (5, 6):
        await photo.send(f"{at}/field-up", version=version, key="where_is_the_party")
    page = await photo.see(at)
    order = [page.index(words) for words in ("Where is the party?", "A first dance?", "Which song?")]
    assert order == sorted(order) and "filled in from the record: reception venue" in page
    assert 'data-shows-when="a_a_first_dance=Yes"' in await photo.see(f"{at}/preview")
    assert "Take those it" not in await photo.see(f"{at}/fields/which_song")


async def test_the_couple_answers_on_a_page_that_keeps_what_is_typed(asked: Asked) -> None:
    ana, photo, base = asked.ana, asked.photo.owner, f"/studio/{asked.photo.supplier}"
    dance = {"key": "a_first_dance", "kind": "choice", "label": "A first dance?", "options": ["Yes", "No"]}
    song: dict[str, Any] = {"key": "which_song", "kind": "text", "label": "Which song?", "is_required": True}
    song |= {"show_if": {"field": "a_first_dance", "values": ["Yes"]}}
    where = {"key": "where_is_the_party", "kind": "text", "label": "Where?", "maps_to": "reception_venue"}
    made = {"title": "Music", "sections": [{"title": "The party", "fields": [where, dance, song]}]}
    form = await photo.got("POST", f"/api/v1/suppliers/{asked.photo.supplier}/forms", made, code=201)
    at = f"{base}/forms/{form['id']}"
    sent = await photo.send(f"{at}/ask", wedding_id=asked.wedding, due_on="2027-05-02", word="For the band")
    here = sent.headers["location"]
    assert sent.status_code == 303 and "have not sent it yet" in await photo.see(here)
    await ana.got("PATCH", asked.core, {"reception_venue": "The Barn"})
    id = here.rpartition("/")[2]
    mine = f"/me/{asked.wedding}/forms/{id}"
    assert f"/forms/{id}" in await ana.see(f"/me/{asked.wedding}/forms")
    page = await ana.see(mine)
    assert 'value="The Barn"' in page and "1 answer is here already" in page and "For the band" in page
    typed: dict[str, Any] = {
        "a_where_is_the_party": "The Barn",
        "seen_where_is_the_party": "The Barn",
        "a_a_first_dance": "Yes",
    }
    kept = await ana.send(f"{mine}/draft", part=True, a_which_song="", **typed)
    assert kept.status_code == 200 and "Kept" in kept.text
    # A mapped field that stands as it was shown is no draft: it follows the record.
    await ana.got("PATCH", asked.core, {"reception_venue": "The Old Barn"})
    page = await ana.see(mine)
    assert 'value="The Old Barn"' in page and 'value="Yes" checked' in page
    typed |= {"a_where_is_the_party": "The Old Barn", "seen_where_is_the_party": "The Old Barn"}
    refused = await ana.send(mine, a_which_song="", **typed)
    assert refused.status_code == 422 and "Which song?: is missing" in refused.text
    assert (await ana.send(mine, a_which_song="At last", **typed)).headers["location"] == mine
    read = await photo.see(here)
    assert "At last" in read and "1 of 1" in read
    assert (await photo.send(f"{here}/lock", version=3)).status_code == 303
    final = await ana.see(mine)
    assert "These answers are final" in final and "At last" in final and "<textarea" not in final
    assert "1 question you were not asked again" in await ana.see(f"/me/{asked.wedding}/forms")
    assert "It has saved you 1 question so far" in await ana.see(f"/me/{asked.wedding}/settings")
    studio = await photo.see(f"{base}/forms")
    assert "1 question not asked again" in studio and "asked 1 couple, 1 answered" in studio
    await asked.other.owner.see(here, code=404)
    await asked.other.owner.see(at, code=404)


async def test_each_side_is_told_of_the_other_and_nobody_else(asked: Asked) -> None:
    ana, photo = asked.ana, asked.photo.owner
    assert await asked.told(ana) == ["Ana & Ben: You are asked to fill in: Photography questionnaire"]
    await ana.got("POST", f"{asked.path}/submit", {"answers": needed()})
    assert await asked.told(photo) == ["Ana & Ben: Your form is answered: Photography questionnaire"]
    (one,) = [i for i in (await photo.got("GET", "/api/v1/me/inbox"))["items"] if i["type"] == "form.submitted"]
    assert one["href"] == f"/studio/{asked.photo.supplier}/weddings/{asked.wedding}/forms/{asked.id}"
    await photo.got("POST", f"{asked.path}/reopen", {"word": "Which hall?"})
    assert "Ana & Ben: Something is still missing in: Photography questionnaire" in await asked.told(ana)
    assert await asked.told(asked.other.owner) == []
    assert "answered Photography questionnaire" in await ana.see(f"/me/{asked.wedding}/activity")


async def test_whoever_has_its_address_sees_what_the_supplier_sees_and_only_proposes(asked: Asked) -> None:
    ana, photo, public = asked.ana, asked.photo.owner, asked.town.public
    made = await photo.got("POST", f"{asked.path}/pass", code=201)
    token = made["url"].rpartition("/")[2]
    page = await public.see(f"/form/{token}")
    assert 'value="St Mary"' in page and "Ana &amp; Ben" in page
    typed: dict[str, Any] = {
        "a_ceremony_venue": "St Anne",
        "seen_ceremony_venue": "St Mary",
        "a_publish": "No",
        "a_tender": SECRET,
    }
    assert (await public.send(f"/form/{token}/draft", part=True, **typed)).status_code == 200
    assert (await photo.got("GET", asked.path))["draft"] == {}
    assert (await ana.got("GET", asked.path))["draft"]["tender"] == SECRET
    refused = await public.send(f"/form/{token}", **typed | {"a_publish": ""})
    assert refused.status_code == 422 and SECRET in refused.text
    sent = await public.send(f"/form/{token}", **typed)
    assert sent.status_code == 303 and "Thank you" in await public.see(sent.headers["location"])
    # It is nobody's word but the couple's: the record stands, and they are asked.
    assert (await ana.got("GET", asked.core))["ceremony_venue"] == "St Mary"
    (proposal,) = (await ana.got("GET", f"{asked.core}/proposals"))["items"]
    assert proposal["wanted"] == {"ceremony_venue": "St Anne"} and "shared link" in proposal["why"]
    newer = (await ana.got("POST", f"{asked.path}/pass", code=201))["url"].rpartition("/")[2]
    await public.see(f"/form/{token}", code=404)
    await photo.got("POST", f"{asked.path}/lock")
    assert "These answers are final" in await public.see(f"/form/{newer}")
    await ana.got("DELETE", f"/api/v1/links/{asked.photo.link}", code=204)
    await public.see(f"/form/{newer}", code=410)
    await photo.got("GET", asked.path, code=404)


async def test_a_form_with_a_day_is_reminded_of_by_itself_once_a_rung_until_it_is_answered(asked: Asked) -> None:
    town = asked.town

    async def day(days: int) -> list[str]:
        """The form is wanted so many days from now; what the clock says, however often it looks."""
        await town.admin.execute(
            """update form_requests r set due_on = app.task_day(w.time_zone) + $2::integer
            from weddings w where w.wedding_id = r.wedding_id and r.id = $1""",
            UUID(asked.id),
            days,
        )
        before = len(await asked.types())
        for _ in range(2):
            for row in await town.admin.fetch("select w as id from app.weddings_of_due_forms() w"):
                await town.admin.fetchval("select app.remind_of_forms($1)", row["id"])
        return (await asked.types())[before:]

    assert [await day(days) for days in (20, 8, 7, 3, 1, 0)] == [[], [], ["form.due_soon"], [], ["form.due_soon"], []]
    assert [await day(days) for days in (-1, -3, -6, -20)] == [["form.overdue"], [], ["form.overdue"], []]
    told = await asked.told(asked.ana)
    assert next(title for title in told if "Not answered yet" in title).startswith(
        "Ana & Ben: Not answered yet, wanted by"
    )
    assert len([title for title in told if "is not answered:" in title]) == 2
    assert not [title for title in await asked.told(asked.photo.owner) if "wanted by" in title]
    seen = await asked.photo.owner.got("GET", asked.path)
    assert seen["reminded_at"]
    page = f"/studio/{asked.photo.supplier}/weddings/{asked.wedding}/forms/{asked.id}"
    assert "WedSync reminds them" in await asked.photo.owner.see(page)
    # Whoever asks again by hand has reminded them: what has passed is not told once more after it.
    tomorrow = "select app.task_day(w.time_zone) + 1 from weddings w where w.wedding_id = $1"
    soon = {"due_on": await town.admin.fetchval(tomorrow, UUID(asked.wedding)), "word": "Please"}
    version = (await asked.photo.owner.got("GET", asked.path))["version"]
    assert (await asked.photo.owner.send(f"{page}/remind", version=version, **soon)).status_code == 303
    assert await day(1) == []
    await asked.ana.got("POST", f"{asked.path}/submit", {"answers": seen["record"] | needed()})
    assert await day(-1) == []
