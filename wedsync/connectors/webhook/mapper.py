"""From an event in live form to the body of a webhook, as README.md beside this file shows it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from wedsync.events.scope import Scope

_encoder = msgspec.json.Encoder()


def to_body(event: Mapping[str, Any], *, previous_seq: int | None) -> bytes:
    """The exact bytes to sign and send; equal events make equal bytes, so a repeat is recognisable by its content too.

    `timestamp` is when it happened, not when it is sent. `previous_sequence` is the last sequence of this stream that
    was owed to the receiver (null for the first): if it differs from the last one received, something is missing.
    A test that somebody asked for says so with `"test": true` at its end, and nothing else has that field.
    """
    mark = {"test": True} if event.get("test") else {}
    return _encoder.encode(
        {
            "type": event["type"],
            "timestamp": event["occurred_at"],
            "data": {
                "id": event["id"],
                "scope": Scope(event["scope"]).names(),
                "subject": event["subject"],
                "op": event["op"],
                "record": event["record"],
                "old_record": event["old_record"],
                "actor": event["actor"],
            },
            "stream": event["stream"],
            "epoch": event["epoch"],
            "sequence": event["seq"],
            "previous_sequence": previous_seq,
            **mark,
        }
    )
