"""Cells of a guest list to what they say (an age, an address, a role, tags), and the transforms of an import."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from wedsync.guests.importing.contacts import Phones, is_nothing, read_email
from wedsync.guests.importing.dates import read_date
from wedsync.guests.importing.names import fold
from wedsync.guests.importing.values import AgeBand
from wedsync.guests.importing.vocabulary import AGES, ANSWERS, NO_NAME, ROLES, SIDES, normal_word
from wedsync.kit.transforms import Factory, Transform

LABEL_CHARS_MAX = 60
TAGS_MAX = 30
CONTACT_CHARS_MAX = 500
_BANDS: Mapping[str, AgeBand] = {band: band for band in get_args(AgeBand)}
_FORMULA = re.compile(r"[=@]|[+\-]\s*[A-Za-z_]\w*\s*\(|[+\-].*[!|]")
_LINE_BREAKS = re.compile(r"\s*,?\s*\n\s*")
_MEAL_BREAKS = re.compile(r"[,;/&\n]")
_TAG_BREAKS = re.compile(r"\s*(?::::|[|;,\n])\s*")
_TAGS_OF_NOBODY = frozenset({"mycontacts", "my contacts", "starred", "imported", "friends of", "other contacts"})


def age_band(cell: str) -> AgeBand | Literal[""] | None:
    """An age or a word for one; "" for an answer that tells nothing, None for what is not understood."""
    word = normal_word(cell)
    if word in AGES:
        return _BANDS[AGES[word]]
    if cell.replace(".", "", 1).isdecimal() and float(cell) <= 120:
        years = float(cell)
        return "infant" if years < 3 else "child" if years < 13 else "teen" if years < 18 else "adult"
    answer = ANSWERS.get(word)
    return "child" if answer == "accepted" else "" if answer or is_nothing(cell) else None


def dealt(cell: str, people: int) -> list[str]:
    """ "Beef, Fish" for two people is one each; one choice for several is everybody's."""
    parts = [part.strip() for part in _MEAL_BREAKS.split(cell) if part.strip()] if people > 1 else []
    return parts if len(parts) == people > 1 else [cell] * people


def covers(cell: str, people: int) -> bool:
    """A number of people coming, where it is everybody."""
    return cell.isdecimal() and int(cell) >= people


def role_of(cell: str) -> str:
    return ROLES.get(normal_word(cell), cell[:LABEL_CHARS_MAX]) if cell else ""


def side_and_tags(relationship: str, cells: Sequence[str]) -> tuple[str, list[str]]:
    tags: dict[str, None] = {}
    for cell in cells:
        for part in _TAG_BREAKS.split(cell):
            tag = part.removeprefix("* ").strip()
            if tag and tag.lower() not in _TAGS_OF_NOBODY:
                tags.setdefault(tag[:LABEL_CHARS_MAX])
    words = normal_word(relationship)
    side = next((SIDES[known] for known in SIDES if f"{words} ".startswith(f"{known} ")), "") if words else ""
    if words and words not in SIDES:
        tags.setdefault(relationship[:LABEL_CHARS_MAX])
    return side, list(tags)[:TAGS_MAX]


def address_of(values: Mapping[str, Any]) -> str:
    """One line. An address in one cell is completed by the town and postcode beside it, unless it has them already."""
    street = [values[name] for name in ("address_1", "address_2") if name in values] or [values.get("address", "")]
    place = [values[name] for name in ("city", "region", "postcode", "country") if name in values]
    if not any(street) and (len(place) < 2 or "country" in values):
        return ""  # a country, or a town, is where somebody is from and not where a letter goes
    lines = [line for line in street if line and not is_nothing(line)]
    if "\n" in "".join(lines):
        lines = [" ".join(_LINE_BREAKS.sub(", ", line).split()) for line in lines]
    known = "" if "address_1" in values else f" {fold(' '.join(lines))} "
    lines += [line for line in place if not is_nothing(line) and not (known and f" {fold(line)} " in known)]
    return ", ".join(lines)[:CONTACT_CHARS_MAX]


def transforms(phones: Phones) -> dict[str, Factory]:
    def person_name(value: Any) -> Any:
        if value[0] in "=@+-" and _FORMULA.match(value):
            raise ValueError("This is a spreadsheet formula, not a name. Replace it with the name.")
        return None if len(value) < 8 and value.lower() in NO_NAME else value

    def day(options: Mapping[str, Any]) -> Transform:
        day_first = bool(options.get("day_first", True))
        seen: dict[str, str] = {}

        def read(value: Any) -> str:
            found = seen.get(value)
            if found is None:
                found = seen[value] = read_date(value, day_first=day_first)
            if not found:
                raise ValueError("This date does not exist or cannot be read. Write it like 4 July 2027.")
            return found

        return read

    return {
        "person_name": lambda options: person_name,
        "guest_email": lambda options: lambda value: read_email(value) or None,
        "phone": lambda options: lambda value: phones.read(value) or None,
        "day": day,
    }
