"""Break-glass in the gallery: the operators' list, one part of an opened wedding, and what its couple sees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any, Literal
from uuid import UUID

from tests.browser.people import NOW, Scene, ago, couple
from tests.browser.scenes_ops import shell
from wedsync.operations.openings import model
from wedsync.operations.openings.pages import STATES

ME, OLGA = UUID(int=0x019AB3F2_7C41_7D09_8000_000000000011), UUID(int=0x019AB3F2_7C41_7D09_8000_000000000012)
GIVEN = {"wedding_id": "", "reason": "", "minutes": "60"}


def scenes() -> Iterator[Scene]:
    here = shell("openings", 0)
    listed = {
        "openings": [(one, *STATES[one.state]) for one in openings()],
        "parts": model.PARTS,
        "me": ME,
        "given": GIVEN,
        "errors": {},
        "now": NOW,
    }
    yield Scene("ops-openings", "operations/openings.html", here, listed)
    yield Scene("ops-openings-none", "operations/openings.html", here, listed | {"openings": []})
    yield Scene("ops-opened", "operations/opened.html", here, opened())
    seen = {"cards": [card()], "openings": openings(), "parts": model.PARTS, "quiet": ["Hill Florist"], "days": 90}
    yield Scene("couple-access", "operations/access.html", couple("suppliers"), seen | {"now": NOW})
    nobody = {"cards": [], "openings": [], "parts": model.PARTS, "quiet": [], "days": 90, "now": NOW}
    yield Scene("couple-access-quiet", "operations/access.html", couple("suppliers"), nobody)


def openings() -> list[model.Opening]:
    """One that waits, one that is open and was looked at, one that the couple ended."""
    looks = [
        model.OperatorLook(part="guests", at=ago(minutes=4)),
        model.OperatorLook(part="wedding", at=ago(minutes=9)),
    ]
    return [
        opening(1, "asked", "Their caterer says that head counts are wrong on their page, and they agree.", OLGA),
        opening(2, "open", "The couple asked why the webhook of their planner does not arrive.", ME, looks=looks),
        opening(3, "over", "A defect in the schedule shows in this wedding alone.", OLGA, ended_by="the couple"),
    ]


def opening(
    number: int,
    state: Literal["asked", "open", "over"],
    reason: str,
    asked_by: UUID,
    *,
    looks: list[model.OperatorLook] | None = None,
    ended_by: str = "",
) -> model.Opening:
    is_approved = state != "asked"
    return model.Opening(
        id=UUID(int=number),
        wedding_id=UUID(int=0x019AB3F2_7C41_7D09_8000_000000000000 + number * 7919),
        reason=reason,
        minutes=60,
        asked_by=asked_by,
        asked_by_name="Otto Brandt" if asked_by == ME else "Olga Lund",
        asked_at=ago(minutes=20 * number),
        expires_at=NOW + timedelta(minutes=40),
        approved_by_name=("Olga Lund" if asked_by == ME else "Otto Brandt") if is_approved else "",
        approved_at=ago(minutes=10) if is_approved else None,
        ended_by_name=ended_by,
        ended_at=ago(minutes=5) if ended_by else None,
        state=state,
        looks=looks or [],
    )


def opened() -> dict[str, Any]:
    """The schedule."""
    rows = [("Ceremony", "14:00", 30, "Chapel of St Anne", 96), ("Dinner", "18:00", 150, "The barn at Hill Farm", 88)]
    items: list[dict[str, Any]] = [
        {
            "id": UUID(int=n),
            "on": date(2027, 6, 5),
            "at_local": time.fromisoformat(at),
            "zone": "Europe/London",
            "minutes": minutes,
            "kind": "ceremony",
            "title": title,
            "place": place,
            "is_anchored": n == 0,
            "accepted": accepted,
        }
        for n, (title, at, minutes, place, accepted) in enumerate(rows)
    ]
    shown = model.Shown(part="schedule", expires_at=NOW + timedelta(minutes=40), items=items, is_cut=False)
    return {"shown": shown, "parts": model.PARTS, "columns": list(items[0]), "head": "title", "opening_id": UUID(int=2)}


def card() -> dict[str, Any]:
    """A supplier who looked."""
    line = {"words": "The schedule", "is_personal": False, "last_at": ago(hours=3), "looks": 4, "sources": "on pages"}
    return {"link_id": UUID(int=9), "name": "Marlow Photo", "is_over": False, "last_at": ago(hours=3), "lines": [line]}
