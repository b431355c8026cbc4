"""How the fake speaks CalDAV: requests in, answers out, with iCloud's habits as they were measured.

It wants DTEND, understands `If-Match: *` the wrong way round, tells a collection as its own member, answers 400 to a
query without VEVENT and to a principal asked in depth, refuses a UID twice, and keeps calendars on a partition.
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

import msgspec
from defusedxml.ElementTree import fromstring

from wedsync.connectors.icloud_calendar.fake_store import Calendar, Object, uid_of

PREFIX: Final = "/caldav"
PARTITION: Final = f"{PREFIX}/p07"
PASSWORD: Final = "abcd-efgh-ijkl-mnop"  # noqa: S105 -- shown on the page
_SPACES: Final = (
    'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/" xmlns:X="urn:x"'
)
_C: Final = "{urn:ietf:params:xml:ns:caldav}"
_DAY = re.compile(r"^DTSTART[^:\r\n]*:(\d{8})", re.MULTILINE)


class Answer(msgspec.Struct, kw_only=True):
    status: int
    body: str = ""
    headers: dict[str, str] = {}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `at` is where the caller reached us, such as `http://127.0.0.1:8002`."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str
    at: str


class Account(msgspec.Struct, kw_only=True):
    name: str
    number: str
    calendars: list[Calendar]

    @property
    def principal(self) -> str:
        return f"{PREFIX}/{self.number}/principal/"

    @property
    def home(self) -> str:
        return f"{PARTITION}/{self.number}/calendars/"


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer depends on beside the request."""

    epoch: int
    page_size: int
    is_odd: bool


def account_of(authorization: str, accounts: Mapping[str, Account]) -> Account | None:
    """By HTTP Basic; every account has the same app-specific password."""
    try:
        name, _, password = b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
    except ValueError:
        return None
    return accounts.get(name) if password == PASSWORD else None


def refused() -> Answer:
    return Answer(status=401, headers={"www-authenticate": 'Basic realm="MMCalDav"'})


def speak(asked: Asked, account: Account, talk: Talk) -> Answer:
    path = unquote(asked.path)
    calendar = next((one for one in account.calendars if path.startswith(one.path)), None)
    if asked.method == "PROPFIND":
        return _propfind(asked, account, calendar, path, talk)
    if calendar is None:
        return Answer(status=403 if asked.method == "MKCALENDAR" else 404)
    acts = {"REPORT": _report, "PUT": _put, "GET": _get, "DELETE": _delete}
    act: Any = acts.get(asked.method)
    return Answer(status=405) if act is None else act(asked, calendar, path, talk)


def _propfind(asked: Asked, account: Account, calendar: Calendar | None, path: str, talk: Talk) -> Answer:
    depth = asked.headers.get("depth", "0")
    if calendar is not None:
        if path.rstrip("/") != calendar.path.rstrip("/"):
            return Answer(status=404)
        shown = [
            _collection(calendar, talk),
            *([_member(*one) for one in calendar.objects.items()] if depth == "1" else []),
        ]
        return _multistatus(shown, talk)
    if path.rstrip("/") == PREFIX:
        return _multistatus([_response(f"{PREFIX}/", _href("current-user-principal", account.principal))], talk)
    if path == account.principal:
        if depth != "0":
            return Answer(status=400)
        home = _href("C:calendar-home-set", f"{asked.at}{account.home}")
        return _multistatus([_response(path, home + f"<displayname>{escape(account.name)}</displayname>")], talk)
    if path == account.home:
        own = _response(path, "<resourcetype><collection/></resourcetype>")
        return _multistatus([own, *(_collection(one, talk) for one in account.calendars)], talk)
    return Answer(status=404)


def _report(asked: Asked, calendar: Calendar, path: str, talk: Talk) -> Answer:
    root = fromstring(asked.body)
    kind = root.tag.rpartition("}")[2]
    if kind == "sync-collection":
        return _synchronise(root.findtext("{DAV:}sync-token") or "", calendar, talk)
    if kind == "calendar-multiget":
        paths = [unquote(one.text or "") for one in root.findall("{DAV:}href")]
        return _multistatus([_content(one, calendar.objects.get(one), talk) for one in paths], talk)
    wanted = root.find(f".//{_C}comp-filter[@name='VEVENT']")
    if kind != "calendar-query" or wanted is None:
        return Answer(status=400)
    span = wanted.find(f"{_C}time-range")
    days = ("", "9") if span is None else (span.get("start", "")[:8], span.get("end", "9")[:8])
    found = [_member(*one) for one in calendar.objects.items() if _is_within(one[1].body, *days)]
    return _multistatus(found, talk)


def _synchronise(token: str, calendar: Calendar, talk: Talk) -> Answer:
    epoch, _, seq = token.removeprefix("HwoQEgwAAA").partition("-")
    if token and (epoch != str(talk.epoch) or not seq.isdigit()):
        return _failed(403, "valid-sync-token")
    changed = calendar.since(int(seq or 0))
    page = changed[: talk.page_size]
    is_cut = len(changed) > len(page)
    shown = [_member(path, calendar.objects[path]) if path in calendar.objects else _missing(path) for _, path in page]
    # The collection lists itself; cut short, it says so by 507 (RFC 6578 3.6).
    own = (
        "<status>HTTP/1.1 507 Insufficient Storage</status>"
        if is_cut
        else _found("<getetag>&quot;self&quot;</getetag>")
    )
    shown.append(f"<response><href>{escape(calendar.path)}</href>{own}</response>")
    return _multistatus(shown, talk, token=_token(page[-1][0] if is_cut else calendar.seq, talk))


def _put(asked: Asked, calendar: Calendar, path: str, talk: Talk) -> Answer:
    now = calendar.objects.get(path)
    problem = _precondition(asked.headers, now)
    if problem is not None:
        return problem
    if not calendar.is_writable:
        return _failed(403, "need-privileges")
    body = asked.body
    if "BEGIN:VEVENT" not in body or not re.search(r"^(DTEND|DURATION)[;:]", body, re.MULTILINE):
        return Answer(status=403)
    if any(other.uid == uid_of(body) and at != path for at, other in calendar.objects.items()):
        return _failed(409, "C:no-uid-conflict")
    made = calendar.put(path, body)
    return Answer(status=204 if now else 201, headers={"etag": made.etag})


def _get(asked: Asked, calendar: Calendar, path: str, talk: Talk) -> Answer:
    now = calendar.objects.get(path)
    if now is None:
        return Answer(status=404)
    return Answer(status=200, body=_told(now.body, talk), headers={"etag": now.etag, "content-type": "text/calendar"})


def _delete(asked: Asked, calendar: Calendar, path: str, talk: Talk) -> Answer:
    now = calendar.objects.get(path)
    if now is None:
        return Answer(status=404)
    problem = _precondition(asked.headers, now)
    if problem is None:
        calendar.remove(path)
    return problem or Answer(status=204)


def _precondition(headers: Mapping[str, str], now: Object | None) -> Answer | None:
    match = headers.get("if-match")
    is_broken = match is not None and (now is None or now.etag != match)
    if match == "*":
        is_broken = now is not None
    if headers.get("if-none-match") == "*" and now is not None:
        is_broken = True
    return Answer(status=412) if is_broken else None


def _is_within(body: str, first: str, last: str) -> bool:
    body = body[body.find("BEGIN:VEVENT") :]
    found = _DAY.search(body)
    return found is not None and found.group(1) <= last and ("RRULE" in body or found.group(1) >= first)


def _collection(calendar: Calendar, talk: Talk) -> str:
    privileges = ["read", *(["write", "write-content", "bind", "unbind"] if calendar.is_writable else [])]
    kinds = "<collection/><C:calendar/>" + ("" if calendar.is_writable else "<S:subscribed/>")
    reports = "".join(
        f"<supported-report><report><{name}/></report></supported-report>"
        for name in ("sync-collection", "C:calendar-query", "C:calendar-multiget")
    )
    zone = f"BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:{calendar.zone}\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n"
    props = (
        f"<resourcetype>{kinds}</resourcetype><displayname>{escape(calendar.title)}</displayname>"
        f"<S:getctag>HwoQ{talk.epoch}-{calendar.seq}</S:getctag><sync-token>{_token(calendar.seq, talk)}</sync-token>"
        "<C:supported-calendar-component-set>"
        f'<C:comp name="{calendar.component}"/></C:supported-calendar-component-set>'
        f"<C:calendar-timezone>{escape(zone)}</C:calendar-timezone><supported-report-set>{reports}</supported-report-set>"
        "<current-user-privilege-set>"
        + "".join(f"<privilege><{one}/></privilege>" for one in privileges)
        + "</current-user-privilege-set>"
    )
    return _response(calendar.path, props)


def _member(path: str, one: Object) -> str:
    return _response(path, f"<getetag>{escape(one.etag)}</getetag>")


def _content(path: str, one: Object | None, talk: Talk) -> str:
    if one is None:
        return _missing(path)
    data = f"<C:calendar-data>{escape(_told(one.body, talk))}</C:calendar-data>"
    return _response(path, f"<getetag>{escape(one.etag)}</getetag>{data}")


def _told(body: str, talk: Talk) -> str:
    if not talk.is_odd:
        return body
    return body.replace("BEGIN:VEVENT\r\n", "BEGIN:VEVENT\r\nX-NOBODY-KNOWS;X-A=1:this\r\nCOLOR:tomato\r\n")


def _missing(path: str) -> str:
    return f"<response><href>{escape(path)}</href><status>HTTP/1.1 404 Not Found</status></response>"


def _response(path: str, props: str) -> str:
    return f"<response><href>{escape(path)}</href>{_found(props)}</response>"


def _found(props: str) -> str:
    return f"<propstat><prop>{props}</prop><status>HTTP/1.1 200 OK</status></propstat>"


def _href(name: str, address: str) -> str:
    return f"<{name}><href>{escape(address)}</href></{name}>"


def _token(seq: int, talk: Talk) -> str:
    return f"HwoQEgwAAA{talk.epoch}-{seq}"


def _failed(status: int, name: str) -> Answer:
    return Answer(status=status, body=f'<?xml version="1.0"?><error {_SPACES}><{name}/></error>')


def _multistatus(responses: list[str], talk: Talk, *, token: str = "") -> Answer:
    odd = '<X:nobody-knows a="1">this</X:nobody-knows>' if talk.is_odd else ""
    last = f"<sync-token>{token}</sync-token>" if token else ""
    body = f'<?xml version="1.0" encoding="UTF-8"?><multistatus {_SPACES}>{odd}{"".join(responses)}{last}</multistatus>'
    return Answer(status=207, body=body, headers={"content-type": "application/xml; charset=UTF-8"})


def path_at(address: str) -> str:
    """The path of a calendar's id."""
    return unquote(urlsplit(address).path)
