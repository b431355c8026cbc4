"""Seen as a supplier's developer: a verified webhook, broken, understood and mended, in the pages and in a shell."""

import asyncio
import os
import re
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
from playwright.async_api import Browser, Page, expect
from standardwebhooks import Webhook

from tests.crash.receiver import Receiver, receiving
from tests.eventually import eventually
from tests.journeys.people import sign_in
from tests.product import Product, gone

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
ENV = {name: value for name, value in os.environ.items() if not name.startswith(("WEDSYNC_", "WEBHOOK_"))}


async def asked(product: Product, method: str, address: str, who: str = "", **body: Any) -> Any:
    headers = product.headers(who) if who else {}
    async with httpx.AsyncClient(timeout=30, headers=headers) as http:
        answer = await http.request(method, address, json=body or None)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def guests(product: Product, estimate: int) -> None:
    """Something that the venue hears of."""
    path = f"{product.web}/api/v1/weddings/{product.wedding}"
    await asked(product, "PATCH", path, "couple", guest_estimate=estimate)


async def mood(product: Product, mood: str, **more: Any) -> None:
    await asked(product, "PUT", f"{product.sandbox}/api/hooks/developer", mood=mood, **more)


async def test_an_endpoint_is_made_broken_understood_mended_and_replayed_in_the_pages(
    browser: Browser, product: Product
) -> None:
    page = await sign_in(browser, product, "venue")
    secret = await make(page, product)
    await mood(product, "fine", secrets=[secret])
    await send_a_test(page, product)
    await mood(product, "broken")
    await guests(product, 91)
    log = page.locator("#log")
    await expect(log.get_by_text("The receiver answered 500.").first).to_be_visible(timeout=20_000)
    await log.get_by_role("link", name="wedding.estimate_changed").first.click()
    await expect(page.get_by_text("Your receiver failed; its own log says why.")).to_be_visible()
    await page.go_back()
    await mood(product, "gone")
    await guests(product, 92)
    await expect(log.get_by_text("Switched off")).to_be_visible(timeout=20_000)
    await expect(log.get_by_text("it is gone for good").first).to_be_visible()
    await mend(page, product)
    await expect(log.get_by_text("Delivered", exact=True)).to_have_count(3, timeout=20_000)
    await send_again(page)
    moved = await asked(product, "GET", f"{product.sandbox}/api/hooks/mended?count=2&wait_s=20")
    told = {r["webhook_id"]: Webhook(secret).verify(r["body"], r["headers"]) for r in moved["items"]}
    assert sorted(body["data"]["record"]["guest_estimate"] for body in told.values()) == [91, 92]

    async def is_repeated() -> bool:
        found = await asked(product, "GET", f"{product.sandbox}/api/hooks/mended")
        return sorted(r["times"] for r in found["items"]) == [1, 2]

    await eventually(is_repeated, within_s=60)


async def make(page: Page, product: Product) -> str:
    """From the studio's menu to the secret."""
    await page.goto(f"{product.web}/studio/{product.demo['venue']['supplier_id']}/webhooks")
    await page.get_by_role("link", name="Add an endpoint").first.click()
    await page.get_by_role("textbox", name="Address").fill(f"{product.sandbox}/hooks/developer")
    await page.get_by_label("What it is for").fill("Kitchen screen")
    await page.get_by_role("checkbox", name="Everything").uncheck()
    await page.get_by_text("Or only some of it").click()
    await page.get_by_label("Names, date, places and times").check()
    await page.get_by_role("button", name="Add it and show the secret").click()
    secret = await page.get_by_label("Secret", exact=True).input_value()
    await page.get_by_role("link", name="I have kept it").click()
    return secret


async def send_a_test(page: Page, product: Product) -> None:
    """Chosen from what the endpoint hears of; its outcome shows by itself."""
    await page.get_by_text("Send an example as a test").click()
    await page.get_by_label("Type to send").select_option("wedding.date_changed")
    await page.get_by_role("button", name="Send it").click()
    row = page.locator("#log li").filter(has_text="wedding.date_changed")
    await expect(row.get_by_text("Test: example", exact=True)).to_be_visible()
    await expect(row.get_by_text("Delivered", exact=True)).to_be_visible(timeout=20_000)
    (came,) = (await asked(product, "GET", f"{product.sandbox}/api/hooks/developer"))["items"]
    assert (came["verified"], msgspec.json.decode(came["body"])["test"]) == (True, True)


async def mend(page: Page, product: Product) -> None:
    """The right address, and on with everything that waited."""
    await page.get_by_role("link", name="Change", exact=True).click()
    await page.get_by_role("textbox", name="Address").fill(f"{product.sandbox}/hooks/mended")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("link", name="Resume").click()
    await page.get_by_role("button", name="Resume").click()


async def send_again(page: Page) -> None:
    """One that has arrived, under its own id."""
    await page.locator("#log").get_by_role("link", name="wedding.estimate_changed").first.click()
    await page.get_by_role("button", name="Send it again").click()
    await expect(page.get_by_text("1 delivery put back")).to_be_visible()
    await expect(page.locator("#log").get_by_text("A repeat.")).to_be_visible()


@asynccontextmanager
async def listening(product: Product, *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`wedsync listen` of the venue, and the secret it shows when it is ready."""
    token = product.demo["venue"]["token"]
    environ = ENV | {"WEDSYNC_TOKEN": token, "WEDSYNC_PUBLIC_URL": product.web}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wedsync.processes.cli", "listen", *arguments),
        stdout=asyncio.subprocess.PIPE,
        env=environ,
    )
    assert process.stdout is not None
    try:
        shown = (await process.stdout.readuntil(b"Ctrl-C ends it.\n")).decode()
        yield process, re.findall(r"whsec_\S+", shown)[0]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def wedsync(product: Product, *arguments: str, **environ: str) -> tuple[int | None, str]:
    """A command's exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wedsync.processes.cli", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=ENV | {"WEDSYNC_PUBLIC_URL": product.web} | environ,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_a_shell_hears_everything_live_through_an_outage_and_ends_well(product: Product) -> None:
    async with receiving() as receiver:
        async with listening(product, "--forward", receiver.url, "--events", "wedding.*") as (process, secret):
            await guests(product, 101)
            await eventually(lambda: len(receiver.requests) == 1, within_s=60)
            receiver.status = "500 Internal Server Error"
            await kill_web(product)
            await guests(product, 102)
            await guests(product, 103)
            assert process.stdout is not None
            said = ""
            async with asyncio.timeout(60):
                while said.count("wedding.estimate_changed") < 3:
                    said += (await process.stdout.readline()).decode()
            process.send_signal(signal.SIGINT)
            said += (await process.stdout.read()).decode()
            assert await process.wait() == 0
        bodies = [verified(receiver, at, secret) for at in range(3)]
    assert [body["data"]["record"]["guest_estimate"] for body in bodies] == [101, 102, 103]
    assert [body["previous_sequence"] for body in bodies] == [None, *(body["sequence"] for body in bodies[:2])]
    assert said.count("wedding.estimate_changed") == 3
    assert "Trying again; nothing is missed." in said and "WedSync answers again." in said
    assert "500 in" in said and "Your receiver failed; its own log says why." in said
    assert "Ended: 3 forwarded, 2 of them refused." in said


async def kill_web(product: Product) -> None:
    """With everything in flight; the supervisor starts it anew."""
    part = product.part("web")
    assert part is not None
    workers = part.children(recursive=True)
    part.kill()

    async def answers() -> bool:
        try:
            async with httpx.AsyncClient(timeout=30) as http:
                return (await http.get(f"{product.web}/readyz")).is_success
        except httpx.TransportError:
            return False

    await eventually(lambda: product.part("web") not in (None, part), within_s=60)
    await eventually(lambda: gone(workers), within_s=60, what="the workers of the killed web are gone")
    await eventually(answers, within_s=60)


def verified(receiver: Receiver, at: int, secret: str) -> Any:
    one = receiver.requests[at]
    headers = {"webhook-id": one.webhook_id, "webhook-timestamp": one.timestamp, "webhook-signature": one.signature}
    return Webhook(secret).verify(one.body, headers)


async def shell_endpoint(product: Product) -> Any:
    """The venue's, at a receiver of the sandbox."""
    return await asked(
        product,
        "POST",
        f"{product.web}/api/v1/suppliers/{product.demo['venue']['supplier_id']}/endpoints",
        "venue",
        url=f"{product.sandbox}/hooks/{secrets.token_hex(4)}",
        events=["rsvp.*"],
    )


async def test_a_shell_sends_a_test_and_says_what_came_of_it(product: Product) -> None:
    made = await shell_endpoint(product)
    trigger = ("trigger", "rsvp.replied", "--endpoint", made["id"])
    status, said = await wedsync(product, *trigger, WEDSYNC_TOKEN=product.demo["venue"]["token"])
    assert (status, said.startswith("rsvp.replied -> 200 in ")) == (0, True), said


@pytest.mark.prove  # in each run tests/rules/test_said_by_commands.py says what is said, and the test above sends one
async def test_a_shell_says_where_a_test_did_not_arrive_and_sends_past_the_product(product: Product) -> None:
    made = await shell_endpoint(product)
    trigger = ("trigger", "rsvp.replied", "--endpoint", made["id"])
    await asked(product, "PUT", f"{product.sandbox}/api{made['url'].removeprefix(product.sandbox)}", mood="moved")
    status, said = await wedsync(product, *trigger, WEDSYNC_TOKEN=product.demo["venue"]["token"])
    assert (status, "where it leads" in said) == (1, True), said
    status, said = await wedsync(product, *trigger)
    assert (status, said.startswith("wedsync: Give an API key or an access token")) == (1, True), said
    async with receiving() as receiver:
        local = ("trigger", "task.done", "--forward", receiver.url, "--secret", made["secret"])
        status, said = await wedsync(product, *local)
        body = verified(receiver, 0, made["secret"])
    assert (status, body["type"], body["test"]) == (0, "task.done", True), said
