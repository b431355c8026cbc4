"""The part of a run that changes who is in the list: who left there, who goes, who comes, their tags and journeys."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from wedsync.connections.contract import Delivered, ReconnectNeeded, Rejected, RetryLater
from wedsync.connections.marketing import actions, kept, planning
from wedsync.connections.marketing import run as runs
from wedsync.connections.marketing.contract import (
    Contact,
    Left,
    Pending,
    Spent,
    Tagging,
    Trigger,
    Upsert,
    Upserted,
)
from wedsync.connections.marketing.planning import Held, Plan, State
from wedsync.connections.marketing.run import Ended, Run
from wedsync.kit import clock, sql
from wedsync.kit.db import Tx

queries = sql.load("wedsync.connections.marketing")
PAGES_MAX: Final = 200
LATER_S: Final = 30.0
REASON_MAX: Final = 300


async def gone(run: Run) -> Ended | None:
    """Who has left there has withdrawn here, for every list; before anybody is written into one."""
    if not run.is_asked_for:
        return None
    for _ in range(PAGES_MAX):
        said = await run.account.left(run.list_id, run.cursor)
        if not isinstance(said, Left):
            return runs.stopped(said)
        async with run.enter() as tx:
            await _leave(tx, run, said)
            await tx.run(queries.left, run.id, said.cursor)
        run.cursor = said.cursor
        if not said.is_more:
            break
    async with run.enter() as tx:
        await tx.run(queries.pulled, run.id, run.pulls_wanted)
    return None


async def _leave(tx: Tx, run: Run, said: Left) -> None:
    """Only whom we have put in, and only once: another client of that provider's is no business of ours."""
    rows = await tx.rows(queries.members, run.id)
    clients = {row["id"]: row["client_id"] for row in rows}
    held = kept.held(run.seals, rows)
    told = False
    for one in said.gone:
        member = held.get(planning.key(one.email))
        if member is None or member.state == "out":
            continue
        await _put(tx, run, member.id, clients[member.id], member.contact, "out", one.why)
        await actions.left(tx, run.seals, run.id, one, clients[member.id])
        told = True
    if told:
        await actions.poke(tx, None, is_pull=False)


async def pended(run: Run) -> Ended | None:
    """A batch that the provider had begun with."""
    if not run.pending:
        return None
    said = await run.account.upsert(Upsert(list_id=run.list_id, contacts=(), pending=run.pending))
    if isinstance(said, Pending):
        return Ended(word="later", reason="The provider is still working on the last batch.", after_s=LATER_S)
    if not isinstance(said, (Upserted, Rejected)):
        return runs.stopped(said)
    async with run.enter() as tx:
        for row in await tx.rows(queries.members, run.id):
            if row["state"] == "sending":
                contact = run.seals.contact(row["id"], row["sealed"])
                state, why = _state(said, contact)
                await _put(tx, run, row["id"], row["client_id"], contact, state, why)
        await tx.run(queries.pend, run.id, "")
    return None


async def fill(run: Run) -> Ended | None:
    """What differs from what was sent: first who goes, then who comes or changed, batch after batch; then tags."""
    plan, held = await _planned(run)
    for one in plan.withdrawn:
        said = await run.account.withdraw(run.list_id, one.contact.email)
        if not isinstance(said, (Delivered, Rejected)):
            return runs.stopped(said)
        async with run.enter() as tx:
            await _put(tx, run, one.id, None, one.contact, "out", "withdrawn")
    size = run.account.batch_max
    for start in range(0, len(plan.upserts), size):
        ended = await _batch(run, plan.upserts[start : start + size], held)
        if ended is not None:
            return ended
    if plan.upserts:
        plan, _ = await _planned(run)
    return await _tagged(run, plan.retags)


async def _planned(run: Run) -> tuple[Plan, dict[str, Held]]:
    async with run.enter() as tx:
        consents = await kept.ledger(tx, run.seals)
        may = planning.agreed(consents)
        may = planning.agreed(consents, await kept.barred(tx, run.ring, run.tenant, may))
        clients = await kept.clients_of(tx, run.ring, run.tenant, may)
        held = kept.held(run.seals, await tx.rows(queries.members, run.id))
    today = clock.now().date()
    wanted = planning.contacts(clients, may, today)
    return planning.plan(wanted, held.values(), planning.quiet(clients, today)), held


async def _batch(run: Run, batch: Sequence[tuple[UUID, Contact]], held: Mapping[str, Held]) -> Ended | None:
    """Sent again after a try whose end nobody saw it makes no second. Its tags follow: they stay as they were."""
    said = await run.account.upsert(Upsert(list_id=run.list_id, contacts=tuple(contact for _, contact in batch)))
    if not isinstance(said, (Upserted, Pending, Rejected)):
        return runs.stopped(said)
    async with run.enter() as tx:
        for client_id, contact in batch:
            one = held.get(planning.key(contact.email))
            tags = one.contact.tags if one is not None and one.state != "out" else ()
            state, why = _state(said, contact)
            id = uuid4() if one is None else one.id
            await _put(tx, run, id, client_id, msgspec.structs.replace(contact, tags=tags), state, why)
        if isinstance(said, Pending):
            await tx.run(queries.pend, run.id, said.id)
    if isinstance(said, Pending):
        return Ended(word="later", reason="The provider works on the batch.", after_s=LATER_S)
    return None


async def _tagged(run: Run, retags: Sequence[tuple[Held, Contact]]) -> Ended | None:
    """Tags, then what a milestone that is new begins; then it is kept that they have them."""
    if not retags:
        return None
    before = {contact.email: one.contact.tags for one, contact in retags}
    gains, losses = planning.retagged(before, {contact.email: contact.tags for _, contact in retags})
    said = await run.account.tag(Tagging(list_id=run.list_id, gains=gains, losses=losses))
    if not isinstance(said, (Delivered, Rejected)):
        return runs.stopped(said)
    if run.account.triggers:
        ended = await _triggered(run, retags)
        if ended is not None:
            return ended
    async with run.enter() as tx:
        for one, contact in retags:
            await tx.run(queries.retag_member, one.id, run.seals.member(one.id, _plain(contact)))
    return None


async def _triggered(run: Run, retags: Sequence[tuple[Held, Contact]]) -> Ended | None:
    """Journeys that begin for who has just reached a milestone: noted before it is asked, so that none begins twice.
    Who was put in a moment ago begins nothing: what they had reached before is not news."""
    async with run.enter() as tx:
        places = {row["milestone"]: row["place"] for row in await tx.rows(queries.triggers, run.id)}
    for one, contact in retags:
        new = planning.milestones_of(contact.tags) - planning.milestones_of(one.contact.tags)
        for milestone in sorted(new & places.keys()) if one.contact.tags else ():
            async with run.enter() as tx:
                is_first = await tx.value(queries.begin_journey, one.id, milestone)
            if not is_first:
                continue
            asked = Trigger(list_id=run.list_id, email=contact.email, milestone=milestone, place=places[milestone])
            said = await run.account.trigger(asked)
            if isinstance(said, (Spent, RetryLater, ReconnectNeeded)):
                async with run.enter() as tx:
                    await tx.run(queries.unbegin_journey, one.id, milestone)
                return runs.stopped(said)
    return None


def _state(said: Upserted | Pending | Rejected, contact: Contact) -> tuple[State, str]:
    why = said.reason if isinstance(said, Rejected) else said.refused.get(contact.email, "")
    if why:
        return "refused", why
    return ("sending" if isinstance(said, Pending) else "there"), ""


async def _put(tx: Tx, run: Run, id: UUID, client_id: UUID | None, contact: Contact, state: State, reason: str) -> None:
    values: tuple[Any, ...] = (client_id, state, reason[:REASON_MAX], run.seals.member(id, _plain(contact)))
    await tx.run(queries.put_member, id, run.id, *values)


def _plain(contact: Contact) -> Contact:
    return msgspec.structs.replace(contact, is_again=False)
