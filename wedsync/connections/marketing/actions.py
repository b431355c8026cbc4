"""Every write of marketing: which list is kept in step, when a journey begins, and who agreed or withdrew."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET

from wedsync.clients import sealed as client_seals
from wedsync.connections.marketing import facts, model
from wedsync.connections.marketing.contract import Gone, RemoteList
from wedsync.connections.marketing.kept import Seals
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.web.context import stale

queries = sql.load("wedsync.connections.marketing")
KEEPERS: Final = ("owner", "admin")


async def open_audience(tx: Tx, connection_id: UUID) -> None:
    """A marketing account was connected, or works again: its lists are asked for. Twice is once."""
    row = await tx.row(queries.open_audience, connection_id)
    if row is not None:
        record(tx, facts.OPENED, op="INSERT", row=row)
        await tx.run(queries.add_progress, connection_id)
    await poke(tx, connection_id, is_pull=True)


async def change(tx: Tx, audience_id: UUID, wanted: model.AudienceChange, *, version: int | None = None) -> int:
    """Keep another list in step, or none; returns the version. Raises Refusal 403, 404, 412, 422."""
    held = await _held(tx, audience_id)
    if version not in (None, held["version"]):
        raise await stale(tx, queries.audience_current, audience_id)
    list_id = held["list_id"] if wanted.list_id is UNSET else wanted.list_id
    lists = msgspec.json.decode(held["lists"], type=tuple[RemoteList, ...])
    title = next((one.title for one in lists if one.id == list_id), None)
    if title is None and list_id:
        errors = [FieldError("list_id", "is no list of this account", "Choose one of those that are shown.")]
        raise Refusal(422, "invalid", "list_id: is no list of this account", errors=errors)
    is_on = held["is_on"] if wanted.is_on is UNSET else wanted.is_on
    has_templates = held["has_templates"] if wanted.has_templates is UNSET else wanted.has_templates
    if (list_id, is_on, has_templates) == (held["list_id"], held["is_on"], held["has_templates"]):
        return int(held["version"])
    row: Any = await tx.row(queries.change_audience, audience_id, list_id, title or "", is_on, has_templates)
    record(tx, facts.CHANGED, op="UPDATE", row=row)
    is_other = list_id != held["list_id"]
    if is_other:
        await tx.run(queries.forget_members, audience_id)
    await tx.run(queries.begin_anew, audience_id, is_other)
    await poke(tx, audience_id, is_pull=True)
    return int(row["version"])


async def look_now(tx: Tx, audience_id: UUID) -> None:
    """At once, whatever was to be waited for. Raises Refusal 403, 404, 409."""
    held = await _held(tx, audience_id)
    if not held["is_on"]:
        raise Refusal(409, "marketing_off", "This account is not used. Switch it on first.")
    await poke(tx, audience_id, is_pull=True, is_now=True)


async def put_triggers(tx: Tx, audience_id: UUID, wanted: Sequence[model.TriggerRule]) -> None:
    """These milestones start these journeys from now on, and no others. Raises Refusal 403, 404, 409, 422."""
    held = await _held(tx, audience_id)
    if wanted and not model.has_triggers(held["connector"]):
        raise Refusal(409, "no_triggers", model.NO_TRIGGERS)
    if len({one.milestone for one in wanted}) != len(wanted):
        errors = [FieldError("triggers", "name a milestone twice", "One journey for each milestone.")]
        raise Refusal(422, "invalid", "triggers: a milestone is named twice", errors=errors)
    await tx.run(queries.clear_triggers, audience_id)
    for one in wanted:
        await tx.run(queries.add_trigger, audience_id, one.milestone, one.place)


async def say(tx: Tx, ring: KeyRing, tenant: UUID, client_id: UUID, said: model.NewConsent, *, by_api: bool) -> UUID:
    """A client agreed or withdrew, as somebody of the supplier was told. Raises Refusal 403, 404, 422."""
    await _check_keeper(tx)
    row = await tx.row(queries.one_client, client_id)
    if row is None:
        raise not_found("client")
    details = client_seals.unseal(ring, tenant, client_id, row["sealed"])
    email = details.email if said.who == "client" else details.partner_email
    if not email:
        errors = [FieldError("who", "has no e-mail address", "Add the address to the client first.")]
        raise Refusal(422, "invalid", "who: has no e-mail address", errors=errors)
    if said.act == "given" and not said.wording.strip():
        errors = [FieldError("wording", "is missing", "Write what they agreed to, word for word.")]
        raise Refusal(422, "invalid", "wording: is missing", errors=errors)
    made = await _add(
        tx,
        Seals(ring, tenant),
        email,
        client_id=client_id,
        act=said.act,
        method="api" if by_api else "page",
        wording=said.wording.strip(),
        source=said.source.strip(),
    )
    await poke(tx, None, is_pull=False, is_now=said.act == "withdrawn")
    return made


async def left(tx: Tx, seals: Seals, connection_id: UUID, gone: Gone, client_id: UUID | None) -> None:
    """Somebody has left at a provider: that holds for every list of this supplier."""
    await _add(
        tx,
        seals,
        gone.email,
        client_id=client_id,
        act="withdrawn",
        method="provider",
        source=gone.why,
        connection_id=connection_id,
    )


async def poke(tx: Tx, audience_id: UUID | None, *, is_pull: bool, is_now: bool = False) -> None:
    """Its job looks at it, or those of all accounts; workers at once, for nothing else tells them."""
    await tx.value(queries.poke, None if audience_id is None else [audience_id], is_pull, is_now)
    tx.nudges.append("[]")


async def _add(
    tx: Tx,
    seals: Seals,
    email: str,
    *,
    client_id: UUID | None,
    act: facts.Act,
    method: facts.Method,
    wording: str = "",
    source: str = "",
    connection_id: UUID | None = None,
) -> UUID:
    id = uuid4()
    values = (client_id, seals.address(id, email), act, method, wording, source, connection_id)
    row: Any = await tx.row(queries.add_consent, id, *values)
    record(tx, facts.GIVEN if act == "given" else facts.WITHDRAWN, op="INSERT", row=row)
    return id


async def _held(tx: Tx, audience_id: UUID) -> Row:
    await _check_keeper(tx)
    held = await tx.row(queries.hold_audience, audience_id)
    if held is None:
        raise not_found("connection")
    return held


async def _check_keeper(tx: Tx) -> None:
    if await tx.value(queries.my_role) not in KEEPERS:
        raise Refusal(403, "forbidden", "Only an owner or admin decides about marketing. Ask one of them.")
