"""What a drill came to: figures, promises kept or broken, a JSON file for programs and a page for people."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from wedsync.processes.drills.acting import Deeds
from wedsync.processes.drills.ledger import LANES, Failed, Kept, Owed
from wedsync.processes.drills.plan import ZONE, Plan
from wedsync.processes.drills.watching import Lost, Probe, Screen

MISSING_MAX: Final = 100
RESTART_S: Final = 10.0
"""So long after a kill the figures count as those of a restart."""
SCREEN_MS: Final = 50.0
DELIVERED_LEAST: Final = 0.999
CHART: Final = (720, 160)


class Spread(msgspec.Struct, frozen=True):
    """Milliseconds: of how many, and the percentiles; nearest rank."""

    count: int
    p50: float
    p95: float
    p99: float
    worst: float


class Promise(msgspec.Struct, frozen=True):
    """One line of the verdict. `decides` is false for times: they are of this machine."""

    words: str
    is_kept: bool
    told: str
    decides: bool = True
    is_shown: bool = True
    """False where nothing happened by which it could have been broken."""

    @property
    def verdict(self) -> str:
        return "not kept" if not self.is_kept else "kept" if self.is_shown else "not shown"


class Failure(msgspec.Struct, frozen=True):
    """What failed on schedule, in words."""

    at: str
    words: str


class InTime(msgspec.Struct, frozen=True, kw_only=True):
    """What was promised of a lane, and how it was: so many deliveries, so many of them late or never there."""

    lane: str
    within_s: float
    count: int
    late: int
    took: Spread

    @property
    def is_kept(self) -> bool:
        return self.late <= (1 - DELIVERED_LEAST) * self.count


class Chart(msgspec.Struct, frozen=True):
    """The line of an SVG, and how high its limit is."""

    width: int
    height: int
    points: str
    limit_y: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page tells."""

    on: str
    weddings: int
    speed: float
    begin: str
    end: str
    took_s: float
    failures: list[Failure]
    acts: dict[str, int]
    answers: Spread
    repeated: int
    refused: dict[str, int]
    unanswered: int
    facts: int
    screens: int
    frames: int
    lost: int
    missing: list[Lost]
    """The first of them."""
    repeats: int
    reopened: int
    screen: Spread
    calm: Spread
    committed: Spread
    """The same from the commit: without what its transaction still did once it had recorded."""
    own: Spread
    """How late the drill itself was, which is in the times of its screens."""
    late: dict[str, int]
    """What came later than it should outside of restarts: types of events, and how many frames of each."""
    lanes: dict[str, Spread]
    """Until the first try."""
    in_time: list[InTime]
    failed: list[Failed]
    owed: list[Owed]
    failed_once: int
    recovered: int
    probes: list[Probe]
    alerts: dict[str, float]
    by_minute: list[tuple[str, float]]
    promises: list[Promise]

    @property
    def is_kept(self) -> bool:
        return all(one.is_kept for one in self.promises if one.decides)


def spread(values: Iterable[float]) -> Spread:
    """All zero for none at all."""
    ordered = sorted(values)
    if not ordered:
        return Spread(0, 0.0, 0.0, 0.0, 0.0)
    ranks = [ordered[max(0, math.ceil(share * len(ordered)) - 1)] for share in (0.5, 0.95, 0.99, 1.0)]
    return Spread(len(ordered), *(round(one, 2) for one in ranks))


def told(
    plan: Plan,
    *,
    began_at: datetime,
    took_s: float,
    deeds: Deeds,
    screens: Sequence[Screen],
    lost: Sequence[Lost],
    kept: Kept,
    probes: Sequence[Probe],
    own_ms: Sequence[float] = (),
) -> Report:
    """The report of a drill whose clock began at this machine time."""
    times = _times(screens, kept.recorded)
    restarts = [began_at + timedelta(seconds=plan.seconds(one.at)) for one in plan.troubles if one.is_part]
    calm = [ms for at, ms in times if not _is_restart(at, restarts)]
    committed = [ms for at, ms in _times(screens, kept.committed) if not _is_restart(at, restarts)]
    screen, quiet = spread(ms for _, ms in times), spread(calm)
    return Report(
        on=plan.on.isoformat(),
        weddings=plan.weddings,
        speed=plan.speed,
        begin=_clock(plan.begin),
        end=_clock(plan.end),
        took_s=round(took_s, 1),
        failures=_failures(plan),
        acts=dict(sorted(deeds.done.items(), key=lambda one: -one[1])),
        answers=spread(deeds.took_ms),
        repeated=deeds.repeated,
        refused=deeds.refused,
        unanswered=deeds.unanswered,
        facts=len(kept.recorded),
        screens=len(screens),
        frames=sum(len(one.seen) for one in screens),
        lost=len(lost),
        missing=list(lost[:MISSING_MAX]),
        repeats=sum(one.repeats for one in screens),
        reopened=sum(one.openings - 1 for one in screens),
        screen=screen,
        calm=quiet,
        committed=spread(committed),
        own=spread(own_ms),
        late=_late(screens, kept, restarts),
        lanes={lane: spread(values) for lane, values in kept.first_ms.items()},
        in_time=(in_time := _in_time(kept)),
        failed=kept.failed,
        owed=kept.owed,
        failed_once=kept.failed_once,
        recovered=kept.recovered,
        probes=list(probes),
        alerts=kept.alerts,
        by_minute=_by_minute(plan, began_at, times),
        promises=_promises(deeds, lost, kept, probes, screen, quiet, in_time),
    )


def write(report: Report, folder: Path) -> tuple[Path, Path]:
    """`saturday.json` and `saturday.html`; returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    json, page = folder / "saturday.json", folder / "saturday.html"
    json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    day = f"{(on := date.fromisoformat(report.on)):%A}, {on.day} {on:%B %Y}"
    told = rendered("saturday.html", report=report, day=day, chart=_chart(report.by_minute))
    page.write_text(told, encoding="utf-8")
    return json, page


def rendered(name: str, **values: Any) -> str:
    """A page of this folder's templates, in one file."""
    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return env.get_template(name).render(**values)


def _times(screens: Sequence[Screen], since: Mapping[tuple[UUID, int], datetime]) -> list[tuple[datetime, float]]:
    """From then on to each screen that showed it: since when, and how long in milliseconds."""
    found = []
    for screen in screens:
        for seq, at_ns in screen.seen.items():
            at = since.get((screen.wedding.id, seq))
            if at is not None:
                found.append((at, at_ns / 1e6 - at.timestamp() * 1000))
    return found


def _is_restart(at: datetime, restarts: Sequence[datetime]) -> bool:
    return any(timedelta() <= at - kill <= timedelta(seconds=RESTART_S) for kill in restarts)


def _late(screens: Sequence[Screen], kept: Kept, restarts: Sequence[datetime]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for screen in screens:
        for seq, at_ns in screen.seen.items():
            at = kept.recorded.get((screen.wedding.id, seq))
            if at is not None and at_ns / 1e6 - at.timestamp() * 1000 > SCREEN_MS and not _is_restart(at, restarts):
                found[kept.types[screen.wedding.id, seq]] += 1
    return dict(found.most_common())


def _by_minute(plan: Plan, began_at: datetime, times: Sequence[tuple[datetime, float]]) -> list[tuple[str, float]]:
    """The 95th percentile in each ten minutes of the day."""
    found: dict[int, list[float]] = {}
    for at, ms in times:
        minute = plan.begin + (at - began_at).total_seconds() * plan.speed / 60
        found.setdefault(int(minute // 10) * 10, []).append(ms)
    return [(_clock(minute), spread(values).p95) for minute, values in sorted(found.items())]


def _chart(points: Sequence[tuple[str, float]]) -> Chart:
    """As tall as the worst of it."""
    width, height = CHART
    top = max([SCREEN_MS, *(ms for _, ms in points)])
    step = width / max(1, len(points) - 1)
    line = " ".join(f"{number * step:.1f},{height - ms / top * height:.1f}" for number, (_, ms) in enumerate(points))
    return Chart(width, height, line, round(height - SCREEN_MS / top * height, 1))


def _failures(plan: Plan) -> list[Failure]:
    return [
        Failure(
            _clock(one.at),
            f"{one.what} was killed" if one.is_part else f"{one.what} failed for {one.lasts} minutes",
        )
        for one in plan.troubles
    ]


def _promises(
    deeds: Deeds,
    lost: Sequence[Lost],
    kept: Kept,
    probes: Sequence[Probe],
    screen: Spread,
    calm: Spread,
    in_time: Sequence[InTime],
) -> list[Promise]:
    share = kept.delivered / kept.total if kept.total else 1.0
    failed = sum(probe.failed for probe in probes)
    asked = sum(probe.asked for probe in probes)
    return [
        Promise("Nothing that happened was missing on a screen", not lost, f"{len(lost)} missing"),
        Promise("Everybody who asked was answered", not deeds.unanswered, f"{deeds.unanswered} were not"),
        Promise("Pages, API and sockets answered every second", not failed, f"{asked - failed} of {asked}"),
        Promise("What was owed arrived", share >= DELIVERED_LEAST, f"{kept.delivered} of {kept.total}"),
        Promise(
            "What failed at first was delivered after all",
            kept.recovered == kept.failed_once,
            f"{kept.recovered} of {kept.failed_once}, after {sum(one.tries for one in kept.failed)} tries that failed"
            if kept.failed_once
            else "no try failed, so this shows nothing",
            is_shown=kept.failed_once > 0,
        ),
        *(
            Promise(
                f"Deliveries that are {one.lane} were there within {one.within_s:.0f} s, 999 of 1,000",
                one.is_kept,
                f"{one.count - one.late} of {one.count}; 99 of 100 within {one.took.p99 / 1000:.2f} s",
                False,
            )
            for one in in_time
        ),
        Promise(f"On screens within {SCREEN_MS:.0f} ms, 95 of 100", screen.p95 < SCREEN_MS, f"{screen.p95} ms", False),
        Promise(
            f"On screens within {SCREEN_MS:.0f} ms, 99 of 100, outside restarts",
            calm.p99 < SCREEN_MS,
            f"{calm.p99} ms",
            False,
        ),
    ]


def _in_time(kept: Kept) -> list[InTime]:
    """The most urgent first."""
    return [
        InTime(
            lane=lane,
            within_s=kept.taken[lane].within_s,
            count=len(took := kept.taken[lane].took_ms),
            late=sum(ms is None or ms > kept.taken[lane].within_s * 1000 for ms in took),
            took=spread(ms for ms in took if ms is not None),
        )
        for lane in LANES
        if lane in kept.taken
    ]


def _clock(minute: float) -> str:
    return f"{int(minute) // 60:02d}:{int(minute) % 60:02d}"


def local(plan: Plan, seconds: float) -> str:
    """What the clock on the wall says so many machine seconds after the beginning."""
    moment = plan.moment(plan.begin + seconds * plan.speed / 60)
    return f"{moment.astimezone(ZoneInfo(ZONE)):%H:%M}"


def lines(report: Report) -> Mapping[str, Any]:
    """The short of it, for the terminal."""
    return {one.words: f"{_loud(one.verdict)} ({one.told})" for one in report.promises}


def _loud(verdict: str) -> str:
    return verdict if verdict == "kept" else verdict.upper()
