"""Photographs and films in the gallery: the couple's list, the way to look at them, the supplier's form and section."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from tests.browser.people import LIVE, NOW, SUPPLIER, WEDDING, Scene, couple, supplier
from tests.browser.scenes_supplier import wedding_values
from wedsync.photos import model, view

PATH = f"/studio/{SUPPLIER}/weddings/{WEDDING}"
LAB = "The lab that scans the film is closed for two weeks, and we want these ones right."


def row(number: int, kind: str, stage: str, **more: Any) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(model.PhotoDelivery.__struct_fields__)
    made: dict[str, Any] = {"id": f"p{number}", "kind": kind, "stage": stage, "standing": "on_track", "reason": ""}
    made |= {"title": "", "gallery_url": "", "gallery_hint": "", "note": "", "promises": [], "version": 3}
    return blank | made | {"supplier_name": "Hartley & Finch"} | more


def promises() -> list[model.Promise]:
    first = model.Promise(promised_on=date(2027, 7, 20), at=NOW - timedelta(days=40))
    return [first, model.Promise(promised_on=date(2027, 8, 3), at=NOW - timedelta(days=2), reason=LAB)]


def delayed(**more: Any) -> dict[str, Any]:
    counts = {"shot_count": 3120, "culled_count": 720, "edited_count": 310}
    late = {"standing": "delayed", "reason": LAB, "promised_on": date(2027, 8, 3), "promises": promises()}
    return row(2, "gallery", "editing", **counts, **late, note="Black and white ones come with it.", **more)


def rows() -> list[dict[str, Any]]:
    there = {"delivered_at": NOW - timedelta(days=3), "gallery_url": "https://gallery.example.com/ana-and-ben"}
    return [
        row(1, "sneak_peek", "delivered", delivered_count=24, gallery_hint="The name of your first dog", **there),
        delayed(),
        row(
            3, "film", "quality_check", promised_on=date(2027, 7, 10), overdue_at=NOW, supplier_name="Small Hours Films"
        ),
        row(4, "album", "not_started", standing="on_hold", reason="You choose the pictures first."),
        row(5, "gallery", "archived", title="Engagement", viewed_at=NOW, **there),
    ]


def form(one: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "path": PATH,
        "couple": "Ana & Ben",
        "row": one,
        "card": None if one is None else view.card(one, NOW.date()),
        "typed": view.form_values(one),
        "kinds": list(view.KINDS.items()),
        "stages": [] if one is None else view.stages_after(one),
        "stage_next": "" if one is None else view.stage_next(one),
        "is_working": one is None or one["stage"] in model.WORKING,
        "errors": {},
        "problems": [],
        "said": "",
        "later": {"promised_on": "", "reason": ""},
    } | more


def scenes() -> Iterator[Scene]:
    ours = couple("suppliers", live=LIVE)
    yield Scene("photos", "photos/photos.html", ours, {"photos": view.cards(rows(), NOW.date())})
    yield Scene("photos-none", "photos/photos.html", couple("suppliers"), {"photos": []})
    there = {"url": "https://gallery.example.com/ana-and-ben", "heading": "Sneak peek", "hint": "Your first dog"}
    yield Scene("photos-onward", "photos/onward.html", couple("suppliers"), there)
    shell = supplier("weddings")
    error = {"gallery_url": "The URL does not start with https://. Write it in full."}
    typed = view.form_values() | {"gallery_url": "gallery.example.com"}
    refused = form(typed=typed, errors=error, problems=list(error.items()))
    yield Scene("photos-promise", "photos/delivery.html", shell, refused)
    said = "Address of the gallery: is missing. Say where they can look at it."
    yield Scene("photos-delivery", "photos/delivery.html", supplier("weddings", live=LIVE), form(delayed(), said=said))
    late = rows()[2] | {"standing": "on_hold", "reason": "Waiting for the music licence."}
    yield Scene("photos-late", "photos/delivery.html", shell, form(late))
    done = rows()[0] | {"viewed_at": NOW - timedelta(days=2), "promises": promises()[:1]}
    yield Scene("photos-done", "photos/delivery.html", shell, form(done))
    wedding = wedding_values(photos=rows(), photos_href=f"{PATH}/photos")
    yield Scene("supplier-wedding-photos", "suppliers/wedding.html", shell, wedding)
