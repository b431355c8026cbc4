"""What a scheme is given, and how it says no."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Word = Annotated[str, Meta(max_length=200)]


class Unverified(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    """Why a request does not count as the sender's; safe to log, never told to whoever sent it."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a source's owner sets beside its secrets. Each scheme reads its own few; the rest stay empty.

    `hmac`: header, prefix, algorithm, encoding, template of `{body}`, `{ts}` and `{id}`, timestamp_header, id_header.
    `bearer`: header, where it is another than Authorization. `basic`: user. `google_channel`: channel_id, resource_id.
    `jwt`: header, jwks or jwks_url (where the set is fetched from), algorithms, issuer, audience, body_claim (holds the
    SHA-256 of the body).
    """

    header: Word = ""
    prefix: Word = ""
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64", "base64url"] = "hex"
    template: Word = "{body}"
    timestamp_header: Word = ""
    id_header: Word = ""
    tolerance_s: Annotated[int, Meta(ge=1, le=90_000)] = 300
    user: Word = ""
    channel_id: Word = ""
    resource_id: Word = ""
    jwks: dict[str, Any] = {}
    jwks_url: Annotated[str, Meta(max_length=500)] = ""
    algorithms: tuple[Literal["RS256", "PS256", "ES256", "EdDSA"], ...] = ("RS256", "ES256")
    issuer: Word = ""
    audience: Word = ""
    body_claim: Word = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it arrived. Header names are lower case; `url` is the public one with its query; `now` in seconds
    of machine time; `secrets` are the current one and those that still hold beside it."""

    headers: Mapping[str, str]
    body: bytes
    url: str
    secrets: Sequence[str]
    now: float
    options: Options = Options()

    def header(self, name: str) -> str:
        """Raises Unverified where it is missing or empty."""
        value = self.headers.get(name.lower(), "")
        if not value:
            raise Unverified(f"{name.lower()} is missing")
        return value

    def __repr__(self) -> str:
        return f"Request({len(self.body)} bytes)"


def is_any(given: bytes, expected: Sequence[bytes]) -> bool:
    """Whether one of them is equal; how long it takes tells neither which nor how nearly."""
    return any([hmac.compare_digest(given, one) for one in expected])


def is_secret(given: str, secrets: Sequence[str]) -> bool:
    """The same for texts that are secrets themselves; their lengths do not show either."""
    return is_any(_digest(given), [_digest(one) for one in secrets])


def check_age(request: Request, timestamp: str, tolerance_s: int) -> None:
    """Raises Unverified for a time (in seconds) that is no number, too old or too far ahead."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Unverified("the timestamp is not a number of seconds")
    if abs(request.now - int(timestamp)) > tolerance_s:
        raise Unverified(f"the timestamp is more than {tolerance_s} s away from now")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
