"""From an event in live form to the body of a webhook, as README.md beside this file shows it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from wedsync.events.document import body_of

_encoder = msgspec.json.Encoder()


def to_body(
    event: Mapping[str, Any],
    *,
    previous_seq: int | None,
    data: Mapping[str, Any] | None = None,
    is_test: bool = False,
) -> bytes:
    """The exact bytes to sign and send; equal events make equal bytes, so a repeat is known by its content too."""
    return _encoder.encode(body_of(event, previous_seq=previous_seq, data=data, is_test=is_test))
