"""What waited is told together; one that waited alone is told as itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from wedsync.events.event import Event
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing
from wedsync.notices import actions, telling
from wedsync.notices.channels import Told
from wedsync.notices.facts import Item
from wedsync.notices.model import Recipient
from wedsync.notices.wording.content import Matter, line
from wedsync.notices.wording.tongues import DIGEST, ENGLISH, SHARED, Tongue, spoken_by, versions_of
from wedsync.weddings.actions import pass_token

queries = sql.load("wedsync.notices")
KEPT = timedelta(hours=6)
"""What a digest holds was checked when it was made: it is of several links, and none of them can end it on its way."""
ORDER = ("low", "normal", "high", "critical")


async def send(tx: Tx, ring: KeyRing, settings: Settings, event: Event) -> None:
    """Owe one digest on its channel. A channel that is no longer offered has nothing to owe."""
    row = await tx.row(queries.digest, event.subject.id, list(SHARED))
    if row is None:
        raise not_found("digest")
    items = msgspec.json.decode(row["items"], type=list[Item])
    channel = telling.CHANNELS.get(row["channel"])
    if channel is None:
        return
    tongue = spoken_by(DIGEST, (row["locale"],), versions_of(row["wordings"]))
    owed = await channel(tx, ring, settings, [_told(settings, event, row, items, tongue)])
    for delivery in owed:
        delivery["expires_at"] = datetime.fromisoformat(event.occurred_at) + KEPT
    if owed:
        await tx.value(queries.owe, msgspec.json.encode(owed).decode())


def title_of(items: Sequence[Item], tongue: Tongue = ENGLISH) -> tuple[str, str]:
    """(whose weddings, what there is): "Ana & Ben", "4 updates"."""
    couples = list(dict.fromkeys(item.couple for item in items))
    first, more = couples[0], len(couples) - 1
    return tongue.phrase("others", couple=first, count=more) if more else first, tongue.phrase(
        "updates", count=len(items)
    )


def _told(settings: Settings, event: Event, row: Row, items: Sequence[Item], tongue: Tongue) -> Told:
    person = Recipient(
        person_id=row["person_id"],
        email=row["email"] or "",
        name=row["name"],
        role="self",
        link_id=None,
        supplier_id=None,
        mask=0,
    )
    severity = max((item.severity for item in items), key=ORDER.index)
    if len(items) == 1:
        (one,) = items
        return Told(
            person=person,
            event=event,
            title=one.title,
            before=one.before,
            after=one.after,
            couple=one.couple,
            url=_url(settings, one),
            confirms=one.pass_id is not None,
            severity=severity,
            tongue=tongue,
        )
    couple, title = title_of(items, tongue)
    return Told(
        person=person,
        event=event,
        title=title,
        before="",
        after="",
        couple=couple,
        url=f"{settings.public_url}/?next=/me/inbox",
        confirms=False,
        severity=severity,
        lines=tuple(line(_matter(item), tongue) for item in items),
        tongue=tongue,
    )


def _matter(item: Item) -> Matter:
    return Matter(key=DIGEST, couple=item.couple, title=item.title, before=item.before, after=item.after)


def _url(settings: Settings, item: Item) -> str:
    if item.pass_id is None:
        return f"{settings.public_url}/?next={item.href}"
    return actions.pass_url(settings, "ack", pass_token(settings.jwt_secret, "ack", item.pass_id))
