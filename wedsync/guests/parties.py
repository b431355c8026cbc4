"""A party as whoever holds its link sees it: its own people, what they are invited to, and nobody else."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import msgspec

from wedsync.guests import sealed
from wedsync.guests.model import Needs
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.guests")
BROUGHT = "brought:"
"""How the source of a guest begins whom the party added by itself; they are what `plus_ones_allowed` counts."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the day somebody of the party is invited to."""

    id: UUID
    title: str
    on: date
    at_local: time
    place: str
    is_locked: bool
    menu: dict[UUID, str]


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """One guest and one item, with the answer as it is."""

    status: str
    menu_option_id: UUID | None
    responded_at: datetime | None
    version: int


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One guest of the party; `invited` by item in the order of the day."""

    id: UUID
    first_name: str
    last_name: str
    display_name: str
    kind: str
    age_band: str
    needs: Needs | None
    invited: dict[UUID, Invitation]

    @property
    def is_unnamed(self) -> bool:
        return self.kind == "plus_one" and not self.first_name and not self.last_name


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Everything its page shows."""

    id: UUID
    wedding_id: UUID
    name: str
    couple_names: str
    on: date | None
    date_status: str
    time_zone: str
    venue: str
    now: datetime
    slug: str | None
    plus_ones_left: int
    items: dict[UUID, Item]
    people: dict[UUID, Person]

    @property
    def is_off(self) -> bool:
        return self.date_status == "cancelled"

    @property
    def is_locked(self) -> bool:
        """No answer can be changed any more; needs still can."""
        return self.is_off or (bool(self.items) and all(item.is_locked for item in self.items.values()))

    @property
    def answered_at(self) -> datetime | None:
        """When the party answered last; None while somebody has not answered anything."""
        answers = [one for person in self.people.values() for one in person.invited.values()]
        if not answers or any(one.status == "needs_action" for one in answers):
            return None
        return max((one.responded_at for one in answers if one.responded_at is not None), default=None)


async def read(tx: Tx, ring: KeyRing) -> Held:
    """The party of the pass this transaction was entered with."""
    head = await tx.row(queries.own_party)
    if head is None:
        raise not_found("invitation")
    invited: dict[UUID, dict[UUID, Invitation]] = {}
    titles: dict[UUID, dict[str, Any]] = {}
    for row in await tx.rows(queries.own_invitations):
        titles[row["item_id"]] = {k: row[k] for k in ("title", "on", "at_local", "place")}
        fields = ("status", "menu_option_id", "responded_at", "version")
        invited.setdefault(row["guest_id"], {})[row["item_id"]] = Invitation(**{k: row[k] for k in fields})
    menus: dict[UUID, dict[UUID, str]] = {}
    locked: dict[UUID, bool] = {}
    for row in await tx.rows(queries.own_menus):
        locked[row["item_id"]] = row["is_locked"]
        if row["id"] is not None:
            menus.setdefault(row["item_id"], {})[row["id"]] = row["name"]
    guests = await tx.rows(queries.own_guests)
    brought = sum((row["source_key"] or "").startswith(BROUGHT) for row in guests)
    wedding = head["wedding_id"]
    return Held(
        **{k: head[k] for k in ("id", "wedding_id", "name", "couple_names", "on", "date_status", "time_zone", "now")},
        slug=head["slug"],
        venue=head["ceremony_venue"] or head["reception_venue"],
        plus_ones_left=max(0, head["plus_ones_allowed"] - brought),
        items={
            id: Item(id=id, **row, is_locked=locked.get(id, False), menu=menus.get(id, {}))
            for id, row in titles.items()
        },
        people={row["id"]: _person(ring, wedding, row, invited.get(row["id"], {})) for row in guests},
    )


def _person(ring: KeyRing, wedding_id: UUID, row: Any, invited: dict[UUID, Invitation]) -> Person:
    needs = None if row["needs"] is None else sealed.open_needs(ring, wedding_id, row["id"], row["needs"])
    fields = ("id", "first_name", "last_name", "display_name", "kind", "age_band")
    return Person(**{k: row[k] for k in fields}, needs=needs, invited=invited)
