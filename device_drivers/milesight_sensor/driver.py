"""Every other Milesight device: battery, temperature and humidity, which all share.

Atomsenses builds its AS-20x with the same channels.
"""

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.milesight import (
    BATTERY,
    HUMIDITY,
    TEMPERATURE,
    TEMPERATURE_ALARM,
    Channel,
    Table,
    code,
    decoder,
)

CHANNELS: Table = {
    (0x09, 0x67): TEMPERATURE,  # CT101 to CT310, sockets
    (0x89, 0x67): TEMPERATURE_ALARM,
    (0x02, 0x67): TEMPERATURE,  # GS301
    (0x03, 0x68): HUMIDITY,  # GS301
    (0x01, 0x67): TEMPERATURE,  # UC11-T1
    (0x02, 0x68): HUMIDITY,  # UC11-T1
    (0x03, 0x75): BATTERY,  # UC11-T1
    (0x07, 0xC9): Channel(2),  # current of a socket
    (0x05, 0x92): Channel(1),  # opening of a valve
    (0x09, 0x90): Channel(2),  # stroke of a motor
    (0x0B, 0x90): Channel(2),
    (0x07, 0x92): Channel(2),  # wind
    **{(channel, kind): Channel(1) for channel, kind in ((5, 0xE7), (6, 0xE8), (8, 0xE5))},
}

# Frames of these have no channels: read as such they would give values that nobody sent.
WITHOUT_CHANNELS = ("ts60", "wt30", "cth01", "uc3")

# A radiator's valve: whether it sits on its radiator.
VALVES = ("wt101",)
INSTALLED = Channel(1, code("tamper", {0: False, 1: True}))

_read = decoder(CHANNELS)
_read_valve = decoder({**CHANNELS, (0x06, 0x00): INSTALLED})


def decode(frame: Frame) -> Found:
    """The channels that all share."""
    if frame.model.startswith(WITHOUT_CHANNELS):
        raise Unreadable(f"the frames of the model {frame.model} have no channels")
    return _read_valve(frame) if frame.model.startswith(VALVES) else _read(frame)


DRIVER = Driver(
    name="milesight_sensor",
    families=(
        "button",
        "door",
        "counter",
    ),
    maker="Milesight, Atomsenses",
    models=("*",),
    transport="lorawan",
    points=(
        "tamper",
        "battery",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
