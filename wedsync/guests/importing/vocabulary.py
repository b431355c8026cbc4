"""The words of guest lists, loaded from the TOML files beside this one: sources, header aliases, answers, names, needs.

Nothing here decides; it only makes the data quick to ask.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import msgspec


class Source(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One kind of file, as `sources.toml` describes it."""

    name: str
    label: str
    confidence: float
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    answers: bool = False
    columns: dict[str, str] = {}


class Target(msgspec.Struct, frozen=True):
    """A place a column can go to, with the words the wizard shows. `many`: several columns may share it."""

    name: str
    label: str
    many: bool = False


def _load(name: str) -> Any:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text("utf-8"))


_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_NOT_WORD = re.compile(r"[^\w+#]+|_+")


def normal_header(header: str) -> str:
    """A header as the data files spell it: "E-mail 1 - Value" -> "e mail 1 value", "ZIPCode" -> "zip code"."""
    header = header.replace("(s)", "s").replace("'", "").replace("’", "")
    spaced = _CAMEL.sub(" ", header) if not header.isupper() else header
    plain = "".join(c for c in unicodedata.normalize("NFKD", spaced).lower() if not unicodedata.combining(c))
    return " ".join(_NOT_WORD.sub(" ", plain.replace("ß", "ss")).split())


def normal_word(cell: str) -> str:
    """A cell as `words.toml` and `needs.toml` spell it: lower case, no accents, no punctuation but `+` and `?`."""
    text = cell.strip().lower()
    if text in _WORD_SYMBOLS or (text.isascii() and text.isalnum()):
        return text
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(_NOT_CELL_WORD.sub(" ", plain.replace("'", "").replace("’", "")).split())


_NOT_CELL_WORD = re.compile(r"[^\w+?✓✔☑✗✘☒]+|_+")
_WORD_SYMBOLS = frozenset("✓✔☑✗✘☒?")

_ALIASES = _load("aliases.toml")
_WORDS = _load("words.toml")
NEEDS: Mapping[str, Any] = _load("needs.toml")

SOURCES: tuple[Source, ...] = msgspec.convert(_load("sources.toml")["source"], type=tuple[Source, ...])
LABELS: Mapping[str, str] = {source.name: source.label for source in SOURCES} | {"spreadsheet": "Spreadsheet"}


def spaceless(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each alias with and without its spaces, the first to claim a spelling keeping it."""
    index: dict[str, str] = {}
    for alias, target in pairs:
        for spelling in (alias, alias.replace(" ", "")):
            index.setdefault(spelling, target)
    return index


ALIASES: Mapping[str, str] = spaceless((alias, name) for name, list_ in _ALIASES["targets"].items() for alias in list_)
NUMBERED: Mapping[str, str] = {alias: name for name, list_ in _ALIASES["numbered"].items() for alias in list_}
UNSURE: frozenset[str] = frozenset(_ALIASES["unsure"]["headers"])
EVENT_ANSWER_WORDS: tuple[str, ...] = tuple(sorted(_ALIASES["events"]["answer_words"], key=len, reverse=True))
EVENT_MEAL_WORDS: tuple[str, ...] = tuple(sorted(_ALIASES["events"]["meal_words"], key=len, reverse=True))
NOT_EVENTS: frozenset[str] = frozenset(_ALIASES["events"]["not_events"])
PREFERRED: frozenset[str] = frozenset(_ALIASES["several"]["preferred"])
LAST_RESORT: frozenset[str] = frozenset(_ALIASES["several"]["last_resort"])


def _by_word(table: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {normal_word(word): name for name, words in table.items() for word in words}


ANSWERS: Mapping[str, str] = _by_word(_WORDS["answers"])
NOTHING: frozenset[str] = frozenset(_WORDS["nothing"]["words"])
NO_NAME: frozenset[str] = frozenset(_WORDS["nothing"]["no_name"])
AGES: Mapping[str, str] = _by_word(_WORDS["ages"])
SIDES: Mapping[str, str] = _by_word(_WORDS["sides"])
ROLES: Mapping[str, str] = _by_word(_WORDS["roles"]) | {name: name for name in _WORDS["roles"]}
TITLES: frozenset[str] = frozenset(_WORDS["names"]["titles"])
SUFFIXES: frozenset[str] = frozenset(_WORDS["names"]["suffixes"])
KIN: frozenset[str] = frozenset(_WORDS["names"]["kin"])
PARTICLES: frozenset[str] = frozenset(_WORDS["names"]["particles"])
GUEST_WORDS: frozenset[str] = frozenset(_WORDS["names"]["guests"])
FAMILY_WORDS: frozenset[str] = frozenset(_WORDS["names"]["families"])


def _nicknames() -> dict[str, frozenset[int]]:
    groups: dict[str, set[int]] = {}
    for number, group in enumerate(_load("nicknames.toml")["groups"]):
        for name in group.split():
            groups.setdefault(name, set()).add(number)
    return {name: frozenset(numbers) for name, numbers in groups.items()}


NICKNAMES: Mapping[str, frozenset[int]] = _nicknames()

TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target("title", "Title (Mr, Dr …)"),
        Target("first_name", "First name"),
        Target("middle_name", "Middle name"),
        Target("last_name", "Last name"),
        Target("suffix", "Suffix (Jr, PhD …)"),
        Target("known_as", "Known as"),
        Target("full_name", "Full name, or several people in one cell"),
        Target("envelope", "Name on the envelope"),
        Target("party", "Party (who is invited together)"),
        Target("partner_title", "Partner's title"),
        Target("partner_first_name", "Partner's first name"),
        Target("partner_last_name", "Partner's last name"),
        Target("partner_name", "Partner's full name"),
        Target("plus_one", "Plus-one (yes, a number, or a name)", many=True),
        Target("plus_one_of", "Plus-one of"),
        Target("email", "E-mail", many=True),
        Target("phone", "Phone", many=True),
        Target("email_or_phone", "E-mail or phone"),
        Target("address", "Address in one cell"),
        Target("address_1", "Address line 1"),
        Target("address_2", "Address line 2"),
        Target("city", "Town or city"),
        Target("region", "County or state"),
        Target("postcode", "Postcode"),
        Target("country", "Country"),
        Target("rsvp", "Answer for the whole wedding", many=True),
        Target("rsvp_at", "Date of the answer"),
        Target("meal", "Meal choice", many=True),
        Target("diet", "Diet", many=True),
        Target("allergies", "Allergies", many=True),
        Target("need_allergens", "Allergens as WedSync writes them"),
        Target("need_diets", "Diets as WedSync writes them"),
        Target("need_access", "Access needs as WedSync writes them"),
        Target("need_note", "The words of those needs"),
        Target("access", "Access needs", many=True),
        Target("age", "Age, or child / adult"),
        Target("children", "Children (a number, or names)"),
        Target("party_size", "Number of people in the party"),
        Target("side", "Whose side, relationship"),
        Target("role", "Role at the wedding"),
        Target("table", "Table"),
        Target("tags", "Tags", many=True),
        Target("notes", "Notes", many=True),
        Target("guest_key", "Guest number of the source"),
        Target("kind", "Named, or a plus-one without a name"),
        Target("party_name", "Name of the party"),
        Target("custom", "Keep as it is, beside the guest", many=True),
        Target("ignore", "Leave out", many=True),
    )
}
