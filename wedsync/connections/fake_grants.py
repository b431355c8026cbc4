"""What a fake authorization server remembers: codes, grants and their tokens, within bounds and for a time."""

import hashlib
import hmac
import re
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote_plus, urlencode, urlsplit

import msgspec
from litestar import Response

from wedsync.kit import clock

CODE_LIFE_S: Final = 60.0
GRANTS_MAX: Final = 20_000
CODES_MAX: Final = 1_000
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization request as it came."""

    client_id: str
    redirect_uri: str
    response_type: str
    scope: str
    state: str
    code_challenge: str
    code_challenge_method: str
    access_type: str
    prompt: str
    login_hint: str

    def problem(self, known: Mapping[str, str], *, has_pkce: bool = True) -> tuple[str, str] | None:
        """(error, what to do), or None."""
        if self.response_type != "code":
            return "unsupported_response_type", "response_type must be code."
        if not has_pkce and (self.code_challenge or self.code_challenge_method):
            return "invalid_request", "Received unknown parameter: code_challenge."
        if has_pkce and (self.code_challenge_method != "S256" or not _CHALLENGE.fullmatch(self.code_challenge)):
            return "invalid_request", "Send code_challenge with code_challenge_method S256 (RFC 7636)."
        if not self.state:
            return "invalid_request", "Send a state: without one the answer could be anybody's."
        unknown = [scope for scope in self.scope.split() if scope not in known]
        # Some providers know no scopes at all (Mailchimp).
        if unknown or (known and not self.scope.split()):
            return "invalid_scope", f"Not known here: {' '.join(unknown)}." if unknown else "Ask for a scope."
        return None

    def back(self, told: Mapping[str, str]) -> str:
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{joint}{urlencode({**told, 'state': self.state})}"


class OAuthError(Exception):
    """An error of RFC 6749; `to` is the request it may be sent back to."""

    def __init__(self, code: str, detail: str, *, to: Asked | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.to = to

    def reply(self) -> Response[Any]:
        """As the token endpoint says it (RFC 6749 5.2)."""
        is_client = self.code == "invalid_client"
        headers = {"cache-control": "no-store", **({"www-authenticate": "Basic"} if is_client else {})}
        body = {"error": self.code, "error_description": self.detail}
        return Response(body, status_code=401 if is_client else 400, headers=headers)


class Code(msgspec.Struct, kw_only=True):
    asked: Asked
    account: str
    scopes: tuple[str, ...]
    is_offline: bool
    until: float
    number: int
    is_used: bool = False


class Grant(msgspec.Struct, kw_only=True):
    """What one account allowed one client, until it is ended. `access`: token -> until when, in monotonic seconds;
    `given`: every refresh token it ever had, of which `refresh` is the one that is good.
    """

    account: str
    client: str
    scopes: tuple[str, ...]
    access: dict[str, float] = {}
    refresh: str = ""
    given: list[str] = []
    refreshes: int = 0
    is_ended: bool = False


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """What a token request is answered; `refresh` is empty where the one before is still good."""

    access: str
    refresh: str
    life_s: float
    scopes: tuple[str, ...]

    def told(self) -> dict[str, Any]:
        refresh = {"refresh_token": self.refresh} if self.refresh else {}
        scope = " ".join(self.scopes)
        told = {"access_token": self.access, "token_type": "Bearer", "expires_in": int(self.life_s), "scope": scope}
        return told | refresh


class Grants:
    """All grants of one fake. `life_s` and `rotates` may be changed while it runs."""

    def __init__(self, *, life_s: float, rotates: bool) -> None:
        self.life_s = life_s
        self.rotates = rotates
        self.refreshes = 0
        self._number = 0
        self._codes: OrderedDict[str, Code] = OrderedDict()
        self._grants: OrderedDict[int, Grant] = OrderedDict()
        self._access: dict[str, int] = {}
        self._refresh: dict[str, int] = {}

    def __iter__(self) -> Any:
        """Newest first."""
        return reversed(self._grants.values())

    def code(self, asked: Asked, account: str, scopes: tuple[str, ...], *, is_offline: bool) -> str:
        """A code for one use within a minute."""
        self._number += 1
        code = f"code-{secrets.token_urlsafe(24)}"
        self._codes[code] = Code(
            asked=asked,
            account=account,
            scopes=scopes,
            is_offline=is_offline,
            until=clock.monotonic() + CODE_LIFE_S,
            number=self._number,
        )
        while len(self._codes) > CODES_MAX:
            self._codes.popitem(last=False)
        return code

    def take(self, code: str) -> Code:
        """A second use ends what the first one began."""
        found = self._codes.get(code)
        if found is None or found.until < clock.monotonic():
            raise OAuthError("invalid_grant", "The code is not known, or over.")
        if found.is_used:
            self.end(found.number)
            raise OAuthError("invalid_grant", "The code was used before; what it gave is ended.")
        found.is_used = True
        return found

    def start(
        self,
        account: str,
        client: str,
        scopes: tuple[str, ...],
        *,
        is_offline: bool = True,
        number: int | None = None,
    ) -> Issued:
        """A new grant with its first tokens."""
        if number is None:
            self._number += 1
            number = self._number
        self._grants[number] = Grant(account=account, client=client, scopes=scopes)
        while len(self._grants) > GRANTS_MAX:
            self._forget(next(iter(self._grants)))
        return self._issue(number, scopes, new_refresh=is_offline)

    def refresh(self, held: str, client: str, scopes: Sequence[str]) -> Issued:
        """A new access token; a refresh token that was replaced before ends the grant."""
        number = self._refresh.get(held)
        grant = None if number is None else self._grants.get(number)
        if number is None or grant is None or grant.is_ended or grant.client != client:
            raise OAuthError("invalid_grant", "Token has been expired or revoked.")
        if grant.refresh != held:
            self.end(number)
            raise OAuthError("invalid_grant", "The refresh token was used before; the grant is ended.")
        if not set(scopes) <= set(grant.scopes):
            raise OAuthError("invalid_scope", "More than was allowed.")
        self.refreshes += 1
        grant.refreshes += 1
        return self._issue(number, tuple(scopes) or grant.scopes, new_refresh=self.rotates)

    def by_access(self, held: str) -> Grant | None:
        grant = self._grants.get(self._access.get(held, 0))
        if grant is None or grant.is_ended or grant.access.get(held, 0.0) <= clock.monotonic():
            return None
        return grant

    def revoke(self, held: str) -> None:
        number = self._refresh.get(held) or self._access.get(held)
        if number is not None:
            self.end(number)

    def end(self, number: int) -> None:
        """The person, or the provider, takes access away."""
        grant = self._grants.get(number)
        if grant is not None:
            grant.is_ended = True
            for token in grant.access:
                self._access.pop(token, None)
            grant.access.clear()

    def end_of(self, account: str) -> None:
        """An account takes access away from every client."""
        for number, grant in self._grants.items():
            if grant.account == account and not grant.is_ended:
                self.end(number)

    def expire(self) -> None:
        """Every access token is over; refresh tokens are still good."""
        for grant in self._grants.values():
            grant.access.clear()
        self._access.clear()

    def _forget(self, number: int) -> None:
        self.end(number)
        for token in self._grants.pop(number).given:
            self._refresh.pop(token, None)

    def _issue(self, number: int, scopes: tuple[str, ...], *, new_refresh: bool) -> Issued:
        grant = self._grants[number]
        now = clock.monotonic()
        for over in [token for token, until in grant.access.items() if until <= now]:
            del grant.access[over]
            self._access.pop(over, None)
        access = f"access-{secrets.token_urlsafe(24)}"
        grant.access[access] = now + self.life_s
        self._access[access] = number
        refresh = ""
        if new_refresh:
            refresh = grant.refresh = f"refresh-{secrets.token_urlsafe(24)}"
            grant.given.append(refresh)
            self._refresh[refresh] = number
        return Issued(access=access, refresh=refresh, life_s=self.life_s, scopes=scopes)


def client_of(authorization: str, fields: Mapping[str, str], clients: Mapping[str, str]) -> str:
    """The client, who must show its secret: by the header or in the body (RFC 6749 2.3.1)."""
    client, secret = fields.get("client_id", ""), fields.get("client_secret", "")
    if authorization.startswith("Basic "):
        try:
            pair = b64decode(authorization.removeprefix("Basic "), validate=True).decode()
        except ValueError as error:
            raise OAuthError("invalid_client", "The Authorization header cannot be read.") from error
        client, _, secret = (unquote_plus(part) for part in pair.partition(":"))
    known = clients.get(client)
    if known is None or not hmac.compare_digest(known.encode(), secret.encode()):
        raise OAuthError("invalid_client", "The client is not known, or its secret is wrong.")
    return client


def verified(code: Code, *, client: str, fields: Mapping[str, str], has_pkce: bool = True) -> None:
    """The code is for this client, this address and this verifier, or OAuthError invalid_grant."""
    if code.asked.client_id != client:
        raise OAuthError("invalid_grant", "The code was given to another client.")
    if code.asked.redirect_uri != fields.get("redirect_uri"):
        raise OAuthError("invalid_grant", "redirect_uri is not the one the code was asked with.")
    verifier = fields.get("code_verifier", "")
    if not has_pkce:
        if verifier:
            raise OAuthError("invalid_request", "Received unknown parameter: code_verifier.")
        return
    hashed = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not _VERIFIER.fullmatch(verifier) or not hmac.compare_digest(hashed, code.asked.code_challenge):
        raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge.")
