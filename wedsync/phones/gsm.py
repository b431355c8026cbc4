"""How a text is counted: GSM-7 or UCS-2, and in how many segments (3GPP TS 23.038 and 23.040); pure.

One sign outside of GSM-7 more than halves what fits, so what only looks better is written plainly. Names are left.
"""

from typing import Final, Literal, NamedTuple

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED: Final = frozenset("\f^{}\\[~]|€")
"""Each counts twice."""
SINGLE: Final = {"gsm7": 160, "ucs2": 70}
JOINED: Final = {"gsm7": 153, "ucs2": 67}
PLAIN: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u200a\u202f\t", " "),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", ""),
        "…": "...",
        "→": "->",
        "•": "-",
        "×": "x",
    }
)
Encoding = Literal["gsm7", "ucs2"]


class Measured(NamedTuple):
    """`odd` are the signs that make it UCS-2, each once, in their order."""

    encoding: Encoding
    units: int
    segments: int
    odd: tuple[str, ...] = ()


def plain(text: str) -> str:
    """The same words without signs that GSM-7 has another of; spaces in a row are one."""
    return " ".join(text.translate(PLAIN).split())


def measure(text: str) -> Measured:
    """What it costs."""
    odd = tuple(dict.fromkeys(sign for sign in text if sign not in BASIC and sign not in EXTENDED))
    encoding: Encoding = "ucs2" if odd else "gsm7"
    sizes = [_size(sign, encoding) for sign in text]
    total = sum(sizes)
    if total <= SINGLE[encoding]:
        return Measured(encoding, total, 1 if total else 0, odd)
    return Measured(encoding, total, _joined(sizes, JOINED[encoding]), odd)


def fits(text: str, segments_max: int) -> bool:
    return measure(text).segments <= segments_max


def cut(text: str, *, tail: str, segments_max: int) -> str:
    """`text` and `tail` in that many segments: the text gives way at a word, the tail is kept whole."""
    if fits(f"{text} {tail}", segments_max):
        return f"{text} {tail}"
    words = text.split(" ")
    while words and not fits(f"{' '.join(words)}... {tail}", segments_max):
        words.pop()
    return f"{' '.join(words)}... {tail}" if words else tail


def _size(sign: str, encoding: Encoding) -> int:
    if encoding == "gsm7":
        return 2 if sign in EXTENDED else 1
    return len(sign.encode("utf-16-be")) // 2


def _joined(sizes: list[int], room: int) -> int:
    """A sign of two units is never parted."""
    segments, left = 1, room
    for size in sizes:
        if size > left:
            segments, left = segments + 1, room
        left -= size
    return segments
