"""A client certificate with its key, as somebody typed them: read, checked against each other, and made one PEM.

Checked is what would make every connection fail: a key that is another's, an encrypted one, a certificate that is over.
Whether the receiver trusts who issued it is the receiver's business.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

CHAIN_MAX = 10
FORM = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
RSA_BITS_MIN = 2048
CURVES = (ec.SECP256R1, ec.SECP384R1)


class IdentityError(Exception):
    """It cannot be used. `part` is certificate or key, `reason` completes "The key …", `fix` is what to do."""

    def __init__(self, part: str, reason: str, fix: str) -> None:
        super().__init__(f"The {part} {reason}. {fix}")
        self.part = part
        self.reason = reason
        self.fix = fix


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """`pem` is the key, unencrypted, and the chain, the holder's certificate first: what `kit.http` takes."""

    pem: bytes
    subject: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Identity({self.subject!r}, expires_at={self.expires_at})"


class _Holder(NamedTuple):
    """What is read of the first certificate."""

    key: bytes
    subject: str
    since: datetime
    until: datetime


def read(certificate: str, key: str, *, now: datetime) -> Identity:
    """Raises IdentityError."""
    chain, holder = _chain(certificate)
    private = _key(key)
    if private.public_key().public_bytes(*FORM) != holder.key:
        raise IdentityError("key", "does not belong to the certificate", "Give the key the certificate was made with.")
    if holder.until <= now:
        raise IdentityError("certificate", f"expired on {holder.until:%Y-%m-%d}", "Renew it, and give the new one.")
    if holder.since > now:
        start = f"{holder.since:%Y-%m-%d %H:%M} UTC"
        raise IdentityError("certificate", f"is valid only from {start}", "Wait until then, or check its dates.")
    written = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = b"".join([written, *(one.public_bytes(Encoding.PEM) for one in chain)])
    return Identity(pem=pem, subject=holder.subject[:300], expires_at=holder.until)


def _chain(text: str) -> tuple[Sequence[x509.Certificate], _Holder]:
    try:
        chain = x509.load_pem_x509_certificates(text.encode())
        # Parts are read when they are asked for, so what is broken inside shows here.
        first = chain[0]
        holder = _Holder(
            key=first.public_key().public_bytes(*FORM),
            subject=first.subject.rfc4514_string(),
            since=first.not_valid_before_utc,
            until=first.not_valid_after_utc,
        )
    except (ValueError, UnsupportedAlgorithm) as cause:
        fix = "Paste it as PEM, from -----BEGIN CERTIFICATE----- on."
        raise IdentityError("certificate", "cannot be read", fix) from cause
    if len(chain) > CHAIN_MAX:
        fix = "Paste yours and what is between it and the root."
        raise IdentityError("certificate", f"comes with more than {CHAIN_MAX - 1} others", fix)
    return chain, holder


def _key(text: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    if "ENCRYPTED" in text:
        fix = "Take the password off with `openssl pkey -in key.pem`; it is kept sealed here."
        raise IdentityError("key", "is protected by a password", fix)
    try:
        key: PrivateKeyTypes = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        fix = "Paste it as PEM, from -----BEGIN PRIVATE KEY----- on."
        raise IdentityError("key", "cannot be read", fix) from cause
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= RSA_BITS_MIN:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, CURVES):
        return key
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    fix = f"Use RSA of at least {RSA_BITS_MIN} bits, ECDSA with P-256 or P-384, or Ed25519."
    raise IdentityError("key", "is of a kind that TLS does not take", fix)
