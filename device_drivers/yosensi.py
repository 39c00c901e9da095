"""The frame of Yosensi's sensors, version 2: measurements that each say what they are.

Version, counter, seconds since the frame was made (2 bytes); then for each measurement: kind (six
bits) with the number of decimals (two), seconds after the frame was made, size of the address (four
bits) with the size of the value less one (four), address, value (signed, most significant byte
first). Facts: Yosensi's published decoder.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.driver import Found, Frame, FrameDecoder, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

VERSION = 2
HEAD_SIZE = 4
STATE, BATTERY_MV, TEMPERATURE, HUMIDITY = 1, 2, 3, 4
TWO_VALUES, COUNTER = 23, 24


class Measurement(NamedTuple):
    """One value, of which input, and how many seconds after the frame was made."""

    kind: int
    address: bytes
    raw: bytes
    decimals: int
    after_s: int

    @property
    def value(self) -> float:
        """The number."""
        number = whole(self.raw, signed=True)
        return number / 10**self.decimals if self.decimals else number


Read = Callable[[Measurement], list[Reading]]


def common(one: Measurement) -> list[Reading]:
    """What all models say of themselves; a probe's measurements have an address."""
    if one.address:
        return []
    if one.kind == BATTERY_MV:
        return [reading("battery_v", one.value / 1_000)]
    if one.kind == TEMPERATURE:
        return [reading("temperature", one.value)]
    return [reading("humidity", one.value)] if one.kind == HUMIDITY else []


def total(point: str, value: float) -> list[Reading]:
    """A running total."""
    return [reading(point, int(value))]


def decoder(read_own: Read) -> FrameDecoder:
    """A driver's `decode`: its own measurements and those of all models."""

    def decode(frame: Frame) -> Found:
        payload = frame.payload or b""
        if len(payload) < HEAD_SIZE or payload[0] != VERSION:
            raise Unreadable(f"expected a frame of version {VERSION}, not {payload[:1].hex()}")
        made_ms = _made_ms(frame.at_ms, whole(payload[2:4]))
        found = []
        for one in _measurements(payload):
            at_ms = None if made_ms is None else made_ms + one.after_s * 1_000
            found += [each._replace(at_ms=at_ms) for each in (*common(one), *read_own(one))]
        return Found(tuple(found))

    return decode


def _made_ms(at_ms: int | None, age_s: int) -> int | None:
    """When the frame was made, by the network's clock: the device has none of its own."""
    return None if at_ms is None else at_ms - age_s * 1_000


def _measurements(payload: bytes) -> Iterator[Measurement]:
    at = HEAD_SIZE
    while at < len(payload):
        head = payload[at : at + 3]
        if len(head) < 3:
            raise Unreadable(f"byte {at}: {head.hex()} is half a measurement; it is cut off")
        address_size, value_size = head[2] >> 4, (head[2] & 0x0F) + 1
        start = at + 3 + address_size
        raw = payload[start : start + value_size]
        if len(raw) < value_size:
            raise Unreadable(f"byte {at}: a measurement needs {value_size} bytes; it is cut off")
        yield Measurement(head[0] >> 2, payload[at + 3 : start], raw, head[0] & 3, head[1])
        at = start + value_size
