"""Seals what a dump, a log or a stolen disk must not show: AES-256-GCM under a key ring, and keyed blind indexes.

A sealed value is `0x01 | key id (8 bytes, NUL padded) | nonce (12) | ciphertext and tag`. The key id stands at a fixed
place so that SQL can count what an old key still holds: `substring(sealed from 2 for 8)`.
The associated data names tenant, table, column and row, so a value copied to another place does not open there.
Each ring key is only a root: HKDF derives one sealing key per tenant (every key stays far below the 2^32 random nonces
of NIST SP 800-38D section 8.3) and one index key per tenant, table and column, so equal values in two places look
unrelated.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import unicodedata
from functools import lru_cache
from typing import Literal
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMAT = b"\x01"
KEY_ID_BYTES = 8
NONCE_BYTES = 12
TAG_BYTES = 16
BLIND_BYTES = 16
#: Raised when `normalise` changes; part of the index key, so indexes of two versions never match by accident.
BLIND_VERSION = 1

Form = Literal["text", "email", "phone"]

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,8}")
_HEAD_BYTES = len(FORMAT) + KEY_ID_BYTES + NONCE_BYTES


class SealError(Exception):
    """A sealed value does not open: its key is not on the ring, or it was changed or moved. Never holds plain text."""


class KeyRing:
    """The operator's keys, first one primary: it seals; every one of them opens."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        """`keys` maps a key id to 32 bytes, in the order of the setting."""
        if not keys:
            raise ValueError("WEDSYNC_SEAL_KEYS is empty. Give at least one key as id:base64 of 32 random bytes.")
        self._keys = dict(keys)
        self.primary = next(iter(keys))
        self._cipher = lru_cache(maxsize=4096)(self._derive_cipher)
        self._index_key = lru_cache(maxsize=4096)(self._derive_index_key)

    @classmethod
    def from_setting(cls, text: str) -> "KeyRing":
        """Parses `id:base64,id:base64`, first primary. Raises ValueError whose text tells the operator what to mend."""
        keys: dict[str, bytes] = {}
        for place, entry in enumerate((part.strip() for part in text.split(",") if part.strip()), start=1):
            key_id, colon, encoded = entry.partition(":")
            if not colon or not _KEY_ID.fullmatch(key_id):
                raise ValueError(
                    f"WEDSYNC_SEAL_KEYS entry {place} must look like id:base64, "
                    "where id is 1 to 8 letters, digits, '_' or '-'."
                )
            if key_id in keys:
                raise ValueError(f"WEDSYNC_SEAL_KEYS names key {key_id!r} twice. Every key needs an id of its own.")
            keys[key_id] = _decode_key(key_id, encoded)
        return cls(keys)

    @staticmethod
    def new_setting(key_id: str = "k1") -> str:
        """A setting text with one fresh random key, for first starts and for adding a key when rotating."""
        return f"{key_id}:{base64.b64encode(os.urandom(32)).decode()}"

    @property
    def key_ids(self) -> tuple[str, ...]:
        return tuple(self._keys)

    def seal(self, plain: bytes, *, tenant: UUID | str, table: str, column: str, row: UUID | str) -> bytes:
        """Seals under the primary key for exactly this place."""
        head = FORMAT + _padded(self.primary)
        nonce = os.urandom(NONCE_BYTES)
        bound = _bind(head, tenant, table, column, row)
        return head + nonce + self._cipher(self.primary, str(tenant)).encrypt(nonce, plain, bound)

    def open(self, sealed: bytes, *, tenant: UUID | str, table: str, column: str, row: UUID | str) -> bytes:
        """Opens a value sealed for this place by any key of the ring; raises SealError otherwise."""
        sealed, tenant, row = bytes(sealed), str(tenant), str(row)
        key_id = self.key_id(sealed, f"{table}.{column} of row {row}")
        if key_id not in self._keys:
            place = f"{table}.{column} of row {row}"
            raise SealError(
                f"{place} was sealed with key {key_id!r}, which WEDSYNC_SEAL_KEYS does not hold. Add it back."
            )
        nonce, body = sealed[_HEAD_BYTES - NONCE_BYTES : _HEAD_BYTES], sealed[_HEAD_BYTES:]
        bound = _bind(sealed[: _HEAD_BYTES - NONCE_BYTES], tenant, table, column, row)
        try:
            return self._cipher(key_id, tenant).decrypt(nonce, body, bound)
        except InvalidTag as cause:
            place = f"{table}.{column} of row {row}"
            raise SealError(
                f"{place} does not open: it was changed, or belongs to another row, column, table or tenant."
            ) from cause

    def key_id(self, sealed: bytes, place: str = "The value") -> str:
        """Which key sealed this, read from its head without opening it."""
        if len(sealed) < _HEAD_BYTES + TAG_BYTES or sealed[:1] != FORMAT:
            raise SealError(f"{place} is not a sealed value of a known format.")
        return sealed[1 : 1 + KEY_ID_BYTES].rstrip(b"\0").decode("ascii", errors="replace")

    def is_current(self, sealed: bytes) -> bool:
        """False when the value should be sealed again because another key has become primary."""
        return self.key_id(sealed) == self.primary

    def blind(self, value: str, *, tenant: UUID | str, table: str, column: str, form: Form = "text") -> bytes:
        """16 bytes, equal for equal normalised values of one column of one tenant. Not for columns of few values."""
        return self.blinds(value, tenant=tenant, table=table, column=column, form=form)[0]

    def blinds(self, value: str, *, tenant: UUID | str, table: str, column: str, form: Form = "text") -> list[bytes]:
        """The index under every key, primary first: search with `= any(...)` while a rotation is under way."""
        text = normalise(value, form).encode()
        place = (str(tenant), table, column, form)
        return [hmac.digest(self._index_key(key, place), text, hashlib.sha256)[:BLIND_BYTES] for key in self._keys]

    def _derive_cipher(self, key_id: str, tenant: str) -> AESGCM:
        return AESGCM(_derive(self._keys[key_id], _framed("wedsync.seal", tenant)))

    def _derive_index_key(self, key_id: str, place: tuple[str, ...]) -> bytes:
        return _derive(self._keys[key_id], _framed("wedsync.blind", str(BLIND_VERSION), *place))

    def __repr__(self) -> str:
        return f"KeyRing(primary={self.primary!r}, keys={len(self._keys)})"


def normalise(value: str, form: Form = "text") -> str:
    """What counts as the same value: compatibility forms, case, spacing and a phone's punctuation do not matter."""
    folded = _fold(value)
    if form == "phone":
        digits = "".join(str(unicodedata.digit(c)) for c in folded if c.isdigit())
        return ("+" if folded.lstrip().startswith("+") else "") + digits
    if form == "email":
        return _fold("".join(folded.split()))  # letters that stood apart may combine now
    return " ".join(folded.split())


def _fold(value: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())


def _decode_key(key_id: str, encoded: str) -> bytes:
    text = encoded.strip().replace("-", "+").replace("_", "/")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as cause:
        raise ValueError(
            f"WEDSYNC_SEAL_KEYS key {key_id!r} is not base64. Make one: openssl rand -base64 32"
        ) from cause
    if len(key) != 32:
        raise ValueError(
            f"WEDSYNC_SEAL_KEYS key {key_id!r} has {len(key)} bytes and needs 32. Make one: openssl rand -base64 32"
        )
    return key


def _derive(root: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(root)


def _bind(head: bytes, tenant: UUID | str, table: str, column: str, row: UUID | str) -> bytes:
    return head + _framed(str(tenant), table, column, str(row))


def _framed(*parts: str) -> bytes:
    """Length-prefixed parts: ("ab", "c") and ("a", "bc") never read the same."""
    encoded = [part.encode() for part in parts]
    return b"".join([len(part).to_bytes(4, "big") + part for part in encoded])


def _padded(key_id: str) -> bytes:
    return key_id.encode("ascii").ljust(KEY_ID_BYTES, b"\0")
