"""Values as loosely typed ecosystems write them: numbers as text, flags as words, JSON or text."""

import re
from collections.abc import Iterable
from typing import Any

from device_drivers.driver import Decoded, Refused, Unreadable
from device_drivers.message import Message
from device_drivers.points import CHANNELS_MAX, WHOLE_MAX, number_or_none, reading
from device_drivers.reading import Reading

Value = tuple[str, Any]  # a point and what was said of it, unchecked

_FLAGS = {
    **dict.fromkeys(("true", "on", "yes", "1"), True),
    **dict.fromkeys(("false", "off", "no", "0"), False),
}
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?", re.ASCII)


def json_or_text(message: Message) -> Any:
    """The payload as JSON, or as the plain text that it is. Raises `Unreadable`."""
    try:
        return message.read_json(message.payload)
    except RecursionError:
        raise Unreadable("the payload is nested too deep") from None
    except ValueError as error:
        text = _text(message.payload, error)
    if text.lstrip()[:1] in ("{", "[", '"'):
        raise Unreadable("the payload is not JSON: it is cut off or broken")
    return text


def _text(payload: bytes, error: ValueError) -> str:
    try:
        text = bytes(payload).decode()
    except UnicodeDecodeError:
        raise Unreadable(f"the payload is neither JSON nor text: {error}") from None
    if not text.isprintable():
        raise Unreadable(f"the payload is neither JSON nor text: {error}")
    return text


def flag_or_none(value: Any) -> bool | None:
    """True or false of a boolean, of 0 and 1, and of the usual words in any case."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _FLAGS.get(value.strip().lower())
    return bool(value) if type(value) in (int, float) and value in (0, 1) else None


def flag(value: Any) -> Any:
    """The flag, or the value itself, which then is refused where it is checked."""
    known = flag_or_none(value)
    return value if known is None else known


def number(value: Any) -> Any:
    """The number, also out of text; or the value itself, which then is refused."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    known = number_or_none(value)
    return value if known is None else known


def whole_number(value: Any) -> Any:
    """The whole number, also out of text and of `3.0`; or the value itself."""
    if type(value) is int:
        return value
    known = number(value)
    if isinstance(known, float) and abs(known) < WHOLE_MAX and known == int(known):
        return int(known)
    return value


def open_or_closed(value: Any, *, open_is: bool = True) -> Any:
    """A contact out of a flag or its words; or the value itself."""
    if isinstance(value, str) and value.strip().lower() in ("open", "opened"):
        return "open"
    if isinstance(value, str) and value.strip().lower() in ("closed", "close"):
        return "closed"
    known = flag_or_none(value)
    if known is None:
        return value
    return "open" if known is open_is else "closed"


def checked(
    values: Iterable[Value], warnings: list[str], at_ms: int | None = None
) -> tuple[Reading, ...]:
    """The readings of values that can be; what cannot goes to the warnings. None is nothing."""
    readings = []
    for point, value in values:
        if value is None:
            continue
        try:
            readings.append(reading(point, value, at_ms))
        except Unreadable as error:
            warnings.append(str(error))
    return tuple(readings)


def answer(
    driver: str,
    address: str,
    readings: tuple[Reading, ...],
    warnings: list[str],
    *,
    id: str | None = None,  # noqa: A002
    gateway: str | None = None,
    network_ms: int | None = None,
) -> Decoded | Refused:
    """Understood, unless nothing but warnings came of it."""
    if warnings and not readings:
        return Refused("; ".join(warnings), address, driver)
    return Decoded(
        driver,
        address,
        None,
        readings,
        id,
        gateway=gateway,
        warnings=tuple(warnings),
        network_ms=network_ms,
    )


def numbered(name: str, values: list[Any]) -> list[Value]:
    """One value has the bare name; several are `name_1`, `name_2` … in their order."""
    if len(values) == 1:
        return [(name, values[0])]
    channels = range(1, CHANNELS_MAX + 1)
    return [(f"{name}_{channel}", value) for channel, value in zip(channels, values, strict=False)]
