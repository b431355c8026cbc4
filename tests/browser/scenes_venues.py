"""Spaces in the gallery: the couple's list, the venue's list and forms, and its part of one wedding."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import Any
from uuid import UUID

import msgspec

from tests.browser.people import LIVE, SUPPLIER, WEDDING, ZONE, Scene, couple, supplier
from tests.browser.scenes_supplier import wedding_values
from wedsync.venues import view
from wedsync.web.shell import Shell, supplier_sections

PATH = f"/studio/{SUPPLIER}/weddings/{WEDDING}"
BARN, LAWN, CHAPEL = (UUID(int=number) for number in (1, 2, 3))
LONG = "Orangery, terrace and the lower lawn with the big marquee, used as one"


def shell(here: str, **more: Any) -> Shell:
    sections = supplier_sections(f"/studio/{SUPPLIER}", waiting=6, role="owner", category="venue")
    return msgspec.structs.replace(supplier(here, **more), heading="The Tithe Barn", sections=sections)


def space(id: UUID, name: str, seated: int | None, standing: int | None, **more: Any) -> dict[str, Any]:
    blank = {"resource_id": None, "note": "", "is_active": True, "version": 2}
    return blank | {"id": id, "name": name, "seated_max": seated, "standing_max": standing} | more


def spaces() -> list[dict[str, Any]]:
    return [
        space(BARN, "The Tithe Barn", 90, 140, note="Round tables of ten; the stage takes one of them."),
        space(LAWN, LONG, 240, 1200),
        space(CHAPEL, "Old dairy", None, 40, is_active=False),
    ]


def use(number: int, title: str, at: time, name: str, capacity: int, accepted: int, **more: Any) -> dict[str, Any]:
    row = {"id": f"u{number}", "schedule_item_id": f"s{number}", "title": title, "at_local": at, "name": name}
    row |= {"capacity": capacity, "accepted": accepted, "pending": 0, "is_over": accepted > capacity}
    blank = {"arrangement": "seated", "setup_at": None, "ready_by": None, "supplier_name": "The Tithe Barn Estate"}
    return row | blank | more


def uses() -> list[dict[str, Any]]:
    times = {"setup_at": time(9), "ready_by": time(16, 30)}
    return [
        use(1, "Ceremony", time(14), LONG, 240, 96),
        use(2, "Dinner and speeches", time(17), "The Tithe Barn", 90, 96, pending=12, **times),
        use(3, "Evening", time(20), "The Tithe Barn", 140, 121, arrangement="standing", pending=31),
    ]


def form(row: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    day = [{"id": f"s{n}", "title": t, "at_local": time(h)} for n, t, h in ((1, "Ceremony", 14), (2, "Dinner", 17))]
    return {
        "path": PATH,
        "couple": "Ana & Ben",
        "row": row,
        "typed": view.use_values(row),
        "parts": view.parts(day, ZONE),
        "offers": view.offers(spaces()),
        "arranged": view.ARRANGED,
        "errors": {},
        "problems": [],
        "said": "",
    } | more


def space_form(row: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    halls = [("", "Not booked by itself"), ("h1", "The business itself"), ("h2", "Barn")]
    values = {"row": row, "typed": view.space_values(row), "resources": halls}
    return values | {"errors": {}, "problems": [], "said": ""} | more


def scenes() -> Iterator[Scene]:
    ours = couple("suppliers", live=LIVE)
    yield Scene("spaces-couple", "venues/couple.html", ours, {"uses": view.cards(uses(), ZONE)})
    yield Scene("spaces-couple-none", "venues/couple.html", couple("suppliers"), {"uses": []})
    listed = [{**one, "takes": view.takes(one)} for one in spaces()]
    yield Scene("spaces", "venues/spaces.html", shell("spaces"), {"spaces": listed, "may_manage": True})
    yield Scene("spaces-none", "venues/spaces.html", shell("spaces"), {"spaces": [], "may_manage": True})
    error = {"seated_max": "How many it takes is missing. Say how many, seated or standing."}
    refused = space_form(errors=error, problems=list(error.items()))
    yield Scene("space-new", "venues/space.html", shell("spaces"), refused)
    yield Scene("space", "venues/space.html", shell("spaces"), space_form(spaces()[0]))
    yield Scene("space-give", "venues/use.html", shell("weddings"), form())
    over = uses()[1] | {"space_id": BARN, "version": 3}
    said = "You give a space to this part of the day already. Change that one."
    yield Scene("space-given", "venues/use.html", shell("weddings", live=LIVE), form(over, said=said))
    yield Scene("space-unshared", "venues/use.html", shell("weddings"), form(parts=[]))
    values = wedding_values(spaces=uses(), spaces_href=f"{PATH}/spaces")
    yield Scene("supplier-wedding-spaces", "suppliers/wedding.html", shell("weddings"), values)
