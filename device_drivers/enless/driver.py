"""Enless Wireless: transmitters whose fourth byte tells what they are.

Number of the device (3 bytes), type, counter, firmware, values, alarms (2), status (2); most
significant byte first. Bits 2 and 3 of the status are the battery in quarters.
"""

from collections.abc import Callable
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

QUARTERS = (100, 75, 50, 25)
TYPE, HEAD_SIZE = 3, 6
STATUS_SIZE = 2
STORED_SIZE = 34

Read = Callable[[bytes, int], list[Reading]]


class Layout(NamedTuple):
    """Sizes that a type's frame may have, and how its values and its status are read."""

    sizes: tuple[int, ...]
    read: Read


def _nothing(_payload: bytes, _status: int) -> list[Reading]:
    return []


def _climate(temperature: int, humidity: int | None = None) -> Read:
    """Tenths of a degree and of a percent at their places; a frame of stored values has none."""

    def read_climate(payload: bytes, _status: int) -> list[Reading]:
        if len(payload) == STORED_SIZE:
            return []
        degrees = whole(payload[temperature : temperature + 2], signed=True) / 10
        if humidity is None:
            return [reading("temperature", degrees)]
        percent = whole(payload[humidity : humidity + 2]) / 10
        return [reading("temperature", degrees), reading("humidity", percent)]

    return read_climate


def _pulses(payload: bytes, status: int) -> list[Reading]:
    """Two dry contacts and an open collector: running totals, and whether each is closed."""
    found = []
    for number in (1, 2, 3):
        start = 2 + 4 * number
        state = "closed" if status & 0x10 << number else "open"
        found.append(reading(f"uses_{number}", whole(payload[start : start + 4])))
        found.append(reading(f"contact_{number}", state))
    return found


def _open_collector(payload: bytes, _status: int) -> list[Reading]:
    return [reading("uses", whole(payload[14:18]))]


def _motion(payload: bytes, status: int) -> list[Reading]:
    moved = [reading("motion", bool(status & 0x20))]
    return [*_climate(6, 10)(payload, status), *moved, reading("uses", whole(payload[16:18]))]


def _window(payload: bytes, status: int) -> list[Reading]:
    state = "open" if status & 0x20 else "closed"
    return [reading("contact", state), reading("openings", whole(payload[16:18]))]


TYPES = {
    4: Layout((18,), _climate(6, 8)),  # 600-021
    5: Layout((18,), _climate(6, 8)),  # 600-022
    6: Layout((18,), _climate(6, 8)),  # 600-023
    7: Layout((14,), _climate(6)),  # 600-031
    8: Layout((22,), _pulses),  # 600-036
    9: Layout((22,), _pulses),  # 600-037
    10: Layout((22,), _open_collector),  # 600-038
    11: Layout((22,), _pulses),  # 600-039
    12: Layout((14,), _nothing),  # 600-232, two probes
    13: Layout((12,), _nothing),  # 600-035, a current
    14: Layout((14,), _climate(6, 8)),  # 600-034
    15: Layout((14,), _climate(6)),  # 600-032
    31: Layout((30, STORED_SIZE), _climate(6, 10)),  # 600-051
    32: Layout((30, STORED_SIZE), _climate(6, 10)),  # 600-052
    34: Layout((30,), _motion),  # 600-062
    37: Layout((30,), _climate(6, 10)),  # 600-053
    38: Layout((30,), _window),  # 600-065
    39: Layout((30, STORED_SIZE), _climate(6, 10)),  # 600-050
    41: Layout((30, STORED_SIZE), _climate(6, 10)),
}


def decode(frame: Frame) -> Found:
    """The type's own values, then the battery."""
    payload = frame.payload or b""
    if len(payload) <= HEAD_SIZE:
        raise Unreadable(f"a frame has more than {HEAD_SIZE} bytes, not {len(payload)}")
    layout = TYPES.get(payload[TYPE])
    if layout is None:
        raise Unreadable(f"type {payload[TYPE]} of a transmitter is not known here")
    if len(payload) not in layout.sizes:
        expected = " or ".join(str(size) for size in layout.sizes)
        raise Unreadable(
            f"a frame of type {payload[TYPE]} has {expected} bytes, not {len(payload)}"
        )
    status = whole(payload[-STATUS_SIZE:])
    battery = reading("battery", QUARTERS[status >> 2 & 3])
    return Found((*layout.read(payload, status), battery))


DRIVER = Driver(
    name="enless",
    families=("counter", "door", "sensor"),
    maker="Enless",
    models=("*", "60002*", "60003*", "60005*", "60006*", "600232*", "txpulse*"),
    transport="lorawan",
    points=(
        *("contact", "openings", "uses", "uses_1", "uses_2", "uses_3"),
        *("contact_1", "contact_2", "contact_3"),
        *("motion", "battery", "temperature", "humidity"),
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(1, 2),
)
