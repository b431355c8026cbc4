"""Ours as an Adaptive Card 1.4 in the message that a workflow takes.

Text is in runs (`TextRun`), which know no markup: what people typed is shown as it was typed, and links nowhere.
"""

from typing import Any, Final

import msgspec

from wedsync.connections.chatting.contract import Saying

SIZE_MAX_BYTES: Final = 28 * 1024
"""Of the whole message (learn.microsoft.com, limits of incoming webhooks)."""
TEXT_MAX: Final = 300


def to_message(saying: Saying) -> bytes:
    """The body of the request."""
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": _cut(f"{saying.title}: {saying.after}" if saying.after else saying.title),
        "body": [_line([_run(saying.title, weight="Bolder", size="Medium")]), *_change(saying), *_note(saying)],
        "actions": [_open(title, url) for title, url in _links(saying) if url],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return msgspec.json.encode({"type": "message", "attachments": [attachment]})


def _change(saying: Saying) -> list[dict[str, Any]]:
    if not saying.after:
        return []
    before = [_run(saying.before, strikethrough=True, isSubtle=True), _run("  →  ")] if saying.before else []
    return [_line([*before, _run(saying.after, weight="Bolder")])]


def _note(saying: Saying) -> list[dict[str, Any]]:
    return [_line([_run(saying.note, isSubtle=True)])] if saying.note else []


def _links(saying: Saying) -> list[tuple[str, str]]:
    """A card's own buttons cannot tell us anything, so confirming is a page."""
    return [("Seen and fine", saying.confirm_url), ("Open in WedSync", saying.url)]


def _open(title: str, url: str) -> dict[str, Any]:
    return {"type": "Action.OpenUrl", "title": title, "url": url}


def _line(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs}


def _run(text: str, **look: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": _cut(text), **look}


def _cut(text: str) -> str:
    return text[:TEXT_MAX]
