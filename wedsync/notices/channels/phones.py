"""What texts and calls of notices have in common: whom they may reach, how long they are of use, and what is owed."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec

from wedsync.kit import clock, sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Row, Tx
from wedsync.kit.seal import KeyRing
from wedsync.notices import model, saying
from wedsync.notices.channels import Told
from wedsync.phones import sealed
from wedsync.phones.actions import message

queries = sql.load("wedsync.notices")
Kind = Literal["text", "call"]
CHANNELS: Final = {"text": "sms", "call": "voice"}
VALID_S: Final = {"critical": 90, "high": 3600, "normal": 14_400, "low": 14_400}
"""Later than that a text or call is of no use any more: it is read in the inbox, and would only frighten."""
LANES: Final = {"critical": 0}
Words = Callable[[Told, int | None], tuple[str, str]]
"""(what is read, what is said), with the code to confirm by where that is asked."""


async def owed(
    tx: Tx, ring: KeyRing, settings: Settings, told: Sequence[Told], *, kind: Kind, words: Words
) -> list[dict[str, Any]]:
    """Rows for `queries.owe`, of those who have a number, agreed, and whose business has a text left.

    Two statements for everybody; texts are counted here, and where a plan has none left only an emergency is sent.
    """
    if not told or not (settings.twilio_account_sid and settings.twilio_auth_token):
        return []
    by_person = {one.person.person_id: one for one in told}
    wanted = [{"person_id": one.person.person_id, "supplier_id": one.person.supplier_id} for one in told]
    is_emergency = told[0].severity == "critical"
    asked = (msgspec.json.encode(wanted).decode(), kind, told[0].event.id, is_emergency)
    found = await tx.rows(queries.phones_for, *asked)
    made = [_made(ring, settings, by_person[row["person_id"]], row, kind, words) for row in found]
    if made:
        noted = msgspec.json.encode([noted for _, noted in made]).decode()
        await tx.value(queries.note_texts, noted)
    return [row for row, _ in made]


def _made(
    ring: KeyRing, settings: Settings, one: Told, phone: Row, kind: Kind, words: Words
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is owed, and what is kept beside it."""
    event, person = one.event, one.person.person_id
    id = model.delivery_id(event.id, "person", person, CHANNELS[kind])
    code = phone["code"] if one.confirms else None
    read, said = words(one, code)
    content = message(
        settings,
        id,
        to=sealed.unseal(ring, person, phone["phone_id"], phone["sealed"]),
        body=read,
        spoken=said,
        locale=one.tongue.locale,
        kind=kind,
        validity_s=VALID_S[one.severity],
        service="emergency" if one.severity == "critical" else "notices",
    )
    until = clock.machine_now() + timedelta(seconds=VALID_S[one.severity])
    shared: dict[str, Any] = {"id": id, "event_id": event.id}
    row = {
        **shared,
        "recipient_kind": "person",
        "recipient_id": person,
        "seq": event.seq,
        "type": event.type,
        "connector": "twilio",
        "lane": LANES.get(one.severity, 1),
        "link": one.person.link_id,
        "expires_at": until.isoformat(),
        "sealed": sealed.seal_delivery(ring, event.tenant, id, content).hex(),
    }
    noted = {
        **shared,
        "person_id": person,
        "number_index": bytes(phone["number_index"]).hex(),
        "kind": kind,
        "severity": one.severity,
        "link_id": one.person.link_id,
        "code": code,
        "sealed": sealed.seal_message(ring, event.tenant, id, content).hex(),
    }
    return row, noted


def spoken(one: Told, code: int | None) -> str:
    """The same for a voice: without an address, and with what the keys do."""
    told = saying.Saying(title=one.title, before=one.before, after=one.after)
    said = f"{one.title}: {'; '.join(one.lines)}" if one.lines else saying.aloud(told, one.tongue)
    call = one.tongue.phrase("call", couple=one.couple, said=said.rstrip("."))
    return f"{call} {one.tongue.phrase('call_keys')}" if code is not None else call
