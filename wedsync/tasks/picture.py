"""A photograph somebody sends: what it is by its own bytes, and without what it tells besides the picture. Pure.

A phone writes where and when a picture was taken into it. Of that only the way it is to be turned is kept; all else
that is not the picture (EXIF, XMP, comments, what comes after its end) is left out. What does not follow its format to
the end is refused, so that nothing is kept that only looks like a picture.
Formats: JPEG (ITU T.81, annex B), PNG (third edition, section 5), WebP (RFC 9649, section 2).
"""

import re
import struct
from typing import Final, Literal

import msgspec

from wedsync.kit.errors import FieldError, Refusal

Kind = Literal["jpeg", "png", "webp"]
BYTES_MAX: Final = 8 * 1024 * 1024
PNG: Final = b"\x89PNG\r\n\x1a\n"
PNG_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT"})
WEBP_KEPT: Final = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"})
WEBP_PRIVATE: Final = 0x04 | 0x08 | 0x02
"""Flags of VP8X for XMP, EXIF and animation: none of them is kept."""
ORIENTATION: Final = 0x0112
_MARKER: Final = re.compile(rb"\xff+[^\x00\xff]", re.DOTALL)
_SCAN_END: Final = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
"""In a scan, FF 00 is a byte of it and FF D0 to D7 a place to begin again."""


class Picture(msgspec.Struct, frozen=True):
    """A picture that is fit to be kept and shown."""

    kind: Kind
    data: bytes

    @property
    def media_type(self) -> str:
        return f"image/{self.kind}"


def cleaned(data: bytes) -> Picture:
    """Raises Refusal 413 for one that is too large, 422 for what is no picture of a kind that every browser shows."""
    if len(data) > BYTES_MAX:
        raise Refusal(413, "too_large", f"Photographs are at most {BYTES_MAX // 2**20} MiB. Send a smaller copy.")
    try:
        if data.startswith(b"\xff\xd8"):
            return Picture("jpeg", _jpeg(data))
        if data.startswith(PNG):
            return Picture("png", _png(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return Picture("webp", _webp(data))
    except (struct.error, IndexError) as cause:
        raise _refused("breaks off before its end", "Send it again.") from cause
    raise _refused("is no JPEG, PNG or WebP picture", "Phones save photographs as JPEG when asked to.")


def _jpeg(data: bytes) -> bytes:
    """Segments and scans up to the end of the first image; cameras append others to it."""
    out, at, has_image = [b"\xff\xd8"], 2, False
    while True:
        found = _MARKER.match(data, at)
        if found is None:
            raise _refused("is damaged", "Send it again.")
        marker, at = data[found.end() - 1], found.end()
        if marker == 0xD9:
            if not has_image:
                raise _refused("holds no picture", "Send another one.")
            return b"".join((*out, b"\xff\xd9"))
        (length,) = struct.unpack_from(">H", data, at)
        body = data[at : at + length]
        if length < 2 or len(body) != length:
            raise _refused("breaks off before its end", "Send it again.")
        at += length
        out.append(_segment(marker, body))
        if marker == 0xDA:
            has_image = True
            scan = _SCAN_END.search(data, at)
            if scan is None:
                raise _refused("breaks off before its end", "Send it again.")
            out.append(data[at : scan.start()])
            at = scan.start()


def _segment(marker: int, body: bytes) -> bytes:
    """APP0 says what it is, APP2 holds its colours, APP14 how they are coded; other APPs and comments are words."""
    if marker == 0xE1:
        return _turned(body)
    is_words = (0xE0 <= marker <= 0xEF or marker == 0xFE) and marker not in (0xE0, 0xE2, 0xEE)
    return b"" if is_words else bytes((0xFF, marker)) + body


def _turned(body: bytes) -> bytes:
    """An EXIF segment of nothing but the way the picture is to be turned; nothing where it is upright."""
    tiff = body[8:]
    if body[2:8] != b"Exif\0\0" or tiff[:2] not in (b"II", b"MM") or len(tiff) < 8:
        return b""
    order = "<" if tiff[:2] == b"II" else ">"
    (first,) = struct.unpack_from(f"{order}I", tiff, 4)
    if first + 2 > len(tiff):
        return b""
    (count,) = struct.unpack_from(f"{order}H", tiff, first)
    for place in range(first + 2, min(first + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, place)
        if tag == ORIENTATION and kind == 3 and 2 <= value <= 8:
            entry = struct.pack(">HHIHH", ORIENTATION, 3, 1, value, 0)
            kept = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
            return b"\xff\xe1" + struct.pack(">H", len(kept) + 2) + kept
    return b""


def _png(data: bytes) -> bytes:
    out, at, has_image = [PNG], len(PNG), False
    while True:
        length, name = struct.unpack_from(">I4s", data, at)
        chunk = data[at : at + 12 + length]
        if len(chunk) != 12 + length:
            raise _refused("breaks off before its end", "Send it again.")
        at += 12 + length
        has_image = has_image or name == b"IDAT"
        if name in PNG_KEPT:
            out.append(chunk)
        if name == b"IEND":
            if not has_image:
                raise _refused("holds no picture", "Send another one.")
            return b"".join(out)


def _webp(data: bytes) -> bytes:
    (size,) = struct.unpack_from("<I", data, 4)
    out, at, has_image = [], 12, False
    if size + 8 > len(data):
        raise _refused("breaks off before its end", "Send it again.")
    while at + 8 <= size + 8:
        name, length = struct.unpack_from("<4sI", data, at)
        chunk = bytearray(data[at : at + 8 + length + length % 2])
        if len(chunk) < 8 + length:
            raise _refused("breaks off before its end", "Send it again.")
        at += 8 + length + length % 2
        has_image = has_image or name in (b"VP8 ", b"VP8L")
        if name == b"VP8X":
            chunk[8] &= ~WEBP_PRIVATE & 0xFF
        if name in WEBP_KEPT:
            out.append(bytes(chunk))
    if not has_image:
        raise _refused("holds no picture, or a moving one", "Send a still picture.")
    body = b"WEBP" + b"".join(out)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _refused(reason: str, fix: str) -> Refusal:
    return Refusal(422, "invalid", f"photo: {reason}", errors=[FieldError("photo", reason, fix)])
