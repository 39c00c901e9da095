"""Every other sensor of Yosensi: its cell and the climate at its own place."""

from device_drivers.driver import Driver, Heard
from device_drivers.yosensi import decoder

DRIVER = Driver(
    name="yosensi_sensor",
    families=("sensor",),
    maker="Yosensi",
    models=("*",),
    transport="lorawan",
    points=("battery_v", "temperature", "humidity"),
    expected_silence_s=2 * 3_600,
    heard=Heard("none", "nobody carries it, and it has nothing to show"),
    tested="frames",
    decode=decoder(lambda _one: []),
)
