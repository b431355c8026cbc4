"""The people of a journey: a real browser, and somebody of the demo signed in in it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, async_playwright

from tests import chromium
from tests.product import Product


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """One for everybody; each person gets a context of their own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium.LAUNCH)
        yield browser
        await browser.close()


async def sign_in(browser: Browser, product: Product, who: str) -> Page:
    """A page in a browser of one of the demo's people, signed in by their link."""
    page = await (await browser.new_context(reduced_motion="reduce")).new_page()
    await page.goto(product.demo[who]["login_url"])
    # Who has more than one place, since another test made the other, is asked at `/me` which of them it shall be.
    lands = {"couple": re.compile(r"/me(/.*)?$"), "operator": re.compile(r"/(ops|me)$")}
    await page.wait_for_url(lands.get(who, "**/studio/**"))
    if who == "couple":
        await page.goto(f"{product.web}/me/{product.wedding}")
    return page
