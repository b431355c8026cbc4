"""What a supplier does: choose whom to invite, say how its mails look, take an invitation back."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from wedsync.clients import sealed as clients
from wedsync.clients.actions import home, managed
from wedsync.events.record import record
from wedsync.invitations import facts, model, sealed
from wedsync.invitations.model import Candidate, Chosen, InvitationView, Known, Style, Verdict, Verdicts
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.weddings.actions import pass_token, token_hash

queries = sql.load("wedsync.invitations")
PURPOSE = "couple"
BRAKES = {
    "bounces": "Too many of your invitations came back as undeliverable, so no more leave for now. Correct the "
    "addresses of your clients; it is over when fewer than one in twenty of the last thirty days came back.",
    "complaints": "A couple reported your invitation as unwanted, so no more leave for now. Invite only couples who "
    "know that you work with them; it is over thirty days after the last report.",
}


async def judge(tx: Tx, ring: KeyRing, chosen: Chosen) -> list[tuple[Candidate, Verdict]]:
    """What would become of everyone chosen. Raises Refusal 403 for whoever only reads, 422 for nobody chosen."""
    row = await managed(tx)
    if not chosen.all and not chosen.client_ids:
        error = FieldError("client_ids", "is empty", "Choose clients, or send all.")
        raise Refusal(422, "invalid", "client_ids: is empty", errors=[error])
    rows = await tx.rows(queries.chosen, chosen.client_ids, chosen.all, chosen.stage, model.CHOSEN_MAX)
    supplier_id = await tx.home()
    found = [_candidate(ring, supplier_id, r) for r in rows]
    refused = await refusals(tx, ring, found)
    today = row["now"].date()
    judged = [(one, _verdict(one, model.verdict(one, today, refused), refused)) for one in found]
    return [(one, said) for one, said in judged if not chosen.all or said.why is None]


def _candidate(ring: KeyRing, supplier_id: UUID, row: Row) -> Candidate:
    details = clients.unseal(ring, supplier_id, row["id"], row["sealed"])
    return Candidate(
        id=row["id"],
        stage=row["stage"],
        wedding_on=row["wedding_on"],
        is_linked=row["is_linked"],
        states=row.get("states") or [],
        details=details,
        is_dormant=row["is_dormant"],
    )


async def refusals(tx: Tx, ring: KeyRing, among: Sequence[Candidate]) -> dict[str, str]:
    """Addresses of theirs that take no invitations, and why."""
    wanted = {key: email for one in among for key, email in sealed.wanted(ring, one.details).items()}
    rows = await tx.rows(queries.suppressed, list(wanted))
    return sealed.refused(wanted, [(r["address_index"], r["reason"]) for r in rows])


def _verdict(one: Candidate, why: model.Why | None, refused: dict[str, str]) -> Verdict:
    email = model.address(one.details, refused) or next(iter(one.details.emails), "")
    return Verdict(client_id=one.id, couple_names=one.details.couple_names, email=email, why=why)


async def preview(tx: Tx, ring: KeyRing, chosen: Chosen) -> Verdicts:
    """A dry run. Raises Refusal as `judge`."""
    items = [said for _, said in await judge(tx, ring, chosen)]
    return Verdicts(items=items, invited=sum(said.why is None for said in items))


async def invite(tx: Tx, ring: KeyRing, settings: Settings, chosen: Chosen) -> Verdicts:
    """Have mails written to whoever may be invited; the others are told apart. Raises Refusal as `judge`, and 409
    `invitations_paused` while this supplier's mails rest.
    """
    judged = await judge(tx, ring, chosen)
    brake = await tx.value(queries.brake)
    if brake is not None:
        raise Refusal(409, "invitations_paused", BRAKES[brake])
    supplier_id, now = await tx.home(), (await home(tx))["now"]
    items = []
    for one, said in judged:
        why = said.why or await _add(tx, ring, settings, supplier_id, one, said.email, now)
        items.append(Verdict(client_id=one.id, couple_names=said.couple_names, email=said.email, why=why))
    if any(said.why is None for said in items):
        await tx.value(queries.post)
        tx.nudges.append("[]")
    return Verdicts(items=items, invited=sum(said.why is None for said in items))


async def _add(
    tx: Tx, ring: KeyRing, settings: Settings, supplier_id: UUID, one: Candidate, to: str, now: Any
) -> model.Why | None:
    invitation_id, details = await tx.value(queries.new_id), one.details
    known = Known(
        to=to,
        name=details.name,
        partner_name=details.partner_name,
        email=details.email,
        partner_email=details.partner_email,
        venue=details.venue,
    )
    token = pass_token(settings.jwt_secret, PURPOSE, invitation_id)
    row = await tx.row(
        queries.add,
        *(invitation_id, one.id, one.wedding_on, now, model.expiry(now, one.wedding_on)),
        sealed.seal(ring, supplier_id, invitation_id, known),
        token_hash(token),
        sealed.couple_index(ring, known),
    )
    if row is None:
        return "invited"
    record(tx, facts.QUEUED, op="INSERT", row=row)
    return None


async def withdraw(tx: Tx, invitation_id: UUID) -> None:
    """The link in the mail opens nothing any more. What has ended stays as it is. Raises Refusal 403, 404."""
    await managed(tx)
    if await tx.row(queries.one, invitation_id) is None:
        raise not_found("invitation")
    await end(tx, invitation_id, "withdrawn", "")


async def end(tx: Tx, invitation_id: UUID, state: str, reason: str) -> None:
    """It gets no mail, or no more."""
    tx.nudges += [r[0] for r in await tx.rows(queries.end, invitation_id, state, reason)]


async def withdraw_of_client(tx: Tx, client_id: UUID) -> None:
    """The reaction to a client that was taken off the records or cancelled."""
    row = await tx.row(queries.end_of_client, client_id)
    if row is not None:
        await end(tx, row["id"], "withdrawn", "client")


async def style(tx: Tx) -> tuple[str, str, Style]:
    """(name of the business, its address for answers, how its mails look)."""
    row = await tx.row(queries.style)
    if row is None:
        raise not_found("supplier")
    # In a mail's head a line break would begin another line of it.
    return " ".join(row["name"].split()), row["email"], Style(**{k: row[k] for k in Style.__struct_fields__})


async def put_style(tx: Tx, wanted: Style) -> None:
    """Raises Refusal 403 for whoever only reads."""
    await managed(tx)
    words = [" ".join(text.split()) for text in (wanted.words, wanted.signature, wanted.address)]
    row: Any = await tx.row(queries.put_style, wanted.colour.lower(), *words)
    record(tx, facts.STYLED, op="INSERT" if row["old_record"] is None else "UPDATE", row=row)


def view(ring: KeyRing, row: Row) -> InvitationView:
    """A row of the queries, opened."""
    known = sealed.unseal(ring, row["supplier_id"], row["id"], row["sealed"])
    given = {**dict(row), "couple_names": known.couple_names, "email": known.to}
    return InvitationView(**{name: given[name] for name in InvitationView.__struct_fields__})


async def page(
    tx: Tx, ring: KeyRing, state: str, *, cursor: UUID | None, limit: int
) -> tuple[list[InvitationView], str | None]:
    """(newest first, where the next page begins)."""
    await home(tx)
    rows = await tx.rows(queries.page, state, cursor, limit + 1)
    return [view(ring, row) for row in rows[:limit]], str(rows[limit - 1]["id"]) if len(rows) > limit else None


async def funnel(tx: Tx) -> model.Funnel:
    """The figures of the whole way."""
    await home(tx)
    row: Any = await tx.row(queries.funnel)
    return model.Funnel(**dict(row))
