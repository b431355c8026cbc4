"""What the values of a column look like, counted once, so that headers can be believed or not."""

import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from wedsync.guests.importing.dates import read_date
from wedsync.guests.importing.vocabulary import AGES, ANSWERS, ROLES, TITLES, normal_word

SAMPLE = 120
SAMPLES_SHOWN = 3

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]{2,}")
_PHONE = re.compile(r"[+(]?[\d\s()./\-]{6,}(?:\s*(?:x|ext\.?)\s*\d+)?")
_NAME = re.compile(r"[^\d@=_<>{}$%*#]{1,80}")
_WEAK_ANSWERS = frozenset({"y", "n", "yes", "no", "true", "false", "1", "0", "x", "?", "na", "n a", "tbc", "unknown"})


class Facts(msgspec.Struct, frozen=True):
    """Shares (0 to 1) of a sample of the filled cells. `answer_words`: answers that nothing else would be called."""

    filled: int = 0
    emails: float = 0
    phones: float = 0
    answers: float = 0
    answer_words: float = 0
    numbers: float = 0
    dates: float = 0
    ages: float = 0
    titles: float = 0
    roles: float = 0
    names: float = 0
    distinct: float = 0
    words: float = 0
    largest_group: int = 0
    looks_like_parties: bool = False
    samples: tuple[str, ...] = ()


def facts_of(values: Sequence[str]) -> Facts:
    """Look at up to `SAMPLE` filled cells spread over the column, and at how often each value comes back."""
    filled = [value for value in values if value]
    if not filled:
        return Facts()
    sample = filled[:: max(1, len(filled) // SAMPLE)][:SAMPLE]
    sample = [value.partition(" ::: ")[0] for value in sample]  # Google's way to put several values in one cell
    words = [normal_word(value) for value in sample]
    counts = Counter(filled)
    largest = max(counts.values())
    distinct = len(counts) / len(filled)

    def share(flags: Sequence[object]) -> float:
        return sum(1 for flag in flags if flag) / len(sample)

    answers = [word in ANSWERS for word in words]
    strong = share([word in ANSWERS and word not in _WEAK_ANSWERS for word in words])
    numbers = [value.replace(".", "", 1).isdecimal() for value in sample]
    return Facts(
        filled=len(filled),
        emails=share([_EMAIL.fullmatch(value) for value in sample]),
        phones=share([_PHONE.fullmatch(value) and sum(map(str.isdigit, value)) >= 6 for value in sample]),
        answers=share(answers),
        answer_words=strong if sum(answers) >= 0.9 * len(answers) else 0,
        numbers=share(numbers),
        dates=share([_is_date(value) for value in sample]),
        ages=share(
            [word in AGES or word in ANSWERS or _is_age(value) for word, value in zip(words, sample, strict=True)]
        ),
        titles=share([all(part in TITLES or part in {"and", "und", "et"} for part in word.split()) for word in words]),
        roles=share([word in ROLES for word in words]),
        names=share([_NAME.fullmatch(value) for value in sample]),
        distinct=distinct,
        words=sum(len(value.split()) for value in sample) / len(sample),
        largest_group=largest,
        looks_like_parties=largest <= 12 and 0.25 < distinct < 0.95 and len(filled) >= 8,
        samples=tuple(value[:60] for value in list(counts)[:SAMPLES_SHOWN]),
    )


def test_of(target: str, facts: Facts) -> float | None:
    """The share of cells that look like the target; None where values cannot tell."""
    head = target.partition(":")[0]
    shares = {
        "email": facts.emails,
        "phone": facts.phones,
        "rsvp": max(facts.answers, facts.numbers if facts.words == 1 else 0),
        "rsvp_at": facts.dates,
        "age": facts.ages,
        "title": facts.titles,
        "party_size": facts.numbers,
        "first_name": facts.names,
        "last_name": facts.names,
        "full_name": facts.names,
        "partner_name": facts.names,
    }
    return shares.get(head)


def _is_date(value: str) -> bool:
    if len(value) > 40 or not any(map(str.isdecimal, value)):
        return False
    return bool(read_date(value, day_first=True) or read_date(value, day_first=False))


def _is_age(value: str) -> bool:
    return value.isdecimal() and int(value) <= 120
