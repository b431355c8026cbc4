"""Proposals beside what is now: for the API, and in words for pages."""

from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any
from uuid import UUID

import msgspec

from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.proposals import model
from wedsync.proposals.subjects import SUBJECTS
from wedsync.web.context import as_struct
from wedsync.web.formats import clock, day_year

queries = sql.load("wedsync.proposals")
ANSWERS = {"accepted": "Coming", "declined": "Not coming", "tentative": "Maybe", "needs_action": "No answer yet"}
STATES = {
    "open": ("Waiting", "wait"),
    "stale": ("Changed meanwhile", "bad"),
    "accepted": ("Accepted", "good"),
    "refused": ("Refused", ""),
    "withdrawn": ("Taken back", ""),
}


async def shown(tx: Tx, rows: Iterable[Row]) -> list[model.ProposalView]:
    """Proposals with what is there now, as the reader sees it; what somebody may no longer see is not shown."""
    kept = list(rows)
    found: dict[tuple[str, UUID], Row] = {}
    ids = [row["subject_id"] for row in kept if row["subject_id"] is not None]
    if ids:
        found = {(row["subject"], row["id"]): row for row in await tx.rows(queries.current, ids)}
    return [_view(row, found.get((row["subject"], row["subject_id"]))) for row in kept]


def _view(row: Row, current: Row | None) -> model.ProposalView:
    seen, wanted = msgspec.json.decode(row["seen"]), msgspec.json.decode(row["wanted"])
    now = None if current is None else msgspec.json.decode(current["record"])
    state = row["state"]
    if state in model.WAITING:
        state = "stale" if model.is_overtaken(seen, now) else "open"
    labels = SUBJECTS[row["subject"]].fields
    changes = [
        model.Change(
            field=name,
            label=labels[name],
            seen=seen.get(name),
            now=None if now is None else now.get(name),
            wanted=value,
        )
        # jsonb keeps no order; people read the fields in ours.
        for name, value in ((name, wanted[name]) for name in labels if name in wanted)
    ]
    plain = as_struct(model.Proposal, _Decoded(row, seen, wanted))
    return model.ProposalView(
        **{**msgspec.structs.asdict(plain), "state": state},
        changes=changes,
        subject_version=None if current is None else current["version"],
    )


class _Decoded(dict[str, Any]):
    """A row whose images are values."""

    def __init__(self, row: Row, seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        super().__init__({**dict(row), "seen": seen, "wanted": wanted})


def card(one: model.ProposalView) -> dict[str, Any]:
    """A proposal as pages show it."""
    label, tone = STATES[one.state]
    return {
        "id": one.id,
        "title": one.title,
        "from": one.source_name,
        "via": "a hook" if one.origin == "hook" else "",
        "why": one.why,
        "word": one.word,
        "state": one.state,
        "state_words": label,
        "tone": tone,
        "waits": one.state in model.WAITING,
        "at": one.created_at,
        "decided_at": one.decided_at,
        "version": one.version,
        "subject_version": one.subject_version,
        "is_weighty": SUBJECTS[one.subject].is_weighty,
        "is_gone": one.subject_id is not None and one.subject_version is None,
        "changes": [
            {
                "label": change.label,
                "seen": said(change.field, change.seen),
                "now": said(change.field, change.now),
                "wanted": said(change.field, change.wanted),
                "moved": one.state == "stale" and not model.is_same(change.seen, change.now),
            }
            for change in one.changes
        ],
    }


def said(field: str, value: Any) -> str:
    """A value as people read it."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if field == "on":
        return day_year(date.fromisoformat(value))
    if field in ("ceremony_at", "reception_at", "at_local"):
        return clock(time.fromisoformat(value))
    return ANSWERS.get(value, str(value)) if field == "status" else str(value)


def sources(cards: Iterable[tuple[UUID, dict[str, Any]]]) -> list[dict[str, Any]]:
    """What waits, by source, in the order of the list; `together` is what can be accepted at once."""
    groups: dict[UUID, dict[str, Any]] = {}
    for source_id, one in cards:
        group = groups.setdefault(source_id, {"id": source_id, "name": one["from"], "via": one["via"], "proposals": []})
        group["proposals"].append(one)
    for group in groups.values():
        group["together"] = [one for one in group["proposals"] if one["state"] == "open" and not one["is_weighty"]]
    return list(groups.values())
