"""What a mail to a party says: what it answered, and where the mail goes."""

from datetime import date
from uuid import UUID

import msgspec

from wedsync.guests import invitations, parties
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.guests")
_ANSWERS = {"accepted": "", "declined": "not ", "tentative": "perhaps ", "needs_action": "not yet "}


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """`lines` hold a name and what that guest answered: `("Carla Mendes", "Ceremony and Dinner, sea bass")`."""

    party_name: str
    couple_names: str
    on: date | None
    address: str
    lines: list[tuple[str, str]]
    coming: bool


async def rsvp_summary(tx: Tx, ring: KeyRing, wedding_id: UUID, party_id: UUID) -> Letter | None:
    """What a party has answered so far, as the couple or the system; None where it is gone or cannot be reached."""
    head = await tx.row(queries.letter_head, wedding_id, party_id)
    found = await invitations.addresses(tx, ring, wedding_id, [party_id])
    if head is None or party_id not in found:
        return None
    answers = await tx.rows(queries.letter_answers, wedding_id, party_id)
    return Letter(
        party_name=head["name"],
        couple_names=head["couple_names"],
        on=head["on"],
        address=found[party_id],
        lines=_lines(answers),
        coming=any(row["status"] == "accepted" for row in answers),
    )


def _lines(answers: list[Row]) -> list[tuple[str, str]]:
    by_guest: dict[UUID, list[Row]] = {}
    for row in answers:
        by_guest.setdefault(row["guest_id"], []).append(row)
    return [
        (rows[0]["display_name"], sentence([(r["status"], r["title"], r["menu"]) for r in rows]))
        for rows in by_guest.values()
    ]


def of_party(held: parties.Held) -> list[dict[str, str]]:
    """The same for the party's own page: `[{name, words}]`."""
    return [
        {
            "name": person.display_name,
            "words": sentence(
                [
                    (one.status, held.items[item].title, held.items[item].menu.get(one.menu_option_id, ""))  # type: ignore[arg-type]
                    for item, one in person.invited.items()
                ]
            ),
        }
        for person in held.people.values()
    ]


def sentence(answers: list[tuple[str, str, str]]) -> str:
    """One guest's answers (status, part of the day, meal): `Ceremony and Dinner, sea bass; not Brunch`."""
    parts = []
    for status, prefix in _ANSWERS.items():
        titles = [title for one, title, _ in answers if one == status]
        meals = [menu for one, _, menu in answers if one == status == "accepted" and menu]
        if not titles:
            continue
        if len(titles) == len(answers) and status != "accepted":
            parts.append({"declined": "not coming", "tentative": "perhaps", "needs_action": "not answered yet"}[status])
            continue
        listed = titles[0] if len(titles) == 1 else ", ".join(titles[:-1]) + f" and {titles[-1]}"
        parts.append(", ".join([prefix + listed, *meals]))
    return "; ".join(parts) or "not invited to anything yet"
