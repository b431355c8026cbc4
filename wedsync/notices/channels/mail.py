"""Mail: what is told becomes a letter with one button, owed to the recipient's address."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.event import Event
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing
from wedsync.notices import model
from wedsync.notices.channels import Told
from wedsync.notices.wording import drawing
from wedsync.web import mail

queries = sql.load("wedsync.notices")


class Post:
    """Gathers the mails of one event and owes them at once."""

    def __init__(self, tx: Tx, ring: KeyRing, event: Event) -> None:
        self._tx = tx
        self._ring = ring
        self._event = event
        self.owed: list[dict[str, Any]] = []

    def mail(
        self,
        words: mail.Words,
        *,
        to: str,
        name: str,
        kind: str,
        recipient: UUID,
        subject: UUID,
        link: UUID | None = None,
        reply_to: str = "",
        from_name: str = "",
        unsubscribe_url: str = "",
    ) -> None:
        """One mail to one recipient; `subject` is the event, or the action where several events make one mail."""
        event = self._event
        delivery = model.delivery_id(subject, kind, recipient, "mail")
        body = mail.message(
            to, words, name=name, reply_to=reply_to, from_name=from_name, unsubscribe_url=unsubscribe_url
        )
        content = self._ring.seal(body, tenant=event.tenant, table="deliveries", column="sealed", row=delivery)
        self.owed.append(
            {
                "id": delivery,
                "recipient_kind": kind,
                "recipient_id": recipient,
                "event_id": event.id,
                "seq": event.seq,
                "type": event.type,
                "connector": "mail",
                "lane": 1,
                "link": link,
                "sealed": content.hex(),
            }
        )

    async def send(self) -> None:
        """Owe what was gathered."""
        if self.owed:
            await self._tx.value(queries.owe, msgspec.json.encode(self.owed).decode())


async def deliveries(tx: Tx, ring: KeyRing, settings: Settings, told: Sequence[Told]) -> list[dict[str, Any]]:
    """A letter to each who has an address."""
    rows: list[dict[str, Any]] = []
    for one in told:
        if one.person.email:
            post = Post(tx, ring, one.event)
            post.mail(
                drawing.letter(one.content()),
                to=one.person.email,
                name=one.person.name,
                kind="person",
                recipient=one.person.person_id,
                subject=one.event.id,
                link=one.person.link_id,
            )
            rows += post.owed
    return rows
