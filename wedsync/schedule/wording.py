"""What people type, made fit to keep: no control characters, no direction overrides, no stray spaces."""

from wedsync.kit.errors import FieldError, Refusal

# Joiners, direction marks and the tag characters of flag emoji are part of how scripts and emoji are written.
_KEPT = frozenset("\u200c\u200d\u200e\u200f") | {chr(code) for code in range(0xE0020, 0xE0080)}


def line(text: str) -> str:
    """One line of text; emoji and right-to-left scripts stay."""
    return " ".join("".join(c if c.isprintable() or c in _KEPT else " " for c in text).split())


def paragraphs(text: str) -> str:
    """The same for text of several lines."""
    return "\n".join(line(part) for part in text.splitlines()).strip()


def required(field: str, text: str) -> str:
    """A line that may not be empty. Raises Refusal 422."""
    cleaned = line(text)
    if not cleaned:
        raise Refusal(
            422,
            "invalid",
            f"{field}: is empty",
            errors=[FieldError(field, "is empty", "Write a word or two that people will recognise.")],
        )
    return cleaned
