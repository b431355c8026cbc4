"""The events of photo deliveries, with what each means and an image of its row."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.photos.model import PhotoDelivery

_FIRST = {"promised_on": "2027-07-17", "at": "2027-06-06T10:00:00+00:00", "reason": ""}
_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000061",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "link_id": "01920000-0000-7000-8000-00000000000b",
    "kind": "gallery",
    "title": "",
    "stage": "editing",
    "standing": "on_track",
    "reason": "",
    "promised_on": "2027-07-17",
    "promised_at": "2027-06-06T10:00:00+00:00",
    "promises": [_FIRST],
    "shot_count": 3120,
    "culled_count": 720,
    "edited_count": 310,
    "delivered_count": None,
    "gallery_url": "",
    "gallery_hint": "",
    "note": "Black and white ones come with it.",
    "delivered_at": None,
    "viewed_at": None,
    "warned_at": None,
    "overdue_at": None,
    "version": 1,
    "created_at": "2027-06-06T10:00:00+00:00",
    "updated_at": "2027-06-06T10:00:00+00:00",
}
_WHY = "The lab that scans the film is closed for two weeks."
_LATER = {"promised_on": "2027-07-31", "at": "2027-07-10T09:00:00+00:00", "reason": _WHY}
_DELAYED = {
    "standing": "delayed",
    "reason": _WHY,
    "promised_on": "2027-07-31",
    "promised_at": "2027-07-10T09:00:00+00:00",
    "promises": [_FIRST, _LATER],
}
_THERE = {
    "stage": "delivered",
    "delivered_count": 680,
    "gallery_url": "https://gallery.example.com/ana-and-ben",
    "gallery_hint": "The name of your first dog",
    "delivered_at": "2027-07-15T18:00:00+00:00",
}
_WARNED = {"warned_at": "2027-07-05T10:00:00+00:00"}


def _type(
    name: str, description: str, *, lane: Lane = Lane.NORMAL, image: Mapping[str, Any] = MappingProxyType({})
) -> EventType:
    return EventType(
        type=f"photos.{name}",
        scope=Scope.PHOTOS,
        table="photo_deliveries",
        row=PhotoDelivery,
        description=description,
        example={**_EXAMPLE, **image},
        lane=lane,
    )


PROMISED = _type("promised", "A supplier will hand over photographs or a film, or promised an earlier day for it.")
CHANGED = _type("changed", "Counts, the gallery's address, the note or another word of a photo delivery changed.")
STAGE_CHANGED = _type("stage_changed", "The supplier is at another stage of its work.", image={"stage": "culling"})
DELAYED = _type(
    "delayed", "It comes on a later day than promised, and why.", lane=Lane.HIGH, image=_DELAYED | {"stage": "editing"}
)
PAUSED = _type("paused", "Nothing is done about it just now, and why.", image={"standing": "on_hold", "reason": _WHY})
RESUMED = _type("resumed", "Work on it goes on.")
DELIVERED = _type("delivered", "It was handed over: the couple can look at it.", lane=Lane.HIGH, image=_THERE)
VIEWED = _type(
    "viewed",
    "The couple opened the gallery for the first time.",
    image={**_THERE, "stage": "viewed", "viewed_at": "2027-07-15T19:00:00+00:00"},
)
AT_RISK = _type(
    "at_risk", "Seven tenths of the time to the promised day have passed, and it is not ready.", image=_WARNED
)
OVERDUE = _type("overdue", "The promised day has passed.", image={**_WARNED, "overdue_at": "2027-07-17T23:00:00+00:00"})
WITHDRAWN = _type("withdrawn", "The supplier took back what it had written down and not handed over.")
EVENTS = (
    *(PROMISED, CHANGED, STAGE_CHANGED, DELAYED, PAUSED, RESUMED),
    *(DELIVERED, VIEWED, AT_RISK, OVERDUE, WITHDRAWN),
)
