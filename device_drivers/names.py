"""Names in topics: what may stand for a device or a gateway."""

from typing import Any

from device_drivers.driver import Unreadable
from device_drivers.points import shown

NAME_CHARACTERS_MAX = 128
_NOT_IN_A_NAME = frozenset("/+#")


def is_name(text: str) -> bool:
    """Whether `text` may name a device: printable, not too long, no character of MQTT's own."""
    return (
        0 < len(text) <= NAME_CHARACTERS_MAX
        and text.isprintable()
        and _NOT_IN_A_NAME.isdisjoint(text)
    )


def read_name(value: Any) -> str:
    """The name, or `Unreadable`."""
    if isinstance(value, str) and is_name(value):
        return value
    raise Unreadable(
        f"expected 1 to {NAME_CHARACTERS_MAX} printable characters without / + #, "
        f"not {shown(value)}"
    )


def read_id(value: Any) -> str:
    """The id of a message, as text: printable text or a whole number. Raises `Unreadable`."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    if isinstance(value, str) and 0 < len(value) <= NAME_CHARACTERS_MAX and value.isprintable():
        return value
    raise Unreadable(
        f"expected text of 1 to {NAME_CHARACTERS_MAX} printable characters or a whole number, "
        f"not {shown(value)}"
    )
