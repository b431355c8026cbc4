"""A small, strict OAuth 2 authorization server that fakes mount under a prefix of their own.

Pages: `<prefix>/authorize` (choose an account, allow or deny), `<prefix>/token` and `<prefix>/revoke`. What a program
cannot click it says: `&auto=1` allows as the first account, `&auto=<e-mail>` as that one, `&auto=deny` denies.
By RFC 6749 4.1 and 6, RFC 7636 (S256 only), RFC 7009; a code used twice and, where refresh tokens rotate, a refresh
token used twice end the whole grant (RFC 9700 4.14.2), as providers do it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET
from wedsync.connections.fake_grants import Asked, Grant, Grants, Issued, OAuthError, client_of, verified
from wedsync.connections.fakes import FINE, Moods, drop_connection, given, pages

SLOW_S: Final = 5.0
ASKING: Final = "fewer scopes"
"""The one mood that is about the consent screen; the others are about tokens."""

MOODS: Final = {
    "slow": f"Gives tokens after {SLOW_S:g} seconds.",
    "429": "Answers 429 with Retry-After: 2 to whoever asks for a token.",
    "5xx": "Answers 503 to whoever asks for a token.",
    "dead token": "Refuses every token, and to refresh: invalid_grant, as if access had been taken away.",
    "lost reply": "Makes a new token and closes the connection without an answer.",
    ASKING: "Grants all that is asked for but the last scope.",
    "odd": "Answers 200 without a token.",
}


class Consent:
    """One provider's accounts and what they allowed whom.

    `accounts`: e-mail address -> name; others join when they are typed on the page or named by `auto`.
    `scopes`: what each is for, in words; one that is not among them is refused as a provider does (invalid_scope).
    `offline`: the parameter (`access_type`, `offline`) or the scope (`scope`, `offline_access`) without which there is
    no refresh token; None gives always one. `rotates`: each refresh token is good for one use. `separator` stands
    between scopes. `has_pkce`: one that has none refuses its parameters.
    """

    def __init__(
        self,
        prefix: str,
        title: str,
        *,
        accounts: Mapping[str, str],
        scopes: Mapping[str, str],
        clients: Mapping[str, str] | None = None,
        life_s: float = 3600.0,
        rotates: bool = False,
        offline: tuple[str, str] | None = None,
        separator: str = " ",
        has_pkce: bool = True,
    ) -> None:
        self.title = title
        self.has_pkce = has_pkce
        self.accounts = dict(accounts)
        self.scopes = dict(scopes)
        self.clients = dict(clients or {CLIENT_ID: CLIENT_SECRET})
        self.offline = offline
        self.separator = separator
        self.moods = Moods(MOODS)
        self.grants = Grants(life_s=life_s, rotates=rotates)
        self.stopping = asyncio.Event()
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(prefix, route_handlers=[ask, answer, token, revoke], dependencies={"consent": given(self)})
        ]

    @property
    def refreshes(self) -> int:
        """How often a token was refreshed."""
        return self.grants.refreshes

    def account_of(self, request: "Request[Any, Any, Any]") -> str | None:
        """Whose token the request carries, or None: answer 401 then."""
        grant = self.grant_of(request)
        return None if grant is None else grant.account

    def grant_of(self, request: "Request[Any, Any, Any]") -> Grant | None:
        """The same with the scopes that were allowed, for who answers 403 where one is missing."""
        kind, _, held = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or self.moods.current == "dead token":
            return None
        return self.grants.by_access(held.strip())

    def issue(self, account: str, scopes: Sequence[str] = ()) -> Issued:
        """Tokens without a browser, for tests that are not about connecting."""
        return self.grants.start(account, next(iter(self.clients)), tuple(scopes or self.scopes))

    def asked(self, query: Mapping[str, str]) -> Asked:
        """An authorization request, checked. Refusals that may not be sent back are shown: OAuthError without `to`."""
        address = urlsplit(query.get("redirect_uri", ""))
        if query.get("client_id") not in self.clients:
            raise OAuthError("invalid_client", "This client_id is not known here. Is it set as the sandbox has it?")
        if address.scheme not in ("http", "https") or not address.netloc or address.fragment:
            raise OAuthError("invalid_request", "redirect_uri must be a whole http address without a fragment.")
        named = {name: query.get(name, "") for name in Asked.__struct_fields__}
        asked = msgspec.convert(named | {"scope": named["scope"].replace(self.separator, " ")}, type=Asked)
        error = asked.problem(self.scopes, has_pkce=self.has_pkce)
        if error is not None:
            raise OAuthError(*error, to=asked)
        return asked

    def allow(self, asked: Asked, account: str) -> str:
        """The address to send the browser back to, with the code."""
        self.accounts.setdefault(account, account.partition("@")[0].title())
        scopes = asked.scope.split()
        if self.moods.current == ASKING:
            self.moods.take()
            scopes = scopes[:-1]
        name, value = self.offline or ("", "")
        is_offline = not name or value in (scopes if name == "scope" else [getattr(asked, name)])
        return asked.back({"code": self.grants.code(asked, account, tuple(scopes), is_offline=is_offline)})


def build_page(consent: Consent, asked: Asked) -> str:
    return PAGES.get_template("consent.html").render(
        consent=consent,
        asked=asked,
        wanted=[(scope, consent.scopes[scope]) for scope in asked.scope.split()],
        app=urlsplit(asked.redirect_uri).netloc,
    )


@get("/authorize", media_type=MediaType.HTML)
async def ask(request: "Request[Any, Any, Any]", consent: Consent) -> Response[Any]:
    """The consent screen; with `auto` its answer at once."""
    query = dict(parse_qsl(request.url.query, keep_blank_values=True))
    try:
        asked = consent.asked(query)
    except OAuthError as error:
        return _refused(error)
    auto = query.get("auto", "")
    if auto:
        return _sent_back(consent, asked, "" if auto == "deny" else auto)
    if asked.prompt == "none":
        return Redirect(asked.back({"error": "interaction_required"}), status_code=303)
    return Response(build_page(consent, asked), media_type=MediaType.HTML)


@post("/authorize")
async def answer(
    consent: Consent, data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Response[Any]:
    """Allow or deny. The request was in the form; it is checked again, since anybody can send a form."""
    try:
        asked = consent.asked(data)
    except OAuthError as error:
        return _refused(error)
    account = data.get("other", "").strip() or data.get("account", "")
    return _sent_back(consent, asked, account if data.get("answer") == "allow" else "")


@post("/token", status_code=200)
async def token(request: "Request[Any, Any, Any]", consent: Consent) -> Response[Any]:
    """Code or refresh token for tokens."""
    fields = await _form(request)
    mood = consent.moods.take() if consent.moods.current != ASKING else FINE
    if mood == "slow":
        await asyncio.sleep(SLOW_S)
    if mood in ("429", "5xx"):
        headers = {"retry-after": "2"} if mood == "429" else {}
        return Response({}, status_code=429 if mood == "429" else 503, headers=headers)
    try:
        client = client_of(request.headers.get("authorization", ""), fields, consent.clients)
        if mood == "dead token":
            raise OAuthError("invalid_grant", "Token has been expired or revoked.")
        issued = _issued(consent, client, fields)
    except OAuthError as error:
        return error.reply()
    if mood == "lost reply":
        drop_connection(request)
    told = {"token_type": "Bearer"} if mood == "odd" else issued.told()
    return Response(told, headers={"cache-control": "no-store"})


@post("/revoke", status_code=200)
async def revoke(request: "Request[Any, Any, Any]", consent: Consent) -> Response[Any]:
    """Ends the grant of a token of either kind; one that is not known is as good as ended (RFC 7009 2.2)."""
    fields = await _form(request)
    given = fields.get("token") or request.query_params.get("token", "")
    if not given:
        return OAuthError("invalid_request", "Give the token to revoke.").reply()
    consent.grants.revoke(given)
    return Response({})


def _issued(consent: Consent, client: str, fields: Mapping[str, str]) -> Issued:
    kind = fields.get("grant_type")
    if kind == "refresh_token":
        return consent.grants.refresh(fields.get("refresh_token", ""), client, fields.get("scope", "").split())
    if kind != "authorization_code":
        raise OAuthError("unsupported_grant_type", "Give grant_type authorization_code or refresh_token.")
    code = consent.grants.take(fields.get("code", ""))
    verified(code, client=client, fields=fields, has_pkce=consent.has_pkce)
    return consent.grants.start(code.account, client, code.scopes, is_offline=code.is_offline, number=code.number)


def _sent_back(consent: Consent, asked: Asked, account: str) -> Response[Any]:
    if not account:
        return Redirect(asked.back({"error": "access_denied"}), status_code=303)
    first = next(iter(consent.accounts), "")
    return Redirect(consent.allow(asked, first if account == "1" else account), status_code=303)


def _refused(error: OAuthError) -> Response[Any]:
    if error.to is not None:
        told = {"error": error.code, "error_description": error.detail}
        return Redirect(error.to.back(told), status_code=303)
    page = PAGES.get_template("consent_refused.html").render(error=error)
    return Response(page, status_code=400, media_type=MediaType.HTML)


async def _form(request: "Request[Any, Any, Any]") -> dict[str, str]:
    """Fields of a form; {} for any other body, so that what is missing is said."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    return dict(parse_qsl((await request.body()).decode("utf-8", errors="replace"), keep_blank_values=True))


PAGES = pages(Path(__file__).parent / "templates")
