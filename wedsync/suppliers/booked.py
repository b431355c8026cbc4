"""Suppliers' bookings for a wedding in words for the couple: held or booked, from when to when, and whether it fits."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.web.formats import clock, day_short

queries = sql.load("wedsync.suppliers")
_DAYS = {
    "free": ("Free on your date", "good"),
    "partly": ("Not the whole of your date is free", "wait"),
    "taken": ("No longer free on your date", "bad"),
}


async def lines(tx: Tx, wedding_id: UUID) -> dict[UUID, list[dict[str, str]]]:
    """By link: {words, tone, warning}; where nothing is booked, whether the date is still free."""
    found: dict[UUID, list[dict[str, str]]] = {}
    for row in await tx.rows(queries.booked, wedding_id):
        found.setdefault(row["link_id"], []).append(line(row))
    for row in await tx.rows(queries.days, wedding_id):
        if row["link_id"] not in found and row["state"] in _DAYS:
            words, tone = _DAYS[row["state"]]
            found[row["link_id"]] = [{"words": words, "tone": tone, "warning": ""}]
    return found


def line(row: Row | dict[str, Any]) -> dict[str, str]:
    """One booking; the ceremony is compared with it on the wedding's day."""
    word, tone = ("Booked", "good") if row["state"] == "booked" else ("Held", "wait")
    if row["at_local"] is None:
        words = f"{word} for the whole day" if row["days"] == 1 else f"{word} for {row['days']} days"
    else:
        ends = row["ends_at"].astimezone(ZoneInfo(row["zone"]))
        words = f"{word} {clock(row['at_local'], row['zone'])} to {clock(ends, row['zone'])}"
    if row["on"] != row["wedding_on"]:
        words += f" on {day_short(row['on'])}"
    if row["state"] == "hold":
        words += f", until {day_short(row['expires_at'].astimezone(ZoneInfo(row['zone'])))}"
    return {"words": words, "tone": tone, "warning": _warning(row)}


def _warning(row: Row | dict[str, Any]) -> str:
    on, last = row["on"], row["on"] + timedelta(days=(row["days"] or 1) - 1)
    if row["wedding_on"] is None or not row["is_only"]:
        return ""
    if not on <= row["wedding_on"] <= last:
        return "Your wedding is on another day"
    if row["ceremony_at"] is None or row["at_local"] is None:
        return ""
    at = datetime.combine(row["wedding_on"], row["ceremony_at"] or time(), ZoneInfo(row["time_zone"]))
    fits = row["starts_at"] <= at <= row["ends_at"]
    return "" if fits else f"The ceremony is at {clock(row['ceremony_at'], row['time_zone'])}, outside of it"
