"""What one notice says to one person, before it is drawn for a channel; pure.

A phone shows some sixty signs of a subject, a text or a push: what has changed stands within them.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from wedsync.notices.wording.tongues import DIGEST, EMERGENCY, ENGLISH, Tongue

HEADLINE_CHARACTERS_MAX: Final = 60
_SHORTEST: Final = 12


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """The one thing to do."""

    label: str
    url: str


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """One notice in words. `label` names what has changed in a word or two, `paragraphs` begin with the change in a
    sentence, `facts` say of which wedding it is, `code` is what a text is answered with.
    """

    locale: str
    couple: str
    title: str
    label: str = ""
    before: str = ""
    after: str = ""
    facts: Sequence[tuple[str, str]] = ()
    lines: Sequence[str] = ()
    paragraphs: Sequence[str] = ()
    button: Button | None = None
    open_label: str = ""
    reply: str = ""
    footer: Sequence[str] = ()


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """What a content is made of. `key` names the text; what is nobody's own is `change`."""

    key: str
    couple: str
    title: str
    label: str = ""
    before: str = ""
    after: str = ""
    url: str = ""
    on: str = ""
    confirms: bool = False
    severity: str = "normal"
    lines: Sequence[str] = ()


def written(matter: Matter, tongue: Tongue = ENGLISH) -> Content:
    """In one language. Raises WordMissing."""
    is_call = matter.severity == "critical" and not matter.lines
    key = DIGEST if matter.lines else EMERGENCY if is_call else matter.key
    text = tongue.words(EMERGENCY, matter.key) if is_call else tongue.words(key)
    values = {"couple": matter.couple, "title": matter.title}
    body, label = (text.ask, text.confirm) if matter.confirms else (text.body, text.button)
    first = [] if matter.lines else [_change(matter, tongue)]
    facts = [(tongue.phrase("wedding"), matter.couple), *([(tongue.phrase("date"), matter.on)] if matter.on else [])]
    return Content(
        locale=tongue.locale,
        couple=matter.couple,
        title=matter.title,
        label=matter.label or matter.title,
        before=matter.before,
        after=matter.after,
        facts=() if matter.lines else tuple(facts),
        lines=tuple(f"{line}." for line in matter.lines),
        paragraphs=(*first, tongue.filled(key, body, values)),
        button=Button(label=tongue.filled(key, label, values), url=matter.url) if matter.url else None,
        open_label=tongue.phrase("open"),
        reply=_reply(tongue),
        footer=(tongue.phrase("sent_by"),),
    )


def headline(content: Content, *, most: int = HEADLINE_CHARACTERS_MAX) -> str:
    """The notice in one line whose first `most` signs hold what is so now, as far as it has room at all."""
    couple, title, label = content.couple, content.title, content.label
    if not content.after:
        return f"{couple}: {title}" if len(couple) + len(title) + 2 <= most else f"{title} · {couple}"
    change = f"{content.before} → {content.after}" if content.before else content.after
    whole = f"{couple}: {title}: {change}"
    if len(whole) <= most:
        return whole
    lead = cut(label, max(_SHORTEST, most - len(change) - 2))
    if len(lead) + len(change) + 2 <= most:
        return f"{lead}: {change} · {couple}"
    lead = cut(label, max(_SHORTEST, most - len(content.after) - 2))
    now = f"{lead}: {content.after}"
    return f"{now} · {couple}" if len(now) <= most else f"{cut(now, most)} · {couple}"


def line(matter: Matter, tongue: Tongue = ENGLISH) -> str:
    """The same as one of several, told together."""
    return f"{matter.couple}: {_change(matter, tongue, ending='_line')}"


def cut(text: str, most: int) -> str:
    """As much of it as there is room for, and a sign that there is more."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _change(matter: Matter, tongue: Tongue, *, ending: str = "") -> str:
    values: dict[str, Any] = {"title": matter.title, "before": matter.before, "after": matter.after}
    if matter.after:
        return tongue.phrase(("moved" if matter.before else "set") + ending, **values)
    return matter.title if ending else tongue.phrase("plain", **values)


def _reply(tongue: Tongue) -> str:
    return tongue.phrase("reply", code="{code}")
