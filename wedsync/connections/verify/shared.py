"""Schemes that show a secret: bearer, basic, Mailchimp's address, Google's channel token, Graph's clientState."""

import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from wedsync.connections.verify.request import Request, Unverified, is_secret


def bearer(request: Request) -> None:
    """`Authorization: Bearer …`, or the bare secret in a header of the owner's choice."""
    options = request.options
    given = request.header(options.header or "authorization")
    if not options.header:
        word, _, given = given.partition(" ")
        if word.lower() != "bearer":
            raise Unverified("authorization is not a bearer token")
    if not is_secret(given.strip(), request.secrets):
        raise Unverified("the token does not match")


def basic(request: Request) -> None:
    """`Authorization: Basic …`; a password may hold colons (RFC 7617)."""
    word, _, encoded = request.header("authorization").partition(" ")
    if word.lower() != "basic":
        raise Unverified("authorization is not basic")
    user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    # Both are compared, so that a wrong user takes as long as a wrong password.
    if not all([is_secret(user, [request.options.user]), is_secret(password, request.secrets)]):
        raise Unverified("user or password does not match")


def in_address(request: Request) -> None:
    """`?secret=…`, for senders that sign nothing: Mailchimp's audiences, CRMs whose hooks only say where to look. Query
    strings are never logged."""
    given = parse_qs(urlsplit(request.url).query).get("secret", [""])
    if len(given) != 1 or not is_secret(given[0], request.secrets):
        raise Unverified("the secret of the address does not match")


def google_channel(request: Request) -> None:
    """The channel's token, and that channel and resource are those that were watched. The body is always empty."""
    if not is_secret(request.header("x-goog-channel-token"), request.secrets):
        raise Unverified("the channel's token does not match")
    for name, wanted in (("channel", request.options.channel_id), ("resource", request.options.resource_id)):
        if wanted and request.header(f"x-goog-{name}-id") != wanted:
            raise Unverified(f"it is of another {name}")


def graph(request: Request) -> None:
    """At least one notification bears the subscription's clientState; `trusted` drops the others of the batch."""
    if not trusted(request):
        raise Unverified("no clientState matches")


def trusted(request: Request) -> list[dict[str, Any]]:
    """The notifications of a Microsoft Graph batch whose clientState is ours."""
    values = msgspec.json.decode(request.body)["value"]
    return [one for one in values if is_secret(str(one.get("clientState", "")), request.secrets)]
