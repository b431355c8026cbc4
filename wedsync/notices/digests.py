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
    url = await _helped_at(tx, settings, items) or _url(settings, items)
    owed = await channel(tx, ring, settings, [_told(event, row, items, tongue, url)])
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


async def _helped_at(tx: Tx, settings: Settings, items: Sequence[Item]) -> str:
    """Of somebody who only helps, their own page; '' of everybody else, who has an inbox to open."""
    weddings = {item.wedding_id for item in items if item.href == telling.HELPERS and item.wedding_id is not None}
    if not weddings or any(item.href != telling.HELPERS for item in items):
        return ""
    found = [pass_id for one in sorted(weddings) if (pass_id := await tx.value(queries.helped_at, one)) is not None]
    return actions.pass_url(settings, "help", pass_token(settings.jwt_secret, "help", found[0])) if found else ""


def _told(event: Event, row: Row, items: Sequence[Item], tongue: Tongue, url: str) -> Told:
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
            url=url,
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
        url=url,
        confirms=False,
        severity=severity,
        lines=tuple(line(_matter(item), tongue) for item in items),
        tongue=tongue,
    )


def _matter(item: Item) -> Matter:
    return Matter(key=DIGEST, couple=item.couple, title=item.title, before=item.before, after=item.after)


def _url(settings: Settings, items: Sequence[Item]) -> str:
    """Where one that waited alone is confirmed or read; of several the inbox."""
    if len(items) > 1:
        return f"{settings.public_url}/?next=/me/inbox"
    (one,) = items
    if one.pass_id is None:
        return f"{settings.public_url}/?next={one.href}"
    return actions.pass_url(settings, "ack", pass_token(settings.jwt_secret, "ack", one.pass_id))
