"""Every page, drawn with made-up people: no axe violations, script errors, refused styles or sideways scrolling.

`make test` draws each template, opens a sixth of them in the browser and runs axe on half of those, by seed; `make
prove` opens every page and runs axe on it, in both looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Page, sync_playwright

from tests import seed
from tests.browser import gallery
from tests.chromium import launch

pytestmark = pytest.mark.browser

PAGES = {f"/{scene.name}": scene for scene in gallery.scenes()}
AXE = "/axe.js"
DRAWN = {AXE: AXE_FILE_PATH.read_text(encoding="utf-8")}
"""Those that were asked for: most are not, by one worker in one run."""

# Each template once; how it looks otherwise, empty or with a refusal, is for `make prove`.
FIRST = {scene.template: path for path, scene in reversed(PAGES.items())}
# Colours are the design's, not a page's, and half of what axe takes: one page of each family is looked at for them.
COLOURED = {scene.template.partition("/")[0]: path for path, scene in reversed(PAGES.items())}
# A page is drawn in a tenth of the time that a browser takes to open it, and templates share their parts: a sixth is
# opened in a run, another in the next. Axe is half of what an opened page costs: half of them are looked at by it.
OPENED = seed.chosen(list(FIRST.values()), 6, "gallery")
JUDGED = seed.chosen(OPENED, 2, "axe")


class Look(NamedTuple):
    view: gallery.View
    scheme: Literal["light", "dark"]
    rules: dict[str, Any]


# Phone in light by every rule; desk in dark, where only colours, targets and layout differ.
EVERY_RULE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PHONE = Look(gallery.VIEWS[0], "light", {**EVERY_RULE, "rules": {"color-contrast": {"enabled": False}}})
COLOURS = Look(gallery.VIEWS[0], "light", EVERY_RULE)
UNJUDGED = Look(gallery.VIEWS[0], "light", {})
DESK = Look(gallery.VIEWS[1], "dark", {"runOnly": ["color-contrast", "target-size", "link-in-text-block"]})
LOOKS = [
    *(
        pytest.param(path, (COLOURS if path in COLOURED.values() else PHONE) if path in JUDGED else UNJUDGED, id=path)
        for path in OPENED
    ),
    *(
        pytest.param(path, look, id=f"{path}-{name}", marks=pytest.mark.prove)
        for name, look in (("colours", COLOURS), ("desk", DESK))
        for path in PAGES
    ),
]

SMALL_TARGETS = """() => {
  const pressable = 'a, button, select, summary, .input, label.tick, label.switch, label.choice';
  const alone = '.btn, .brand, nav a, .menu__list a, .weddings__card, .thread__act';
  const seen = e => e.checkVisibility({visibilityProperty: true}) && !e.closest('.hush, [hidden]');
  const inText = e => e.localName === 'a' && !e.matches(alone);
  return [...document.querySelectorAll(pressable)]
    .filter(e => seen(e) && !inText(e) && !e.matches('.skip, textarea'))
    .map(e => [e, e.getBoundingClientRect()])
    .filter(([, box]) => box.width > 0 && (box.height < 43.5 || box.width < 30))
    .map(([e, box]) => `${e.outerHTML.slice(0, 90)} ${Math.round(box.width)}x${Math.round(box.height)}`);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with gallery.served(DRAWN) as arguments, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**launch(*arguments))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_context(reduced_motion="reduce").new_page()
    yield opened
    opened.context.close()


def test_each_template_is_drawn() -> None:
    """As a whole page: what a template asks for and a scene does not give is an error of drawing."""
    for path in FIRST.values():
        DRAWN[path] = gallery.draw(PAGES[path])
        assert "</html>" in DRAWN[path], path


@pytest.mark.parametrize(("path", "look"), LOOKS)
def test_a_page_can_be_used_by_everyone(page: Page, path: str, look: Look) -> None:
    print(f"seed {seed.SEED}: {path} is {'judged by axe' if look.rules else 'opened'}")
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    page.set_viewport_size({"width": look.view.width, "height": look.view.height})
    page.emulate_media(color_scheme=look.scheme)
    # Not by the browser's asking: what is raised there is heard by nobody, and the browser waits.
    if path not in DRAWN:
        DRAWN[path] = gallery.draw(PAGES[path])
    page.goto(gallery.ORIGIN + path, wait_until="load")
    page.evaluate("document.querySelectorAll('details.more').forEach(e => { e.open = true })")
    page.evaluate("Promise.all(document.getAnimations().map(animation => animation.finished))")
    assert [_readable(violation) for violation in _judged(page, look.rules)] == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert page.evaluate(SMALL_TARGETS) == []
    assert wrong == []


def _judged(page: Page, rules: dict[str, Any]) -> list[dict[str, Any]]:
    """What axe holds against it by these rules; no rules, no verdict."""
    if not rules:
        return []
    # From the page's own origin, as its policy rightly refuses foreign scripts.
    page.add_script_tag(url=AXE)
    found = page.evaluate("rules => axe.run({resultTypes: ['violations'], ...rules})", rules)
    return list(found["violations"])


def _readable(violation: dict[str, Any]) -> str:
    nodes = "; ".join(
        node["html"][:120] + " " + node.get("failureSummary", "")[:200] for node in violation["nodes"][:3]
    )
    return f"{violation['id']}: {violation['help']} {nodes}"
