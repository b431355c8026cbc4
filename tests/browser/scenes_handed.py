"""What CRMs hand out in the gallery: a connected CRM with galleries, a link's correspondence, and our commission."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

from tests.browser.people import SUPPLIER, WEDDING, Scene, ago, couple, supplier
from wedsync.clients.model import STAGES
from wedsync.connections.correspondence.model import Message
from wedsync.connections.pages import records
from wedsync.connections.records import model
from wedsync.payments.pages import commission

BASE = f"/studio/{SUPPLIER}"
BOOK = UUID(int=70)


def message(number: int, text: str, **more: Any) -> Message:
    id, link = UUID(int=number), UUID(int=8)
    return Message(id=id, link_id=link, text=text, said_at=ago(days=number), source="VSCO Workspace", **more)


def messages() -> list[Message]:
    return [
        message(3, "They love peonies.\n\nNo flash in church, and the grandmother sits in the first row on the left."),
        message(9, "Met at the barn; they walk in together.", shared_at=ago(days=2)),
        message(30, "The first dance is at half past eight.", shared_at=ago(days=20), is_changed=True),
        message(40, "Confetti only behind the chapel.", shared_at=ago(days=30), is_gone=True),
        message(61, "https://example.org/" + "a-very-long-address-without-any-blank-in-it-" * 4),
    ]


def correspondence(couple_names: str) -> dict[str, Any]:
    known: dict[str, Any] = {"couple": couple_names, "supplier": "Hartley & Finch"}
    if not couple_names:
        shared = [one for one in messages() if one.shared_at]
        src = f"/me/{WEDDING}/suppliers/{WEDDING}/correspondence"
        return known | {"messages": shared, "path": "", "src": src, "back_href": f"/me/{WEDDING}/suppliers"}
    path = f"{BASE}/weddings/{WEDDING}"
    return known | {
        "messages": messages(),
        "path": f"{path}/correspondence",
        "src": f"{path}/correspondence",
        "back_href": path,
    }


def gallery(number: int, name: str, state: Any, **more: Any) -> model.Gallery:
    blank: dict[str, Any] = {
        "gone_at": None,
        "delivery_id": None,
        "reason": "",
        "released_on": None,
        "photos": 0,
        "url": "",
    }
    known = {"id": UUID(int=number), "book_id": BOOK, "client_id": None, "changed_at": ago(days=number)}
    return model.Gallery(**blank | known | {"name": name, "state": state} | more)


def crm() -> dict[str, Any]:
    book = model.Book(
        id=BOOK,
        tenant_id=UUID(SUPPLIER),
        connector="tave",
        title="Hartley & Finch",
        connection_state="active",
        direction="both",
        outcome="done",
        reason="",
        pulled_at=ago(minutes=2),
        synced_at=ago(minutes=2),
        is_told=True,
        clients=1,
        conflicts=0,
        version=2,
        created_at=ago(days=90),
        updated_at=ago(days=2),
    )
    item = model.Item(
        id=UUID(int=71),
        book_id=BOOK,
        client_id=UUID(int=1),
        external_id="01hq2v7c5p8x9r3k4m6n8t0w2y",
        couple_names="Ana Duarte & Ben Okafor",
        stage="booked",
        state="there",
        changed_at=ago(days=1),
    )
    insecure = "Its address is not https. Use an address that begins with https://."
    hung = [
        gallery(1, "Ana & Ben", "released", photos=620, delivery_id=UUID(int=5)),
        gallery(2, "Sneak peek", "making", reason=insecure),
        gallery(3, "", "closed", photos=12),
        gallery(4, "Engagement", "released", photos=80, delivery_id=UUID(int=6), gone_at=ago(days=4)),
    ]
    return {
        "path": f"{BASE}/records",
        "one": book,
        "words": records.WORDS,
        "directions": list(model.DIRECTIONS.items())[:3],
        "is_sent": False,
        "is_told_by_person": False,
        "hook": None,
        "runs": [],
        "items": [item],
        "stages": STAGES,
        "states": records.STATES,
        "conflicts": [],
        "galleries": hung,
        "gallery_states": records.GALLERY_STATES,
    }


def ledger() -> dict[str, Any]:
    def of(names: str | None, due: int, taken: int, on: date | None) -> dict[str, Any]:
        known = {"couple_names": names, "on": on, "wedding_id": WEDDING, "enquired_at": ago(days=80)}
        return {**known, "rate_bp": 500, "currency": "GBP", "due_minor": due, "taken_minor": taken}

    engagements = [
        of("Ana & Ben", 9000, 9000, date(2027, 9, 11)),
        of("Noor & Max", 4200, 0, None),
        of(None, 0, 1500, None),
    ]
    kinds = ("returned", "reversed", "collected", "accrued")
    entries = [
        {
            "number": 9 - n,
            "kind": kind,
            "amount_minor": 9202 - n,
            "currency": "GBP",
            "at": ago(days=n),
            "couple_names": "A & B",
        }
        for n, kind in enumerate(kinds)
    ]
    sums = [{"currency": "GBP", "due_minor": 13200, "taken_minor": 10500}]
    return commission.values(sums, engagements, entries, rate_bp=750)


def scenes() -> Iterator[Scene]:
    yield Scene("handed-records", "connections/records.html", supplier("accounts"), crm())
    letters = "connections/correspondence.html"
    yield Scene("handed-correspondence", letters, supplier("weddings"), correspondence("Ana & Ben"))
    yield Scene("handed-shared", letters, couple("suppliers"), correspondence(""))
    yield Scene("handed-nothing", letters, couple("suppliers"), correspondence("") | {"messages": []})
    yield Scene("handed-commission", "payments/commission.html", supplier("plan"), ledger())
    nothing = commission.values([], [], [], rate_bp=500)
    yield Scene("handed-no-commission", "payments/commission.html", supplier("plan"), nothing)
