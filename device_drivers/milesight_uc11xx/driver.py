"""Milesight UC11xx: counting inputs 1 and 2 on channels 1 and 2."""

from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Table, decoder, pulses

CHANNELS: Table = {
    (0x01, 0xC8): pulses("uses_1"),
    (0x02, 0xC8): pulses("uses_2"),
}


DRIVER = Driver(
    name="milesight_uc11xx",
    families=("counter",),
    maker="Milesight",
    models=("uc11*",),
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
