"""Somebody new sets a business up in twelve acts at most, with a wedding in step; a couple asks a business."""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.eventually import eventually
from tests.product import Product

LIST = Path(__file__).parents[1] / "fixtures" / "clients" / "tave_jobs.csv"
ACTS_MAX = 12

pytestmark = pytest.mark.timeout(600)


class Hands:
    """What a person does with a page, counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.acts: list[str] = []

    async def press(self, name: str, role: Any = "button") -> None:
        self.acts.append(f"press {name}")
        await self.page.get_by_role(role, name=name, exact=True).click()

    async def write(self, label: str, words: str) -> None:
        self.acts.append(f"write {label}")
        await self.page.get_by_label(label).fill(words)

    async def choose(self, label: str, file: Path) -> None:
        self.acts.append(f"choose {label}")
        await self.page.get_by_label(label).set_input_files(file)

    @property
    def title(self) -> Locator:
        return self.page.get_by_role("heading", level=1)


async def invited(product: Product, email: str) -> None:
    """A couple that is here already invites them by the address they sign in with."""
    async with httpx.AsyncClient(base_url=product.web, headers=product.headers("florist")) as http:
        new = {"couple_names": "Lea & Jo", "on": str(date.today() + timedelta(days=200))}
        wedding = (await http.post("/api/v1/weddings", json=new)).json()["id"]
        asked = {"supplier_name": "Orr Films", "email": email, "category": "videographer", "level": "standard"}
        answer = await http.post(f"/api/v1/weddings/{wedding}/links", json=asked)
        assert answer.status_code == 201, answer.text
        changed = await http.patch(f"/api/v1/weddings/{wedding}", json={"reception_venue": "The Boat House"})
        assert changed.status_code == 200, changed.text


async def test_a_couple_asks_the_demos_photographer_without_a_script(product: Product, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = await context.new_page()
    await page.goto(f"{product.web}/s/petal-and-frame")
    await page.get_by_label("Your name").fill("Lea Lund")
    await page.get_by_label("E-mail").fill("lea@example.org")
    await page.get_by_label("What do you have in mind?").fill("Do you travel?")
    await page.get_by_role("button", name="Send it").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("It is with them")
    await context.close()
    supplier = product.demo["photographer"]["supplier_id"]
    async with httpx.AsyncClient(base_url=product.web, headers=product.headers("photographer")) as http:

        async def is_client() -> bool:
            found = (await http.get(f"/api/v1/suppliers/{supplier}/enquiries")).json()["items"]
            return [one["name"] for one in found if one["client_id"]][:1] == ["Lea Lund"]

        await eventually(is_client, within_s=60, what="whoever asked is a client")


async def test_a_business_is_set_up_in_twelve_acts(product: Product, browser: Browser) -> None:
    newcomer = product.demo["operator"]
    await invited(product, newcomer["email"])
    async with httpx.AsyncClient() as http:
        feeds = (await http.get(f"{product.sandbox}/ics")).text
    [found, *_] = re.findall(r"/ics/feed/[\w-]+\.ics", feeds)
    page = await (await browser.new_context()).new_page()
    await page.goto(newcomer["login_url"])
    await page.wait_for_url("**/ops")
    await page.goto(f"{product.web}/studio/start")

    hands = Hands(page)
    await hands.write("Name of your business", "Orr Films")
    await hands.press("Go on")
    await expect(hands.title).to_have_text("What you do")
    await hands.press("Videographer")
    await expect(hands.title).to_have_text("Your calendar")
    await hands.write("Or the address of any calendar", f"{product.sandbox}{found}")
    await hands.press("Connect it")
    await expect(hands.title).to_have_text("Your clients")
    await hands.choose("The file", LIST)
    await hands.press("Read it")
    await expect(page.get_by_text("3 new")).to_be_visible()
    await hands.press("Bring them in")
    await expect(hands.title).to_have_text("Their invitation")
    await expect(page.get_by_text("would like to plan your wedding with you")).to_be_visible()
    await hands.press("It reads well, go on")
    await expect(hands.title).to_have_text("The first wedding")
    await hands.press("Accept")
    # By itself: the couple's record arrives on the open page.
    await expect(page.get_by_role("link", name="Lea & Jo")).to_be_visible()
    await expect(page.get_by_text("The Boat House")).to_be_visible()
    await hands.press("Go on", "link")
    await expect(hands.title).to_have_text("You are set up")
    await hands.press("Open your studio")
    await page.wait_for_url(re.compile(r"/studio/[0-9a-f-]{36}$"))
    assert len(hands.acts) <= ACTS_MAX, hands.acts
    await page.context.close()
