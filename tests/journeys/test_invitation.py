"""How a wedding grows: a supplier invites, the couple confirms on a phone and names a florist, who comes in."""

import re
import secrets

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.journeys.people import sign_in
from tests.journeys.test_main_job import PHONE, mail
from tests.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


async def test_a_client_becomes_a_couple_and_brings_its_florist(browser: Browser, product: Product) -> None:
    mark = secrets.token_hex(4)
    couple, florist = f"rosa.{mark}@example.com", f"stems.{mark}@example.com"
    studio = f"{product.web}/studio/{product.demo['photographer']['supplier_id']}"
    owner = await sign_in(browser, product, "photographer")
    await invite(owner, product, studio, couple)
    phone = await (await browser.new_context(viewport=PHONE)).new_page()
    await phone.goto(await link(product, couple, "invite"))
    await expect(owner.get_by_role("row", name="Rosa Marsh").get_by_text("Opened")).to_be_visible()
    await expect(phone.get_by_label("The two of you")).to_have_value("Rosa Marsh & Idris Cole")
    await phone.get_by_label("Where").fill("The Orangery")
    await phone.get_by_role("button", name="Yes, this is us").click()
    await expect(phone.get_by_role("heading", name="Who else")).to_be_visible()
    assert await phone.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    await phone.get_by_label("Who", exact=True).first.fill("Wild Stems")
    await phone.get_by_label("Their e-mail").first.fill(florist)
    await phone.get_by_role("button", name="Send them the link").click()
    await expect(phone.get_by_text("Wild Stems").first).to_be_visible()
    await expect(owner.get_by_role("row", name="Rosa Marsh").get_by_text("Joined")).to_be_visible()
    await take_the_place(browser, await link(product, florist, "join"))
    await phone.reload()
    await expect(phone.get_by_text("Wild Stems").first).to_be_visible()


async def invite(owner: Page, product: Product, studio: str, to: str) -> None:
    """From the list of those who can be invited to the mail, and away with it."""
    async with httpx.AsyncClient(timeout=30) as http:
        made = await http.post(
            f"{product.web}/api/v1/suppliers/{product.demo['photographer']['supplier_id']}/clients",
            headers=product.headers("photographer"),
            json={"name": "Rosa Marsh", "partner_name": "Idris Cole", "email": to, "wedding_on": "2098-05-04"},
        )
    assert made.status_code == 201, made.text
    await owner.goto(f"{studio}/invitations/new")
    for one in await owner.locator("input[name=client]:enabled").all():
        await one.set_checked(await one.get_attribute("value") == made.json()["id"])
    await owner.get_by_role("button", name="See the mail").click()
    await expect(owner.get_by_role("heading", name="This is what they get")).to_be_visible()
    await owner.get_by_role("button", name="Send 1 invitation").click()
    await expect(owner.get_by_role("row", name="Rosa Marsh")).to_be_visible()


async def link(product: Product, to: str, kind: str) -> str:
    """The button of the mail that somebody got."""
    (found,) = re.findall(rf"https?://\S+/{kind}/\S+", await mail(product, to=to))
    return str(found)


async def take_the_place(browser: Browser, url: str) -> None:
    """The florist looks without an account, and is in with one press."""
    page = await (await browser.new_context()).new_page()
    await page.goto(url)
    await expect(page.get_by_text("The Orangery")).to_be_visible()
    await page.get_by_role("button", name="This is us").click()
    await page.wait_for_url("**/studio/**")
    await expect(page.get_by_role("heading", name="Rosa Marsh & Idris Cole")).to_be_visible()
