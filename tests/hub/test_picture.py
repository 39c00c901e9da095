"""A floor plan's picture is what its first bytes say, whatever its name or sender says."""

import struct
import zlib

import pytest

from hub.mistakes import Wrong
from hub.picture import JPEG, PNG, Picture, read_picture


def png(width: int = 3, height: int = 2) -> bytes:
    """A whole picture, all white."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xff" * width) * height)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


# The beginning of a JPEG: JFIF's own segment, a filling byte, then a progressive frame of 5 by 4.
JPEG_HEAD = (
    bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
    + b"\xff"
    + bytes.fromhex("ffc2000b080004000501011100")
    + b"\xff\xd9"
)


def test_the_size_is_read_of_both_kinds() -> None:
    assert read_picture(png(300, 200), 1_000) == Picture(PNG, 300, 200)
    assert read_picture(JPEG_HEAD, 1_000) == Picture(JPEG, 5, 4)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "PNG or JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "PNG or"),
        (b"GIF89a", "PNG or JPEG"),
        (png()[:40], "cut off"),
        (JPEG_HEAD[:20], "cut off"),
        (b"\xff\xd8\xff\xe0\x00\x02" * 3 + b"abc", "cut off"),
        (png(1_001, 5), "at most 1000 pixels"),
        (png(0, 5), "at most 1000 pixels"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(content: bytes, why: str) -> None:
    with pytest.raises(Wrong, match=why):
        read_picture(content, 1_000)
