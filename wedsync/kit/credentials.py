"""How a request proves who sends it, as a tenant sets it: headers of their own and one kind of authentication.

Pure: what may be set and how it is written into a request. What is set is kept as one sealed text (`Credentials`); of
it only `Shown` and the names of the headers are ever seen again.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from wedsync.kit import guard, identity
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.guard import Network, TargetError
from wedsync.kit.identity import IdentityError

Kind = Literal["none", "api_key", "basic", "bearer", "oauth2", "mtls"]
ClientAuth = Literal["basic", "body"]
Text = Annotated[str, Meta(max_length=2048)]
Pem = Annotated[str, Meta(max_length=32_768)]
HeaderValue = Annotated[str, Meta(max_length=1024)]

HEADERS_MAX: Final = 20
HEADERS_CHARACTERS_MAX: Final = 8192
MASK: Final = "••••••"

#: What each kind needs, and what it may have besides.
NEEDED: Final[Mapping[Kind, Sequence[str]]] = {
    "none": (),
    "api_key": ("header", "value"),
    "basic": ("username", "password"),
    "bearer": ("token",),
    "oauth2": ("token_url", "client_id", "client_secret"),
    "mtls": ("certificate", "key"),
}
OPTIONAL: Final[Mapping[Kind, Sequence[str]]] = {"oauth2": ("scope", "audience", "client_auth")}
#: What is never shown again. Left out in a change, what is held stays.
SECRET: Final = frozenset({"value", "password", "token", "client_secret", "certificate", "key"})

#: What is kept of a certificate besides, so that no delivery has to read it again.
PEM: Final = "pem"
EXPIRES_AT: Final = "expires_at"

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

#: Not a tenant's to set: what belongs to the connection, to us, to whoever stands between, or to a cloud's metadata.
_DENIED = frozenset(
    {
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"),
        *("host", "expect", "date", "via", "max-forwards", "accept-encoding", "range", "early-data"),
        *("cookie", "cookie2", "set-cookie", "set-cookie2", "origin", "referer"),
        *("forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "client-ip"),
        *("x-http-method-override", "x-method-override", "x-http-method", "x-rewrite-url"),
        *("metadata", "metadata-flavor", "x-google-metadata-request", "traceparent", "tracestate"),
    }
)
_DENIED_STARTS = (
    *("content-", "webhook-", "svix-", "proxy-", "sec-", "access-control-", "if-"),
    *("x-forwarded-", "x-original-", "x-aws-", "x-envoy-", "cf-"),
)


class NewAuth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How we prove who we are. `none`; `api_key`: header, value; `basic`: username, password; `bearer`: token;
    `oauth2` (client credentials): token_url, client_id, client_secret, if wanted scope, audience and client_auth;
    `mtls`: certificate and key in PEM. Secrets are never shown again; left out in a change, they stay.
    """

    kind: Kind
    header: Annotated[str, Meta(max_length=64)] = ""
    value: Text = ""
    username: Annotated[str, Meta(max_length=255)] = ""
    password: Annotated[str, Meta(max_length=1024)] = ""
    token: Annotated[str, Meta(max_length=8192)] = ""
    token_url: Annotated[str, Meta(max_length=2000)] = ""
    client_id: Annotated[str, Meta(max_length=512)] = ""
    client_secret: Text = ""
    scope: Annotated[str, Meta(max_length=1024)] = ""
    audience: Annotated[str, Meta(max_length=512)] = ""
    client_auth: ClientAuth = "basic"
    certificate: Pem = ""
    key: Pem = ""

    def __repr__(self) -> str:
        return f"NewAuth({self.kind})"


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What may be seen of how we prove who we are; of a certificate whose it is and until when."""

    kind: Kind
    header: str = ""
    username: str = ""
    token_url: str = ""
    client_id: str = ""
    scope: str = ""
    audience: str = ""
    client_auth: str = ""
    subject: str = ""
    expires_at: datetime | None = None


class Credentials(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything, in the open: only ever between the seal and the request. `auth` has the fields of its kind."""

    kind: Kind = "none"
    auth: dict[str, str] = {}
    headers: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Credentials({self.kind}, headers={sorted(self.headers)})"

    @property
    def typed(self) -> dict[str, str]:
        """The fields of `auth` as they were given."""
        return {name: value for name, value in self.auth.items() if name not in (PEM, EXPIRES_AT)}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may show, also as it looks in a request."""
        own = [value for name, value in self.auth.items() if name in SECRET]
        return (*own, *self.headers.values(), *([_basic(self.auth)] if self.kind == "basic" else []))


def to_text(credentials: Credentials) -> str:
    """What is sealed."""
    return msgspec.json.encode(credentials).decode()


def from_text(text: str) -> Credentials:
    return msgspec.json.decode(text, type=Credentials)


def written(credentials: Credentials) -> dict[str, str]:
    """The headers of a request; a token and a certificate come from elsewhere."""
    auth = credentials.auth
    match credentials.kind:
        case "api_key":
            return {**credentials.headers, auth["header"]: auth["value"]}
        case "basic":
            return {**credentials.headers, "authorization": f"Basic {_basic(auth)}"}
        case "bearer":
            return {**credentials.headers, "authorization": f"Bearer {auth['token']}"}
        case _:
            return dict(credentials.headers)


def _basic(auth: Mapping[str, str]) -> str:
    return b64encode(f"{auth['username']}:{auth['password']}".encode()).decode()


def checked_auth(
    new: NewAuth, held: Credentials, *, now: datetime, allow: Sequence[Network] = ()
) -> tuple[Shown, dict[str, str]]:
    """What is shown and what is sealed; secrets left out are those held. Raises Refusal 422 by the field."""
    given = {name: getattr(new, name) for name in (*NEEDED[new.kind], *OPTIONAL.get(new.kind, ()))}
    stray = [name for name in SECRET if getattr(new, name) and name not in given]
    if stray:
        raise _wrong(stray[0], f"does not go with {new.kind}", "Leave it out, or choose the other kind.")
    if held.kind == new.kind and _is_for_the_same(given, held):
        given |= {name: held.auth[name] for name in SECRET & given.keys() if not given[name] and name in held.auth}
    for name in NEEDED[new.kind]:
        if not given[name]:
            raise _wrong(name, "is missing", "It was not set, or is set for another address: give it.")
    _check_fields(new.kind, given, allow)
    if new.kind != "mtls":
        return Shown(kind=new.kind, **{name: value for name, value in given.items() if name not in SECRET}), given
    try:
        read = identity.read(given["certificate"], given["key"], now=now)
    except IdentityError as error:
        raise _wrong(error.part, error.reason, error.fix) from error
    shown = Shown(kind="mtls", subject=read.subject, expires_at=read.expires_at)
    return shown, given | {PEM: read.pem.decode(), EXPIRES_AT: read.expires_at.isoformat()}


def _is_for_the_same(given: Mapping[str, str], held: Credentials) -> bool:
    """A held client secret goes to the token server it was given for, and to no other; halves of a pair stay halves."""
    return given.get("token_url", "") == held.auth.get("token_url", "") and not (
        "key" in given and bool(given["key"]) != bool(given["certificate"])
    )


def _check_fields(kind: Kind, given: Mapping[str, str], allow: Sequence[Network]) -> None:
    if kind == "api_key":
        _check_api_key(given)
    elif kind == "bearer":
        _must_match(_TOKEN, given, "token")
    elif kind == "basic":
        _check_basic(given)
    elif kind == "oauth2":
        for name in ("client_id", "client_secret", "scope", "audience"):
            _must_match(_VALUE, given, name)
        try:
            guard.check(given["token_url"], allow)
        except TargetError as error:
            raise error.as_refusal("auth.token_url") from error


def _check_api_key(given: Mapping[str, str]) -> None:
    problem = name_problem(given["header"])
    if problem:
        raise _wrong("header", *problem)
    _must_match(_VALUE, given, "value")


def _check_basic(given: Mapping[str, str]) -> None:
    if ":" in given["username"]:
        raise _wrong("username", "holds a colon", "Basic authentication has no way to write one.")
    for name in ("username", "password"):
        if _CONTROL.search(given[name]):
            raise _wrong(name, "holds a control character", "Take it out.")


def _must_match(pattern: re.Pattern[str], given: Mapping[str, str], name: str) -> None:
    if given[name] and not pattern.fullmatch(given[name]):
        raise _wrong(name, "holds a character that cannot be sent", "Use printable ASCII, without spaces at its ends.")


def checked_headers(given: Mapping[str, str | None], held: Mapping[str, str]) -> dict[str, str]:
    """Headers by lower-case name; None keeps the value held. Raises Refusal 422 on the field `headers`."""
    if len(given) > HEADERS_MAX:
        raise _header(f"are more than {HEADERS_MAX}", "Send fewer.")
    headers: dict[str, str] = {}
    for typed, value in given.items():
        name = typed.lower()
        kept = held.get(name) if value is None else value
        if name in headers:
            raise _header(f"name {name} twice", "Give it once.")
        if kept is None:
            raise _header(f"give {typed[:64]} no value", "It holds none that could be kept: give one.")
        problem = name_problem(typed) or value_problem(kept)
        if problem:
            raise _header(f"hold {typed[:64]!r}, which {problem[0]}", problem[1])
        headers[name] = kept
    if sum(len(name) + len(value) for name, value in headers.items()) > HEADERS_CHARACTERS_MAX:
        raise _header(f"are longer than {HEADERS_CHARACTERS_MAX} characters together", "Send less.")
    return headers


def twice(name: str) -> Refusal:
    """One name for the key and for a header of their own."""
    return _header(f"name {name}, which the API key is sent in", "Leave it out of the headers.")


def name_problem(name: str) -> tuple[str, str] | None:
    """Why a tenant may not set a header of this name, and what to do; None where it may."""
    lower = name.lower()
    if not _NAME.fullmatch(name):
        return "is no name of a header", "Use letters, digits and hyphens, at most 64."
    if lower == "authorization":
        return "is set by the authentication", "Choose a kind of authentication instead: bearer, basic or oauth2."
    if lower in _DENIED or lower.startswith(_DENIED_STARTS):
        return "is not yours to set", "It belongs to the connection, to the signature or to proxies; use another name."
    return None


def value_problem(value: str) -> tuple[str, str] | None:
    """The same for its value."""
    if not _VALUE.fullmatch(value):
        return "has a value that cannot be sent", "Use printable ASCII, without spaces at its ends."
    return None


def _wrong(field: str, reason: str, fix: str) -> Refusal:
    return Refusal(422, "invalid", f"auth.{field}: {reason}. {fix}", errors=[FieldError(f"auth.{field}", reason, fix)])


def _header(reason: str, fix: str) -> Refusal:
    return Refusal(422, "invalid", f"headers: {reason}. {fix}", errors=[FieldError("headers", reason, fix)])
