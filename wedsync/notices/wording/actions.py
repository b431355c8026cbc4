"""Versions of texts: read, written, taken back, tried out; by an operator of the platform, who has entered it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.notices.wording import checking, drawing
from wedsync.notices.wording.checking import KEYS, WordingChange
from wedsync.notices.wording.tongues import PARTS, Text, Tongue, Version, family, shipped
from wedsync.phones import gsm
from wedsync.web import mail

queries = sql.load("wedsync.notices.wording")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A text in a language: whether it says anything of its own there, and the operator's version (0: none counts)."""

    key: str
    locale: str
    number: int
    is_shipped: bool
    is_own: bool


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """One version; `words` null: from there on as WedSync ships it."""

    number: int
    words: Text | None
    note: str
    made_at: datetime
    made_by: str


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """A text in a language. `own` is what the newest version says, `shipped` what WedSync says by itself, `used` what a
    reader gets; `names` are the words in braces that each part may use. `version` goes back in as If-Match.
    """

    key: str
    locale: str
    version: int
    own: Text
    shipped: Text
    used: Text
    names: dict[str, list[str]]
    history: Sequence[Past]


class TextMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A text and what it costs; `odd` are the signs that make it dear."""

    text: str
    encoding: str
    segments: int
    odd: str


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The notice of made-up people on every channel."""

    subject: str
    text: str
    html: str
    sms: TextMessage
    title: str
    detail: str
    blocks: list[Any]
    card: dict[str, Any]
    open_label: str
    button: str


class RollBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To which version; 0 is as WedSync ships it."""

    number: int


async def listed(tx: Tx) -> list[Known]:
    """Every text in every language."""
    newest = {(row["key"], row["locale"]): row for row in await tx.rows(queries.newest, None)}
    found = []
    for key in KEYS:
        for locale, ours in shipped().items():
            row = newest.get((key, locale))
            says = key in ours.texts or (locale == "en" and bool(checking.english_title(key)))
            is_own = row is not None and row["words"] is not None
            number = row["number"] if row is not None and is_own else 0
            found.append(Known(key=key, locale=locale, number=number, is_shipped=says, is_own=is_own))
    return found


async def read(tx: Tx, key: str, locale: str) -> Wording:
    """Raises Refusal 404 for a text or a language that there is not."""
    _check(key, locale)
    tongue = await _tongue(tx, key, locale)
    past = [
        Past(
            number=row["number"],
            words=None if row["words"] is None else msgspec.json.decode(row["words"], type=Text),
            note=row["note"],
            made_at=row["made_at"],
            made_by=row["made_by"],
        )
        for row in await tx.rows(queries.history, key, locale)
    ]
    plain = Tongue(locale=locale)
    own = (past[0].words if past else None) or Text()
    ours = plain.words(key)
    english = checking.english_title(key)
    title = ours.title or english
    return Wording(
        key=key,
        locale=locale,
        version=past[0].number if past else 0,
        own=own,
        shipped=msgspec.structs.replace(ours, title=title),
        used=msgspec.structs.replace(tongue.words(key), title=tongue.text(key).title or english),
        names={part: sorted(checking.allowed(key, part)) for part in PARTS},
        history=past,
    )


async def write(tx: Tx, key: str, locale: str, change: WordingChange, *, version: int | None = None) -> Wording:
    """A version more. Raises Refusal 404, 412 where another one came first, 422 for what could not be sent."""
    text = _checked(key, locale, change)
    now = await read(tx, key, locale)
    return await _add(tx, now, version, text, change.note)


async def roll_back(tx: Tx, key: str, locale: str, number: int, *, version: int | None = None) -> Wording:
    """What an earlier version said, as a version more; 0 is as it is shipped. Raises Refusal 404, 412."""
    now = await read(tx, key, locale)
    past = next((one for one in now.history if one.number == number), None)
    if number != 0 and past is None:
        raise not_found("version")
    text = None if past is None else past.words
    return await _add(tx, now, version, text, f"As version {number}." if number else "As WedSync says it.")


async def preview(tx: Tx, key: str, locale: str, change: WordingChange | None = None) -> Preview:
    """As it is, or as it would be with this change. Raises Refusal 404, 422."""
    _check(key, locale)
    tongue = await _tongue(tx, key, locale)
    if change is not None:
        newer = Version(key=key, locale=locale, number=1 + tongue.number(key), words=_checked(key, locale, change))
        tongue = Tongue(locale=locale, versions=(*tongue.versions, newer))
    return drawn(key, tongue)


def drawn(key: str, tongue: Tongue) -> Preview:
    """With made-up people, on every channel."""
    content = checking.sample(key, tongue)
    letter, sms = drawing.letter(content), drawing.text(content, 12)
    title, detail = drawing.in_app(content)
    size = gsm.measure(sms)
    return Preview(
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        sms=TextMessage(text=sms, encoding=size.encoding, segments=size.segments, odd="".join(size.odd)),
        title=title,
        detail=detail,
        blocks=drawing.blocks(content),
        card=drawing.card(content),
        open_label=content.open_label,
        button=content.button.label if content.button else "",
    )


async def send_sample(tx: Tx, ring: KeyRing, key: str, locale: str, *, email: str, name: str) -> None:
    """The preview as a mail to whoever asks, and nobody else. Raises Refusal 404, or 409 without an address."""
    if not email:
        raise Refusal(409, "no_address", "You have no mail address here, so nothing can be sent to you.")
    seen = await preview(tx, key, locale)
    words = mail.Words(subject=f"[Sample] {seen.subject}", text=seen.text, html=seen.html, language=locale)
    delivery, home = uuid4(), await tx.home()
    body = mail.message(email, words, name=name)
    await tx.value(queries.owe_sample, delivery, _sealed(ring, home, delivery, body))


def _sealed(ring: KeyRing, home: UUID, delivery: UUID, body: bytes) -> bytes:
    return ring.seal(body, tenant=home, table="deliveries", column="sealed", row=delivery)


async def _add(tx: Tx, now: Wording, version: int | None, text: Text | None, note: str) -> Wording:
    seen = now.version if version is None else version
    words = None if text is None else msgspec.json.encode(text).decode()
    if await tx.value(queries.add, now.key, now.locale, seen, words, note) is None:
        raise Refusal(
            412,
            "changed_meanwhile",
            "Another version was written after you read it. Look at it and write yours again.",
            extra={"version": now.version},
        )
    return await read(tx, now.key, now.locale)


async def _tongue(tx: Tx, key: str, locale: str) -> Tongue:
    rows = await tx.rows(queries.newest, key)
    versions = [
        Version(
            key=row["key"],
            locale=row["locale"],
            number=row["number"],
            words=msgspec.json.decode(row["words"], type=Text),
        )
        for row in rows
        if row["words"] is not None and row["locale"] in family(locale)
    ]
    return Tongue(locale=locale, versions=tuple(versions))


def _checked(key: str, locale: str, change: WordingChange) -> Text:
    _check(key, locale)
    text = change.text()
    wrong = checking.faults(key, text)
    if wrong:
        said = "; ".join(f"{one.field} {one.reason}" for one in wrong)
        raise Refusal(422, "invalid", f"This could not be sent: {said}.", errors=wrong)
    return text


def _check(key: str, locale: str) -> None:
    if key not in KEYS or locale not in shipped():
        raise not_found("text")
