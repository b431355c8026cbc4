"""Access tokens of sockets: HS256 JWTs verified once each, and whether the session behind one still lives.

A token says who (`sub`), as what (`role`), by which session (`sid`) and until when (`exp`). What it may see is asked of
the database per stream; here is only whether to believe it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

import msgspec
from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import OctKey

from wedsync.events.reader import Reader
from wedsync.kit import clock

CACHE_MAX: Final = 20_000
TOKEN_MAX_CHARS: Final = 4096
SESSION_CACHE_S: Final = 5.0


class Claims(msgspec.Struct, frozen=True):
    """What a token says. `person` and `sid` are None for the anonymous visitor of a website."""

    person: str | None
    sid: str | None
    role: str
    expires_at: float

    @property
    def is_anonymous(self) -> bool:
        return self.role == "anon"


class TokenRefused(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    """Why a token is not believed: `Code: text`, as clients print it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.parts = (code, text)


class Tokens:
    """Verifies tokens; a token seen before costs a hash."""

    def __init__(self, secret: str, *, now: Callable[[], float] | None = None) -> None:
        self._key = OctKey.import_key(secret)
        self._now = now or (lambda: clock.machine_now().timestamp())
        self._known: OrderedDict[bytes, Claims] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def now(self) -> float:
        """Machine time as tokens count it."""
        return self._now()

    def verify(self, token: str, *, grace_s: float = 0.0) -> Claims:
        """The claims of a good token. Raises TokenRefused. `grace_s` lets pass what expired so long ago at most."""
        digest = hashlib.blake2b(token.encode(errors="replace"), digest_size=16).digest()
        claims = self._known.get(digest)
        if claims is None:
            self.misses += 1
            claims = self._decode(token)
            self._known[digest] = claims
            if len(self._known) > CACHE_MAX:
                self._known.popitem(last=False)
        else:
            self.hits += 1
            self._known.move_to_end(digest)
        late = self._now() - claims.expires_at
        if late >= grace_s:
            raise TokenRefused("InvalidJWTToken", f"Token has expired {max(0, int(late))} seconds ago")
        return claims

    def _decode(self, token: str) -> Claims:
        if len(token) > TOKEN_MAX_CHARS or token.count(".") != 2:
            raise TokenRefused("MalformedJWT", "The token provided is not a valid JWT")
        try:
            found = jwt.decode(token, self._key, algorithms=["HS256"]).claims
        except BadSignatureError as cause:
            raise TokenRefused("JwtSignatureError", "The token's signature does not fit") from cause
        except (JoseError, ValueError) as cause:
            raise TokenRefused("MalformedJWT", "The token provided is not a valid JWT") from cause
        return _claims(found)


def _claims(found: dict[str, object]) -> Claims:
    role, expires_at = found.get("role"), found.get("exp")
    if role not in ("authenticated", "anon") or not isinstance(expires_at, int | float):
        raise TokenRefused("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")
    if role == "anon":
        return Claims(None, None, "anon", float(expires_at))
    person, sid = _uuid(found.get("sub")), _uuid(found.get("sid"))
    if person is None or sid is None:
        raise TokenRefused("InvalidJWTToken", "Fields `sub` and `sid` are required in JWT")
    return Claims(person, sid, "authenticated", float(expires_at))


def _uuid(value: object) -> str | None:
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None


class Sessions:
    """Whether sessions live: asked at most every five seconds, known at once where their end is told."""

    def __init__(self, reader: Reader, *, monotonic: Callable[[], float]) -> None:
        self._reader = reader
        self._monotonic = monotonic
        self._alive: dict[str, float] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()

    async def is_alive(self, sid: str) -> bool:
        """Raises ReaderAway."""
        if sid in self._ended:
            return False
        asked = self._alive.get(sid)
        if asked is not None and self._monotonic() - asked < SESSION_CACHE_S:
            return True
        await self.check([sid])
        return sid in self._alive

    async def check(self, sids: Iterable[str]) -> frozenset[str]:
        """Ask for all of them; returns those that do not live. Raises ReaderAway."""
        wanted = set(sids)
        alive = await self._reader.sessions_alive(sorted(wanted - self._ended.keys()))
        alive -= self._ended.keys()
        now = self._monotonic()
        self._alive.update(dict.fromkeys(alive, now))
        for sid in wanted - alive:
            self._alive.pop(sid, None)
        return frozenset(wanted - alive)

    def end(self, sid: str) -> None:
        """A session has ended, and a session never comes back."""
        self._alive.pop(sid, None)
        self._ended[sid] = None
        if len(self._ended) > CACHE_MAX:
            self._ended.popitem(last=False)

    def forget_old(self) -> None:
        """Drop what is too old to be used."""
        limit = self._monotonic() - SESSION_CACHE_S
        for sid in [sid for sid, asked in self._alive.items() if asked < limit]:
            del self._alive[sid]
