"""The words of an invitation's mail: in the supplier's colour and name, with what it knows, and a way to want no more.

A mail that offers something needs who sent it, why, a postal address and a way out that takes one press (16 CFR 316,
RFC 8058); all four stand under the matter, in the text part too.
"""

import hmac
from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

import msgspec

from wedsync.invitations.model import Known, Style, ink, names_in_words
from wedsync.web import mail
from wedsync.weddings.actions import pass_token

OUT: Final = "mail"
BUTTON: Final = "See what is known: "


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """All that a mail is made of. `others`: suppliers who invite the same couple just now."""

    supplier: str
    reply_to: str
    style: Style
    known: Known
    on: date | None
    others: Sequence[str] = ()
    is_reminder: bool = False
    url: str
    out_url: str


def words(letter: Letter) -> mail.Words:
    """The mail of a letter, without its addressee."""
    name = "reminded" if letter.is_reminder else "sent"
    style = letter.style
    offer = mail.Offer(
        why=f"You get this because {letter.supplier} has you as a client and asked us to write to you.",
        address=style.address or letter.supplier,
        way_out="No more invitations, from nobody",
        out_url=letter.out_url,
    )
    return mail.compose(
        f"invitations/notices/invitation.{name}.txt",
        brand=mail.Brand(name=letter.supplier, colour=style.colour, ink=ink(style.colour)),
        small=offer.lines(),
        supplier=letter.supplier,
        suppliers=names_in_words([letter.supplier, *letter.others]),
        is_merged=bool(letter.others),
        couple="" if "@" in letter.known.couple_names else letter.known.couple_names,
        on=letter.on,
        venue=letter.known.venue,
        words=style.words,
        signature=style.signature or letter.supplier,
        url=letter.url,
    )


def sample(supplier: str, reply_to: str, style: Style, *, known: Known | None, on: date | None, site: str) -> Letter:
    """As a couple would get it, made-up people where nobody is `known`; links in it open nothing."""
    return Letter(
        supplier=supplier,
        reply_to=reply_to,
        style=style,
        known=known or Known(to="ana@example.com", name="Ana", partner_name="Ben"),
        on=on,
        url=f"{site}/invite/…",
        out_url=f"{site}/no-mail/…",
    )


def paragraphs(written: mail.Words) -> list[str]:
    """The text as a page shows it: without the line that is a button in the mail."""
    return [part for part in written.text.strip().split("\n\n") if not part.startswith(BUTTON)]


def message(letter: Letter, written: mail.Words) -> bytes:
    """What the mail's delivery seals."""
    return mail.message(
        letter.known.to,
        written,
        name="" if "@" in letter.known.couple_names else letter.known.couple_names,
        unsubscribe_url=letter.out_url,
        from_name=f"{letter.supplier} via WedSync",
        reply_to=letter.reply_to,
    )


def out_token(secret: str, invitation_id: UUID) -> str:
    """Names one invitation, and so its address; nobody can make one. It works for ever: who wants no more mails may
    say so a year later.
    """
    return f"{invitation_id.hex}-{pass_token(secret, OUT, invitation_id)}"


def from_out_token(secret: str, token: str) -> UUID | None:
    """The invitation a token names, or None for what we did not make."""
    head, _, _ = token.partition("-")
    try:
        invitation_id = UUID(hex=head)
    except ValueError:
        return None
    made = out_token(secret, invitation_id)
    return invitation_id if hmac.compare_digest(made.encode(), token.encode()) else None
