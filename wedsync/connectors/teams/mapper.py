"""Ours as an Adaptive Card 1.4 in the message that a workflow takes.

Text is in runs (`TextRun`), which know no markup: what people typed is shown as it was typed, and links nowhere.
"""

from typing import Final

import msgspec

from wedsync.connections.chatting.contract import Saying
from wedsync.notices.wording import drawing

SIZE_MAX_BYTES: Final = 28 * 1024
"""Of the whole message (learn.microsoft.com, limits of incoming webhooks)."""


def to_message(saying: Saying) -> bytes:
    """The body of the request."""
    card = drawing.card(saying.content(), note=saying.note, links=_links(saying))
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return msgspec.json.encode({"type": "message", "attachments": [attachment]})


def _links(saying: Saying) -> list[tuple[str, str]]:
    """A card's own buttons cannot tell us anything, so confirming is a page."""
    return [(saying.confirm_label, saying.confirm_url), (saying.open_label, saying.url)]
