"""The operator's pages of the gallery: all words of notices, and one of them with its previews and versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.browser.people import Scene, ago
from wedsync.notices.wording import actions, checking
from wedsync.notices.wording.checking import KEYS
from wedsync.notices.wording.tongues import PARTS, Text, Tongue, Version, shipped
from wedsync.operations.shell import sections
from wedsync.operations.wording.pages import LABELS, named
from wedsync.web.shell import Person, Shell

KEY = "wedding.times_changed"
OWN = Text(title="Let op: {field}", confirm="Begrepen")


def operator() -> Shell:
    person = Person(name="Otto", email="otto@wedsync.example")
    path = "/ops/wording"
    return Shell(
        face="operator",
        base="/ops",
        here="wording",
        path=path,
        theme="system",
        person=person,
        heading="Operating WedSync",
        sections=sections(),
    )


def known(key: str, locale: str) -> actions.Known:
    is_own = (key, locale) == (KEY, "nl")
    return actions.Known(
        key=key,
        locale=locale,
        number=3 * is_own,
        is_shipped=key in shipped()[locale].texts or locale == "en",
        is_own=is_own,
    )


def one(**more: Any) -> dict[str, Any]:
    tongue = Tongue(locale="nl", versions=(Version(key=KEY, locale="nl", number=3, words=OWN),))
    past = [
        actions.Past(number=3, words=OWN, note="Shorter", made_at=ago(minutes=5), made_by="Otto"),
        actions.Past(number=2, words=None, note="As WedSync says it.", made_at=ago(hours=9), made_by="Odile"),
        actions.Past(number=1, words=Text(title="Nieuw: {field}"), note="", made_at=ago(days=9), made_by="Otto"),
    ]
    found = actions.Wording(
        key=KEY,
        locale="nl",
        version=3,
        own=OWN,
        shipped=Tongue(locale="nl").words(KEY),
        used=tongue.words(KEY),
        names={part: sorted(checking.allowed(KEY, part)) for part in PARTS},
        history=past,
    )
    return {
        "found": found,
        "named": named(KEY),
        "languages": checking.names(),
        "parts": [(name, LABELS[name]) for name in PARTS],
        "given": {name: getattr(OWN, name) for name in PARTS} | {"note": ""},
        "drawn": actions.drawn(KEY, tongue),
        "is_draft": False,
        "errors": {},
        "said": "Saved. It is used from the next notice on.",
    } | more


def scenes() -> Iterator[Scene]:
    rows = [(key, named(key), [known(key, locale) for locale in checking.names()]) for key in KEYS]
    yield Scene("wordings", "operations/wordings.html", operator(), {"languages": checking.names(), "rows": rows})
    yield Scene("wording", "operations/wording.html", operator(), one())
    refused = {"title": "needs {veld}, which this notice does not have. It may use {field}."}
    yield Scene("wording-refused", "operations/wording.html", operator(), one(errors=refused, said=""))
