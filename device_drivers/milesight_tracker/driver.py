"""Milesight AT101: a tracker that also tells when it is taken off its mount."""

from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, code, decoder

PLACE_RECORD_SIZE = 12

CHANNELS: Table = {
    (0x07, 0x00): Channel(1, code("tamper", {0: False, 1: True})),
    (0x20, 0xCE): Channel(PLACE_RECORD_SIZE),  # stored: time, longitude, latitude
}


DRIVER = Driver(
    name="milesight_tracker",
    families=("button",),
    maker="Milesight",
    models=("at101*",),
    transport="lorawan",
    points=(
        "tamper",
        "battery",
        "temperature",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS),
)
