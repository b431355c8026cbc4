"""The budget through its door: sums, payments, what each change records, and that nobody but the couple finds any."""

from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.contracts.one_wedding import Client, Stage, Wedding
from wedsync.weddings import actions as weddings


@pytest_asyncio.fixture
async def wedding(stage: Stage) -> Wedding:
    return await stage.wedding()


@pytest_asyncio.fixture
async def ana(wedding: Wedding) -> Client:
    return Client(wedding.app, wedding.ana)


async def add(client: Client, wedding: Wedding, **fields: Any) -> dict[str, Any]:
    made = await client("POST", f"/api/v1/weddings/{wedding.id}/budget", {"title": "Dinner", **fields})
    assert made.status_code == 201, made.text
    return made.json()  # type: ignore[no-any-return]


async def pay(client: Client, line: dict[str, Any], **fields: Any) -> dict[str, Any]:
    made = await client("POST", f"/api/v1/budget-lines/{line['id']}/payments", fields)
    assert made.status_code == 201, made.text
    return made.json()  # type: ignore[no-any-return]


async def test_lines_payments_and_totals(wedding: Wedding, ana: Client) -> None:
    async with wedding.as_(wedding.ana) as tx:
        await weddings.change(tx, wedding.id, {"guest_estimate": 80})
    dinner = await add(ana, wedding, estimate_minor=6200, per_guest=True)
    hall = await add(ana, wedding, title="Hall", agreed_minor=640_000, supplier_name="The Tithe Barn")
    trip = await add(ana, wedding, title="Trip", estimate_minor=300_000, currency="JPY")
    await pay(ana, hall, amount_minor=160_000, kind="deposit", paid_on="2026-10-02")
    await pay(ana, hall, amount_minor=480_000, due_on="2027-07-20")
    await pay(ana, hall, amount_minor=-5_000, kind="refund", paid_on="2026-12-01")
    budget = (await ana("GET", f"/api/v1/weddings/{wedding.id}/budget")).json()
    assert (budget["currency"], budget["guests"]) == ("GBP", {"count": 80, "source": "estimate"})
    pounds, yen = budget["totals"]
    assert (pounds["estimate_minor"], pounds["agreed_minor"], pounds["expected_minor"]) == (496_000, 640_000, 1_136_000)
    assert (pounds["paid_minor"], pounds["due_minor"], pounds["due_next"]["amount_minor"]) == (
        155_000,
        480_000,
        480_000,
    )
    assert (yen["currency"], yen["exponent"], yen["estimate_minor"]) == ("JPY", 0, 300_000)
    assert [i["title"] for i in budget["items"]] == ["Dinner", "Hall", "Trip"]
    assert [len(i["payments"]) for i in budget["items"]] == [0, 3, 0]
    assert (dinner["currency"], trip["currency"]) == ("GBP", "JPY")
    what_if = (await ana("GET", f"/api/v1/weddings/{wedding.id}/budget?guests=120")).json()
    assert what_if["items"][0]["estimate_total_minor"] == 744_000


async def test_answers_count_more_than_the_estimate(wedding: Wedding, ana: Client) -> None:
    await wedding.admin.execute(
        """with item as (insert into schedule_items (wedding_id, title, "on", at_local, zone)
          values ($1, 'Dinner', '2027-06-05', '17:00', 'Europe/London') returning id)
        insert into headcounts (wedding_id, schedule_item_id, invited, declined) select $1, id, 90, 4 from item""",
        wedding.id,
    )
    budget = (await ana("GET", f"/api/v1/weddings/{wedding.id}/budget")).json()
    assert budget["guests"] == {"count": 86, "source": "answers"}


async def test_each_change_is_a_fact_of_scope_budget(wedding: Wedding, ana: Client) -> None:
    line = await add(ana, wedding)
    path = f"/api/v1/budget-lines/{line['id']}"
    await ana("PATCH", path, {"agreed_minor": 5})
    await ana("PATCH", path, {"agreed_minor": 5})
    paid = await pay(ana, line, amount_minor=5)
    await ana("PATCH", f"/api/v1/budget-payments/{paid['id']}", {"paid_on": "2027-01-01"})
    await ana("PATCH", f"/api/v1/budget-payments/{paid['id']}", {"paid_on": "2027-01-01"})
    other = await pay(ana, line, amount_minor=7)
    await ana("DELETE", f"/api/v1/budget-payments/{paid['id']}")
    await ana("DELETE", path)
    found = [e for e in await wedding.events() if e.type.startswith("budget_")]
    assert {e.scope for e in found} == {256}
    assert [e.type for e in found] == [
        "budget_line.added",
        "budget_line.changed",
        "budget_payment.added",
        "budget_payment.changed",
        "budget_payment.added",
        "budget_payment.removed",
        "budget_payment.removed",
        "budget_line.removed",
    ]
    assert (found[-2].subject.id.hex, found[-2].op) == (other["id"].replace("-", ""), "DELETE")


async def test_etags_keep_two_from_losing_each_others_change(wedding: Wedding, ana: Client) -> None:
    line = await add(ana, wedding)
    paid = await pay(ana, line, amount_minor=5)
    for path, body in (
        (f"/api/v1/budget-payments/{paid['id']}", {"note": "cash"}),
        (f"/api/v1/budget-lines/{line['id']}", {"category": "food"}),
    ):
        first = await ana("PATCH", path, body, if_match='"1"')
        assert (first.status_code, first.headers["etag"]) == (200, '"2"')
        late = await ana("PATCH", path, {k: "other" for k in body}, if_match='"1"')
        assert (late.status_code, late.json()["current"]["version"]) == (412, 2)
        assert (await ana("PATCH", path, body, if_match='"1"')).status_code == 412
        assert (await ana("GET", path)).json() == first.json()
        assert (await ana("DELETE", path, if_match='"1"')).status_code == 412
        assert (await ana("DELETE", path, if_match='"2"')).status_code == 204
        assert (await ana("GET", path)).status_code == (await ana("PATCH", path, body)).status_code == 404
        assert (await ana("DELETE", path)).status_code == 404


async def test_a_line_with_payments_keeps_its_currency(wedding: Wedding, ana: Client) -> None:
    line = await add(ana, wedding)
    path = f"/api/v1/budget-lines/{line['id']}"
    assert (await ana("PATCH", path, {"currency": "EUR"})).json()["currency"] == "EUR"
    assert (await pay(ana, line, amount_minor=5))["currency"] == "EUR"
    answer = await ana("PATCH", path, {"currency": "GBP"})
    assert (answer.status_code, answer.json()["code"]) == (409, "has_payments")
    listed = (await ana("GET", f"{path}/payments")).json()
    assert [p["amount_minor"] for p in listed["items"]] == [5]


async def test_the_budget_comes_in_pages_with_the_totals_of_all(wedding: Wedding, ana: Client) -> None:
    for n in range(5):
        await add(ana, wedding, title=f"Line {n}", estimate_minor=10, position=4 - n)
    path, found, cursor = f"/api/v1/weddings/{wedding.id}/budget?limit=2", [], ""
    while True:
        page = (await ana("GET", path + cursor)).json()
        assert page["totals"][0]["estimate_minor"] == 50
        found += [i["title"] for i in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == ["Line 4", "Line 3", "Line 2", "Line 1", "Line 0"]
    assert (await ana("GET", f"{path}&cursor={uuid4()}")).status_code == 422


@pytest.mark.parametrize("who", ["planner", "photographer", "florist", "dora", "stranger"])
async def test_nobody_but_the_couple_finds_a_budget_by_any_path(wedding: Wedding, ana: Client, who: str) -> None:
    line = await add(ana, wedding, title="CANARY-budget-line")
    paid = await pay(ana, line, amount_minor=4242, note="CANARY-payment")
    app = wedding.app
    client, absent = Client(app, getattr(wedding, who)), uuid4()
    nothing = (await ana("GET", f"/api/v1/budget-lines/{absent}")).content
    for method, path, body in (
        ("GET", f"/api/v1/weddings/{wedding.id}/budget", None),
        ("POST", f"/api/v1/weddings/{wedding.id}/budget", {"title": "Mine"}),
        ("GET", f"/api/v1/budget-lines/{line['id']}", None),
        ("PATCH", f"/api/v1/budget-lines/{line['id']}", {"title": "Mine"}),
        ("DELETE", f"/api/v1/budget-lines/{line['id']}", None),
        ("GET", f"/api/v1/budget-lines/{line['id']}/payments", None),
        ("POST", f"/api/v1/budget-lines/{line['id']}/payments", {"amount_minor": 1}),
        ("GET", f"/api/v1/budget-payments/{paid['id']}", None),
        ("PATCH", f"/api/v1/budget-payments/{paid['id']}", {"note": "Mine"}),
        ("DELETE", f"/api/v1/budget-payments/{paid['id']}", None),
    ):
        answer = await client(method, path, body)
        assert (answer.status_code, answer.content) == (404, nothing), (method, path)
    if who != "stranger":
        for table in ("budget_lines", "budget_payments"):
            assert await wedding.seen_by(getattr(wedding, who), table) == []
            async with wedding.as_(getattr(wedding, who)) as tx:
                assert await tx.rows(f"select * from {table}") == []
    assert (await ana("GET", f"/api/v1/budget-lines/{line['id']}")).json()["title"] == "CANARY-budget-line"


async def test_the_partner_shares_it(wedding: Wedding, ana: Client) -> None:
    line = await add(ana, wedding)
    ben = Client(wedding.app, wedding.ben)
    assert (await ben("PATCH", f"/api/v1/budget-lines/{line['id']}", {"title": "Supper"})).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": ""}, "title"),
        ({"estimate_minor": -1}, "estimate_minor"),
        ({"estimate_minor": 1.5}, "estimate_minor"),
        ({"agreed_minor": 10**12}, "agreed_minor"),
        ({"currency": "gbp"}, "currency"),
        ({"currency": "XTS"}, "currency"),
        ({"supplier_id": "x"}, ""),
    ],
)
async def test_bad_input_is_named_and_changes_nothing(
    wedding: Wedding, ana: Client, body: dict[str, Any], field: str
) -> None:
    answer = await ana("POST", f"/api/v1/weddings/{wedding.id}/budget", {"title": "Dinner", **body})
    assert answer.status_code == 422, answer.text
    assert field in answer.json()["detail"]
    assert await wedding.events("budget_line.added") == []
