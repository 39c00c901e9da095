"""comtac CM-1 and CM-2: climate and a button. The size tells which of them it is."""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import sized

DATA_PORT, SETTINGS_PORTS = 3, (100, 101)
FIRST_SIZE, SECOND_SIZE = 13, 22
PRESSED = 0x10  # in the second byte of a CM-2; in the first of a CM-1: sent because of an event


def _values(data: bytes) -> list[Reading]:
    """mV, hundredths of a degree, hundredths of a percent (2 bytes each)."""
    return [
        reading("battery_v", whole(data[:2]) / 1_000),
        reading("temperature", whole(data[2:4], signed=True) / 100),
        reading("humidity", whole(data[4:6]) / 100),
    ]


def decode(frame: Frame) -> Found:
    """Causes, settings, values of a CM-1; version, causes, values of a CM-2."""
    if frame.fport in SETTINGS_PORTS:
        return Found()
    payload = sized(frame.payload or b"", FIRST_SIZE, SECOND_SIZE)
    causes, values = (0, 7) if len(payload) == FIRST_SIZE else (1, 3)
    pressed = [reading("press", "single")] if payload[causes] & PRESSED else []
    return Found((*pressed, *_values(payload[values:])))


DRIVER = Driver(
    name="comtac_cm",
    families=("button", "sensor"),
    maker="comtac",
    models=("cm1*", "cm2*", "lpncm1*", "lpncm2*"),
    transport="lorawan",
    points=("press", "battery", "battery_v", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    cell="3 V lithium to 2.2 V",
    fports=(DATA_PORT, *SETTINGS_PORTS),
)
