"""One row of a list to a client: names put together, addresses dealt to the two, stages understood.

What makes a row useless (nobody named, a formula for a name, an address or a date that is none) rejects it; what is
merely not understood (a phone number, a stage) becomes a warning, and the client is kept.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from wedsync.clients.importing.values import Planned
from wedsync.clients.importing.vocabulary import BESIDES, BETWEEN, STAGE_WORDS, WEDDING_WORDS
from wedsync.clients.model import NAME_CHARS_MAX, PHONE_CHARS_MAX, Details
from wedsync.guests.importing.cells import transforms
from wedsync.guests.importing.contacts import Phones, is_nothing, read_email
from wedsync.guests.importing.names import fold
from wedsync.guests.importing.sheet import Sheet
from wedsync.guests.importing.values import CellIssue
from wedsync.guests.importing.vocabulary import TITLES, normal_word
from wedsync.kit.mapping import FieldMap, Mapped, Problem, compile_map
from wedsync.kit.transforms import Factory

_BETWEEN = re.compile(rf"\s*[&+/]\s*|\s+(?:{'|'.join(BETWEEN)})\s+", re.IGNORECASE)
_ADDRESSES = re.compile(r" ?::: ?|[;,\n]| / | & ")
_WORD = re.compile(r"[^\W\d_]+(?:[.\-][^\W\d_]+)*\.?|[&+/]")
_WARN_ONLY = frozenset({"phone", "partner_phone"})
_PLAIN = ("venue", "package", "note", "partner_email", "phone", "partner_phone")
NOBODY = "Nobody is named in this row. Add a name or an e-mail."
NO_STAGE = "We do not know this stage; the client gets the one you chose for who has none."
NO_PHONE = "This is not a phone number; the client comes in without it."
PHONE_DIGITS_MIN = 6


class Reader:
    """Reads the rows of one sheet with one mapping."""

    def __init__(self, sheet: Sheet, mapping: FieldMap, *, country: str) -> None:
        known: dict[str, Factory] = {**transforms(Phones(country)), "addresses": lambda options: _addresses}
        self._apply = compile_map(mapping, headers=sheet.headers, transforms=known).apply
        self._headers = {rule.target: rule.source[0] for rule in mapping.rules}
        self.warnings: list[CellIssue] = []

    def mapped(self, cells: Sequence[str]) -> Mapped:
        """A row by its targets: what both of the questions below are asked of."""
        return self._apply(cells)

    def read(self, number: int, mapped: Mapped) -> Planned | list[CellIssue]:
        """The client of a row, or why there is none."""
        values = mapped.values
        errors: list[CellIssue] = []
        for problem in mapped.problems:
            if problem.target not in _WARN_ONLY:
                errors.append(_issue(number, problem))
            elif sum(map(str.isdigit, problem.value)) >= PHONE_DIGITS_MIN:
                values[problem.target] = problem.value[:PHONE_CHARS_MAX]  # a number all the same, of a plan unknown
            else:
                self.warnings.append(CellIssue(number, problem.source, problem.value, NO_PHONE))
        if errors:
            return errors
        details = _details(values)
        if not details.couple_names:
            return [CellIssue(number, "", "", NOBODY)]
        return Planned(
            row=number,
            details=details,
            wedding_on=date.fromisoformat(values["wedding_on"]) if values.get("wedding_on") else None,
            stage=self._stage(number, values.get("stage", "")),
            external_id=values.get("external_id", "")[:200],
        )

    def _stage(self, number: int, cell: str) -> Any:
        if is_nothing(cell):
            return None
        stage = STAGE_WORDS.get(normal_word(cell))
        if stage is None:
            self.warnings.append(CellIssue(number, self._headers["stage"], cell[:200], NO_STAGE))
        return stage


def is_wedding(mapped: Mapped) -> bool:
    """Whether the row's kind of job is one; a row that names none counts as one."""
    words = f" {normal_word(mapped.values.get('job_type', ''))} "
    return not words.strip() or any(f" {word} " in words for word in WEDDING_WORDS)


def _issue(number: int, problem: Problem) -> CellIssue:
    return CellIssue(number, problem.source, problem.value, problem.reason)


def _addresses(cells: Any) -> list[str]:
    """Addresses of one or several cells, each once, in order. Raises ValueError for what is not one."""
    parts = (part.strip() for cell in cells for part in _ADDRESSES.split(cell))
    found = [read_email(part) for part in parts if part]
    return list({email.casefold(): email for email in reversed(found) if email}.values())[::-1]


def _details(values: Mapping[str, Any]) -> Details:
    name, partner = _names(values)
    emails: list[str] = [*values.get("email", ()), *filter(None, [values.get("partner_email")])]
    said = {field: values[field] for field in _PLAIN if field in values and not is_nothing(values[field])}
    said |= {"name": name[:NAME_CHARS_MAX], "partner_name": partner[:NAME_CHARS_MAX]}
    said["email"] = emails[0] if emails else ""
    said["partner_email"] = next((e for e in emails[1:] if e.casefold() != said["email"].casefold()), "")
    return Details(**said)


def _names(values: Mapping[str, Any]) -> tuple[str, str]:
    """(the one, the other), from whatever columns there are: parts, full names, both in one cell, or the job's name."""
    name = _joined(values, "first_name", "last_name") or values.get("name", "")
    partner = _joined(values, "partner_first_name", "partner_last_name") or values.get("partner_name", "")
    if not name and values.get("couple"):
        name, other = split_couple(values["couple"])
        partner = partner or other
    elif name and not partner:
        name, partner = split_couple(name)
    name, partner = (name, partner) if name else (partner, "")
    if not partner and values.get("project"):
        return _with_the_other(name, *of_project(values["project"]))
    return name, partner


def _with_the_other(name: str, one: str, other: str) -> tuple[str, str]:
    """Of a job named after both, the one who is not the client; where nobody is named, both as the job has them."""
    if not name:
        return one, other
    words = set(fold(name).split())
    for this, that in ((one, other), (other, one)):
        if this and not words.isdisjoint(fold(this).split()):
            return name, "" if not words.isdisjoint(fold(that).split()) else that
    return name, ""


def _joined(values: Mapping[str, Any], *fields: str) -> str:
    return " ".join(values[field] for field in fields if values.get(field))


def split_couple(text: str) -> tuple[str, str]:
    """ "Ana Lopez & Ben Carter" is two people; "Mr & Mrs Carter" stays as it is written."""
    plain = " ".join(text.split())
    parts = [part.strip(" ,") for part in _BETWEEN.split(plain, maxsplit=1)]
    if len(parts) < 2 or not all(parts) or fold(parts[0]) in TITLES:
        return plain, ""
    return parts[0], parts[1]


def of_project(text: str) -> tuple[str, str]:
    """ "Ana & Ben's Wedding 2027" is Ana and Ben."""
    plain = text.replace("’", "'").replace("'s", "")
    words = [word for word in _WORD.findall(plain) if fold(word) not in BESIDES]
    return split_couple(" ".join(words).strip(" &+/-"))
