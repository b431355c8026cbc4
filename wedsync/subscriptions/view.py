"""Rows of endpoints, deliveries and attempts as the pages show them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.subscriptions import secured, wording

queries = sql.load("wedsync.subscriptions")
WEEK: Final = timedelta(days=7)
#: Counting stops here: pages stay quick however much a tenant is sent.
COUNTED_MAX: Final = 10_000
WAITING: Final = ("pending", "deferred", "parked")
FAILED: Final = ("deferred", "dead", "expired", "parked")
SOON: Final = timedelta(seconds=30)


async def cards(tx: Tx, tenant: UUID, endpoints: Sequence[Row], *, face: wording.Face, now: datetime) -> list[Any]:
    """Endpoints with how their last seven days went."""
    rows = await tx.rows(queries.week, tenant, now - WEEK, COUNTED_MAX)
    by_endpoint: dict[UUID, list[Row]] = {}
    for row in rows:
        by_endpoint.setdefault(row["destination_id"], []).append(row)
    return [_card(endpoint, by_endpoint.get(endpoint["id"], []), face, now) for endpoint in endpoints]


def _card(endpoint: Row, week: Sequence[Row], face: wording.Face, now: datetime) -> dict[str, Any]:
    seen = secured.shown(endpoint)
    is_resting = endpoint["state"] == "active" and (endpoint["breaker_until"] or endpoint["host_until"])
    words, tone, sign = wording.ENDPOINTS["resting" if is_resting else endpoint["state"]]
    failures = [row for row in week if row["state"] in FAILED and row["tried_at"]]
    failure = max(failures, key=lambda row: row["tried_at"], default=None)
    delivered = [row["done_at"] for row in week if row["state"] == "delivered" and row["done_at"]]
    return {
        **{name: endpoint[name] for name in ("id", "url", "description", "state", "events", "version")},
        "state_reason": _sentence(endpoint["state_reason"]),
        "name": endpoint["description"] or urlsplit(endpoint["url"]).hostname or endpoint["url"],
        "state_words": words,
        "tone": tone,
        "icon": sign,
        "proof_words": wording.proof_words(seen, endpoint["header_names"]),
        "warning": wording.certificate_warning(seen, now),
        "events_words": wording.events_words(endpoint["events"], face),
        "counts": _counts(week),
        "counted": sum(row["count"] for row in week),
        "delivered_at": max(delivered, default=None),
        "failed_at": failure["tried_at"] if failure else None,
        "failure": failure["reason"] if failure else "",
        "restraints": _restraints(endpoint, now) if endpoint["state"] == "active" else [],
    }


def _restraints(endpoint: Row, now: datetime) -> list[str]:
    """Why nothing, or only one at a time, is sent to an active endpoint just now, a sentence each."""
    said = []
    if endpoint["breaker_until"] is not None:
        failed = f"It failed {endpoint['breaker_failures'] or 1} times in a row or too often"
        said.append(f"{failed}. {_resting(endpoint['breaker_until'], now)}")
    if endpoint["host_until"] is not None:
        name = endpoint["host"].rpartition(":")[0]
        said.append(f"Its host, {name}, fails several endpoints. {_resting(endpoint['host_until'], now)}")
    if endpoint["failing_since"] is not None:
        since = f"{endpoint['failing_since']:%Y-%m-%d %H:%M} UTC"
        said.append(f"Nothing was delivered since {since}; after five days without a success it is switched off.")
    if endpoint["blocked_since"] is not None:
        since = f"{endpoint['blocked_since']:%Y-%m-%d %H:%M} UTC"
        said.append(f"Since {since} deliveries wait in order behind one that waits for you: send or cancel that one.")
    return said


def _resting(until: datetime, now: datetime) -> str:
    if until <= now:
        return "One delivery tries now whether it is well again; the others wait for that."
    return f"It is left alone until {until:%H:%M:%S} UTC, then one delivery tries; no delivery loses a try by it."


def _sentence(text: str) -> str:
    """With a capital and a full stop; names inside stay as they are written."""
    return text and f"{text[0].upper()}{text[1:].rstrip('.')}."


def _counts(week: Sequence[Row]) -> list[tuple[str, str, int]]:
    """Per tab of the log: its key, its words, how many; only those that have any."""
    by_state: Mapping[str, int] = {row["state"]: row["count"] for row in week}
    tabs = [(key, words, sum(by_state.get(s, 0) for s in states)) for key, words, states in wording.TABS if states]
    return [tab for tab in tabs if tab[2]]


async def lines(tx: Tx, rows: Sequence[Row], *, now: datetime) -> list[dict[str, Any]]:
    """Rows of the log."""
    waiting = [row["id"] for row in rows if row["state"] == "pending"]
    busy = {row["id"] for row in await tx.rows(queries.in_flight, waiting)} if waiting else set()
    return [line(row, now=now, is_busy=row["id"] in busy) for row in rows]


def line(row: Row, *, now: datetime, is_busy: bool = False) -> dict[str, Any]:
    """One delivery: what, how it stands, why, and when it goes on."""
    words, tone, sign = wording.STATES["in_flight" if is_busy else row["state"]]
    names = ("id", "type", "state", "reason", "attempts", "made_at", "done_at", "event_id", "seq", "previous_seq")
    return {
        **{name: row[name] for name in names},
        "as_new": row["as_new"],
        "replay_of": row["replay_of"],
        "is_test": row["is_test"],
        "webhook_id": row["event_id"] if row["event_id"] and not (row["as_new"] or row["is_test"]) else row["id"],
        "lane": wording.LANES[row["lane"]],
        "state_words": words,
        "tone": tone,
        "icon": sign,
        "again": _until(row["next_at"], now) if row["state"] == "deferred" else "",
        "is_moving": row["state"] == "pending" or (row["state"] == "deferred" and _is_soon(row["next_at"], now)),
        "may_replay": row["event_id"] is not None and not row["is_test"] and row["state"] not in WAITING,
        "may_cancel": row["state"] in WAITING and not is_busy,
        "is_parked": row["state"] == "parked",
        "asked_for": row["replay_of"] is not None and row["state"] != "cancelled",
        "expires_at": f"{row['expires_at']:%Y-%m-%d %H:%M} UTC"
        if row["expires_at"] and row["state"] in WAITING
        else "",
    }


def _is_soon(at: datetime | None, now: datetime) -> bool:
    return at is not None and at - now < SOON


def _until(at: datetime | None, now: datetime) -> str:
    """`in 40 s`, `in 12 min`, `in 5 h`."""
    left = int((at - now).total_seconds()) if at else 0
    if left <= 1:
        return "at any moment"
    if left < 90:
        return f"in {left} s"
    return f"in {left // 60} min" if left < 5400 else f"in {round(left / 3600)} h"


def tries(rows: Sequence[Row], *, is_test: bool) -> list[dict[str, Any]]:
    """Attempts of one delivery, newest first, with what to do about each that failed. A test is tried once."""
    return [_try(row, is_once=is_test) for row in reversed(rows)]


def _try(row: Row, *, is_once: bool) -> dict[str, Any]:
    is_good = row["outcome"] == "delivered"
    return {
        **{name: row[name] for name in ("number", "started_at", "status", "response_head", "address", "is_late")},
        "is_good": is_good,
        "request_headers": sorted(msgspec.json.decode(row["request_headers"]).items()),
        "words": wording.happened(status=row["status"], detail=row["detail"]),
        "advice": "" if is_good else wording.advice(status=row["status"], detail=row["detail"], is_once=is_once),
        "at_words": f"{row['started_at']:%Y-%m-%d %H:%M:%S} UTC",
        "timings": [
            (words, f"{row[name]:.0f} ms" if row[name] >= 10 else f"{row[name]:.1f} ms")
            for name, words in (
                ("resolve_ms", "Name looked up"),
                ("first_byte_ms", "First byte of the answer"),
                ("total_ms", "All of it"),
            )
            if row[name] is not None
        ],
    }
