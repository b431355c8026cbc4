"""WebDAV and CalDAV in XML: what is asked, and what is answered. Pure; what strangers send is read by defusedxml."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

D: Final = "{DAV:}"
C: Final = "{urn:ietf:params:xml:ns:caldav}"
S: Final = "{http://calendarserver.org/ns/}"

_SPACES: Final = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"'
_PATH_SAFE: Final = "/@:~!$&'()*+,;=-._"


class DavError(ValueError):
    """The answer is no multistatus of WebDAV."""


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One resource of a multistatus. `path` is in one spelling; `status` is its own, 200 where only its properties
    have one; `props` are those that were found."""

    href: str
    path: str
    status: int
    props: dict[str, Element]

    def text(self, name: str) -> str:
        found = self.props.get(name)
        return "" if found is None else (found.text or "").strip()

    def href_in(self, name: str) -> str:
        found = self.props.get(name)
        inner = None if found is None else found.find(f"{D}href")
        return "" if inner is None else (inner.text or "").strip()


class Multistatus(msgspec.Struct, frozen=True, kw_only=True):
    responses: tuple[Response, ...]
    token: str = ""


def propfind(*names: str) -> bytes:
    """`names` with their prefixes, such as `D:getetag`."""
    return _document("D:propfind", f"<D:prop>{''.join(f'<{name}/>' for name in names)}</D:prop>")


def sync_collection(token: str) -> bytes:
    """Without `DAV:limit`: Xandikos loses changes by it, iCloud and Radicale do not know it."""
    wanted = "<D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>"
    return _document("D:sync-collection", f"<D:sync-token>{escape(token)}</D:sync-token>{wanted}")


def calendar_query(since: datetime, until: datetime) -> bytes:
    """Etags of the events within a time; iCloud answers 400 to a query without a filter for VEVENT."""
    times = f'start="{since.astimezone(UTC):%Y%m%dT%H%M%SZ}" end="{until.astimezone(UTC):%Y%m%dT%H%M%SZ}"'
    events = f'<C:comp-filter name="VEVENT"><C:time-range {times}/></C:comp-filter>'
    wanted = f'<C:filter><C:comp-filter name="VCALENDAR">{events}</C:comp-filter></C:filter>'
    return _document("C:calendar-query", f"<D:prop><D:getetag/></D:prop>{wanted}")


def multiget(paths: Sequence[str]) -> bytes:
    hrefs = "".join(f"<D:href>{escape(path)}</D:href>" for path in paths)
    return _document("C:calendar-multiget", f"<D:prop><D:getetag/><C:calendar-data/></D:prop>{hrefs}")


def read(body: bytes) -> Multistatus:
    """Raises DavError."""
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as cause:
        raise DavError("the answer is not XML") from cause
    if root.tag != f"{D}multistatus":
        raise DavError("the answer is no multistatus")
    return Multistatus(responses=tuple(_responses(root)), token=(root.findtext(f"{D}sync-token") or "").strip())


def condition(body: bytes) -> frozenset[str]:
    """Which preconditions an error names (RFC 4918 16), without their namespaces."""
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return frozenset()
    return frozenset(child.tag.rpartition("}")[2] for child in root) if root.tag == f"{D}error" else frozenset()


def path_of(href: str) -> str:
    """The path of an address, in one spelling however the server escapes it."""
    return quote(unquote(urlsplit(href).path), safe=_PATH_SAFE)


def etag_of(text: str) -> str:
    """In quotes, as If-Match wants it; weak ones are what a proxy makes of strong ones when it packs the answer."""
    text = text.strip().removeprefix("W/")
    return f'"{text.strip(chr(34))}"' if text else ""


def _document(name: str, inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="utf-8"?><{name} {_SPACES}>{inner}</{name}>'.encode()


def _responses(root: Element) -> Iterator[Response]:
    for response in root.findall(f"{D}response"):
        props: dict[str, Element] = {}
        for propstat in response.findall(f"{D}propstat"):
            if _status(propstat) == 200:
                props |= {prop.tag: prop for found in propstat.findall(f"{D}prop") for prop in found}
        own = _status(response) if response.find(f"{D}status") is not None else 200
        for href in response.findall(f"{D}href"):
            text = (href.text or "").strip()
            yield Response(href=text, path=path_of(text), status=own, props=props)


def _status(element: Element) -> int:
    parts = (element.findtext(f"{D}status") or "").split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isascii() and parts[1].isdigit() else 0
