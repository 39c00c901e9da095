"""Dragino SW3L flow meter: pulses with a time of their own."""

from device_drivers import dragino
from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

TOTAL_MODE, PART_MODE = 0, 1  # all pulses, or those since the last message


def decode(frame: Frame) -> Found:
    """Port 2 one record, port 3 stored ones, port 5 the status; port 4 repeats settings."""
    payload = frame.payload or b""
    if frame.fport == dragino.SETTINGS_PORT:
        return Found()
    if frame.fport == dragino.STATUS_PORT:
        return dragino.status(payload)
    if frame.fport == dragino.STORED_PORT:
        raws = dragino.raw_records(payload)
        return Found(tuple(_pulses(raw[1], raw[3:7], dragino.moment_ms(raw)) for raw in raws))
    if len(payload) != dragino.RECORD_SIZE:
        raise Unreadable(f"a data frame has {dragino.RECORD_SIZE} bytes, not {len(payload)}")
    return Found((_pulses(payload[5], payload[1:5], dragino.live_moment_ms(payload)),))


def _pulses(mode: int, count: bytes, at_ms: int | None) -> Reading:
    if mode not in (TOTAL_MODE, PART_MODE):
        raise Unreadable(f"mode {mode}: expected 0 (all pulses) or 1 (since the last message)")
    return reading("rep" if mode == PART_MODE else "uses", whole(count), at_ms)


# By how the model's name begins. With LS it is a cell that the sun charges.
CELLS = {
    "sw3l": "ER26500 to 2.45 V",
    "sw3lls": "",
    "sw3llbls": "",
}

DRIVER = Driver(
    name="dragino_sw3l",
    families=("counter",),
    maker="Dragino",
    models=("sw3l*",),
    transport="lorawan",
    points=(
        "uses",
        "rep",
        "battery",
        "battery_v",
    ),
    expected_silence_s=3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=(2, 3, 4, 5),
)
