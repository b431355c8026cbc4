"""The operator's pages in the gallery: an evening on which one provider of mail is down, and a quiet one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from tests.browser.people import LIVE, NOW, Scene, ago
from wedsync.connections import manifest as manifests
from wedsync.kit import sketch
from wedsync.kit.config import load
from wedsync.kit.modes import WORDS
from wedsync.operations import drawing
from wedsync.operations.freeze.model import Verdict
from wedsync.operations.health import fallbacks, judging, model, reading
from wedsync.operations.modes.model import PlatformMode, Shedding
from wedsync.operations.modes.pages import NAMES
from wedsync.operations.pages import alerts
from wedsync.operations.preflight import judging as preflight_judging
from wedsync.operations.preflight import model as preflight
from wedsync.operations.preflight import pages as preflight_pages
from wedsync.operations.preflight.actions import Kept
from wedsync.operations.shell import Head, mode_of, sections
from wedsync.operations.slo import actions, backtest, played, rules, scores, season
from wedsync.operations.slo import model as promise
from wedsync.operations.slo import reading as slo
from wedsync.operations.wedding_day.reading import MailBackup, SafeAccounts, Today
from wedsync.web.shell import Person, Shell

KINDS: tuple[Literal["web", "worker", "gateway"], ...] = ("web", "web", "worker", "gateway")


def scenes() -> Iterator[Scene]:
    yield Scene("ops-health", "operations/health.html", shell("health", 2), health_values(trouble=True))
    yield Scene("ops-health-quiet", "operations/health.html", shell("health", 0), health_values(trouble=False))
    yield Scene("ops-days", "operations/days.html", shell("days", 0), {"found": days()})
    yield Scene("ops-alerts", "operations/alerts.html", shell("alerts", 1), alert_values())
    yield Scene("ops-modes", "operations/modes.html", shell("modes", 0), mode_values())
    quiet = alerts.values([], dict(rules.BY_NAME), [], []) | {"refused": ""}
    yield Scene("ops-alerts-quiet", "operations/alerts.html", shell("alerts", 0), quiet)

    yield Scene("ops-preflight", "operations/preflight.html", shell("preflight", 1), preflight_values(trouble=True))
    yield Scene(
        "ops-preflight-ready", "operations/preflight.html", shell("preflight", 0), preflight_values(trouble=False)
    )


def preflight_values(*, trouble: bool) -> dict[str, Any]:
    """A Friday on which a token ended and the certificate does too, and one on which nothing is to be done."""
    server = preflight.Server(refuses_ddl=True, archives=True, archived_at=NOW)
    account = preflight.Account(connector="tave", accounts=14, weddings=9, broken=2 if trouble else 0)
    facts = preflight.Facts(
        now=NOW,
        machine_now=NOW,
        weddings=23,
        server=server,
        accounts=[account],
        processes=preflight_judging.NEEDED,
        clock_leads=True,
        operators=1 if trouble else 3,
        unacknowledged=4 if trouble else 0,
        max=100,
        used=31,
        fullest=21,
        fullest_so_far=19,
        examined_at=NOW,
        standbys=[preflight.Standby("second", 0.2)],
    )
    machine = preflight.Machine(
        has_certificate=True,
        certificate_ends_at=NOW + timedelta(days=3 if trouble else 60),
        backup_at=ago(hours=5),
        has_archive=True,
        drilled_at=ago(days=4),
        disk_free=0.6,
    )
    free = Verdict(is_frozen=False, reason="", reasons=(), at=NOW)
    report = preflight_judging.judge(facts, machine, free)
    kept = Kept(
        id=UUID(int=4), weekend=report.weekend, at=ago(hours=6), is_ready=report.is_ready, told_at=NOW, report=report
    )
    return preflight_pages.values(report, [kept] if trouble else [])


def mode_values() -> dict[str, Any]:
    """One in force, and one of last week."""
    said: dict[str, Any] = {"entered_by_name": "Otto Brandt", "left_by_name": "", "left_at": None}
    now = PlatformMode(
        id=UUID(int=1),
        kind="read_only",
        reason="The disk of the primary fails; the standby takes over.",
        entered_at=ago(minutes=4),
        expires_at=NOW + timedelta(minutes=26),
        is_in_force=True,
        weddings_told=21,
        **said,
    )
    before = PlatformMode(
        id=UUID(int=2),
        kind="late",
        reason="Resend takes mail slowly since six.",
        entered_at=ago(days=6),
        expires_at=ago(days=6) + timedelta(hours=2),
        is_in_force=False,
        weddings_told=3,
        **said,
    )
    given = {"kind": "read_only", "reason": "", "minutes": "30"}
    late = [
        Shedding(process_id=UUID(int=0xA1), level=1, since=ago(minutes=3), total=418),
        Shedding(process_id=UUID(int=0xB2), level=2, since=ago(minutes=1), total=37),
    ]
    known = {"names": NAMES, "words": WORDS, "given": given, "errors": {}}
    return {"recent": [now, before], "shedding": late, **known}


def days() -> Today:
    until = NOW + timedelta(hours=7)
    safe = [
        SafeAccounts(connector="google_calendar", accounts=38, failing=0, until=until),
        SafeAccounts(connector="tave", accounts=11, failing=2, until=until - timedelta(hours=1)),
        SafeAccounts(connector="mailchimp", accounts=4, failing=0, until=until),
    ]
    heard = NOW - timedelta(seconds=20)
    ill = {"is_down": True, "reason": "Resend answered 503 (service_unavailable).", "is_warm": False}
    mail = [
        MailBackup(name="resend", position=1, heard_at=heard, **ill),
        MailBackup(name="sendgrid", position=2, is_down=False, reason="", heard_at=heard, is_warm=True),
        MailBackup(name="smtp", position=3, is_down=False, reason="", heard_at=None, is_warm=False),
    ]
    return Today(live=12, due=31, next_at=NOW + timedelta(minutes=40), safe=safe, mail=mail)


def shell(here: str, waiting: int) -> Shell:
    return Shell(
        face="operator",
        base="/ops",
        here=here,
        path=f"/ops/{here}",
        nonce="gallery",
        person=Person(name="Otto Brandt", email="otto@example.org"),
        heading="Operating WedSync",
        sections=sections(waiting=waiting),
        live=LIVE,
        mode=mode_of(
            Head(waiting=waiting, live=3, urgent=1, weekend=12, to_mend=2)
            if waiting
            else Head(next_at=NOW + timedelta(hours=5), weekend=12),
            NOW,
        ),
        now=NOW,
    )


def minutes(kind: Any, name: str, ms: float, *, many: float = 40, fails: float = 0.0) -> list[model.Minute]:
    """An hour of a series whose last quarter fails."""
    found = []
    for ago_min in range(59, -1, -1):
        total = int(many * (1 + 0.4 * math.sin(ago_min / 7)))
        bad = int(total * fails) if ago_min < 15 else 0
        counts = sketch.of([ms * (0.6 + place / 20) for place in range(20)])
        at = NOW.replace(second=0) - timedelta(minutes=ago_min)
        found.append(
            model.Minute(kind=kind, name=name, at=at, good=total - bad, bad=bad, sketch=sketch.written(counts))
        )
    return found


def facts(*, trouble: bool) -> model.Facts:
    series = [
        *minutes("edge", "web", 22, many=300),
        *minutes("edge", "screens", 4, many=900),
        *minutes("lane", "critical", 180, many=12),
        *minutes("lane", "high", 420, many=60),
        *minutes("channel", "mail", 260, many=20, fails=0.4 if trouble else 0),
        *minutes("channel", "webhook", 95, many=70),
        *minutes("channel", "twilio", 700 if trouble else 310, many=4),
        *minutes("probe", "database", 0.8, many=2),
        *minutes("probe", "valkey", 0.5, many=2),
    ]
    for place in range(60):
        level = 0.35 + (0.009 * place if trouble else 0.02 * math.sin(place))
        at = NOW.replace(second=0) - timedelta(minutes=59 - place)
        series.append(model.Minute(kind="gauge", name="database connections", at=at, gauge=level))
    if trouble:
        # For seven minutes there was no room for figures.
        unkept = {NOW.replace(second=0) - timedelta(minutes=ago_min) for ago_min in range(28, 35)}
        series = [one for one in series if one.at not in unkept]
    process: dict[str, Any] = {"pool_max": 10, "pool_in_use": 3, "pool_waiting": 0, "lag_ms": 2.0}
    return model.Facts(
        now=NOW,
        machine_now=NOW,
        live=3 if trouble else 0,
        due=21,
        zones={"Europe/London": 40, "Australia/Sydney": 3},
        clock_leads=True,
        counted_to=NOW,
        lanes=[model.Lane(name=name, oldest_s=0.2) for name in model.LANES],
        destinations=[
            model.Destinations(connector="webhook", destinations=214, open=2, half_open=1, parked=4, openings=5),
            model.Destinations(connector="mail", destinations=1, open=0, half_open=0, parked=0),
        ],
        accounts=[model.Accounts(connector="google_calendar", connected=120, degraded=1, broken=2)],
        mail=[
            model.MailProvider(
                name="resend", position=0, is_down=trouble, reason="No answer within 2 s.", changed_at=ago(minutes=14)
            ),
            model.MailProvider(name="smtp", position=1, is_down=False, reason="", changed_at=ago(days=3)),
        ],
        failed_over=31 if trouble else 0,
        processes=[
            model.Process(id=f"{n}", kind=kind, started_at=ago(hours=30), at=ago(seconds=3), **process)
            for n, kind in enumerate(KINDS)
        ],
        dead=0,
        database=model.Server(connections_used=62, connections_max=100),
        series=series,
    )


def found_health(*, trouble: bool) -> reading.Health:
    found = facts(trouble=trouble)
    parts = judging.judge(found, judging.limits_of(found))
    change = model.PartChange(
        part="mail resend", was="look", status="good", says="It takes mail.", lasted_s=412.0, at=ago(hours=5)
    )
    ladders = fallbacks.ladders(load({"WEDSYNC_ENV": "test"}), manifests.find(), found)
    return reading.Health(
        status=judging.worst(parts),
        is_frozen=trouble,
        live_weddings=found.live,
        judged_every_s=found.judge_s,
        limits=judging.limits_of(found),
        parts=parts,
        signals=judging.signals(found),
        processes=found.processes,
        fallbacks=ladders,
        changes=[change],
    )


def health_values(*, trouble: bool) -> dict[str, Any]:
    breakers = [
        reading.Breaker(
            kind="connector",
            name="webhook",
            state="open" if trouble else "closed",
            open_until=None,
            openings=5 if trouble else 0,
            destinations=214,
            failing=3 if trouble else 0,
        )
    ]
    return drawing.values(found_health(trouble=trouble), breakers, promises(trouble=trouble))


def promises(*, trouble: bool) -> slo.Slo:
    windows = (300, 1800, 3600, 7200, 21_600, 86_400, 259_200, 2_592_000)
    sums = [
        promise.Sum(
            kind=one.kind,
            name=name,
            window_s=w,
            good=w * 5,
            bad=w // 8 if trouble and one.name == "deliveries" and w <= 3600 else w // 3000,
        )
        for one in promise.PROMISES
        for name in one.names
        for w in windows
    ]
    return slo.Slo(
        promises=[promise.standing(sums, one) for one in promise.PROMISES],
        season=season.season({"Europe/London": 40, "Australia/Sydney": 3}, NOW.date()),
        played=played.MEASURED,
        backtest=backtest.MEASURED,
    )


def alert(number: int, rule: str, subject: str, says: str, **more: Any) -> actions.PlatformAlert:
    made: dict[str, Any] = {
        "severity": "page",
        "risk": "",
        "opened_at": ago(minutes=14),
        "last_at": NOW,
        "ended_at": None,
        "times": 1,
        "told_at": ago(minutes=14),
        "acked_by_name": None,
        "acked_at": None,
        "is_silenced": False,
        "runbook": rules.BY_NAME[rule].runbook,
    }
    return actions.PlatformAlert(id=UUID(int=number), rule=rule, subject=subject, says=says, **(made | more))


def alert_values() -> dict[str, Any]:
    risk = (
        "3 live weddings and 2 of the next 72 hours are owed 31 messages; first …7c41d09e (the ceremony at Sat 15:00 "
        "Europe/London, in 25 min), …2ab39f10 (the speeches at Sat 17:30 Europe/Dublin, in 3 h)."
    )
    failed = alert(
        1, "errors", "channel mail", "40.0% of mail failed in five minutes; 0.5% is the threshold.", risk=risk
    )
    runs_out = alert(
        2,
        "forecast",
        "gauge database connections",
        "database connections is at 88% of its limit and reaches it in 12 min to 15 min.",
        severity="ticket",
        risk="3 live weddings and 21 of the next 72 hours are near, with nothing waiting; first …7c41d09e "
        "(the ceremony at Sat 15:00 Europe/London, in 25 min).",
        acked_by_name="Olga Reyes",
        acked_at=ago(minutes=3),
    )
    over = alert(3, "latency", "edge web", "95 of 100 of web take up to 812 ms; 500 ms is the threshold.")
    over = actions.PlatformAlert(
        **{name: getattr(over, name) for name in over.__struct_fields__} | {"ended_at": ago(hours=2)}
    )
    silenced = actions.Silenced(
        id=UUID(int=9),
        rule="latency",
        subject="channel twilio",
        reason="They announced slow texts until midnight.",
        until=NOW + timedelta(hours=6),
        by_name="Otto Brandt",
    )
    known = dict(rules.BY_NAME)
    return alerts.values(
        [failed, runs_out, over], known, [silenced], [provider("webhook", 9), provider("mail", 210)]
    ) | {"refused": ""}


def provider(name: str, bad: int) -> slo.ProviderReport:
    total = 48_210
    return slo.ProviderReport(
        name=name,
        days=30,
        total=total,
        success_rate=1 - bad / total,
        hours=700,
        bad_hours=bad // 50,
        p50_ms=91.0,
        p95_ms=240.0,
        p99_ms=613.0,
        reliability=scores.score(
            name,
            refused=31,
            success=scores.component(total - bad, total),
            speed=scores.component(total - bad - 90, total - bad),
            availability=scores.component(700 - bad // 50, 700),
            freshness=None,
        ),
    )
