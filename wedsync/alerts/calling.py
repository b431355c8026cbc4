"""The work of alerts: each step of the ladder in one transaction with the step after it, and the end of what an
acknowledgement holds.

A step that comes twice, late, or after somebody has acknowledged does nothing: the alert, locked, says which step is
next and since when. What a step sends is owed in its own transaction, so it is sent exactly if the step was taken.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from wedsync.alerts import actions, facts, ladder, model
from wedsync.alerts.actions import LAPSE, STEP, queries
from wedsync.alerts.ladder import Step
from wedsync.alerts.model import OnCall
from wedsync.events import event as events
from wedsync.events import jobs
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.events.record import record
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.seal import KeyRing
from wedsync.notices import model as notices
from wedsync.notices.channels import Channel, Told, mail, sms, voice
from wedsync.notices.model import Recipient
from wedsync.notices.wording.tongues import SHARED, spoken_by, versions_of
from wedsync.web.context import as_struct
from wedsync.weddings.actions import pass_token, token_hash

DRILL: Final = "alerts.drill"
SEVERE: Final = "needs.changed"
WAYS: Final[Mapping[str, Channel]] = {"email": mail.deliveries, "sms": sms.deliveries, "voice": voice.deliveries}
"""How each way leaves the product; the inbox is written here."""
WORTH_S: Final = 900
"""Nobody wants to be told of an emergency a quarter of an hour later."""
EARLY_S: Final = 1.0
URGENT: Final = {"lane": 0}
BEGAN: Final = ("alert.raised", "alert.lapsed")
AGAIN: Final = (*BEGAN, "alert.escalated", "alert.breached")
DRILL_DETAIL: Final = (
    "This is a drill: it is a wedding day, and you are among those who are called. Say that you can be reached."
)


SEVERE_DETAIL: Final = (
    "A guest’s severe allergy or need was changed, and the wedding is less than 72 hours away. Read who it is and what "
    "in the dietary needs, and confirm that the kitchen knows."
)


class Due(msgspec.Struct, frozen=True):
    """What a job of alerts says."""

    alert: UUID
    step: int
    began: datetime


def works(ring: KeyRing, settings: Settings) -> Mapping[str, Work]:
    """By the name it is owed under."""

    async def step(door: Door, job: Job) -> None:
        due = msgspec.json.decode(job.args or "", type=Due)
        async with door.enter_job(job.id, job.lease_token) as tx:
            alert = await tx.row(queries.claim, due.alert)
            is_next = alert is not None and (alert["step"], alert["began_at"]) == (due.step, due.began)
            if alert is not None and is_next and alert["state"] == "triggered":
                await take(tx, ring, settings, alert)
            await jobs.finish(tx, job)

    async def lapse(door: Door, job: Job) -> None:
        due = msgspec.json.decode(job.args or "", type=Due)
        async with door.enter_job(job.id, job.lease_token) as tx:
            alert = await tx.row(queries.claim, due.alert)
            if alert is not None and alert["state"] == "acknowledged" and await _is_over(tx, alert):
                await tx.run(queries.forget_answers, due.alert)
                row: Any = await tx.row(queries.lapse, due.alert)
                record(tx, facts.LAPSED, op="UPDATE", row=row)
                await tx.value(queries.owe_step, STEP, due.alert, 0, row["began_at"], 0.0)
            await jobs.finish(tx, job)

    async def drill(door: Door, job: Job) -> None:
        async with door.enter_job(job.id, job.lease_token) as tx:
            await actions.begin(
                tx, ring, kind="drill", what="other", place="", detail=DRILL_DETAIL, name="The morning's drill"
            )
            await jobs.finish(tx, job)

    return {STEP: step, LAPSE: lapse, DRILL: drill}


def reactions(ring: KeyRing, settings: Settings) -> tuple[Reaction, ...]:
    """A severe need that changes when cooking has begun is told by voice, and followed until somebody confirms it."""

    async def severe(tx: Tx, event: Event) -> None:
        if not await tx.value(queries.is_close):
            return
        await tx.run(queries.hold)
        known = await tx.row(queries.open_dietary)
        if known is not None:
            await actions.repeat(tx, ring, known, SEVERE_DETAIL)
            return
        await actions.begin(
            tx, ring, kind="dietary", what="other", place="", detail=SEVERE_DETAIL, name="The guest list"
        )

    return (Reaction(name="alerts.severe_need", types=(SEVERE,), run=severe, condition='$.severity == "high"'),)


async def _is_over(tx: Tx, alert: Row) -> bool:
    """Whether what the acknowledgement held is over; whoever is on it has moved it since."""
    now = await tx.value(queries.machine_now)
    return bool(alert["held_until"] <= now)


async def take(tx: Tx, ring: KeyRing, settings: Settings, alert: Row) -> None:
    """The step that is next: what it does, and the one after it."""
    steps = ladder.of(alert["kind"], alert["severity"])
    step = steps[alert["step"]]
    if step.act == "give_up":
        await _give_up(tx, alert)
        return
    is_early = await _act(tx, ring, settings, alert, step)
    following = alert["step"] + 1
    at_s = await actions.since(tx, alert) if is_early else steps[following].at_s
    due = await tx.value(queries.owe_step, STEP, alert["id"], following, alert["began_at"], at_s)
    row: Any = await tx.row(queries.advance, alert["id"], following, due, step.act == "breach")
    record(tx, facts.BREACHED if step.act == "breach" else facts.ESCALATED, op="UPDATE", row=row)


async def _act(tx: Tx, ring: KeyRing, settings: Settings, alert: Row, step: Step) -> bool:
    """Whether what comes next need not wait: nobody has heard, or all who were called so far cannot."""
    if step.act == "check":
        return not await tx.value(queries.heard, (await _event(tx, alert["id"], step)).id)
    if step.act != "call" or await _call(tx, ring, settings, alert, step):
        return False
    return step.at_s < ladder.MINUTE_S and not await tx.value(queries.left_to_answer, alert["id"])


async def _give_up(tx: Tx, alert: Row) -> None:
    """Nobody is left to call: an emergency stays unanswered, a drill is over and says who was heard of."""
    calls = await tx.rows(queries.calls, alert["id"])
    heard = sum(1 for call in calls if call["answer"] is not None)
    is_drill = alert["kind"] == "drill"
    outcome = f"{heard} of {len(calls)} answered." if is_drill else ""
    state = "resolved" if is_drill else "unanswered"
    row: Any = await tx.row(queries.give_up, alert["id"], state, alert["step"] + 1, outcome)
    record(tx, facts.RESOLVED if is_drill else facts.UNANSWERED, op="UPDATE", row=row)


async def _call(tx: Tx, ring: KeyRing, settings: Settings, alert: Row, step: Step) -> int:
    """How many were called. Within the first minute, and where the step did not wait because all others cannot, whoever
    cannot is left alone; later everybody is asked again."""
    people = [as_struct(OnCall, row) for row in await tx.rows(queries.people)]
    order = ladder.cooks(people) if alert["kind"] == "dietary" else ladder.ranked(people, but=alert["raised_by"])
    ranked = [pair for pair in order if pair[0] in step.tiers]
    is_soon = step.at_s <= ladder.MINUTE_S or await actions.since(tx, alert) < step.at_s - EARLY_S
    calls = await tx.rows(queries.calls, alert["id"]) if is_soon else []
    answered = {call["person_id"] for call in calls if call["answer"] is not None}
    called = [(tier, one) for tier, one in ranked if one.person_id not in answered]
    if not called:
        return 0
    event = await _event(tx, alert["id"], step)
    tokens = await _noted(tx, settings, alert["id"], called, step)
    told = await _told(tx, settings, alert, [one for _, one in called], event, tokens)
    if "in_app" in step.ways:
        rows = [_notice(one, alert["id"]) for one in told]
        tx.nudges += [r[0] for r in await tx.rows(queries.put_notices, msgspec.json.encode(rows).decode())]
    await _send(tx, ring, settings, step, told)
    return len(called)


async def _told(
    tx: Tx,
    settings: Settings,
    alert: Row,
    called: Sequence[OnCall],
    event: Event,
    tokens: Mapping[UUID, str],
) -> list[Told]:
    """Each in their language, in the words of the newest version."""
    key, said = model.text_of(alert["kind"], alert["what"]), (alert["kind"], alert["what"], alert["place"])
    words: Any = await tx.row(queries.words, [key, *SHARED])
    chosen = {r["person_id"]: r["locale"] for r in await tx.rows(queries.locales, [one.person_id for one in called])}
    versions = versions_of(words["wordings"])
    tongues = {one.person_id: spoken_by(key, (chosen.get(one.person_id), words["locale"]), versions) for one in called}
    return [
        Told(
            person=_recipient(one),
            event=event,
            key=key,
            title=model.title(*said, tongues[one.person_id]),
            before="",
            after="",
            couple=words["couple_names"],
            url=f"{settings.public_url}/alarm/{tokens[one.person_id]}",
            confirms=True,
            severity="critical",
            tongue=tongues[one.person_id],
        )
        for one in called
    ]


async def _send(tx: Tx, ring: KeyRing, settings: Settings, step: Step, told: Sequence[Told]) -> None:
    until = (await tx.value(queries.machine_now) + timedelta(seconds=WORTH_S)).isoformat()
    owed: list[dict[str, Any]] = []
    for way in step.ways:
        channel = WAYS.get(way)
        if channel is not None:
            owed += [{"expires_at": until} | row | URGENT for row in await channel(tx, ring, settings, told)]
    if owed:
        await tx.value(queries.owe, msgspec.json.encode(owed).decode())


async def _noted(
    tx: Tx, settings: Settings, alert_id: UUID, called: Sequence[tuple[int, OnCall]], step: Step
) -> dict[UUID, str]:
    """Keeps who was called; the token of each, which is the same however often they are."""
    rows = []
    for tier, one in called:
        call_id = uuid4()
        hashed = token_hash(pass_token(settings.jwt_secret, "alarm", call_id)).hex()
        rows.append(
            {
                "id": call_id,
                "person_id": one.person_id,
                "link_id": one.link_id,
                "name": _name(one),
                "tier": tier,
                "token_hash": hashed,
            }
        )
    kept = await tx.rows(queries.called, alert_id, msgspec.json.encode(rows).decode(), list(step.ways))
    return {row["person_id"]: pass_token(settings.jwt_secret, "alarm", row["id"]) for row in kept}


async def _event(tx: Tx, alert_id: UUID, step: Step) -> Event:
    """The fact that what is sent goes back to: that it was raised, or calls anew; for each time more the newest one, so
    that it is no repeat of what was sent before."""
    types = BEGAN if step.at_s <= ladder.MINUTE_S else AGAIN
    return events.decode(await tx.value(queries.alert_event, alert_id, list(types)))


def _name(one: OnCall) -> str:
    return f"{one.name} ({one.supplier_name})" if one.supplier_name else one.name


def _notice(one: Told, alert_id: UUID) -> dict[str, Any]:
    event, person = one.event, one.person
    of_supplier = f"/studio/{person.supplier_id}/weddings/{event.tenant}"
    base = f"/me/{event.tenant}" if person.supplier_id is None else of_supplier
    title, detail = f"{one.couple}: {one.title}", one.tongue.phrase("see_to_it")
    return notices.told(event, person.person_id, title, detail, f"{base}/alerts/{alert_id}")


def _recipient(one: OnCall) -> Recipient:
    return Recipient(
        person_id=one.person_id,
        email=one.email or "",
        name=one.name,
        role=one.role,
        link_id=one.link_id,
        supplier_id=one.supplier_id,
        mask=one.mask,
    )
