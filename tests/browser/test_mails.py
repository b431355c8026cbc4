"""Every kind of mail on a phone of 360 px, light and dark: nothing sideways, one button to hit, words to read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, sync_playwright

from tests.browser.mails import ALL_LANGUAGES, BUSINESS, LANGUAGES, WIDTH, Mail, mails
from tests.chromium import LAUNCH

pytestmark = pytest.mark.browser

SHOWN = 60
"""Characters of a subject, or of the words under it, that a phone's list of mails has room for."""
LOOK = """async ([mails, rules, axed]) => {
  const wrong = [];
  for (const [name, html] of mails) {
    document.documentElement.innerHTML = html;
    const say = text => wrong.push(`${name}: ${text}`);
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (wide > 0) say(`scrolls ${wide} px sideways`);
    for (const link of document.querySelectorAll('a[style*="inline-block"]')) {
      const box = link.getBoundingClientRect();
      if (box.height < 44) say(`a button of ${box.height} px`);
    }
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const size = parseFloat(getComputedStyle(node.parentElement).fontSize);
      const text = node.data.trim();
      if (text && node.parentElement.checkVisibility() && size < 14) say(`${size} px: ${text.slice(0, 40)}`);
    }
    if (!axed.includes(name)) continue;
    const found = await axe.run(document, {resultTypes: ['violations'], runOnly: rules});
    for (const one of found.violations) {
      say(`${one.id}: ${one.nodes[0].html.slice(0, 120)} ${one.nodes[0].failureSummary}`);
    }
  }
  return wrong;
}"""
RULES = ["color-contrast", "link-in-text-block", "link-name", "image-alt", "empty-heading"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**LAUNCH)
        yield chromium
        chromium.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "languages", [LANGUAGES, pytest.param(ALL_LANGUAGES, marks=pytest.mark.prove)], ids=["two", "all"]
)
def test_every_mail_can_be_read_on_a_phone(browser: Browser, languages: tuple[str, ...], scheme: Any) -> None:
    """Colours are the template's, so axe looks at one notice of each shape and all others but notices; at all of them
    where everything is proved."""
    chosen = list(mails(languages))
    page = browser.new_page(viewport={"width": WIDTH, "height": 740}, color_scheme=scheme)
    # One page for all of them, emptied in between: a load and axe's half a megabyte for each would take minutes.
    page.set_content('<!doctype html><html lang="en"><head><title>Mails</title></head><body></body></html>')
    page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    wrong = page.evaluate(LOOK, [[[one.name, one.words.html] for one in chosen], RULES, _axed(chosen, languages)])
    page.close()
    assert wrong == []


def _axed(chosen: list[Mail], languages: tuple[str, ...]) -> list[str]:
    if languages == ALL_LANGUAGES:
        return [one.name for one in chosen]
    notices = {_shape(one): one.name for one in chosen}
    return list(notices.values())


def _shape(one: Mail) -> tuple[str, ...]:
    """The look of every element that has one."""
    return tuple(sorted(set(re.findall(r'style="[^"]*"', one.words.html))))


def test_what_has_happened_stands_where_a_list_of_mails_shows_it() -> None:
    """In every language; one test, for all of them are drawn before the first of many would be known."""
    for one in mails(ALL_LANGUAGES):
        found = re.search(r'<div style="display:none[^"]*">(.*?)</div>', one.words.html, re.S)
        assert found is not None, one.name
        preheader = unescape(found[1]).strip()
        assert one.told in one.words.subject[:SHOWN] or one.told in preheader[:SHOWN], one.name
        assert len(preheader) > 15 and not preheader.endswith(","), f"{one.name}: a greeting tells nothing"


@pytest.mark.parametrize(
    ("name", "paragraph"),
    [
        ("enquiry_declined", BUSINESS),
        ("enquiry_answered", BUSINESS),
        ("answered", "Carla comes to the ceremony."),
        ("step.1f3a5f", "We look forward to your day."),
        ("preflight", "Now: A backup. The last one is 30 hours old. Make one now."),
    ],
)
def test_a_paragraph_of_a_text_stays_one(name: str, paragraph: str) -> None:
    """What decides in a text takes the line that it ends with, and with it a blank one that was meant to part."""
    (one,) = [mail for mail in mails(()) if mail.name == name]
    assert paragraph in one.words.text.split("\n\n")


def test_every_text_of_a_mail_is_looked_at() -> None:
    """A new template has to be among them."""
    root = Path(__file__).parents[2] / "wedsync"
    files = {path.stem for path in root.glob("*/templates/notices/*.txt")}
    seen = (Path(__file__).parent / "mails.py").read_text("utf-8")
    renamed = {"invitation.sent": "is_reminder", "invitation.reminded": "is_reminder", "step": "step.txt"}
    assert {name for name in files if renamed.get(name, f'"{name}"') not in seen} == set()
