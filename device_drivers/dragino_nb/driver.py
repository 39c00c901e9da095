"""Dragino devices on cellular networks (NB-IoT): battery, then what the model says."""

from device_drivers import dragino
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

NUMBER_SIZE = 8  # fifteen digits behind an f: the device's, in newer firmware the card's too
POWER_AT, SIGNAL_SIZE = 2, 1  # behind the version
DOORS = ("ds03anb", "ds03acb", "nds03a")
PULSES = ("cpn01",)
DOOR_HEAD_SIZE, PULSE_HEAD_SIZE = 1, 2  # mode; mode and the owner's own number
DATA_PORTS = (2,)


def decode(frame: Frame) -> Found:
    """One or two numbers of fifteen digits, version, battery in mV (2 each), signal, the rest."""
    payload = frame.payload or b""
    at = _behind_numbers(payload)
    body = at + POWER_AT + 2 + SIGNAL_SIZE
    if len(payload) < body:
        raise Unreadable(f"a message has at least {body} bytes, not {len(payload)}")
    battery = dragino.cell_v(payload[at + POWER_AT : at + POWER_AT + 2])
    return Found((*_records(payload[body:], frame.model), battery))


def _behind_numbers(payload: bytes) -> int:
    at = 0
    while at < 2 * NUMBER_SIZE and len(payload) > at and payload[at] >> 4 == 0x0F:
        at += NUMBER_SIZE
    if not at:
        raise Unreadable("expected a number of fifteen digits behind an f at the beginning")
    return at


def _records(body: bytes, model: str) -> list[Reading]:
    """State (1), alarm (1), count (3), duration (3), time (4); then stored ones without alarm."""
    if model.startswith(DOORS):
        head, is_door = DOOR_HEAD_SIZE, True
    elif model.startswith(PULSES):
        head, is_door = PULSE_HEAD_SIZE, False
    else:
        return []
    now = body[head : head + 1] + body[head + 2 :]  # without the alarm it is as those stored
    found = dragino.records(now)
    return [one for record in found for one in _record(*record, is_door=is_door)]


def _record(state: int, count: int, at_ms: int, *, is_door: bool) -> list[Reading]:
    if not is_door:
        return [reading("uses", count, at_ms)]
    contact = "open" if state & 1 else "closed"
    return [reading("contact", contact, at_ms), reading("openings", count, at_ms)]


# By how the model's name begins.
CELLS = {
    "ndds": "ER26500 to 2.5 V",
    "nse01": "ER26500 to 2.5 V",
}

DRIVER = Driver(
    name="dragino_nb",
    families=(
        "door",
        "counter",
    ),
    maker="Dragino",
    models=(
        "ds03anb*",
        "ds03acb*",
        "nds03*",
        "ndds*",
        "nse01*",
        "nsph01*",
        "nlms01*",
        "nmds200*",
        "n95s31*",
        "nbsn95*",
        "cpn01*",
        "cpl03nb*",
        "cpl03cb*",
        "cs01nb*",
        "s31nb*",
        "s31cb*",
        "sn50v3nb*",
        "sn50v3cb*",
        "sw3lnb*",
        "wl03anb*",
    ),
    transport="lorawan",
    points=(
        "contact",
        "openings",
        "uses",
        "battery",
        "battery_v",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=DATA_PORTS,
)
