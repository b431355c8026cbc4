"""Which galleries and notes there are now: Workspace tells nowhere what was deleted, so both are listed by id."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from wedsync.connections.contract import Outcome
from wedsync.connections.records.contract import Gone, Handed, Listed, RemoteGallery, RemoteMessage
from wedsync.connectors.tave import mapper
from wedsync.connectors.tave.answers import nowhere, read
from wedsync.connectors.tave.client import Client

OLDEST: Final = "id asc"
PAGE: Final = 100


class Way(msgspec.Struct, frozen=True):
    """How one kind is listed and read there."""

    path: str
    rows: type[mapper.Galleries] | type[mapper.Notes]
    row: type[mapper.Gallery] | type[mapper.Note]
    made: Callable[[Any], RemoteGallery | RemoteMessage | None]


WAYS: Final[Mapping[Handed, Way]] = {
    "galleries": Way("gallery", mapper.Galleries, mapper.Gallery, mapper.to_gallery),
    "messages": Way("note", mapper.Notes, mapper.Note, mapper.to_message),
}


async def listed(kind: Handed, cursor: str, client: Client, *, now: datetime, timeout_s: float) -> Listed | Outcome:
    """One page of ids, hidden ones too: what is hidden is there."""
    page, way = int(cursor) if cursor.isascii() and cursor.isdigit() else 1, WAYS[kind]
    lister = client.list_galleries if kind == "galleries" else client.list_notes
    rows = read(await lister(sort=OLDEST, page=page, size=PAGE, timeout_s=timeout_s), way.rows, now=now)
    if not isinstance(rows, (mapper.Galleries, mapper.Notes)):
        return nowhere() if isinstance(rows, Gone) else rows
    has_more = bool(rows.items) and rows.meta.current_page < rows.meta.total_pages
    return Listed(ids=tuple(one.id for one in rows.items), cursor=str(page + 1), has_more=has_more)


async def look(
    kind: Handed, id: str, client: Client, *, now: datetime, timeout_s: float
) -> RemoteGallery | RemoteMessage | Gone | Outcome:
    """One as it is now; of no job any more it is gone as far as couples are concerned."""
    way = WAYS[kind]
    found = read(await client.get_handed(way.path, id, timeout_s=timeout_s), way.row, now=now)
    if not isinstance(found, (mapper.Gallery, mapper.Note)):
        return found
    return way.made(found) or Gone()
