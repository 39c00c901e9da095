"""Milesight UC11xx: counting inputs 1 and 2 on channels 1 and 2."""

from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, decoder, pulses

CHANNELS: Table = {
    (0x01, 0xC8): pulses("uses_1"),
    (0x02, 0xC8): pulses("uses_2"),
    **{(channel, 0x02): Channel(8) for channel in (0x11, 0x12)},  # analogue inputs
}


DRIVER = Driver(
    name="milesight_uc11xx",
    families=("counter",),
    maker="Milesight",
    models=(
        "uc11xx*",
        "uc1114*",
        "uc1122*",
        "uc1152*",
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
