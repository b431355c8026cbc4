"""Speaks SMTP to the operator's mail server, over connections kept open, and says what its answers mean.

The one moment that matters is the final dot: before it nothing has been taken, after it a lost reply leaves unknown
whether the mail is on its way. 4xx passes, 5xx is for good (RFC 5321 4.2.1), except where the server means us and not
this mail: then a person must mend the settings.
"""

import asyncio
import ssl
from collections import deque
from typing import Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from wedsync.connections.contract import (
    Attempt,
    Delivered,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Unknown,
)
from wedsync.connectors.smtp.mapper import Envelope
from wedsync.kit import clock, failpoints

SETTING = "WEDSYNC_SMTP_URL"
IDLE_MAX = 4
IDLE_MAX_S = 30.0
SAID_MAX_CHARACTERS = 500

Tls = Literal["none", "starttls", "implicit"]
Stage = Literal["connect", "envelope", "content"]

_PORTS: dict[Tls, int] = {"none": 25, "starttls": 587, "implicit": 465}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# 530: sign in first; 534, 535, 538: these credentials will not do (RFC 4954). They are about us, not about this mail.
_SIGN_IN_CODES = frozenset({530, 534, 535, 538})


class Server(NamedTuple):
    """Where the operator's mail server is and how to speak to it."""

    host: str
    port: int
    tls: Tls
    username: str | None
    password: str | None
    ca_file: str | None

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port}, tls={self.tls})"


class _Try:
    """How far one try has come."""

    def __init__(self) -> None:
        self.began = clock.monotonic()
        self.stage: Stage = "connect"
        self.address = ""

    def attempt(self, *, status: int | None = None, said: str = "") -> Attempt:
        total_ms = round((clock.monotonic() - self.began) * 1000, 3)
        return Attempt(status=status, response_head=said[:SAID_MAX_CHARACTERS], address=self.address, total_ms=total_ms)


def parse_url(text: str) -> Server:
    """Reads `smtp://user:password@host:587?tls=starttls` (tls: none, starttls, implicit; `smtps://` is implicit).

    Without `tls`, STARTTLS is demanded, except from a server on this machine that wants no password.
    Raises ValueError with a sentence for the operator, which never repeats the password.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as cause:
        raise ValueError(f"{SETTING} has a port that is no number from 1 to 65535.") from cause
    if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname:
        raise ValueError(f"{SETTING} must look like smtp://user:password@host:587, or smtps:// for port 465.")
    query = parse_qs(parts.query)
    is_near = parts.hostname in _LOOPBACK and not parts.username
    usual = {"smtps": "implicit", "smtp+starttls": "starttls"}.get(parts.scheme, "none" if is_near else "starttls")
    tls = query.get("tls", [usual])[0]
    if tls not in _PORTS:
        raise ValueError(f"{SETTING} has tls={tls!r}; it may be none, starttls or implicit.")
    return Server(
        host=parts.hostname,
        port=port or _PORTS[tls],
        tls=tls,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        ca_file=query.get("ca", [None])[0],
    )


class Mailer:
    """Connections to one server; idle ones are used again within half a minute."""

    def __init__(self, server: Server, *, own_name: str) -> None:
        """`own_name` is what we call ourselves in EHLO: a host name."""
        self._server = server
        self._own_name = own_name
        self._idle: deque[tuple[float, aiosmtplib.SMTP]] = deque()

    async def send(self, envelope: Envelope, *, timeout_s: float) -> Outcome:
        """One mail to one recipient; the outcome's attempt holds the server's last code and words."""
        course = _Try()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._send(envelope, course)
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error.code, error.message, course, is_sign_in=isinstance(error, _SIGN_IN))
        except (aiosmtplib.SMTPException, OSError) as error:
            return _lost(error, course, timeout_s)

    async def probe(self, *, timeout_s: float) -> Outcome:
        """Whether it would hear us: connect, TLS and sign-in, and no mail."""
        course = _Try()
        client = self._fresh()
        try:
            async with asyncio.timeout(timeout_s):
                await client.connect()
                response = await client.noop()
                return Delivered(attempt=course.attempt(status=response.code))
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error.code, error.message, course, is_sign_in=isinstance(error, _SIGN_IN))
        except (aiosmtplib.SMTPException, OSError) as error:
            return _lost(error, course, timeout_s)
        finally:
            client.close()

    async def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    async def _send(self, envelope: Envelope, course: _Try) -> Outcome:
        client = await self._begin(envelope, course)
        is_kept = False
        try:
            if envelope.needs_utf8 and not client.supports_extension("smtputf8"):
                is_kept = True
                return Rejected(
                    reason="The address holds letters that the mail server cannot handle (it lacks SMTPUTF8).",
                    attempt=course.attempt(),
                )
            await client.rcpt(envelope.recipient, encoding="utf-8" if envelope.needs_utf8 else "ascii")
            course.stage = "content"
            failpoints.hit("before_mail")
            response = await client.data(envelope.content)
            failpoints.hit("after_mail")
            is_kept = True
            return Delivered(
                remote_id=envelope.message_id, attempt=course.attempt(status=response.code, said=response.message)
            )
        finally:
            if is_kept and len(self._idle) < IDLE_MAX:
                self._idle.append((clock.monotonic(), client))
            else:
                client.close()

    async def _begin(self, envelope: Envelope, course: _Try) -> aiosmtplib.SMTP:
        """A connection that has taken MAIL FROM. An idle one may have been closed meanwhile: then a fresh one."""
        while self._idle:
            since, client = self._idle.pop()
            if clock.monotonic() - since > IDLE_MAX_S or not client.is_connected:
                client.close()
                continue
            try:
                await client.rset()
                await self._mail_from(client, envelope, course)
            except aiosmtplib.SMTPException:
                # Whatever an old connection complains of, a fresh one will say again if it is true.
                client.close()
                continue
            except BaseException:
                client.close()
                raise
            return client
        client = self._fresh()
        try:
            await client.connect()
            await self._mail_from(client, envelope, course)
        except BaseException:
            client.close()
            raise
        return client

    async def _mail_from(self, client: aiosmtplib.SMTP, envelope: Envelope, course: _Try) -> None:
        peer = client.get_transport_info("peername")
        course.address = str(peer[0]) if peer else ""
        course.stage = "envelope"
        if envelope.needs_utf8 and client.supports_extension("smtputf8"):
            await client.mail(envelope.sender, options=["SMTPUTF8"], encoding="utf-8")
        elif envelope.needs_utf8 and not envelope.sender.isascii():
            raise aiosmtplib.SMTPNotSupported("The sender's address needs SMTPUTF8.")
        else:
            await client.mail(envelope.sender)

    def _fresh(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.username,
            password=self._server.password,
            # Named by hand: looking up our own name blocks wherever DNS does.
            local_hostname=self._own_name,
            timeout=None,
            use_tls=self._server.tls == "implicit",
            start_tls=self._server.tls == "starttls",
            cert_bundle=self._server.ca_file,
        )


_SIGN_IN = aiosmtplib.SMTPAuthenticationError


def _refused(code: int, said: str, course: _Try, *, is_sign_in: bool) -> Outcome:
    attempt = course.attempt(status=code, said=said)
    if code in _SIGN_IN_CODES or (is_sign_in and code >= 500):
        return ReconnectNeeded(
            reason=f"The mail server refused our name and password ({code}). Check {SETTING}.", attempt=attempt
        )
    if code < 500 or course.stage == "connect":
        return RetryLater(reason=f"The mail server answered {code}: not now.", attempt=attempt)
    return Rejected(reason=f"The mail server refused the mail for good ({code}).", attempt=attempt)


def _lost(error: aiosmtplib.SMTPException | OSError, course: _Try, timeout_s: float) -> Outcome:
    # The library says with its plainest error, too, that the server lacks STARTTLS or every way to sign in.
    if isinstance(error, aiosmtplib.SMTPNotSupported) or type(error) is aiosmtplib.SMTPException:
        reason = f"The mail server does not offer what {SETTING} asks for: {error}"
        return ReconnectNeeded(reason=reason, attempt=course.attempt())
    why = _why(error, timeout_s)
    if course.stage == "content":
        return Unknown(
            reason=f"The mail was handed over, but the mail server's answer never came: {why}.",
            repeat_is_safe=True,
            attempt=course.attempt(),
        )
    return RetryLater(reason=f"The mail server could not be reached: {why}.", attempt=course.attempt())


def _why(error: Exception, timeout_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"it took over {timeout_s:g} s"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or 'unknown reason'})"
    return str(error) if isinstance(error, aiosmtplib.SMTPConnectError) else "the connection was lost"
