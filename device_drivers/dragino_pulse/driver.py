"""Dragino CPL01 pulse counter: records with a time of their own."""

from device_drivers import dragino
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard
from device_drivers.points import reading


def decode(frame: Frame) -> Found:
    """Port 2 one record, port 3 stored ones, port 5 the status; port 4 repeats settings."""
    payload = frame.payload or b""
    if frame.fport == dragino.SETTINGS_PORT:
        return Found()
    if frame.fport == dragino.STATUS_PORT:
        return dragino.status(payload)
    stored = frame.fport == dragino.STORED_PORT
    found = dragino.records(payload) if stored else dragino.one_record(payload)
    return Found(tuple(reading("uses", count, at_ms) for _flags, count, at_ms in found))


# By how the model's name begins.
CELLS = {
    "cpl01": "ER26500 to 2.45 V",
}

DRIVER = Driver(
    name="dragino_pulse",
    families=("counter",),
    maker="Dragino",
    models=("cpl01*",),
    transport="lorawan",
    points=(
        "uses",
        "battery",
        "battery_v",
    ),
    expected_silence_s=49 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=(2, 3, 4, 5),
)
