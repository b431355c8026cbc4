"""The main job, as people live it: a list comes in, a party answers its invitation, and who may know of it knows."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect
from standardwebhooks import Webhook

from tests.eventually import eventually
from tests.journeys.people import sign_in
from tests.product import Product, held

PHONE: ViewportSize = {"width": 390, "height": 844}
LIST = Path(__file__).parents[1] / "fixtures" / "imports" / "zola_guest_list.csv"
EMAIL = "theo.marlowe@example.com"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


async def test_from_a_list_in_a_file_to_a_supplier_who_knows(browser: Browser, product: Product) -> None:
    couple = await sign_in(browser, product, "couple")
    await import_a_list(couple, product)
    url = await invite_the_marlowes(couple, product)
    async with httpx.AsyncClient(timeout=30) as http:
        made = await http.post(
            f"{product.web}/api/v1/suppliers/{product.demo['venue']['supplier_id']}/endpoints",
            headers=product.headers("venue"),
            json={"url": f"{product.sandbox}/hooks/journey", "events": ["rsvp.*"]},
        )
    assert made.status_code == 201
    studio = await sign_in(browser, product, "venue")
    await studio.goto(f"{product.web}/studio/{product.demo['venue']['supplier_id']}/weddings/{product.wedding}")
    await expect(studio.locator("#live-state")).to_have_attribute("data-state", "live")
    await studio.evaluate("window.isStillThatPage = true")
    before = await studio.locator("#counts").inner_text()
    answers = await answer_by_phone(browser, url)
    await expect(studio.locator("#counts")).not_to_have_text(before, use_inner_text=True)
    assert await studio.evaluate("window.isStillThatPage")
    letter = await mail(product, to=EMAIL, subject="Your answer to")
    assert "Theodore Marlowe" in letter
    await hear_of_it(product, made.json(), answers)
    await move_the_ceremony_and_be_told_it_is_seen(browser, product, couple)


@pytest.mark.prove  # in each run an import is followed by the socket, above, and without scripts in tests/contracts/
async def test_an_import_is_followed_without_a_socket_too(browser: Browser, product: Product) -> None:
    couple = await sign_in(browser, product, "couple")
    await couple.route_web_socket("**", lambda socket: socket.close())
    await import_a_list(couple, product, LIST.with_name("joy.csv"), live="waiting")


async def import_a_list(couple: Page, product: Product, file: Path = LIST, *, live: str = "live") -> None:
    """The couple's wizard. The worker is held for as long as it takes to see the bar, whatever the machine's speed."""
    await couple.goto(f"{product.web}/me/{product.wedding}/guests/import")
    await couple.get_by_label("Your guest list").set_input_files(file)
    await couple.get_by_role("button", name="Read it").click()
    await expect(couple.get_by_role("heading", name="Is this right?")).to_be_visible()
    with held(product.part("worker")):
        await couple.get_by_role("button", name="Bring in").click()
        await expect(couple.get_by_role("heading", name="Bringing them in")).to_be_visible()
        await expect(couple.locator("#import-progress progress")).to_be_visible()
        await expect(couple.locator("#live-state")).to_have_attribute("data-state", live)
    await expect(couple.get_by_role("heading", name="They are in")).to_be_visible(timeout=30_000)
    await expect(couple.locator(".stats")).to_contain_text("rows with new guests")


async def invite_the_marlowes(couple: Page, product: Product) -> str:
    """From the list to their party, and to the link in the mail they are sent."""
    await couple.goto(f"{product.web}/me/{product.wedding}/guests?q=Priscilla")
    await couple.locator("#guest-rows").get_by_role("link", name="Marlowe").first.click()
    await couple.get_by_role("button", name=f"Send it to {EMAIL}").click()
    await expect(couple.get_by_text("The invitation is on its way.")).to_be_visible()
    text = await mail(product, to=EMAIL)
    return next(word for word in text.split() if "/rsvp/" in word)


async def answer_by_phone(browser: Browser, url: str) -> int:
    """Everybody comes to everything; returns how many answers that were."""
    phone = await (await browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)).new_page()
    await phone.goto(url)
    yes = phone.locator("input[type=radio][value=accepted]")
    for number in range(count := await yes.count()):
        await yes.nth(number).check(force=True)
    await phone.get_by_role("button", name="Send our answer").click()
    await expect(phone.get_by_role("heading", name="How lovely")).to_be_visible()
    assert count >= 4
    return count


async def mail(product: Product, *, saying: str = "", **about: str) -> str:
    """The text of the first mail to somebody that says so, as soon as there is one."""
    async with httpx.AsyncClient(timeout=30) as http:

        async def arrived() -> str:
            found = await http.get(f"{product.sandbox}/api/mail", params=about)
            return next((str(one["text"]) for one in found.json()["items"] if saying in one["text"]), "")

        return str(await eventually(arrived, within_s=30, what="the mail is there"))


async def hear_of_it(product: Product, endpoint: dict[str, Any], answers: int) -> None:
    """Each answer reached the venue's webhook, signed so that a library of others says so; the ledger knows it did."""
    async with httpx.AsyncClient(timeout=30) as http:
        asked = {"count": answers, "wait_s": 20}
        hook = await http.get(f"{product.sandbox}/api/hooks/journey", params=asked)
        requests = hook.json()["items"]
        told = [Webhook(endpoint["secret"]).verify(r["body"], r["headers"]) for r in requests]
        replies = [t["data"]["record"] for t in told if t["type"] == "rsvp.replied"]
        assert len({reply["id"] for reply in replies}) == answers
        assert {reply["status"] for reply in replies} == {"accepted"}

        async def is_acknowledged() -> bool:
            path = f"{product.web}/api/v1/suppliers/{product.demo['venue']['supplier_id']}/deliveries"
            ledger = await http.get(path, headers=product.headers("venue"), params={"endpoint": endpoint["id"]})
            states = [row["state"] for row in ledger.json()["items"]]
            return len(states) == answers and set(states) == {"delivered"}

        await eventually(is_acknowledged, within_s=60, what="the ledger says delivered")


async def move_the_ceremony_and_be_told_it_is_seen(browser: Browser, product: Product, couple: Page) -> None:
    """The couple's open page counts who knows; one tap in the photographer's mail is enough."""
    await couple.goto(f"{product.web}/me/{product.wedding}")
    await expect(couple.locator("#live-state")).to_have_attribute("data-state", "live")
    async with httpx.AsyncClient(timeout=30) as http:
        moved = await http.patch(
            f"{product.web}/api/v1/weddings/{product.wedding}",
            headers=product.headers("couple"),
            json={"ceremony_at": "14:15"},
        )
    assert moved.status_code == 200
    await expect(couple.locator("#tally")).to_contain_text("0 of 4")
    text = await mail(product, saying="14:15", to=product.demo["photographer"]["email"])
    opened = await (await browser.new_context(viewport=PHONE)).new_page()
    await opened.goto(next(word for word in text.split() if "/ack/" in word))
    await expect(couple.locator("#tally")).to_contain_text("0 of 4")
    await opened.get_by_role("button", name="Seen and fine").click()
    await expect(couple.locator("#tally")).to_contain_text("1 of 4")


async def test_a_switch_of_the_couple_is_felt_on_the_suppliers_open_page(browser: Browser, product: Product) -> None:
    caterer = product.demo["caterer"]
    studio = await sign_in(browser, product, "caterer")
    await studio.goto(f"{product.web}/studio/{caterer['supplier_id']}/weddings/{product.wedding}")
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


@pytest.mark.prove  # in each run tests/contracts/test_rule_pages.py builds and tries one, test_rule_routing.py sends
async def test_a_rule_built_by_clicks_alone_sends_what_it_says(browser: Browser, product: Product) -> None:
    """An endpoint, then a rule with a condition and a shape: tried, saved, tested, and then the real thing."""
    couple = await sign_in(browser, product, "couple")
    hooks = f"{product.web}/me/{product.wedding}/webhooks"
    await couple.goto(f"{hooks}/new")
    await couple.get_by_label("Address", exact=True).fill(f"{product.sandbox}/hooks/rule")
    await couple.get_by_role("button", name="Add it and show the secret").click()
    secret = await couple.get_by_label("Secret", exact=True).input_value()
    await expect_so_many(product, 150)
    await couple.goto(f"{hooks}/rules")
    await couple.get_by_role("link", name="Add a rule for it").click()
    await build_the_rule(couple)
    await couple.get_by_role("button", name="Test with a past event").click()
    await expect(couple.get_by_text("a past event, in the shape of its rule")).to_be_visible()
    await couple.get_by_role("link", name="Where the event itself went").click()
    await expect(couple.get_by_text("As a test of “Big dinner”")).to_be_visible()
    await couple.goto(f"{hooks}/rules")
    await couple.get_by_role("button", name="Send nothing else").click()
    await expect(couple.get_by_text("Is not sent there")).to_be_visible()
    await expect_so_many(product, 40)
    await expect_so_many(product, 160)
    told: list[Any] = []

    async def has_arrived() -> bool:
        async with httpx.AsyncClient(timeout=30) as http:
            arrived = await http.get(f"{product.sandbox}/api/hooks/rule")
        told[:] = [Webhook(secret).verify(r["body"], r["headers"]) for r in arrived.json()["items"]]
        return any(t["data"].get("expected") == 160 for t in told)

    await eventually(has_arrived, within_s=60, what="the rule has sent it")
    # What came before the rule was there came as it was.
    before, *sent = [t["data"] for t in told[::-1] if t["type"] == "wedding.estimate_changed" and not t.get("test")]
    assert before["record"]["guest_estimate"] == 150
    assert sent == [{"expected": 160, "kind": "catering"}]
    assert [t["data"] for t in told if t.get("test")] == [{"expected": 150, "kind": "catering"}]


async def expect_so_many(product: Product, guests: int) -> None:
    """The couple expects so many guests: a small change, and an event of its own type."""
    async with httpx.AsyncClient(timeout=30) as http:
        changed = await http.patch(
            f"{product.web}/api/v1/weddings/{product.wedding}",
            headers=product.headers("couple"),
            json={"guest_estimate": guests},
        )
    assert changed.status_code == 200


async def build_the_rule(couple: Page) -> None:
    """What happens, when it counts, what is sent; what has really happened shows beside it."""
    await couple.get_by_label("Name", exact=True).fill("Big dinner")
    await couple.locator("summary", has_text="The wedding").click()
    await couple.locator("summary", has_text="Only some of it: Names, date, places and times").click()
    await couple.get_by_label("wedding.estimate_changed").check()
    fields = couple.locator("#rule-rows")
    await expect(fields.get_by_label("Only if").locator("option", has_text="Guest estimate").first).to_be_attached()
    await fields.get_by_label("Only if").select_option("record.guest_estimate")
    await fields.get_by_label("How", exact=True).select_option("greater")
    await fields.get_by_label("What", exact=True).fill("100")
    await fields.get_by_label("Only fields I choose").check(force=True)
    await fields.get_by_role("textbox", name="Field").fill("expected")
    await fields.get_by_label("Comes from").first.select_option("record.guest_estimate")
    await fields.get_by_role("button", name="Add a field").click()
    await fields.get_by_role("textbox", name="Field").nth(1).fill("kind")
    await fields.get_by_role("textbox", name="Text").fill("catering")
    await fields.get_by_role("textbox", name="Text").blur()
    await expect(couple.locator("#rule-preview")).to_contain_text("of the newest")
    await expect(couple.locator("#rule-preview")).to_contain_text("catering")
    await couple.get_by_role("button", name="Add the rule").click()
    await expect(couple.get_by_role("heading", name="Big dinner")).to_be_visible()


async def test_a_visitor_finds_three_suppliers_with_their_calendars_connected(product: Product) -> None:
    async with httpx.AsyncClient(base_url=product.web, timeout=60) as web:
        for who, connector in (
            ("photographer", "google_calendar"),
            ("venue", "outlook_calendar"),
            ("florist", "icloud_calendar"),
        ):
            path = f"/api/v1/suppliers/{product.demo[who]['supplier_id']}"
            headers = product.headers(who)

            async def kept(path: str = path, headers: dict[str, str] = headers, connector: str = connector) -> bool:
                found = (await web.get(f"{path}/calendars", headers=headers)).json()["items"]
                return any(one["connector"] == connector and one["synced_at"] for one in found)

            await eventually(kept, within_s=60, what=f"{connector} in step")
        on = (await web.get(f"/api/v1/weddings/{product.wedding}", headers=product.headers("couple"))).json()["on"]
        base = f"/studio/{product.demo['photographer']['supplier_id']}/calendar"
        page = (await web.get(f"{base}?on={on}", headers=product.headers("photographer"))).text
        assert "chip--source-1" in page
        assert "birthday" not in page
    async with httpx.AsyncClient(base_url=product.sandbox, timeout=60) as sandbox:
        told = (await sandbox.get("/api/moods")).json()["items"]
        assert {one["of"]: one["calls"] > 0 for one in told}["google_calendar"]
