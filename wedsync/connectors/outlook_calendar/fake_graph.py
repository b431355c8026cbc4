"""The fake's API: which call does what, as Graph v1.0 documents it; without any HTTP of its own."""

import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec

from wedsync.connectors.outlook_calendar.fake_mailbox import FAR, ZONE, Entry, GraphError, Mailbox
from wedsync.connectors.outlook_calendar.fake_watchers import Watchers
from wedsync.kit import clock

TOKENS_MAX: Final = 5000
TOKEN_LIFE: Final = timedelta(days=30)
_EXTENDED = re.compile(r"\bid eq '([^']+)'")
_BY_MARKER = re.compile(
    r"singleValueExtendedProperties/any\(ep: ep/id eq '([^']+)' and ep/value eq '((?:[^']|'')*)'\)", re.IGNORECASE
)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request, by the owner of `mailbox`. `at` is the address that links begin with; `page` how long one is."""

    method: str
    path: str
    query: Mapping[str, str]
    body: dict[str, Any]
    etag: str
    mailbox: Mailbox
    at: str
    page: int


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a nextLink or a deltaLink stands for. `rest`: told on the following pages, as it was when asked."""

    calendar: str
    since: datetime
    until: datetime
    after: int
    made_at: datetime
    rest: tuple[dict[str, Any], ...] | None = None


Told = dict[str, Any] | None
Changed = Callable[[Mailbox, Entry, str], object]


class Api:
    """`changed` is told of every change that a call made. `closed` are ids of events that may not be read singly."""

    def __init__(self, watchers: Watchers, changed: Changed) -> None:
        self._watchers = watchers
        self._changed = changed
        self.tokens: OrderedDict[str, Token] = OrderedDict()
        self.closed: set[str] = set()

    async def answer(self, call: Call) -> tuple[int, Told]:
        """Status and body. Raises GraphError."""
        for method, pattern, does in self._routes():
            match = re.fullmatch(pattern, call.path)
            if match and method == call.method:
                return await does(call, *match.groups())
        raise GraphError(400, "BadRequest", "Resource not found for the segment.")

    def _routes(self) -> tuple[tuple[str, str, Callable[..., Awaitable[tuple[int, Told]]]], ...]:
        return (
            ("GET", "/me", self._me),
            ("GET", "/me/mailboxSettings/timeZone", self._zone),
            ("GET", "/me/calendars", self._calendars),
            ("GET", "/me/calendars/([^/]+)/calendarView/delta", self._delta),
            ("GET", "/me/calendars/([^/]+)/events", self._filtered),
            ("POST", "/me/calendars/([^/]+)/events", self._make),
            ("GET", "/me/events/([^/]+)", self._read),
            ("PATCH", "/me/events/([^/]+)", self._change),
            ("DELETE", "/me/events/([^/]+)", self._delete),
            ("GET", "/me/events/([^/]+)/instances", self._instances),
            ("POST", "/subscriptions", self._subscribe),
            ("PATCH", "/subscriptions/([^/]+)", self._renew),
            ("DELETE", "/subscriptions/([^/]+)", self._unsubscribe),
        )

    async def _me(self, call: Call) -> tuple[int, Told]:
        box = call.mailbox
        told = {"id": box.user, "displayName": box.name, "mail": box.account, "userPrincipalName": box.account}
        return 200, {"@odata.context": f"{call.at}/$metadata#users/$entity", **told}

    async def _zone(self, call: Call) -> tuple[int, Told]:
        return 200, {"@odata.context": f"{call.at}/$metadata#Edm.String", "value": ZONE}

    async def _calendars(self, call: Call) -> tuple[int, Told]:
        box = call.mailbox
        skip = int(call.query.get("$skip", "0"))
        books = [book.told(box.account, box.name) for book in box.books.values()]
        told: dict[str, Any] = {"value": books[skip : skip + call.page]}
        if len(books) > skip + call.page:
            told["@odata.nextLink"] = f"{call.at}/me/calendars?$skip={skip + call.page}"
        return 200, told

    async def _delta(self, call: Call, calendar: str) -> tuple[int, Told]:
        book = call.mailbox.book(calendar)
        token = self._token(call, calendar)
        rest = token.rest
        if rest is None:
            rest = tuple(call.mailbox.changed(book, token.since, token.until, token.after))
            token = msgspec.structs.replace(token, after=call.mailbox.changes)
        page, rest = rest[: call.page], rest[call.page :]
        token = msgspec.structs.replace(token, rest=rest or None, made_at=clock.machine_now())
        name, word = ("@odata.nextLink", "$skiptoken") if rest else ("@odata.deltaLink", "$deltatoken")
        link = f"{call.at}/me/calendars/{calendar}/calendarView/delta?{word}={self._keep(token)}"
        return 200, {"@odata.context": f"{call.at}/$metadata#Collection(event)", name: link, "value": list(page)}

    def _token(self, call: Call, calendar: str) -> Token:
        held = call.query.get("$skiptoken") or call.query.get("$deltatoken")
        if held is None:
            since, until = (_instant(call.query.get(name, "")) for name in ("startDateTime", "endDateTime"))
            return Token(calendar=calendar, since=since, until=until, after=0, made_at=clock.machine_now())
        token = self.tokens.get(held)
        if token is None or token.calendar != calendar or token.made_at + TOKEN_LIFE < clock.machine_now():
            raise GraphError(410, "SyncStateNotFound", "The sync state generation is not found.")
        return token

    def _keep(self, token: Token) -> str:
        name = secrets.token_urlsafe(32)
        self.tokens[name] = token
        while len(self.tokens) > TOKENS_MAX:
            self.tokens.popitem(last=False)
        return name

    async def _filtered(self, call: Call, calendar: str) -> tuple[int, Told]:
        match = _BY_MARKER.fullmatch(call.query.get("$filter", ""))
        if match is None:
            raise GraphError(400, "BadRequest", "This filter is not known here.")
        name, value = match[1].lower(), match[2].replace("''", "'")
        entries = call.mailbox.book(calendar).entries.values()
        found = [one.told() for one in entries if one.properties.get(name) == value and not one.is_gone]
        return 200, {"value": found[: call.page]}

    async def _make(self, call: Call, calendar: str) -> tuple[int, Told]:
        book = call.mailbox.book(calendar)
        if not book.can_edit:
            raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        before = call.mailbox.changes
        entry = call.mailbox.make(book, call.body)
        if call.mailbox.changes != before:
            self._changed(call.mailbox, entry, "created")
        return 201, {"@odata.context": f"{call.at}/$metadata#events/$entity", **entry.told()}

    async def _read(self, call: Call, id: str) -> tuple[int, Told]:
        entry, day = call.mailbox.find(id)
        if id in self.closed:
            raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        if day is not None:
            other = entry.other.get(day)
            return 200, other.exception(entry, day) if other else entry.occurrence(day)
        told = entry.told()
        expand = call.query.get("$expand", "")
        if entry.recurrence and "cancelledOccurrences" in call.query.get("$select", "").split(","):
            told["cancelledOccurrences"] = entry.oids()
        if entry.recurrence and "exceptionOccurrences" in expand:
            told["exceptionOccurrences"] = entry.exceptions()
        names = [name.lower() for name in _EXTENDED.findall(expand)]
        held = [{"id": name, "value": value} for name, value in entry.properties.items() if name in names]
        return 200, told | ({"singleValueExtendedProperties": held} if held else {})

    async def _change(self, call: Call, id: str) -> tuple[int, Told]:
        self._conditional(call, id)
        told = call.mailbox.change(id, call.body)
        entry, _ = call.mailbox.find(id)
        self._changed(call.mailbox, entry, "updated")
        return 200, told

    async def _delete(self, call: Call, id: str) -> tuple[int, Told]:
        self._conditional(call, id)
        entry = call.mailbox.delete(id)
        self._changed(call.mailbox, entry, "deleted" if entry.is_gone else "updated")
        return 204, None

    def _conditional(self, call: Call, id: str) -> None:
        entry, day = call.mailbox.find(id)
        if not call.mailbox.book(entry.calendar).can_edit:
            raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        now = entry.other.get(day, entry) if isinstance(day, date) else entry
        if call.etag and call.etag != now.etag:
            message = "The send or update operation could not be performed because the change key does not match."
            raise GraphError(412, "ErrorIrresolvableConflict", message)

    async def _instances(self, call: Call, id: str) -> tuple[int, Told]:
        entry, _ = call.mailbox.find(id)
        since, until = (_instant(call.query.get(name, "")) for name in ("startDateTime", "endDateTime"))
        if not entry.recurrence or until - since > FAR:
            raise GraphError(400, "ErrorInvalidRequest", "Only a series has instances, in three years at most.")
        return 200, {"value": list(entry.occurrences(since, until))[: call.page]}

    async def _subscribe(self, call: Call) -> tuple[int, Told]:
        told = await self._watchers.make(call.mailbox, call.body)
        return 201, {"@odata.context": f"{call.at}/$metadata#subscriptions/$entity", **told}

    async def _renew(self, call: Call, id: str) -> tuple[int, Told]:
        return 200, self._watchers.renew(id, call.mailbox, call.body)

    async def _unsubscribe(self, call: Call, id: str) -> tuple[int, Told]:
        del self._watchers.held[self._watchers.find(id, call.mailbox).id]
        return 204, None


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as cause:
        raise GraphError(400, "ErrorInvalidParameter", "startDateTime and endDateTime are required.") from cause
    return at if at.tzinfo else at.replace(tzinfo=UTC)
