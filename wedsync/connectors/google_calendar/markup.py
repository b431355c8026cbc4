"""An event's description as plain text: Google's own pages write it as HTML, as soon as a person edits it there."""

import html
import re

from wedsync.connections.markup import words

_TAG = re.compile(r"</?(?:a|b|br|div|em|h[1-6]|i|li|ol|p|span|strong|u|ul)(?:\s[^<>]*)?/?>", re.IGNORECASE)


def plain(text: str) -> str:
    """The words of a description; as it is, if it holds no tag that Google would write."""
    if not _TAG.search(text):
        return text
    return words(text)


def written(text: str) -> str:
    """What Google is told so that `plain` gives the text again."""
    if plain(text) == text:
        return text
    return "<span>" + "<br>".join(html.escape(line, quote=False) for line in text.split("\n")) + "</span>"
