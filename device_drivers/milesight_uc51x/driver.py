"""Milesight controllers UC511, UC512 and UC521: pulse inputs 1 and 2 on channels 4 and 6."""

from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, decoder, pulses

CHANNELS: Table = {
    (0x04, 0xC8): pulses("uses_1"),
    (0x06, 0xC8): pulses("uses_2"),
    (0x20, 0xCE): Channel(9),  # stored record: which of the two inputs is not published in words
    (0x21, 0xCE): Channel(6),
    (0xFE, 0x55): Channel(28),
}


DRIVER = Driver(
    name="milesight_uc51x",
    families=("counter",),
    maker="Milesight",
    models=(
        "uc51*",
        "uc52*",
    ),
    transport="lorawan",
    points=(
        "uses",
        "uses_1",
        "uses_2",
        "battery",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS, alone=("uses",)),
)
