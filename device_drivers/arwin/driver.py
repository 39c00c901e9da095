"""Arwin LRS: battery, climate, dry contact. The first byte tells the model.

Facts: the maker's decoders in TheThingsNetwork/lorawan-devices.
"""

from collections.abc import Callable, Mapping

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least, sized

EVENT_PORT = 10
ROOM, CONTACT, LEAK = 0x01, 0x04, 0x05
CONTACT_SIZE, CLIMATE_SIZE, AIR_SIZE = 6, 9, 11


def _contact(payload: bytes) -> list[Reading]:
    """Events, percent, input (0 open), how many events so far (2 bytes)."""
    at_least(payload, CONTACT_SIZE, what="an event of the contact")
    return [
        reading("contact", "closed" if payload[3] else "open"),
        reading("uses", whole(payload[4:6])),
        reading("battery", payload[2]),
    ]


def _room(payload: bytes) -> list[Reading]:
    """The size tells climate (percent, then tenths of a degree and of a percent) from air."""
    if len(payload) == AIR_SIZE:
        return [reading("battery", payload[10])]
    sized(payload, CLIMATE_SIZE, AIR_SIZE, what="a room's event")
    return [
        reading("battery", payload[2]),
        reading("temperature", whole(payload[3:5], signed=True) / 10),
        reading("humidity", whole(payload[5:7]) / 10),
    ]


def _leak(payload: bytes) -> list[Reading]:
    return [reading("battery", at_least(payload, 4, what="an event of a leak")[2])]


READ: Mapping[int, Callable[[bytes], list[Reading]]] = {
    ROOM: _room,
    CONTACT: _contact,
    LEAK: _leak,
}


def decode(frame: Frame) -> Found:
    """Events on port 10; versions and settings on others are signs of life."""
    payload = frame.payload or b""
    if frame.fport != EVENT_PORT:
        return Found()
    if payload[0] not in READ:
        raise Unreadable(f"model {payload[0]}: expected 1, 4 or 5")
    return Found(tuple(READ[payload[0]](payload)))


DRIVER = Driver(
    name="arwin",
    families=("counter", "sensor"),
    maker="Arwin Technology",
    models=("lrs20100*", "lrs20310*", "lrs20600*", "*"),
    transport="lorawan",
    points=("contact", "uses", "battery", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
