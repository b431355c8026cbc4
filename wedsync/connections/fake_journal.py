"""What the sandbox tells of its fakes: how often each was called, the last exchanges, and its switches of moods.

Counted is what programs ask of a provider: not its pages, nor the sandbox's own `/api/`. Secrets are masked when they
are read, not when they are kept, since few of them ever are.
"""

import re
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Protocol, runtime_checkable
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar.types import ASGIApp, Receive, Send

from wedsync.connections.fake_consent import Consent
from wedsync.connections.fakes import FINE, Fake, Moods
from wedsync.kit import clock

KEPT_MAX: Final = 100
BODY_MAX_BYTES: Final = 4_000
MASK: Final = "•••"

_SECRET_MEMBER_NAMES = ["access_token", "refresh_token", "id_token", "token", "client_secret", "secret", "clientstate"]
_SECRET_FIELD_NAMES = [*_SECRET_MEMBER_NAMES, "password", "code", "code_verifier", "validationtoken"]
_SECRET_HEADERS = re.compile(r"authorization|cookie|token|secret|signature|api-key|password", re.IGNORECASE)
_SECRET_MEMBERS = re.compile(rf'("(?:{"|".join(_SECRET_MEMBER_NAMES)})"\s*:\s*")[^"]*', re.IGNORECASE)
_SECRET_FIELDS = re.compile(rf"((?:^|&)(?:{'|'.join(_SECRET_FIELD_NAMES)})=)[^&\s]*", re.IGNORECASE)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange as it was; `status` 0: no answer. `mood` is the one the fake was in when it was asked."""

    number: int
    at: str
    mood: str
    method: str
    path: str
    query: str = ""
    status: int
    took_ms: float
    headers: tuple[tuple[bytes, bytes], ...] = ()
    asked: bytes = b""
    told: bytes = b""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange as it is shown."""

    number: int
    at: str
    mood: str
    method: str
    address: str
    status: int
    took_ms: float
    headers: dict[str, str]
    asked: str
    told: str


class Journal:
    """The calls of one fake, the newest in full."""

    def __init__(self) -> None:
        self.calls = 0
        self._kept: deque[Kept] = deque(maxlen=KEPT_MAX)

    def note(self, kept: Kept) -> None:
        self._kept.append(kept)

    def next(self) -> int:
        """The number of a call that begins."""
        self.calls += 1
        return self.calls

    def forget(self) -> None:
        self.calls = 0
        self._kept.clear()

    def newest(self, count: int = KEPT_MAX) -> list[Exchange]:
        """Newest first, without secrets."""
        return [shown(kept) for kept in list(reversed(self._kept))[:count]]


@runtime_checkable
class Switched(Protocol):
    """A fake with more moods than one, or other ones: name of the switch -> moods; "" is the fake itself."""

    def switches(self) -> Mapping[str, Moods]: ...


@runtime_checkable
class Keeping(Protocol):
    """A fake that is called otherwise than by HTTP, and notes it by itself."""

    journal: Journal


@runtime_checkable
class Forgetful(Protocol):
    """A fake whose memory can be put back to what it was at the start."""

    async def forget(self) -> None: ...


def switches(fake: Fake) -> dict[str, Moods]:
    """All switches of a fake: its own, and `consent` where it has one."""
    if isinstance(fake, Switched):
        return dict(fake.switches())
    found: dict[str, Moods] = {}
    moods, consent = getattr(fake, "moods", None), getattr(fake, "consent", None)
    if isinstance(moods, Moods):
        found[""] = moods
    if isinstance(consent, Consent):
        found["consent"] = consent.moods
    return found


class Recording:
    """ASGI middleware: what is asked of one fake, noted in its journal."""

    def __init__(self, app: ASGIApp, fake: Fake, journal: Journal) -> None:
        self._app = app
        self._fake = fake
        self._journal = journal

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_person(scope):
            await self._app(scope, receive, send)
            return
        number, began = self._journal.next(), clock.monotonic()
        moods = [
            f"{name} {moods.current}".strip() for name, moods in switches(self._fake).items() if moods.current != FINE
        ]
        asked, told, status = bytearray(), bytearray(), 0

        async def hear() -> Any:
            message: Any = await receive()
            asked.extend(message.get("body", b"")[: BODY_MAX_BYTES - len(asked)])
            return message

        async def say(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                told.extend(message["body"][: BODY_MAX_BYTES - len(told)])
            await send(message)

        try:
            await self._app(scope, hear, say)
        finally:
            self._journal.note(
                Kept(
                    number=number,
                    at=clock.machine_now().isoformat(timespec="milliseconds"),
                    mood=", ".join(moods),
                    method=scope["method"],
                    path=scope["path"],
                    query=scope["query_string"].decode("latin-1"),
                    status=status,
                    took_ms=round((clock.monotonic() - began) * 1000, 1),
                    headers=tuple(scope["headers"]),
                    asked=bytes(asked),
                    told=bytes(told),
                )
            )


def shown(kept: Kept) -> Exchange:
    """Without secrets: neither in headers nor in the address nor in forms and JSON."""
    query = [
        (name, MASK if name.lower() in _SECRET_FIELD_NAMES else value)
        for name, value in parse_qsl(kept.query, keep_blank_values=True)
    ]
    return Exchange(
        number=kept.number,
        at=kept.at,
        mood=kept.mood,
        method=kept.method,
        address=kept.path + (f"?{urlencode(query, safe=MASK)}" if query else ""),
        status=kept.status,
        took_ms=kept.took_ms,
        headers={name.decode("latin-1"): _header(name, value) for name, value in kept.headers},
        asked=_body(kept.asked),
        told=_body(kept.told),
    )


def _header(name: bytes, value: bytes) -> str:
    return MASK if _SECRET_HEADERS.search(name.decode("latin-1")) else value.decode("latin-1")


def _body(body: bytes) -> str:
    text = body.decode("utf-8", errors="replace")
    if not text.isprintable() and "\0" in text:
        return f"({len(body)} bytes that are no text)"
    masked = _SECRET_FIELDS.sub(rf"\g<1>{MASK}", _SECRET_MEMBERS.sub(rf"\g<1>{MASK}", text))
    return masked + ("…" if len(body) >= BODY_MAX_BYTES else "")


def _is_person(scope: Mapping[str, Any]) -> bool:
    """Somebody who looks at a page, or a test at the sandbox's own door."""
    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return b"text/html" in accept or scope["path"].startswith("/api/")
