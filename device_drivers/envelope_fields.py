"""What the envelopes of network servers share: names, moments, ports and signals out of JSON.

What a network adds wrongly (a time, a signal, an id) is left out and said in `warnings`; what a
frame cannot do without raises `Unreadable`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from device_drivers.bits import from_base64
from device_drivers.driver import Unreadable
from device_drivers.moments import moment_ms
from device_drivers.names import read_id, read_name
from device_drivers.points import number_or_none, reading, shown
from device_drivers.reading import Reading

EUI_DIGITS = 16
EUI_BYTES = EUI_DIGITS // 2
FPORT_MAX = 255
HINT_CHARACTERS_MAX = 256
HEX_DIGITS = frozenset("0123456789abcdef")
Body = Mapping[str, Any]


class Signal(NamedTuple):
    """Which gateway heard the device best, and how well."""

    gateway: str | None = None
    readings: tuple[Reading, ...] = ()


def object_of(body: Body, key: str, default: Any = None) -> Body:
    """The object under a key."""
    value = body.get(key, default)
    if isinstance(value, dict):
        return value
    raise Unreadable(f"{key}: expected an object, not {shown(value)}")


def text_of(body: Body, key: str, default: str = "") -> str:
    """The text under a key; null is the default."""
    value = body.get(key, default)
    if isinstance(value, str):
        return value
    if value is None:
        return default
    raise Unreadable(f"{key}: expected text, not {shown(value)}")


def eui(value: Any, where: str) -> str:
    """A device's address of its DevEUI: hex digits, bare or in pairs (`00-80-…`, `00:80:…`)."""
    digits = eui_digits(value)
    if digits is None:
        raise Unreadable(f"{where}: expected {EUI_DIGITS} hex digits, not {shown(value)}")
    return f"lorawan:{digits}"


def eui_digits(value: Any) -> str | None:
    """The sixteen digits of an EUI, small letters, or None for everything else."""
    if not isinstance(value, str) or len(value) > EUI_DIGITS + EUI_BYTES:
        return None
    digits = value.lower().replace("-", "").replace(":", "")
    return digits if len(digits) == EUI_DIGITS and set(digits) <= HEX_DIGITS else None


def eui_of_base64(value: Any, where: str) -> str:
    """A DevEUI as ChirpStack v3 writes it: hex, or base64 of its eight bytes."""
    return eui(hex_of_base64(value), where)


def hex_of_base64(value: Any) -> Any:
    """Eight bytes in base64 as hex digits; everything else as it is."""
    if eui_digits(value) is not None or not isinstance(value, str):
        return value
    try:
        raw = from_base64(value)
    except Unreadable:
        return value
    return raw.hex() if len(raw) == EUI_BYTES else value


def address_of_topic(topic: str) -> str | None:
    """The device that a network server's topic names, where the payload cannot be read."""
    for level in reversed(topic.split("/")):
        digits = eui_digits(level.removeprefix("eui-"))
        if digits is not None:
            return f"lorawan:{digits}"
    return None


def agree(topic: str, address: str) -> None:
    """The topic is what a broker's access list guards: the payload may not name another device."""
    if address_of_topic(topic) not in (None, address):
        raise Unreadable(f"topic {shown(topic)} does not belong to the device {address}")


def fport_of(value: Any) -> int:
    """A port; some servers write it as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4:
        value = int(value)
    if type(value) is int and 0 <= value <= FPORT_MAX:
        return value
    raise Unreadable(f"fPort: expected a whole number from 0 to {FPORT_MAX}, not {shown(value)}")


def time_of(body: Body, key: str, warnings: list[str]) -> int | None:
    """A moment, or None where there is none or a wrong one."""
    value = body.get(key)
    if value is None:
        return None
    try:
        return moment_ms(value)
    except Unreadable as error:
        warnings.append(f"{key}: {error}")
        return None


def id_of(value: Any, where: str, warnings: list[str]) -> str | None:
    """A message's own id, or None."""
    if value is None:
        return None
    try:
        return read_id(value)
    except Unreadable as error:
        warnings.append(f"{where}: {error}")
        return None


def counted_id(*parts: Any) -> str | None:
    """An id of counter and moment, for servers that give none.

    After a counter began anew the same number is not the same message; the same message delivered
    again has the same moment. The last part is the moment; without it there is no id.
    """
    if not parts[-1]:
        return None
    try:
        return read_id(":".join(str(part) for part in parts if isinstance(part, str | int)))
    except (Unreadable, ValueError):
        return None


def hint_of(*values: Any) -> str:
    """What the network calls the device, in one line."""
    return " ".join(value for value in values if isinstance(value, str))[:HINT_CHARACTERS_MAX]


def best(
    gateways: Any,
    name_of: Callable[[Body], Any],
    warnings: list[str],
    *,
    rssi: str = "rssi",
    snr: str = "snr",
) -> Signal:
    """Name and signal of the gateway that heard the device best."""
    heard = [one for one in gateways if isinstance(one, dict)] if isinstance(gateways, list) else []
    if not heard:
        return Signal()
    loudest = max(heard, key=lambda one: _strength(one.get(rssi)))
    pairs = [("rssi", loudest.get(rssi)), ("snr", loudest.get(snr))]
    readings = checked([(point, value) for point, value in pairs if value is not None], warnings)
    name = hex_of_base64(name_of(loudest))
    try:
        return Signal(None if name is None else _gateway(name), readings)
    except Unreadable as error:
        warnings.append(f"gateway: {error}")
        return Signal(None, readings)


def _gateway(name: Any) -> str:
    return eui_digits(name) or read_name(name).lower()


def _strength(value: Any) -> float:
    number = number_or_none(_plain_number(value))
    return float("-inf") if number is None else number


def _plain_number(value: Any) -> Any:
    """Some servers write numbers as text."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value


def checked(values: list[tuple[str, Any]], warnings: list[str]) -> tuple[Reading, ...]:
    """Readings of the values that can be true; the others are said."""
    readings = []
    for point, value in values:
        try:
            readings.append(reading(point, _plain_number(value)))
        except Unreadable as error:
            warnings.append(str(error))
    return tuple(readings)
