"""An event's description as plain text: Google's own pages write it as HTML, as soon as a person edits it there."""

import html
import re
from html.parser import HTMLParser
from typing import Final

_TAG = re.compile(r"</?(?:a|b|br|div|em|h[1-6]|i|li|ol|p|span|strong|u|ul)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_ENDS: Final = frozenset({"p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"})


def plain(text: str) -> str:
    """The words of a description; as it is, if it holds no tag that Google would write."""
    if not _TAG.search(text):
        return text
    reader = _Words()
    reader.feed(text)
    reader.close()
    return "".join(reader.words)


def written(text: str) -> str:
    """What Google is told so that `plain` gives the text again."""
    if plain(text) == text:
        return text
    return "<span>" + "<br>".join(html.escape(line, quote=False) for line in text.split("\n")) + "</span>"


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _ENDS:
            self.words.append("\n")
