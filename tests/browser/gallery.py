"""Draws every page with made-up people to static HTML, to be looked at: `python -m tests.browser.gallery OUT --shots`;
all mails on one sheet by `--mails`.

Each scene is the reference for what a template needs: its values are the contract the pages' handlers fill. With
`--shots` a browser photographs each at 390 and 1440 px, light and dark.
"""

from __future__ import annotations

import argparse
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

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


def serve(route: Any, pages: dict[str, str]) -> None:
    """Answer a browser's request for a scene or a built file from memory; everything else is refused."""
    path = route.request.url.removeprefix(ORIGIN).partition("#")[0].partition("?")[0]
    if pages.get(path):
        route.fulfill(
            body=pages[path], content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY}
        )
    elif path.startswith(render.STATIC_URL):
        file = render.DIST / path.removeprefix(render.STATIC_URL)
        route.fulfill(path=file, content_type=mimetypes.guess_type(file.name)[0] or "application/octet-stream")
    else:
        route.fulfill(status=404, body="")


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
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium.LAUNCH)
        for view in VIEWS:
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": view.width, "height": view.height}, color_scheme=scheme, reduced_motion="reduce"
                )
                page = context.new_page()
                page.route(f"{ORIGIN}/**", lambda route: serve(route, pages))
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
