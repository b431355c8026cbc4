"""What whoever keeps accounts, calendars and endpoints is told of them, in the words of their inbox; pure."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from wedsync.events.event import Event
from wedsync.notices.model import told

CERTIFICATE: Final = "After that nothing can be sent there, and what it is owed waits. Set the next one before."
OF_CONFLICTS = ("conflict.found", "calendar_conflict.found", "record_conflict.found")
CONFLICTS: Final[Mapping[str, tuple[str, str]]] = {
    "conflict.found": ("Something stands against one of your bookings", "Your calendar shows what, and what to do."),
    "calendar_conflict.found": (
        "A connected calendar and WedSync disagree",
        "Both sides stay as they are until you say which holds.",
    ),
    "record_conflict.found": (
        "A connected CRM and WedSync disagree",
        "Both sides stay as they are until you say which holds.",
    ),
}


def conflict_row(event: Event, person: UUID, base: str) -> dict[str, Any]:
    """A row of an inbox for what people must decide; nothing of what is in it: its page asks who may see that."""
    title, detail = CONFLICTS[event.type]
    book = (event.record or {}).get("book_id")
    place = {"conflict.found": "calendar", "calendar_conflict.found": "calendars"}.get(event.type, f"records/{book}")
    return told(event, person, title, detail, f"{base}/{place}")
