"""The pages' scripts, in a real browser against a pretended server: saving, merging, live updates, menus, themes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, WebSocketRoute, expect, sync_playwright

from tests.browser import gallery, scenes_couple, scenes_forms, scenes_guests, scenes_plan, scenes_rsvp
from tests.browser.people import LIVE, WEDDING, couple
from tests.chromium import LAUNCH
from wedsync.web import render

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)

BASE = f"/me/{WEDDING}"


class Server:
    """Answers like the real one: pages and fragments as set, POSTs by a queue, a socket that joins and broadcasts."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.answers: list[tuple[int, dict[str, str], str]] = []
        self.posts: list[tuple[str, dict[str, str], str]] = []
        self.sockets: list[WebSocketRoute] = []
        self.topic = ""

    def handle(self, route: Route) -> None:
        request = route.request
        path = request.url.removeprefix(gallery.ORIGIN).partition("?")[0]
        if request.method == "POST" and path == "/auth/token":
            route.fulfill(json={"access_token": "header.claims.signature", "expires_in": 600, "token_type": "bearer"})
        elif request.method == "POST":
            self.posts.append((path, request.headers, request.post_data or ""))
            status, headers, text = self.answers.pop(0)
            route.fulfill(status=status, headers=headers, body=text)
        else:
            gallery.serve(route, self.pages)

    def connect(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        socket.on_message(lambda frame: self._reply(socket, json.loads(frame)))

    def _reply(self, socket: WebSocketRoute, frame: list[Any]) -> None:
        join_ref, ref, topic, event, _ = frame
        if event == "phx_join":
            self.topic = topic
        answer = {"status": "ok", "response": {"postgres_changes": []} if event == "phx_join" else {}}
        socket.send(json.dumps([join_ref, ref, topic, "phx_reply", answer]))

    def broadcast(self, table: str, key: str) -> None:
        event = {"id": key, "type": "rsvp.replied", "subject": {"table": table, "id": key}}
        frame = [None, None, self.topic, "broadcast", {"type": "broadcast", "event": "rsvp.replied", "payload": event}]
        self.sockets[-1].send(json.dumps(frame))


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**LAUNCH)
        yield chromium.new_context(viewport={"width": 1200, "height": 700}, reduced_motion="reduce")
        chromium.close()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def page(context: BrowserContext, server: Server) -> Iterator[Page]:
    opened = context.new_page()
    opened.route(f"{gallery.ORIGIN}/**", server.handle)
    opened.route_web_socket("**/realtime/v1/**", server.connect)
    yield opened
    opened.close(run_before_unload=False)


def show(page: Page, server: Server, *, live: bool = False, **values: Any) -> None:
    shell = couple("guests", live=LIVE if live else None)
    drawn = scenes_guests.guests_values(**values)
    server.pages[f"{BASE}/guests"] = render.page("guests/guests.html", shell=shell, **drawn)
    server.pages.setdefault(f"{BASE}/fragments/guests", render.page("guests/_rows.html", shell=shell, **drawn))
    server.pages.setdefault(f"{BASE}/fragments/counts", render.page("guests/_counts.html", shell=shell, **drawn))
    page.goto(f"{gallery.ORIGIN}{BASE}/guests")


def problem(status: int, **body: Any) -> tuple[int, dict[str, str], str]:
    return status, {"Content-Type": "application/problem+json"}, json.dumps(body)


def row(**more: Any) -> tuple[int, dict[str, str], str]:
    guest = scenes_guests.guest("g2", "Ola Mendes-Silva", **more)
    html = render.page("guests/_row.html", shell=couple("guests"), guest=guest, may_edit=True)
    return 200, {"Content-Type": "text/html"}, html


def test_saving_in_place_names_the_version_it_was_read_at(page: Page, server: Server) -> None:
    show(page, server, editing=scenes_guests.editing())
    server.answers = [row(version=4)]

    page.get_by_label("Last name").fill("Mendes-Silva")
    page.get_by_role("button", name="Save").click()

    expect(page.locator("#guest-g2")).to_contain_text("Ola Mendes-Silva")
    path, headers, body = server.posts[0]
    assert path == f"{BASE}/guests/g2"
    assert headers["if-match"] == '"3"'
    assert "last_name=Mendes-Silva" in body
    assert page.evaluate("document.activeElement.textContent").startswith("Edit")


def test_two_people_changing_different_fields_keep_both_without_a_question(page: Page, server: Server) -> None:
    show(page, server, editing=scenes_guests.editing())
    theirs = {"first_name": "Ola", "last_name": "Mendes", "table_label": "9"}
    server.answers = [problem(412, version=5, changed_by="Ben", current=theirs), row(version=6)]

    page.get_by_label("Last name").fill("Mendes-Silva")
    page.get_by_role("button", name="Save").click()

    expect(page.locator("#toasts")).to_contain_text("Ben changed this a moment ago. Both changes are kept.")
    expect(page.locator("#guest-g2")).to_contain_text("Ola Mendes-Silva")
    _, headers, body = server.posts[1]
    assert headers["if-match"] == '"5"'
    assert "last_name=Mendes-Silva" in body
    assert "table_label=9" in body


def test_a_row_as_the_api_tells_it_is_compared_in_the_words_of_the_form(page: Page, server: Server) -> None:
    values = scenes_plan.settings_values() | {"errors": {}, "problems": []}
    server.pages[f"{BASE}/settings"] = render.page("weddings/settings.html", shell=couple("settings"), **values)
    page.goto(f"{gallery.ORIGIN}{BASE}/settings")
    current = {"ceremony_at": "14:00:00", "guest_estimate": 140, "reception_address": None, "updated_at": "x"}
    server.answers = [problem(412, version=8, current=current), (200, {"HX-Redirect": f"{BASE}/settings"}, "")]

    page.get_by_label("Ceremony at").fill("Hartley Hall")
    page.get_by_role("button", name="Save").first.click()

    expect(page.locator("#toasts")).to_contain_text("Saved.")
    body = server.posts[1][2]
    assert "ceremony_venue=Hartley+Hall" in body
    assert "guest_estimate=140" in body
    assert "ceremony_at=14%3A00&" in body


@pytest.mark.parametrize(("choice", "kept"), [("yours", "table_label=12"), ("Ben’s", "table_label=9")])
def test_two_people_changing_the_same_field_are_asked_which_to_keep(
    page: Page, server: Server, choice: str, kept: str
) -> None:
    show(page, server, editing=scenes_guests.editing())
    server.answers = [problem(412, version=5, changed_by="Ben", current={"table_label": "9"}), row(version=6)]

    page.get_by_label("Table").fill("12")
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="Ben saved first")
    dialog.get_by_label(choice).check()
    dialog.get_by_role("button", name="Keep these").click()

    expect(page.locator("#guest-g2")).to_contain_text("Ola Mendes-Silva")
    assert kept in server.posts[1][2]


def test_two_switches_in_a_row_are_both_kept(page: Page, server: Server) -> None:
    values = scenes_couple.suppliers_values()
    server.pages[f"{BASE}/suppliers"] = render.page("suppliers/suppliers.html", shell=couple("suppliers"), **values)
    page.goto(f"{gallery.ORIGIN}{BASE}/suppliers")
    card = page.locator("#link-hartley-and-finch")
    card.locator("summary").click()
    one = scenes_couple.link("Hartley & Finch", "photographer", can_view_guests=True, version=3)
    both = one | {"can_view_contacts": True, "version": 4}
    for link in (one, both):
        html = render.page("suppliers/_link.html", shell=couple(""), link=link, categories=values["categories"])
        server.answers.append((200, {"Content-Type": "text/html"}, html))

    page.evaluate("""() => {
        const form = document.querySelector('#link-hartley-and-finch form');
        form.elements.can_view_guests.click();
        form.elements.can_view_contacts.click();
    }""")

    expect(card).to_have_attribute("data-version", "4")
    expect(card.get_by_label("Guests by name")).to_be_checked()
    expect(card.get_by_label("Guests’ e-mail, phone and address")).to_be_checked()
    expect(card.locator("details")).to_have_attribute("open", "")
    assert [headers["if-match"] for _, headers, _ in server.posts] == ['"2"', '"3"']


def test_a_refused_field_is_explained_beside_it_and_nothing_is_lost(page: Page, server: Server) -> None:
    show(page, server, editing=scenes_guests.editing())
    errors = [{"field": "table_label", "reason": "At most 60 letters.", "fix": "Shorten it."}]
    server.answers = [problem(422, title="Not saved", errors=errors)]

    page.get_by_label("Table").fill("x" * 70)
    page.get_by_role("button", name="Save").click()

    field = page.get_by_label("Table")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_value("x" * 70)
    expect(page.locator("#guest-g2")).to_contain_text("At most 60 letters. Shorten it.")


def test_an_event_redraws_what_shows_its_table_and_leaves_half_typed_words_alone(page: Page, server: Server) -> None:
    show(page, server, live=True, editing=scenes_guests.editing())
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    page.get_by_label("Last name").fill("Half-typ")
    changed = scenes_guests.parties()
    changed[1]["guests"][1] |= {"display_name": "Zofia Kowal", "version": 9}
    values = scenes_guests.guests_values(parties=changed, editing=None)
    server.pages[f"{BASE}/fragments/guests"] = render.page("guests/_rows.html", shell=couple("guests"), **values)

    server.broadcast("guests", "e1")

    expect(page.locator("#guest-g5")).to_contain_text("Zofia Kowal")
    expect(page.get_by_label("Last name")).to_have_value("Half-typ")
    expect(page.get_by_label("Last name")).to_be_focused()


def test_an_event_of_another_table_fetches_nothing(page: Page, server: Server) -> None:
    show(page, server, live=True)
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    server.broadcast("budget_lines", "e2")
    with page.expect_response("**/fragments/guests**"):
        server.broadcast("rsvps", "e3")

    assert len(asked) == 1
    assert "/fragments/guests" in asked[0]


def test_a_part_no_longer_shared_disappears_from_the_open_page(page: Page, server: Server) -> None:
    server.pages[f"{BASE}/fragments/counts"] = ""
    show(page, server, live=True)
    expect(page.locator("#guest-counts")).to_contain_text("This is no longer shared with you.")


def test_the_theme_is_kept_for_the_next_page(page: Page, server: Server, context: BrowserContext) -> None:
    show(page, server)
    page.get_by_label("Account and appearance").click()
    page.get_by_role("button", name="Dark").click()

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert {"theme": "dark"}.items() <= {cookie["name"]: cookie["value"] for cookie in context.cookies()}.items()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Dark")).to_be_hidden()


def test_a_meal_is_asked_only_of_those_who_come(page: Page, server: Server) -> None:
    server.pages["/rsvp/t"] = render.page("guests/rsvp.html", shell=couple(""), **scenes_rsvp.rsvp_values())
    page.goto(f"{gallery.ORIGIN}/rsvp/t")
    carla = page.get_by_role("region", name="Carla Mendes")
    dinner = carla.get_by_role("group", name="Dinner and dancing, 17:00")

    expect(carla.get_by_label("Meal", exact=True)).to_be_visible()
    dinner.get_by_label("Sadly not").check(force=True)
    expect(carla.get_by_label("Meal", exact=True)).to_be_hidden()


def test_a_live_update_moves_nothing_the_reader_is_looking_at(page: Page, server: Server) -> None:
    show(page, server, live=True)
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    page.wait_for_load_state("networkidle")
    page.locator("#guest-g6").scroll_into_view_if_needed()
    page.evaluate("window.scrollTo(0, document.querySelector('#guest-g4').getBoundingClientRect().top + scrollY - 100)")
    before = page.locator("#guest-g6").bounding_box()
    fresh = scenes_guests.guest("g99", "A cousin nobody expected")
    more = scenes_guests.parties()
    more[0]["guests"].insert(0, fresh)
    values = scenes_guests.guests_values(parties=more)
    server.pages[f"{BASE}/fragments/guests"] = render.page("guests/_rows.html", shell=couple("guests"), **values)

    server.broadcast("guests", "e4")

    expect(page.locator("#guest-g99")).to_have_count(1)
    expect(page.locator("#guest-g99")).to_have_class("guest is-fresh")
    after = page.locator("#guest-g6").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) <= 1


def test_what_is_typed_into_a_form_is_kept_before_it_is_sent(page: Page, server: Server) -> None:
    (drawn,) = [scene for scene in scenes_forms.scenes() if scene.name == "form-public"]
    server.pages["/form/t"] = gallery.draw(drawn)
    page.goto(f"{gallery.ORIGIN}/form/t")
    expect(page.get_by_label("From when?")).to_be_hidden()
    server.answers += [(200, {"Content-Type": "text/html"}, render.page("forms/_kept.html"))]
    page.get_by_label("Both of us").check(force=True)
    expect(page.get_by_label("From when?")).to_be_visible()
    expect(page.get_by_text("Kept. You can go on later.")).to_be_visible()
    (path, _, body) = server.posts[-1]
    assert path == "/form/t/draft"
    assert "a_prep=Both+of+us" in body
