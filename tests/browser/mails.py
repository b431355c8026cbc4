"""Every kind of mail with made-up people, as the product composes it, and a sheet on which all are seen at once.

`python -m tests.browser.gallery OUT --mails` writes the sheet and photographs it in light and dark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from html import escape
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec

from tests import chromium
from wedsync.invitations import writing
from wedsync.invitations.model import Known, Style, ink
from wedsync.notices.wording import checking, drawing
from wedsync.notices.wording.content import Matter, written
from wedsync.notices.wording.tongues import Tongue
from wedsync.web import mail

WIDTH = 360
"""The narrowest phone that people write home from."""
LANGUAGES = ("nl", "en")
ALL_LANGUAGES = ("nl", "en", "de", "fr", "es")
URL = "https://wedsync.example/ack/" + "eyJhbGciOiJIUzI1NiJ9" * 5
ON = date(2027, 6, 5)
PALE, DEEP = "#f3d9c9", "#1f3a5f"
NOTICE, COMPOSED = "notices/notices/{}.txt", "{}/notices/{}.txt"
BUSINESS = "Marlow Photography & Film"
ENDED = "The provider no longer lets us in (invalid_grant). Connect the account again."
FAILING: dict[str, Any] = {
    "name": "hooks.example.com",
    "url": URL,
    "reason": "it answered 500 for two days",
    "since": "a day",
}
THREE = "3 weddings"
REPORT = SimpleNamespace(
    is_ready=False,
    checks=["1", "2", "3"],
    to_do=[
        SimpleNamespace(status="bad", title="A backup", says="The last one is 30 hours old.", do="Make one now."),
        SimpleNamespace(status="wait", title="A certificate", says="It ends in nine days.", do="Renew it."),
    ],
)


class Mail(NamedTuple):
    """`told` is what has happened, as it must stand where a phone shows it."""

    name: str
    words: mail.Words
    told: str


def mails(languages: Sequence[str] = LANGUAGES) -> Iterator[Mail]:
    for locale in languages:
        for key in checking.KEYS:
            content = checking.sample(key, Tongue(locale=locale))
            yield Mail(f"{key}.{locale}", drawing.letter(content), content.after or content.title[:40])
    yield from _longest()
    yield from _composed()
    yield from _branded()


def _longest() -> Iterator[Mail]:
    """Names and values as long as people have them, and one that no line can be broken in."""
    place = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"
    matter = Matter(
        key="wedding.venue_changed",
        couple="Maria-Magdalena von Hohenstein-Wittelsbach & Thomas Quiroga de la Fuente",
        title="The ceremony venue has changed",
        label="Venue",
        before="Quinta da Serra",
        after=place,
        url=URL,
        on="5 Jun 2027",
        confirms=True,
    )
    yield Mail("longest", drawing.letter(written(matter)), place[:40])


def _composed() -> Iterator[Mail]:
    """Those of one text each."""
    couple = {"couple": "Maria & Tom", "on": ON, "party": "The Doe family", "url": URL}
    asked = {"business": BUSINESS, "on": ON, "couple": "Maria & Tom"}
    lines = ["Carla comes to the ceremony", "Dario comes to the dinner and eats no nuts"]
    of_notices: dict[str, tuple[dict[str, Any], str]] = {
        "answered": (couple | {"lines": lines}, "Your answer"),
        "invited": (couple, "invite you"),
        "supplier_invited": (couple | {"supplier": BUSINESS}, "invite Marlow"),
        "colleague_invited": ({"by": "Mira", "business": BUSINESS, "url": URL}, "invites you"),
        "connection_broken": ({"name": "Studio calendar", "reason": ENDED, "url": URL}, "must be connected again"),
        "endpoint_certificate": (
            {"name": "hooks.example.com", "days": "14 days", "on": "5 Jun", "url": URL},
            "14 days",
        ),
        "enquiry_received": (asked | {"venue": "Quinta", "message": "Are you free?", "url": URL}, "5 Jun 2027"),
        "enquiry_sent": ({"business": BUSINESS}, "Your enquiry is with"),
        "enquiry_answered": (asked | {"reply": "We would love to."}, "answers your enquiry"),
        "enquiry_declined": (asked | {"reply": ""}, "cannot make it"),
    }
    for name, (values, told) in of_notices.items():
        yield Mail(name, mail.compose(NOTICE.format(name), **values), told)
    for state, told in (("is_off", "Switched off"), ("is_blocked", "Waiting for you"), ("is_last", "Not working")):
        flags: dict[str, Any] = dict.fromkeys(("is_off", "is_blocked", "is_last"), False) | {state: True}
        words = mail.compose(NOTICE.format("endpoint_failing"), **FAILING, **flags)
        yield Mail(f"endpoint_failing.{state}", words, told)
    alert = {"title": "Mail", "told_times": 1, "says": "Nothing was sent for 10 minutes.", "risk": "Couples wait."}
    others: dict[tuple[str, str], tuple[dict[str, Any], str]] = {
        ("people", "session.requested"): ({"url": URL, "minutes": 15}, "link to sign in"),
        ("guests", "party_link.requested"): (couple | {"names": "Maria & Tom"}, "link to answer"),
        ("operations", "alert"): ({"subject": alert["says"], "alerts": [alert], "url": URL}, "Nothing was sent"),
        ("operations", "preflight"): (
            {
                "subject": f"{THREE} this weekend: 1 to mend now",
                "report": REPORT,
                "weddings": THREE,
                "url": URL,
            },
            "1 to mend now",
        ),
    }
    for (noun, name), (values, told) in others.items():
        yield Mail(name, mail.compose(COMPOSED.format(noun, name), **values), told)


def _branded() -> Iterator[Mail]:
    """In a business's own colour, pale and deep, with the way out that offers must have."""
    known = Known(to="ana@example.com", name="Maria", partner_name="Tom")
    for colour in (PALE, DEEP):
        style = Style(colour=colour, words="We look forward to it.", address="1 Long Lane, Porto")
        letter = writing.sample(BUSINESS, "", style, known=known, on=ON, site="https://wedsync.example")
        for is_reminder, told in ((False, "would like to plan"), (True, "Still there")):
            one = msgspec.structs.replace(letter, is_reminder=is_reminder, url=URL, out_url=URL)
            yield Mail(f"invitation.{colour[1:]}.{is_reminder}", writing.words(one), told)
        brand = mail.Brand(name=BUSINESS, colour=colour, ink=ink(colour))
        step = {
            "subject": "Three weeks to go",
            "words": "We look forward to your day.\n\nMira",
            "label": "Open",
            "url": URL,
        }
        small = ["You get this because we work for your wedding.", f"No more offers from us: {URL}"]
        words = mail.compose("journeys/notices/step.txt", brand=brand, small=small, **step)
        yield Mail(f"step.{colour[1:]}", words, "Three weeks to go")


def sheet(chosen: Sequence[Mail]) -> str:
    """All of them side by side, each as wide as a phone and as tall as it is, under the line that a list shows."""
    shown = "".join(
        f"<figure><figcaption>{escape(one.name)}<br><b>{escape(one.words.subject)}</b></figcaption>"
        f'<iframe width="{WIDTH}" srcdoc="{escape(one.words.html, quote=True)}"></iframe></figure>'
        for one in chosen
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mails</title><meta name="color-scheme" '
        'content="light dark"><style>body{display:flex;flex-wrap:wrap;gap:16px;margin:16px;align-items:flex-start;'
        "font:13px/1.4 sans-serif}figure{margin:0;width:362px;overflow-wrap:anywhere}"
        "iframe{border:1px solid #888;display:block}</style></head>"
        f"<body>{shown}<script>addEventListener('load', () => {{ for (const f of document.querySelectorAll('iframe')) "
        "f.style.height = f.contentDocument.documentElement.scrollHeight + 'px' })</script></body></html>"
    )


def photograph(folder: Path, *, only: str, languages: Sequence[str]) -> None:
    """`mails.html` and a picture of it in light and in dark."""
    from playwright.sync_api import sync_playwright

    chosen = [one for one in mails(languages) if only in one.name]
    file = folder / "mails.html"
    file.write_text(sheet(chosen))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium.LAUNCH)
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 1520, "height": 900}, color_scheme=scheme)
            page.goto(file.absolute().as_uri(), wait_until="load")
            page.screenshot(path=folder / f"mails.{scheme}.png", full_page=True)
        browser.close()
