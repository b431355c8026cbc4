"""Texts: what has changed in the first line, how to confirm it by answering, and where to look."""

from collections.abc import Sequence
from typing import Any, Final

from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing
from wedsync.notices.channels import Told, phones
from wedsync.phones import gsm

SEGMENTS_MAX: Final = {"gsm7": 2, "ucs2": 3}
"""A name that GSM-7 cannot write is not misspelt to save a segment."""


async def deliveries(tx: Tx, ring: KeyRing, settings: Settings, told: Sequence[Told]) -> list[dict[str, Any]]:
    """A text to each who has a number and agreed to texts."""
    return await phones.owed(tx, ring, settings, told, kind="text", words=words)


def words(one: Told, code: int | None) -> tuple[str, str]:
    """(the text, what a call would say where no text arrives)."""
    matter = gsm.plain(f"{one.couple}: {phones.change(one)}.")
    asks = f"Reply OK {code} to confirm, NO {code} if you cannot. " if code is not None else ""
    tail = gsm.plain(f"{asks}{one.url}")
    room = SEGMENTS_MAX[gsm.measure(f"{matter} {tail}").encoding]
    return gsm.cut(matter, tail=tail, segments_max=room), phones.spoken(one, code)
