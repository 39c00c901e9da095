"""IMBuildings devices: type and variant tell the layout. Most significant byte first.

With a head the frame begins with type, variant and the device's own number (8 bytes, 6 in the
oldest variant); without one the port tells both (26 is type 2, variant 6). Facts: the maker's
decoder in TheThingsNetwork/lorawan-devices, and akenza-io/device-type-library.
"""

from collections.abc import Callable
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

HEAD_SIZE = 10
ANSWER = 0xF1  # to a downlink
BUTTONS = 5

Read = Callable[[bytes], list[Reading]]


class Body(NamedTuple):
    """The size of what stands behind the head, and how it is read."""

    size: int
    read: Read


def _battery(data: bytes) -> list[Reading]:
    """A status, then hundredths of a volt."""
    return [reading("battery_v", whole(data[1:3]) / 100)]


def _pair(point: str, data: bytes) -> list[Reading]:
    """Both ways through a door; which of them is in, nobody but the fitter knows."""
    return [reading(f"{point}_1", whole(data[:2])), reading(f"{point}_2", whole(data[2:4]))]


def _people(data: bytes) -> list[Reading]:
    """Since the last frame, the sensor's status, totals; then the count of frames."""
    return [*_battery(data), *_pair("rep", data[3:7]), *_pair("uses", data[8:12])]


def _totals(data: bytes) -> list[Reading]:
    return _pair("uses", data[1:5])


def _old_people(data: bytes) -> list[Reading]:
    """The oldest variant has what it counted since the last frame at its end."""
    return [*_battery(data), *_pair("rep", data[-5:-1])]


def _comfort(data: bytes) -> list[Reading]:
    return [
        *_battery(data),
        reading("temperature", whole(data[3:5], signed=True) / 100),
        reading("humidity", whole(data[5:7]) / 100),
        reading("occupancy", data[9] == 1),
    ]


def _press(data: bytes) -> list[Reading]:
    pressed = [reading("press", "single")] if data[3] else []
    return [*pressed, *_battery(data)]


def _counts(data: bytes) -> list[Reading]:
    """The totals of five buttons."""
    starts = range(3, 3 + 2 * BUTTONS, 2)
    totals = [whole(data[start : start + 2]) for start in starts]
    return [
        *_battery(data),
        *(reading(f"uses_{number}", total) for number, total in enumerate(totals, start=1)),
    ]


BODIES: dict[tuple[int, int], Body] = {
    (1, 3): Body(10, _comfort),
    (2, 6): Body(13, _people),
    (2, 7): Body(5, _totals),
    (2, 8): Body(4, _battery),
    (2, 9): Body(15, _people),  # and the quality of its cellular link
    (2, 12): Body(8, _battery),
    (3, 3): Body(4, _press),
    (3, 4): Body(13, _counts),
}
OLD_PEOPLE = (2, 4)
OLD_PEOPLE_SIZE = 24
OLD_HEAD_SIZE = 8


def decode(frame: Frame) -> Found:
    """With its head, or by the port that the maker recommends for frames without one."""
    payload = frame.payload or b""
    if payload[0] == ANSWER:
        return Found()
    kind = (payload[0], payload[1]) if len(payload) > 1 else (0, 0)
    if kind == OLD_PEOPLE and len(payload) == OLD_PEOPLE_SIZE:
        return Found(tuple(_old_people(payload[OLD_HEAD_SIZE:])))
    if kind in BODIES and len(payload) == HEAD_SIZE + BODIES[kind].size:
        return Found(tuple(BODIES[kind].read(payload[HEAD_SIZE:])))
    return _without_head(payload, frame.fport)


def _without_head(payload: bytes, fport: int | None) -> Found:
    kind = divmod(fport or 0, 10)
    if kind not in BODIES:
        raise Unreadable(f"{len(payload)} bytes beginning with {payload[:2].hex()} are not known")
    body = BODIES[kind]
    if len(payload) != body.size:
        raise Unreadable(f"a frame on port {fport} has {body.size} bytes, not {len(payload)}")
    return Found(tuple(body.read(payload)))


# By how the model's name begins.
CELLS = {
    "peoplecounter": "2xAA to 2.1 V",
    "imbuildingspeoplecounter": "2xAA to 2.1 V",
    "comfortsensor": "ER14505",
    "imbuildingscomfortsensor": "ER14505",
}

DRIVER = Driver(
    name="imbuildings",
    families=("counter", "button"),
    maker="IMBuildings",
    models=(
        "moodbox*",
        "officeoccupancycounter*",
        "verticount*",
        "imbuildings*",
        "*",
    ),
    transport="lorawan",
    points=(
        "press",
        "uses_1",
        "uses_2",
        "uses_3",
        "uses_4",
        "uses_5",
        "rep_1",
        "rep_2",
        "occupancy",
        "battery",
        "battery_v",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "its lights show only what it measures itself"),
    tested="frames",
    decode=with_cells(decode, CELLS),
)
