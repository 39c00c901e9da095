"""Dragino CPL01 pulse counter: records with a time of their own."""

from device_drivers import dragino
from device_drivers.driver import Driver, Found, Frame, Heard
from device_drivers.points import reading


def decode(frame: Frame) -> Found:
    """Port 2 one record, port 3 stored ones, port 5 the status; port 4 repeats settings."""
    payload = frame.payload or b""
    if frame.fport == dragino.SETTINGS_PORT:
        return Found()
    if frame.fport == dragino.STATUS_PORT:
        return dragino.status(payload)
    read = dragino.records if frame.fport == dragino.STORED_PORT else dragino.one_record
    return Found(tuple(reading("uses", count, at_ms) for _flags, count, at_ms in read(payload)))


DRIVER = Driver(
    name="dragino_pulse",
    families=("counter",),
    maker="Dragino",
    models=("cpl01*",),
    transport="lorawan",
    points=(
        "uses",
        "battery_v",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(2, 3, 4, 5),
)
