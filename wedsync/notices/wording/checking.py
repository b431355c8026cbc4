"""What an operator may write for a notice, and how it reads with made-up people; pure."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from wedsync.kit.errors import FieldError
from wedsync.notices import model, saying
from wedsync.notices.wording.content import Content, Matter, written
from wedsync.notices.wording.tongues import DIGEST, EMERGENCY, PARTS, SHARED, Text, Tongue, shipped, variables

OF_BODY: Final = frozenset({"couple", "title"})
KEYS: Final = (*SHARED, *model.CALLS, *model.TO_LINKS, *model.TO_COUPLE, *model.TO_BOTH, *model.TO_DOERS)
"""Every text there is."""
_LINK: Final = re.compile(r"https?://|www\.", re.IGNORECASE)
_SAMPLES: Final[Mapping[str, str]] = {
    "title": "Cutting the cake",
    "name": "The Orangery",
    "display_name": "Carla Doe",
    "supplier_name": "Marlow Photo",
    "what": "gallery “The welcome dinner”",
    "capacity": "80",
    "arrangement": "seated",
    "reason": "a supplier asked us to",
    "until_local": "Sat 5 Jun, 22:15",
}
_DAY: Final = date(2027, 6, 5)


class WordingChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new version: what is empty is as WedSync says it. `note` is for the next operator."""

    title: Annotated[str, Meta(max_length=160)] = ""
    body: Annotated[str, Meta(max_length=600)] = ""
    ask: Annotated[str, Meta(max_length=600)] = ""
    button: Annotated[str, Meta(max_length=40)] = ""
    confirm: Annotated[str, Meta(max_length=40)] = ""
    note: Annotated[str, Meta(max_length=300)] = ""

    def text(self) -> Text:
        """On one line each."""
        return Text(**{name: " ".join(getattr(self, name).split()) for name in PARTS})


def english_title(key: str) -> str:
    """What the product says of it in English; what is said of any field that has changed has no title of its own."""
    return Tongue().text(key).title or saying.SAYS.get(key, "" if key in SHARED else Tongue().template("changed"))


def allowed(key: str, part: str) -> frozenset[str]:
    """The names that a part of a text may use: those that every such notice has."""
    return frozenset(variables(english_title(key))) if part == "title" else OF_BODY


def faults(key: str, text: Text) -> list[FieldError]:
    """What is wrong with it; none where it can be sent to anybody."""
    found: list[FieldError] = []
    for part in PARTS:
        words, known = getattr(text, part), allowed(key, part)
        strange = sorted(variables(words) - known)
        if strange:
            fix = f"It may use {', '.join(f'{{{name}}}' for name in sorted(known))}." if known else "It may use none."
            found.append(FieldError(part, f"needs {{{strange[0]}}}, which this notice does not have", fix))
        elif set(re.sub(r"\{[a-z_]+\}", "", words)) & set("{}"):
            found.append(FieldError(part, "has a brace that names nothing", "Write names as {couple}."))
        elif _LINK.search(words):
            found.append(FieldError(part, "holds a link", "Take it out: the button leads there."))
    if text.title and key in SHARED:
        found.append(FieldError("title", "cannot be chosen here", "Each kind of notice has its own title."))
    return found


def sample(key: str, tongue: Tongue) -> Content:
    """The notice of made-up people, as its reader would get it. Raises WordMissing."""
    if key == DIGEST:
        lines = ("Ana & Ben: Cutting the cake: 20:00 → 20:30", "Ana & Ben: Marlow Photo")
        return written(
            _matter(key, tongue.phrase("updates", count=2), tongue, lines=lines, before="", after="", confirms=False),
            tongue,
        )
    template = tongue.text(key).title or english_title(key)
    values = dict(_SAMPLES) | {
        "money": tongue.money(120000, "EUR"),
        "field": tongue.field("ceremony_at"),
        "due": tongue.day(_DAY),
    }
    title = tongue.filled(key, template, values) if template else tongue.phrase("changed", field=values["field"])
    title = title[:1].upper() + title[1:] if template.startswith("{field}") else title
    has_change = not template or "{field}" in template or key in saying.SHOWS_CHANGE
    change = {"before": "13:30", "after": "14:00"} if has_change else {"before": "", "after": ""}
    is_call = key == EMERGENCY or key in model.CALLS
    severity = "critical" if is_call else "normal"
    asks = is_call or (key in model.TO_LINKS and key not in model.UNCONFIRMED)
    return written(_matter(key, title, tongue, confirms=asks or key in SHARED, severity=severity, **change), tongue)


def names() -> dict[str, str]:
    """Languages by their locale, as people call them."""
    return {locale: one.name for locale, one in shipped().items()}


def _matter(key: str, title: str, tongue: Tongue, **more: Any) -> Matter:
    return Matter(
        key=key, couple="Ana & Ben", title=title, url="https://wedsync.example/ack/sample", on=tongue.day(_DAY), **more
    )
