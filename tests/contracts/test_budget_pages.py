"""The couple's page of the budget: money as people type it, payments, and that nobody else opens it."""

import re
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.one_wedding import Browser, Stage, Wedding
from wedsync.budget import actions, model
from wedsync.budget.reading import read


@pytest_asyncio.fixture
async def wedding(stage: Stage) -> Wedding:
    return await stage.wedding()


@pytest_asyncio.fixture
async def ana(wedding: Wedding) -> Browser:
    return Browser(wedding.app, wedding.ana)


def form(**fields: Any) -> dict[str, Any]:
    """The fields of a line's form as a browser posts them."""
    blank = {"version": "0", "title": "Dinner", "category": "food", "supplier_name": "", "estimate": "", "agreed": ""}
    return blank | fields


async def held(wedding: Wedding) -> model.Budget:
    async with wedding.as_(wedding.ana) as tx:
        return await read(tx)


async def add(wedding: Wedding, **fields: Any) -> UUID:
    async with wedding.as_(wedding.ana) as tx:
        return await actions.add_line(tx, model.NewLine(**{"title": "Dinner"} | fields))


async def test_an_empty_budget_says_how_to_begin(wedding: Wedding, ana: Browser) -> None:
    assert "No money written down yet" in await ana.see(f"/me/{wedding.id}/budget")


async def test_money_is_taken_as_people_type_it(wedding: Wedding, ana: Browser) -> None:
    path = f"/me/{wedding.id}/budget"
    said = form(supplier_name="Marrow & Thyme", estimate="1,234.5", agreed="62", per_guest="on")
    answer = await ana.send(path, **said)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    (line,) = (await held(wedding)).lines
    assert (line.estimate_minor, line.agreed_minor, line.per_guest, line.currency) == (123_450, 6200, True, "GBP")
    await wedding.change(guest_estimate=86)
    page = await ana.see(path)
    assert "£62 for each of 86 guests" in page
    assert "£5,332" in page
    assert "£5,332" in await ana.see(f"/me/{wedding.id}/fragments/budget")
    form_page = await ana.see(f"{path}?edit={line.id}")
    assert 'value="1234.50"' in form_page
    assert "Change this line" in form_page


async def test_a_line_is_changed_and_removed(wedding: Wedding, ana: Browser) -> None:
    line = await add(wedding, estimate_minor=100)
    path = f"/me/{wedding.id}/budget/{line}"
    assert (await ana.send(path, **form(title="Supper", estimate="5", version="1"))).status_code == 303
    (changed,) = (await held(wedding)).lines
    assert (changed.title, changed.estimate_minor, changed.agreed_minor) == ("Supper", 500, None)
    assert (await ana.send(f"{path}/remove", version="1")).status_code == 412
    assert (await ana.send(f"{path}/remove", version="2")).status_code == 303
    assert (await held(wedding)).lines == []
    assert (await ana.send(path, **form(version="2"))).status_code == 404


async def test_payments_are_added_and_marked_paid(wedding: Wedding, ana: Browser) -> None:
    line = await add(wedding)
    path = f"/me/{wedding.id}/budget"
    for fields in (
        {"kind": "deposit", "amount": "1,600", "due_on": "2027-01-01"},
        {"kind": "refund", "amount": "50", "paid_on": "2027-02-01"},
    ):
        answer = await ana.send(f"{path}/{line}/payments", **{"due_on": "", "paid_on": ""} | fields)
        assert answer.headers["location"] == f"{path}?edit={line}#payment-form"
    page = await ana.see(f"{path}?edit={line}")
    found = re.search(r"/budget/payments/([0-9a-f-]+)/paid", page)
    assert found
    assert "-50.00" in page
    for _ in range(2):
        assert (await ana.send(f"{path}/payments/{found[1]}/paid")).status_code == 303
    (total,) = (await held(wedding)).totals
    assert (total.paid_minor, total.due_minor) == (155_000, 0)
    assert len(await wedding.events("budget_payment.changed")) == 1
    assert (await ana.send(f"{path}/payments/{UUID(int=7)}/paid")).status_code == 404
    assert (await ana.send(f"{path}/{UUID(int=7)}/payments", kind="tip", amount="5")).status_code == 404


async def test_another_currency_is_shown_as_what_it_is_and_never_added_in(wedding: Wedding, ana: Browser) -> None:
    await add(wedding, title="Hall", agreed_minor=100_000)
    trip = await add(wedding, title="Trip", agreed_minor=300_000, currency="JPY", category="island hopping")
    path = f"/me/{wedding.id}/budget"
    page = await ana.see(f"{path}?edit={trip}")
    assert "¥300,000" in page
    assert "island hopping, in JPY" in page
    assert "Estimate, JPY" in page
    assert (await ana.send(f"{path}/{trip}", **form(title="Trip", agreed="250000", version="1"))).status_code == 303
    budget = await held(wedding)
    assert [t.agreed_minor for t in budget.totals] == [100_000, 250_000]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": ""}, "one to 300 letters"),
        ({"estimate": "lots"}, "Is not an amount"),
        ({"agreed": "-5"}, "Check the amount"),
        ({"estimate": "9999999999999"}, "Check the amount"),
        ({"supplier_name": "x" * 301}, "longer than 300"),
    ],
)
async def test_what_is_not_right_is_shown_beside_its_field(
    wedding: Wedding, ana: Browser, fields: dict[str, str], words: str
) -> None:
    line = await add(wedding, title="Untouched")
    for path in (f"/me/{wedding.id}/budget", f"/me/{wedding.id}/budget/{line}"):
        answer = await ana.send(path, **form(version="1") | fields)
        assert (answer.status_code, words in answer.text) == (422, True), answer.text
    assert [x.title for x in (await held(wedding)).lines] == ["Untouched"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"amount": ""}, "Write how much"),
        ({"amount": "lots"}, "Is not an amount"),
        ({"amount": "-5"}, "Is negative"),
        ({"due_on": "soon"}, "Is not a date"),
        ({"kind": "gift"}, "none of the list"),
    ],
)
async def test_a_payment_that_is_not_right_is_shown_beside_its_field(
    wedding: Wedding, ana: Browser, fields: dict[str, str], words: str
) -> None:
    line = await add(wedding)
    said = {"kind": "deposit", "amount": "5", "due_on": "", "paid_on": ""} | fields
    answer = await ana.send(f"/me/{wedding.id}/budget/{line}/payments", **said)
    assert (answer.status_code, words in answer.text, "Dinner" in answer.text) == (422, True, True), answer.text
    assert (await held(wedding)).lines[0].payments == []


async def test_whoever_saves_second_chooses_and_loses_nothing(wedding: Wedding, ana: Browser) -> None:
    line = await add(wedding)
    path = f"/me/{wedding.id}/budget/{line}"
    ben = Browser(wedding.app, wedding.ben)
    assert (await ben.send(path, **form(agreed="500", version="1"))).status_code == 303
    asked = await ana.send(path, **form(agreed="450", supplier_name="Marrow", version="1"))
    assert asked.status_code == 412
    for words in ("Ben saved first", "500.00", "450", "Marrow"):
        assert words in asked.text


@pytest.mark.parametrize("who", ["planner", "photographer", "florist", "dora", "stranger"])
async def test_nobody_but_the_couple_opens_it(wedding: Wedding, who: str) -> None:
    line = await add(wedding, title="CANARY-page-line")
    browser = Browser(wedding.app, getattr(wedding, who))
    for path in ("budget", f"budget?edit={line}", "fragments/budget"):
        page = await browser.see(f"/me/{wedding.id}/{path}", code=404 if who == "stranger" else 403)
        assert "CANARY" not in page
    for path, fields in ((f"budget/{line}", form()), (f"budget/{line}/remove", {}), ("budget", form())):
        answer = await browser.send(f"/me/{wedding.id}/{path}", **fields)
        assert answer.status_code == 404, path
        assert "CANARY" not in answer.text
