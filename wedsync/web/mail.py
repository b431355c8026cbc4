"""Words of a mail from a template: one text file per event becomes subject, text and HTML.

A template begins with `Subject: …`, then optionally `Button: label -> address`, a blank line, and paragraphs. The HTML
is made from the same words, so the two parts can never say different things.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from wedsync.web import render

SENT_BY: Final = "Sent by WedSync, where a couple and their suppliers share one live record."
_BUTTON = re.compile(r"^(?P<label>.+?) -> (?P<url>https?://\S+)$")


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A composed mail, without its addressee."""

    subject: str
    text: str
    html: str
    language: str = "en"


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """In whose name and colour a mail comes; `ink` is read on the colour."""

    name: str
    colour: str
    ink: str


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail that offers something must say under its matter: why it comes, from where, and how it stops."""

    why: str
    address: str
    way_out: str
    out_url: str

    def lines(self) -> tuple[str, str]:
        """As both parts of the mail show it."""
        return f"{self.why} {self.address}", f"{self.way_out}: {self.out_url}"


def compose(template: str, *, brand: Brand | None = None, small: Sequence[str] = (), **values: Any) -> Words:
    """Render such as `people/notices/session.requested.txt`; `small` are lines under the matter, in both parts.

    Raises ValueError for a file without a subject, or one whose words nothing parts from its head.
    """
    source = render.environment().get_template(template).render(**values)
    head, _, body = source.strip().partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    if "Subject" not in fields:
        raise ValueError(f"{template} does not begin with 'Subject: …'")
    if not body.strip():
        raise ValueError(f"{template} has no blank line before its words")
    button = _BUTTON.match(fields.get("Button", "").strip())
    return written(
        subject=" ".join(fields["Subject"].split()),
        paragraphs=[" ".join(p.split()) for p in body.strip().split("\n\n") if p.strip()],
        button=(button["label"], button["url"]) if button else None,
        brand=brand,
        small=small,
    )


def written(
    *,
    subject: str,
    paragraphs: Sequence[str],
    heading: str = "",
    facts: Sequence[tuple[str, str]] = (),
    button: tuple[str, str] | None = None,
    brand: Brand | None = None,
    small: Sequence[str] = (),
    footer: Sequence[str] = (SENT_BY,),
    language: str = "en",
) -> Words:
    """One content as subject, text and HTML; what stands in the one part stands in the other."""
    named = [f"{name}: {value}" for name, value in facts]
    pressed = [": ".join(button)] if button else []
    text = "\n\n".join([*paragraphs, *(["\n".join(named)] if named else []), *pressed, *small])
    html = render.page(
        "mail.html",
        subject=subject,
        heading=heading or subject,
        paragraphs=paragraphs,
        preheader=preheader(paragraphs) or subject,
        facts=facts,
        button={"label": button[0], "url": button[1]} if button else None,
        brand=brand,
        small=small,
        footer=footer,
        language=language,
    )
    return Words(subject=subject, text=text + "\n", html=html, language=language)


def preheader(paragraphs: Sequence[str]) -> str:
    """What a list of mails shows beside the subject: the first words that say something, which a greeting does not."""
    return next((one for one in paragraphs if not one.endswith(",")), "")


def message(
    to: str, words: Words, *, name: str = "", unsubscribe_url: str = "", from_name: str = "", reply_to: str = ""
) -> bytes:
    """The sealed content of a mail delivery: what providers of mail read.

    Raises ValueError for a one-click way out that the mail itself does not show: programs hide it, people look for it.
    """
    if unsubscribe_url and unsubscribe_url not in words.text:
        raise ValueError("a mail with a way out must show it in its text")
    body = {
        "to": to,
        "to_name": name,
        "subject": words.subject,
        "text": words.text,
        "html": words.html,
        "unsubscribe_url": unsubscribe_url,
        "from_name": from_name,
        "reply_to": reply_to,
        "language": words.language,
    }
    return msgspec.json.encode(body)
