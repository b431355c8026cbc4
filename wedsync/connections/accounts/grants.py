"""Speaks to providers' OAuth 2 servers: the address to send people to, a code or refresh token for tokens, the end.

Authorization code with PKCE S256 (RFC 6749 4.1 and 6, RFC 7636, RFC 9700). The operator's addresses are trusted, so a
sandbox on this machine can stand in for a provider. No token, code or secret is in anything that is raised or told.
"""

import hashlib
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec

from wedsync.connections.contract import ReconnectNeeded, RetryLater
from wedsync.connections.manifest import Connect, operators
from wedsync.kit.http import Failure, Reply, Wire
from wedsync.kit.oauth import CONTENT_TYPE, LIFE_UNSAID_S, TOKEN_CHARACTERS_MAX

TIMEOUT_S: Final = 10.0
ENDED: Final = ("invalid_grant", "access_denied", "interaction_required", "consent_required", "login_required")
"""What a provider says when only a person can help (RFC 6749 5.2, OpenID Connect 3.1.2.6)."""
UNTOLD_SCOPES: Final = frozenset({"offline_access", "openid", "email", "profile"})
"""Asked for, but not among what some providers name as granted."""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's registration at a provider, the settings that a manifest names filled in."""

    client_id: str
    client_secret: str
    authorize_url: str
    token_url: str
    revoke_url: str
    client_auth: str
    scopes: tuple[str, ...]
    parameters: Mapping[str, str]
    scope_separator: str = " "
    has_pkce: bool = True

    def __repr__(self) -> str:
        return f"Client({self.token_url!r})"


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a token endpoint gave; no `refresh_token` where the old one goes on, no `expires_at` where the token does
    not end by itself. `missing` scopes were not allowed."""

    access_token: str
    refresh_token: str
    expires_at: datetime | None
    missing: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Tokens(…)"


def client_of(connect: Connect, settings: Any) -> Client:
    """`settings` is read by the names in the manifest."""

    def named(name: str) -> str:
        return str(operators(settings, name)) if name else ""

    return Client(
        client_id=named(connect.client_id),
        client_secret=named(connect.client_secret),
        authorize_url=named(connect.authorize_url),
        token_url=named(connect.token_url),
        revoke_url=named(connect.revoke_url),
        client_auth=connect.client_auth,
        scopes=connect.scopes or tuple(named(connect.scopes_setting).split()),
        parameters=connect.parameters,
        scope_separator=connect.scope_separator,
        has_pkce=connect.has_pkce,
    )


def new_secret() -> str:
    """A state or a PKCE verifier: 43 characters of 256 random bits."""
    return secrets.token_urlsafe(32)


def authorize_url(client: Client, *, state: str, verifier: str, redirect_uri: str) -> str:
    """Where a person says yes."""
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        **client.parameters,
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        **({"scope": client.scope_separator.join(client.scopes)} if client.scopes else {}),
        "state": state,
        **({"code_challenge": challenge, "code_challenge_method": "S256"} if client.has_pkce else {}),
    }
    return client.authorize_url + ("&" if urlsplit(client.authorize_url).query else "?") + urlencode(asked)


async def exchange(
    wire: Wire, client: Client, *, code: str, verifier: str, redirect_uri: str, now: datetime
) -> Tokens | ReconnectNeeded | RetryLater:
    """A code for tokens."""
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    asked |= {"code_verifier": verifier} if client.has_pkce else {}
    return _answered(await _asked(wire, client, client.token_url, asked), client, now)


async def refresh(
    wire: Wire, client: Client, *, refresh_token: str, now: datetime
) -> Tokens | ReconnectNeeded | RetryLater:
    """A refresh token for tokens; the answer may hold the next refresh token, and then this one has ended."""
    asked = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _answered(await _asked(wire, client, client.token_url, asked), client, now, is_renewed=True)


async def revoke(wire: Wire, client: Client, *, token: str) -> bool:
    """End a token there (RFC 7009). False where the provider did not say that it is done, or offers no such thing."""
    if not client.revoke_url:
        return False
    answer = await _asked(wire, client, client.revoke_url, {"token": token})
    if isinstance(answer, Failure):
        return False
    return answer.status in (200, 204) and not _is_refused(_told(answer.body))


async def _asked(wire: Wire, client: Client, url: str, fields: dict[str, str]) -> Reply | Failure:
    headers = {"content-type": CONTENT_TYPE, "accept": "application/json"}
    if client.client_auth == "basic" and client.client_secret:
        pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
        headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    else:
        fields = fields | {"client_id": client.client_id, "client_secret": client.client_secret}
    body = urlencode({name: value for name, value in fields.items() if value}).encode()
    return await wire.request("POST", url, headers=headers, body=body, timeout_s=TIMEOUT_S, trusted=True)


def _answered(
    answer: Reply | Failure, client: Client, now: datetime, *, is_renewed: bool = False
) -> Tokens | ReconnectNeeded | RetryLater:
    if isinstance(answer, Failure):
        return RetryLater(reason=f"The provider's sign-in did not answer: {answer.reason}", is_unreachable=True)
    told = _told(answer.body)
    if answer.status != 200 or _is_refused(told):
        return _refused(answer.status if answer.status != 200 else 400, told)
    token, refresh_token = told.get("access_token"), told.get("refresh_token") or ""
    if not _is_token(token) or not (refresh_token == "" or _is_token(refresh_token)):
        return RetryLater(reason="The provider's sign-in answered without a token that can be used.")
    return Tokens(
        access_token=str(token),
        refresh_token=str(refresh_token),
        expires_at=_expires_at(now, told.get("expires_in"), is_renewed=is_renewed or bool(refresh_token)),
        missing=_missing(client.scopes, told.get("scope")),
    )


def _refused(status: int, told: Mapping[str, Any]) -> ReconnectNeeded | RetryLater:
    said = told.get("error")
    if status in (400, 401, 403) and said in ENDED:
        return ReconnectNeeded(reason=f"The provider no longer lets us in ({said}). Connect the account again.")
    if status in (400, 401, 403) and said in ("invalid_client", "unauthorized_client"):
        # Ours to mend: nobody who connects again would be better off.
        reason = f"The provider does not accept this installation's registration ({said}). Its operator must mend it."
        return RetryLater(reason=reason, is_ours=True)
    return RetryLater(reason=f"The provider's sign-in answered {status}.")


def _is_refused(told: Mapping[str, Any]) -> bool:
    """Slack answers 200 and says so in the body."""
    return told.get("ok") is False


def _expires_at(now: datetime, said: object, *, is_renewed: bool) -> datetime | None:
    """A token that cannot be exchanged and of which nothing is said does not end by itself (Slack, without rotation),
    nor does one that lives 0 seconds (Mailchimp)."""
    if said in (None, 0) and not is_renewed:
        return None
    return now + timedelta(seconds=_life_s(said))


def _told(body: bytes) -> Mapping[str, Any]:
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return told if isinstance(told, dict) else {}


def _is_token(said: object) -> bool:
    return isinstance(said, str) and 0 < len(said) <= TOKEN_CHARACTERS_MAX and all("!" <= one <= "~" for one in said)


def _life_s(said: object) -> float:
    """Some providers write the number as text."""
    if isinstance(said, str) and said.isascii() and said.isdigit():
        said = int(said[:9])
    is_number = isinstance(said, int | float) and not isinstance(said, bool)
    return float(said) if is_number and 0 <= said < 10**9 else LIFE_UNSAID_S  # type: ignore[operator, arg-type]


def _missing(asked: tuple[str, ...], said: object) -> tuple[str, ...]:
    """Scopes that were not allowed: people may untick them. Providers write the same scope long or short."""
    if not isinstance(said, str) or not said:
        return ()
    granted = {one.rpartition("/")[2].lower() for one in said.replace(",", " ").split()}
    return tuple(one for one in asked if one not in UNTOLD_SCOPES and one.rpartition("/")[2].lower() not in granted)
