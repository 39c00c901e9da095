"""Advantech WISE-2410: a head, then blocks of type, size and a mask of what is inside.

The head is control, sequence, size and, by the control's bits, an address of 0, 2 or 8 bytes.
"""

from collections.abc import Iterator

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

WHOLE_FRAME = 0x80
ADDRESS_SIZES = {0x00: 0, 0x04: 2, 0x08: 8}
HEAD_SIZE = 3
CELSIUS, DEVICE = 0x50, 0x60
ON_CELL = 0x02
STATUS, EVENT, VALUE = 0x01, 0x02, 0x04
DEVICE_EVENT, SOURCE, LEVEL, VOLTAGE = 0x01, 0x02, 0x04, 0x08


def _blocks(payload: bytes) -> Iterator[tuple[int, bytes]]:
    if len(payload) < HEAD_SIZE or not payload[0] & WHOLE_FRAME:
        raise Unreadable("expected a whole frame: this is a part of one, or cut off")
    address = ADDRESS_SIZES.get(payload[0] & 0x0C)
    if address is None:
        raise Unreadable(f"control {payload[0]:02x}: the address has no size that is known")
    at = HEAD_SIZE + address
    end = at + payload[2]
    while at + 2 <= end:
        block = payload[at + 2 : at + 2 + payload[at + 1]] if at + 2 <= len(payload) else b""
        if len(block) < 1 or len(block) < payload[at + 1]:
            raise Unreadable(f"byte {at}: a block is longer than the frame; it is cut off")
        yield payload[at], block
        at += 2 + len(block)


def _temperature(block: bytes) -> list[Reading]:
    """Thousandths of a degree behind status (1 byte) and event (2)."""
    at = 1 + bool(block[0] & STATUS) + 2 * bool(block[0] & EVENT)
    if not block[0] & VALUE:
        return []
    return [reading("temperature", whole_le(_part(block, at, 4), signed=True) / 1_000)]


def _device(block: bytes) -> list[Reading]:
    """Event (1), source of power (1), then, on a cell, its level (1) and its voltage in mV (2)."""
    at = 1 + bool(block[0] & DEVICE_EVENT)
    if not block[0] & SOURCE or not _part(block, at, 1)[0] & ON_CELL:
        return []
    at += 1
    found = []
    if block[0] & LEVEL:
        found.append(reading("battery", _part(block, at, 1)[0]))
        at += 1
    if block[0] & VOLTAGE:
        found.append(reading("battery_v", whole_le(_part(block, at, 2)) / 1_000))
    return found


def _part(block: bytes, at: int, size: int) -> bytes:
    part = block[at : at + size]
    if len(part) < size:
        raise Unreadable(f"a block of {len(block)} bytes has not what its mask says")
    return part


def decode(frame: Frame) -> Found:
    """Of all blocks, the device's own and the temperature."""
    found: list[Reading] = []
    for kind, block in _blocks(frame.payload or b""):
        if kind == CELSIUS:
            found += _temperature(block)
        elif kind == DEVICE:
            found += _device(block)
    return Found(tuple(found))


DRIVER = Driver(
    name="advantech_wise",
    families=("sensor",),
    maker="Advantech",
    models=("wise2410*",),
    transport="lorawan",
    points=("battery", "battery_v", "temperature"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    cell="ER14505",
)
