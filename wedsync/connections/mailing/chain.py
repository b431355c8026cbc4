"""One mail through the chain of providers: who is asked, for how long, and what a silence means.

A refusal that is about us or the moment goes on to the next at once. After a silence nobody knows: who keeps a key of
each mail is asked again with it, for that cannot make a second mail; then the next is asked, and the mail that it takes
may be the second. With nobody to stand in, a provider has all the time that its manifest gives it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog

from wedsync.connections import host
from wedsync.connections.contract import (
    DETAIL_MAX_CHARACTERS,
    Connection,
    Delivered,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Unknown,
    settled,
    word,
)
from wedsync.connections.mailing import health
from wedsync.connections.mailing.contract import Mails
from wedsync.connections.mailing.kept import Memory
from wedsync.connections.manifest import Manifest, operators
from wedsync.consents import sealed
from wedsync.events.jobs import is_passing
from wedsync.kit import clock
from wedsync.kit.seal import KeyRing, SealError

log = structlog.get_logger("mail")
NAME: Final = "mail"
"""The connector that mail is owed to."""
REFUSED: Final = {
    "bounced": "This address takes no mail: a mail to it came back for good.",
    "complained": "This address takes no mail: a mail to it was reported as unwanted.",
    "opted_out": "This address takes no mail: a provider said so, and its owner had asked for no invitations.",
}
PROBE_S: Final = 2.0


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. `try_s` for each provider that has one behind it; `again_s` for asking the same one again after a
    silence; `next_s` for the one after that, where it has one behind it: two that are away cost less than five together
    with the last one's own time.
    """

    try_s: float = 2.0
    again_s: float = 1.0
    next_s: float = 1.5
    pause_s: float = 0.25


class _Try(msgspec.Struct, frozen=True):
    name: str
    outcome: Outcome


class Chain:
    """The providers of one process, first to last."""

    def __init__(
        self, connectors: host.Host, names: Sequence[str], memory: Memory, *, ring: KeyRing, times: Times | None = None
    ) -> None:
        self._host = connectors
        self._names = tuple(names)
        self._memory = memory
        self._ring = ring
        self._times = times or Times()

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    async def send(self, job: host.Job) -> Outcome:
        """One try of one delivery, at however many providers. `job.connector` is the chain's own name."""
        if not self._names:
            return ReconnectNeeded(reason="Nobody is set up to send mail. Set WEDSYNC_SMTP_URL or a provider's key.")
        barred = await self._barred(job)
        if barred is not None:
            return barred
        names = self._names
        if len(names) > 1:
            now = clock.machine_now().timestamp()
            names = tuple(health.order(names, await self._memory.healths(), now=now))
        tries: list[_Try] = []
        for name in names:
            is_last = name == names[-1]
            if tries and await _is_settled(job):
                return _with_way(settled(tries[-1].outcome.attempt), tries)
            timeout_s = None if is_last else self._times.next_s if _is_any_silent(tries) else self._times.try_s
            tries.append(_Try(name, await self._ask(job, name, timeout_s=timeout_s)))
            if isinstance(tries[-1].outcome, Unknown) and not is_last:
                tries += await self._ask_again(job, tries[-1])
            if isinstance(tries[-1].outcome, Delivered | Rejected):
                break
        return await self._told(job, tries)

    async def probe(self) -> None:
        """Ask every provider whether it is well, side by side."""
        await asyncio.gather(*(self._probe(name) for name in self._names))

    async def _probe(self, name: str) -> None:
        nobody = Connection(id=host.NOBODY)
        outcome: Any = await self._host.call(
            name, Mails, lambda provider: provider.probe(timeout_s=PROBE_S), nobody, timeout_s=PROBE_S
        )
        await self._memory.note(name, health.sign(outcome))

    async def _barred(self, job: host.Job) -> Outcome | None:
        """Why it goes to nobody at all."""
        try:
            message = self._host.message(job)
            to = message.get("to") if message is not None else None
            refused = await self._memory.refused(sealed.indexes(self._ring, to)) if isinstance(to, str) else None
        except SealError as error:
            return ReconnectNeeded(reason=f"A stored secret cannot be opened: {error}")
        except Exception as error:
            if not is_passing(error):
                raise
            return RetryLater(reason="Whether the address takes mail could not be looked up now.", is_ours=True)
        return None if refused is None else Rejected(reason=REFUSED[refused])

    async def _ask(self, job: host.Job, name: str, *, timeout_s: float | None) -> Outcome:
        outcome = await self._host.send(msgspec.structs.replace(job, connector=name), timeout_s=timeout_s)
        await self._memory.note(name, health.sign(outcome), delivery=job.delivery_id, is_live=job.is_live)
        return outcome

    async def _ask_again(self, job: host.Job, silent: _Try) -> list[_Try]:
        """The same provider once more within its time, where that makes no second mail; it may still be at it."""
        ends = clock.monotonic() + self._times.again_s
        tries: list[_Try] = []
        outcome = silent.outcome
        while isinstance(outcome, Unknown) and outcome.repeat_is_safe:
            left_s = ends - clock.monotonic()
            if left_s <= 0.0 or await _is_settled(job):
                break
            outcome = await self._ask(job, silent.name, timeout_s=left_s)
            tries.append(_Try(silent.name, outcome))
            if isinstance(outcome, Unknown):
                await asyncio.sleep(max(0.0, min(self._times.pause_s, ends - clock.monotonic())))
        return tries

    async def _told(self, job: host.Job, tries: Sequence[_Try]) -> Outcome:
        """The last provider's word, with the way there in the log; what is unsure stays so until somebody has it."""
        last = tries[-1]
        others = [one for one in tries if one.name != last.name]
        unsure = [one.outcome for one in others if isinstance(one.outcome, Unknown)]
        if isinstance(last.outcome, Delivered) and others:
            log.info(
                "mail_failed_over",
                delivery_id=str(job.delivery_id),
                provider=last.name,
                away=sorted({one.name for one in others}),
                possible_duplicate=bool(unsure),
            )
            await self._memory.note_failover(job.delivery_id, job.tenant, last.name, is_possible_duplicate=bool(unsure))
        outcome = last.outcome
        if unsure and isinstance(outcome, RetryLater | ReconnectNeeded):
            is_safe = all(one.repeat_is_safe for one in unsure)
            outcome = Unknown(reason=outcome.reason, repeat_is_safe=is_safe, attempt=outcome.attempt)
        elif isinstance(outcome, RetryLater) and others:
            outcome = msgspec.structs.replace(outcome, after_s=_soonest_s(tries))
        return _with_way(outcome, tries) if len(tries) > 1 or len(self._names) > 1 else outcome


def _is_any_silent(tries: Sequence[_Try]) -> bool:
    return any(isinstance(one.outcome, Unknown) for one in tries)


async def _is_settled(job: host.Job) -> bool:
    """Whether nobody wants it any more, since its first try began."""
    return job.may_leave is not None and not await job.may_leave()


def chain_of(settings: Any, found: Mapping[str, Manifest]) -> tuple[str, ...]:
    """Whom the operator named and set up, in that order. Raises ValueError for a name that sends no mail.

    With nobody set up it is the last one named, which says what is missing.
    """
    named = [one.strip() for one in str(settings.mail_chain).split(",") if one.strip()]
    for name in named:
        if name not in found or found[name].mails is None:
            known = ", ".join(sorted(one for one, manifest in found.items() if manifest.mails is not None))
            raise ValueError(f"WEDSYNC_MAIL_CHAIN names {name!r}, who sends no mail. Known: {known}.")
    is_set = [name for name in named if (note := found[name].mails) is not None and operators(settings, note.needs)]
    return tuple(dict.fromkeys(is_set)) or tuple(named[-1:])


def _soonest_s(tries: Sequence[_Try]) -> float | None:
    """Who comes back first; None where one of them named no time."""
    asked = [one.outcome.after_s if isinstance(one.outcome, RetryLater) else None for one in tries]
    times = [after_s for after_s in asked if after_s is not None]
    return min(times) if len(times) == len(asked) else None


def _with_way(outcome: Outcome, tries: Sequence[_Try]) -> Outcome:
    """The log says who was asked and what each said."""
    steps = [f"{one.name}: {_short(one.outcome)}" for one in tries]
    unsure = any(isinstance(one.outcome, Unknown) and one.name != tries[-1].name for one in tries)
    if unsure and isinstance(outcome, Delivered):
        steps.append("possible_duplicate")
    detail = "; ".join(steps)[:DETAIL_MAX_CHARACTERS]
    attempt = msgspec.structs.replace(outcome.attempt, detail=detail)
    return msgspec.structs.replace(outcome, attempt=attempt)


def _short(outcome: Outcome) -> str:
    return word(outcome) if isinstance(outcome, Delivered) else outcome.reason
