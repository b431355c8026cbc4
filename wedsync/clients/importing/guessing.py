"""Which CRM a list is from and what each column means, with a confidence; corrected by what a person chose.

In order, as for guest lists: the template of a known source, the alias of a header, a known phrase inside a header, the
values themselves. Whatever a header promises is checked against its cells.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from wedsync.clients.importing.vocabulary import (
    ALIASES,
    LABELS,
    NAMES,
    OUT,
    SOURCES,
    STAGE_WORDS,
    TARGETS,
    UNSURE,
)
from wedsync.clients.model import NAME_CHARS_MAX, NOTE_CHARS_MAX
from wedsync.guests.importing.columns import Facts, facts_of
from wedsync.guests.importing.dates import day_order, samples
from wedsync.guests.importing.detect import ColumnGuess, Detection, plain_headers, recognised
from wedsync.guests.importing.sheet import Sheet
from wedsync.guests.importing.vocabulary import Source, normal_word
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.mapping import Check, FieldMap, Rule, Step

MAPPING_VERSION: Final = 1
WITHOUT_NAMES: Final = "mapping_without_names"
_PHRASES: Final = sorted((a for a in ALIASES if len(a) >= 4 and a not in UNSURE), key=len, reverse=True)
Meaning = tuple[str, float, str]  # target, confidence, reason


def detect(sheet: Sheet, *, country: str) -> Detection:
    """Guess the source and the columns; below `guests.importing.detect.ASK_BELOW` a person should look."""
    headers = plain_headers(sheet.headers)
    facts = [facts_of(sheet.column(index)) for index in range(len(headers))]
    stages = [_stages(sheet.column(index)) for index in range(len(headers))]
    source = recognised(headers, facts, SOURCES)
    guesses = [
        ColumnGuess(index, sheet.headers[index], *_meaning(plain, facts[index], stages[index], source))
        for index, plain in enumerate(headers)
    ]
    guesses = _with_a_name(_without_rivals(guesses), facts)
    found = tuple(_with_samples(g, sheet.column(g.index), facts[g.index], country) for g in guesses)
    if source is None:
        return Detection("spreadsheet", LABELS["spreadsheet"], 0.5, found)
    return Detection(source.name, source.label, source.confidence, found)


def to_field_map(detection: Detection, choices: Mapping[str, str], *, day_first: bool | None) -> FieldMap:
    """The guesses, corrected (header -> target). Raises Refusal 422 `mapping_invalid` or `mapping_without_names`."""
    _refuse_unknown(detection, choices)
    sources: dict[str, list[str]] = {}
    for column in detection.columns:
        target = choices.get(column.header, column.target)
        if target not in OUT:
            sources.setdefault(target, []).append(column.header)
    if NAMES.isdisjoint(sources) and "email" not in sources:
        fix = "Choose which column holds the names of the couple, or their e-mail."
        errors = [FieldError("mapping", "No column holds names.", fix)]
        raise Refusal(422, WITHOUT_NAMES, "No column of this file is marked as holding names.", errors=errors)
    guessed = next((c.day_first for c in detection.columns if c.day_first is not None), True)
    is_day_first = guessed if day_first is None else day_first
    rules = tuple(_rule(target, tuple(headers), is_day_first) for target, headers in sources.items())
    return FieldMap(name=detection.source, version=MAPPING_VERSION, rules=rules)


def _refuse_unknown(detection: Detection, choices: Mapping[str, str]) -> None:
    headers = {column.header for column in detection.columns}
    faults = [FieldError(one, "There is no such column in this file.") for one in choices if one not in headers]
    faults += [
        FieldError(header, f"A column cannot become {target!r}.", f"Choose one of {', '.join(TARGETS)}.")
        for header, target in choices.items()
        if target not in TARGETS
    ]
    if faults:
        raise Refusal(422, "mapping_invalid", "Some columns cannot be mapped as chosen.", errors=faults)


def _rule(target: str, headers: tuple[str, ...], day_first: bool) -> Rule:
    long = (Check("length_max", NAME_CHARS_MAX, f"This may have at most {NAME_CHARS_MAX} characters: shorten it."),)
    if target in NAMES or target == "partner_last_name":
        return Rule(target, headers, transform=(Step("person_name"),), check=long)
    if target == "email":
        return Rule(target, headers, take="all", transform=(Step("addresses"),))
    if target == "note":
        joined = (Step("join", {"separator": "\n"}),)
        return Rule(target, headers, take="all", transform=joined, check=(Check("length_max", NOTE_CHARS_MAX),))
    steps = {
        "partner_email": (Step("guest_email"),),
        "phone": (Step("phone"),),
        "partner_phone": (Step("phone"),),
        "wedding_on": (Step("day", {"day_first": day_first}),),
    }
    return Rule(target, headers, transform=steps.get(target, ()), check=() if target in steps else long)


# --- one column ------------------------------------------------------------------------------------------------------


def _meaning(plain: str, facts: Facts, stages: float, source: Source | None) -> Meaning:
    template = source.columns.get(plain, "") if source is not None else ""
    alias = ALIASES.get(plain, "")
    if not facts.filled:
        return template or alias or "ignore", 0.99, "empty"
    if template:
        return template, _checked(template, facts, stages, 0.99), "template"
    if alias:
        is_unsure = plain in UNSURE
        return alias, _checked(alias, facts, stages, 0.85 if is_unsure else 0.95, unsure=is_unsure), "alias"
    return _by_phrase(plain, facts, stages) or _by_values(facts, stages)


def _by_phrase(plain: str, facts: Facts, stages: float) -> Meaning | None:
    """An alias inside a longer header: "What is your wedding date"."""
    padded = f" {plain} "
    for alias in _PHRASES:
        if f" {alias} " in padded:
            target = ALIASES[alias]
            return target, 0.8 if target in OUT else min(0.85, _checked(target, facts, stages, 0.85)), "phrase"
    return None


def _by_values(facts: Facts, stages: float) -> Meaning:
    if facts.emails >= 0.8:
        return "email", 0.85, "values"
    if facts.dates >= 0.8 and facts.phones < 0.5:
        return "wedding_on", 0.6, "values"
    if facts.phones >= 0.8 and facts.distinct >= 0.5:
        return "phone", 0.8, "values"
    if stages >= 0.9 and facts.distinct < 0.5:
        return "stage", 0.7, "values"
    return "ignore", 0.7, "unknown"


def _checked(target: str, facts: Facts, stages: float, confidence: float, *, unsure: bool = False) -> float:
    """A confidence lowered when the cells do not look like what the header says."""
    shares = {
        "email": facts.emails,
        "partner_email": facts.emails,
        "phone": facts.phones,
        "partner_phone": facts.phones,
        "wedding_on": facts.dates,
        "stage": stages,
        "name": facts.names,
        "couple": max(facts.names, 0.7),
    }
    share = shares.get(target)
    if share is None:
        return 0.75 if unsure and target not in OUT else confidence
    return confidence if share >= 0.7 else 0.5 if unsure or share < 0.3 else 0.7


def _stages(values: Sequence[str]) -> float:
    filled = [value for value in values if value][:200]
    return sum(1 for value in filled if normal_word(value) in STAGE_WORDS) / len(filled) if filled else 0.0


# --- all columns together --------------------------------------------------------------------------------------------


def _without_rivals(guesses: list[ColumnGuess]) -> list[ColumnGuess]:
    """One column a target where only one makes sense: the surest stays, the others are left out."""
    best: dict[str, ColumnGuess] = {}
    for guess in guesses:
        if TARGETS[guess.target].many:
            continue
        rival = best.get(guess.target)
        if rival is None or (guess.reason != "empty", guess.confidence) > (rival.reason != "empty", rival.confidence):
            best[guess.target] = guess
    return [
        guess
        if best.get(guess.target, guess) is guess
        else msgspec.structs.replace(guess, target="ignore", confidence=0.99 if guess.reason == "empty" else 0.6)
        for guess in guesses
    ]


def _with_a_name(guesses: list[ColumnGuess], facts: Sequence[Facts]) -> list[ColumnGuess]:
    """Without a header that says so, the first column that looks like names is asked about."""
    if any(guess.target in NAMES for guess in guesses):
        return guesses
    for place, guess in enumerate(guesses):
        looks = facts[guess.index].names >= 0.7 and facts[guess.index].distinct > 0.3
        if guess.reason == "unknown" and looks:
            named = msgspec.structs.replace(guess, target="couple", confidence=0.6, reason="values")
            return [*guesses[:place], named, *guesses[place + 1 :]]
    return guesses


def _with_samples(guess: ColumnGuess, values: Sequence[str], facts: Facts, country: str) -> ColumnGuess:
    if guess.target == "private":
        return guess  # money is not shown again either
    if guess.target != "wedding_on" or not facts.filled:
        return msgspec.structs.replace(guess, samples=facts.samples)
    order = day_order(values, country=country)
    return msgspec.structs.replace(
        guess,
        samples=tuple(samples(values, day_first=order.day_first)),
        day_first=order.day_first,
        confidence=guess.confidence if order.is_sure else min(guess.confidence, 0.6),
    )
