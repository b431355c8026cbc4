"""Names compared the way people compare them: folded for sorting and keys, and forgiving when a guest looks for theirs.

Everything here is about telling whether two names may be one person. Reading a line such as "Mr & Mrs John Smith" into
people is `name_lines`. Nicknames are data (`nicknames.toml`).
"""

import unicodedata
from collections.abc import Sequence

from wedsync.guests.importing.vocabulary import NICKNAMES, PARTICLES, SUFFIXES, TITLES

# Letters that Unicode does not decompose but that people type without their stroke.
_STROKES = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
_APOSTROPHES = frozenset("'’‘`´ʼʻʹ′")
EDITS_MAX = 2
SORT_CHARS_MAX = 700
TOKENS_MAX = 8


class _Folded(dict[int, str]):
    """Code point -> its fold, worked out when first met: ten times as fast as asking `unicodedata` each time."""

    def __missing__(self, code: int) -> str:
        parts = unicodedata.normalize("NFKD", chr(code).casefold()).casefold()
        self[code] = folded = "".join(map(_fold_char, parts))
        return folded


_FOLDED = _Folded()


def fold(text: str) -> str:
    """Lower case, without accents, punctuation and doubled spaces: "O’Brien-Łukasz" -> "obrien lukasz".

    A text made of nothing but symbols (an emoji for a name) keeps them: it must stay different from no text.
    """
    return " ".join(text.translate(_FOLDED).split()) or " ".join(text.casefold().split())


def _fold_char(char: str) -> str:
    if char.isalnum():
        return _STROKES.get(char, char)
    if char in _APOSTROPHES or unicodedata.combining(char):
        return ""
    # vowel signs of Indic and Thai scripts are letters to their readers
    return char if unicodedata.category(char) in {"Mn", "Mc"} else " "


def name_sort(name: str, *, last: str = "") -> str:
    """The fold a list of people is sorted by, as long as is stored. With `last` the surname comes first."""
    folded = fold(name)
    surname = fold(last) if last.strip() else ""
    rest = folded.removesuffix(surname).strip() if surname else folded
    return f"{surname} {rest}".strip()[:SORT_CHARS_MAX]


def name_key(first: str, last: str) -> str:
    """What is equal for two spellings of one name; empty for no name."""
    return f"{fold(first)} {fold(last)}".strip()


def same_given(one: str, other: str) -> bool:
    """Whether two given names may be one person's: equal folded, a nickname of one another, or an initial."""
    a, b = fold(one), fold(other)
    if a == b:
        return True
    if not a or not b:
        return False
    if len(a) == 1 or len(b) == 1:
        return a[0] == b[0]
    heads = a.split()[0], b.split()[0]
    return heads[0] == heads[1] or _share_nickname(*heads)


def matches(query: str, guest_name: str) -> bool:
    """Whether someone who typed `query` may be `guest_name`: accents, nicknames, order and small slips forgiven.

    At least two parts of the name must be given (unless the guest has only one), and together they may be at most
    `EDITS_MAX` edits away, fewer for short words. It answers about one name; whoever calls it must not list names.
    """
    asked, known = _parts(query), _parts(guest_name)
    if not asked or not known or len(asked) > TOKENS_MAX or len(known) > TOKENS_MAX:
        return False
    if _joined_alike(asked, known):
        return True
    if len(known) == 1 or len(asked) == 1:
        return len(known) == len(asked) and _cost(asked[0], known[0]) <= EDITS_MAX
    fewer, more = (asked, known) if len(asked) <= len(known) else (known, asked)
    return _pairing(fewer, more, EDITS_MAX)


def distance(one: str, other: str, *, most: int = EDITS_MAX) -> int:
    """Edits (insert, delete, replace, swap of neighbours) between two words; `most + 1` when there are more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def _parts(name: str) -> list[str]:
    """Folded words that identify: no titles in front, no suffixes behind, no particles between."""
    words = fold(name).split()
    while len(words) > 1 and words[0] in TITLES:
        words = words[1:]
    while len(words) > 1 and words[-1] in SUFFIXES:
        words = words[:-1]
    return [word for word in words if word not in PARTICLES] or words


def _joined_alike(asked: Sequence[str], known: Sequence[str]) -> bool:
    """ "Mary Ann" and "Maryann", "de Souza" and "Desouza": the same letters, spaced or ordered otherwise."""
    one, other = "".join(asked), "".join(known)
    if len(other) >= 6 and distance(one, other, most=1) <= 1:
        return True
    return one == other or sorted(asked) == sorted(known)


def _pairing(fewer: Sequence[str], more: Sequence[str], budget: int) -> bool:
    """Whether each word of `fewer` finds its own word of `more` within the budget of edits."""
    if not fewer:
        return True
    for place, word in enumerate(more):
        cost = _cost(fewer[0], word)
        if cost <= budget and _pairing(fewer[1:], [*more[:place], *more[place + 1 :]], budget - cost):
            return True
    return False


def _cost(one: str, other: str) -> int:
    """Edits between two words of a name; nicknames cost nothing, short words forgive less."""
    if one == other or _share_nickname(one, other):
        return 0
    shorter = min(len(one), len(other))
    allowed = 0 if shorter <= 3 else 1 if shorter <= 5 else 2
    edits = distance(one, other, most=allowed)
    return edits if edits <= allowed else EDITS_MAX + 1


def _share_nickname(one: str, other: str) -> bool:
    groups = NICKNAMES.get(one)
    return groups is not None and not groups.isdisjoint(NICKNAMES.get(other, ()))
