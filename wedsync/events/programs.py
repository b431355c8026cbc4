"""What suppliers' programs were told, as looks in the access log."""

from typing import Final

import msgspec

from wedsync.events.jobs import Payload
from wedsync.kit.watch import Watch


class _Told(msgspec.Struct):
    """Of an event what the access log says."""

    stream: str
    scope: int


_told: Final = msgspec.json.Decoder(_Told)


def count_look(watch: Watch, payload: Payload) -> None:
    """A supplier's program was told something of a wedding."""
    told = _told.decode(payload.event or "")
    watch.read(told.stream.partition(":")[2], str(payload.link_id), told.scope, "webhook")
