"""The sandbox shows what came, forgets on request, changes its mood, and stays within its memory."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiosmtplib
import msgspec
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright

from tests.chromium import LAUNCH
from wedsync.connections import stage
from wedsync.connections.fakes import Shelf
from wedsync.connectors.webhook.fake import Hooks
from wedsync.kit.http import Reply, Wire
from wedsync.processes import sandbox

HTML = "<h1>Hello</h1><script>document.title='run'</script><a href='https://wedsync.example/ack/1'>Fine</a>"


class Visitor:
    """Somebody with a browser, or a test, at the sandbox's door."""

    def __init__(self, wire: Wire, address: str, smtp_port: int) -> None:
        self._wire = wire
        self.address = address
        self.smtp_port = smtp_port

    async def ask(self, method: str, path: str, body: Any = None, *, form: str = "") -> Reply:
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        data = form.encode() if form else b"" if body is None else msgspec.json.encode(body)
        reply = await self._wire.request(
            method, self.address + path, headers={"content-type": kind, "webhook-id": "id-1"}, body=data
        )
        assert isinstance(reply, Reply)
        return reply

    async def json(self, path: str) -> Any:
        return msgspec.json.decode((await self.ask("GET", path)).body)

    async def mail(self, to: str, subject: str = "Hello") -> None:
        await aiosmtplib.send(
            f"From: a@example.com\r\nTo: {to}\r\nSubject: {subject}\r\nContent-Type: text/html\r\n\r\n{HTML}",
            sender="a@example.com",
            recipients=[to],
            hostname="127.0.0.1",
            port=self.smtp_port,
            local_hostname="test.example",
            start_tls=False,
        )


@asynccontextmanager
async def running() -> AsyncIterator[Visitor]:
    settings = SimpleNamespace(
        host="127.0.0.1", sandbox_port=0, sandbox_smtp_port=stage.free_port("127.0.0.1"), smtp_url="", mail_from=""
    )
    stopped, started = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def ready(address: str) -> None:
        started.set_result(address)

    task = asyncio.create_task(sandbox.serve(settings, stopped=stopped, ready=ready))
    wire = Wire(allow=("127.0.0.0/8",))
    try:
        yield Visitor(wire, await started, settings.sandbox_smtp_port)
    finally:
        stopped.set()
        await task
        await wire.close()


@pytest.fixture(scope="module")
async def visitor() -> AsyncIterator[Visitor]:
    async with running() as one:
        yield one


async def test_the_first_page_leads_to_every_provider(visitor: Visitor) -> None:
    page = (await visitor.ask("GET", "/")).body.decode()
    assert "/mail" in page
    assert "/hooks" in page
    assert f"smtp://127.0.0.1:{visitor.smtp_port}" in page
    assert (await visitor.ask("GET", "/healthz")).status == 200


async def test_a_mail_can_be_waited_for_read_and_forgotten(visitor: Visitor) -> None:
    waiting = asyncio.create_task(visitor.json("/api/mail?to=carla@example.com&count=2&wait_s=20"))
    await visitor.mail("carla@example.com", "First")
    await visitor.mail("Carla@Example.com", "Second")
    await visitor.mail("dora@example.com")
    items = (await waiting)["items"]
    assert [item["subject"] for item in items] == ["Second", "First"]
    assert items[0]["links"] == ["https://wedsync.example/ack/1"]
    assert len((await visitor.json("/api/mail?subject=FIRST"))["items"]) == 1
    assert (await visitor.json(f"/api/mail/{items[0]['id']}"))["subject"] == "Second"
    page = (await visitor.ask("GET", "/mail?to=carla@example.com")).body.decode()
    assert page.index("Second") < page.index("First")
    assert "dora" not in page
    assert (await visitor.ask("DELETE", "/api/mail?to=carla@example.com")).status == 204
    assert not (await visitor.json("/api/mail?to=carla@example.com"))["items"]
    assert len((await visitor.json("/api/mail?to=dora@example.com"))["items"]) == 1
    assert (await visitor.ask("GET", f"/api/mail/{items[0]['id']}")).status == 404


async def test_the_html_of_a_mail_can_neither_run_nor_load_anything(visitor: Visitor) -> None:
    await visitor.mail("html@example.com")
    (item,) = (await visitor.json("/api/mail?to=html@example.com"))["items"]
    page = (await visitor.ask("GET", f"/mail/{item['id']}")).body.decode()
    assert "<script>document" not in page
    assert 'sandbox="allow-popups' in page
    shown = await visitor.ask("GET", f"/mail/{item['id']}/html")
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy


async def test_a_receiver_keeps_what_came_and_verifies_once_it_knows_the_secret(visitor: Visitor) -> None:
    assert (await visitor.ask("POST", "/hooks/eve", {"type": "a.b"})).status == 200
    assert (await visitor.ask("PUT", "/api/hooks/eve", {"secrets": ["whsec_" + "A" * 44]})).status == 204
    assert (await visitor.ask("POST", "/hooks/eve", {"type": "a.b"})).status == 200
    read = await visitor.json("/api/hooks/eve")
    (item,) = read["items"]
    assert (item["type"], item["times"], item["verified"], item["problem"]) == (
        "a.b",
        2,
        False,
        "webhook-timestamp is missing",
    )
    assert read["calls"] == 2
    page = (await visitor.ask("GET", "/hooks/eve")).body.decode()
    assert "webhook-timestamp is missing" in page
    assert (await visitor.ask("DELETE", "/api/hooks/eve")).status == 204
    assert not (await visitor.json("/api/hooks/eve"))["items"]


async def test_a_mood_is_switched_by_page_and_by_program_and_passes(visitor: Visitor) -> None:
    assert (await visitor.ask("POST", "/hooks/moody/mood", form="mood=busy&times=1")).status == 303
    busy = await visitor.ask("POST", "/hooks/moody", {})
    assert (busy.status, busy.headers["retry-after"]) == (429, "2")
    assert (await visitor.ask("POST", "/hooks/moody", {})).status == 200
    assert (await visitor.ask("PUT", "/api/hooks/moody", {"mood": "grumpy"})).status == 422
    assert (await visitor.ask("PUT", "/api/hooks/moody", {"mod": "busy"})).status == 400
    assert (await visitor.ask("PUT", "/api/mail/mood", {"mood": "refusing", "times": 1})).status == 204
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await visitor.mail("refused@example.com")
    await visitor.mail("refused@example.com")
    assert (await visitor.ask("POST", "/mail/mood", form="mood=fine")).status == 303


async def test_a_receiver_can_be_slow_and_its_secrets_set_on_the_page(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wedsync.connectors.webhook.fake.SLOW_S", 0.0)
    assert (await visitor.ask("POST", "/hooks/late/secrets", form="secrets=whsec_" + "A" * 44)).status == 303
    await visitor.ask("PUT", "/api/hooks/late", {"mood": "slow"})
    assert (await visitor.ask("POST", "/hooks/late", {})).status == 200
    assert (await visitor.json("/api/hooks/late"))["items"][0]["verified"] is False


async def test_every_mood_is_switched_in_one_place_and_everything_put_back(visitor: Visitor) -> None:
    await visitor.ask("POST", "/hooks/board", {"type": "a.b"})
    assert (await visitor.ask("POST", "/moods", form="of=webhook/board&mood=busy&times=2")).status == 303
    assert (await visitor.ask("PUT", "/api/moods", {"of": "smtp", "mood": "refusing", "times": 1})).status == 204
    known = {one["of"]: one for one in (await visitor.json("/api/moods"))["items"]}
    assert (known["webhook/board"]["mood"], known["webhook/board"]["left"]) == ("busy", 2)
    page = (await visitor.ask("GET", "/")).body.decode()
    assert "Mailbox: refusing" in page
    assert page.index("Mail</h2>") < page.index("Webhooks</h2>")
    assert (await visitor.ask("POST", "/hooks/board", {})).status == 429
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await visitor.mail("board@example.com")
    (said, *_) = (await visitor.json("/api/log/smtp"))["items"]
    assert (said["mood"], said["status"], said["address"]) == ("refusing", 550, "board@example.com")
    for of, status in (("webhook/nobody", 404), ("acme", 404), ("smtp/consent", 404)):
        assert (await visitor.ask("PUT", "/api/moods", {"of": of, "mood": "fine"})).status == status
    assert (await visitor.ask("PUT", "/api/moods", {"of": "smtp", "mood": "grumpy"})).status == 422
    await visitor.mail("board@example.com")
    assert (await visitor.ask("POST", "/reset")).status == 303
    left = {one["of"]: (one["mood"], one["calls"]) for one in (await visitor.json("/api/moods"))["items"]}
    assert left["smtp"] == left["google_calendar/consent"] == ("fine", 0)
    assert "webhook/board" not in left
    assert not (await visitor.json("/api/mail"))["items"]
    assert (await visitor.ask("DELETE", "/api/moods")).status == 204


async def test_the_log_of_a_provider_shows_the_last_calls_without_secrets(visitor: Visitor) -> None:
    await visitor.ask("DELETE", "/api/moods")
    await visitor.ask("POST", "/hooks/log?code=s3cret&kept=1", {"client_secret": "s3cret", "name": "Zoë"})
    await visitor.ask("POST", "/oauth/log/token", form="grant_type=client_credentials&client_secret=s3cret&scope=a")
    await visitor.json("/api/hooks/log")
    read = await visitor.json("/api/log/webhook")
    second, first = read["items"]
    assert (read["calls"], first["number"], first["status"], second["status"]) == (2, 1, 200, 401)
    assert first["asked"] == '{"client_secret":"•••","name":"Zoë"}'
    assert "kept=1" in first["address"]
    assert "grant_type=client_credentials&client_secret=•••&scope=a" in second["asked"]
    page = await visitor.ask("GET", "/log/webhook")
    assert b"s3cret" not in msgspec.json.encode(read) + page.body
    assert (await visitor.ask("GET", "/log/acme")).status == 404
    for _ in range(120):
        await visitor.ask("POST", "/hooks/log", {})
    read = await visitor.json("/api/log/webhook")
    assert (read["calls"], len(read["items"])) == (122, 100)


async def test_events_of_people_are_put_into_a_providers_calendar_by_program(visitor: Visitor) -> None:
    one = {"title": "Late", "on": "2027-06-05", "from": "22:00:00", "until": "01:00:00"}
    for of in ("google_calendar", "outlook_calendar", "icloud_calendar"):
        put = await visitor.ask("POST", "/api/events", {"of": of, "account": "carla@sandbox.example", "events": [one]})
        assert put.status == 201, put.body
        assert len(msgspec.json.decode(put.body)["ids"]) == 1
    calls = {item["of"]: item["calls"] for item in (await visitor.json("/api/moods"))["items"]}
    assert calls["google_calendar"] >= 1
    page = (await visitor.ask("GET", "/")).body.decode()
    assert page.index("Calendars</h2>") < page.index("Mail</h2>") < page.index("Webhooks</h2>")
    for body, status in (
        ({"of": "smtp", "account": "a", "events": []}, 422),
        ({"of": "google_calendar", "account": "nobody@sandbox.example", "events": [one]}, 422),
        ({"of": "google_calendar", "account": "a", "events": [one | {"from": "ten"}]}, 400),
    ):
        assert (await visitor.ask("POST", "/api/events", body)).status == status


async def test_receivers_nobody_speaks_of_make_room_for_new_ones() -> None:
    hooks = Hooks()
    for number in range(300):
        hooks.receiver(str(number))
    assert len(hooks.receivers) == 100


async def test_a_taken_port_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises((RuntimeError, OSError), match=r"taken|in use"):
            async with stage.serving([], port=port):
                pass


def test_the_process_stops_when_it_is_told_to() -> None:
    program = (
        "from types import SimpleNamespace as S; from wedsync.processes import sandbox;"
        "sandbox.main(S(host='127.0.0.1', sandbox_port=0, sandbox_smtp_port=0))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "sandbox.started" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


async def test_a_shelf_keeps_the_newest_within_number_and_weight() -> None:
    shelf: Shelf[int] = Shelf(items_max=3, bytes_max=100)
    for number in range(5):
        await shelf.put(str(number), number, 10)
    assert list(shelf) == [4, 3, 2]
    await shelf.put("heavy", 9, 95)
    assert list(shelf) == [9]
    await shelf.put("huge", 10, 1000)
    assert list(shelf) == [10]
    await shelf.put("huge", 11, 1)
    await shelf.put("x", 12, 99)
    assert list(shelf) == [12, 11]
    assert await shelf.wait_for(3, lambda number: True, 0.01) == [12, 11]


@pytest.mark.prove  # pages for developers; in each run they are asked for and read without a browser
@pytest.mark.browser
async def test_the_pages_are_readable_on_a_phone_and_new_mail_shows_by_itself(visitor: Visitor) -> None:
    await visitor.ask("POST", "/hooks/phone", {"type": "rsvp.replied"})
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**LAUNCH)
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.goto(f"{visitor.address}/mail?to=live@example.com")
        assert await page.get_by_text("No mail yet.").is_visible()
        await visitor.mail("live@example.com", "Just arrived")
        await page.get_by_role("link", name="Just arrived").click()
        await page.frame_locator("iframe").get_by_role("heading", name="Hello").wait_for()
        for path in (
            page.url,
            *(visitor.address + path for path in ("/", "/mail", "/hooks", "/hooks/phone", "/log/webhook")),
        ):
            await page.goto(path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path
            violations = (await Axe().run(page)).response["violations"]
            assert not [(v["id"], v["nodes"][0]["html"]) for v in violations], path
        await browser.close()
