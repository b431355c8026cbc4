"""A first map for a CRM that nobody here knows: by what its values are called and look like. A person looks at it then.

The words are those by which columns of clients' lists are known, so one list of words serves both.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from wedsync.clients.importing.vocabulary import ALIASES, STAGE_WORDS
from wedsync.connections.records import documents
from wedsync.connections.records.fields import MapRule
from wedsync.connections.records.record import FIELDS, Field
from wedsync.guests.importing.vocabulary import normal_header, normal_word
from wedsync.kit.mapping import Step

DOCUMENTS_MAX: Final = 50
WORDS_MAX: Final = 5
DAY_MAX: Final = 20
OF_EVENTS: Final = frozenset({"event", "wedding", "ceremony", "hochzeit"})
FORMS: Final = ("", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%B %d, %Y", "%d %B %Y", "%m/%d/%y")
PARTS: Final[Mapping[Field, tuple[str, str]]] = {
    "name": ("first_name", "last_name"),
    "partner_name": ("partner_first_name", "partner_last_name"),
}


def suggested(several: Sequence[Mapping[str, Any]]) -> tuple[MapRule, ...]:
    """One rule for each field that was recognised, all of them only reading; deterministic."""
    values: dict[str, list[str]] = {}
    for document in several[:DOCUMENTS_MAX]:
        for path, value in documents.leaves(document):
            values.setdefault(path, []).append(value)
    best: dict[str, tuple[int, str]] = {}
    for path, said in values.items():
        target, words = _meaning(path)
        if target and _looks_like(target, [one for one in said if one]) and words > best.get(target, (0, ""))[0]:
            best[target] = (words, path)
    if "wedding_on" not in best and (day := _day(values)):
        best["wedding_on"] = (0, day)
    rules = [_rule(field, {target: path for target, (_, path) in best.items()}, values) for field in FIELDS]
    return tuple(rule for rule in rules if rule is not None)


def _day(values: Mapping[str, Sequence[str]]) -> str:
    """The one place that only ever holds days and is not known for another: of several, the one of the event."""
    found = [
        path
        for path, said in values.items()
        if not _meaning(path)[0]
        and any(said)
        and max(map(len, said)) <= DAY_MAX
        and _form([o for o in said if o]) is not None
    ]
    events = [path for path in found if OF_EVENTS & set(normal_header(path).split())]
    return next(iter(events or (found if len(found) == 1 else ())), "")


def _meaning(path: str) -> tuple[str, int]:
    """What a place may be, by the longest end of its names that is known, and how many words that was."""
    words = normal_header(" ".join(documents.parts_of(path.replace("[0]", "")) or ())).split()
    for length in range(min(len(words), WORDS_MAX), 0, -1):
        target = ALIASES.get(" ".join(words[-length:]))
        if target is not None:
            return target, length
    return "", 0


def _looks_like(target: str, said: Sequence[str]) -> bool:
    if not said:
        return True
    if target in ("email", "partner_email"):
        return sum("@" in one for one in said) * 2 > len(said)
    if target == "wedding_on":
        return _form(said) is not None
    if target == "stage":
        return any(normal_word(one) in STAGE_WORDS for one in said)
    if target in ("phone", "partner_phone"):
        return sum(any(letter.isdigit() for letter in one) for one in said) * 2 > len(said)
    return not any(one in ("True", "False") for one in said)


def _form(said: Sequence[str]) -> str | None:
    """The form in which every one of these is a date; "" is ISO."""
    return next((form for form in FORMS if all(_is_date(one, form) for one in said)), None)


def _is_date(text: str, form: str) -> bool:
    try:
        datetime.strptime(text.strip() if form else text.strip()[:10], form or "%Y-%m-%d")
    except ValueError:
        return False
    return True


def _rule(field: Field, best: Mapping[str, str], values: Mapping[str, Sequence[str]]) -> MapRule | None:
    halves = [best[part] for part in PARTS.get(field, ()) if part in best]
    whole = best.get(field) or (best.get("couple") if field == "name" else None)
    if len(halves) == 2 or (halves and whole is None):
        return MapRule(target=field, source=tuple(halves), take="all", transform=(Step("join"),))
    if whole is None:
        return None
    said = [one for one in values[whole] if one]
    if field == "wedding_on":
        form = _form(said) or ""
        return MapRule(target=field, source=(whole,), transform=(Step("date", {"format": form}),) if form else ())
    if field == "stage":
        table = {one: STAGE_WORDS[normal_word(one)] for one in dict.fromkeys(said) if normal_word(one) in STAGE_WORDS}
        return MapRule(target=field, source=(whole,), transform=(Step("lookup", {"table": table}),) if table else ())
    return MapRule(target=field, source=(whole,))
