"""Calls, for what cannot wait: said by a voice, confirmed by a key; a voice mail confirms nothing."""

from collections.abc import Sequence
from typing import Any

from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing
from wedsync.notices.channels import Told, phones


async def deliveries(tx: Tx, ring: KeyRing, settings: Settings, told: Sequence[Told]) -> list[dict[str, Any]]:
    """A call to each who has a number and agreed to calls."""
    return await phones.owed(tx, ring, settings, told, kind="call", words=words)


def words(one: Told, code: int | None) -> tuple[str, str]:
    """Nothing of a call is read."""
    said = phones.spoken(one, code)
    return said, said
