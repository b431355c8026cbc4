"""Standard Webhooks signatures, both sides: what we send is signed here, and what others send us is verified here.

Specification 1.0.0 (https://www.standardwebhooks.com). Signed is `id.timestamp.body`, over the raw bytes. Secrets are
`whsec_` (HMAC-SHA256, `v1`); key pairs are `whsk_`/`whpk_` (Ed25519, `v1a`). While a secret is rotated, the header
holds one signature for each; a receiver takes any that matches and skips versions it does not know.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SECRET_BYTES = 32
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64
TOLERANCE_S = 300
SIGNATURES_MAX = 20

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class SignatureError(Exception):
    """Why a request does not count as signed; safe to log, not to be told to whoever sent it."""


def new_secret() -> str:
    """A fresh shared secret in its written form."""
    return "whsec_" + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def sign(secrets: Sequence[str], *, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one item for each secret (`whsec_` or bare base64) or private key (`whsk_`).

    Raises ValueError for a secret of the wrong form and for an id that could be read as id and timestamp.
    """
    if not secrets:
        raise ValueError("Nothing to sign with: a webhook needs at least one secret.")
    if "." in message_id:
        raise ValueError("A webhook id must not hold a full stop: it would blur what is signed.")
    signed = _signed(message_id, str(timestamp), body)
    return " ".join(_item(secret, signed) for secret in secrets)


def verify(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, *, now: float, tolerance_s: int = TOLERANCE_S
) -> str:
    """The id of a request signed by any of `secrets` (shared, or `whpk_`) within the tolerance; raises SignatureError.

    Header names must be lower case; `svix-` names count like `webhook-` ones.
    """
    message_id, timestamp, signatures = (_header(headers, name) for name in (ID, TIMESTAMP, SIGNATURE))
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise SignatureError(f"{TIMESTAMP} is not a number of seconds")
    if abs(now - int(timestamp)) > tolerance_s:
        raise SignatureError(f"{TIMESTAMP} is more than {tolerance_s} s away from now")
    signed = _signed(message_id, timestamp, body)
    items = signatures.split(" ")[:SIGNATURES_MAX]
    # No early way out: how long this takes must not tell which of the secrets or signatures was close.
    matches = [_matches(secret, item, signed) for secret in secrets for item in items]
    if not any(matches):
        raise SignatureError("no signature matches")
    return message_id


def shared_key(secret: str) -> bytes:
    """The bytes of a shared secret, with or without prefix and padding; raises ValueError unless 24 to 64 bytes."""
    key = _decoded(secret.removeprefix("whsec_"))
    if not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
        raise ValueError(f"A webhook secret has {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes, this one {len(key)}.")
    return key


def _item(secret: str, signed: bytes) -> str:
    if secret.startswith("whsk_"):
        # Seed and public key behind each other, as Svix writes it; the seed alone signs.
        seed = _decoded(secret.removeprefix("whsk_"))[:32]
        signature = Ed25519PrivateKey.from_private_bytes(seed).sign(signed)
        return "v1a," + base64.b64encode(signature).decode()
    mac = hmac.digest(shared_key(secret), signed, hashlib.sha256)
    return "v1," + base64.b64encode(mac).decode()


def _matches(secret: str, item: str, signed: bytes) -> bool:
    version, _, encoded = item.partition(",")
    try:
        given = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    if secret.startswith("whpk_"):
        return version == "v1a" and _is_signed_by(secret, given, signed)
    expected = hmac.digest(shared_key(secret), signed, hashlib.sha256)
    return hmac.compare_digest(expected, given) and version == "v1"


def _is_signed_by(public: str, given: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(_decoded(public.removeprefix("whpk_"))).verify(given, signed)
    except InvalidSignature:
        return False
    return True


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name) or headers.get(name.replace("webhook-", "svix-"))
    if not value:
        raise SignatureError(f"{name} is missing")
    return value


def _signed(message_id: str, timestamp: str, body: bytes) -> bytes:
    return b"%b.%b.%b" % (message_id.encode(), timestamp.encode(), body)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as cause:
        raise ValueError("A webhook secret is base64 after its prefix; this one is not.") from cause
