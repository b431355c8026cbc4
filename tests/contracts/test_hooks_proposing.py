"""Hooks of other programs as proposals: mapped by their source, decided by the couple, never done by themselves."""

from typing import Any

import pytest
import pytest_asyncio

from tests.contracts.import_house import working
from tests.contracts.senders import Sender, at, said, settled, source
from tests.contracts.town import Linked, Somebody, Town

pytestmark = pytest.mark.usefixtures("nothing_owed")

RULES = [
    {"target": "find", "source": ["$.session.name"]},
    {"target": "at_local", "source": ["$.session.start"]},
    {"target": "minutes", "source": ["$.session.minutes"]},
    {"target": "why", "source": ["$.note"]},
]
TIMES = {"type": "session.updated", "subject": "schedule_items", "rules": RULES}
BODY = {"id": "1", "type": "session.updated", "session": {"name": "dinner", "start": "18:30", "minutes": "90"}}


@pytest_asyncio.fixture
async def wedding(town: Town, ana: Somebody) -> str:
    made = await town.wedding(ana)
    dinner = {"title": "Dinner", "kind": "reception", "at_local": "18:00", "minutes": 60}
    await ana.got("POST", f"/api/v1/weddings/{made}/schedule", dinner, code=201)
    return made


@pytest_asyncio.fixture
async def sender(town: Town) -> Sender:
    return Sender(town)


async def sent(sender: Sender, made: dict[str, Any], **fields: Any) -> str:
    answer = await sender.post(at(made), BODY | fields, authorization=f"Bearer {made['secret']}")
    assert answer.status_code == 202, answer.text
    hook: str = answer.json()["ids"][0]
    return hook


async def waiting(who: Somebody, wedding: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await who.got("GET", f"/api/v1/weddings/{wedding}/proposals?state=waiting"))["items"]
    return found


async def test_a_mapped_hook_is_proposed_replaced_by_the_next_and_taken_back_by_itself(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    made = await source(ana, wedding, scheme="bearer", title="Our planner", settings={"proposes": [TIMES]})
    async with working(town.door, town.settings):
        first = await settled(ana, await sent(sender, made, note="They asked for it."))
        assert (first["status"], first["type"], first["error"]) == ("proposed", "session.updated", "")
        (one,) = await waiting(ana, wedding)
        assert (one["source_name"], one["origin"], one["hook_id"]) == ("Our planner", "hook", first["id"])
        assert (one["wanted"], one["why"]) == ({"at_local": "18:30:00", "minutes": 90}, "They asked for it.")
        session = BODY["session"] | {"start": "18:45"}  # type: ignore[operator]
        await settled(ana, await sent(sender, made, id="2", session=session))
        (again,) = await waiting(ana, wedding)
        assert (again["id"], again["wanted"]["at_local"]) == (one["id"], "18:45:00")
        session |= {"start": "18:00", "minutes": 60}
        last = await settled(ana, await sent(sender, made, id="3", session=session))
        assert (last["status"], last["error"]) == ("ignored", "Everything it says is so already.")
        assert await waiting(ana, wedding) == []
        nowhere = await settled(ana, await sent(sender, made, id="4", session={"name": "Lunch", "start": "12:00"}))
        assert (nowhere["status"], nowhere["error"][:31]) == ("failed", "Nothing on the schedule is call")
        wrong = await settled(ana, await sent(sender, made, id="5", session={"name": "Dinner", "start": "noon"}))
        assert (wrong["status"], wrong["error"][:8]) == ("failed", "fields.a")
        empty = await settled(ana, await sent(sender, made, id="6", session={}))
        assert (empty["status"], empty["error"][:7]) == ("failed", "None of")


async def test_a_map_is_tried_on_a_received_hook_saved_and_used_at_its_replay(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    made = await source(ana, wedding, scheme="bearer")
    path = f"/api/v1/connections/{made['id']}"
    async with working(town.door, town.settings):
        hook = await sent(sender, made)
        assert (await settled(ana, hook))["status"] == "ignored"
        tried = await ana.got("POST", f"{path}/preview", {"hook_id": hook, "proposes": [TIMES]})
        assert ["$.session.start", "18:30"] in tried["samples"]
        assert tried["read"]["fields"] == {"at_local": "18:30", "minutes": "90"}
        assert (tried["read"]["find"], tried["map"], tried["refusal"]) == ("dinner", 0, "")
        assert "No map" in (await ana.got("POST", f"{path}/preview", {"hook_id": hook}))["refusal"]
        settings = made["settings"] | {"proposes": [TIMES | {"type": "*"}]}
        changed = await ana.got("PATCH", path, {"title": "Planner", "settings": settings}, if_match='"1"')
        assert (changed["title"], changed["version"]) == ("Planner", 2)
        await ana.got("PATCH", path, {"title": "Late"}, code=412, if_match='"1"')
        bad = {"proposes": [TIMES | {"rules": [{"target": "owner_link_id", "source": ["$.x"]}]}]}
        problem = await ana.got("PATCH", path, {"settings": bad}, code=422)
        assert problem["errors"][0]["field"] == "settings.proposes[0].rules[0].target"
        await ana.got("POST", f"/api/v1/hooks/{hook}/replay", code=202)
        assert (await settled(ana, hook))["status"] == "proposed"
    assert len(await waiting(ana, wedding)) == 1
    eve = await town.person("eve")
    await eve.got("POST", f"{path}/preview", {"hook_id": hook}, code=404)


async def test_a_types_own_action_stays_direct_and_the_couples_hook_maps_the_rest(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    rules = [
        {"target": "first_name", "source": ["$.data.first"]},
        {"target": "last_name", "source": ["$.data.last"]},
        {"target": "find", "source": ["$.data.first"]},
    ]
    maps = [{"type": "guest.suggested", "subject": "guests", "rules": rules, "adds": True}]
    made = await source(ana, wedding, "couples", settings={"proposes": maps})
    async with working(town.door, town.settings):
        direct = await sender.couples(made["secret"], said(wedding))
        assert (await settled(ana, direct.json()["id"]))["status"] == "applied"
        event = said(wedding, type="guest.suggested", data={"first": "Dan", "last": "Rossi"})
        mapped = await sender.couples(made["secret"], event)
        assert (await settled(ana, mapped.json()["id"]))["status"] == "proposed"
    (one,) = await waiting(ana, wedding)
    assert (one["title"], one["source_name"], one["subject_id"]) == ("New: Dan Rossi", "Your own hook", None)
    await ana.got("POST", f"/api/v1/proposals/{one['id']}/accept", {"version": 1})
    guests = (await ana.got("GET", f"/api/v1/weddings/{wedding}/guests"))["items"]
    assert [g["display_name"] for g in guests] == ["Dan Rossi"]


async def test_what_the_platform_signs_is_not_read_by_a_couples_map(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    rules = [{"target": "guest_estimate", "source": ["$.data.guest_estimate"]}]
    odd = {"name": "turned", "version": 1, "rules": [{"target": "type", "default": "nothing.here"}]}
    maps = [{"type": "nothing.here", "subject": "weddings", "rules": rules}]
    made = await source(ana, wedding, "couples", settings={"mapping": odd, "proposes": maps})
    async with working(town.door, town.settings):
        body = said(wedding, data={"guest_estimate": 61})
        platform = await sender.couples(town.settings.couples_webhook_secret, body)
        done = await settled(ana, platform.json()["id"])
        assert (done["status"], done["type"], done["verified_by"]) == ("applied", "wedding.updated", "platform")
        own = await sender.couples(made["secret"], said(wedding, data={"guest_estimate": 62}))
        assert (await settled(ana, own.json()["id"]))["status"] == "proposed"
    assert (await ana.got("GET", f"/api/v1/weddings/{wedding}"))["guest_estimate"] == 61
    trial = {"hook_id": done["id"], "proposes": maps}
    await ana.got("POST", f"/api/v1/connections/{made['id']}/preview", trial, code=404)


async def test_a_suppliers_hook_proposes_in_the_wedding_it_names_and_sees_no_more_than_its_link(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    photographer: Linked = await town.linked(ana, wedding)
    other = await town.wedding(other_couple := await town.person("other"))
    foreign = await town.linked(other_couple, other)
    rules = [*RULES, {"target": "link", "source": ["$.job"]}]
    settings = {"proposes": [TIMES | {"rules": rules}], "links": {"JOB-7": photographer.link, "JOB-8": foreign.link}}
    path = f"/api/v1/suppliers/{photographer.supplier}/connections"
    new = {"connector": "zapier_hook", "scheme": "bearer", "settings": settings}
    made = await photographer.owner.got("POST", path, new, code=201)
    await photographer.owner.got("POST", path, {"connector": "couples"}, code=422)
    await ana.got("POST", path, new, code=404)
    owner = photographer.owner
    async with working(town.door, town.settings):
        done = await settled(owner, await sent(sender, made, job="JOB-7"))
        assert (done["status"], done["error"]) == ("proposed", "")
        await town.watched()
        looks = (await ana.got("GET", f"/api/v1/weddings/{wedding}/access"))["items"]
        assert ("schedule", ["hook"]) in [(one["scope"], one["sources"]) for one in looks]
        strange = await settled(owner, await sent(sender, made, id="2", job="JOB-8"))
        assert (strange["status"], strange["error"][:16]) == ("failed", "It names a weddi")
        unsaid = await settled(owner, await sent(sender, made, id="3"))
        assert (unsaid["status"], unsaid["error"][:17]) == ("failed", "This hook does no")
        await ana.got("PATCH", f"/api/v1/links/{photographer.link}", {"level": "basic"})
        unseen = await settled(owner, await sent(sender, made, id="4", job="JOB-7"))
        assert (unseen["status"], unseen["error"][:23]) == ("failed", "Nothing on the schedule")
        direct = await settled(owner, await sent(sender, made, id="5", type="wedding.updated", job="JOB-7"))
        assert direct["status"] in ("ignored", "failed")
    (one,) = await waiting(ana, wedding)
    assert (one["source_name"], one["link_id"], one["origin"]) == ("Marlow Photo", photographer.link, "hook")
    # It waits for the couple, but its supplier no longer sees the schedule it is about.
    assert await waiting(owner, wedding) == []
    await ana.got("PATCH", f"/api/v1/links/{photographer.link}", {"level": "standard"})
    assert [p["id"] for p in await waiting(owner, wedding)] == [one["id"]]
    assert await waiting(other_couple, other) == []
    assert len((await owner.got("GET", f"/api/v1/suppliers/{photographer.supplier}/hooks"))["items"]) == 5
    (event,) = await town.events(wedding, "proposal.opened")
    assert (event.actor.kind, str(event.link_id)) == ("system", photographer.link)


async def test_the_pages_add_a_source_make_its_map_by_clicks_and_try_it_before_it_is_saved(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    base = f"/me/{wedding}/connections"
    assert "No programs yet" in await ana.see(base)
    page = (await ana.send(base, title="Zapier", scheme="bearer")).text
    secret = page.partition('value="Bearer ')[2].partition('"')[0]
    (made,) = (await ana.got("GET", f"/api/v1/weddings/{wedding}/connections"))["items"]
    await sender.post(at(made), BODY, authorization=f"Bearer {secret}")
    here = f"{base}/{made['id']}"
    assert "$.session.start" in await ana.see(here)
    rows = [
        ("$.session.name", "find", ""),
        ("$.session.start", "at_local", ""),
        ("$.session.minutes", "minutes", "integer"),
    ]
    fields: dict[str, Any] = {"map": "0", "version": "1", "title": "Zapier", "type": "session.updated"}
    fields |= {name: [row[n] for row in rows] for n, name in enumerate(("source", "target", "step"))}
    fields |= {"subject": "schedule_items", "rule": ["", "", ""]}
    tried = (await ana.send(here, do="try", **fields)).text
    assert "18:30" in tried
    assert (await ana.got("GET", f"/api/v1/connections/{made['id']}"))["version"] == 1
    odd = await ana.send(here, do="try", **fields | {"source": ["$.[", "", ""]})
    assert odd.status_code == 422
    assert (await ana.send(here, do="save", **fields | {"rule": ["{", "", ""]})).status_code == 422
    assert (await ana.send(here, do="save", **fields)).status_code == 303
    saved = (await ana.got("GET", f"/api/v1/connections/{made['id']}"))["settings"]["proposes"]
    assert [rule["target"] for rule in saved[0]["rules"]] == ["find", "at_local", "minutes"]
    turned = (await ana.send(f"{here}/rotate")).text
    new = turned.partition('value="Bearer ')[2].partition('"')[0]
    assert (len(new) > 20, new == secret, "holds for 24 hours" in turned) == (True, False, True)
    for number, word in enumerate((secret, new)):
        answer = await sender.post(at(made), BODY | {"id": f"after-{number}"}, authorization=f"Bearer {word}")
        assert answer.status_code == 202
    late = await ana.send(here, do="save", **fields)
    assert late.status_code == 422
    business = await town.linked(ana, wedding)
    await business.owner.see(base, code=404)
    assert "No programs yet" in await business.owner.see(f"/studio/{business.supplier}/connections")
    await ana.send(f"{here}/remove")
    assert "No programs yet" in await ana.see(base)


async def test_a_suppliers_hook_makes_clients_changes_them_and_never_reads_money(
    town: Town, ana: Somebody, wedding: str, sender: Sender
) -> None:
    business: Linked = await town.linked(ana, wedding)
    owner, home = business.owner, f"/api/v1/suppliers/{business.supplier}"
    columns = {"$.job_id": "external_id", "$.bride.full": "name", "$.bride.mail": "email", "$.day": "wedding_on"}
    clients = {"type": "job.*", "columns": columns, "stage": "booked"}
    new = {"connector": "zapier_hook", "scheme": "bearer", "title": "Zapier", "settings": {"clients": clients}}
    for path in ("$.price", "$.id"):
        wrong = new | {"settings": {"clients": clients | {"columns": {path: "budget" if path != "$.id" else "name"}}}}
        problem = await owner.got("POST", f"{home}/connections", wrong, code=422)
        assert problem["errors"][0]["field"] == f"settings.clients.{path}"
    made = await owner.got(
        "POST", f"{home}/connections", new | {"settings": {"clients": {"columns": columns}}}, code=201
    )
    body: dict[str, Any] = {
        "job_id": "J-77",
        "bride": {"full": "Maria Santos", "mail": "maria@example.org"},
        "day": "2027-06-05",
        "price": "CANARY-734511",
        "notes": "CANARY at most 734511",
    }

    async def arrives(**fields: Any) -> dict[str, Any]:
        answer = await sender.post(at(made), body | fields, authorization=f"Bearer {made['secret']}")
        return await settled(owner, answer.json()["ids"][0])

    async with working(town.door, town.settings):
        first = await arrives()
        assert (first["status"], first["error"]) == ("applied", "")
        again = await arrives(seen=2)
        assert (again["status"], again["error"]) == ("ignored", "Everything it says is so already.")
        assert (await arrives(day="2027-07-03"))["status"] == "applied"
        nobody = await arrives(bride={}, day="")
        assert nobody["status"] in ("failed", "ignored") and nobody["error"]
        tried = await owner.got("POST", f"/api/v1/connections/{made['id']}/preview", {"hook_id": first["id"]})
        assert tried["client"] == {
            "couple_names": "Maria Santos",
            "wedding_on": "2027-06-05",
            "stage": "booked",
            "external_id": "J-77",
        }
        await arrives(day="2027-07-03", seen=3)
    # The same by clicks: tried, saved, stopped; another business and the couple have no such page.
    page = f"/studio/{business.supplier}/connections/{made['id']}/clients"
    assert "Number there" in await owner.see(page)
    rows: dict[str, Any] = {"at": ["$.job_id", "$.bride.full"], "target": ["external_id", "name"], "version": "1"}
    tried = await owner.send(page, do="try", **rows)
    assert tried.status_code == 200 and "Maria Santos" in tried.text and "CANARY" not in tried.text
    assert (await owner.send(page, do="save", **rows | {"at": ["$.id", "$.x"]})).status_code == 422
    assert (await owner.send(page, do="save", **rows)).status_code == 303
    kept = (await owner.got("GET", f"/api/v1/connections/{made['id']}"))["settings"]["clients"]["columns"]
    assert kept == {"$.job_id": "external_id", "$.bride.full": "name"}
    assert (await owner.send(page, do="stop", **rows | {"version": "2"})).status_code == 303
    assert "clients" not in (await owner.got("GET", f"/api/v1/connections/{made['id']}"))["settings"]
    await ana.see(f"/me/{wedding}/connections/{made['id']}/clients", code=404)
    (client,) = (await owner.got("GET", f"{home}/clients"))["items"]
    assert (client["wedding_on"], client["stage"]) == ("2027-07-03", "booked")
    assert "CANARY" not in repr(client)
