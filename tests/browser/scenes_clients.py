"""The pages of clients in the gallery: the list, one, and the three steps of an import read from a real file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.browser.people import SUPPLIER, Scene, ago, supplier
from wedsync.clients import model
from wedsync.clients.importing import checking, merge, plan
from wedsync.clients.importing.desk import Tried
from wedsync.clients.importing.values import Choices, Upload
from wedsync.clients.importing.vocabulary import SOURCES
from wedsync.clients.model import STAGES, ClientView, Contact, Details, Stage
from wedsync.clients.pages.clients import TONES, WHENS

CONTACTS = (
    Contact(name="Petra Plan", role="Vendor", email="petra@example.org", phone="+447700900321"),
    Contact(email="rosa.duarte.of.the.long.address@example.org"),
)
FILE = Path(__file__).parents[1] / "fixtures" / "clients" / "tave_jobs.csv"


def client(number: int, names: tuple[str, str], stage: Stage, on: date | None, venue: str = "") -> ClientView:
    email = f"{names[0].split()[0].lower()}@example.org" if number % 3 else ""
    return ClientView(
        is_dormant=number == 3,
        contacts=CONTACTS if number == 1 else (),
        **dict.fromkeys(("partner_email", "partner_phone", "note"), ""),
        id=UUID(int=number),
        supplier_id=UUID(SUPPLIER),
        couple_names=" & ".join(name for name in names if name),
        name=names[0],
        partner_name=names[1],
        email=email,
        phone="+447700900123",
        wedding_on=on,
        venue=venue,
        package="Full day, two photographers",
        stage=stage,
        source="tave",
        external_id="01hq2v7c5p8x9r3k4m6n8t0w2y",
        wedding_id=UUID(int=9) if number == 1 else None,
        link_id=UUID(int=8) if number == 1 else None,
        version=1,
        created_at=ago(days=9),
        updated_at=ago(days=2),
    )


def clients() -> list[ClientView]:
    return [
        client(1, ("Ana Duarte", "Ben Okafor"), "booked", date(2027, 9, 11), "The Tithe Barn, Hartley"),
        client(2, ("Linh Nguyễn", "Alexei Petrov"), "held", date(2027, 10, 2), "Barn at Elm"),
        client(3, ("Maximiliane von Hohenstein-Falkenberg", "Bartholomew Okonkwo-Fitzgerald"), "enquiry", None),
        client(4, ("Priya Nair", "Tom Reed"), "fulfilled", date(2027, 7, 10), "Riverside"),
        client(5, ("Cleo Hart", ""), "cancelled", date(2028, 5, 6)),
    ]


def listed(**more: Any) -> dict[str, Any]:
    return {
        "clients": clients(),
        "stages": STAGES,
        "tones": TONES,
        "filters": {"q": "", "stage": "", "when": "coming"},
        "stage_options": [("", "Any stage"), *((key, f"{words} (12)") for key, words in STAGES.items())],
        "whens": WHENS,
        "total": 60,
        "is_filtered": False,
        "after": "/next",
        "first": None,
        "may_manage": True,
    } | more


def one(**more: Any) -> dict[str, Any]:
    known = clients()[0]
    typed = {name: getattr(known, name) for name in (*model.WORDS, "stage", "wedding_on")}
    words = {"client": known, "typed": typed, "errors": {}, "known": "", "stale": False, "may_manage": True}
    return {**words, "stages": list(STAGES.items()), "tones": TONES} | more


def checked() -> dict[str, Any]:
    upload = Upload(filename="jobs.csv", data=FILE.read_bytes(), choices=Choices())
    reading = plan.read(upload.data, upload.filename, upload.choices, "GB")
    there = [
        merge.There(
            id="1",
            version=1,
            details=Details(name="Ana Lopez", email="ana.lopez@example.org", venue="Barn"),
            wedding_on=None,
            stage="held",
            source="",
            external_id=None,
        ),
        merge.There(
            id="2",
            version=1,
            details=Details(name="Síle O’Brien"),
            wedding_on=None,
            stage="booked",
            source="",
            external_id=None,
        ),
    ]
    merged = merge.merge(reading.plan, there, upload.choices)
    tried = Tried(upload=upload, reading=reading, there=there, merged=merged)
    return checking.values(tried) | {"import_id": "i1", "filename": "jobs.csv", "error": ""}


def scenes() -> Iterator[Scene]:
    shell = supplier("clients")
    yield Scene("clients", "clients/clients.html", shell, listed())
    yield Scene("clients-none", "clients/clients.html", shell, listed(clients=[], total=0, after=None))
    yield Scene("clients-nobody", "clients/clients.html", shell, listed(clients=[], is_filtered=True, after=None))
    yield Scene("client-one", "clients/client.html", shell, one())
    yield Scene("client-read", "clients/client.html", shell, one(may_manage=False))
    refused = {"email": "Is not an e-mail address. Write it like name@example.com."}
    yield Scene("client-new", "clients/client.html", shell, one(client=None, known="k1", errors=refused))
    earlier = [
        {"id": "e1", "filename": "2026.xlsx", "finished_at": ago(days=3), "words": "210 rows: 204 new, 2 changed"}
    ]
    values = {"sources": [source.label for source in SOURCES], "error": "", "earlier": earlier}
    yield Scene("client-import", "clients/import_upload.html", shell, values)
    yield Scene("client-import-check", "clients/import_check.html", shell, checked())
    errors = checked()["problems_rows"]
    counts = {"created": 192, "updated": 5, "skipped": 1, "rejected": 2}
    done = {"import_id": "i1", "filename": "jobs.csv", "status": "finished", **counts, "errors": errors}
    done |= {"has_file": True, "can_undo": True, "stayed": ""}
    yield Scene("client-import-done", "clients/import_done.html", shell, done)
