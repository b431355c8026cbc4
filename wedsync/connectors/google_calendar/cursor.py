"""The cursor: Google's token with the parameters it was made with, since with others its answers are undefined."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from wedsync.connections.calendars.contract import Pull
from wedsync.connectors.google_calendar.mapper import FIELDS, Page

PARAMETERS: Final[Mapping[str, str]] = {
    # Series with their exceptions, not every single day of them: else "all" of a series could never be written.
    "singleEvents": "false",
    "maxAttendees": "1",
    "maxResults": "250",
    "fields": FIELDS,
}
FORM: Final = 1
"""To be raised whenever PARAMETERS change: cursors made with others are then lost, and calendars listed anew."""


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """`sync` goes on from what was seen, `page` within a listing of `since`…`until` or of what came after `sync`."""

    form: int = 0
    sync: str = ""
    page: str = ""
    since: str = ""
    until: str = ""

    @property
    def is_listing(self) -> bool:
        return not self.sync

    @property
    def query(self) -> dict[str, str]:
        own = {"syncToken": self.sync, "pageToken": self.page, "timeMin": self.since, "timeMax": self.until}
        return {**PARAMETERS, **{name: value for name, value in own.items() if value}}


def begun(pull: Pull) -> Cursor | None:
    """Where to go on; None for a cursor that is not one of this form."""
    if not pull.cursor:
        return Cursor(form=FORM, since=_said(pull.since), until=_said(pull.until))
    try:
        cursor = msgspec.json.decode(pull.cursor, type=Cursor)
    except msgspec.DecodeError:
        return None
    return cursor if cursor.form == FORM and (cursor.sync or cursor.page) else None


def after(cursor: Cursor, page: Page) -> str:
    """The cursor after a page; "" for a page that leads nowhere, which Google never sends."""
    if page.next_page_token:
        return _text(msgspec.structs.replace(cursor, page=page.next_page_token))
    return _text(Cursor(form=FORM, sync=page.next_sync_token)) if page.next_sync_token else ""


def _text(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _said(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
