"""Milesight controllers UC300, UC501 and UC502: counting inputs 1 to 4 on channels 3 to 6."""

from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, decoder, pulses

SENSOR_RECORD_SIZE = 22

CHANNELS: Table = {
    (0x03, 0xC8): pulses("uses_1"),
    (0x04, 0xC8): pulses("uses_2"),
    (0x05, 0xC8): pulses("uses_3"),
    (0x06, 0xC8): pulses("uses_4"),
    # analogue inputs, current and voltage; UC50x sends smallest, largest and mean with them
    **{(channel, 0x02): Channel(4) for channel in (0x0B, 0x0C, 0x0D, 0x0E)},
    **{(channel, 0x02): Channel(8) for channel in (0x05, 0x06)},
    (0x20, 0xDC): Channel(SENSOR_RECORD_SIZE),
}


DRIVER = Driver(
    name="milesight_uc300",
    families=("counter",),
    maker="Milesight",
    models=(
        "uc300*",
        "uc501*",
        "uc502*",
        "uc500*",
        "uc50x*",
    ),
    transport="lorawan",
    points=(
        "uses",
        "uses_1",
        "uses_2",
        "uses_3",
        "uses_4",
        "battery",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS, alone=("uses",)),
)
