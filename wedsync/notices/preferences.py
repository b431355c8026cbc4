"""What people want to be told of, and how: kinds of notices by channels, as platform, couple and person say.

The nearest that says something decides: what a person chose for one wedding, what they chose for a kind of notice,
what the couple chose for everybody at their wedding, what the platform does by itself.
"""

from collections.abc import Mapping
from datetime import time
from typing import Any, Final, Literal

import msgspec

How = Literal["now", "digest", "off"]
Severity = Literal["low", "normal", "high", "critical"]
Choices = Mapping[str, Mapping[str, How]]
"""Kind of notice -> channel -> how."""


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of notice: its words on the page, the types of events in it, whether nobody can switch it off, and how it
    comes where nobody has chosen."""

    key: str
    words: str
    hint: str
    types: tuple[str, ...]
    is_mandatory: bool = False
    how: How = "now"


CATEGORIES: Final = (
    Category(
        key="changes",
        words="Date, places and times",
        hint="A moved ceremony, another venue, an item of yours in the schedule",
        types=(
            *("wedding.date_changed", "wedding.venue_changed", "wedding.times_changed", "wedding.estimate_changed"),
            *("schedule_item.moved", "wedding.changed"),
        ),
    ),
    Category(
        key="details",
        words="Names, contacts and addresses",
        hint="Contacts for the day, guests’ names and how they are reached, as far as they are shared with you",
        types=("day_contact.added", "day_contact.changed", "day_contact.removed", "guest.changed", "contact.changed"),
        how="digest",
    ),
    Category(
        key="day",
        words="The wedding day",
        hint="Changes on the day with their reason, when you are expected, and the pack to carry",
        types=(
            "amendment.made",
            *("arrival.asked", "arrival.prompted", "arrival.late", "arrival.came"),
            "day_pack.made",
            *("day_stage.begun", "weather_gate.asked", "weather_gate.decided"),
            *("mode.read_only", "mode.read_only_over", "mode.late", "mode.late_over"),
        ),
    ),
    Category(
        key="numbers",
        words="Guests and numbers",
        hint="Final numbers, dietary sheets, rooms that become too small",
        types=("headcount.locked", "dietary_sheet.made", "space.exceeded", "space.fits_again"),
    ),
    Category(
        key="tasks",
        words="Tasks",
        hint="What somebody gave you to do, and reminders of it",
        types=(*("task.assigned", "task.due_soon", "task.overdue", "task.chased", "task.freed", "task.declined"),),
    ),
    Category(
        key="people",
        words="Working together",
        hint="Who joined or declined, and what is shared with you",
        types=(
            *("link.scopes_changed", "link.requested", "link.accepted", "link.declined", "acknowledgement.declined"),
            *("message.shared", "link_day.changed"),
        ),
    ),
    Category(
        key="money",
        words="Payments",
        hint="Asked for, due, received, paid back, disputed",
        types=(
            *("payment.requested", "payment.cancelled", "payment.received", "payment.refunded"),
            *("payment.disputed", "payment.dispute_closed", "payment.due_soon", "payment.overdue"),
        ),
    ),
    Category(
        key="photos",
        words="Photographs and films",
        hint="Delivered, delayed, or soon due",
        types=("photos.at_risk", "photos.overdue", "photos.delivered", "photos.delayed"),
    ),
    Category(
        key="forms",
        words="Forms",
        hint="Asked, asked again, wanted soon, and answered",
        types=(
            *("form.asked", "form.reminded", "form.reopened", "form.submitted"),
            *("form.due_soon", "form.overdue"),
        ),
    ),
    Category(
        key="account",
        words="Your account and connections",
        hint="Something stopped working, or a limit is near. Always sent",
        types=(),
        is_mandatory=True,
    ),
)
"""What belongs to no other kind belongs to the last."""
BY_TYPE: Final = {kind: category.key for category in CATEGORIES for kind in category.types}
BY_ITSELF: Final[Mapping[str, How]] = {category.key: category.how for category in CATEGORIES}
MANDATORY: Final = frozenset(c.key for c in CATEGORIES if c.is_mandatory)
SEVERITIES: Final[Mapping[str, Severity]] = {
    "wedding.date_changed": "high",
    "wedding.venue_changed": "high",
    "wedding.times_changed": "high",
    "schedule_item.moved": "high",
    "amendment.made": "high",
    "arrival.prompted": "high",
    "mode.read_only": "high",
    "mode.read_only_over": "high",
    "opening.approved": "high",
    "arrival.late": "high",
    "arrival.came": "high",
    "weather_gate.asked": "high",
    "payment.disputed": "high",
    "acknowledgement.declined": "high",
    "task.declined": "high",
    "wedding.estimate_changed": "low",
    "link.scopes_changed": "low",
    "guest.changed": "low",
    "contact.changed": "low",
    "payment.dispute_closed": "low",
}
"""Normal where nothing is said."""
DEFAULTS: Final[Mapping[str, How]] = {"email": "now"}
"""What the platform does by itself, by channel; a channel that is not named here is used by those who chose it."""
TEXTED: Final = frozenset({"changes", "day", "numbers", "tasks"})
"""Kinds of notices that come as a text by themselves to who agreed to texts; others if they choose so."""
CHANNELS: Final = {"email": "E-mail", "sms": "Text message", "voice": "Phone call"}
"""Channels in words; others are called by their name."""
DIGEST_AT: Final = time(18)


class Want(msgspec.Struct, frozen=True):
    """How a person is told on one channel, and whose word that is."""

    how: How
    by: Literal["you, for this wedding", "you", "the couple", "WedSync"]


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """What one person chose; `channels` switches a whole channel, `weddings` all of one wedding by its id."""

    channels: Mapping[str, bool] = {}
    choices: Choices = {}
    weddings: Mapping[str, How] = {}


def channel_words(channel: str) -> str:
    """A channel as pages name it."""
    return CHANNELS.get(channel, channel.capitalize())


def category_of(kind: str) -> str:
    """The kind of notice an event's type is."""
    return BY_TYPE.get(kind, "account")


def severity_of(kind: str) -> Severity:
    """How much hangs on it."""
    return SEVERITIES.get(kind, "normal")


def wanted(category: str, channel: str, *, own: Preferences, wedding: str = "", couple: Choices | None = None) -> Want:
    """Who says how this kind of notice comes on this channel. A channel switched off is off for all of them."""
    if not own.channels.get(channel, True):
        return Want("off", "you")
    if wedding in own.weddings:
        return Want(own.weddings[wedding], "you, for this wedding")
    mine = own.choices.get(category, {}).get(channel)
    if mine is not None:
        return Want(mine, "you")
    theirs = (couple or {}).get(category, {}).get(channel)
    # A couple can make less of a channel that is used, never use one that its person did not choose.
    if theirs is not None and channel in DEFAULTS:
        return Want(theirs, "the couple")
    if channel in DEFAULTS:
        return Want(BY_ITSELF.get(category, DEFAULTS[channel]), "WedSync")
    if channel == "sms" and category not in TEXTED:
        return Want("off", "WedSync")
    return Want("now", "you") if own.channels.get(channel, False) else Want("off", "WedSync")


def stored(row: Mapping[str, Any], *, takes_texts: bool = False) -> Preferences:
    """As the database keeps them; whoever chose nothing has no row, and columns without values.

    Who agreed to texts on the page of their phone uses that channel, unless they switched it off since.
    """
    chosen = {name: msgspec.json.decode(row[name]) for name in ("channels", "choices", "weddings") if row[name]}
    if takes_texts:
        chosen["channels"] = {"sms": True} | chosen.get("channels", {})
    return Preferences(**chosen)
