"""The work of a supplier's mails: each couple by itself, judged at the last moment, a slice at a time.

One transaction a couple, which is held while its mails are counted, so that two suppliers' workers write one mail. A
slice ends before all are written: what came back of it decides whether the next one leaves.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import msgspec

from wedsync.clients import sealed as clients
from wedsync.clients.actions import home
from wedsync.clients.matching import could_be_one, names_match
from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.invitations import actions, model, sealed, writing
from wedsync.invitations.actions import PURPOSE, queries
from wedsync.invitations.model import Candidate, Known
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.seal import KeyRing
from wedsync.weddings.actions import pass_token

WORK = "invitations.post"


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """Another supplier's invitation of the same couple."""

    id: UUID
    supplier: str
    mails: int


def works(ring: KeyRing, settings: Settings) -> Mapping[str, Work]:
    """By the name it is owed under."""

    async def post(door: Door, job: Job) -> None:
        async with door.enter_job(job.id, job.lease_token) as tx:
            due = [] if await tx.value(queries.brake) else [r["id"] for r in await tx.rows(queries.due, model.SLICE)]
        for invitation_id in due:
            async with door.enter_job(job.id, job.lease_token) as tx:
                await write(tx, ring, settings, invitation_id)
        async with door.enter_job(job.id, job.lease_token) as tx:
            await jobs.finish(tx, job)

    return {WORK: post}


async def write(tx: Tx, ring: KeyRing, settings: Settings, invitation_id: UUID) -> None:
    """The mail that is due for one invitation: or none, or not yet, or the couple is asked where it is already."""
    row = await tx.row(queries.for_mail, invitation_id)
    if row is None:
        return
    await tx.value(queries.hold_couple, sorted(row["couple_index"]))
    row = await tx.row(queries.for_mail, invitation_id)  # another supplier's worker may just have named it in its mail
    if row is None:
        return
    known = sealed.unseal(ring, row["supplier_id"], row["id"], row["sealed"])
    over = await _over(tx, ring, row, known)
    if over is not None:
        await actions.end(tx, invitation_id, *over)
        return
    if row["mails"] == 0 and await _asked(tx, row, known):
        return
    if row["mails"] == 0 and await tx.value(queries.is_dormant, row["client_id"]):
        await tx.run(queries.wait, invitation_id, (await home(tx))["now"] + model.AWAKE_EVERY)
        return
    times: Any = await tx.row(queries.last_invited, row["couple_index"])
    if times["last_at"] is not None and times["now"] - times["last_at"] < model.AGAIN_AFTER:
        await tx.run(queries.wait, invitation_id, times["last_at"] + model.AGAIN_AFTER)
        return
    await _owe(tx, ring, settings, row, known)


async def _over(tx: Tx, ring: KeyRing, row: Row, known: Known) -> tuple[str, str] | None:
    """(state, reason) where this one gets no mail after all: much may have happened since somebody chose it."""
    client = await tx.row(queries.client, row["client_id"])
    now = (await home(tx))["now"]
    if client is None:
        return "withdrawn", "client"
    details = clients.unseal(ring, row["supplier_id"], client["id"], client["sealed"])
    one = Candidate(
        id=client["id"],
        stage=client["stage"],
        wedding_on=client["wedding_on"],
        is_linked=client["is_linked"],
        states=(),
        details=details,
    )
    before = msgspec.structs.replace(one, details=known.details)
    refused = await actions.refusals(tx, ring, [one, before])
    why = model.verdict(one, now.date(), refused)
    if model.plain(known.to) in refused or why == "refused":
        return "suppressed", refused.get(model.plain(known.to), "opted_out")
    return None if why is None else ("withdrawn", why)


async def _asked(tx: Tx, row: Row, known: Known) -> bool:
    """Whether the couple plans its wedding here: it is asked by its own notices."""
    for email in known.details.emails:
        asked: Any = await tx.row(queries.ask_couple, row["id"], email, row["wedding_on"])
        if asked["wedding"] is not None:
            tx.nudges += [nudge for nudge in asked["nudges"] or [] if nudge]
            return True
    return False


async def _owe(tx: Tx, ring: KeyRing, settings: Settings, row: Row, known: Known) -> None:
    name, reply_to, style = await actions.style(tx)
    others = await _alike(tx, ring, row, known)
    delivery = uuid4()
    letter = writing.Letter(
        supplier=name,
        reply_to=reply_to,
        style=style,
        known=known,
        on=row["wedding_on"],
        others=[other.supplier for other in others],
        is_reminder=row["mails"] > 0,
        url=f"{settings.public_url}/invite/{pass_token(settings.jwt_secret, PURPOSE, row['id'])}",
        out_url=f"{settings.public_url}/no-mail/{writing.out_token(settings.jwt_secret, row['id'])}",
    )
    body = writing.message(letter, writing.words(letter))
    content = ring.seal(body, tenant=row["supplier_id"], table="deliveries", column="sealed", row=delivery)
    named = [other.id for other in others]
    tx.nudges += [r[0] for r in await tx.rows(queries.owe, row["id"], delivery, content, named, model.AGAIN_AFTER)]


async def _alike(tx: Tx, ring: KeyRing, row: Row, known: Known) -> list[Alike]:
    """Of the same addresses, those whose names can be the same two: a planner's address stands for many couples."""
    rows = await tx.rows(queries.alike, row["couple_index"], row["id"])
    opened = [(r, sealed.unseal(ring, r["supplier_id"], r["id"], r["sealed"])) for r in rows]
    return [
        Alike(id=r["id"], supplier=" ".join(r["supplier_name"].split()), mails=r["mails"])
        for r, other in opened
        if r["mails"] < 2
        and r["supplier_id"] != row["supplier_id"]
        and is_one(known, row["wedding_on"], other, r["wedding_on"])
    ]


def is_one(known: Known, on: Any, other: Known, other_on: Any) -> bool:
    """Whether two invitations to one address mean one couple: names that agree, and no two dates."""
    same_day = on is None or other_on is None or on == other_on
    return could_be_one(known.details, other.details) and (same_day or names_match(known.details, other.details))
