"""Vutility PulseDrop (pulses counted) and HotDrop (a current): the first byte tells which."""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.records import sized

SIZE = 11
PULSES, CURRENTS = 28, (46, 49, 50)
COUNT_AT = 3


def decode(frame: Frame) -> Found:
    """Kind, charge of the capacitor, temperature, running total (4 bytes); it has no cell."""
    payload = sized(frame.payload or b"", SIZE)
    if payload[0] in CURRENTS:
        return Found()
    if payload[0] != PULSES:
        raise Unreadable(f"message {payload[0]}: expected 28, 46, 49 or 50")
    return Found((reading("uses", whole(payload[COUNT_AT : COUNT_AT + 4])),))


DRIVER = Driver(
    name="vutility",
    families=("counter",),
    maker="Vutility",
    models=("*", "pulsedrop*", "hotdrop*"),
    transport="lorawan",
    points=("uses",),
    expected_silence_s=2 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
