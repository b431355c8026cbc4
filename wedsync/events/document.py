"""An event as programs of tenants are sent it: the body of a webhook, and what a rule's field map reads from."""

from collections.abc import Mapping
from typing import Any

from wedsync.events.scope import Scope


def data_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """The matter of an event in live form, its images opened for whoever receives it."""
    return {
        "id": event["id"],
        "scope": Scope(event["scope"]).names(),
        "subject": event["subject"],
        "op": event["op"],
        "record": event["record"],
        "old_record": event["old_record"],
        "actor": event["actor"],
    }


def body_of(
    event: Mapping[str, Any],
    *,
    previous_seq: int | None,
    data: Mapping[str, Any] | None = None,
    is_test: bool = False,
) -> dict[str, Any]:
    """The body. `data` takes the place of the event's own where a rule shapes it; a test says that it is one.

    `timestamp` is when it happened, not when it is sent. `previous_sequence` is the last sequence of this stream that
    was owed to the receiver (null for the first): if it differs from the last one received, something is missing.
    """
    return {
        "type": event["type"],
        "timestamp": event["occurred_at"],
        "data": data_of(event) if data is None else data,
        "stream": event["stream"],
        "epoch": event["epoch"],
        "sequence": event["seq"],
        "previous_sequence": previous_seq,
        **({"test": True} if is_test else {}),
    }
