"""Schemes with public keys: SendGrid's ECDSA over the body, and JSON web tokens by a key set."""

import base64
import hashlib
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from joserfc import jwt
from joserfc.jwk import KeySet

from wedsync.connections.verify.request import Request, Unverified, check_age, is_secret

# Whether a repeat is signed anew is documented nowhere; repeats come for a day, and are told apart by their ids.
SENDGRID_TOLERANCE_S = 25 * 3600
LEEWAY_S = 60
SENDGRID = "x-twilio-email-event-webhook-"


def sendgrid(request: Request) -> None:
    """ECDSA (P-256, SHA-256) over timestamp and body; the secrets are the public keys as SendGrid shows them."""
    timestamp = request.header(f"{SENDGRID}timestamp")
    check_age(request, timestamp, SENDGRID_TOLERANCE_S)
    signature = base64.b64decode(request.header(f"{SENDGRID}signature"), validate=True)
    signed = timestamp.encode() + request.body
    if not any([_is_signed(secret, signature, signed) for secret in request.secrets]):
        raise Unverified("the signature does not match")


def _is_signed(public: str, signature: bytes, signed: bytes) -> bool:
    key = load_der_public_key(base64.b64decode(public))
    if not isinstance(key, EllipticCurvePublicKey):
        raise Unverified("the key is not one of an elliptic curve")
    try:
        key.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def token(request: Request) -> None:
    """A token by a key of the set; only asymmetric algorithms, so no public key can pass for a shared secret.

    Without `body_claim` it says who calls, not what was sent.
    """
    options = request.options
    text = request.header(options.header or "authorization")
    text = text[7:] if text[:7].lower() == "bearer " else text
    held = KeySet.import_key_set({"keys": options.jwks["keys"]})
    claims = jwt.decode(text.strip(), held, algorithms=list(options.algorithms)).claims
    _check_times(claims, request.now)
    if options.issuer and claims.get("iss") != options.issuer:
        raise Unverified("the token is from another issuer")
    audience = claims.get("aud", [])
    if options.audience and options.audience not in ([audience] if isinstance(audience, str) else audience):
        raise Unverified("the token is for somebody else")
    if options.body_claim and not is_secret(str(claims.get(options.body_claim)), _digests(request.body)):
        raise Unverified("the token is for another body")


def key_id(text: str) -> str | None:
    """Which key a token says it was signed with; None where it does not say, or is no token."""
    head = text.rpartition(" ")[2].partition(".")[0]
    try:
        said = msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except ValueError:
        return None
    found = said.get("kid") if isinstance(said, dict) else None
    return found if isinstance(found, str) else None


def _check_times(claims: dict[str, Any], now: float) -> None:
    if float(claims["exp"]) <= now - LEEWAY_S:
        raise Unverified("the token has expired")
    if max(float(claims.get("nbf", 0)), float(claims.get("iat", 0))) > now + LEEWAY_S:
        raise Unverified("the token is not valid yet")


def _digests(body: bytes) -> list[str]:
    digest = hashlib.sha256(body).digest()
    return [digest.hex(), base64.b64encode(digest).decode(), base64.urlsafe_b64encode(digest).rstrip(b"=").decode()]
