"""Moko LW001-BG-PRO: a tracker that also notices a fall into stillness, a shock and its opening.

The port tells what happened; the first bytes are the same everywhere: state, temperature, and the
cell's voltage in the upper half of a byte (2.2 V and a tenth of a volt each). On port 12 there is
no temperature.
"""

from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

SHOCK_PORT, FALL_PORT, MOVEMENT_PORT = 5, 6, 8
NO_STATE_PORT, SHORT_HEAD_PORT = 11, 12
LOW_BIT, TAMPER_BIT, STILL_BIT = 0x04, 0x08, 0x20
HEAD_SIZE = {SHORT_HEAD_PORT: 2}
OWN_SIZE = {1: 6, 2: 10, 3: 2, 4: 1, SHOCK_PORT: 2, FALL_PORT: 2, 7: 8, MOVEMENT_PORT: 1, 9: 20}
MOVES = {0: True, 1: True, 2: False, 3: False}


def decode(frame: Frame) -> Found:
    """The head, then what the port is about."""
    payload, port = frame.payload or b"", frame.fport
    if port == NO_STATE_PORT:
        return Found()
    if port is None:
        raise Unreadable("fPort: the port tells what the frame says, and nobody said it")
    size = HEAD_SIZE.get(port, 3)
    at_least(payload, size + OWN_SIZE.get(port, 9), what=f"a frame on port {port}")
    return Found((*_head(payload, size), *_own(port, payload[size:])))


def _head(payload: bytes, size: int) -> list[Reading]:
    found = [
        reading("battery_v", (22 + (payload[size - 1] >> 4)) / 10),
        reading("battery_low", bool(payload[0] & LOW_BIT)),
        reading("tamper", bool(payload[0] & TAMPER_BIT)),
    ]
    if size == 3:
        found.append(reading("temperature", whole(payload[1:2], signed=True)))
    return found


def _own(port: int, data: bytes) -> list[Reading]:
    if port == SHOCK_PORT:
        return [reading("vibration", True)]
    if port == MOVEMENT_PORT:
        moves = MOVES.get(data[0])
        if moves is None:
            raise Unreadable(f"movement: expected a code of 0 to 3, not {data[0]}")
        return [reading("motion", moves)]
    return []


# By how the model's name begins.
CELLS = {
    "lw001": "ER18505",
}

DRIVER = Driver(
    name="moko_tracker",
    families=("button",),
    maker="Moko,MokoSmart",
    models=("lw001*",),
    transport="lorawan",
    points=("tamper", "vibration", "motion", "battery", "battery_v", "battery_low", "temperature"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=(1, 2, 3, 4, SHOCK_PORT, FALL_PORT, 7, MOVEMENT_PORT, 9, NO_STATE_PORT, 12),
)
