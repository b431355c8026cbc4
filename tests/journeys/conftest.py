"""One product and one browser for all journeys: each story brings people and addresses of its own."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.journeys.people import launched
from tests.product import Product, running

# What is promised is that it happens; how fast is measured elsewhere.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    with running(WEDSYNC_WEB_WORKERS="2") as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """It, and nothing open in it afterwards: a page that is left draws anew whatever the next stories change."""
    yield chromium
    for context in list(chromium.contexts):
        await context.close()
