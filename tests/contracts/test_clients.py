"""A supplier's clients: kept, found and changed by its team, sealed at rest, and told to nobody else."""

from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.contracts.client_house import Office, opened
from tests.contracts.town import Town
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal

ANA = {"name": "Ana López", "partner_name": "Ben Carter", "email": "ana@example.org", "wedding_on": "2027-06-05"}


@pytest_asyncio.fixture
async def office(town: Town) -> Office:
    return await opened(town)


async def test_a_client_is_added_changed_and_removed_and_each_is_told(office: Office) -> None:
    made = await office.add(**ANA, phone=" 07700 900123 ", venue="Glasshouse")
    assert (made["couple_names"], made["stage"], made["phone"]) == ("Ana López & Ben Carter", "enquiry", "07700 900123")
    path = f"{office.path}/{made['id']}"
    changed = await office.owner.ask("PATCH", path, {"stage": "booked", "wedding_on": None}, if_match='"1"')
    assert changed.headers["etag"] == '"2"'
    assert (changed.json()["stage"], changed.json()["wedding_on"], changed.json()["venue"]) == (
        "booked",
        None,
        "Glasshouse",
    )
    late = await office.owner.got("PATCH", path, {"stage": "held"}, code=412, if_match='"1"')
    assert (late["code"], late["version"]) == ("changed_meanwhile", 2)
    await office.owner.got("DELETE", path, code=412, if_match='"1"')
    await office.owner.got("DELETE", path, code=204, if_match='"2"')
    await office.owner.got("GET", path, code=404)
    told = await office.town.events(office.supplier, kind="supplier")
    assert [e.type for e in told if e.type.startswith("client.")] == [
        "client.added",
        "client.changed",
        "client.removed",
    ]


async def test_nothing_of_a_client_is_in_clear_at_rest(office: Office) -> None:
    await office.add(**ANA, note="Allergic to lilies", phone="+447700900123")
    stored = """select c::text as t from clients c where supplier_id = $1
        union all select e::text from events e where stream_id = $1"""
    rows = await office.town.admin.fetch(stored, UUID(office.supplier))
    text = " ".join(row["t"] for row in rows).lower()
    assert "enquiry" in text
    for word in ("lópez", "carter", "ana@", "lilies", "7700"):
        assert word not in text


async def test_the_same_couple_is_not_added_twice_unless_somebody_says_so(office: Office) -> None:
    first = await office.add(**ANA)
    again = await office.add(code=409, name="Ana Lopez", email="ANA@example.org")
    assert (again["code"], again["client_id"]) == ("client_known", first["id"])
    same_day = {"name": "Ben Carter", "partner_name": "Ana Lopez", "wedding_on": "2027-06-05"}
    assert (await office.add(code=409, **same_day))["client_id"] == first["id"]
    await office.add(name="Cleo Reed", email="ana@example.org")
    await office.add(name="Ana Lopez", partner_name="Ben Carter", wedding_on="2028-01-01")
    await office.add(**same_day, is_another=True)
    by_id = {"name": "Ida", "source": "tave", "external_id": "x1"}
    tave = await office.add(**by_id)
    assert (await office.add(code=409, **(by_id | {"name": "Somebody Else"})))["client_id"] == tave["id"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "name"),
        ({"note": "nobody"}, "name"),
        ({"name": "A", "email": "not an address"}, "email"),
        ({"name": "A", "partner_email": "@"}, "partner_email"),
        ({"name": "A", "external_id": "7"}, "source"),
        ({"name": "A", "stage": "married"}, "stage"),
        ({"name": "A" * 301}, "name"),
    ],
)
async def test_what_cannot_be_taken_names_its_field(office: Office, fields: dict[str, str], field: str) -> None:
    problem = await office.add(code=422, **fields)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_the_list_pages_by_date_filters_and_finds_a_piece_of_what_is_sealed(office: Office) -> None:
    dates = ["2027-06-05", None, "2026-01-02", "2027-06-05", "2028-03-04"]
    for number, on in enumerate(dates):
        stage = "booked" if number % 2 else "enquiry"
        await office.add(name=f"Person{number} Øster", wedding_on=on, stage=stage, venue=f"Hall {number}")
    seen, cursor = [], ""
    while True:
        page = await office.owner.got("GET", f"{office.path}?limit=2&cursor={cursor}")
        seen += [one["wedding_on"] for one in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == ["2026-01-02", "2027-06-05", "2027-06-05", "2028-03-04", None]
    assert [c["venue"] for c in await office.clients(q="oster hall")] == [
        "Hall 2",
        "Hall 0",
        "Hall 3",
        "Hall 4",
        "Hall 1",
    ]
    assert [c["venue"] for c in await office.clients(q="PERSON3")] == ["Hall 3"]
    assert {c["venue"] for c in await office.clients(stage="booked")} == {"Hall 1", "Hall 3"}
    to = {"from": "2027-01-01", "to": "2027-12-31"}
    assert {c["venue"] for c in await office.clients(**to)} == {"Hall 0", "Hall 3"}
    found = await office.owner.got("GET", f"{office.path}?q=person&limit=2")
    rest = await office.owner.got("GET", f"{office.path}?q=person&limit=9&cursor={found['next']}")
    assert len(found["items"]) + len(rest["items"]) == 5
    await office.owner.got("GET", f"{office.path}?cursor=tomorrow", code=422)


async def test_a_colleague_reads_an_admin_writes_and_others_find_nothing(office: Office) -> None:
    made = await office.add(**ANA)
    member, admin = await office.colleague(), await office.colleague("admin")
    path = f"{office.path}/{made['id']}"
    assert (await member.got("GET", path))["name"] == "Ana López"
    assert len((await member.got("GET", office.path))["items"]) == 1
    await member.got("POST", office.path, ANA, code=403)
    await member.got("PATCH", path, {"stage": "held"}, code=403)
    await member.got("DELETE", path, code=403)
    assert (await office.send("Name\nAna Li\n", who=member)).status_code == 403
    await admin.got("PATCH", path, {"stage": "held"})
    other = await opened(office.town)
    couple = await office.town.person()
    wedding = await office.town.wedding(couple)
    linked = await office.town.linked(couple, wedding)
    for stranger in (other.owner, couple, linked.owner):
        for method, where in (("GET", office.path), ("GET", path), ("PATCH", path), ("DELETE", path)):
            await stranger.got(method, where, {"stage": "held"} if method == "PATCH" else None, code=404)
        assert (await office.send("Name\nAna Li\n", who=stranger)).status_code == 404
    for where in (f"{other.path}/{made['id']}", f"{other.path}/{uuid4()}"):
        await other.owner.got("GET", where, code=404)
    await couple.got("GET", f"/api/v1/suppliers/{wedding}/clients", code=404)


async def test_the_database_itself_lets_a_colleague_only_read_and_never_see_a_list(office: Office) -> None:
    await office.add(**ANA)
    await office.bring("Name,E-mail\nAna Li,li@example.org\n")
    member = await office.colleague()
    async with office.town.door.enter(Actor(kind="person", id=member.id), UUID(office.supplier)) as tx:
        assert len(await tx.rows("select c.id from clients c")) == 2
        assert await tx.rows("select i.id from client_imports i") == []
        assert await tx.run("update clients set stage = 'held'") == 0
        assert await tx.run("delete from clients") == 0
    insert = "insert into clients (supplier_id, sealed) values (app.tenant(), '\\x00')"
    with pytest.raises(Refusal) as refused:
        async with office.town.door.enter(Actor(kind="person", id=member.id), UUID(office.supplier)) as tx:
            await tx.run(insert)
    assert refused.value.status == 403
