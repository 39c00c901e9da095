"""Milesight devices that see movement: WS202, and the air sensors AM307 to AM319."""

from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, code, decoder

MOTION = code("motion", {0: False, 1: True})

CHANNELS: Table = {
    (0x03, 0x00): Channel(1, MOTION),  # WS202
    (0x05, 0x00): Channel(1, MOTION),  # AM307, AM308, AM319, AM304L, AM305L
}


DRIVER = Driver(
    name="milesight_motion",
    families=("counter",),
    maker="Milesight",
    models=(
        "ws202*",
        "am30*",
        "am31*",
    ),
    transport="lorawan",
    points=(
        "motion",
        "battery",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS),
)
