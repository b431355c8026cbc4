"""The main job, as people live it: a guest answers on a phone, and everybody who may know knows."""

import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from standardwebhooks import Webhook

from tests.product import Product, running

CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
PHONE = {"width": 390, "height": 844}

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with running() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=list(CHROMIUM)
        )
        yield launched
        await launched.close()


async def sign_in(browser: Browser, product: Product, who: str, **options: object) -> tuple[BrowserContext, Page]:
    """A browser of one of the demo's people, signed in by their link."""
    context = await browser.new_context(**options)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(product.demo[who]["login_url"])
    await page.wait_for_url("**/me/**" if who == "couple" else "**/studio/**")
    return context, page


async def test_an_answer_by_phone_reaches_screen_webhook_and_mailbox(browser: Browser, product: Product) -> None:
    demo = product.demo
    wedding = demo["wedding_id"]
    venue = demo["venue"]
    async with httpx.AsyncClient(timeout=30) as http:
        made = await http.post(
            f"{product.web}/api/v1/suppliers/{venue['supplier_id']}/endpoints",
            headers=product.headers("venue"),
            json={"url": f"{product.sandbox}/hooks/journey", "events": ["rsvp.*"]},
        )
        assert made.status_code == 201
        _, studio = await sign_in(browser, product, "venue")
        await studio.goto(f"{product.web}/studio/{venue['supplier_id']}/weddings/{wedding}")
        await expect(studio.locator("#live-state")).to_have_attribute("data-state", "live")
        counts = studio.locator("#counts")
        before = await counts.inner_text()

        phone = await (await browser.new_context(viewport=PHONE)).new_page()
        await phone.goto(demo["rsvp_url"])
        groups = await phone.locator("input[type=radio]").evaluate_all("all => [...new Set(all.map(r => r.name))]")
        answered = [n for n in groups if await phone.locator(f"[name='{n}'][value=declined]").count()]
        assert answered
        for name in answered:
            radio = phone.locator(f"[name='{name}'][value=declined]")
            now = phone.locator(f"[name='{name}']:checked")
            said = await now.get_attribute("value") if await now.count() else ""
            wanted = "accepted" if said == "declined" else "declined"
            await (radio if wanted == "declined" else phone.locator(f"[name='{name}'][value=accepted]")).check(
                force=True
            )
        await phone.locator("main form button:not([formaction])").last.click()
        await phone.wait_for_load_state()

        await expect(counts).not_to_have_text(before, use_inner_text=True)

        hook = await http.get(f"{product.sandbox}/api/hooks/journey", params={"count": 1, "wait_s": 20})
        request = hook.json()["items"][0]
        told = Webhook(made.json()["secret"]).verify(request["body"], request["headers"])
        assert told["type"] == "rsvp.replied"
        assert told["data"]["record"]["status"] in ("accepted", "declined")

        mail = await http.get(
            f"{product.sandbox}/api/mail", params={"subject": "Your answer to", "count": 1, "wait_s": 20}
        )
        assert "Your answer to" in mail.json()["items"][0]["subject"]


async def test_a_moved_ceremony_is_confirmed_from_a_mail(browser: Browser, product: Product) -> None:
    wedding = product.demo["wedding_id"]
    _, couple = await sign_in(browser, product, "couple")
    await couple.goto(f"{product.web}/me/{wedding}")
    await expect(couple.locator("#live-state")).to_have_attribute("data-state", "live")
    async with httpx.AsyncClient(timeout=30) as http:
        moved = await http.patch(
            f"{product.web}/api/v1/weddings/{wedding}", headers=product.headers("couple"), json={"ceremony_at": "14:15"}
        )
        assert moved.status_code == 200
        await expect(couple.locator("#tally")).to_contain_text("0 of 4")
        to = product.demo["photographer"]["email"]
        mail = await http.get(f"{product.sandbox}/api/mail", params={"to": to, "count": 1, "wait_s": 20})
        text = mail.json()["items"][0]["text"]
    link = next(word for word in text.split() if "/ack/" in word)
    opened = await (await browser.new_context(viewport=PHONE)).new_page()
    await opened.goto(link)
    await expect(couple.locator("#tally")).to_contain_text("0 of 4")
    await opened.get_by_role("button", name="Seen and fine").click()
    await expect(couple.locator("#tally")).to_contain_text("1 of 4")


async def test_a_switch_of_the_couple_is_felt_on_the_suppliers_open_page(browser: Browser, product: Product) -> None:
    wedding = product.demo["wedding_id"]
    caterer = product.demo["caterer"]
    _, studio = await sign_in(browser, product, "caterer")
    await studio.goto(f"{product.web}/studio/{caterer['supplier_id']}/weddings/{wedding}")
    await expect(studio.locator("#live-state")).to_have_attribute("data-state", "live")
    await expect(studio.locator("#schedule")).to_contain_text("Dinner")
    async with httpx.AsyncClient(timeout=30) as http:
        changed = await http.patch(
            f"{product.web}/api/v1/links/{caterer['link_id']}",
            headers=product.headers("couple"),
            json={"level": "basic"},
        )
        assert changed.status_code == 200
    await expect(studio.locator("#schedule")).to_contain_text("no longer shared", timeout=10_000)
