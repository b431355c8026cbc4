"""Needs as the fields of `_needs.html` post them, read back into what is kept."""

import hashlib
from collections.abc import Mapping

import msgspec

from wedsync.guests import words
from wedsync.guests.model import Allergen, Needs
from wedsync.kit.errors import FieldError, Refusal

NOTE_CHARS_MAX = 1000
Fields = Mapping[str, list[str]]
"""Name -> every value posted under it, prefixes taken off."""


def read(fields: Fields, before: Needs | None, *, prefix: str = "") -> Needs | None:
    """The needs a form says, None where it says nothing at all.

    What the form does not ask (kind, cross contact) is kept from `before`. A tick beside "nothing to mention" wins over
    it: a contradiction is read carefully. Raises Refusal 422 for what is no allergen, diet, severity or access need.
    """
    known: dict[str, Allergen] = {a.key: a for a in before.allergens} if before else {}
    allergens = [
        {
            **msgspec.structs.asdict(known.get(key) or _new(key, prefix)),
            "severity": _last(fields, f"{prefix}severity_{key}") or "moderate",
        }
        for key in _ordered(fields.get(f"{prefix}allergen", []), words.LABELS)
    ]
    said = {
        "allergens": allergens,
        "diets": _ordered(fields.get(f"{prefix}diet", []), words.DIETS),
        "access": _ordered(fields.get(f"{prefix}access", []), words.ACCESS),
        "note": _note(_last(fields, f"{prefix}note"), prefix),
    }
    if not any(said.values()) and not _last(fields, f"{prefix}no_needs") and not (before and before.answered):
        return None
    try:
        return msgspec.convert(said, type=Needs)
    except msgspec.ValidationError as error:
        raise Refusal(
            422,
            "invalid",
            "The needs cannot be read. Choose from the list, and use your own words for the rest.",
            errors=[FieldError(f"{prefix}allergen", "is not one of the list", "Choose from the list.")],
        ) from error


def digest(needs: Needs | None) -> str:
    """Tells whether two forms showed the same needs."""
    said = msgspec.to_builtins(needs) if needs is not None else None
    if said:
        said["allergens"].sort(key=lambda a: a["key"])
        said["diets"].sort()
        said["access"].sort()
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()[:16]


def _new(key: str, prefix: str) -> Allergen:
    try:
        return msgspec.convert({"key": key}, type=Allergen)
    except msgspec.ValidationError as error:
        raise Refusal(
            422,
            "invalid",
            f"{key[:40]} is not an allergen of the list. Write it in your own words instead.",
            errors=[FieldError(f"{prefix}allergen", "is not one of the list", "Use your own words for it.")],
        ) from error


def _ordered(said: list[str], order: Mapping[str, str]) -> list[str]:
    """In the order of the list, each once; what is not on the list comes last, to be refused with its name."""
    rank = {key: n for n, key in enumerate(order)}
    return sorted({value for value in said if value}, key=lambda value: (rank.get(value, len(rank)), value))


def _note(text: str, prefix: str) -> str:
    clean = "".join(c if c.isprintable() or c in "\n\u200c\u200d" else " " for c in text).strip()
    if len(clean) > NOTE_CHARS_MAX:
        fix = f"At most {NOTE_CHARS_MAX} letters; the couple can be told the rest."
        raise Refusal(422, "invalid", "The note is too long.", errors=[FieldError(f"{prefix}note", "is too long", fix)])
    return clean


def _last(fields: Fields, name: str) -> str:
    values = fields.get(name, [])
    return values[-1] if values else ""
