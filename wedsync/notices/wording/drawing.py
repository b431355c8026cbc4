"""A content as each channel shows it: mail, text, inbox, Block Kit, Adaptive Card; pure, and alike for a preview."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wedsync.notices.wording.content import Content, headline
from wedsync.phones import gsm
from wedsync.web import mail

SEGMENTS_MAX: Final = {"gsm7": 2, "ucs2": 3}
"""A name that GSM-7 cannot write is not misspelt to save a segment."""
MARKED_MAX: Final = 2900
"""A section of Block Kit takes 3,000 characters, and a message is short."""
NAMED_MAX: Final = 300
FACTS_MAX: Final = 10
"""A section of Block Kit has at most ten fields."""
RUN_MAX: Final = 300


def letter(content: Content) -> mail.Words:
    """Subject, plain text and HTML, of the same words."""
    button = content.button
    return mail.written(
        subject=headline(content),
        heading=f"{content.couple}: {content.title}",
        paragraphs=[*content.lines, *content.paragraphs],
        facts=content.facts,
        button=None if button is None else (button.label, button.url),
        footer=content.footer,
        language=content.locale,
    )


def text(content: Content, code: int | None) -> str:
    """A text message: the change, how it is answered, where to look; in two segments, or three."""
    matter = gsm.plain(f"{_told(content)}.")
    asks = f"{content.reply.replace('{code}', str(code))} " if code is not None else ""
    tail = gsm.plain(f"{asks}{content.button.url if content.button else ''}")
    room = SEGMENTS_MAX[gsm.measure(f"{matter} {tail}").encoding]
    return gsm.cut(matter, tail=tail, segments_max=room)


def in_app(content: Content) -> tuple[str, str]:
    """(title, detail) of a row of the inbox."""
    change = f"{content.before} → {content.after}" if content.before and content.after else content.after
    return f"{content.couple}: {content.title}", change


def blocks(content: Content, *, key: str = "", note: str = "", buttons: Sequence[Mapping[str, Any]] = ()) -> list[Any]:
    """Block Kit. What people typed is escaped; `note` and `buttons` are the caller's, who knows where they lead."""
    lines = [f"*{escaped(content.title, NAMED_MAX)}*"]
    if content.after:
        before = f"~{escaped(content.before, NAMED_MAX)}~  →  " if content.before else ""
        lines.append(f"{before}*{escaped(content.after, NAMED_MAX)}*")
    section: dict[str, Any] = {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)}}
    if content.facts:
        fields = [f"*{escaped(name, NAMED_MAX)}*\n{escaped(value, NAMED_MAX)}" for name, value in content.facts]
        section["fields"] = [{"type": "mrkdwn", "text": one} for one in fields[:FACTS_MAX]]
    found: list[Any] = [section]
    if note:
        found.append({"type": "context", "elements": [{"type": "mrkdwn", "text": note[:MARKED_MAX]}]})
    if buttons:
        found.append({"type": "actions", "block_id": f"notice:{key}"[:255], "elements": list(buttons)})
    return found


def card(content: Content, *, note: str = "", links: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """An Adaptive Card 1.4. Text is in runs, which know no markup: what people typed links nowhere."""
    facts = [{"title": name[:RUN_MAX], "value": value[:RUN_MAX]} for name, value in content.facts]
    body = [_line([_run(content.title, weight="Bolder", size="Medium")]), *_changed(content)]
    body += [{"type": "FactSet", "facts": facts}] if facts else []
    body += [_line([_run(note, isSubtle=True)])] if note else []
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": _plainly(content)[:RUN_MAX],
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": title, "url": url} for title, url in links if url],
    }


def escaped(text: str, limit: int = MARKED_MAX) -> str:
    """As text of a Slack message; cut before it is escaped, so that no escape is cut."""
    return text[:limit].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _told(content: Content) -> str:
    if content.lines:
        return f"{content.couple}: {content.title}: {'; '.join(one.rstrip('.') for one in content.lines)}"
    return headline(content)


def _plainly(content: Content) -> str:
    return f"{content.title}: {content.after}" if content.after else content.title


def _changed(content: Content) -> list[dict[str, Any]]:
    if not content.after:
        return []
    before = [_run(content.before, strikethrough=True, isSubtle=True), _run("  →  ")] if content.before else []
    return [_line([*before, _run(content.after, weight="Bolder")])]


def _line(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs}


def _run(text: str, **look: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text[:RUN_MAX], **look}
