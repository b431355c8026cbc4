"""`wedsync verify`: whether a webhook that came was signed with a secret, and if not, exactly what is wrong."""

import base64
import binascii
import hmac
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from wedsync.connections import signatures
from wedsync.kit import clock
from wedsync.processes.failures import CannotRun

FINE: Final = 0
WRONG: Final = 1


def run(*, file: str, secret: str, headers: Sequence[str], any_time: bool) -> int:
    """Prints one sentence; the exit status is 0 where the signature holds."""
    body = _read(file)
    problem = judge(secret, _parsed(headers), body, now=clock.machine_now().timestamp(), any_time=any_time)
    sys.stdout.write(f"{problem or 'The signature is right.'}\n")
    return WRONG if problem else FINE


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CannotRun(f"{file} cannot be read ({error.strerror}). Check the path.") from error


def _parsed(headers: Sequence[str]) -> dict[str, str]:
    pairs = [line.partition(":") for line in headers]
    unreadable = [line for line, (_, colon, _) in zip(headers, pairs, strict=True) if not colon]
    if unreadable:
        raise CannotRun(f'--header {unreadable[0]} is not a header. Write it as "webhook-id: …".')
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def judge(secret: str, headers: Mapping[str, str], body: bytes, *, now: float, any_time: bool = False) -> str:
    """What is wrong, in words with what to do; empty where nothing is."""
    try:
        if not secret.startswith("whpk_"):
            signatures.shared_key(secret)
    except ValueError as error:
        return f"{error} Copy it whole, from whsec_ to its end."
    tolerance = sys.maxsize if any_time else signatures.TOLERANCE_S
    try:
        signatures.verify([secret], headers, body, now=now, tolerance_s=tolerance)
    except signatures.SignatureError as error:
        return _explained(str(error), secret, headers, body, now=now)
    return ""


def _explained(reason: str, secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> str:
    if reason.endswith("is missing"):
        return f'The header {reason}. Give it with --header "{reason.removesuffix(" is missing")}: …".'
    if "not a number" in reason:
        return f"{reason}: it reads {headers.get(signatures.TIMESTAMP)!r}."
    if "away from now" in reason:
        return _late(secret, headers, body, now=now)
    return _mismatch(secret, headers, body)


def _late(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> str:
    away = int(headers.get(signatures.TIMESTAMP) or headers["svix-timestamp"]) - int(now)
    when = f"{abs(away)} s {'ahead of' if away > 0 else 'behind'} this clock, more than {signatures.TOLERANCE_S} s"
    if _is_right(secret, headers, body):
        return f"The signature is right, but its time is {when}. Set the clock, or check old ones with --any-time."
    return f"Its time is {when}. And: {_mismatch(secret, headers, body)}"


def _mismatch(secret: str, headers: Mapping[str, str], body: bytes) -> str:
    """The mistakes that are made: a body that was changed on its way here, a secret used as text, another secret."""
    versions = {item.partition(",")[0] for item in _signatures(headers)}
    wanted = "v1a" if secret.startswith("whpk_") else "v1"
    if wanted not in versions:
        there = ", ".join(sorted(versions))
        return f"No signature of version {wanted} is there, only {there}; the secret is for {wanted}."
    broken = [item for item in _signatures(headers) if item.startswith(f"{wanted},") and not _is_base64(item)]
    if broken:
        return f"The signature {broken[0][:20]}… is not whole: it is no base64. Copy the header as it came."
    for words, other in _other_bodies(body):
        if _is_right(secret, headers, other):
            return f"The body is not as it came: signed was {words}. Verify the bytes before anything reads them."
    if _is_signed_as_text(secret, headers, body):
        return (
            "Signed was with the secret as text. What follows whsec_ is base64: decode it, and sign with those bytes."
        )
    return (
        "No signature matches: the secret is another endpoint's or was rotated, or the body, id or time is not as it "
        "came. Compare the first characters of the secret, and verify the bytes as they came."
    )


def _signatures(headers: Mapping[str, str]) -> list[str]:
    return (headers.get(signatures.SIGNATURE) or headers.get("svix-signature") or "").split(" ")


def _is_base64(item: str) -> bool:
    try:
        return bool(base64.b64decode(item.partition(",")[2], validate=True))
    except binascii.Error:
        return False


def _is_right(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        signatures.verify([secret], headers, body, now=0, tolerance_s=sys.maxsize)
    except signatures.SignatureError:
        return False
    return True


def _other_bodies(body: bytes) -> list[tuple[str, bytes]]:
    found = [
        ("the same without the line break at its end", body.rstrip(b"\r\n")),
        ("the same with a line break at its end", body + b"\n"),
        ("the same without the byte order mark", body.removeprefix(b"\xef\xbb\xbf")),
    ]
    with suppress(msgspec.DecodeError):
        found.append(("the same JSON without spaces", msgspec.json.format(body, indent=-1)))
    return [(words, other) for words, other in found if other != body]


def _is_signed_as_text(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    message_id = headers.get(signatures.ID) or headers.get("svix-id") or ""
    timestamp = headers.get(signatures.TIMESTAMP) or headers.get("svix-timestamp") or ""
    signed = b"%b.%b.%b" % (message_id.encode(), timestamp.encode(), body)
    keys = (secret.encode(), secret.removeprefix("whsec_").encode())
    texts = [b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256")) for key in keys]
    return any(hmac.compare_digest(text, item.encode()) for text in texts for item in _signatures(headers))
