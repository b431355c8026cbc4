"""The guest list as an audience sees it: filtered, cut into pages, party by party.

Row security leaves out what it may not see, so the same code serves the couple and a supplier.
"""

from typing import Any
from uuid import UUID

import msgspec

from wedsync.guests import sealed, words
from wedsync.guests.importing.names import fold, matches
from wedsync.guests.model import Needs
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.guests")
PARTIES_A_PAGE = 50
STATUSES = ("accepted", "declined", "tentative", "needs_action")
NEEDS = ("dietary", "access", "unanswered")
SHORT_MAX = 14


class Filters(msgspec.Struct, frozen=True):
    """What the form above the list says; words that are no choice are taken as none."""

    q: str = ""
    status: str = ""
    item: str = ""
    need: str = ""

    @property
    def item_id(self) -> UUID | None:
        return UUID(self.item) if self.item else None

    @property
    def is_set(self) -> bool:
        return bool(self.q or self.status or self.item or self.need)


def filters(q: str = "", status: str = "", item: str = "", need: str = "") -> Filters:
    """Read the form's fields."""
    return Filters(
        q=" ".join(q.split())[:100],
        status=status if status in STATUSES else "",
        item=str(_uuid(item) or ""),
        need=need if need in NEEDS else "",
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def page(tx: Tx, ring: KeyRing, wedding_id: UUID, wanted: Filters, *, number: int = 1) -> dict[str, Any]:
    """A page of the list as `_rows.html` shows it: `parties`, `found`, `is_filtered`, `page`, `pages`."""
    index = await tx.rows(queries.guest_index, wedding_id, wanted.status, wanted.item_id)
    if wanted.q:
        index = [row for row in index if _is_like(wanted.q, row)]
    if wanted.need:
        index = await _with_need(tx, ring, wedding_id, index, wanted.need)
    members: dict[UUID, list[UUID]] = {}
    for row in index:
        members.setdefault(row["party_id"], []).append(row["id"])
    pages = max(1, -(-len(members) // PARTIES_A_PAGE))
    number = min(max(number, 1), pages)
    shown = list(members)[(number - 1) * PARTIES_A_PAGE : number * PARTIES_A_PAGE]
    return {
        "parties": await _parties(tx, ring, wedding_id, {party: members[party] for party in shown}),
        "found": {"guests": len(index), "parties": len(members)},
        "is_filtered": wanted.is_set,
        "page": number,
        "pages": pages,
    }


def _is_like(asked: str, row: Row) -> bool:
    """A piece of the guest's or the party's name, or the name as somebody else would spell it."""
    folded = fold(asked)
    names = (row["name_sort"], fold(row["display_name"]), fold(row["party_name"]))
    return any(folded in name for name in names) or matches(asked, row["display_name"]) or _is_part(folded, names[1])


def _is_part(folded: str, name: str) -> bool:
    """One word may be a nickname, or the beginning, of one word of the name."""
    return " " not in folded and any(matches(folded, part) for part in name.split())


async def _with_need(tx: Tx, ring: KeyRing, wedding_id: UUID, index: list[Row], need: str) -> list[Row]:
    needs = await opened(tx, ring, wedding_id, [row["id"] for row in index])
    return [row for row in index if _has(needs.get(row["id"]), need)]


def _has(needs: Needs | None, need: str) -> bool:
    if need == "unanswered":
        return needs is None or not needs.answered
    if needs is None:
        return False
    return bool(needs.access) if need == "access" else bool(needs.allergens or needs.diets or needs.note)


async def opened(tx: Tx, ring: KeyRing, wedding_id: UUID, guest_ids: list[UUID] | None) -> dict[UUID, Needs]:
    """The needs this audience may read, by guest; None for all guests."""
    rows = await tx.rows(queries.needs, wedding_id, guest_ids)
    return {r["guest_id"]: sealed.open_needs(ring, wedding_id, r["guest_id"], r["sealed"]) for r in rows}


async def _parties(tx: Tx, ring: KeyRing, wedding_id: UUID, members: dict[UUID, list[UUID]]) -> list[dict[str, Any]]:
    if not members:
        return []
    heads = {r["id"]: r for r in await tx.rows(queries.party_heads, wedding_id, list(members))}
    cards: dict[UUID, list[dict[str, Any]]] = {}
    for party, card in await _cards(tx, ring, wedding_id, [g for guests in members.values() for g in guests]):
        cards.setdefault(party, []).append(card)
    couple = await tx.row(queries.partners, wedding_id)
    sides = dict(words.sides(couple["partner_a"], couple["partner_b"])) if couple else {}
    return [
        {
            **{key: heads[party][key] for key in ("id", "name", "version", "invited_at")},
            "side_words": sides.get(heads[party]["side"], "") if heads[party]["side"] else "",
            "guests": cards.get(party, []),
        }
        for party in members
        if party in heads
    ]


async def _cards(tx: Tx, ring: KeyRing, wedding_id: UUID, guests: list[UUID]) -> list[tuple[UUID, dict[str, Any]]]:
    needs = await opened(tx, ring, wedding_id, guests)
    answers: dict[UUID, list[dict[str, Any]]] = {}
    for r in await tx.rows(queries.answers_of, wedding_id, guests):
        answers.setdefault(r["guest_id"], []).append(answer(r))
    return [
        (row["party_id"], card(row, answers.get(row["id"], []), needs.get(row["id"])))
        for row in await tx.rows(queries.cards, wedding_id, guests)
    ]


def answer(row: Row) -> dict[str, Any]:
    """One answer as a row of the list shows it."""
    title = row["title"]
    short = title if len(title) <= SHORT_MAX else title.split(" ")[0][:SHORT_MAX]
    return {**dict(row), "short": short}


def card(row: Row, answers: list[dict[str, Any]], needs: Needs | None) -> dict[str, Any]:
    """One guest as `_row.html` shows them."""
    return {
        **{key: row[key] for key in ("id", "display_name", "age_band", "kind", "role", "version")},
        "rsvps": answers,
        "needs": words.row_badges(needs),
        "needs_answered": needs is not None and needs.answered,
    }


async def one(tx: Tx, ring: KeyRing, wedding_id: UUID, guest_id: UUID) -> dict[str, Any] | None:
    """One guest's row."""
    return next((card for _, card in await _cards(tx, ring, wedding_id, [guest_id])), None)


async def items(tx: Tx, wedding_id: UUID) -> list[tuple[str, str]]:
    """What guests can be invited to: (id, title)."""
    return [(str(r["id"]), r["title"]) for r in await tx.rows(queries.items, wedding_id)]
