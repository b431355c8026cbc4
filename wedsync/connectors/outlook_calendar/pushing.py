"""Writes one event: made once however often it is tried, changed only as it was when we last saw it, deleted likewise.

A change begins with a look at the event, so that only what differs is written: the rest of it, which we do not know,
stays as its owner made it. Dates that a series leaves out are deleted one by one, for Graph has no other way.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from wedsync.connections.calendars.contract import Gone, Moved, Push, Pushed, ReadOnly
from wedsync.connections.calendars.event import CalendarEvent, EventError, checked
from wedsync.connections.contract import Connection, Outcome
from wedsync.connections.graph import Answer, list_of, segment
from wedsync.connectors.outlook_calendar import answers, mapper
from wedsync.connectors.outlook_calendar.client import Graph, stamp
from wedsync.connectors.outlook_calendar.pulling import SERIES
from wedsync.connectors.outlook_calendar.recurrence import Unholdable
from wedsync.kit import clock

LEFT_OUT_MAX: Final = 20
CHANGED: Final = "The event was changed in Outlook meanwhile."
DENIED: Final = "ErrorAccessDenied"
DUPLICATE: Final = "ErrorDuplicateTransactionId"

Result = Pushed | Moved | Gone | ReadOnly | Outcome


class Pushing:
    """One push, within its time."""

    def __init__(self, graph: Graph, push: Push, connection: Connection, *, now: datetime) -> None:
        self._graph = graph
        self._push = push
        self._connection = connection
        self._now = now
        self._until = clock.monotonic() + push.timeout_s

    async def run(self) -> Result:
        push = self._push
        try:
            if push.event is None:
                return await self._delete()
            event = checked(push.event)
            return await self._change(event) if push.id else await self._make(event)
        except Unholdable as reason:
            return ReadOnly(reason=f"Outlook cannot hold {reason}.")
        except EventError as reason:
            return ReadOnly(reason=f"This cannot be written: {reason}.")

    async def _make(self, event: CalendarEvent) -> Result:
        push = self._push
        body, left_out = mapper.to_new(event, key=push.key, marker=push.marker, zone=push.zone)
        if len(left_out) > LEFT_OUT_MAX:
            raise Unholdable(f"a series that leaves out more than {LEFT_OUT_MAX} dates")
        answer = await self._call("POST", f"/me/calendars/{segment(push.calendar)}/events", body)
        if answer.code == DUPLICATE:
            return await self._adopt()
        if answer.status == 404:
            return Gone(is_calendar=True, attempt=answer.attempt)
        if not answer.is_fine:
            return self._refused(answer)
        return await self._finished(answer, left_out)

    async def _adopt(self) -> Result:
        """This key has made an event before, that reads otherwise by now, or has been deleted: our marker tells."""
        push = self._push
        value = push.marker.replace("'", "''")
        wanted = f"singleValueExtendedProperties/Any(ep: ep/id eq '{mapper.MARKER}' and ep/value eq '{value}')"
        path = f"/me/calendars/{segment(push.calendar)}/events?$filter={quote(wanted, safe='')}&$select=id&$top=2"
        answer = await self._call("GET", path)
        if not answer.is_fine:
            return self._refused(answer)
        if list_of(answer.data):
            return Moved(reason="The event exists already.", attempt=answer.attempt)
        return Gone(attempt=answer.attempt)

    async def _change(self, event: CalendarEvent) -> Result:
        push = self._push
        answer = await self._call("GET", f"/me/events/{segment(push.id)}?{SERIES}")
        if not answer.is_fine:
            return self._refused(answer)
        item = answer.data or {}
        if push.etag and item.get("@odata.etag") != push.etag:
            return Moved(reason=CHANGED, attempt=answer.attempt)
        if reason := mapper.writable_reason(item):
            return ReadOnly(reason=reason, attempt=answer.attempt)
        changes, left_out = mapper.to_changes(event, item, zone=push.zone)
        if len(left_out) > LEFT_OUT_MAX:
            raise Unholdable(f"a series that leaves out more than {LEFT_OUT_MAX} dates at once")
        if changes:
            etag = push.etag or str(item.get("@odata.etag") or "")
            answer = await self._call("PATCH", f"/me/events/{segment(push.id)}", changes, etag)
            if not answer.is_fine:
                return self._refused(answer)
        return await self._finished(answer, left_out)

    async def _delete(self) -> Result:
        answer = await self._call("DELETE", f"/me/events/{segment(self._push.id)}", etag=self._push.etag)
        if answer.is_fine:
            return Pushed(id=self._push.id, attempt=answer.attempt)
        return self._refused(answer)

    async def _finished(self, answer: Answer, left_out: frozenset[date]) -> Result:
        """The event is written; what is left is to delete the occurrences it leaves out. Each of that changes it."""
        item = answer.data or {}
        id = str(item.get("id") or "")
        if not id:
            return answers.to_outcome(answer, now=self._now, is_write=True)
        for on in sorted(left_out):
            refused = await self._leave_out(id, item, on)
            if refused is not None:
                return self._refused(refused)
        return Pushed(id=id, etag="" if left_out else str(item.get("@odata.etag") or ""), attempt=answer.attempt)

    async def _leave_out(self, series: str, item: Mapping[str, Any], on: date) -> Answer | None:
        """None where the occurrence is not there any more, by us or by anybody."""
        midnight = datetime.combine(on, datetime.min.time())
        window = (
            f"startDateTime={stamp(midnight - timedelta(days=1))}&endDateTime={stamp(midnight + timedelta(days=2))}"
        )
        answer = await self._call("GET", f"/me/events/{segment(series)}/instances?{window}")
        if not answer.is_fine:
            return answer
        for one in list_of(answer.data):
            if mapper.begins_on(one, item, zone=self._push.zone) == on:
                gone = await self._call("DELETE", f"/me/events/{segment(str(one.get('id')))}")
                return None if gone.is_fine or gone.status == 404 else gone
        return None

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None, etag: str = "") -> Answer:
        left_s = max(self._until - clock.monotonic(), 0.001)
        return await self._graph.call(method, path, self._connection, timeout_s=left_s, body=body, etag=etag)

    def _refused(self, answer: Answer) -> Result:
        if answer.status == 412 or answer.code == "ErrorIrresolvableConflict":
            return Moved(reason=CHANGED, attempt=answer.attempt)
        if answer.status in (404, 410):
            return Gone(attempt=answer.attempt)
        if answer.status == 403 and answer.code == DENIED:
            return ReadOnly(reason="Microsoft does not let this calendar be written.", attempt=answer.attempt)
        return answers.to_outcome(answer, now=self._now, is_write=True)
