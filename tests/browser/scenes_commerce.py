"""Plan and usage in the gallery: a business in the middle of its plan, one beyond it, one without limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec

from tests.browser.people import LIVE, NOW, SUPPLIER, Scene, supplier
from wedsync.commerce import model, pages
from wedsync.web.shell import Shell, supplier_sections

TODAY = NOW.date()
TIERS: Mapping[str, tuple[str, tuple[int | None, ...]]] = {
    "free": ("Free", (3, 1, 0, 0, 1_000, 240, 3)),
    "starter": ("Starter", (25, 1, 1, 0, 10_000, 60, 12)),
    "professional": ("Professional", (100, 3, 3, 250, 150_000, 15, 24)),
    "studio": ("Studio", (None, 10, None, 1_000, 1_500_000, 0, None)),
}
PLANS = [
    model.Plan(plan=k, title=t, limits=dict(zip(model.KINDS, cells, strict=True))) for k, (t, cells) in TIERS.items()
]


def report(plan: str, used: tuple[int, ...], **more: Any) -> model.Report:
    tier = next(one for one in PLANS if one.plan == plan)
    counts = dict(zip(("weddings", "seats", "connections", "sms", "api_calls"), used, strict=True))
    made = model.Report(
        supplier_id=UUID(SUPPLIER),
        plan=plan,
        title=tier.title,
        is_default=False,
        is_protected=False,
        dormant_clients=0,
        resets_on=model.resets_on(TODAY),
        limits=[model.limit(name, tier.limits[name], counts.get(name)) for name in model.KINDS],
    )
    return msgspec.structs.replace(made, **more)


def days() -> list[model.UsageDay]:
    span = [TODAY - timedelta(days=29 - n) for n in range(30)]
    return [
        model.UsageDay(on=on, api_calls=n * n * 37 % 4100 if on.weekday() < 5 else n * 3, sms=n % 4)
        for n, on in enumerate(span)
    ]


def values(found: model.Report, *, is_empty: bool = False, contact: str = "") -> dict[str, Any]:
    coming = {} if is_empty else {f"{date(2027, 7 + n, 1):%Y-%m}": 9 - 2 * n for n in range(5)}
    used = [model.UsageDay(on=one.on, api_calls=0, sms=0) for one in days()] if is_empty else days()
    return {**pages.values(found, PLANS, contact=contact), "charts": pages.drawn(used, coming, TODAY)}


def owner(**more: Any) -> Shell:
    sections = supplier_sections(f"/studio/{SUPPLIER}", waiting=6, role="owner")
    return msgspec.structs.replace(supplier("plan", **more), sections=sections)


def scenes() -> Iterator[Scene]:
    middle = report("professional", (84, 3, 1, 31, 61_204))
    yield Scene("plan", "commerce/plan.html", owner(live=LIVE), values(middle, contact="plans@wedsync.example"))
    over = report("free", (7, 2, 1, 0, 940), dormant_clients=193, is_protected=True)
    yield Scene("plan-over", "commerce/plan.html", owner(), values(over, is_empty=True))
    wide = report("studio", (212, 6, 5, 0, 402_117))
    yield Scene("plan-studio", "commerce/plan.html", owner(), values(wide, contact="https://wedsync.example/plans"))
