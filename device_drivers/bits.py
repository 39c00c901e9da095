"""Reading of bytes: whole numbers of either order, and text that stands for bytes."""

from base64 import b64decode
from binascii import Error as WrongBase64

from device_drivers.driver import Unreadable
from device_drivers.points import shown


def whole(raw: bytes, *, signed: bool = False) -> int:
    """A whole number, most significant byte first."""
    return int.from_bytes(raw, "big", signed=signed)


def whole_le(raw: bytes, *, signed: bool = False) -> int:
    """A whole number, least significant byte first."""
    return int.from_bytes(raw, "little", signed=signed)


def from_hex(text: str) -> bytes:
    """Bytes of hex digits; blanks and an `0x` before them are allowed. Raises `Unreadable`."""
    digits = "".join(text.split()).removeprefix("0x")
    if len(digits) % 2:
        raise Unreadable(f"expected an even number of hex digits, not {len(digits)}")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise Unreadable(f"expected hex digits, not {shown(text)}") from None


def from_base64(text: str) -> bytes:
    """Bytes of base64 text. Raises `Unreadable`."""
    try:
        return b64decode(text, validate=True)
    except (WrongBase64, ValueError):
        raise Unreadable(f"expected base64, not {shown(text)}") from None
