"""What a failover came to: every answered write looked for, the time without an answer, and what was owed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from wedsync.processes.drills.ledger import Kept, Owed
from wedsync.processes.drills.report import Promise, Spread, rendered, spread
from wedsync.processes.drills.watching import Lost, Screen

ANSWERED_S: Final = 5.0
"""After the promotion a write is answered again within this time."""
SOCKETS_S: Final = 5.0


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One write. `answered_at` is null where nobody answered; moments are seconds of the machine's clock."""

    title: str
    asked_at: float
    tries: int
    answered_at: float | None = None
    is_told: bool = False
    """The answer itself was lost with the primary: a repeat was told that it had been carried out."""


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """When the primary was killed, and when the standby took changes."""

    killed_at: float
    promoted_at: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page tells."""

    weddings: int
    answered: int
    unanswered: int
    repeated: int
    told_later: int
    lost: int
    twice: int
    promoted_after_s: float
    answered_after_kill_s: float | None
    answered_after_promotion_s: float | None
    screens: int
    screens_missing: int
    screens_back_s: float | None
    writes: Spread
    owed: list[Owed]
    delivered: int
    to_deliver: int
    failed_once: int
    promises: list[Promise]

    @property
    def is_kept(self) -> bool:
        return all(one.is_kept for one in self.promises)


def told(
    *,
    weddings: int,
    writes: Sequence[Write],
    rows: Mapping[str, int],
    moments: Moments,
    screens: Sequence[Screen],
    lost: Sequence[Lost],
    kept: Kept,
    is_in_step: bool,
) -> Report:
    """The report, with its verdict."""
    answers = [(one, one.answered_at) for one in writes if one.answered_at is not None]
    answered = len(answers)
    gone = [one.title for one, _ in answers if not rows.get(one.title)]
    twice = sum(count > 1 for count in rows.values())
    first = min((at for _, at in answers if at >= moments.promoted_at), default=None)
    back = _back(screens, kept, moments)
    after_promotion = None if first is None else round(first - moments.promoted_at, 2)
    unanswered = len(writes) - answered
    return Report(
        weddings=weddings,
        answered=answered,
        unanswered=unanswered,
        repeated=sum(one.tries - 1 for one in writes),
        told_later=sum(one.is_told for one in writes),
        lost=len(gone),
        twice=twice,
        promoted_after_s=round(moments.promoted_at - moments.killed_at, 2),
        answered_after_kill_s=None if first is None else round(first - moments.killed_at, 2),
        answered_after_promotion_s=after_promotion,
        screens=len(screens),
        screens_missing=len(lost),
        screens_back_s=back,
        writes=spread((at - one.asked_at) * 1000 for one, at in answers),
        owed=kept.owed,
        delivered=kept.delivered,
        to_deliver=kept.total,
        failed_once=kept.failed_once,
        promises=[
            Promise("Nothing that was answered was lost", not gone, f"{len(gone)} of {answered}"),
            Promise("Nothing was done twice", not twice, f"{twice} were"),
            Promise("Everybody who asked was answered", not unanswered, f"{unanswered} were not"),
            Promise(
                f"Writes were answered again within {ANSWERED_S:.0f} s of the promotion",
                after_promotion is not None and after_promotion <= ANSWERED_S,
                _seconds(after_promotion),
            ),
            Promise(
                f"Every screen was told again within {SOCKETS_S:.0f} s of the promotion",
                back is not None and back <= SOCKETS_S,
                _seconds(back),
            ),
            Promise("Nothing that happened was missing on a screen", not lost, f"{len(lost)} missing"),
            Promise("What was owed arrived", kept.delivered == kept.total, f"{kept.delivered} of {kept.total}"),
            Promise("A new standby has everything again", is_in_step, "in step" if is_in_step else "not in step"),
        ],
    )


def _back(screens: Sequence[Screen], kept: Kept, moments: Moments) -> float | None:
    """Seconds from the promotion until the last screen was told something that happened after it."""
    found = []
    for screen in screens:
        fresh = [
            at_ns / 1e9
            for seq, at_ns in screen.seen.items()
            if (at := kept.recorded.get((screen.wedding.id, seq))) is not None and at.timestamp() > moments.promoted_at
        ]
        if not fresh:
            return None
        found.append(min(fresh) - moments.promoted_at)
    return round(max(found), 2) if found else None


def write(report: Report, folder: Path) -> tuple[Path, Path]:
    """`database-failover.json` and `database-failover.html`; returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    json, page = folder / "database-failover.json", folder / "database-failover.html"
    json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    page.write_text(rendered("failover.html", report=report), encoding="utf-8")
    return json, page


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"
