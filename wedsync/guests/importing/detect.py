"""What kind of file this is and what each column means, with a confidence; below `ASK_BELOW` the person is asked.

In order: the signature of a known source and its template, the alias of a header, a known phrase inside a header, and
last the values themselves. Whatever the headers promise is checked against the values.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec

from wedsync.guests.importing.columns import Facts, facts_of, test_of
from wedsync.guests.importing.dates import day_order, samples
from wedsync.guests.importing.sheet import Sheet
from wedsync.guests.importing.vocabulary import (
    ALIASES,
    EVENT_ANSWER_WORDS,
    EVENT_MEAL_WORDS,
    LABELS,
    LAST_RESORT,
    NOT_EVENTS,
    NUMBERED,
    PREFERRED,
    SOURCES,
    TARGETS,
    UNSURE,
    Source,
    normal_header,
)
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.mapping import Check, FieldMap, Rule, Step

ASK_BELOW = 0.8
MAPPING_VERSION = 1
NAME_CHARS_MAX = 300
TEXT_CHARS_MAX = 2_000
PARTY_GUESTS_MAX = 20
OWN_SOURCE = "wedsync"


class ColumnGuess(msgspec.Struct, frozen=True):
    """One column: what it means, how sure that is and why, and a few of its values."""

    index: int
    header: str
    target: str
    confidence: float
    reason: str  # template | alias | phrase | event | values | empty | unknown | chosen
    samples: tuple[str, ...] = ()
    day_first: bool | None = None


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """What a column is taken for; send another `target` by its header to correct it."""

    header: str
    target: str
    confidence: float
    reason: str
    samples: tuple[str, ...]


class Detection(msgspec.Struct, frozen=True):
    """The whole file: its source and every column."""

    source: str
    label: str
    confidence: float
    columns: tuple[ColumnGuess, ...]

    def questions(self) -> list[ColumnGuess]:
        """The columns a person should look at before anything is imported."""
        return [column for column in self.columns if column.confidence < ASK_BELOW]

    def as_chosen(self, chosen: Mapping[str, str]) -> list[Column]:
        """What every column is taken for, `chosen` by header going before what was guessed."""
        return [
            Column(
                header=c.header,
                target=chosen.get(c.header, c.target),
                confidence=1.0 if c.header in chosen else c.confidence,
                reason="chosen" if c.header in chosen else c.reason,
                samples=c.samples,
            )
            for c in self.columns
        ]


def detect(sheet: Sheet, *, country: str = "", events: Sequence[str] = ()) -> Detection:
    """Guess the source and the columns. `events` are names of schedule items, which make event columns certain."""
    headers = plain_headers(sheet.headers)
    facts = [facts_of(sheet.column(index)) for index in range(len(headers))]
    source = recognised(headers, facts, SOURCES)
    known_events = {normal_header(event) for event in events}
    guesses = [
        _guess(index, sheet.headers[index], headers[index], facts[index], source=source, events=known_events)
        for index in range(len(headers))
    ]
    guesses = _without_rivals(guesses)
    guesses = _with_a_name(guesses, facts)
    guesses = [_with_samples(guess, sheet.column(guess.index), facts[guess.index], country) for guess in guesses]
    if source is None:
        return Detection("spreadsheet", LABELS["spreadsheet"], 0.5, tuple(guesses))
    return Detection(source.name, source.label, source.confidence, tuple(guesses))


def to_field_map(
    detection: Detection, choices: Mapping[str, str] | None = None, *, day_first: bool | None = None
) -> FieldMap:
    """The mapping to import with: the guesses, corrected by what the person chose (header -> target).

    Raises `Refusal` 422 `mapping_invalid` for a choice that names no column or no target.
    """
    chosen = dict(choices or {})
    _refuse_unknown(detection, chosen)
    sources: dict[str, list[str]] = {}
    for column in detection.columns:
        target = chosen.get(column.header, column.target)
        if target == "custom":
            target = f"custom:{column.header}"
        if target != "ignore":
            sources.setdefault(target, []).append(column.header)
    order = next((c.day_first for c in detection.columns if c.day_first is not None), None)
    is_day_first = day_first if day_first is not None else order if order is not None else True
    is_own = detection.source == OWN_SOURCE
    rules = [
        _rule(target, tuple(sorted(headers, key=_rank)), day_first=is_day_first, is_own=is_own)
        for target, headers in sources.items()
    ]
    return FieldMap(name=detection.source, version=MAPPING_VERSION, rules=tuple(rules))


def _rank(header: str) -> int:
    """Of several phones or addresses the personal one first, the office last; otherwise the order of the file."""
    words = set(normal_header(header).split())
    return 0 if words & PREFERRED else 2 if words & LAST_RESORT else 1


def _refuse_unknown(detection: Detection, chosen: Mapping[str, str]) -> None:
    headers = {column.header for column in detection.columns}
    faults = [FieldError(header, "There is no such column in this file.") for header in chosen if header not in headers]
    faults += [
        FieldError(header, f"A column cannot become {target!r}.", "Choose one of the targets listed.")
        for header, target in chosen.items()
        if not _is_target(target)
    ]
    if faults:
        raise Refusal(422, "mapping_invalid", "Some columns cannot be mapped as chosen.", errors=faults)


def _is_target(target: str) -> bool:
    head, colon, rest = target.partition(":")
    if not colon:
        return target in TARGETS
    return bool(rest) and (head in {"rsvp", "meal"} or (head in set(NUMBERED.values()) and rest.isdigit()))


_ONE_LINE = {"title", "suffix", "known_as", "city", "region", "postcode", "country", "role", "table", "side"}
_NAMES = {"first_name", "middle_name", "last_name", "full_name", "envelope", "party", "plus_one_of"}
_NAMES |= {"partner_first_name", "partner_last_name", "partner_name"}
_LISTS = {"tags", "plus_one"}
_JOINED = {"diet", "allergies", "access", "notes"}


def _rule(target: str, headers: tuple[str, ...], *, day_first: bool, is_own: bool) -> Rule:
    """How a target is read. A name of our own export is taken to the letter; elsewhere a formula is no name."""
    head = target.partition(":")[0]
    if head in _NAMES or head in set(NUMBERED.values()):
        too_long = f"A name may have at most {NAME_CHARS_MAX} characters: shorten it."
        check = (Check("length_max", NAME_CHARS_MAX, too_long),)
        return Rule(target, headers, transform=() if is_own else (Step("person_name"),), check=check)
    steps: dict[str, Step] = {"email": Step("guest_email"), "phone": Step("phone")}
    steps["rsvp_at"] = Step("day", {"day_first": day_first})
    if head in steps:
        return Rule(target, headers, transform=(steps[head],))
    if head in _LISTS:
        return Rule(target, headers, take="all")
    if head in _JOINED:
        return Rule(target, headers, take="all", transform=(Step("join", {"separator": "; "}),), check=_text_check())
    if head in _ONE_LINE:
        return Rule(target, headers, check=(Check("length_max", NAME_CHARS_MAX),))
    return Rule(target, headers, check=_text_check())


def _text_check() -> tuple[Check, ...]:
    return (Check("length_max", TEXT_CHARS_MAX),)


# --- the source ------------------------------------------------------------------------------------------------------


def plain_headers(headers: Sequence[str]) -> list[str]:
    """Normalised headers; the number that tells two equal headers apart ("Email (2)") is not part of the name."""
    there = set(headers)
    plain = []
    for header in headers:
        base = re.sub(r" \(\d+\)$", "", header)
        plain.append(normal_header(base if base in there else header))
    return plain


def recognised(headers: Sequence[str], facts: Sequence[Facts], sources: Sequence[Source]) -> Source | None:
    """The surest of the sources whose signature these normalised headers and their values bear."""
    there = set(headers)

    def fits(source: Source) -> bool:
        return (
            there.issuperset(source.all_of)
            and (not source.any_of or not there.isdisjoint(source.any_of))
            and there.isdisjoint(source.none_of)
            and (not source.answers or any(fact.answer_words >= 0.9 for fact in facts))
        )

    return max((source for source in sources if fits(source)), key=lambda source: source.confidence, default=None)


# --- one column ------------------------------------------------------------------------------------------------------


Meaning = tuple[str, float, str]  # target, confidence, reason


def _guess(
    index: int, header: str, plain: str, facts: Facts, *, source: Source | None, events: set[str]
) -> ColumnGuess:
    template = _template(source, plain)
    own = _own_event(header) if source is not None and source.name == OWN_SOURCE else ""
    if own:
        meaning: Meaning = (own, 1.0, "template")
    elif not facts.filled:
        meaning = (template or ALIASES.get(plain, "ignore"), 0.99, "empty")
    elif template:
        meaning = (template, _checked(template, facts, 0.99), "template")
    elif plain in events:
        meaning = (f"rsvp:{header}", _checked("rsvp", facts, 0.97), "event")
    else:
        meaning = (
            _by_alias(plain, facts) or _by_event(header, facts) or _by_phrase(plain, facts) or _by_values(header, facts)
        )
    return ColumnGuess(index, header, *meaning)


def _own_event(header: str) -> str:
    """ "RSVP: Ceremony" as `export` writes it; the event's name is taken to the letter."""
    head, colon, event = header.partition(": ")
    return f"{head.lower()}:{event}" if colon and head in {"RSVP", "Meal"} else ""


def _template(source: Source | None, plain: str) -> str:
    """The template's target; a second e-mail or address follows the first ("E-mail 3 - Value")."""
    if source is None:
        return ""
    target = source.columns.get(plain, "")
    if target or source.name == OWN_SOURCE:
        return target
    first = source.columns.get(re.sub(r"\d+", "1", plain), "")
    return (first if first in {"email", "phone"} else "ignore") if first else ""


def _checked(target: str, facts: Facts, confidence: float, *, unsure: bool = False) -> float:
    """A confidence lowered when the values do not look like what the header says."""
    share = test_of(target, facts)
    if share is None:
        return 0.75 if unsure else confidence
    if share >= 0.7:
        return confidence
    return 0.5 if unsure or share < 0.3 else 0.7


def _by_alias(plain: str, facts: Facts) -> Meaning | None:
    target = ALIASES.get(plain, "")
    if target == "tags" and facts.looks_like_parties:
        return "party", 0.6, "values"
    if target == "party" and facts.largest_group > PARTY_GUESTS_MAX:
        return "tags", 0.6, "values"
    if target:
        is_unsure = plain in UNSURE
        return target, _checked(target, facts, 0.9 if is_unsure else 0.95, unsure=is_unsure), "alias"
    number = re.search(r"\d+", plain)
    numbered = NUMBERED.get(re.sub(r"\d+", "#", plain), "") if number else ""
    return (f"{numbered}:{number.group()}", 0.95, "alias") if numbered and number else None


def _around(words: Sequence[str]) -> re.Pattern[str]:
    """`<event> <word>` or `<word> <event>`, with the punctuation people put between."""
    options = "|".join(re.escape(word).replace(r"\ ", r"[\s_-]+") for word in words)
    between = r"[\s:_\-–—()\[\]?]+"
    return re.compile(rf"(?:{options}){between}(.+?)[)\]?\s]*|(.+?){between}(?:{options})[)\]?\s]*", re.IGNORECASE)


_EVENT_ANSWER, _EVENT_MEAL = _around(EVENT_ANSWER_WORDS), _around(EVENT_MEAL_WORDS)


def _by_event(header: str, facts: Facts) -> Meaning | None:
    """ "Ceremony RSVP", "Attending: Brunch", "Reception Meal Choice"; or a column of answers named after an event."""
    for pattern, kind in ((_EVENT_MEAL, "meal"), (_EVENT_ANSWER, "rsvp")):
        match = pattern.fullmatch(header.strip())
        event = (match.group(1) or match.group(2) or "").strip(" :-–—()[]?") if match else ""
        is_event = event and not NOT_EVENTS.issuperset(normal_header(event).split())
        if is_event and (kind == "meal" or facts.answers >= 0.8):
            return f"{kind}:{event}", 0.9, "event"
    if facts.answers >= 0.9 and facts.answer_words >= 0.1:
        return f"rsvp:{header}", 0.88 if facts.answer_words >= 0.5 else 0.82, "event"
    return None


_PHRASES = sorted((alias for alias in ALIASES if len(alias) >= 4 and alias not in UNSURE), key=len, reverse=True)


def _by_phrase(plain: str, facts: Facts) -> Meaning | None:
    """An alias inside a longer header: "Please tell us your dietary requirements"."""
    padded = f" {plain} "
    for alias in _PHRASES:
        if f" {alias} " in padded:
            target = ALIASES[alias]
            if target in {"ignore", "custom"}:
                return target if target == "custom" else "custom", 0.8, "phrase"
            return target, min(0.85, _checked(target, facts, 0.85)), "phrase"
    return None


def _by_values(header: str, facts: Facts) -> Meaning:
    if facts.emails >= 0.8:
        return "email", 0.85, "values"
    if facts.phones >= 0.8 and facts.distinct >= 0.5 and facts.dates < 0.5:
        return "phone", 0.8, "values"
    if facts.answers >= 0.9 and facts.numbers < 0.9:
        return f"rsvp:{header}", 0.55, "values"
    return "custom", 0.7, "unknown"


# --- all columns together --------------------------------------------------------------------------------------------


def _without_rivals(guesses: list[ColumnGuess]) -> list[ColumnGuess]:
    """One column per target where only one makes sense: the surest stays, the others are kept beside the guest."""
    best: dict[str, ColumnGuess] = {}
    for guess in guesses:
        known = TARGETS.get(guess.target)
        if known is not None and known.many:
            continue
        rival = best.get(guess.target)
        if rival is None or (guess.reason != "empty", guess.confidence) > (rival.reason != "empty", rival.confidence):
            best[guess.target] = guess
    has_parts = {"first_name", "last_name"} <= set(best)
    return [_settled(guess, best.get(guess.target, guess), has_parts) for guess in guesses]


def _settled(guess: ColumnGuess, winner: ColumnGuess, has_parts: bool) -> ColumnGuess:
    if winner is not guess:
        is_empty = guess.reason == "empty"
        target, confidence = ("ignore", 0.99) if is_empty else ("custom", 0.6)
        return msgspec.structs.replace(guess, target=target, confidence=confidence)
    if guess.target == "full_name" and has_parts and guess.reason != "template":
        return msgspec.structs.replace(guess, target="ignore", confidence=0.85)
    return guess


def _with_a_name(guesses: list[ColumnGuess], facts: Sequence[Facts]) -> list[ColumnGuess]:
    """Some column must hold the names: without a header that says so, those that look like names are asked about."""
    named = {guess.target.partition(":")[0] for guess in guesses}
    if named & {"first_name", "last_name", "full_name", "envelope", "extra_name", "extra_first_name"}:
        return guesses
    free = [
        g for g in guesses if g.target == "custom" and facts[g.index].names >= 0.7 and facts[g.index].distinct > 0.3
    ]
    targets = ["full_name"]
    if len(free) > 1 and all(facts[guess.index].words < 1.3 for guess in free[:2]):
        targets = ["first_name", "last_name"]
    chosen = {guess.index: target for guess, target in zip(free, targets, strict=False)}
    return [
        msgspec.structs.replace(guess, target=chosen[guess.index], confidence=0.6, reason="values")
        if guess.index in chosen
        else guess
        for guess in guesses
    ]


def _with_samples(guess: ColumnGuess, values: Sequence[str], facts: Facts, country: str) -> ColumnGuess:
    if guess.target != "rsvp_at" or not facts.filled:
        return msgspec.structs.replace(guess, samples=facts.samples)
    order = day_order(values, country=country)
    return msgspec.structs.replace(
        guess,
        samples=tuple(samples(values, day_first=order.day_first)),
        day_first=order.day_first,
        confidence=guess.confidence if order.is_sure else min(guess.confidence, 0.6),
    )
