"""What a picture is, by its first bytes: PNG or JPEG, how wide, how high. Pure; standard library.

Only these two are taken: an SVG may hold scripts, and others few browsers or people have.
"""

from typing import NamedTuple

from hub.mistakes import Wrong

PNG, JPEG = "image/png", "image/jpeg"
_PNG_MARK = b"\x89PNG\r\n\x1a\n"
_JPEG_MARK = b"\xff\xd8\xff"
# Frames of JPEG that tell the size (SOF0 … SOF15 without the tables that share the range).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


class Picture(NamedTuple):
    """Its media type, and its size in pixels."""

    media_type: str
    width: int
    height: int


def read_picture(content: bytes, side_px_max: int) -> Picture:
    """Raises `Wrong` for what is no PNG or JPEG, is cut off, or has too long a side."""
    if content.startswith(_PNG_MARK):
        found = _png(content)
    elif content.startswith(_JPEG_MARK):
        found = _jpeg(content)
    else:
        raise Wrong("expected a picture as PNG or JPEG")
    if not (0 < found.width <= side_px_max and 0 < found.height <= side_px_max):
        raise Wrong(f"expected sides of at most {side_px_max} pixels, not {found[1]}x{found[2]}")
    return found


def _png(content: bytes) -> Picture:
    if len(content) < 33 or content[12:16] != b"IHDR" or b"IEND" not in content[-16:]:
        raise Wrong("this PNG is cut off")
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    return Picture(PNG, width, height)


def _jpeg(content: bytes) -> Picture:
    at = 2
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            break
        marker = content[at + 1]
        if marker == 0xFF:  # filling
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _FRAMES and at + 9 <= len(content):
            height, width = (int.from_bytes(content[n : n + 2], "big") for n in (at + 5, at + 7))
            return Picture(JPEG, width, height)
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    raise Wrong("this JPEG is cut off")
