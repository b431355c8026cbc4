"""The rule builder without scripts: drawn, added, refused beside its fields, moved, switched, tested, explained."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.contracts.town import Somebody, Town, built
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    async with built(database, postgres, settings) as made:
        yield made


class Desk:
    """A couple with an endpoint, at the pages of its rules."""

    def __init__(self, who: Somebody, wedding: str) -> None:
        self.who = who
        self.wedding = wedding
        self.path = f"/me/{wedding}/webhooks"
        self.endpoint = ""

    async def add(self, name: str = "Many come", **fields: Any) -> str:
        form = rule(self.endpoint) | {"name": name} | fields
        answer = await self.who.send(f"{self.path}/rules", **form)
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"] == f"{self.path}/rules/{form['id']}"
        return str(form["id"])

    async def names(self) -> list[str]:
        return re.findall(r"<b>\d+\. ([^<]+)</b>", await self.who.see(f"{self.path}/rules"))


def rule(endpoint: str) -> dict[str, Any]:
    asked = {"c0_field": "record.guest_estimate", "c0_operator": "greater", "c0_value": "100"}
    form = {"id": str(uuid4()), "name": "Many come", "endpoint_id": endpoint, "types": ["wedding.*"], "lane": "1"}
    return form | asked | {"mode": "parallel", "shaped": "", "is_active": "on"}


@pytest_asyncio.fixture
async def desk(town: Town) -> Desk:
    ana = await town.person()
    desk = Desk(ana, await town.wedding(ana))
    made = await ana.got(
        "POST", f"/api/v1/weddings/{desk.wedding}/endpoints", {"url": "https://example.com/hook"}, code=201
    )
    desk.endpoint = made["id"]
    return desk


async def test_a_rule_is_added_once_drawn_again_and_changed(town: Town, desk: Desk) -> None:
    assert "Everything" in await desk.who.see(f"{desk.path}/rules")
    assert 'name="types"' in await desk.who.see(f"{desk.path}/rules/new?endpoint={desk.endpoint}")
    shape = {"shaped": "on", "s0_target": "guests", "s0_source": "record.guest_estimate", "s0_transform": "text"}
    form = rule(desk.endpoint) | shape | {"s1_target": "from", "s1_source": "", "s1_constant": "us"}
    form |= {"quiet": "on", "quiet_from": "22:00", "quiet_until": "07:00", "quiet_zone": "Europe/London"}
    form |= {"quiet_days": ["5", "6"]}
    for _ in range(2):
        answer = await desk.who.send(f"{desk.path}/rules", **form)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{desk.path}/rules/{form['id']}")
    (kept,) = (await desk.who.got("GET", f"/api/v1/weddings/{desk.wedding}/rules"))["items"]
    assert (kept["name"], kept["lane"], kept["quiet"]["days"]) == ("Many come", 1, [5, 6])
    assert kept["conditions"] == [{"field": "record.guest_estimate", "operator": "greater", "value": 100}]
    assert kept["shape"][1] == {"target": "from", "constant": "us"}
    page = await desk.who.see(f"{desk.path}/rules/{form['id']}")
    for drawn in ('value="wedding.*" checked', 'value="record.guest_estimate" selected', 'value="100"', 'value="us"'):
        assert drawn in page, drawn
    listed = await desk.who.see(f"{desk.path}/rules")
    assert (
        "Guest estimate is more than 100" in listed and "Quiet from 22:00 to 07:00 (Europe/London), Fri, Sat" in listed
    )
    change = form | {"name": "More come", "version": 1}
    assert (await desk.who.send(f"{desk.path}/rules/{form['id']}", **change)).status_code == 303
    late = await desk.who.send(f"{desk.path}/rules/{form['id']}", **(change | {"name": "Late"}))
    assert late.status_code == 412 and "Somebody changed this rule" in late.text and 'value="Late"' in late.text
    assert await desk.names() == ["More come"]


@pytest.mark.parametrize(
    ("fields", "said", "field"),
    [
        ({"name": ""}, "Give the rule a name", "name"),
        ({"types": []}, "Choose at least one kind of event", "types"),
        ({"c0_value": "many"}, "Is not a number", "c0_value"),
        ({"c0_operator": "starts_with"}, "Does not go with", "c0_operator"),
        ({"endpoint_id": ""}, "Choose where to", "endpoint_id"),
        ({"shaped": "on"}, "Needs a name", "s0_target"),
        ({"quiet": "on", "quiet_from": "07:00", "quiet_until": "07:00"}, "leaves no hour", "quiet_until"),
    ],
)
async def test_what_cannot_be_is_said_beside_its_field(
    desk: Desk, fields: dict[str, Any], said: str, field: str
) -> None:
    answer = await desk.who.send(f"{desk.path}/rules", **(rule(desk.endpoint) | fields))
    assert answer.status_code == 422
    assert said.lower() in answer.text.lower() and f'href="#f-{field}"' in answer.text
    assert await desk.names() == []


async def test_rows_come_and_go_without_scripts_and_fields_follow_the_events(desk: Desk) -> None:
    form = rule(desk.endpoint)
    more = await desk.who.send(f"{desk.path}/rules/draft", **(form | {"do": "condition"}))
    assert more.status_code == 200 and "c1_field" in more.text and 'name="name"' in more.text
    fewer = await desk.who.send(f"{desk.path}/rules/draft", part=True, **(form | {"do": "unask-0"}))
    assert "c0_value" not in fewer.text and "<h1" not in fewer.text
    other = await desk.who.send(f"{desk.path}/rules/draft", part=True, **(form | {"types": ["rsvp.*"]}))
    assert "record.status" in other.text and "record.couple_names" not in other.text
    choice = {"c0_field": "record.status", "c0_operator": "one_of", "types": ["rsvp.*"], "do": "shape"}
    chosen = await desk.who.send(f"{desk.path}/rules/draft", part=True, **(form | choice | {"c0_value": "declined"}))
    assert 'value="declined" checked' in chosen.text and "s0_target" in chosen.text


async def test_the_form_is_tried_on_what_has_happened(desk: Desk) -> None:
    for estimate in (90, 120):
        await desk.who.got("PATCH", f"/api/v1/weddings/{desk.wedding}", {"guest_estimate": estimate})
    form = rule(desk.endpoint) | {"types": ["wedding.estimate_changed"]}
    tried = await desk.who.send(f"{desk.path}/rules/preview", part=True, **form)
    assert "<b>1</b> of the newest 2 such events fits" in tried.text
    assert "&#34;guest_estimate&#34;: 120" in tried.text and "Not: Guest estimate is more than 100" in tried.text
    nothing = await desk.who.send(f"{desk.path}/rules/preview", part=True, **(form | {"types": []}))
    assert (nothing.status_code, "Choose at least one kind of event" in nothing.text) == (200, True)


async def test_rules_are_moved_switched_emptied_after_and_removed(town: Town, desk: Desk) -> None:
    ids = [await desk.add(name) for name in ("One", "Two", "Three")]
    here = f"{desk.path}/rules"
    for id, to, order in (
        (ids[2], "up", ["One", "Three", "Two"]),
        (ids[0], "down", ["Three", "One", "Two"]),
        (ids[1], "down", ["Three", "One", "Two"]),
    ):
        assert (await desk.who.send(f"{here}/{id}/move", to=to)).headers["location"] == f"{here}?said=moved"
        assert await desk.names() == order
    assert (await desk.who.send(f"{here}/{ids[0]}/move", to="left")).status_code == 422
    await desk.who.send(f"{here}/{ids[0]}/switch")
    assert "Off" in await desk.who.see(here)
    assert "Remove Two?" in await desk.who.see(f"{here}/{ids[1]}/remove")
    await desk.who.send(f"{here}/{ids[1]}/remove")
    assert await desk.names() == ["Three", "One"]
    only = {"endpoint_id": desk.endpoint, "version": 1}
    assert (await desk.who.send(f"{here}/only", **only)).headers["location"] == f"{here}?said=only"
    assert "Is not sent there" in await desk.who.see(here)
    edit = {"url": "https://example.com/other", "version": 2}
    assert (await desk.who.send(f"{desk.path}/{desk.endpoint}", **edit)).status_code == 303


async def test_a_test_leads_to_its_delivery_and_that_to_why(town: Town, desk: Desk) -> None:
    id = await desk.add(types=["wedding.estimate_changed"])
    nothing = await desk.who.send(f"{desk.path}/rules/{id}/test")
    assert "nothing to test with" in await desk.who.see(nothing.headers["location"])
    await desk.who.got("PATCH", f"/api/v1/weddings/{desk.wedding}", {"guest_estimate": 120})
    sent = await desk.who.send(f"{desk.path}/rules/{id}/test")
    page = await desk.who.see(sent.headers["location"])
    assert "A test: a past event, in the shape of its rule" in page
    why = re.search(r'href="([^"]+/why/[^"]+)"', page)
    assert why is not None
    told = await desk.who.see(why[1])
    for words in ("As a test of “Many come”", "By “Many come”", "the rule names its lane", "stands before it"):
        assert words in told, words
    await desk.who.see(f"{desk.path}/why/{UUID(int=7)}", code=404)


async def test_pages_of_rules_are_the_couples_alone(town: Town, desk: Desk) -> None:
    id = await desk.add()
    business = await town.linked(desk.who, desk.wedding, "full")
    for who in (business.owner, await town.person("eve")):
        for end in ("", "/new", f"/{id}", f"/{id}/remove"):
            await who.see(f"{desk.path}/rules{end}", code=404)
        for end in ("", "/draft", "/preview", f"/{id}", f"/{id}/move", f"/{id}/switch", f"/{id}/test", f"/{id}/remove"):
            answer = await who.send(f"{desk.path}/rules{end}", **(rule(desk.endpoint) | {"to": "up"}))
            assert answer.status_code == 404, (end, answer.text[:200])
    mine = f"/studio/{business.supplier}/webhooks/rules"
    await business.owner.see(mine)
    for end in (f"/{id}", f"/{id}/remove"):
        await business.owner.see(mine + end, code=404)
