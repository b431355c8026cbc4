"""The events of alerts and of who is on duty, with what each means and an image of its row."""

from typing import Any, Final

from wedsync.alerts.model import AlertRow, Duty
from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope

_AT = "2026-11-21T10:00:00+00:00"
_ALERT: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000091",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "kind": "emergency",
    "what": "supplier_missing",
    "severity": "p1",
    "place": "Orangery",
    "sealed": "\\x01",
    "state": "triggered",
    "times": 1,
    "step": 0,
    "began_at": _AT,
    "next_at": _AT,
    "is_breached": False,
    "raised_by": "01920000-0000-7000-8000-000000000002",
    "raised_name": "Dora",
    "raised_link": None,
    "raised_at": _AT,
    "acknowledged_by": None,
    "acknowledged_name": "",
    "acknowledged_via": None,
    "acknowledged_at": None,
    "held_until": None,
    "outcome": "",
    "ended_at": None,
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}
_ACKNOWLEDGED: dict[str, Any] = {
    "state": "acknowledged",
    "next_at": None,
    "acknowledged_by": "01920000-0000-7000-8000-000000000003",
    "acknowledged_name": "Petra",
    "acknowledged_via": "page",
    "acknowledged_at": _AT,
    "held_until": "2026-11-21T10:10:00+00:00",
    "version": 2,
}
_OVER: dict[str, Any] = {**_ACKNOWLEDGED, "ended_at": _AT, "version": 3}
_DUTY: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000092",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "person_id": "01920000-0000-7000-8000-000000000003",
    "tier": 1,
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}


def _type(name: str, says: str, image: dict[str, Any] | None = None, *, lane: Lane = Lane.CRITICAL) -> EventType:
    return EventType(
        type=f"alert.{name}",
        scope=Scope.SCHEDULE,
        table="alerts",
        row=AlertRow,
        description=says,
        example={**_ALERT, **(image or {})},
        opened={"detail": "The florist is not here and the ceremony is in an hour."},
        lane=lane,
    )


RAISED: Final = _type("raised", "An emergency, or the drill of the morning: people are called until one acknowledges.")
REPEATED: Final = _type("repeated", "The same matter was raised again, or one more in a storm.", {"times": 2})
ESCALATED: Final = _type(
    "escalated", "Nobody has acknowledged: the next people, or other ways, are called.", {"step": 4}
)
BREACHED: Final = _type("breached", "A minute, and nobody has acknowledged.", {"is_breached": True, "step": 6})
ACKNOWLEDGED: Final = _type("acknowledged", "Somebody sees to it: nobody else is called.", _ACKNOWLEDGED)
LAPSED: Final = _type("lapsed", "Whoever acknowledged has not come back: it escalates from the start.")
HELD: Final = _type("held", "Whoever sees to it is still on it.", _ACKNOWLEDGED, lane=Lane.HIGH)
RESOLVED: Final = _type("resolved", "It is over.", {**_OVER, "state": "resolved", "outcome": "She arrived."})
CANCELLED: Final = _type("cancelled", "It was a false alarm.", {**_OVER, "state": "cancelled"})
UNANSWERED: Final = _type(
    "unanswered",
    "Everybody was called again and again, and nobody acknowledged.",
    {"state": "unanswered", "next_at": None, "ended_at": _AT, "is_breached": True, "step": 12},
)
DUTY_SET: Final = EventType(
    type="duty.set",
    scope=Scope.SCHEDULE,
    table="duties",
    row=Duty,
    description="The couple has said when somebody is called for an emergency.",
    example=_DUTY,
)
DUTY_CLEARED: Final = EventType(
    type="duty.cleared",
    scope=Scope.SCHEDULE,
    table="duties",
    row=Duty,
    description="Somebody is called for an emergency as is usual for what they do.",
    example=_DUTY,
)
EVENTS: Final = (
    *(RAISED, REPEATED, ESCALATED, BREACHED, ACKNOWLEDGED, LAPSED, HELD, RESOLVED, CANCELLED, UNANSWERED),
    *(DUTY_SET, DUTY_CLEARED),
)
