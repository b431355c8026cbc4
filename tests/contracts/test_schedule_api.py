"""The schedule's JSON door: paths, ETags, pages, previews, and answers to bad input."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from tests.contracts.one_wedding import Client, Stage, Wedding


@pytest_asyncio.fixture
async def wedding(stage: Stage) -> Wedding:
    return await stage.wedding()


@pytest_asyncio.fixture
async def ana(wedding: Wedding) -> Client:
    return Client(wedding.app, wedding.ana)


async def add(client: Client, wedding: Wedding, **fields: Any) -> dict[str, Any]:
    made = await client("POST", f"/api/v1/weddings/{wedding.id}/schedule", fields)
    assert made.status_code == 201, made.text
    assert made.headers["etag"] == '"1"'
    return made.json()  # type: ignore[no-any-return]


def problem(answer: httpx.Response, status: int, code: str, field: str = "") -> dict[str, Any]:
    """An RFC 9457 document that names the field and what to do."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"], bool(body["detail"])) == (status, code, True)
    if field:
        assert [e["field"] for e in body["errors"]] == [field]
    return body


async def test_an_item_is_added_read_changed_and_removed(wedding: Wedding, ana: Client) -> None:
    made = await add(ana, wedding, title="Cake 🎂", at_local="16:30:00", minutes=20)
    path = f"/api/v1/schedule/{made['id']}"
    assert (made["on"], made["starts_at"], made["after"]) == ("2027-06-05", "2027-06-05T15:30:00Z", [])
    changed = await ana("PATCH", path, {"place": "Hall"}, if_match='"1"')
    assert (changed.json()["place"], changed.headers["etag"]) == ("Hall", '"2"')
    late = problem(await ana("PATCH", path, {"place": "Barn"}, if_match='"1"'), 412, "changed_meanwhile")
    assert late["current"]["place"] == "Hall"
    assert (await ana("GET", path)).json() == changed.json()
    assert (await ana("DELETE", path)).status_code == 204
    problem(await ana("GET", path), 404, "not_found")


async def test_a_time_may_be_written_with_or_without_seconds(wedding: Wedding, ana: Client) -> None:
    made = await add(ana, wedding, title="Toast", at_local="16:30", minutes=20)
    path = f"/api/v1/schedule/{made['id']}"
    assert made["at_local"] == "16:30:00"
    for body, at in (({"at_local": "17:05"}, "17:05:00"), ({"at_local": "17:06:00"}, "17:06:00")):
        assert (await ana("PATCH", path, body)).json()["at_local"] == at
    moved = await ana("POST", f"{path}/move", {"at_local": "18:00"})
    assert moved.status_code == 200
    assert (await ana("GET", path)).json()["at_local"] == "18:00:00"
    for wrong in ("24:00", "7:30", "17:5", "17:05:30.5", "17:05\n", "١٧:٠٥", "noon", ""):
        problem(await ana("PATCH", path, {"at_local": wrong}), 422, "invalid")


async def test_a_move_is_shown_before_it_is_saved(wedding: Wedding, ana: Client) -> None:
    ceremony = await add(ana, wedding, title="Ceremony", kind="ceremony", at_local="14:00:00", minutes=60)
    drinks = await add(ana, wedding, title="Drinks", at_local="15:00:00", after=[{"item_id": ceremony["id"]}])
    assert drinks["after"] == [{"item_id": ceremony["id"], "lag_minutes": 0}]
    path = f"/api/v1/schedule/{ceremony['id']}/move"
    shown = (await ana("POST", f"{path}?preview=true", {"by_minutes": 30})).json()
    assert (shown["is_saved"], shown["core"]) == (
        False,
        [{"field": "ceremony_at", "before": "14:00:00", "after": "14:30:00"}],
    )
    assert (await ana("GET", f"/api/v1/schedule/{drinks['id']}")).json()["at_local"] == "15:00:00"
    moved = await ana("POST", path, {"at_local": "14:30:00"}, if_match='"1"')
    assert (moved.json()["moves"], moved.headers["etag"]) == (shown["moves"], '"2"')
    assert (await ana("GET", f"/api/v1/schedule/{drinks['id']}")).json()["at_local"] == "15:30:00"
    problem(await ana("POST", path, {"by_minutes": 5}, if_match='"1"'), 412, "changed_meanwhile")


async def test_the_list_is_in_order_of_time_and_comes_in_pages(wedding: Wedding, ana: Client) -> None:
    for hour in (18, 9, 14, 12, 14):
        await add(ana, wedding, title=f"At {hour}", at_local=f"{hour:02}:00:00")
    path, found, cursor = f"/api/v1/weddings/{wedding.id}/schedule?limit=2", [], ""
    while True:
        page = (await ana("GET", path + cursor)).json()
        found += [i["title"] for i in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == ["At 9", "At 12", "At 14", "At 14", "At 18"]
    problem(await ana("GET", f"{path}&cursor={uuid4()}"), 422, "invalid", "cursor")


async def test_each_audience_sees_what_its_scopes_show(wedding: Wedding, ana: Client) -> None:
    made = await add(ana, wedding, title="Cake", at_local="16:30:00")
    await ana("POST", f"/api/v1/weddings/{wedding.id}/day-contacts", {"name": "Dora", "phone": "+44 20 7946 0018"})
    app = wedding.app
    for who, count in ((wedding.dora, 1), (wedding.photographer, 1), (wedding.florist, 0)):
        client = Client(app, who)
        listed = await client("GET", f"/api/v1/weddings/{wedding.id}/schedule")
        contacts = await client("GET", f"/api/v1/weddings/{wedding.id}/day-contacts")
        assert (len(listed.json()["items"]), len(contacts.json()["items"])) == (count, count)
        one = await client("GET", f"/api/v1/schedule/{made['id']}")
        assert one.status_code == (200 if count else 404)
        answer = await client("PATCH", f"/api/v1/schedule/{made['id']}", {"title": "Mine"})
        problem(answer, 403 if count else 404, "forbidden" if count else "not_found")


async def test_what_is_hidden_absent_and_foreign_is_answered_alike(wedding: Wedding, ana: Client) -> None:
    made = await add(ana, wedding, title="Cake", at_local="16:30:00")
    app = wedding.app
    hidden = await Client(app, wedding.florist)("GET", f"/api/v1/schedule/{made['id']}")
    foreign = await Client(app, wedding.stranger)("GET", f"/api/v1/schedule/{made['id']}")
    absent = await ana("GET", f"/api/v1/schedule/{uuid4()}")
    assert hidden.content == foreign.content == absent.content
    anonymous = await Client(app, wedding.ana.__class__(kind="anonymous"))("GET", f"/api/v1/schedule/{made['id']}")
    problem(anonymous, 401, "sign_in_required")


async def test_wedding_days_say_their_phase(wedding: Wedding, ana: Client) -> None:
    await add(ana, wedding, title="Cake", at_local="16:30:00")
    await add(ana, wedding, title="Brunch", at_local="11:00:00", on="2027-06-06")
    body = (await ana("GET", f"/api/v1/weddings/{wedding.id}/days")).json()
    assert [d["on"] for d in body["items"]] == ["2027-06-05", "2027-06-06"]
    assert {d["phase"] for d in body["items"]} == {body["phase"]}


async def test_on_day_contacts_have_the_same_manners(wedding: Wedding, ana: Client) -> None:
    base = f"/api/v1/weddings/{wedding.id}/day-contacts"
    made = await ana("POST", base, {"name": "Dora", "what": "Keys"})
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    path = f"{base}/{made.json()['id']}"
    assert (await ana("GET", path)).json() == made.json()
    changed = await ana("PATCH", path, {"phone": "1"}, if_match='"1"')
    assert (changed.json()["phone"], changed.headers["etag"]) == ("1", '"2"')
    problem(await ana("PATCH", path, {"phone": "2"}, if_match='"1"'), 412, "changed_meanwhile")
    problem(await ana("GET", f"{base}?cursor={uuid4()}"), 422, "invalid", "cursor")
    await ana("POST", base, {"name": "Eli", "position": 1})
    page = (await ana("GET", f"{base}?limit=1")).json()
    assert page["next"] == made.json()["id"]
    assert [c["name"] for c in (await ana("GET", f"{base}?limit=1&cursor={page['next']}")).json()["items"]] == ["Eli"]
    assert (await ana("DELETE", path, if_match='"2"')).status_code == 204
    problem(await ana("GET", path), 404, "not_found")
    problem(await ana("PATCH", path, {"phone": "2"}), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"\xff", 400, "malformed"),
        ({"title": "Cake"}, 422, "invalid"),
        ({"title": "Cake", "at_local": "half past"}, 422, "invalid"),
        ({"title": "Cake", "at_local": "16:30:00", "colour": "red"}, 422, "invalid"),
        ({"title": "x" * 301, "at_local": "16:30:00"}, 422, "invalid"),
        ({"title": "Cake", "at_local": "16:30:00", "minutes": -1}, 422, "invalid"),
        ({"title": "Cake", "at_local": "16:30:00Z"}, 422, "invalid"),
        ({"title": "Cake", "at_local": "16:30:00", "zone": "x" * 65}, 422, "invalid"),
        ({"title": "\u0000", "at_local": "16:30:00"}, 422, "invalid"),
    ],
)
async def test_bad_input_is_named_and_changes_nothing(
    wedding: Wedding, ana: Client, body: Any, status: int, code: str
) -> None:
    events = await wedding.events()
    answer = await ana("POST", f"/api/v1/weddings/{wedding.id}/schedule", body)
    found = problem(answer, status, code)
    assert status == 400 or found["errors"]
    assert await wedding.events() == events


@pytest.mark.parametrize("title", ["x" * 300, "🎉" * 100, "עוגה وكعكة", "=HYPERLINK(1)", "Zoë’s “first” dance"])
async def test_any_title_people_write_comes_back(wedding: Wedding, ana: Client, title: str) -> None:
    assert (await add(ana, wedding, title=title, at_local="16:30:00"))["title"] == title


@pytest.mark.parametrize("who", ["supplier", "person"])
async def test_another_kind_of_tenant_is_no_wedding(wedding: Wedding, who: str) -> None:
    supplier = await wedding.admin.fetchval("select supplier_id from links where id = $1", wedding.planner.id)
    client = Client(wedding.app, wedding.planner)
    base = f"/api/v1/weddings/{supplier if who == 'supplier' else wedding.planner.actor.id}"
    for path in ("schedule", "days", "day-contacts", "tasks", "budget"):
        problem(await client("GET", f"{base}/{path}"), 404, "not_found")
    for path, body in (
        ("schedule", {"title": "Cake", "at_local": "16:30:00", "on": "2027-06-05", "zone": "UTC"}),
        ("day-contacts", {"name": "Dora"}),
        ("tasks", {"title": "Mine"}),
        ("budget", {"title": "Mine"}),
    ):
        problem(await client("POST", f"{base}/{path}", body), 404, "not_found")
