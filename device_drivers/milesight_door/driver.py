"""Milesight magnetic contacts WS301 and EM300-MCS."""

from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, code, decoder, history, number

CONTACT = code("contact", {0: "closed", 1: "open"})
TAMPER = code("tamper", {0: False, 1: True})
RECORD_SIZE = 8

CHANNELS: Table = {
    (0x03, 0x00): Channel(1, CONTACT),  # WS301
    (0x04, 0x00): Channel(1, TAMPER),  # WS301: 0 on its mount, 1 taken off
    (0x06, 0x00): Channel(1, CONTACT),  # EM300-MCS
    (0x20, 0xCE): Channel(
        RECORD_SIZE,
        history(
            (0, number("temperature", divisor=10, size=2, signed=True)),
            (2, number("humidity", divisor=2)),
            (3, CONTACT),
        ),
    ),
}


DRIVER = Driver(
    name="milesight_door",
    families=("door",),
    maker="Milesight",
    models=(
        "ws301*",
        "em300mcs*",
    ),
    transport="lorawan",
    points=(
        "contact",
        "tamper",
        "battery",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS),
)
