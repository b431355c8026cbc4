"""The schedule as its pages show it: days on their threads, the form of one item, what a move would do."""

from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.scope import Scope
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, not_found
from wedsync.schedule import actions, model
from wedsync.schedule.rows import PlannedItem
from wedsync.web.conflict import Edited
from wedsync.web.formats import clock, day
from wedsync.web.forms import Form, wrong

queries = sql.load("wedsync.schedule")
KINDS = (
    ("ceremony", "Ceremony"),
    ("drinks", "Drinks"),
    ("reception", "Reception"),
    ("evening", "Evening"),
    ("preparation", "Getting ready"),
    ("photos", "Photographs"),
    ("speeches", "Speeches"),
    ("music", "Music"),
    ("transport", "Transport"),
    ("setup", "Setting up"),
    ("teardown", "Clearing away"),
    ("rehearsal", "Rehearsal"),
    ("brunch", "Brunch"),
    ("other", "Something else"),
)
LABELS = {
    "title": "What",
    "kind": "Kind",
    "on": "Day",
    "at_local": "From",
    "minutes": "Minutes",
    "buffer_minutes": "Spare minutes after",
    "place": "Where",
    "owner": "Who sees to it",
    "after_item_id": "Comes after",
    "audience": "Shown to",
    "is_anchored": "Fixed",
    "takes_rsvps": "Guests answer for it",
}
_TICKS = ("is_anchored", "takes_rsvps")
WRONG = {
    "title": FieldError("title", "needs one to 300 letters", "Write what it is."),
    "kind": FieldError("kind", "is none of the list", "Choose one."),
    "minutes": FieldError("minutes", "is not between 0 and 2880", "Two days is the longest."),
    "buffer_minutes": FieldError("buffer_minutes", "is not between 0 and 600", "Ten hours is the most."),
    "place": FieldError("place", "is longer than 300 letters", "Keep to the name."),
    "audience": FieldError("audience", "is none of the list", "Choose one."),
}


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of one wedding reads."""

    plan: dict[UUID, PlannedItem]
    wedding: Row
    owners: list[Row]
    unconfirmed: list[Row]
    contacts: list[Row]

    @property
    def names(self) -> dict[UUID, str]:
        return {row["id"]: row["name"] for row in self.owners}


async def read(tx: Tx) -> Everything:
    """Raises Refusal 404 for whoever does not see the wedding."""
    wedding = await tx.row(queries.wedding)
    if wedding is None:
        raise not_found("page")
    return Everything(
        plan=actions.planned(await tx.rows(queries.plan)),
        wedding=wedding,
        owners=await tx.rows(queries.owners),
        unconfirmed=await tx.rows(queries.unconfirmed),
        contacts=await tx.rows(queries.contacts, None, 200),
    )


def days(seen: Everything) -> dict[str, Any]:
    """The values of `_items.html`, with nothing being edited."""
    waiting = _waiting(seen.unconfirmed)
    by_day = model.grouped_by_day(seen.plan.values())
    shown = [
        {"on": on, "heading": day(on), "items": [_entry(seen, item, waiting.get(item.id)) for item in by_day[on]]}
        for on in sorted(by_day)
    ]
    zone = seen.wedding["time_zone"]
    return {"zone": zone, "may_edit": seen.wedding["may_write"], "days": shown, "editing": None}


def _waiting(rows: Iterable[Row]) -> dict[UUID, tuple[list[str], dict[str, Any]]]:
    found: dict[UUID, tuple[list[str], dict[str, Any]]] = {}
    for row in rows:
        item_id = UUID(row["about"].partition(":")[2])
        names, _ = found.setdefault(item_id, ([], msgspec.json.decode(row["summary"])))
        names.append(row["supplier_name"])
    return found


def _entry(seen: Everything, item: PlannedItem, waiting: tuple[list[str], dict[str, Any]] | None) -> dict[str, Any]:
    names, summary = waiting or ([], {})
    follows = [seen.plan[a.item_id].title for a in item.after if a.item_id in seen.plan]
    before = summary.get("at_local")
    return {
        **msgspec.structs.asdict(item),
        "id": str(item.id),
        "until": model.local_of(item.ends_at, item.zone)[1],
        "owner": _owner_name(seen, item),
        "after_words": f"after {' and '.join(follows)}" if follows else "",
        "was": time.fromisoformat(before[0]) if before else None,
        "unconfirmed": names,
    }


def _owner_name(seen: Everything, item: PlannedItem) -> str:
    owner = item.owner_link_id or item.owner_membership_id
    return seen.names.get(owner, "") if owner else ""


def form_values(seen: Everything, item: PlannedItem | None = None) -> dict[str, Any]:
    """What the form of an item, or of a new one, holds."""
    if item is None:
        blank = {"id": "", "title": "", "kind": "other", "on": seen.wedding["on"], "at_local": None, "minutes": 30}
        blank |= {"buffer_minutes": 0, "place": "", "owner": "", "after_item_id": "", "lag_minutes": 0, "version": 0}
        return blank | {"is_anchored": False, "takes_rsvps": False, "audience": "linked"}
    first = item.after[0] if item.after else None
    return {
        **msgspec.structs.asdict(item),
        "id": str(item.id),
        "owner": _owner_key(item),
        "after_item_id": str(first.item_id) if first else "",
        "lag_minutes": first.lag_minutes if first else 0,
    }


def _owner_key(item: PlannedItem) -> str:
    if item.owner_link_id:
        return f"link:{item.owner_link_id}"
    return f"membership:{item.owner_membership_id}" if item.owner_membership_id else ""


def choices(seen: Everything, item_id: UUID | None = None) -> dict[str, Any]:
    """What the selects of the form offer."""
    owners = [(f"{row['kind']}:{row['id']}", row["name"]) for row in seen.owners]
    item = seen.plan.get(item_id) if item_id else None
    key = _owner_key(item) if item else ""
    if key and key not in dict(owners):
        # A supplier is not told who the others are; saving must not take the item from them.
        owners.append((key, "Somebody else"))
    items = [(str(other.id), other.title) for other in seen.plan.values() if other.id != item_id]
    return {"kinds": KINDS, "owners": [("", "Nobody yet"), *owners], "after_options": [("", "Nothing"), *items]}


def as_text(values: Mapping[str, Any]) -> dict[str, str]:
    """A form's values as the form posts them."""
    told = {name: values[name] for name in LABELS}
    told |= {name: "on" if values[name] else "" for name in _TICKS}
    told["at_local"] = "" if values["at_local"] is None else values["at_local"].isoformat()[:5]
    told["on"] = "" if values["on"] is None else values["on"].isoformat()
    return {name: str(value) for name, value in told.items()}


def edited(seen: Everything, item: PlannedItem | None, back: str) -> Edited:
    """An item that somebody else saved first. Raises Refusal 404 where they removed it."""
    if item is None:
        raise not_found("item")
    return Edited(
        table="schedule_items",
        id=item.id,
        version=item.version,
        path=f"{back}/{item.id}",
        back=back,
        labels=LABELS,
        theirs=as_text(form_values(seen, item)),
    )


def typed(form: Form, kept: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, for a form that is shown again; what cannot be read is empty."""
    texts = {name: form.text(name) for name in LABELS}
    ticks = {name: form.on(name) for name in _TICKS}
    return {**kept, **texts, **ticks, "on": _or_none(date.fromisoformat, texts["on"]),
            "at_local": _or_none(time.fromisoformat, texts["at_local"])}  # fmt: skip


def _or_none(read_it: Any, text: str) -> Any:
    try:
        return read_it(text)
    except ValueError:
        return None


def fields(form: Form, before: PlannedItem | None = None) -> dict[str, Any]:
    """A posted form as fields of an item. Raises Refusal 422 that names what cannot be read."""
    given: dict[str, Any] = {name: form.text(name) for name in ("title", "kind", "place", "audience")}
    given |= {name: form.on(name) for name in _TICKS}
    given |= {name: form.number(name) or 0 for name in ("minutes", "buffer_minutes")}
    given |= {"on": form.day("on"), "at_local": _time(form)} | _owner(form.text("owner"))
    if given["on"] is None:
        del given["on"]
    follows = form.text("after_item_id")
    now = str(before.after[0].item_id) if before and before.after else ""
    if follows != now:
        given["after"] = [{"item_id": _id("after_item_id", follows)}] if follows else []
    return given


def _time(form: Form) -> time:
    at = _or_none(time.fromisoformat, form.text("at_local"))
    if at is None:
        raise wrong(FieldError("at_local", "is not a time", "Write hours and minutes, such as 14:30."))
    assert isinstance(at, time)
    return at


def _owner(key: str) -> dict[str, UUID | None]:
    kind, _, owner = key.partition(":")
    made: dict[str, UUID | None] = {"owner_link_id": None, "owner_membership_id": None}
    if key:
        made[f"owner_{kind}_id" if kind in ("link", "membership") else "owner_link_id"] = _id("owner", owner)
    return made


def _id(field: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise wrong(FieldError(field, "is none of the list", "Choose one.")) from error


def ripple_values(seen: Everything, item_id: UUID, form: Form, moved: actions.Moved) -> dict[str, Any]:
    """The values of `_ripple.html`: what would move, what stops it, who hears of it, and the form to send again."""
    told = {name: form.text(name) for name in LABELS if form.text(name) or name not in _TICKS}
    moves = [
        {
            "title": m.title,
            "was": m.before.at_local,
            "now": m.after.at_local,
            "place": seen.plan[m.item_id].place,
            "owner": _owner_name(seen, seen.plan[m.item_id]),
            "is_anchored": seen.plan[m.item_id].is_anchored,
        }
        for m in moved.moves
    ]
    return {
        "item_id": str(item_id),
        "title": seen.plan[item_id].title,
        "version": form.text("version"),
        "fields": told,
        "moves": moves,
        "clashes": [_clash(seen, conflict) for conflict in moved.conflicts],
        "informed": _informed(seen, moved),
    }


def _clash(seen: Everything, conflict: Any) -> str:
    item = seen.plan[conflict.item_id]
    needed = clock(model.local_of(conflict.needed_at, item.zone)[1], item.zone)
    fixed = clock(item.at_local, item.zone)
    return f"{conflict.title} is fixed at {fixed}, but {conflict.after_title} would not be over before {needed}."


def _informed(seen: Everything, moved: actions.Moved) -> list[str]:
    links = [row for row in seen.owners if row["kind"] == "link" and row["status"] == "active"]
    if moved.core:
        return [row["name"] for row in links]
    if moved.asks is None:
        return [row["name"] for row in links if row["mask"] & Scope.SCHEDULE]
    return [row["name"] for row in links if row["id"] in moved.asks]
