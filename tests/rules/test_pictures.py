"""A photograph is followed to its end, kept without what it tells besides the picture, or refused."""

import struct
import zlib

import pytest

from wedsync.kit.errors import Refusal
from wedsync.tasks.picture import BYTES_MAX, PNG, cleaned

SCAN = b"\xff\xda\x00\x03\x01" + b"scan\xff\x00scan\xff\xd0scan"
END = b"\xff\xd9"
JPEG = b"\xff\xd8\xff\xe0\x00\x04JF" + SCAN + END


def tiff(*entries: tuple[int, int, int], order: str = ">", first: int = 8) -> bytes:
    """An EXIF segment with entries of (tag, kind, value)."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    packed = b"".join(struct.pack(f"{order}HHIHH", tag, kind, 1, value, 0) for tag, kind, value in entries)
    body = b"Exif\0\0" + mark + struct.pack(f"{order}IH", first, len(entries)) + packed
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def chunk(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def webp(*chunks: tuple[bytes, bytes], size: int | None = None) -> bytes:
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def test_a_jpeg_keeps_how_it_is_turned_and_nothing_else() -> None:
    upright = b"\xff\xd8\xff\xe0\x00\x04JF" + tiff((0x0112, 3, 1)) + SCAN + END
    assert cleaned(upright + b"another picture").data == JPEG
    for order in "><":
        turned = cleaned(b"\xff\xd8" + tiff((0x8825, 4, 9), (0x0112, 3, 6), order=order) + SCAN + END)
        assert turned.media_type == "image/jpeg"
        assert b"\x01\x12\x00\x03" in turned.data
        assert b"\x88\x25" not in turned.data
    words = b"\xff\xfe\x00\x06home" + b"\xff\xe1\x00\x06Http" + tiff((0x0112, 3, 6), first=999) + tiff()
    assert cleaned(b"\xff\xd8\xff\xe0\x00\x04JF" + words + SCAN + END).data == JPEG


def test_a_png_and_a_webp_keep_the_picture_and_no_words() -> None:
    said = PNG + chunk(b"IHDR", b"1") + chunk(b"tEXt", b"home") + chunk(b"IDAT", b"2") + chunk(b"IEND")
    kept = cleaned(said + b"more")
    assert (kept.kind, kept.data) == ("png", PNG + chunk(b"IHDR", b"1") + chunk(b"IDAT", b"2") + chunk(b"IEND"))
    flagged = webp((b"VP8X", b"\x2e" + b"\0" * 9), (b"EXIF", b"home!"), (b"VP8 ", b"picture"), (b"XMP ", b"at"))
    found = cleaned(flagged)
    assert (found.kind, found.data) == ("webp", webp((b"VP8X", b"\x20" + b"\0" * 9), (b"VP8 ", b"picture")))
    assert cleaned(found.data) == found, "what was cleaned is clean"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 422),
        (b"GIF89a", 422),
        (b"RIFF\0\0\0\0WAVE", 422),
        (JPEG + b"\0" * BYTES_MAX, 413),
        (b"\xff\xd8" + END, 422),
        (b"\xff\xd8\x00\x00", 422),
        (b"\xff\xd8\xff\xe0\x00\x01", 422),
        (b"\xff\xd8\xff\xe0\x00\x09JF", 422),
        (b"\xff\xd8\xff\xe0\x00", 422),
        (b"\xff\xd8\xff\xda\x00\x03\x01scan", 422),
        (PNG, 422),
        (PNG + chunk(b"IHDR") + chunk(b"IEND"), 422),
        (PNG + chunk(b"IDAT", b"12")[:-1], 422),
        (webp((b"VP8 ", b"picture"))[:-1], 422),
        (webp((b"ANMF", b"moving")), 422),
        (webp((b"VP8 ", b"picture"), (b"VP8 ", b"x"))[:-6] + b"\xff\0\0\0xx", 422),
        (webp((b"VP8X", b"")), 422),
        (b"RIFF\x04\0\0\0WEBP", 422),
        (b"RIFF\0\0\0\0WEBP", 422),
    ],
)
def test_what_is_no_whole_picture_is_refused(data: bytes, status: int) -> None:
    with pytest.raises(Refusal) as refused:
        cleaned(data)
    assert refused.value.status == status
