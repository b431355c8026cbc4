"""A person's phone in the gallery: none yet, waiting for its code, proved, and stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

from tests.browser.people import Scene, ago, public
from wedsync.phones.model import TEXTS_WORDING, WORDING_VERSION, Consent, Mine, NewPhone, Shown, Wording
from wedsync.web.shell import Person

PHONE = Shown(
    number="+447400123456",
    region="GB",
    line="mobile",
    state="verified",
    takes_texts=True,
    takes_calls=False,
    is_stopped=False,
    last_text="delivered",
    verified_at=ago(days=9),
)


def ledger() -> list[Consent]:
    said = (("withdrawn", "call", "page"), ("withdrawn", "text", "text"), ("given", "call", "page"))
    return [
        Consent(
            id=UUID(int=n),
            act=act,  # type: ignore[arg-type]
            channel=channel,  # type: ignore[arg-type]
            purpose="notices",
            wording=TEXTS_WORDING,
            wording_version=WORDING_VERSION,
            method=method,
            created_at=ago(days=n),
        )
        for n, (act, channel, method) in enumerate(said)
    ]


def values(phone: Shown | None, **more: Any) -> dict[str, Any]:
    mine = Mine(is_on_offer=True, answers_to="+441632960000", wording=Wording(), phone=phone)
    known: dict[str, Any] = {"mine": mine, "phone": phone, "shown": "+44 7400 123456", "answers_to": "+44 1632 960000"}
    known |= {
        "last": "on your phone",
        "consents": ledger() if phone else [],
        "given": None,
        "errors": {},
        "minutes": 10,
    }
    return known | more


def scenes() -> Iterator[Scene]:
    shell = public(person=Person(name="Mira Hartley", email="mira@example.org"))
    refused = NewPhone(number="07400 123", takes_texts=True, wording_version=WORDING_VERSION)
    wrong = {"number": "Is not a phone number with its country. Begin with + and the country, such as +44."}
    unproved = msgspec.structs.replace(PHONE, state="unverified", verified_at=None)
    stopped = msgspec.structs.replace(PHONE, takes_texts=False, is_stopped=True)
    spoiled = msgspec.structs.replace(PHONE, state="invalid", takes_texts=False)
    code = {"code": "Is not the code that we texted. Look at the last text."}
    yield Scene("phone-none", "phones/phone.html", shell, values(None, given=refused, errors=wrong))
    yield Scene("phone-code", "phones/phone.html", shell, values(unproved, errors=code))
    yield Scene("phone", "phones/phone.html", shell, values(PHONE))
    yield Scene("phone-stopped", "phones/phone.html", shell, values(stopped))
    yield Scene("phone-spoiled", "phones/phone.html", shell, values(spoiled))
