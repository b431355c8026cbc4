"""The operator's console in the gallery: a Saturday with a call for help, a quiet night, and the public page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.browser.people import NOW, Scene, ago, public
from tests.browser.scenes_ops import alert, found_health, promises, shell
from wedsync.operations.console import model, pages
from wedsync.operations.freeze.model import Verdict
from wedsync.operations.status import model as status
from wedsync.operations.status import pages as status_pages
from wedsync.operations.status.windows import Proposal

PLACES = (
    ("Pacific/Auckland", "stand_down", -9, -1),
    ("Europe/London", "live", -3, 8),
    ("Europe/Dublin", "live", -1, 9),
    ("America/New_York", "hard_freeze", 4, 15),
    ("Australia/Sydney", "aftercare", -20, -11),
)


def scenes() -> Iterator[Scene]:
    yield Scene("ops-today", "operations/today.html", shell("today", 2), today())
    yield Scene("ops-today-quiet", "operations/today.html", shell("today", 0), quiet())
    asked = {"type": "", "lane": "", "id": ""}
    yield Scene("ops-events", "operations/events.html", shell("events", 2), pages.event_values(stream(), asked))
    nothing = model.Stream(looked=0, matched=0, per_second=None, types=[], lines=[])
    yield Scene("ops-events-quiet", "operations/events.html", shell("events", 0), pages.event_values(nothing, asked))
    yield Scene(
        "ops-dead-letters", "operations/dead_letters.html", shell("dead-letters", 2), {"found": dead(), "replayed": 31}
    )
    yield Scene("ops-tenants", "operations/tenants.html", shell("tenants", 0), {"found": tenants()})
    yield Scene("ops-security", "operations/console_security.html", shell("security", 0), security())
    yield Scene("ops-status", "operations/status_ops.html", shell("status", 2), operators_status())
    yield Scene("status", "operations/status.html", public("/status"), status_pages.values(platform(trouble=True)))
    yield Scene(
        "status-quiet", "operations/status.html", public("/status"), status_pages.values(platform(trouble=False))
    )


def wedding(number: int, zone: str, phase: Any, begins: int, ends: int) -> model.BoardLine:
    return model.BoardLine(
        wedding_id=UUID(int=0x019AB3F2_7C41_7D09_8000_000000000000 + number * 7919),
        on=NOW.date(),
        zone=zone,
        phase=phase,
        live_from=NOW + timedelta(hours=begins),
        live_until=NOW + timedelta(hours=ends),
        readiness=97 - 11 * number,
        p0=1 if number == 1 else 0,
        p1=0,
        p2=2 if number == 2 else 0,
        p3=1 if number == 1 else 0,
        unanswered=1 if number == 1 else 0,
        sent=140 * number,
        late=number,
    )


def today() -> dict[str, Any]:
    lines = [wedding(number, *place) for number, place in enumerate(PLACES)]
    raised = alert(1, "errors", "channel mail", "40.0% of mail failed in five minutes; 0.5% is the threshold.")
    return pages.today_values(
        board=model.Board(whole=7, weddings=[lines[1], lines[2], lines[0], *lines[3:]]),
        found=found_health(trouble=True),
        promises=promises(trouble=True),
        raised=[raised],
        stream=stream(),
        dead=dead(),
        verdict=Verdict(
            is_frozen=True, reason="3 weddings are live (and 2 more).", reasons=(), at=NOW, live_weddings=3
        ),
        proposed=proposed(),
        now=NOW,
    )


def quiet() -> dict[str, Any]:
    return pages.today_values(
        board=model.Board(whole=0, weddings=[]),
        found=found_health(trouble=False),
        promises=promises(trouble=False),
        raised=[],
        stream=model.Stream(looked=1, matched=1, per_second=None, types=[], lines=[]),
        dead=model.DeadLetters(whole=0, letters=[], work=[]),
        verdict=Verdict(
            is_frozen=False, reason="No wedding keeps the platform from being changed.", reasons=(), at=NOW
        ),
        proposed=[],
        now=NOW,
    )


def stream() -> model.Stream:
    kinds: list[tuple[str, model.Lane, int, str]] = [
        ("rsvp.replied", "high", 1102, "rsvps"),
        ("guest.added", "normal", 411, "guests"),
        ("schedule_item.moved", "critical", 96, "schedule_items"),
        ("notice.added", "high", 391, "inbox"),
    ]
    lines = [
        model.EventLine(
            id=UUID(int=number),
            at=ago(seconds=number),
            type=kind,
            lane=lane,
            stream_kind="wedding",
            stream_id=UUID("019ab3f2-7c41-7d09-8a11-5f2c7be0c4d1"),
            subject_table=table,
            first_seq=40 * number,
            last_seq=40 * number + times // 30,
            times=times // 30 + 1,
            actor_kind="person",
            cause=UUID(int=number),
            is_bulk=number == 1,
        )
        for number, (kind, lane, times, table) in enumerate(kinds)
    ]
    types = [model.TypeCount(type=kind, lane=lane, times=times) for kind, lane, times, _ in kinds]
    return model.Stream(looked=2000, matched=2000, per_second=1043.7, types=types, lines=lines)


def dead() -> model.DeadLetters:
    reasons = [
        model.Reason(reason="The receiver answered 410", times=27),
        model.Reason(reason="No answer within 10 s.", times=4),
    ]
    letters = [
        model.DeadLetter(
            destination_id=UUID(int=n + 0x8A115F2C),
            connector=connector,
            host=host,
            dead=31 - n,
            repeatable=repeatable,
            first_at=ago(days=9),
            last_at=ago(hours=3),
            reasons=reasons,
        )
        for n, (connector, host, repeatable) in enumerate(
            (("webhook", "hooks.a-very-long-name-of-a-host-that-many-share.example:443", 31), ("mail", "", 0))
        )
    ]
    work = model.DeadWork(
        kind="reaction",
        name="bookings.follow",
        reason="DeadlockDetectedError",
        dead=2,
        tenants=2,
        first_at=ago(days=1),
        last_at=ago(hours=20),
    )
    return model.DeadLetters(whole=61, letters=letters, work=[work])


def tenants() -> model.Tenants:
    names = ("weddings", "seats", "connections", "sms", "api_calls")
    used = [
        model.Use(name=name, used=9 * n + 8, allowed=None if n == 4 else 10 * n + 10) for n, name in enumerate(names)
    ]
    businesses = [
        model.Business(
            supplier_id=UUID(int=n + 0x5F2C7BE0),
            name=name,
            category=category,
            plan="Studio",
            since=NOW - timedelta(days=400),
            accounts=4,
            broken=1 - n,
            parked=n,
            good=4120,
            bad=31,
            used=used,
        )
        for n, (name, category) in enumerate((("The Tithe Barn Estate", "venue"), ("", "photographer")))
    ]
    counts = model.TenantCounts(businesses=1204, weddings=8311, links=40_120, accounts=3990, persons=51_204)
    return model.Tenants(counts=counts, businesses=businesses)


def security() -> dict[str, Any]:
    refused = [
        model.Refused(
            at=ago(minutes=4),
            kind="access.refused",
            tenant_id=UUID(int=0x5F2C7BE0),
            address="2001:db8:7c41::9f10",
            endpoint="GET /api/v1/weddings/{wedding_id}/guests",
            reason="not_found",
            times=14,
        ),
        model.Refused(
            at=ago(minutes=9),
            kind="hook.refused",
            tenant_id=None,
            address="198.51.100.7",
            endpoint="POST /hooks/{token}",
            reason="bad_signature",
            times=1,
        ),
    ]
    act = model.Act(
        id=UUID(int=4),
        at=ago(hours=2),
        by_name="Otto Brandt",
        act="deliveries.replayed",
        about=str(UUID(int=0x8A115F2C)),
        reason="They mended their server at noon and asked for it.",
        times=31,
    )
    kinds = [("access.refused", 14), ("hook.refused", 1), ("sign_in.asked", 210)]
    return pages.security_values(kinds, refused, [act], "") | {"machine_now": NOW}


def proposed() -> list[Proposal]:
    at = datetime(2027, 6, 8, 3, tzinfo=UTC)
    return [
        Proposal(starts_at=at, ends_at=at + timedelta(hours=1), load=1.4, share=0.02),
        Proposal(starts_at=at + timedelta(days=1), ends_at=at + timedelta(days=1, hours=1), load=None, share=None),
    ]


def operators_status() -> dict[str, Any]:
    return status_pages.operator_values(platform(trouble=True), proposed(), refused="", given={})


def platform(*, trouble: bool) -> status.Status:
    days = [
        ((NOW - timedelta(days=n)).date(), kind, name, 10_000, 400 if n == 20 else 40 if n % 17 == 0 else 0)
        for n in range(70)
        for kind, name in (("edge", "web"), ("edge", "screens"), ("lane", "critical"), ("channel", "mail"))
    ]
    parts = [
        status.PartState(part=part, status="good", since=NOW) for part in ("process web", "probe database", "clock")
    ]
    parts.append(status.PartState(part="mail smtp", status="bad" if trouble else "good", since=NOW))
    late = announcement(1, "incident", "down", "Mails are not sent", starts_at=ago(minutes=40))
    disks = announcement(2, "maintenance", "planned", "New disks", starts_at=NOW + timedelta(days=2))
    over = announcement(3, "incident", "slow", "Live screens were slow", starts_at=ago(days=20), ends_at=ago(days=19))
    said = [late, disks, over] if trouble else []
    return status.status(
        status.Facts(now=NOW, machine_now=NOW, judged_at=ago(seconds=12), parts=parts, days=days, announcements=said)
    )


def announcement(number: int, kind: Any, state: Any, title: str, **times: datetime) -> status.Announcement:
    made: dict[str, Any] = {
        "ends_at": times["starts_at"] + timedelta(hours=1) if kind == "maintenance" else None
    } | times
    return status.Announcement(
        id=UUID(int=number),
        kind=kind,
        state=state,
        areas=["mail"] if number == 1 else ["pages", "screens"],
        title=title,
        says="What we send waits and will arrive; whatever is urgent is in the app and texted meanwhile.",
        updates=[status.Said(at=ago(minutes=5), says="The provider has found the cause. We say more at 16:00 UTC.")],
        made_at=ago(hours=1),
        changed_at=ago(minutes=5),
        **made,
    )
