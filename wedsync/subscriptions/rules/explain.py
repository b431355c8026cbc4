"""Why an event went where it went: what was owed and sent, and, told apart from it, what the rules would do now.

Every yes and no here is the database's, by the predicates that decide when an event is recorded; this file puts them
into words.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.subscriptions.rules import conditions, wording

queries = sql.load("wedsync.subscriptions.rules")
Answer = Literal["takes", "waits", "held", "other_type", "not_visible", "condition", "earlier_rule", "off", "bulk"]


class LaneStep(msgspec.Struct, frozen=True):
    """One step on the way to a lane, and the lane after it (0 critical … 3 low)."""

    why: str
    lane: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule, or an endpoint's own list (`rule_id` null), would do with the event now.

    `failed`: its condition rows that do not hold, from 0. `taken_by`: the rule in front of it.
    """

    endpoint_id: UUID
    endpoint: str
    rule_id: UUID | None
    name: str
    answer: Answer
    words: str
    failed: list[int]
    taken_by: UUID | None
    lane: int
    lane_steps: list[LaneStep]
    held_until: datetime | None
    is_newer: bool
    """Added or changed after the event happened."""


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that was made of the event, and by what."""

    delivery_id: UUID
    endpoint_id: UUID
    endpoint: str
    rule_id: UUID | None
    name: str
    lane: int
    lane_steps: list[LaneStep]
    state: str
    reason: str
    made_at: datetime
    is_test: bool
    replay_of: UUID | None


class Routing(msgspec.Struct, frozen=True, kw_only=True):
    """`happened` is the ledger; `now` is what each rule and endpoint would do, in the order they are asked."""

    event_id: UUID
    type: str
    stream: str
    sequence: int
    occurred_at: datetime
    is_severe: bool
    may_see: bool
    happened: list[Owed]
    now: list[Verdict]


class _Known(msgspec.Struct, frozen=True):
    event: Row
    rules: Mapping[UUID, Row]
    endpoints: Mapping[UUID, Row]

    def name(self, subscription: UUID) -> str:
        return str(self.rules[subscription]["name"]) if subscription in self.rules else "The endpoint's own list"

    def endpoint(self, endpoint: UUID) -> str:
        row = self.endpoints[endpoint]
        return row["description"] or urlsplit(row["url"]).hostname or str(row["url"])


async def routing(tx: Tx, event_id: UUID) -> Routing:
    """Of one event, for the entered tenant. Raises Refusal 404 where it never concerned it."""
    event = await tx.row(queries.heard, event_id)
    if event is None:
        raise not_found("event")
    known = _Known(
        event,
        {row["id"]: row for row in await tx.rows(queries.every_rule)},
        {row["id"]: row for row in await tx.rows(queries.every_endpoint)},
    )
    asked = {str(id): conditions.rows(_conditions(row)) for id, row in known.rules.items()}
    routed = await tx.rows(queries.routed, event_id, msgspec.json.encode(asked).decode())
    takers = {row["destination_id"]: row["subscription_id"] for row in routed if row["would_take"]}
    owed = await tx.rows(queries.owed, event_id)
    return Routing(
        event_id=event_id,
        type=event["type"],
        stream=event["stream"],
        sequence=event["seq"],
        occurred_at=event["occurred_at"],
        is_severe=event["is_severe"],
        may_see=event["may_see"],
        happened=[_owed(known, row) for row in owed],
        now=[_verdict(known, row, takers) for row in routed if _is_there(known, row)],
    )


def _conditions(row: Row) -> list[conditions.Condition]:
    return msgspec.json.decode(row["conditions"], type=list[conditions.Condition])


def _is_there(known: _Known, row: Row) -> bool:
    """Neither it nor its endpoint was removed."""
    rule = known.rules.get(row["subscription_id"])
    endpoint = known.endpoints.get(row["destination_id"])
    return endpoint is not None and endpoint["deleted_at"] is None and (rule is None or rule["deleted_at"] is None)


def _verdict(known: _Known, row: Row, takers: Mapping[UUID, UUID]) -> Verdict:
    rule = known.rules.get(row["subscription_id"])
    endpoint = known.endpoints[row["destination_id"]]
    taker = takers.get(row["destination_id"])
    failed = [number for number, is_met in enumerate(row["rows_met"] or []) if not is_met]
    answer = _answer(known, row, endpoint)
    own = None if rule is None else rule["lane"]
    return Verdict(
        endpoint_id=endpoint["id"],
        endpoint=known.endpoint(endpoint["id"]),
        rule_id=None if rule is None else rule["id"],
        name=known.name(row["subscription_id"]),
        answer=answer,
        words=_words(answer, known, row, taker=taker, failed=failed),
        failed=failed,
        taken_by=taker if answer == "earlier_rule" else None,
        lane=row["lane"],
        lane_steps=lane_steps(known.event, own=own, is_near=known.event["is_near"]),
        held_until=row["held_until"] if answer == "held" else None,
        is_newer=rule is not None and rule["updated_at"] > known.event["occurred_at"],
    )


def _answer(known: _Known, row: Row, endpoint: Row) -> Answer:
    reasons: list[tuple[bool, Answer]] = [
        (not row["active"], "off"),
        (not row["may_see"], "not_visible"),
        (known.event["bulk"], "bulk"),
        (not row["is_asked"], "other_type"),
        (not row["is_met"], "condition"),
        (not row["would_take"], "earlier_rule"),
        (endpoint["state"] != "active", "waits"),
        (row["held_until"] is not None, "held"),
    ]
    return next((answer for is_so, answer in reasons if is_so), "takes")


_FIXED: Final[Mapping[Answer, str]] = {
    "off": "It is switched off.",
    "not_visible": "You may not see this event any more.",
    "bulk": "Rows of an import go to screens and the log only; its summary is sent.",
    "held": "It takes it, and its quiet hours hold it.",
    "takes": "It takes it.",
}


def _words(answer: Answer, known: _Known, row: Row, *, taker: UUID | None, failed: list[int]) -> str:
    if answer == "other_type":
        return f"It does not ask for {known.event['type']}."
    if answer == "condition":
        rows = _conditions(known.rules[row["subscription_id"]])
        return "Not so: " + "; ".join(wording.condition_words(rows[number]) for number in failed) + "."
    if answer == "earlier_rule" and taker is not None:
        return f"“{known.name(taker)}” stands before it and takes it."
    if answer == "waits":
        endpoint = known.endpoints[row["destination_id"]]
        return f"It takes it, and it waits: {(endpoint['state_reason'] or endpoint['state']).rstrip('.')}."
    return _FIXED[answer]


def lane_steps(event: Row, *, own: int | None, is_near: bool) -> list[LaneStep]:
    """How a lane comes about, in the words of `app.lane_for`."""
    if own is not None:
        return [LaneStep("the rule names its lane", own)]
    steps = [LaneStep(f"{event['type']} by itself", event["type_lane"])]
    if is_near:
        steps.append(LaneStep("within 24 hours of the wedding, or live", max(0, steps[-1].lane - 1)))
    if event["is_severe"]:
        steps.append(LaneStep("severe", max(0, steps[-1].lane - 1)))
    return steps


def _owed(known: _Known, row: Row) -> Owed:
    rule = known.rules.get(row["subscription_id"])
    return Owed(
        delivery_id=row["id"],
        endpoint_id=row["destination_id"],
        endpoint=known.endpoint(row["destination_id"]),
        rule_id=None if rule is None else rule["id"],
        name=known.name(row["subscription_id"]),
        lane=row["lane"],
        lane_steps=_steps_then(known, row, rule),
        state=row["state"],
        reason=row["reason"],
        made_at=row["made_at"],
        is_test=row["is_test"],
        replay_of=row["replay_of"],
    )


def _steps_then(known: _Known, row: Row, rule: Any) -> list[LaneStep]:
    """As far as they can be told afterwards: a rule, or the day, may have changed since."""
    if row["is_test"]:
        return [LaneStep("sent as a test", row["lane"])]
    if row["replay_of"] is not None:
        return [LaneStep("sent again", row["lane"])]
    steps = lane_steps(known.event, own=None if rule is None else rule["lane"], is_near=known.event["was_near"])
    if steps[-1].lane == row["lane"]:
        return steps
    return [LaneStep("as it was decided then; the rule or the wedding's day has changed since", row["lane"])]
