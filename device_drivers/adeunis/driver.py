"""Adeunis sensors: code of the frame, status, then what the code says. Most significant byte first.

One table serves all products, because a code has one layout in all of them; the field test device
alone has a frame of its own. Facts: the user guides, and the maker's codec library
(codec-adeunis.com, as github.com/sln-nc/adeunis-codecs-lib keeps it).
"""

from collections.abc import Callable
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

HEAD_SIZE = 2
LOW_BIT = 0x02
NO_PROBE = -3_276.8
CONTACTS = 4

Read = Callable[[bytes], list[Reading]]


class Code(NamedTuple):
    """How many bytes follow the status at least, and what is read of them."""

    size: int = 0
    read: Read | None = None


def _contacts(data: bytes) -> list[Reading]:
    """Four inputs: events since the last frame, then two bits each (now, before): 1 is closed."""
    found: list[Reading] = []
    for index in range(CONTACTS):
        closed = bool(data[8] >> 2 * index & 1)
        found.append(reading(f"contact_{index + 1}", "closed" if closed else "open"))
        found.append(reading(f"rep_{index + 1}", whole(data[2 * index : 2 * index + 2])))
    return found


def _pulses(data: bytes) -> list[Reading]:
    return [reading("uses_1", whole(data[:4])), reading("uses_2", whole(data[4:8]))]


def _pulses_of(channel: int) -> Read:
    """The total now; the steps back from it have no time of their own and are left out."""

    def read_pulses_of(data: bytes) -> list[Reading]:
        total = whole(data[:4])
        return [reading(f"uses_{channel}", total), reading("uses", total)]

    return read_pulses_of


def _flow_alarms(data: bytes) -> list[Reading]:
    """Keep-alive of Pulse 3: flows, tampers and leaks of both channels."""
    return [reading("tamper", bool(data[0] & 0x0C))]


def _keep_alive(data: bytes) -> list[Reading]:
    return _flow_alarms(data) if len(data) == PULSE_KEEP_ALIVE_SIZE else []


def _air(data: bytes) -> list[Reading]:
    return [*_temperature(data), reading("humidity", data[2])]


def _air_alarm(data: bytes) -> list[Reading]:
    return _air(data[1:])


def _temperature(data: bytes) -> list[Reading]:
    degrees = whole(data[:2], signed=True) / 10
    return [] if degrees == NO_PROBE else [reading("temperature", degrees)]


def _temperature_behind_flags(data: bytes) -> list[Reading]:
    return _temperature(data[1:])


def _motions(data: bytes) -> list[Reading]:
    return [reading("uses", whole(data[:2]))]


def _motion_alarm(data: bytes) -> list[Reading]:
    return [*_motions(data), reading("motion", True)]


def _presence(data: bytes) -> list[Reading]:
    return [reading("motion", bool(data[0]))]


def _input(channel: int) -> Read:
    """A digital input: state (1 is closed), its total, and its count since the last frame."""

    def read_input(data: bytes) -> list[Reading]:
        return [
            reading(f"contact_{channel}", "closed" if data[0] & 1 else "open"),
            reading(f"uses_{channel}", whole(data[1:5])),
            reading(f"rep_{channel}", whole(data[5:7])),
        ]

    return read_input


PULSE_KEEP_ALIVE_SIZE = 9
CODES: dict[int, Code] = {
    **{code: Code() for code in (0x01, 0x02, 0x03, 0x04, 0x05)},  # repeater
    **{code: Code() for code in (0x10, 0x11, 0x12, 0x13, 0x14, 0x1F, 0x20)},  # settings
    **{code: Code() for code in (0x2F, 0x31, 0x33, 0x37)},  # receipts, versions
    0x30: Code(0, _keep_alive),
    0x40: Code(9, _contacts),
    0x42: Code(8),  # analogue
    0x43: Code(6, _temperature_behind_flags),
    0x44: Code(),  # Modbus
    0x45: Code(),
    0x46: Code(8, _pulses),
    0x47: Code(4),  # flows
    0x48: Code(1),  # pulses of a day, without their times
    0x49: Code(),  # electricity meter
    0x4A: Code(),
    0x4C: Code(3, _air),
    0x4D: Code(4, _air_alarm),
    0x4E: Code(2, _motions),
    0x4F: Code(4, _motion_alarm),
    0x50: Code(2),  # light
    0x51: Code(7, _input(1)),
    0x52: Code(7, _input(2)),
    **{code: Code() for code in (0x53, 0x54, 0x55, 0x56)},  # pressure
    0x57: Code(2, _temperature),
    0x58: Code(3, _temperature_behind_flags),
    0x59: Code(),  # alarms of Modbus
    0x5A: Code(4, _pulses_of(1)),
    0x5B: Code(4, _pulses_of(2)),
    0x5C: Code(1, _presence),
    0x5D: Code(1, _presence),
    0x6A: Code(5, _air),  # with carbon dioxide
    **{code: Code() for code in (0x6B, 0x6D, 0x6E)},  # its alarms, dust and organic compounds
}

# The field test device: flags in the first byte say what follows, in this order.
FIELD_TESTERS = ("ftd", "fieldtest", "demo")
FIELD_SIZES = ((0x80, 1), (0x10, 9), (0x08, 1), (0x04, 1), (0x02, 2), (0x01, 2))
TEMPERATURE_FLAG, BUTTON_FLAG, BATTERY_FLAG = 0x80, 0x20, 0x02


def decode(frame: Frame) -> Found:
    """The code in the first byte tells the layout; the second has the warning of the battery."""
    payload = frame.payload or b""
    if any(name in frame.model for name in FIELD_TESTERS):
        return _field_test(payload)
    if payload[0] not in CODES:
        raise Unreadable(f"frame code {payload[0]:#04x} is not known here")
    code, data = CODES[payload[0]], payload[HEAD_SIZE:]
    if len(payload) < HEAD_SIZE or len(data) < code.size:
        raise Unreadable(
            f"frame code {payload[0]:#04x} needs {HEAD_SIZE + code.size} bytes, "
            f"not {len(payload)}; the frame is cut off"
        )
    found = code.read(data) if code.read is not None else []
    return Found((*found, reading("battery_low", bool(payload[1] & LOW_BIT))))


def _field_test(payload: bytes) -> Found:
    flags, at = payload[0], 1
    press = (reading("press", "single"),) if flags & BUTTON_FLAG else ()
    parts: dict[int, bytes] = {}
    for flag, size in FIELD_SIZES:
        if flags & flag:
            parts[flag] = payload[at : at + size]
            at += size
    if len(payload) < at:
        reason = f"the flags {flags:#04x} promise {at} bytes, not {len(payload)}; cut off"
        if press:
            return Found(press, (reason,))
        raise Unreadable(reason)
    return Found((*press, *_field_readings(parts)))


def _field_readings(parts: dict[int, bytes]) -> list[Reading]:
    found: list[Reading] = []
    if TEMPERATURE_FLAG in parts:
        found.append(reading("temperature", whole(parts[TEMPERATURE_FLAG], signed=True)))
    if BATTERY_FLAG in parts:
        found.append(reading("battery_v", whole(parts[BATTERY_FLAG]) / 1_000))
    return found


# By how the model's name begins.
CELLS = {
    "ftdnetwo": "Li-ion",
}

DRIVER = Driver(
    name="adeunis",
    families=("counter", "door"),
    maker="Adeunis",
    models=(
        "drycontact*",
        "ftdnetwok*",
        "ftdnetwork*",
        "arf8*",
        "*",
    ),
    transport="lorawan",
    points=(
        "press",
        "contact_1",
        "contact_2",
        "contact_3",
        "contact_4",
        "rep_1",
        "rep_2",
        "rep_3",
        "rep_4",
        "uses",
        "uses_1",
        "uses_2",
        "motion",
        "tamper",
        "battery",
        "battery_v",
        "battery_low",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it has no buzzer or light that a downlink works"),
    tested="frames",
    decode=with_cells(decode, CELLS),
)
