"""Texts: what has changed in the first line, how to confirm it by answering, and where to look."""

from collections.abc import Sequence
from typing import Any

from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing
from wedsync.notices.channels import Told, phones
from wedsync.notices.wording import drawing


async def deliveries(tx: Tx, ring: KeyRing, settings: Settings, told: Sequence[Told]) -> list[dict[str, Any]]:
    """A text to each who has a number and agreed to texts."""
    return await phones.owed(tx, ring, settings, told, kind="text", words=words)


def words(one: Told, code: int | None) -> tuple[str, str]:
    """(the text, what a call would say where no text arrives)."""
    return drawing.text(one.content(), code), phones.spoken(one, code)
