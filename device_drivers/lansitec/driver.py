"""Lansitec badges, helmets and trackers: the upper half of the first byte tells the message.

Badges and helmets tell their alarm in message 8 with its kind behind it; older badges and
Bluetooth gateways in message 6 with the kind in the lower half of the first byte. Facts: the
maker's decoders in TheThingsNetwork/lorawan-devices and tago-io/decoders.
"""

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

HEARTBEAT, OLD_ALARM, ALARM = 2, 6, 8
CONTAINER_ALARM = 9
KNOWN_MAX = 0x0F
MAGNET_GONE = 1
PRESSES = {1: "sos", 2: "fall"}
OTHERS = (3, 4)  # of a helmet: a dangerous place, a search for it
CONTAINERS, GATEWAYS = ("container",), ("gateway", "bluetooth")
HELMETS = ("helmet",)
HEARTBEAT_SIZE = 7


def _alarm(kind: int) -> Found:
    if kind in PRESSES:
        return Found((reading("press", PRESSES[kind]),))
    return Found() if kind in OTHERS else Found((), (f"alarm {kind} is not known here",))


def _is(model: str, names: tuple[str, ...]) -> bool:
    return any(name in model for name in names)


def _battery(raw: int, model: str) -> Reading:
    """Percent; of container trackers hundredths of a volt above 1.5 V."""
    if _is(model, CONTAINERS):
        return reading("battery_v", (raw + 150) / 100)
    return reading("battery", raw)


def _heartbeat(payload: bytes, model: str) -> Found:
    """Battery, signal as the device heard it (3 bytes), states of position and movement."""
    at_least(payload, HEARTBEAT_SIZE, what="a heartbeat")
    if _is(model, GATEWAYS):
        return Found()
    found = [_battery(payload[1], model)]
    if _is(model, HELMETS):
        moves = at_least(payload, 10, what="a helmet's heartbeat")[9] >> 4
    else:
        moves = payload[5] & 0x0F
    return Found((*found, reading("motion", bool(moves))))


def decode(frame: Frame) -> Found:
    """Alarms and heartbeats; positions and beacons are signs of life."""
    payload = frame.payload or b""
    message, model = payload[0] >> 4, frame.model
    if message in (0, KNOWN_MAX):
        raise Unreadable(f"message {message}: expected 1 to 14")
    if message == HEARTBEAT:
        return _heartbeat(payload, model)
    if message == OLD_ALARM and not _is(model, GATEWAYS):
        return _alarm(payload[0] & 0x0F)
    if message == ALARM and len(payload) == 2 and not _is(model, (*CONTAINERS, *GATEWAYS)):
        return _alarm(payload[1])
    if message == CONTAINER_ALARM and _is(model, CONTAINERS):
        return Found((reading("tamper", at_least(payload, 2)[1] == MAGNET_GONE),))
    return Found()


DRIVER = Driver(
    name="lansitec",
    families=("button", "sensor"),
    maker="Lansitec",
    models=("badgetracker*", "helmetsensor*", "containertracker*", "assetmanagement*", "*"),
    transport="lorawan",
    points=("press", "tamper", "motion", "battery", "battery_v"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
