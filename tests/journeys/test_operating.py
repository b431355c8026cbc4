"""An operator watches a Saturday: pages move by themselves, anybody can use them, and a flood stops none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.async_api import Browser, Page, expect

from tests.journeys.people import sign_in
from tests.product import Product
from wedsync.processes.engines import STATE_FILE
from wedsync.processes.postgres import ADMIN, DATABASE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PAGES = ("", "/health", "/alerts", "/events", "/dead-letters", "/preflight", "/days", "/database")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# What its width changes of a page; everything else is the same at a desk.
DESK_RULES = {"runOnly": ["color-contrast", "target-size", "link-in-text-block"]}
LOOKS = ((390, 844, RULES), (1440, 900, DESK_RULES))
PER_SECOND, SECONDS = 1000, 15
BLOCKED_MS_MAX = 500
"""The longest that the page may not answer a key; a person feels a tenth, and other programs run here too."""
# Committed in tenths of a second, as they come from many people.
FLOOD = """do $$ begin
  for n in 0..{tenths} - 1 loop
    insert into events (stream_id, seq, id, epoch, type, scope, subject_table, subject_id, op, record, actor_kind,
        cause, occurred_at)
      select '{stream}', n * {each} + k, uuidv7(), 1, 'rsvp.replied', 1, 'rsvps', '{stream}', 'INSERT', '{{}}',
        'person', uuidv7(), clock_timestamp()
      from generate_series(1, {each}) k;
    commit;
    perform pg_sleep(0.1);
  end loop;
end $$"""
WATCH = """() => {
  window.kept = true;
  window.longest = 0;
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    window.longest = Math.max(window.longest, now - last);
    last = now;
    window.setTimeout(look, 10);
  };
  look();
}"""


@asynccontextmanager
async def database(product: Product) -> AsyncIterator[asyncpg.Connection]:
    """As its administrator."""
    state = msgspec.json.decode((product.data_dir / STATE_FILE).read_bytes(), type=dict[str, str])
    port = int(state[f"{state.get('primary', 'postgres')}_port"])
    admin = await asyncpg.connect(
        host="127.0.0.1", port=port, user=ADMIN, password=state["admin_password"], database=DATABASE
    )
    yield admin
    await admin.close()


async def asked(product: Product, method: str, path: str, body: Any) -> Any:
    async with httpx.AsyncClient(headers=product.headers("couple"), timeout=60) as http:
        answer = await http.request(method, f"{product.web}/api/v1{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def shows(page: Page, many: int) -> None:
    await expect(page.locator("#now")).to_have_text("1 wedding live" if many == 1 else f"{many} weddings live")


async def test_the_board_moves_when_a_wedding_goes_live_and_is_called_off(product: Product, browser: Browser) -> None:
    page = await sign_in(browser, product, "operator")
    await page.goto(f"{product.web}/ops")
    await page.evaluate(WATCH)
    before = int((await page.locator("#now").inner_text()).split()[0])
    now = datetime.now(UTC)
    body = {"couple_names": "Mira & Jon", "on": now.date().isoformat(), "time_zone": "UTC"}
    wedding = await asked(product, "POST", "/weddings", body)
    at = {"on": now.date().isoformat(), "at_local": f"{now:%H:%M}:00", "minutes": 60}
    await asked(product, "POST", f"/weddings/{wedding['id']}/schedule", {"title": "Vows", "kind": "ceremony", **at})
    await shows(page, before + 1)
    assert await page.evaluate("window.kept"), "it was not loaded again"
    async with database(product) as admin:
        gone = "update weddings set date_status = 'cancelled' where wedding_id = $1"
        await admin.execute(gone, UUID(wedding["id"]))
    await shows(page, before)
    assert await page.evaluate("window.kept")
    await page.context.close()


@pytest.mark.prove  # in each run the gallery shows them, and axe looks at some
async def test_every_page_of_the_console_can_be_used_by_everyone(product: Product, browser: Browser) -> None:
    """As it is served, with what the demo's day is like: on a phone and at a desk."""
    page = await sign_in(browser, product, "operator")
    axe = AXE_FILE_PATH.read_text(encoding="utf-8")
    wrong: dict[str, list[str]] = {}
    for path in PAGES:
        await page.goto(f"{product.web}/ops{path}")
        # Through the debugger: the page's own policy rightly refuses foreign scripts.
        await page.evaluate(axe)
        for width, height, rules in LOOKS:
            await page.set_viewport_size({"width": width, "height": height})
            found = await page.evaluate("rules => axe.run({resultTypes: ['violations'], ...rules})", rules)
            told = [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found["violations"]]
            sideways = await page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if told or sideways > 0:
                wrong[f"{path} {width}"] = [*told, f"{sideways} px sideways"]
    assert wrong == {}
    await page.context.close()


@pytest.mark.prove  # how fast a page is under load; that it moves by itself is said above
async def test_a_thousand_events_a_second_leave_the_page_answering(product: Product, browser: Browser) -> None:
    page = await sign_in(browser, product, "operator")
    await page.goto(f"{product.web}/ops/events")
    async with database(product) as admin:
        stream = uuid4()
        await admin.execute("insert into streams (id, kind) values ($1, 'wedding')", stream)
        await page.evaluate(WATCH)
        rate, field = page.locator("#rate"), page.get_by_label("Type or noun")
        flood = FLOOD.format(stream=stream, tenths=SECONDS * 10, each=PER_SECOND // 10)
        pouring = asyncio.create_task(admin.execute(flood))
        for letters in ("rsvp", ".", "replied"):
            told = await rate.inner_text()
            await field.press_sequentially(letters)
            await expect(rate, "it is drawn anew while they come").not_to_have_text(told)
        await pouring
    await expect(page.locator("#newest ~ ul, ul.rows").first).to_contain_text("rsvp.replied")
    assert await field.input_value() == "rsvp.replied", "what is being typed stays while the page is drawn anew"
    assert await page.evaluate("window.kept")
    longest = await page.evaluate("window.longest")
    assert longest < BLOCKED_MS_MAX, f"blocked for {longest:.0f} ms"
    await page.context.close()
