"""The core fields a question can be mapped to: how the record fills it in, and what an answer changes there; pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any, Final, Literal

import msgspec

from wedsync.forms.model import Kind
from wedsync.kit.errors import FieldError
from wedsync.web.formats import clock, day_year

Verdict = Literal["confirmed", "followed", "changed", "clashed"]
PHONE: Final = re.compile(r"^[+(0-9][0-9 ()./+-]{5,}$")


class CoreField(msgspec.Struct, frozen=True, kw_only=True):
    """One. `column` is the wedding's it goes back into; '' where it does not, or into rows of its own."""

    words: str
    kind: Kind
    column: str = ""


CORE: Final[Mapping[str, CoreField]] = {
    "couple_names": CoreField(words="Your names", kind="text", column="couple_names"),
    "partner_a": CoreField(words="The name of one of you", kind="text", column="partner_a"),
    "partner_b": CoreField(words="The name of the other", kind="text", column="partner_b"),
    "on": CoreField(words="Wedding date", kind="date", column="on"),
    "ceremony_venue": CoreField(words="Ceremony venue", kind="text", column="ceremony_venue"),
    "ceremony_address": CoreField(words="Ceremony address", kind="address", column="ceremony_address"),
    "ceremony_at": CoreField(words="Ceremony begins", kind="time", column="ceremony_at"),
    "reception_venue": CoreField(words="Reception venue", kind="text", column="reception_venue"),
    "reception_address": CoreField(words="Reception address", kind="address", column="reception_address"),
    "reception_at": CoreField(words="Reception begins", kind="time", column="reception_at"),
    "guest_estimate": CoreField(words="Guests, about", kind="number", column="guest_estimate"),
    "head_count": CoreField(words="Guests who have accepted", kind="number"),
    "dietary": CoreField(words="Dietary needs, in numbers", kind="long_text"),
    "day_contacts": CoreField(words="Whom to ring on the day", kind="long_text"),
}


def known(
    wedding: Mapping[str, Any], counts: Sequence[Mapping[str, Any]], contacts: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the record holds of each core field, as an answer is; what it does not hold is absent."""
    values: dict[str, Any] = {name: _plain(wedding.get(field.column)) for name, field in CORE.items() if field.column}
    most = max(counts, key=lambda row: row["accepted"], default=None)
    if most is not None and most["accepted"]:
        values["head_count"] = most["accepted"]
        values["dietary"] = dietary_words(most["dietary"])
    values["day_contacts"] = "\n".join(contact_line(one) for one in contacts)
    return {name: value for name, value in values.items() if value not in (None, "")}


def _plain(value: Any) -> Any:
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return value.isoformat() if isinstance(value, date) else value


def dietary_words(groups: Mapping[str, Mapping[str, Any]]) -> str:
    """`Allergy: nuts: 3`, a line each; small cells stay hidden as they are."""
    return "\n".join(
        f"{'Allergy: ' if group == 'allergens' else ''}{code.replace('_', ' ')}: {number}"
        for group, cells in groups.items()
        for code, number in cells.items()
    )


def contact_line(one: Mapping[str, Any]) -> str:
    """`Priya, coordinator, 07700 900123`."""
    return ", ".join(one[part].replace("\n", " ") for part in ("name", "what", "phone") if one[part])


def judge(seen: Any, now: Any, answer: Any) -> Verdict:
    """What an answer to a mapped field means: `seen` is what was shown, `now` what the record holds by now.

    `followed`: left as it was shown, so the record's newer word stands. `clashed`: both were changed, differently.
    """
    if answer == now:
        return "confirmed" if seen == now else "followed"
    if answer == seen:
        return "followed"
    return "changed" if seen == now else "clashed"


def said(kind: Kind, value: Any) -> str:
    """A value of the record in words."""
    if value in (None, ""):
        return "nothing"
    if kind == "date":
        return day_year(date.fromisoformat(value))
    return clock(time.fromisoformat(value)) if kind == "time" else str(value)


def clash(key: str, kind: Kind, now: Any) -> FieldError:
    """Somebody else has changed the record meanwhile."""
    return FieldError(
        key, f"was changed meanwhile, to {said(kind, now)}", "Look which is right, and send the form again."
    )


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A line of on-day contacts."""

    name: str
    what: str
    phone: str


def contact_of(line: str) -> Contact | None:
    """`name, what, phone`: the part that looks like a number is one; None for a line without a name."""
    parts = [part.strip() for part in line.split(",") if part.strip()]
    phone = next((part for part in reversed(parts) if PHONE.match(part)), "")
    rest = [part for part in parts if part != phone]
    if not rest:
        return None
    return Contact(name=rest[0][:120], what=", ".join(rest[1:])[:120], phone=phone[:40])


def contacts_to_add(text: str, there: Sequence[Mapping[str, Any]]) -> list[Contact]:
    """Those of the lines whom nobody has named yet. What is there already is changed on the schedule alone."""
    names = {one["name"].casefold() for one in there}
    found: dict[str, Contact] = {}
    for line in text.splitlines():
        one = contact_of(line)
        if one is not None and one.name.casefold() not in names:
            found.setdefault(one.name.casefold(), one)
    return list(found.values())
