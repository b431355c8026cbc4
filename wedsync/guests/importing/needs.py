"""What guests wrote about food and access, read into suggestions for a person to confirm.

The words themselves always travel along (`note`): a reading may be wrong, a kitchen must be able to see what was said.
Severity is a careful assumption unless the words say it. "None" is an answer; an empty cell is not.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from wedsync.guests.importing.vocabulary import NEEDS, normal_word

Kind = Literal["allergy", "intolerance", "coeliac", "avoid"]
Severity = Literal["mild", "moderate", "severe", "anaphylaxis"]
NOTE_CHARS_MAX = 1000


class Allergen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One suggested allergen; the keys of `guests.model.Allergen`."""

    key: str
    kind: Kind = "allergy"
    severity: Severity = "moderate"
    cross_contact_ok: Literal["yes", "no", "unknown"] = "unknown"


class Needs(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A guest's needs as far as words tell; converts to `guests.model.Needs`."""

    answered: bool = True
    allergens: tuple[Allergen, ...] = ()
    diets: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    note: str = ""


def read_needs(*, diet: str = "", allergies: str = "", access: str = "") -> Needs | None:
    """Suggestions from the cells about food and access; None when all of them are empty."""
    note = "; ".join(dict.fromkeys(part.strip() for part in (diet, allergies, access) if part.strip()))
    if not note:
        return None
    allergens: dict[str, Allergen] = {}
    diets: dict[str, None] = {}
    for text, is_allergy_column in ((diet, False), (allergies, True)):
        for statement in _STATEMENT.split(text):
            _read_statement(statement, allergens, diets, assume_allergy=is_allergy_column)
    wishes = [normal_word(access), normal_word(diet)]
    found_access = [key for key, pattern in _ACCESS.items() if any(pattern.search(wish) for wish in wishes)]
    _imply(diets, allergens)
    is_none = all(normal_word(part) in _NONE for part in (diet, allergies, access) if part.strip())
    return Needs(
        allergens=tuple(allergens.values()),
        diets=tuple(diets),
        access=tuple(found_access),
        note="" if is_none else note[:NOTE_CHARS_MAX],
    )


def stored_needs(values: Mapping[str, str]) -> Needs | None:
    """Needs as `export` writes them: keys in columns of their own, so that nothing has to be read into words."""
    cells = [values.get(name, "") for name in ("need_allergens", "need_diets", "need_access", "need_note")]
    if not any(cells):
        return None
    allergens = [_stored_allergen(part) for part in _listed(cells[0])]
    return Needs(
        allergens=tuple(allergen for allergen in allergens if allergen is not None),
        diets=tuple(part for part in _listed(cells[1]) if part in {*_DIETS, "other"}),
        access=tuple(part for part in _listed(cells[2]) if part in {*_ACCESS, "other"}),
        note="" if cells[3] == "none" else cells[3][:NOTE_CHARS_MAX],
    )


def needs_cells(needs: Needs | None) -> dict[str, str]:
    """The four cells `stored_needs` reads; "none" is the answer of somebody who needs nothing."""
    if needs is None:
        return {"need_allergens": "", "need_diets": "", "need_access": "", "need_note": ""}
    allergens = [f"{a.key} ({a.kind}, {a.severity}, cross-contact ok: {a.cross_contact_ok})" for a in needs.allergens]
    is_empty = not (allergens or needs.diets or needs.access or needs.note)
    return {
        "need_allergens": "; ".join(allergens),
        "need_diets": "; ".join(needs.diets),
        "need_access": "; ".join(needs.access),
        "need_note": "none" if is_empty else needs.note,
    }


def _listed(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


_STORED = re.compile(r"(\w+) \((\w+), (\w+), cross-contact ok: (\w+)\)")


def _stored_allergen(text: str) -> Allergen | None:
    match = _STORED.fullmatch(text)
    if match is None or match.group(1) not in _KEYS:
        return None
    key, kind, severity, cross = match.groups()
    cells = {"key": key, "kind": kind, "severity": severity, "cross_contact_ok": cross}
    try:
        return msgspec.convert(cells, type=Allergen)
    except msgspec.ValidationError:
        return None


def _read_statement(
    statement: str, allergens: dict[str, Allergen], diets: dict[str, None], *, assume_allergy: bool
) -> None:
    """Clauses of one statement share what they say: in "severe allergy to nuts and shellfish" both are severe."""
    clauses = [clause for clause in map(normal_word, _CLAUSE.split(statement)) if clause and clause not in _NONE]
    kinds = [_kind(clause) for clause in clauses]
    severities = [_severity(clause) for clause in clauses]
    for place, clause in enumerate(clauses):
        kind, severity = kinds[place], severities[place]
        if kind is None and severity is None:
            nearest = [*range(place - 1, -1, -1), *range(place + 1, len(clauses))]
            speaks = next((other for other in nearest if kinds[other] or severities[other]), place)
            kind, severity = kinds[speaks], severities[speaks]
        if kind is None or (kind == "avoid" and assume_allergy):
            kind = "allergy"  # "peanuts" and nothing more: better a question too many than an ambulance
        _read_clause(clause, allergens, diets, kind=kind, severity=severity)


def _read_clause(
    clause: str, allergens: dict[str, Allergen], diets: dict[str, None], *, kind: Kind, severity: Severity | None
) -> None:
    rest = clause
    for key, pattern in _DIETS.items():
        if pattern.search(clause):
            diets.setdefault(key)
            rest = pattern.sub(" ", rest)
    if _COELIAC.search(clause):
        strict = Allergen(key="cereals_gluten", kind="coeliac", severity="severe", cross_contact_ok="no")
        allergens["cereals_gluten"] = strict
    for pattern, key in _ALLERGENS:
        match = pattern.search(rest)
        if match and not _is_harmless(rest, match) and not (key == "tree_nuts" and _NUT_OF_GROUND.search(rest)):
            _add(allergens, key, kind, severity)


def _add(allergens: dict[str, Allergen], key: str, kind: Kind, severity: Severity | None) -> None:
    before = allergens.get(key)
    if before is not None and before.kind == "coeliac":
        return
    assumed: Severity = severity or ("moderate" if kind == "allergy" else "mild")
    if assumed in {"anaphylaxis", "severe"} and kind == "avoid":
        kind = "allergy"
    if before is None or _RANK[assumed] > _RANK[before.severity]:
        cross: Literal["no", "unknown"] = "no" if assumed == "anaphylaxis" else "unknown"
        allergens[key] = Allergen(key=key, kind=kind, severity=assumed, cross_contact_ok=cross)


def _imply(diets: Mapping[str, None], allergens: dict[str, Allergen]) -> None:
    for diet, key in NEEDS["implied"].items():
        if diet in diets:
            allergens.setdefault(key, Allergen(key=key, kind="avoid", severity="mild"))


def _is_harmless(clause: str, match: re.Match[str]) -> bool:
    return bool(_HARMLESS_BEFORE.search(clause[: match.start()]) or _HARMLESS_AFTER.match(clause[match.end() :]))


def _kind(clause: str) -> Kind | None:
    return next((kind for kind, pattern in _KINDS if pattern.search(clause)), None)


def _severity(clause: str) -> Severity | None:
    return next((severity for severity, pattern in _SEVERITIES if pattern.search(clause)), None)


def _pattern(words: Iterable[str], *, prefix: str = r"(?<!\w)", suffix: str = r"(?!\w)") -> re.Pattern[str]:
    ordered = sorted({word.split("=")[0] for word in words}, key=len, reverse=True)
    options = "|".join(re.escape(w[:-1]) + r"\w*" if w.endswith("*") else re.escape(w) for w in ordered)
    return re.compile(f"{prefix}(?:{options}){suffix}")


def _allergen_patterns() -> list[tuple[re.Pattern[str], str]]:
    """A pattern per key: the group's own words, and each named cereal or nut under its own key."""
    found: list[tuple[re.Pattern[str], str]] = []
    for group, words in NEEDS["allergens"].items():
        named: dict[str, list[str]] = {}
        for word in words:
            name, _, key = word.partition("=")
            named.setdefault(key or group, []).append(name)
        found.extend((_pattern(names), key) for key, names in named.items())
    return found


_KIND_NAMES: tuple[Kind, ...] = ("allergy", "intolerance", "avoid")
_SEVERITY_NAMES: tuple[Severity, ...] = ("anaphylaxis", "severe", "moderate", "mild")
_RANK: Mapping[Severity, int] = {"mild": 0, "moderate": 1, "severe": 2, "anaphylaxis": 3}
_STATEMENT = re.compile(r"[;.\n|]|\bbut\b|:::", re.IGNORECASE)
_CLAUSE = re.compile(r"[,/+&]|\band\b", re.IGNORECASE)
_ALLERGENS = _allergen_patterns()
_KEYS = frozenset(key for _, key in _ALLERGENS)
_DIETS = {key: _pattern(words) for key, words in NEEDS["diets"].items()}
_ACCESS = {key: _pattern(words) for key, words in NEEDS["access"].items()}
_SEVERITIES = [(name, _pattern(NEEDS["severity"][name])) for name in _SEVERITY_NAMES]
_KINDS = [(name, _pattern(NEEDS["kind"][name])) for name in _KIND_NAMES]
_COELIAC = _pattern(NEEDS["coeliac"]["words"])
_NONE = frozenset(normal_word(word) for word in NEEDS["none"]["words"])
_HARMLESS_BEFORE = _pattern(NEEDS["harmless"]["before"], suffix=r"\s*$")
_HARMLESS_AFTER = _pattern(NEEDS["harmless"]["after"], prefix=r"\s*")
_NUT_OF_GROUND = re.compile(r"(?<!\w)(?:pea ?nut|ground ?nut)\w*(?!.*\b(?:nuts|tree)\b)")
