"""The spans of the queue: a delivery from its commit to its last try, each try below it, and each run of other work.

A delivery outlives processes, so its span is nobody's to hold: its number is taken from the delivery's id. Each try
names it as its parent, in whichever process, and whoever ends the delivery tells it. One that the database ends itself
(expired, let go) is told by nobody, and its tries stand below a span that never comes.
"""

from datetime import datetime

from wedsync.events.jobs import Ending, Job, Payload
from wedsync.kit import traces
from wedsync.kit.traces import UNTRACED, Span, Untraced, Value

ENDS = frozenset({"delivered", "dead", "cancelled", "expired"})


def trying(payload: Payload) -> Span | None:
    """One try of a delivery; None where what owes it was not traced."""
    job, tracer = payload.job, traces.tracer()
    if tracer is None or job.traceparent is None:
        return None
    owed = tracer.go_on("", "producer", job.traceparent, id=_number(job))
    if owed is None:
        return None
    span = owed.child(f"attempt {job.name}", "client")
    span.say(_said(job) | {"wedsync.event.type": payload.type})
    return span


def tried(span: Span | None, payload: Payload, ending: Ending) -> None:
    """It has ended so; and with it the delivery, where it was the last."""
    tracer, job = traces.tracer(), payload.job
    if span is None or tracer is None:
        return
    span.say(
        {
            "wedsync.outcome": ending.outcome,
            "wedsync.state": ending.state,
            "http.response.status_code": ending.status,
            "wedsync.retry_in_s": ending.delay_s if ending.state == "deferred" else None,
        }
    )
    if ending.outcome != "delivered":
        span.fail(ending.outcome)
    span.end()
    if ending.state not in ENDS:
        return
    whole = tracer.go_on(f"delivery {job.name}", "producer", job.traceparent, id=_number(job))
    if whole is not None:
        whole.began_ns = min(_ns(job.made_at), span.began_ns)
        whole.say(_said(job) | {"wedsync.event.type": payload.type, "wedsync.state": ending.state})
        if ending.state != "delivered":
            whole.fail(ending.state)
        whole.end()


def working(job: Job) -> Span | Untraced:
    """One run of a reaction or of other work. What nobody's request owed, such as a poll by the clock, is sampled."""
    tracer = traces.tracer()
    if tracer is None:
        return UNTRACED
    name = f"{job.kind} {job.name}"
    span = tracer.go_on(name, "consumer", job.traceparent)
    if span is None and job.kind == "work" and job.event_id is None:
        span = tracer.begin(name, "consumer")
    if span is not None:
        span.say(_said(job))
    return traces.entered(span)


def swept(name: str, took_s: float, *, jobs: int) -> None:
    """What one sweep did of a merged reaction: it ends what many requests owed, so it is sampled by itself."""
    tracer = traces.tracer()
    span = None if tracer is None else tracer.begin(f"sweep {name}", "consumer")
    if span is not None:
        span.began_ns -= int(took_s * 1e9)
        span.say({"wedsync.job.name": name, "wedsync.jobs": jobs})
        span.end()


def _said(job: Job) -> dict[str, Value | None]:
    return {
        "wedsync.job.id": str(job.id),
        "wedsync.job.kind": job.kind,
        "wedsync.job.name": job.name,
        "wedsync.lane": job.lane,
        "wedsync.attempt": job.attempt,
    }


def _number(job: Job) -> int:
    return int.from_bytes(job.id.bytes[8:])


def _ns(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
