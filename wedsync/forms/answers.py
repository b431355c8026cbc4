"""Answers as they are typed and as they are kept: each kind read, checked and said in words; pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, time
from types import MappingProxyType
from typing import Any, Final

import msgspec

from wedsync.forms import content, core
from wedsync.forms.model import FormField, FormSection
from wedsync.kit.errors import FieldError
from wedsync.web.formats import clock, day_year

LINES_MAX: Final = 300
LONG_MAX: Final = 5000
LINE_MAX: Final = 500
NUMBER_MAX: Final = 1_000_000
LISTS: Final = ("many", "guests", "songs")
Guests = Mapping[str, str]
"""Guests by their id, as the one who answers sees them."""


class UnreadableError(Exception):
    """An answer that is not of its kind: why, and what to do."""

    def __init__(self, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.reason, self.fix = reason, fix


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered: of the fields that show, by key; what cannot be taken, and what is missing."""

    shown: list[FormField]
    answers: dict[str, Any]
    problems: list[FieldError]


def read(sections: Sequence[FormSection], typed: Mapping[str, Any], guests: Guests) -> Given:
    """All of a form. What does not show is left out, whatever was typed there before."""
    chosen = {f.key: text(typed.get(f.key)) for f in content.fields_of(sections) if f.kind == "choice"}
    shown = content.visible(sections, chosen)
    answers: dict[str, Any] = {}
    problems: list[FieldError] = []
    for field in shown:
        try:
            value = value_of(field, typed.get(field.key), guests)
        except UnreadableError as fault:
            problems.append(FieldError(field.key, fault.reason, fault.fix))
            continue
        if value not in (None, "", []):
            answers[field.key] = value
        elif field.is_required:
            problems.append(FieldError(field.key, "is missing", f"Answer “{field.label}”."))
    return Given(shown=shown, answers=answers, problems=problems)


def typed_draft(sections: Sequence[FormSection], typed: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a draft: of the form's own fields, text and lists of text, cut where nothing longer is taken.

    A mapped field that stands as it was shown is none: it goes on following the record.
    """
    kept: dict[str, Any] = {}
    for field in content.fields_of(sections):
        given = typed.get(field.key)
        is_shown = bool(field.maps_to) and _as_answer(field, given) == _as_answer(field, seen.get(field.key))
        if given is not None and not is_shown:
            kept[field.key] = lines(given)[:LINES_MAX] if field.kind in LISTS else text(given)[:LONG_MAX]
    return kept


def value_of(field: FormField, given: Any, guests: Guests = MappingProxyType({})) -> Any:
    """One answer as it is kept. Raises UnreadableError."""
    reader = READERS.get(field.kind)
    if reader is not None:
        value = text(given)
        return reader(value) if value else None
    if field.kind == "choice":
        return _chosen(field, [text(given)] if text(given) else [])
    if field.kind == "many":
        return _chosen(field, lines(given))
    if field.kind == "guests":
        return _people(lines(given), guests)
    return _line_list(lines(given))


def text(given: Any) -> str:
    """An answer that is one text."""
    if isinstance(given, list | tuple):
        given = next(iter(given), "")
    return (
        "" if given is None or isinstance(given, dict) else str(given).replace("\r\n", "\n").replace("\0", "").strip()
    )


def lines(given: Any) -> list[str]:
    """An answer that is a list: a list of texts, or one text with a line each."""
    parts = given if isinstance(given, list | tuple) else [given]
    found = (line.strip() for part in parts for line in text(_id_of(part)).split("\n"))
    return list(dict.fromkeys(line for line in found if line))


def _id_of(part: Any) -> Any:
    """A guest as it was answered before goes by its id, or by its name where it has none."""
    return (part.get("id") or part.get("name")) if isinstance(part, dict) else part


def _short(value: str) -> str:
    if len(value) > LINE_MAX or "\n" in value:
        raise UnreadableError(f"is longer than one line of {LINE_MAX} letters", "Say it in fewer words.")
    return value


def _long(value: str) -> str:
    if len(value) > LONG_MAX:
        raise UnreadableError(f"is longer than {LONG_MAX} letters", "Say it in fewer words.")
    return value


def _address(value: str) -> str:
    return _short(", ".join(part.strip(" ,") for part in value.split("\n") if part.strip(" ,")))


def _day(value: str) -> str:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise UnreadableError("is not a date", "Choose it from the calendar, or write year-month-day.") from None
    if not 1990 <= day.year <= 2190:
        raise UnreadableError("is in a year no wedding of ours is in", "Check the year.")
    return day.isoformat()


def _time(value: str) -> str:
    try:
        at = time.fromisoformat(value)
    except ValueError:
        raise UnreadableError("is not a time of day", "Write it as 14:30.") from None
    return f"{at:%H:%M}"


def _number(value: str) -> int | float:
    try:
        number = float(value.replace(",", "") if value.isascii() else "")
    except ValueError:
        raise UnreadableError("is not a number", "Write it in digits.") from None
    if not 0 <= number <= NUMBER_MAX:
        raise UnreadableError(f"is not between 0 and {NUMBER_MAX:,}", "Look at it again.")
    return int(number) if number == int(number) else round(number, 2)


def _link(value: str) -> str:
    if (
        not value.lower().startswith("https://")
        or len(value) > 2048
        or any(c.isspace() for c in value)
        or len(value) < 12
    ):
        raise UnreadableError("is not an address that begins with https://", "Copy the whole link of the file.")
    return value


def _chosen(field: FormField, given: list[str]) -> Any:
    unknown = [one for one in given if one not in field.options]
    if unknown:
        raise UnreadableError("is none of the list", "Choose from the list.")
    if field.kind == "choice":
        return given[0] if given else None
    return [option for option in field.options if option in given]


def _people(given: list[str], guests: Guests) -> list[dict[str, str | None]]:
    """People by their id, where it is one of the list's, else as a name that was typed."""
    found: list[dict[str, str | None]] = []
    for one in given[:LINES_MAX]:
        name = guests.get(one)
        if name is None and (len(one) == 36 and one.count("-") == 4):
            raise UnreadableError("names somebody who is not on the guest list any more", "Choose again.")
        found.append({"id": one if name is not None else None, "name": name or one[:300]})
    return found


def _line_list(given: list[str]) -> list[str]:
    if len(given) > LINES_MAX or any(len(line) > LINE_MAX for line in given):
        raise UnreadableError(
            f"holds more than {LINES_MAX} lines, or a very long one", "Keep to the most important ones."
        )
    return given


READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "text": _short,
    "long_text": _long,
    "address": _address,
    "date": _day,
    "time": _time,
    "number": _number,
    "link": _link,
}


def said(field: FormField, value: Any, zone: str = "") -> list[str]:
    """An answer as people read it, a line each; none where there is none."""
    if value in (None, "", []):
        return []
    if field.kind == "date":
        return [day_year(date.fromisoformat(value))]
    if field.kind == "time":
        return [clock(time.fromisoformat(value), zone)]
    if field.kind == "number":
        return [f"{value:,}"]
    if field.kind == "guests":
        return [str(one["name"]) for one in value]
    return [str(one) for one in value] if isinstance(value, list) else str(value).split("\n")


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What answers to mapped fields come to: as they are kept, what goes back into the record, what clashed."""

    answers: dict[str, Any]
    back: dict[str, Any]
    """Core field: its new value."""
    clashes: list[FieldError]
    known: int
    avoided: int


def settle(given: Given, seen: Mapping[str, Any], record: Mapping[str, Any]) -> Settled:
    """Mapped answers beside the record as it is now. `seen` is by key; a field that is not in it was shown as it is.

    A field counts as known where the record held something, and as avoided where that was confirmed as it stood.
    """
    answers, back = dict(given.answers), dict[str, Any]()
    clashes: list[FieldError] = []
    avoided = known = 0
    for field in (field for field in given.shown if field.maps_to):
        now = _as_answer(field, record.get(field.maps_to))
        answer = answers.get(field.key)
        shown = _as_answer(field, seen[field.key]) if field.key in seen else now
        verdict = core.judge(shown, now, answer)
        known += now is not None
        avoided += now is not None and verdict == "confirmed"
        if verdict == "clashed":
            clashes.append(core.clash(field.key, field.kind, now))
        elif verdict == "followed" and now is not None:
            answers[field.key] = now
        elif verdict == "followed":
            answers.pop(field.key, None)
        elif verdict == "changed" and answer is not None:
            back[field.maps_to] = answer
    return Settled(answers=answers, back=back, clashes=clashes, known=known, avoided=avoided)


def _as_answer(field: FormField, value: Any) -> Any:
    """What the record holds, or what a page showed of it, read as an answer is."""
    try:
        return value_of(field, value)
    except UnreadableError:
        return value
