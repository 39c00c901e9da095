"""Milesight UC11-N1: its one counting input is on channel 4."""

from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, decoder, pulses

CHANNELS: Table = {
    (0x04, 0xC8): pulses("uses"),
    **{(channel, 0x02): Channel(8) for channel in (0x05, 0x06)},  # analogue inputs
}


DRIVER = Driver(
    name="milesight_uc11n1",
    families=("counter",),
    maker="Milesight",
    models=("uc11n1*",),
    transport="lorawan",
    points=(
        "uses",
        "battery",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS),
)
