"""Answering a form: what the record holds already, drafts, sending it, and what goes back into the record, once.

The couple's own word goes back by the owner's action. Who answers by an address without an account is not the couple:
what they answer otherwise is proposed to it.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.events.record import record
from wedsync.forms import answers, core, facts, model, sealed
from wedsync.forms.actions import opened
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.proposals import actions as proposals
from wedsync.proposals.model import NewProposal, Source
from wedsync.proposals.subjects import SUBJECTS
from wedsync.schedule import actions as schedule
from wedsync.schedule.rows import NewContact
from wedsync.weddings import actions as weddings
from wedsync.weddings.model import WeddingChange, changed_fields

queries = sql.load("wedsync.forms")
CLOSED: Final = "It is final: the supplier works with these answers. Write to them, they can open it again."


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever answers needs: who they are, the record's values, and the guests they may choose from."""

    role: str
    name: str
    zone: str
    record: dict[str, Any]
    version: int
    contacts: list[dict[str, Any]]
    guests: dict[str, str]

    @property
    def is_couple(self) -> bool:
        """Whose word goes straight into the record."""
        return self.role == "couple"


async def held(tx: Tx) -> Held:
    """Read as whoever asks sees it: by an address that is no more than the supplier sees. Raises Refusal 404."""
    me = await tx.row(queries.me)
    wedding = await tx.row(queries.record)
    if me is None or wedding is None:
        raise not_found("wedding")
    counts = [
        {"accepted": row["accepted"], "dietary": msgspec.json.decode(row["dietary"])}
        for row in await tx.rows(queries.counts)
    ]
    contacts = [dict(row) for row in await tx.rows(queries.contacts)]
    return Held(
        role=me["role"],
        name=tx.actor.name or ("One of the couple" if me["role"] == "couple" else "somebody with its address"),
        zone=me["time_zone"],
        record=core.known(dict(wedding), counts, contacts),
        version=wedding["version"],
        contacts=contacts,
        guests={str(row["id"]): row["display_name"] for row in await tx.rows(queries.guests)},
    )


def of_fields(sections: tuple[model.FormSection, ...], by_core: Mapping[str, Any]) -> dict[str, Any]:
    """The record's values by the key of the field that is mapped to each."""
    mapped = {field.key: field.maps_to for section in sections for field in section.fields if field.maps_to}
    return {key: by_core[name] for key, name in mapped.items() if name in by_core}


async def shown(tx: Tx, ring: KeyRing, row: Row) -> model.FormRequest:
    """One form that was asked, as whoever asks may see it: answers that were sent; drafts for who answers."""
    sections = opened(row["sections"])
    me = await tx.row(queries.me)
    answers_on_file = sealed.unseal(ring, sealed.ANSWERS, row["wedding_id"], row["id"], row["sealed"])
    draft, from_record = dict[str, Any](), dict[str, Any]()
    if me is not None and me["role"] in ("couple", "form"):
        draft = await draft_of(tx, ring, row["wedding_id"], row["id"])
        from_record = of_fields(sections, (await held(tx)).record)
    fields = {
        name: row[name] for name in model.FormRequestTold.__struct_fields__ if name not in ("changed", "supplier_name")
    }
    return model.FormRequest(
        **fields,
        changed=msgspec.json.decode(row["changed"]),
        supplier_name=row["supplier_name"] or "Your supplier",
        intro=row["intro"],
        sections=list(sections),
        answers=answers_on_file,
        draft=draft,
        record=from_record,
    )


async def draft_of(tx: Tx, ring: KeyRing, wedding_id: UUID, request_id: UUID) -> dict[str, Any]:
    """What is typed and not sent; nothing for who asks."""
    row = await tx.row(queries.draft, request_id)
    return {} if row is None else sealed.unseal(ring, sealed.DRAFTS, wedding_id, request_id, row["sealed"])


async def keep_draft(tx: Tx, ring: KeyRing, request_id: UUID, sent: model.FormDraft) -> None:
    """Keep what is typed so far; the first time says that it is begun. Raises Refusal 403, 404 or 409."""
    row, _ = await _answerable(tx, request_id)
    sections = opened(row["sections"])
    shown_there = of_fields(sections, (await held(tx)).record) | sent.seen
    kept = answers.typed_draft(sections, sent.answers, shown_there)
    packed = sealed.seal(ring, sealed.DRAFTS, row["wedding_id"], request_id, kept)
    await tx.run(queries.put_draft, request_id, row["link_id"], packed)
    if row["state"] == "asked":
        begun: Any = await tx.row(queries.move, request_id, "started", row["word"], row["due_on"])
        record(tx, facts.STARTED, op="UPDATE", row=begun, link=begun["link_id"])


async def submit(tx: Tx, ring: KeyRing, request_id: UUID, sent: model.FormDraft) -> model.FormRequest:
    """Send the answers, and put what differs into the record, once. Sent again unchanged is sent once.

    Raises Refusal 403, 404, 409 where it is final, 422 by the keys of fields, and what the owner's action refuses.
    """
    row, role = await _answerable(tx, request_id)
    who = await held(tx)
    sections = opened(row["sections"])
    # A mapped field that is not answered at all stands as it was shown; one that was emptied does not.
    given = answers.read(sections, of_fields(sections, who.record) | sent.seen | sent.answers, who.guests)
    settled = answers.settle(given, sent.seen, who.record)
    problems = [*given.problems, *settled.clashes]
    if problems:
        raise refusal_of(problems)
    before = sealed.unseal(ring, sealed.ANSWERS, row["wedding_id"], request_id, row["sealed"])
    if row["state"] != "submitted" or before != settled.answers:
        await _write_back(tx, row, given, settled.back, who)
        await _put(tx, ring, row, before, settled, who.name)
    await tx.run(queries.drop_draft, request_id)
    assert role in ("couple", "form")
    found: Any = await tx.row(queries.request, request_id)
    return await shown(tx, ring, found)


async def _put(tx: Tx, ring: KeyRing, row: Row, before: Mapping[str, Any], settled: answers.Settled, name: str) -> None:
    is_first = row["submissions"] == 0
    keys = [] if is_first else sorted(k for k in {*before, *settled.answers} if before.get(k) != settled.answers.get(k))
    packed = sealed.seal(ring, sealed.ANSWERS, row["wedding_id"], row["id"], settled.answers)
    numbers = (settled.known, settled.avoided)
    made: Any = await tx.row(
        queries.submit, row["id"], name[:300], msgspec.json.encode(keys).decode(), *numbers, packed
    )
    record(tx, facts.SUBMITTED, op="UPDATE", row=made, link=made["link_id"])


async def _write_back(tx: Tx, row: Row, given: answers.Given, back: Mapping[str, Any], who: Held) -> None:
    """By the owner's action, or as a proposal to the owner. What is derived goes nowhere: it is its guests' word."""
    fields = {core.CORE[name].column: value for name, value in back.items() if core.CORE[name].column}
    if fields:
        try:
            await _wedding(tx, row, fields, who)
        except Refusal as refusal:
            raise _in_form(refusal, given) from refusal
    if "day_contacts" in back and who.is_couple:
        for one in core.contacts_to_add(back["day_contacts"], who.contacts):
            await schedule.add_contact(tx, NewContact(name=one.name, what=one.what, phone=one.phone))


async def _wedding(tx: Tx, row: Row, fields: dict[str, Any], who: Held) -> None:
    try:
        wanted = changed_fields(msgspec.convert(fields, WeddingChange))
    except msgspec.ValidationError as error:
        column = str(error).rpartition("$.")[2].rstrip("`")
        raise refusal_of([FieldError(column, "cannot be kept like this", "Look at it again.")]) from error
    if who.is_couple:
        await weddings.change(tx, row["wedding_id"], wanted, version=who.version)
        return
    offered = {name: value for name, value in fields.items() if name in SUBJECTS["weddings"].fields}
    if offered:
        why = f"Answered in “{row['title']}” of {row['supplier_name']}, by its shared link."
        by = Source(id=row["id"], origin="supplier", name=row["title"], link_id=row["link_id"])
        await proposals.suggest(tx, by, NewProposal(subject="weddings", fields=offered, why=why))


def refusal_of(problems: list[FieldError]) -> Refusal:
    """What cannot be taken, by the keys of fields."""
    return Refusal(422, "invalid", f"{problems[0].field}: {problems[0].reason}", errors=problems)


def _in_form(refusal: Refusal, given: answers.Given) -> Refusal:
    """What the owner's action refuses, by the field of the form that says so."""
    keys = {core.CORE[field.maps_to].column: field.key for field in given.shown if field.maps_to}
    found = [FieldError(keys.get(e.field, e.field), e.reason, e.fix) for e in refusal.errors]
    return Refusal(refusal.status, refusal.code, refusal.detail, errors=found, extra=refusal.extra)


async def _answerable(tx: Tx, request_id: UUID) -> tuple[Row, str]:
    row = await tx.row(queries.hold, request_id)
    me = await tx.row(queries.me)
    if row is None or me is None:
        raise not_found("form")
    role: str = me["role"]
    if role not in ("couple", "form"):
        raise Refusal(403, "forbidden", "The couple answers this. You read it here when they have.")
    if row["state"] not in model.OPEN:
        raise Refusal(409, "closed", CLOSED if row["state"] == "locked" else "This is not asked any more.")
    return row, role
