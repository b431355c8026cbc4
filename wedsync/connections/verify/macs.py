"""Schemes that sign the body with a shared secret: Stripe, Slack, hooks that are hints, any other by a template."""

import base64
import hmac
from collections.abc import Callable, Mapping

from wedsync.connections.verify.request import Request, Unverified, check_age, is_any

ITEMS_MAX = 20
ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "hex": lambda mac: mac.hex().encode(),
    "base64": base64.b64encode,
    "base64url": lambda mac: base64.urlsafe_b64encode(mac).rstrip(b"="),
}


def stripe(request: Request) -> None:
    """`Stripe-Signature: t=…,v1=…` over `t.body`; the secret is used as it is written, prefix included."""
    items = [item.partition("=") for item in request.header("stripe-signature").split(",")[:ITEMS_MAX]]
    timestamp = next((value for name, _, value in items if name.strip() == "t"), "")
    check_age(request, timestamp, request.options.tolerance_s)
    signed = b"%b.%b" % (timestamp.encode(), request.body)
    expected = [_mac(secret, signed, "sha256").hex().encode() for secret in request.secrets]
    if not any([is_any(value.encode(), expected) for name, _, value in items if name.strip() == "v1"]):
        raise Unverified("no signature matches")


def slack(request: Request) -> None:
    """`X-Slack-Signature: v0=…` over `v0:timestamp:body` (docs.slack.dev, verifying requests from Slack)."""
    timestamp = request.header("x-slack-request-timestamp")
    check_age(request, timestamp, request.options.tolerance_s)
    signed = b"v0:%b:%b" % (timestamp.encode(), request.body)
    expected = [b"v0=" + _mac(secret, signed, "sha256").hex().encode() for secret in request.secrets]
    if not is_any(request.header("x-slack-signature").encode(), expected):
        raise Unverified("the signature does not match")


def signed_hint(request: Request) -> None:
    """`X-Signature`: the hex HMAC-SHA256 of the body, of which only ids are kept. Tripleseat signs so."""
    given = request.header("x-signature").strip().lower().removeprefix("sha256=")
    expected = [_mac(secret, request.body, "sha256").hex().encode() for secret in request.secrets]
    if not is_any(given.encode(), expected):
        raise Unverified("the signature does not match")


def templated(request: Request) -> None:
    """Any header over any template; empty, it is GitHub's `X-Hub-Signature-256: sha256=…` over the body."""
    options = request.options
    header, prefix = (options.header, options.prefix) if options.header else ("x-hub-signature-256", "sha256=")
    given = request.header(header).strip()
    if not given.startswith(prefix):
        raise Unverified(f"{header.lower()} does not begin as it should")
    signed = _filled(request)
    encode = ENCODERS[options.encoding]
    expected = [encode(_mac(secret, signed, options.algorithm)) for secret in request.secrets]
    given = given.removeprefix(prefix)
    if options.encoding == "hex":
        given = given.lower()
    elif options.encoding == "base64url":
        given = given.rstrip("=")
    if not is_any(given.encode(), expected):
        raise Unverified("the signature does not match")


def _filled(request: Request) -> bytes:
    """The template with its places filled; what is filled in is not looked at again for places."""
    options = request.options
    values = {b"{body}": request.body}
    if options.timestamp_header:
        timestamp = request.header(options.timestamp_header)
        check_age(request, timestamp, options.tolerance_s)
        values[b"{ts}"] = timestamp.encode()
    if options.id_header:
        values[b"{id}"] = request.header(options.id_header).encode()
    parts, rest = [], options.template.encode()
    while rest:
        place = next((name for name in values if rest.startswith(name)), None)
        parts.append(rest[:1] if place is None else values[place])
        rest = rest[1:] if place is None else rest[len(place) :]
    return b"".join(parts)


def _mac(secret: str, signed: bytes, algorithm: str) -> bytes:
    return hmac.digest(secret.encode(), signed, algorithm)
