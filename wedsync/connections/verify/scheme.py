"""The schemes by name, and the one way to ask: verified, or why not."""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import structlog

from wedsync.connections import signatures
from wedsync.connections.verify import addresses, keys, macs, shared
from wedsync.connections.verify.request import Request, Unverified

log = structlog.get_logger("hooks")

Name = Literal[
    "standard",
    "hmac",
    "stripe",
    "slack",
    "twilio",
    "sendgrid",
    "mailchimp",
    "mandrill",
    "google_channel",
    "graph",
    "hint",
    "signed_hint",
    "jwt",
    "bearer",
    "basic",
]


def standard(request: Request) -> None:
    """Standard Webhooks, `v1` and `v1a`, under `webhook-` or `svix-` headers."""
    try:
        signatures.verify(request.secrets, request.headers, request.body, now=request.now)
    except signatures.SignatureError as error:
        raise Unverified(str(error)) from error


SCHEMES: Final[Mapping[str, Callable[[Request], None]]] = {
    "standard": standard,
    "hmac": macs.templated,
    "stripe": macs.stripe,
    "slack": macs.slack,
    "twilio": addresses.twilio,
    "sendgrid": keys.sendgrid,
    "mailchimp": shared.in_address,
    "mandrill": addresses.mandrill,
    "google_channel": shared.google_channel,
    "graph": shared.graph,
    "hint": shared.in_address,
    "signed_hint": macs.signed_hint,
    "jwt": keys.token,
    "bearer": shared.bearer,
    "basic": shared.basic,
}


def verify(name: str, request: Request) -> str | None:
    """None for a request of the sender's, else why it is not; never raises, whatever the request holds."""
    scheme = SCHEMES.get(name)
    if scheme is None:
        return f"there is no scheme {name}"
    if name != "jwt" and not any(request.secrets):
        return "there is no secret to verify with"
    try:
        scheme(request)
    except Unverified as reason:
        return str(reason)
    except Exception as error:  # anybody wrote these bytes: what cannot be read is not verified
        log.info("hook_unreadable", scheme=name, reason=_kind(error))
        return f"it cannot be read: {_kind(error)}"
    return None


def _kind(error: Exception) -> str:
    """Without the text, which may quote what was sent."""
    return type(error).__name__
