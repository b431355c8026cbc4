"""One line of names as people: "Mr & Mrs John Smith", "John and Jane Smith + guest", "The Smith Family (4)".

Rules, not statistics: a title makes nobody a man or a woman, and what is not understood stays in the name. Every word
of the line ends up in a name, a title, the family or the note.
"""

import re
from collections.abc import Sequence

import msgspec

from wedsync.guests.importing.vocabulary import (
    FAMILY_WORDS,
    GUEST_WORDS,
    KIN,
    NICKNAMES,
    PARTICLES,
    SUFFIXES,
    TITLES,
    normal_word,
)

PLACEHOLDERS_MAX = 20


class PersonName(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The parts of one person's name; a person known only by title and surname has no `first`."""

    title: str = ""
    first: str = ""
    middle: str = ""
    last: str = ""
    suffix: str = ""
    known_as: str = ""

    def display(self) -> str:
        """What is written on screens: the title only where there is no given name."""
        parts = (self.first or self.title, self.middle, self.last, self.suffix)
        return " ".join(part for part in parts if part)


class NameLine(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a line says: people with names, how many more without, the family's name, the size given, and the rest."""

    people: tuple[PersonName, ...] = ()
    unnamed: int = 0
    family: str = ""
    size: int = 0
    note: str = ""
    guest_of: str = ""


_PARENTHESES = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_QUOTED = re.compile(r"(?<!\w)[\"“”‘']([^\"“”‘’']{1,40})[\"“”’'](?!\w)")
_PLUS_COUNT = re.compile(r"(?:^|\s|,)(?:\+|plus|and|&)\s*(\d{1,2})(?:\s*(?:guests?|others|more))?\s*$", re.IGNORECASE)
_GUEST_OF = re.compile(
    r"^(?:guest|plus one|\+1|partner|date) of (.+)$|^(.+?)['’]s (?:guest|plus one|\+1|date)$", re.IGNORECASE
)
_JOINED = re.compile(r"\s*(?:[&+/;]|,(?=\s)|(?<!\w)(?:and|und|et|og|och|plus|AND|And|Und|Et)(?!\w))\s*")
_JOINED_BY_WORD = re.compile(r"(?<!\w)(?:and|und|et)(?!\w)", re.IGNORECASE)
_JOINED_SHORT = re.compile(r"\s+(?:y|e|i|en|a)\s+")
_FAMILY_LAST = re.compile(r"^(?:the\s+)?(.+?)\s+(?:family|familie|famille|household|clan)$", re.IGNORECASE)
_FAMILY_FIRST = re.compile(r"^(?:the\s+)?(?:family|familie|famille|familia|famiglia|fam\.?)\s+(.+)$", re.IGNORECASE)
_FAMILY_PLURAL = re.compile(r"^the\s+([^\s&+,]+(?:\s[^\s&+,]+)?)$", re.IGNORECASE)
_ENDS_JOINING = re.compile(r"(?:[&+,/]|\band|\bund|\bet)$", re.IGNORECASE)
_MAYBE_SEVERAL = re.compile(
    r"[&+/;,()\[\]\"“”]|\b(?:and|und|et|og|och|plus|y|e|i|en|guest|guests|family|familie|famille|familia|tbc|tbd|tba"
    r"|unknown|of|the|date|partner)\b",
    re.IGNORECASE,
)


def is_simple(text: str) -> bool:
    """Whether the text can only be one person's name, so that columns may be taken as they are."""
    return _MAYBE_SEVERAL.search(text) is None


def read_line(text: str) -> NameLine:
    """Read a line of names; an empty line says nothing."""
    rest, size, note = _without_parentheses(" ".join(text.split()))
    known_as = ""
    quoted = _QUOTED.search(rest)
    if quoted:
        known_as = quoted.group(1).strip()
        rest = " ".join((rest[: quoted.start()] + " " + rest[quoted.end() :]).split())
    guest_of = _GUEST_OF.match(rest)
    if guest_of:
        return NameLine(unnamed=1, note=note, guest_of=(guest_of.group(1) or guest_of.group(2)).strip())
    rest, unnamed = _without_count(rest)
    family, rest = _family(rest)
    people, more, gathered = _people(rest)
    if known_as and people:
        people = (msgspec.structs.replace(people[0], known_as=known_as), *people[1:])
    family = family or gathered
    if family and not people and not unnamed + more:
        unnamed = max(size, 1)
    return NameLine(people, min(unnamed + more, PLACEHOLDERS_MAX), family, min(size, PLACEHOLDERS_MAX), note)


def one_person(first: str, last: str, *, title: str = "", middle: str = "", suffix: str = "") -> PersonName:
    """A person whose parts were in columns of their own; only the case of all-capitals is changed."""
    return PersonName(title, _cased(first), _cased(middle), _cased(last), suffix)


def _without_parentheses(text: str) -> tuple[str, int, str]:
    """The text, a number that stood in parentheses (the size of a party), and other remarks in parentheses."""
    size, notes = 0, []
    for match in _PARENTHESES.finditer(text):
        inner = (match.group(1) or match.group(2) or "").strip()
        count = re.fullmatch(
            r"(?:party of |x\s?)?(\d{1,2})(?:\s*(?:people|guests|pax|persons|adults))?", inner, re.IGNORECASE
        )
        if count:
            size = int(count.group(1))
        elif re.fullmatch(r"\+\s*(?:1|guest|one)|plus one", inner, re.IGNORECASE):
            text = text.replace(match.group(0), " + guest ")
        elif inner:
            notes.append(inner)
    return " ".join(_PARENTHESES.sub(" ", text).split()), size, "; ".join(notes)


def _without_count(text: str) -> tuple[str, int]:
    match = _PLUS_COUNT.search(text)
    if match is None:
        return text, 0
    return text[: match.start()].strip(" ,&+"), min(int(match.group(1)), PLACEHOLDERS_MAX)


def _family(text: str) -> tuple[str, str]:
    """The family's name and what is left of the line to read as people."""
    for pattern in (_FAMILY_LAST, _FAMILY_FIRST):
        match = pattern.match(text)
        if match and not _ENDS_JOINING.search(match.group(1)):
            name = match.group(1).strip()
            is_surname = " " not in name or _first_particle(name.split()) == 0
            return _cased(name), "" if is_surname or name.lower().startswith("the ") else name
    match = _FAMILY_PLURAL.match(text)
    if match:
        name = match.group(1)
        return _cased(name.removesuffix("s") if name.endswith("s") and not name.endswith("ss") else name), ""
    return "", text


def _people(text: str) -> tuple[tuple[PersonName, ...], int, str]:
    """People, unnamed ones, and a family named beside them ("John Smith & family")."""
    text, suffix = _comma_suffix(text)
    turned = _surname_first(text)
    pieces = [piece.strip(" ,") for piece in _split(turned or text)]
    named: list[list[str]] = []
    unnamed, family = 0, ""
    for piece in pieces:
        word = normal_word(piece)
        if not word:
            continue
        if word in GUEST_WORDS or word.removeprefix("a ").removeprefix("their ").removeprefix("his ") in GUEST_WORDS:
            unnamed += 1
        elif word in FAMILY_WORDS and pieces:
            family = "family"
        else:
            named.append(piece.split())
    people = _share_titles(_share_surname([_person(words) for words in named]))
    if suffix and people:
        people[-1] = msgspec.structs.replace(people[-1], suffix=suffix)
    if family:
        family = people[0].last or people[0].first if people else ""
    return tuple(people), unnamed, family


def _split(text: str) -> list[str]:
    pieces: list[str] = []
    for piece in _JOINED.split(text):
        # "María y José García" joins people, "José Ortega y Gasset" is one surname, "John E Smith" an initial
        parts = _JOINED_SHORT.split(piece)
        joins = len(parts) == 2 and len(parts[1].split()) >= 2 and len(parts[0].split()) <= 2
        pieces.extend(parts if joins else [piece])
    return [piece for piece in pieces if piece.strip()]


def _comma_suffix(text: str) -> tuple[str, str]:
    """ "John Smith, Jr." -> ("John Smith", "Jr.")."""
    head, comma, tail = text.rpartition(",")
    if comma and normal_word(tail).replace(" ", "") in SUFFIXES:
        return head.strip(), tail.strip()
    return text, ""


def _surname_first(text: str) -> str:
    """ "Smith, John & Jane" -> "John & Jane Smith"; nothing when the comma separates people instead."""
    if text.count(",") != 1:
        return ""
    left, right = (part.strip() for part in text.split(","))
    words = left.split()
    rest = [piece.split() for piece in _JOINED.split(right) if piece.strip()]
    is_surname = len(words) == 1 or (len(words) <= 4 and _first_particle(words) == 0)
    if not is_surname or not rest or normal_word(left) in TITLES:
        return ""
    given = [[word for word in piece if normal_word(word) not in TITLES] for piece in rest]
    if any(len(piece) > 2 for piece in given) or (len(rest) > 1 and len(given[-1]) > 1):
        return ""
    if len(rest) > 1 and (_JOINED_BY_WORD.search(right) or normal_word(left) in NICKNAMES):
        return ""  # "Anna, Ben and Carla" and "Tom, Dick & Harry" are lists, "Smith, John & Jane" is not
    return f"{right} {left}" if len(rest) == 1 or not _is_guest(rest[-1]) else f"{' '.join(rest[0])} {left} + guest"


def _is_guest(words: Sequence[str]) -> bool:
    return normal_word(" ".join(words)) in GUEST_WORDS


def _person(words: Sequence[str]) -> PersonName:
    """Titles in front, suffixes behind, particles with the surname; one word alone is a given name."""
    left = list(words)
    if len(left) > 2 and left[0].lower() == "the" and _is_title(left[1]):
        del left[0]
    titles: list[str] = []
    while left and _is_title(left[0]):
        titles.append(left.pop(0))
    suffixes: list[str] = []
    while len(left) > 1 and normal_word(left[-1]).replace(" ", "") in SUFFIXES:
        suffixes.insert(0, left.pop())
    while len(left) > 1 and not any(map(str.isalnum, left[-1])):
        left[-2:] = [" ".join(left[-2:])]  # an emoji behind a name belongs to it
    title, suffix = " ".join(titles), " ".join(suffixes)
    if not left:
        return PersonName(title=title, suffix=suffix)
    shouts = " ".join(left)
    left = [_cased(word, within=shouts) for word in left]
    if len(left) == 1:
        is_surname = titles and normal_word(titles[-1]) not in KIN
        return PersonName(title, "", "", left[0], suffix) if is_surname else PersonName(title, left[0], "", "", suffix)
    cut = _first_particle(left[1:])
    at = cut + 1 if cut is not None else len(left) - 1
    return PersonName(title, left[0], " ".join(left[1:at]), " ".join(left[at:]), suffix)


def _is_title(word: str) -> bool:
    """ "Sr" before a name is Señor; a bare "M" or "Don" is a title only with its point or in front of more."""
    return normal_word(word) in TITLES and (len(word) > 1 or word.endswith("."))


def _first_particle(words: Sequence[str]) -> int | None:
    """Where a surname with particles begins ("van den Berg"), if one does; a particle that ends the name is not one."""
    for place, word in enumerate(words[:-1]):
        if word == "y" and place:
            return place - 1
        if word.lower().strip(".") in PARTICLES and len(word) > 1:
            return place
    return None


def _share_surname(people: list[PersonName]) -> list[PersonName]:
    """ "John and Jane Smith": whoever has no surname takes that of the next who has one."""
    shared: list[PersonName] = []
    following = ""
    is_followed_by_full = False
    for person in reversed(people):
        if person.last and not person.first and is_followed_by_full:  # "Dr Jane and Mr John Smith"
            shared.insert(0, msgspec.structs.replace(person, first=person.last, last=following))
        elif person.last:
            following, is_followed_by_full = person.last, bool(person.first)
            shared.insert(0, person)
        else:
            shared.insert(0, msgspec.structs.replace(person, last=following))
    return shared


def _share_titles(people: list[PersonName]) -> list[PersonName]:
    """ "Mr & Mrs John Smith": the given name belongs to the first title; the second person is known by title only.

    "Mr & Mrs John and Jane Smith" arrives as [Mr], [Mrs John], [Jane]: the titles are dealt out in order.
    """
    if len(people) < 2 or not people[0].title or people[0].first:
        return people
    if len(people) == 3 and people[1].title and people[1].first and people[2].first and not people[2].title:
        first = msgspec.structs.replace(people[1], title=people[0].title)
        return [first, msgspec.structs.replace(people[2], title=people[1].title)]
    bare, full = people[0], people[1]
    if not full.first:
        return people
    first = msgspec.structs.replace(full, title=bare.title)
    second = PersonName(title=full.title, last=full.last)
    return [first, second, *people[2:]] if full.title else people


_CAPITAL_AFTER = re.compile(r"(^|[-'’.\s])(\w)")


def _cased(text: str, *, within: str = "") -> str:
    """SMITH and smith become Smith, MCDONALD McDonald; anything with both cases is how its owner writes it."""
    whole = within or text
    if len(text) < 2 or not (whole.isupper() or whole.islower()) or not any(c.isalpha() for c in text):
        return text
    if within and len(text) <= 3 and text.isupper() and not re.search(r"[AEIOUY]", text):
        return text  # JR, TJ
    lower = text.lower()
    if lower in PARTICLES:
        return lower
    cased = _CAPITAL_AFTER.sub(_with_capital, lower)
    return cased[:2] + cased[2:3].upper() + cased[3:] if lower.startswith("mc") and len(lower) > 4 else cased


def _with_capital(match: re.Match[str]) -> str:
    capital = match.group(2).upper()  # a letter that would become two (ß) stays small
    return match.group(1) + (capital if len(capital) == 1 else match.group(2))
