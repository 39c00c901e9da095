"""Every other Milesight device: battery, temperature and humidity, which all share."""

from device_drivers.driver import Driver, Heard
from device_drivers.milesight import decoder

DRIVER = Driver(
    name="milesight_sensor",
    families=(
        "button",
        "door",
        "counter",
    ),
    maker="Milesight",
    models=("*",),
    transport="lorawan",
    points=(
        "battery",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder({}),
)
