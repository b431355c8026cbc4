"""Speaks to one CalDAV server as one account: where it may be sent on to, how long it may take, what answers mean."""

import asyncio
import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

import msgspec

from wedsync.connections import replies
from wedsync.connections.calendars.contract import CursorLost, Gone, Moved, ReadOnly
from wedsync.connections.contract import (
    Attempt,
    Connection,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
    Unknown,
    attempt_of,
)
from wedsync.connectors.icloud_calendar import dav
from wedsync.connectors.icloud_calendar.dav import DavError, Multistatus
from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply, Wire

BODY_MAX_BYTES: Final = 8 * 1024 * 1024
#: From here on XML is read beside the event loop.
LARGE_BYTES: Final = 128 * 1024
REDIRECTS_MAX: Final = 4
_MOVED: Final = frozenset({301, 302, 303, 307, 308})

Word = Outcome | CursorLost | Gone | Moved | ReadOnly


class Told(Exception):  # noqa: N818 -- an answer that ends what was tried, not an error of ours
    """The server's answer, as the word that the connector gives for it."""

    def __init__(self, word: Word) -> None:
        super().__init__(type(word).__name__)
        self.word = word


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Where an account is and how it proves itself. `is_ours`: the operator chose the server, not the tenant."""

    url: str
    username: str
    password: str
    is_ours: bool

    def __repr__(self) -> str:
        return "Server(…)"

    def may_be_told(self, url: str) -> bool:
        """Whether the password may go there: to the same host or one below it, and where the operator chose the
        server also beside it, for iCloud keeps each account on a partition (`p07-caldav.icloud.com`)."""
        start, target = urlsplit(self.url), urlsplit(url)
        own, host = start.hostname or "", target.hostname or ""
        if target.scheme not in (start.scheme, "https") or "@" in target.netloc:
            return False
        if host == own:
            return True
        if _is_address(own) or _is_address(host):
            return False
        parent = own.partition(".")[2]
        return host.endswith(f".{own}") or (self.is_ours and "." in parent and host.endswith(f".{parent}"))


class Dav:
    """Calls within one deadline. Raises Told for every answer that leads nowhere."""

    def __init__(self, tools: Tools, server: Server, *, timeout_s: float) -> None:
        self._wire: Wire = tools.wire
        self._machine_now = tools.machine_now
        self._until = clock.monotonic() + timeout_s
        self.server = server
        self.attempt = Attempt()

    @property
    def own(self) -> frozenset[str]:
        """The mail address that the account has for sure."""
        return frozenset({self.server.username.lower()}) if "@" in self.server.username else frozenset()

    @property
    def now(self) -> datetime:
        return self._machine_now()

    async def propfind(self, url: str, *names: str, depth: int) -> tuple[str, Multistatus]:
        """Where it was found after being sent on, and the answer."""
        for _ in range(REDIRECTS_MAX):
            reply = await self.call("PROPFIND", url, body=dav.propfind(*names), depth=depth)
            if reply.status not in _MOVED:
                return url, await self.understood(reply)
            url = self.absolute(reply.headers.get("location", ""), url)
        raise Told(
            ReconnectNeeded(reason="The server sends us round in circles. Check its address.", attempt=self.attempt)
        )

    async def report(self, url: str, body: bytes, *, depth: int) -> Reply:
        return await self.call("REPORT", url, body=body, depth=depth)

    async def call(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        depth: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One exchange; raises Told where there is no answer, or none that depends on what was asked."""
        if not self.server.may_be_told(url):
            raise Told(self._sent_elsewhere(url))
        pair = f"{self.server.username}:{self.server.password}".encode()
        kind = "text/calendar; charset=utf-8" if method == "PUT" else "application/xml; charset=utf-8"
        exchange = await self._wire.request(
            method,
            url,
            headers={
                "authorization": f"Basic {b64encode(pair).decode()}",
                **({"content-type": kind} if body else {}),
                **({"depth": str(depth)} if depth is not None else {}),
                **(headers or {}),
            },
            body=body,
            timeout_s=max(self._until - clock.monotonic(), 0.001),
            trusted=self.server.is_ours,
            body_max_bytes=BODY_MAX_BYTES,
        )
        # What a calendar says is nobody's business, so the log keeps none of the answer.
        self.attempt = msgspec.structs.replace(attempt_of(exchange), response_head="")
        if isinstance(exchange, Failure):
            raise Told(self._unanswered(exchange, is_write=method in ("PUT", "DELETE")))
        word = self._of_any(exchange)
        if word is not None:
            raise Told(word)
        return exchange

    async def understood(self, reply: Reply) -> Multistatus:
        """The multistatus of an answer. Raises Told where it is none, or not all of it."""
        if reply.status not in (200, 207):
            raise Told(self.refused(reply))
        if reply.ending == "capped":
            raise Told(
                Rejected(reason=f"The server's answer is larger than {BODY_MAX_BYTES >> 20} MiB.", attempt=self.attempt)
            )
        if reply.ending == "cut":
            raise Told(RetryLater(reason="The server's answer broke off.", attempt=self.attempt))
        try:
            if len(reply.body) > LARGE_BYTES:
                return await asyncio.to_thread(dav.read, reply.body)
            return dav.read(reply.body)
        except DavError as cause:
            reason = f"The server's answer cannot be read: {cause}."
            raise Told(RetryLater(reason=reason, attempt=self.attempt)) from cause

    def absolute(self, href: str, url: str) -> str:
        """An href of an answer as an address. Raises Told where it leads to somebody else."""
        found = urljoin(url, href)
        if not href or not self.server.may_be_told(found):
            raise Told(self._sent_elsewhere(found))
        return found

    def refused(self, reply: Reply) -> Outcome | Gone:
        """What a refusal of a reading call means."""
        if reply.status in (404, 410):
            return Gone(is_calendar=True, attempt=self.attempt)
        if reply.status == 403:
            return ReconnectNeeded(reason="The server refuses access to this calendar (403).", attempt=self.attempt)
        return RetryLater(
            reason=f"The server answered {reply.status}.", tries_max=replies.SHORT_LADDER, attempt=self.attempt
        )

    def _of_any(self, reply: Reply) -> Outcome | None:
        """What is meant whatever was asked."""
        if reply.status == 401:
            return ReconnectNeeded(
                reason="The server refuses the user name or the password. iCloud wants an app-specific password, "
                "which ends when the password of the Apple Account is changed. Connect again with a new one.",
                attempt=self.attempt,
            )
        if reply.status == 507:
            return Rejected(reason="The account there has no space left (507).", attempt=self.attempt)
        # 501 is about the request: what a server does not know is asked for in another way.
        if replies.is_passing(reply.status) and reply.status != 501:
            after_s = replies.retry_after_s(reply.headers, now=self._machine_now())
            return RetryLater(reason=f"The server answered {reply.status}.", after_s=after_s, attempt=self.attempt)
        return None

    def _unanswered(self, failure: Failure, *, is_write: bool) -> Outcome:
        if is_write and failure.may_have_arrived:
            # Writes are conditional (If-Match, If-None-Match), so the same one again changes nothing twice.
            return Unknown(reason=failure.reason, repeat_is_safe=True, attempt=self.attempt)
        if failure.kind == "refused":
            return ReconnectNeeded(reason=failure.reason, attempt=self.attempt)
        return replies.no_answer(failure, self.attempt)

    def _sent_elsewhere(self, url: str) -> Outcome:
        host = urlsplit(url).hostname or "nowhere"
        return ReconnectNeeded(
            reason=f"The server sends us on to {host[:200]}, which must not be told your password. "
            "If that is your calendar's server, connect again with its address.",
            attempt=self.attempt,
        )


def server_of(connection: Connection, base_url: str) -> Server:
    """Raises Told where the connection lacks what it needs."""
    values = {name: several[0] for name, several in connection.secrets.items() if several}
    if not values.get("username") or not values.get("password"):
        raise Told(ReconnectNeeded(reason="The connection has no user name and password. Connect it again."))
    address = values.get("address", "").strip()
    if address and "://" not in address:
        address = f"https://{address}"
    return Server(
        url=address or base_url, username=values["username"], password=values["password"], is_ours=not address
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
