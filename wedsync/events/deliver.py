"""Turns what a delivery job needs into one try: hand it to its connector's sender, judge the outcome, say how it ended.

Senders are given by `processes`, one per connector, so nothing here knows a provider. A sender that raises is a bug of
ours: it is logged with its traceback and costs its delivery a try, never another tenant's.
"""

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from wedsync.events import breakers, tracing
from wedsync.events.jobs import Ending, Job, Payload
from wedsync.events.retry import Exchange, Outcome, Verdict, decide
from wedsync.kit import clock, failpoints, traces

log = structlog.get_logger("deliver")

Sender = Callable[[Payload], Awaitable[Outcome]]

SHARED_DESTINATIONS = frozenset(
    {
        UUID("00000000-0000-7000-8000-000000000001"),
        UUID("00000000-0000-7000-8000-000000000009"),
        UUID("00000000-0000-7000-8000-00000000000b"),
        UUID("00000000-0000-7000-8000-00000000000c"),
    }
)
"""For all mail of the platform, all its texts and calls, and each of them in an emergency; nobody's to reconnect."""
DETAIL_MAX_CHARACTERS = 2_000
HEAD_MAX_CHARACTERS = 8_192
HEADERS_MAX = 24
HEADER_MAX_CHARACTERS = 128
INTERNAL = "Something went wrong on our side. It is tried again."
STOPPED = Outcome(word="unknown", reason="The worker was stopped while it waited for the answer.")


async def attempt(payload: Payload, senders: Mapping[str, Sender], rng: random.Random) -> Ending:
    """One try. Never raises for what a provider does, nor for what a sender gets wrong."""
    job = payload.job
    began, started_at = clock.monotonic(), clock.machine_now()
    sender, span = senders.get(job.name), tracing.trying(payload)
    if sender is None:
        outcome = Outcome(word="retry_later", reason=f"This installation has nothing that sends by {job.name!r}.")
    else:
        with traces.entered(span):
            outcome = await _send(sender, payload)
    if job.destination_id in SHARED_DESTINATIONS:
        outcome = _passing(outcome)
    took_ms = round((clock.monotonic() - began) * 1000, 3)
    verdict = decide(outcome, attempt=job.attempt, rng=rng)
    if verdict.close:
        log.warning("destination_parked", destination_id=str(job.destination_id), connector=job.name)
    told = ending(job, outcome, verdict, started_at=started_at, took_ms=took_ms)
    tracing.tried(span, payload, told)
    return breakers.hopeful(told) if payload.is_test else told


def ending(job: Job, outcome: Outcome, verdict: Verdict, *, started_at: datetime, took_ms: float) -> Ending:
    """What the ledger is told."""
    exchange = outcome.exchange
    return Ending(
        job=job.id,
        lease=job.lease_token,
        kind=job.kind,
        made_at=job.made_at,
        tenant=job.tenant_id,
        destination=job.destination_id,
        number=job.attempt,
        state=verdict.state,
        reason=_kept(verdict.reason, DETAIL_MAX_CHARACTERS),
        delay_s=verdict.delay_s,
        expires_at=job.expires_at,
        close=verdict.close and _kept(verdict.close, DETAIL_MAX_CHARACTERS),
        rest_s=verdict.rest_s,
        is_overrun=job.kind == "delivery" and exchange.status in breakers.OVERRUN,
        result=breakers.sign(outcome),
        is_reached=breakers.is_reached(outcome),
        outcome=outcome.word,
        status=exchange.status,
        detail=_kept(exchange.detail or outcome.reason, DETAIL_MAX_CHARACTERS),
        response_head=_kept(exchange.response_head, HEAD_MAX_CHARACTERS),
        address=exchange.address,
        resolve_ms=exchange.resolve_ms,
        first_byte_ms=exchange.first_byte_ms,
        total_ms=took_ms if exchange.total_ms is None else exchange.total_ms,
        started_at=started_at,
        is_well=breakers.is_well(outcome),
        request_headers=_capped(exchange.request_headers),
    )


def _capped(headers: Mapping[str, str]) -> dict[str, str]:
    """The first of them, each cut: a tenant's own headers may be long."""
    some = list(headers.items())[:HEADERS_MAX]
    return {_kept(name, HEADER_MAX_CHARACTERS): _kept(value, HEADER_MAX_CHARACTERS) for name, value in some}


def _passing(outcome: Outcome) -> Outcome:
    """What every tenant shares is mended by the operator: until then it is tried again, never closed, never parked."""
    word = "retry_later" if outcome.word == "reconnect_needed" else outcome.word
    return msgspec.structs.replace(outcome, word=word, disable=False, tries_max=None)


async def _send(sender: Sender, payload: Payload) -> Outcome:
    try:
        failpoints.hit("before_send")
        outcome = await sender(payload)
        failpoints.hit("after_send")
    except Exception:
        log.exception("sender_failed", connector=payload.job.name, delivery_id=str(payload.job.id))
        return Outcome(word="unknown", reason=INTERNAL, exchange=Exchange(detail=INTERNAL))
    return outcome


def _kept(text: str, characters: int) -> str:
    """PostgreSQL keeps no NUL in text; a receiver's reply may hold one."""
    return text[:characters].replace("\0", "\ufffd")
