"""What can be proposed: for each table its fields in words, how they are checked, and the owner's action that applies.

A new noun is added here, with its lines in `queries.sql` (`current`, `present`); nothing below knows of proposals.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from wedsync.days import actions as days
from wedsync.days.model import NewAmendment, NewHeldChange
from wedsync.events.scope import Scope
from wedsync.guests import actions as guests
from wedsync.guests import model as guest_model
from wedsync.guests import replies
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.proposals.model import whole_time
from wedsync.schedule import actions as schedule
from wedsync.schedule.rows import ItemChange, NewItem
from wedsync.suppliers import actions as suppliers
from wedsync.suppliers.model import LinkChange
from wedsync.weddings import actions as weddings
from wedsync.weddings.model import WeddingChange, changed_fields

queries = sql.load("wedsync.proposals")
HOLDABLE: Final = frozenset(NewHeldChange.__struct_fields__) - {"reason"}
AMENDABLE: Final = frozenset({"title", "kind", "on", "at_local", "minutes", "place"})


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What an accepted proposal changes: `id` None is a new row; `version` is the row's as the couple knows it."""

    ring: KeyRing
    wedding_id: UUID
    id: UUID | None
    fields: Mapping[str, Any]
    version: int | None
    why: str = "It was suggested, and the couple agreed."


class AnswerChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a guest's answer; what is absent stays."""

    status: guest_model.Status | UnsetType = UNSET
    menu_option_id: UUID | UnsetType | None = UNSET


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One table. `fields` are its proposable fields in words; `new` is None where no rows are added.

    `is_weighty`: what is opened cannot be unseen, so it is decided by itself and never with others at once.
    """

    table: str
    word: str
    scope: Scope
    fields: Mapping[str, str]
    change: type[msgspec.Struct]
    new: type[msgspec.Struct] | None = None
    apply: Callable[[Tx, Goal], Awaitable[None]]
    is_weighty: bool = False

    def checked(self, given: Mapping[str, Any], *, is_new: bool, strict: bool = True) -> dict[str, Any]:
        """The fields as JSON holds them. Raises Refusal 422 that names the first that cannot be."""
        kind = self.new if is_new else self.change
        if kind is None:
            raise _invalid("subject_id", "is missing", f"Say which row of {self.table} this is about.")
        unknown = next((name for name in given if name not in self.fields), None)
        if unknown is not None:
            known = ", ".join(self.fields)
            raise _invalid(f"fields.{unknown}", "cannot be proposed", f"Fields of {self.table}: {known}.")
        try:
            change = msgspec.convert({n: whole_time(value) for n, value in given.items()}, kind, strict=strict)
        except msgspec.ValidationError as error:
            field = str(error).rpartition("$.")[2].rstrip("`") if "$." in str(error) else "all"
            raise _invalid(f"fields.{field}", f"is not right: {error}", "Look at the value again.") from error
        return {name: msgspec.to_builtins(getattr(change, name)) for name in given}


async def _wedding(tx: Tx, goal: Goal) -> None:
    """In the last week date, places and times wait for the second word: accepting them is the first."""
    fields = changed_fields(msgspec.convert(goal.fields, WeddingChange))
    held = {name: value for name, value in fields.items() if name in HOLDABLE}
    if held and await tx.value(queries.guard):
        await days.hold(tx, msgspec.convert(held | {"reason": goal.why}, NewHeldChange))
        fields = {name: value for name, value in fields.items() if name not in held}
    if fields:
        await weddings.change(tx, goal.wedding_id, fields, version=goal.version)


async def _schedule_item(tx: Tx, goal: Goal) -> None:
    """Once the plan stands it becomes an amendment, which everybody reads; in the days before, when ceremony and
    reception are waits for the second word.
    """
    guard = await tx.value(queries.guard)
    if guard == "hard":
        named = {name: value for name, value in goal.fields.items() if name in AMENDABLE}
        new = msgspec.convert(named | {"schedule_item_id": goal.id, "reason": goal.why}, NewAmendment, strict=False)
        await days.amend(tx, new, version=goal.version)
        return
    if goal.id is None:
        await schedule.add(tx, msgspec.convert(goal.fields, NewItem))
        return
    fields = changed_fields(msgspec.convert(goal.fields, ItemChange))
    if guard and "at_local" in fields:
        core = (await schedule.preview(tx, goal.id, fields)).core
        if core:
            # The item follows the wedding's own time, once that is confirmed.
            held = {one.field: one.after for one in core}
            await days.hold(tx, msgspec.convert(held | {"reason": goal.why}, NewHeldChange))
            del fields["at_local"]
    if fields:
        await schedule.change(tx, goal.id, fields, version=goal.version)


async def _guest(tx: Tx, goal: Goal) -> None:
    if goal.id is None:
        await guests.add_guest(tx, goal.ring, goal.wedding_id, msgspec.convert(goal.fields, guest_model.NewGuest))
        return
    fields = changed_fields(msgspec.convert(goal.fields, guest_model.GuestChange))
    await guests.change_guest(tx, goal.id, fields, version=goal.version)


async def _answer(tx: Tx, goal: Goal) -> None:
    # The owner's statement knows no versions: the row is held from here until the commit.
    row = await tx.row(queries.hold_answer, goal.id)
    if row is None or goal.version not in (None, row["version"]):
        raise Refusal(412, "changed_meanwhile", "This answer has changed a moment ago. Look at it again.")
    status = goal.fields.get("status", row["status"])
    menu = goal.fields.get("menu_option_id", row["menu_option_id"])
    reply = msgspec.convert({"status": status, "menu_option_id": menu}, guest_model.Reply)
    await replies.reply(tx, row["guest_id"], row["schedule_item_id"], reply, by="couple")


async def _link(tx: Tx, goal: Goal) -> None:
    if goal.id is None:
        raise not_found("link")
    await suppliers.change(tx, goal.id, msgspec.convert(goal.fields, LinkChange), version=goal.version)


SUBJECTS: Final[Mapping[str, Subject]] = {
    one.table: one
    for one in (
        Subject(
            table="weddings",
            word="the wedding",
            scope=Scope.CORE,
            fields={
                "on": "Date",
                "date_status": "How sure the date is",
                "ceremony_venue": "Ceremony venue",
                "ceremony_address": "Ceremony address",
                "ceremony_at": "Ceremony",
                "reception_venue": "Reception venue",
                "reception_address": "Reception address",
                "reception_at": "Reception",
                "guest_estimate": "Guests, about",
                "couple_names": "Your names",
            },
            change=WeddingChange,
            apply=_wedding,
        ),
        Subject(
            table="schedule_items",
            word="the schedule",
            scope=Scope.SCHEDULE,
            fields={
                "title": "Name",
                "kind": "Kind",
                "on": "Day",
                "at_local": "Time",
                "minutes": "Minutes",
                "buffer_minutes": "Minutes kept free after it",
                "place": "Place",
            },
            change=ItemChange,
            new=NewItem,
            apply=_schedule_item,
        ),
        Subject(
            table="guests",
            word="the guest list",
            scope=Scope.GUESTS,
            fields={
                "first_name": "First name",
                "last_name": "Last name",
                "display_name": "Called",
                "age_band": "Age",
                "role": "Role",
                "table_label": "Table",
            },
            change=guest_model.GuestChange,
            new=guest_model.NewGuest,
            apply=_guest,
        ),
        Subject(
            table="rsvps",
            word="an answer",
            scope=Scope.GUESTS,
            fields={"status": "Answer", "menu_option_id": "Meal"},
            change=AnswerChange,
            apply=_answer,
        ),
        Subject(
            table="links",
            word="what a supplier may see",
            scope=Scope.CORE,
            fields={
                "level": "Level",
                "can_view_guests": "Sees the guest list",
                "can_view_dietary": "Sees dietary needs by name",
                "can_view_contacts": "Sees guests’ contacts",
                "can_edit_timeline": "Changes the schedule",
            },
            change=LinkChange,
            apply=_link,
            is_weighty=True,
        ),
    )
}


def _invalid(field: str, reason: str, fix: str) -> Refusal:
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])
