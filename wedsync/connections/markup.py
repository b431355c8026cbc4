"""HTML that people wrote in a provider's own pages, as plain text."""

from html.parser import HTMLParser
from typing import Final

_ENDS: Final = frozenset({"p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"})
_UNSAID: Final = frozenset({"script", "style"})


def words(text: str) -> str:
    """What somebody reads of it, a line for each of its blocks."""
    reader = _Words()
    reader.feed(text)
    reader.close()
    return "".join(reader.words)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._is_said = True

    def handle_data(self, data: str) -> None:
        if self._is_said:
            self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.words.append("\n")
        elif tag in _UNSAID:
            self._is_said = False

    def handle_endtag(self, tag: str) -> None:
        if tag in _ENDS:
            self.words.append("\n")
        elif tag in _UNSAID:
            self._is_said = True
