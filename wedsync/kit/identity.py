"""A client certificate with its key, as somebody typed them: read, checked against each other, and made one PEM.

Checked is what would make every connection fail: a key that is another's, an encrypted one, a certificate that is over.
Whether the receiver trusts who issued it is the receiver's business.
"""

from collections.abc import Sequence
from datetime import datetime

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


def read(certificate: str, key: str, *, now: datetime) -> Identity:
    """Raises IdentityError."""
    chain = _chain(certificate)
    private = _key(key)
    holder = chain[0]
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if private.public_key().public_bytes(*form) != holder.public_key().public_bytes(*form):
        raise IdentityError("key", "does not belong to the certificate", "Give the key the certificate was made with.")
    if holder.not_valid_after_utc <= now:
        over = f"{holder.not_valid_after_utc:%Y-%m-%d}"
        raise IdentityError("certificate", f"expired on {over}", "Renew it, and give the new one.")
    if holder.not_valid_before_utc > now:
        start = f"{holder.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        raise IdentityError("certificate", f"is valid only from {start}", "Wait until then, or check its dates.")
    written = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = b"".join([written, *(one.public_bytes(Encoding.PEM) for one in chain)])
    return Identity(pem=pem, subject=holder.subject.rfc4514_string()[:300], expires_at=holder.not_valid_after_utc)


def _chain(text: str) -> Sequence[x509.Certificate]:
    try:
        chain = x509.load_pem_x509_certificates(text.encode())
    except (ValueError, UnsupportedAlgorithm) as cause:
        raise IdentityError(
            "certificate", "cannot be read", "Paste it as PEM, from -----BEGIN CERTIFICATE----- on."
        ) from cause
    if len(chain) > CHAIN_MAX:
        raise IdentityError(
            "certificate",
            f"comes with more than {CHAIN_MAX - 1} others",
            "Paste yours and what is between it and the root.",
        )
    return chain


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
