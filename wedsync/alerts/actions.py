"""Every write of alerts by people: raise, acknowledge, hold, end; and who is on duty."""

from typing import Any
from uuid import UUID, uuid4

from wedsync.alerts import facts, ladder, model
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.schedule import wording

queries = sql.load("wedsync.alerts")
STEP = "alerts.step"
LAPSE = "alerts.lapse"
SCHEDULE = 2


async def raise_(tx: Tx, ring: KeyRing, new: model.NewAlert) -> tuple[UUID, bool]:
    """Call for help: (the alert's id, whether it is a new one). The same matter raised again is told within the first,
    and so is one more where many are open. Raises Refusal 403 for whoever may not, 404 and 422."""
    me = await _me(tx)
    _check_may_raise(me)
    return await raise_for(tx, ring, new, name=name_of(tx, me))


async def raise_for(tx: Tx, ring: KeyRing, new: model.NewAlert, *, name: str) -> tuple[UUID, bool]:
    """The same for whoever is named here, which may be the clock of the day: nobody is asked whether they may."""
    detail = wording.paragraphs(new.detail)
    if len(detail) < 3:
        raise model.invalid_detail()
    place = " ".join(new.place.split())
    await tx.run(queries.hold)
    open_now = await tx.rows(queries.open)
    known = next((a for a in open_now if a["what"] == new.what), None)
    if known is None and len(open_now) >= model.STORM_MAX:
        known = open_now[0]
    if known is not None:
        await repeat(tx, ring, known, f"{model.WHAT[new.what]}. {detail}" if known["what"] != new.what else detail)
        again: UUID = known["id"]
        return again, False
    severity = model.severity_of(new)
    return await begin(
        tx, ring, kind="emergency", what=new.what, place=place, detail=detail, name=name, severity=severity
    ), True


async def begin(
    tx: Tx, ring: KeyRing, *, kind: str, what: str, place: str, detail: str, name: str, severity: model.Severity = "p1"
) -> UUID:
    """A new alert, whose first step is owed with it."""
    home, alert_id = await tx.home(), uuid4()
    sealed = model.seal(ring, home, alert_id, detail)
    row: Any = await tx.row(queries.add, alert_id, kind, what, place, sealed, name, severity)
    record(tx, facts.RAISED, op="INSERT", row=row)
    await tx.value(queries.owe_step, STEP, alert_id, 0, row["began_at"], ladder.of(kind, severity)[0].at_s)
    return alert_id


async def acknowledge(tx: Tx, alert_id: UUID, *, via: str, name: str = "") -> None:
    """I see to it: nobody else is called, and what has not left stays. Later ones are kept as answers; twice is once.
    Raises Refusal 404, or 409 for an alert that is over."""
    alert, me = await _claimed(tx, alert_id)
    await tx.run(queries.answer, alert_id, "acknowledged")
    if alert["state"] == "acknowledged" or alert["kind"] == "drill":
        return
    model.check_open(alert["state"])
    now = await tx.value(queries.machine_now)
    until = await tx.value(queries.owe_step, LAPSE, alert_id, 0, now, ladder.HELD_S)
    known = name or await tx.value(queries.my_name, alert_id) or name_of(tx, me)
    row: Any = await tx.row(queries.acknowledge, alert_id, known, via, until)
    record(tx, facts.ACKNOWLEDGED, op="UPDATE", row=row)
    if alert["kind"] == "dietary":
        # There is nothing to be on: the kitchen knows, and that was all.
        record(
            tx, facts.RESOLVED, op="UPDATE", row=await _done(tx, queries.end, alert_id, "resolved", f"{known} knows.")
        )
    await tx.value(queries.hush, alert_id)


async def answer(tx: Tx, event_id: UUID, *, is_fine: bool, via: str) -> bool:
    """By whoever was called by a text or voice. False where the event is about no alert, or it is over."""
    found = await tx.row(queries.of_event, event_id)
    # Held before it is judged: whoever resolves it meanwhile must not turn an answer into a refusal nobody reads.
    alert = None if found is None else await tx.row(queries.claim, found["id"])
    if alert is None or (alert["state"] not in model.OPEN and alert["kind"] != "drill"):
        return False
    if is_fine:
        await acknowledge(tx, alert["id"], via=via)
    else:
        await decline(tx, alert["id"])
    return True


async def decline(tx: Tx, alert_id: UUID) -> None:
    """I cannot: where nobody who was called still may, the next step does not wait. To a drill anybody may answer late.
    Raises Refusal 404 or 409."""
    alert, _ = await _claimed(tx, alert_id)
    if alert["kind"] != "drill":
        model.check_open(alert["state"])
    await tx.run(queries.answer, alert_id, "cannot")
    has_others = ladder.brings_others(ladder.of(alert["kind"], alert["severity"]), alert["step"])
    if alert["state"] == "triggered" and has_others and not await tx.value(queries.left_to_answer, alert_id):
        since_s = await since(tx, alert)
        await tx.value(queries.owe_step, STEP, alert_id, alert["step"], alert["began_at"], since_s)


async def keep(tx: Tx, alert_id: UUID) -> None:
    """I am on it: ten minutes more before it escalates again. Raises Refusal 404, or 409 where nobody is on it."""
    alert, _ = await _claimed(tx, alert_id)
    if alert["state"] != "acknowledged":
        model.check_open(alert["state"])
        raise Refusal(409, "not_acknowledged", "Nobody has acknowledged this alert yet. Acknowledge it first.")
    now = await tx.value(queries.machine_now)
    until = await tx.value(queries.owe_step, LAPSE, alert_id, 0, now, ladder.HELD_S)
    record(tx, facts.HELD, op="UPDATE", row=await _done(tx, queries.keep, alert_id, until))


async def resolve(tx: Tx, alert_id: UUID, outcome: str) -> None:
    """It is over. Raises Refusal 404, or 409 where it was already."""
    alert, _ = await _claimed(tx, alert_id)
    model.check_open(alert["state"])
    row = await _done(tx, queries.end, alert_id, "resolved", wording.paragraphs(outcome))
    record(tx, facts.RESOLVED, op="UPDATE", row=row)
    await tx.value(queries.hush, alert_id)


async def cancel(tx: Tx, alert_id: UUID, outcome: str) -> None:
    """A false alarm: whoever raised it says so, or the couple. Raises Refusal 403, 404 or 409."""
    alert, me = await _claimed(tx, alert_id)
    if me["role"] != "couple" and (alert["raised_by"] is None or alert["raised_by"] != me["id"]):
        raise Refusal(
            403, "forbidden", "Only whoever raised it, or the couple, calls it a false alarm. Resolve it instead."
        )
    model.check_open(alert["state"])
    row = await _done(tx, queries.end, alert_id, "cancelled", wording.paragraphs(outcome))
    record(tx, facts.CANCELLED, op="UPDATE", row=row)
    await tx.value(queries.hush, alert_id)


async def set_duty(tx: Tx, person_id: UUID, tier: int | None) -> None:
    """When somebody is called; null as is usual. Raises Refusal 403 for others than the couple, 404 for a stranger."""
    me = await _me(tx)
    if me["role"] != "couple":
        raise Refusal(403, "forbidden", "Only the couple says who is called. Write to them.")
    if person_id not in {row["person_id"] for row in await tx.rows(queries.people)}:
        raise not_found("person")
    if tier is None:
        row = await tx.row(queries.clear_duty, person_id)
        if row is not None:
            record(tx, facts.DUTY_CLEARED, op="DELETE", row=row)
        return
    row = await _done(tx, queries.set_duty, person_id, tier)
    record(tx, facts.DUTY_SET, op="INSERT" if row["old_record"] is None else "UPDATE", row=row)


async def since(tx: Tx, alert: Row) -> float:
    """Seconds of wedding time since it began: a step that is due then is due now."""
    seconds: float = await tx.value(queries.since, alert["began_at"])
    return seconds


def name_of(tx: Tx, me: Row) -> str:
    """How others know whoever acts here, with the business they act for."""
    name = me["member_name"] or tx.actor.name or tx.actor.email
    business = me["supplier_name"]
    return (f"{name} ({business})" if name and business else name or business or "")[:300]


async def repeat(tx: Tx, ring: KeyRing, known: Row, detail: str) -> None:
    """The same matter again is told within the first; nobody is called anew who is being called."""
    before = model.unseal(ring, known["wedding_id"], known["id"], known["sealed"])
    sealed = model.seal(ring, known["wedding_id"], known["id"], model.added(before, detail))
    record(tx, facts.REPEATED, op="UPDATE", row=await _done(tx, queries.repeat, known["id"], sealed))


async def _me(tx: Tx) -> Row:
    me = await tx.row(queries.me)
    if me is None or not me["mask"] & SCHEDULE:
        raise not_found("wedding")
    return me


def _check_may_raise(me: Row) -> None:
    if me["role"] == "couple" or (me["role"] in ("helper", "supplier") and me["is_the_day"]):
        return
    raise Refusal(
        403,
        "not_the_day",
        "Emergencies are raised by the couple, and around the wedding day by everybody who sees the schedule. Write to "
        "the couple instead.",
    )


async def _claimed(tx: Tx, alert_id: UUID) -> tuple[Row, Row]:
    """The alert as nobody changes it meanwhile, and who asks."""
    me = await _me(tx)
    alert = await tx.row(queries.claim, alert_id)
    if alert is None:
        raise not_found("alert")
    return alert, me


async def _done(tx: Tx, statement: str, *values: object) -> Row:
    row = await tx.row(statement, *values)
    if row is None:
        raise not_found("alert")
    return row
