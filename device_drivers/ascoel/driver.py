"""Ascoel contacts, motion detectors and push buttons: the port tells what a frame says.

A byte of battery (highest bit: which kind of cell, then percent), a byte of events and a count of
two bytes; floats of the climate models come least significant byte first. Facts: the layouts of
the maker's programming manuals, as github.com/element-iot's parsers and akenza's library have them.
"""

from struct import unpack

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least, sized

PRESENTATION_PORTS = (5, 6, 7, 10)  # model, serial number, versions, receipt of a setting
BATTERY_PORT, ALIVE_PORT = 8, 9
MOTION_PORT, CONTACT_PORT, BUTTON_PORT = 20, 30, 40
ALARM, TAMPER, LOW = 0x01, 0x02, 0x04
PERCENT = 0x7F
CLIMATE_SIZE = 8
MOTION_MODELS = ("ir", "it")
CONTACT_MODELS = ("cm",)
BUTTON_MODELS = ("pb",)


def _battery(raw: int) -> Reading:
    return reading("battery", raw & PERCENT)


def _climate(data: bytes) -> list[Reading]:
    degrees, percent = unpack("<ff", data[:CLIMATE_SIZE])
    return [
        reading("temperature", round(degrees, 2)),
        reading("humidity", round(percent, 2)),
    ]


def _faults(events: int) -> list[Reading]:
    return [
        reading("tamper", bool(events & TAMPER)),
        reading("battery_low", bool(events & LOW)),
    ]


def _contact(events: int) -> list[Reading]:
    """An alarm of the reed switch: the magnet is away."""
    return [reading("contact", "open" if events & ALARM else "closed"), *_faults(events)]


def _motion(events: int) -> list[Reading]:
    return [reading("motion", bool(events & ALARM)), *_faults(events)]


def _contact_event(payload: bytes) -> list[Reading]:
    """Events, count, and of the model with climate its two floats."""
    sized(payload, 3, 3 + CLIMATE_SIZE, what="a contact's event")
    found = [*_contact(payload[0]), reading("openings", whole(payload[1:3]))]
    return [*found, *_climate(payload[3:])] if len(payload) > 3 else found


def _motion_event(payload: bytes) -> list[Reading]:
    sized(payload, 3, what="an event of motion")
    return [*_motion(payload[0]), reading("uses", whole(payload[1:3]))]


def _press(payload: bytes) -> list[Reading]:
    """Pressed or let go, and how often it was pressed so far."""
    at_least(payload, 1)
    pressed = [reading("press", "single")] if payload[0] & ALARM else []
    count = [reading("uses", whole(payload[1:3]))] if len(payload) >= 3 else []
    return [*pressed, *count]


def _alive(payload: bytes, model: str) -> list[Reading]:
    """The battery, and by size and model what else there is."""
    battery, rest = _battery(payload[0]), payload[1:]
    if len(rest) in (CLIMATE_SIZE, CLIMATE_SIZE + 2):  # TH868LR; CO868LR, with carbon dioxide
        return [battery, *_climate(rest)]
    if len(rest) == 1 + CLIMATE_SIZE:  # CM868LRTH
        return [battery, *_contact(rest[0]), *_climate(rest[1:])]
    if len(rest) != 3 or model.startswith(BUTTON_MODELS):
        return [battery]
    if model.startswith(MOTION_MODELS):
        return [battery, *_motion_event(rest)]
    if model.startswith(CONTACT_MODELS):
        return [battery, *_contact_event(rest)]
    return [battery, *_faults(rest[0])]


def decode(frame: Frame) -> Found:
    """The port tells an event from a sign of life."""
    payload = frame.payload or b""
    if frame.fport in PRESENTATION_PORTS:
        return Found()
    if frame.fport == BUTTON_PORT:
        return Found(tuple(_press(payload)))
    if frame.fport == CONTACT_PORT:
        return Found(tuple(_contact_event(payload)))
    if frame.fport == MOTION_PORT:
        return Found(tuple(_motion_event(payload)))
    if frame.fport == BATTERY_PORT:
        return Found((_battery(sized(payload, 1, what="a battery's frame")[0]),))
    if frame.fport == ALIVE_PORT:
        return Found(tuple(_alive(at_least(payload, 1), frame.model)))
    raise Unreadable("fPort: the port tells what the frame says, and nobody said it")


DRIVER = Driver(
    name="ascoel",
    families=("button", "door", "counter"),
    maker="Ascoel",
    models=("pb868*", "pbus915*", "cm868*", "cmus915*", "ir868*", "it868*", "irus915*", "*"),
    transport="lorawan",
    points=(
        "press",
        "contact",
        "motion",
        "tamper",
        "uses",
        "openings",
        "battery",
        "battery_low",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(
        *PRESENTATION_PORTS,
        BATTERY_PORT,
        ALIVE_PORT,
        MOTION_PORT,
        CONTACT_PORT,
        BUTTON_PORT,
    ),
)
