"""The events of forms, with what each means and an image of its row. None carries a question or an answer."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.forms.model import Form, FormRequestTold

_ROW: Final = {"version": 1, "created_at": "2027-01-06T10:00:00+00:00", "updated_at": "2027-01-06T10:00:00+00:00"}
_FORM: Final[dict[str, Any]] = {
    "id": "01920000-0000-7000-8000-0000000000f1",
    "supplier_id": "01920000-0000-7000-8000-00000000000c",
    "title": "Photography questionnaire",
    "intro": "",
    "sections": [{"title": "The day", "fields": [{"key": "first_look", "kind": "time", "label": "First look"}]}],
    "is_active": True,
    **_ROW,
}
_REQUEST: Final[dict[str, Any]] = {
    "id": "01920000-0000-7000-8000-0000000000f2",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "link_id": "01920000-0000-7000-8000-00000000000b",
    "form_id": _FORM["id"],
    "form_version": 3,
    "title": _FORM["title"],
    "word": "Ten minutes, then I can plan your day.",
    "due_on": "2027-05-08",
    "state": "asked",
    "submitted_at": None,
    "submitted_by": "",
    "submissions": 0,
    "changed": [],
    "known": 0,
    "avoided": 0,
    "reminded_at": None,
    **_ROW,
}
_SENT: Final = {
    "state": "submitted",
    "submitted_at": "2027-04-20T19:00:00+00:00",
    "submitted_by": "Ana",
    "submissions": 1,
    "known": 7,
    "avoided": 6,
    "version": 3,
}


def _form(name: str, says: str) -> EventType:
    return EventType(type=f"form.{name}", scope=Scope.CORE, table="forms", row=Form, description=says, example=_FORM)


def _request(
    name: str, says: str, *, lane: Lane = Lane.NORMAL, image: Mapping[str, Any] = MappingProxyType({})
) -> EventType:
    return EventType(
        type=f"form.{name}",
        scope=Scope.CORE,
        table="form_requests",
        row=FormRequestTold,
        description=says,
        example={**_REQUEST, **image},
        lane=lane,
    )


ADDED = _form("added", "A supplier has a new form.")
CHANGED = _form("changed", "A form asks something else, has another name, or is in use no longer.")
REMOVED = _form("removed", "A form was removed; what was asked with it stays.")
ASKED = _request("asked", "A supplier asks the couple to answer a form.")
_REMINDED: Final = {"reminded_at": "2027-05-01T09:00:00+00:00", "version": 2}
DUE_SOON = _request("due_soon", "The day it is wanted by comes near, and it is not answered.", image=_REMINDED)
OVERDUE = _request("overdue", "The day it was wanted by has passed, and it is not answered.", image=_REMINDED)
REMINDED = _request("reminded", "The supplier asks again, with another day or another word.", image={"version": 2})
OPENED_UP = _request("shared", "There is an address that opens this form without an account.", image={"version": 2})
STARTED = _request("started", "Somebody has begun to answer.", image={"state": "started", "version": 2})
SUBMITTED = _request("submitted", "The answers are there, or were sent again. Read them with `GET`.", image=_SENT)
LOCKED = _request(
    "locked", "The supplier works with these answers: they are final.", image={**_SENT, "state": "locked"}
)
REOPENED = _request(
    "reopened",
    "The supplier asks for more, and why.",
    image={**_SENT, "state": "started", "word": "Which hall, please?"},
)
WITHDRAWN = _request("withdrawn", "The supplier does not ask any more.", image={"state": "withdrawn", "version": 2})
EVENTS = (
    *(ADDED, CHANGED, REMOVED),
    *(ASKED, REMINDED, DUE_SOON, OVERDUE, OPENED_UP, STARTED, SUBMITTED, LOCKED, REOPENED, WITHDRAWN),
)
