"""Draws every page with made-up people to static HTML, to be looked at: `python -m tests.browser.gallery OUT --shots`;
all mails on one sheet by `--mails`.

Each scene is the reference for what a template needs: its values are the contract the pages' handlers fill. With
`--shots` a browser photographs each at 390 and 1440 px, light and dark.
"""

from __future__ import annotations

import argparse
import functools
import mimetypes
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from tests import chromium
from tests.browser import (
    mails,
    scenes_accounts,
    scenes_alerts,
    scenes_bookings,
    scenes_clients,
    scenes_commerce,
    scenes_console,
    scenes_couple,
    scenes_days,
    scenes_forms,
    scenes_guests,
    scenes_handed,
    scenes_invitations,
    scenes_journeys,
    scenes_market,
    scenes_marketing,
    scenes_notices,
    scenes_openings,
    scenes_ops,
    scenes_payments,
    scenes_phones,
    scenes_photos,
    scenes_plan,
    scenes_proposals,
    scenes_public,
    scenes_rsvp,
    scenes_rules,
    scenes_supplier,
    scenes_venues,
    scenes_webhooks,
    scenes_wording,
)
from tests.browser.people import Scene
from wedsync.web import render

ORIGIN = "http://wedsync.test"


class View(NamedTuple):
    name: str
    width: int
    height: int


VIEWS = (View("phone", 390, 844), View("desk", 1440, 900))


def scenes() -> Iterator[Scene]:
    rooms = (
        scenes_couple,
        scenes_alerts,
        scenes_days,
        scenes_plan,
        scenes_guests,
        scenes_rsvp,
        scenes_supplier,
        scenes_bookings,
        scenes_payments,
        scenes_phones,
        scenes_photos,
        scenes_forms,
        scenes_notices,
        scenes_venues,
        scenes_clients,
        scenes_commerce,
        scenes_market,
        scenes_invitations,
        scenes_journeys,
        scenes_webhooks,
        scenes_rules,
        scenes_proposals,
        scenes_ops,
        scenes_openings,
        scenes_console,
        scenes_accounts,
        scenes_handed,
        scenes_marketing,
        scenes_public,
        scenes_wording,
    )
    for module in rooms:
        yield from module.scenes()


def draw(scene: Scene) -> str:
    """The scene's HTML; a form that sends itself would leave before anybody has looked, so here it waits."""
    hidden = scene.values.keys() & render.environment().globals.keys()
    assert not hidden, f"{scene.name}: what every template may call is hidden by values of these names: {hidden}"
    return render.page(scene.template, shell=scene.shell, **scene.values).replace(" data-submit-now", "")


KEPT: Final = {"Cache-Control": "max-age=3600"}


class Answer(NamedTuple):
    status: int
    kind: str = "text/plain"
    body: bytes = b""
    headers: Mapping[str, str] = {}


def answer(path: str, pages: Mapping[str, str]) -> Answer:
    """A scene or a built file from memory; everything else is refused."""
    kind = mimetypes.guess_type(path)[0]
    if page := pages.get(path):
        headers = KEPT if kind else {"Content-Security-Policy": POLICY}
        return Answer(200, kind or "text/html; charset=utf-8", page.encode(), headers)
    if path.startswith(render.STATIC_URL):
        return Answer(200, kind or "application/octet-stream", _built(path.removeprefix(render.STATIC_URL)), KEPT)
    return Answer(404)


@functools.cache
def _built(name: str) -> bytes:
    return (render.DIST / name).read_bytes()


def serve(route: Any, pages: Mapping[str, str]) -> None:
    """Answer what a browser was kept from asking for. It keeps no files then, and reads them anew for each page."""
    path = route.request.url.removeprefix(ORIGIN).partition("#")[0].partition("?")[0]
    said = answer(path, pages)
    route.fulfill(status=said.status, body=said.body, content_type=said.kind, headers=dict(said.headers))


@contextmanager
def served(pages: Mapping[str, str]) -> Iterator[list[str]]:
    """On a port of this machine; a browser launched with the arguments given finds them at ORIGIN, and keeps files."""

    class Asked(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            said = answer(self.path.partition("?")[0], pages)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", said.kind)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Asked) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        yield [f"--host-resolver-rules=MAP {urlsplit(ORIGIN).hostname} 127.0.0.1:{server.server_port}"]
        server.shutdown()


# The policy the real pages are served with, so that a style attribute or an inline script shows up here first.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self' 'nonce-gallery'; img-src 'self'; font-src 'self'; "
    "connect-src 'self' ws://127.0.0.1:*; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def write(folder: Path, *, shots: bool, only: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [scene for scene in scenes() if only in scene.name]
    for scene in chosen:
        (folder / f"{scene.name}.html").write_text(draw(scene))
    if shots:
        _photograph(folder, chosen)


def _photograph(folder: Path, chosen: list[Scene]) -> None:
    from playwright.sync_api import sync_playwright

    pages = {f"/{scene.name}": draw(scene) for scene in chosen}
    with served(pages) as arguments, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium.launch(*arguments))
        for view in VIEWS:
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": view.width, "height": view.height}, color_scheme=scheme, reduced_motion="reduce"
                )
                page = context.new_page()
                for scene in chosen:
                    page.goto(f"{ORIGIN}/{scene.name}", wait_until="load")
                    page.screenshot(path=folder / f"{scene.name}.{view.name}.{scheme}.png", full_page=True)
                context.close()
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shots", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--mails", action="store_true", help="a sheet of all mails instead, in Dutch and English")
    chosen = parser.parse_args()
    if chosen.mails:
        chosen.folder.mkdir(parents=True, exist_ok=True)
        mails.photograph(chosen.folder, only=chosen.only, languages=mails.LANGUAGES)
        return
    write(chosen.folder, shots=chosen.shots, only=chosen.only)


if __name__ == "__main__":
    main()
