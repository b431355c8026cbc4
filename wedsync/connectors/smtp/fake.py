"""A real SMTP server whose every mail lands in a mailbox that can be read in a browser and by tests.

The server listens on a port of its own; the pages and the JSON are the sandbox's. Mails are told apart by Message-ID
and recipient, so a mail that is sent twice is one mail that came twice, as it is in a good mail program.
"""

import asyncio
import email
import email.policy
import hashlib
import re
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated, Any

import msgspec
from aiosmtpd.smtp import SMTP, AuthResult
from litestar import Response, Router, delete, get, post, put
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.fake_journal import Journal, Kept
from wedsync.connections.fakes import FINE, MoodChange, Moods, Shelf, given, pages
from wedsync.kit import clock
from wedsync.kit.errors import not_found

MAILS_MAX = 5_000
MAILS_MAX_BYTES = 64 * 1024 * 1024
MAIL_MAX_BYTES = 5 * 1024 * 1024
SHOWN_MAX = 200
SLOW_S = 5.0

MOODS = {
    "slow": f"Takes mail after {SLOW_S:g} seconds.",
    "busy": "Answers 451 to every recipient: try again later.",
    "down": "Answers 421 and closes the connection.",
    "refusing": "Answers 550: no such mailbox.",
    "dropped": "Takes the mail and closes the connection without an answer.",
    "duplicate": "Takes the mail and answers 451, so that it comes again.",
}

REFUSALS = {
    "busy": "451 4.7.1 Come back later",
    "refusing": "550 5.1.1 No such mailbox",
    "down": "421 4.3.2 Closing for maintenance",
}

_LINK = re.compile(r"https?://[^\s<>\"']+")
# Nothing in a mail may run or load; links may be opened, each in a tab of its own.
_HTML_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
)


class Stored(msgspec.Struct, kw_only=True):
    """A mail as it came. `times` counts how often."""

    id: str
    at: str
    sender: str
    to: str
    subject: str
    text: str
    html: str
    headers: list[tuple[str, str]]
    message_id: str
    links: list[str]
    bytes: int
    times: int = 1


class Mailbox:
    """The server and what it took."""

    title = "Mailbox"

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        sign_in: tuple[str, str] | None = None,
        speaks_utf8: bool = True,
    ) -> None:
        """Port 0 takes a free one. With `tls` STARTTLS is offered; with `sign_in` (name, password) it is asked for."""
        self.mails: Shelf[Stored] = Shelf(items_max=MAILS_MAX, bytes_max=MAILS_MAX_BYTES)
        self.moods = Moods(MOODS)
        self.journal = Journal()
        self.connections = 0
        self._host = host
        self._port = port
        self._tls = tls
        self._sign_in = sign_in
        self._speaks_utf8 = speaks_utf8
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Transport] = set()
        self._number = 0
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(
                "/",
                route_handlers=[show_list, show_mail, show_html, change_mood, read_list, read_mail, set_mood, empty],
                dependencies={"mailbox": given(self)},
            )
        ]

    @property
    def address(self) -> str:
        return f"smtp://{self._host}:{self._port}"

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._protocol, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for transport in list(self._open):
                transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def forget(self) -> None:
        """Every mail."""
        self.mails.clear()

    def _protocol(self) -> Any:
        self.connections += 1
        return SMTP(
            self,
            hostname="sandbox.wedsync.invalid",
            ident="WedSync sandbox",
            data_size_limit=MAIL_MAX_BYTES,
            enable_SMTPUTF8=self._speaks_utf8,
            tls_context=self._tls,
            require_starttls=self._tls is not None,
            auth_required=self._sign_in is not None,
            auth_require_tls=self._tls is not None,
            authenticator=self._check_sign_in,
            loop=asyncio.get_running_loop(),
        )

    def _check_sign_in(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        given = (data.login.decode(errors="replace"), data.password.decode(errors="replace"))
        # Not "handled": the server itself then answers 535.
        return AuthResult(success=given == self._sign_in, handled=False)

    async def handle_EHLO(  # noqa: N802  (aiosmtpd calls it by this name)
        self, server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self._open = {transport for transport in self._open if not transport.is_closing()} | {server.transport}
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        mood = self.moods.current
        if mood not in REFUSALS:
            envelope.rcpt_tos.append(address)
            return "250 OK"
        self.moods.take()
        if mood == "down":
            asyncio.get_running_loop().call_soon(server.transport.close)
        self._note(mood, address, REFUSALS[mood])
        return REFUSALS[mood]

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        mood = self.moods.take()
        if mood == "slow":
            await asyncio.sleep(SLOW_S)
        for recipient in envelope.rcpt_tos:
            await self._store(recipient, envelope.mail_from, envelope.original_content)
        if mood == "dropped":
            server.transport.abort()
        said = "451 4.3.0 Something went wrong" if mood == "duplicate" else "250 2.0.0 Taken"
        self._note(mood, ", ".join(envelope.rcpt_tos), "" if mood == "dropped" else said)
        return said

    def _note(self, mood: str, to: str, said: str) -> None:
        """A mail for the journal: who it was for, not what it said."""
        self.journal.note(
            Kept(
                number=self.journal.next(),
                at=clock.machine_now().isoformat(timespec="milliseconds"),
                mood="" if mood == FINE else mood,
                method="MAIL",
                path=to,
                status=int(said[:3] or 0),
                took_ms=SLOW_S * 1000 if mood == "slow" else 0.0,
                told=said.encode(),
            )
        )

    async def _store(self, recipient: str, sender: str, content: bytes) -> None:
        message: EmailMessage = email.message_from_bytes(content, policy=email.policy.default)
        text, html = _part(message, "plain"), _part(message, "html")
        message_id = str(message.get("Message-ID", ""))
        self._number += 1
        same = f"{message_id} {recipient}" if message_id else str(self._number)
        key = hashlib.sha256(same.encode()).hexdigest()[:20]
        before = self.mails.get(key)
        mail = Stored(
            id=key,
            at=clock.machine_now().isoformat(timespec="milliseconds"),
            sender=sender,
            to=recipient,
            subject=str(message.get("Subject", "")),
            text=text,
            html=html,
            headers=[(name, str(value)) for name, value in message.items()],
            message_id=message_id,
            links=list(dict.fromkeys(_LINK.findall(text) or _LINK.findall(html))),
            bytes=len(content),
            times=1 if before is None else before.times + 1,
        )
        await self.mails.put(key, mail, len(content) * 3)


def build(settings: Any) -> Mailbox:
    return Mailbox(host=settings.host, port=settings.sandbox_smtp_port)


@get("/mail", media_type=MediaType.HTML)
async def show_list(mailbox: Mailbox, to: str = "") -> str:
    mails = [mail for mail in mailbox.mails if _is_to(mail, to)]
    return PAGES.get_template("mailbox.html").render(
        mails=mails[:SHOWN_MAX], count=len(mails), to=to, moods=mailbox.moods, action="/mail/mood"
    )


@get("/mail/{mail_id:str}", media_type=MediaType.HTML)
async def show_mail(mail_id: str, mailbox: Mailbox) -> str:
    return PAGES.get_template("mail.html").render(mail=_found(mailbox, mail_id))


@get("/mail/{mail_id:str}/html")
async def show_html(mail_id: str, mailbox: Mailbox) -> Response[str]:
    html = '<base target="_blank">' + _found(mailbox, mail_id).html
    headers = {"content-security-policy": _HTML_POLICY, "referrer-policy": "no-referrer"}
    return Response(html, media_type=MediaType.HTML, headers=headers)


@post("/mail/mood")
async def change_mood(
    mailbox: Mailbox, data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Redirect:
    times = data.get("times", "")
    mailbox.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/mail", status_code=303)


@get("/api/mail")
async def read_list(
    mailbox: Mailbox,
    to: str = "",
    subject: str = "",
    count: Annotated[int, Parameter(ge=0)] = 1,
    wait_s: Annotated[float, Parameter(ge=0)] = 0.0,
) -> dict[str, Any]:
    """Newest first. With `wait_s` the answer waits until there are `count`. `to` is the whole address."""

    def is_wanted(mail: Stored) -> bool:
        return _is_to(mail, to) and subject.casefold() in mail.subject.casefold()

    return {"items": await mailbox.mails.wait_for(count, is_wanted, wait_s), "next": None}


@get("/api/mail/{mail_id:str}")
async def read_mail(mail_id: str, mailbox: Mailbox) -> Stored:
    return _found(mailbox, mail_id)


@put("/api/mail/mood", status_code=204)
async def set_mood(data: MoodChange, mailbox: Mailbox) -> None:
    mailbox.moods.switch(data.mood, data.times)


@delete("/api/mail")
async def empty(mailbox: Mailbox, to: str = "") -> None:
    """Empties the mailbox, or what it holds for one address."""
    mailbox.mails.clear(keep=lambda mail: not _is_to(mail, to))


def _is_to(mail: Stored, to: str) -> bool:
    return not to or mail.to.casefold() == to.casefold()


def _found(mailbox: Mailbox, mail_id: str) -> Stored:
    mail = mailbox.mails.get(mail_id)
    if mail is None:
        raise not_found("mail")
    return mail


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


PAGES = pages(Path(__file__).parent / "templates")
