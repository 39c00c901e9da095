"""Every other Dragino device: the status frame, and the battery where it stands first."""

from device_drivers import dragino
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable

SIZE_MIN = 8


def decode(frame: Frame) -> Found:
    """Port 2: battery in mV first; port 5: the status; settings and stored values: nothing."""
    payload = frame.payload or b""
    if frame.fport == dragino.STATUS_PORT:
        return _status(payload)
    if frame.fport in (dragino.STORED_PORT, dragino.SETTINGS_PORT):
        return Found()
    if len(payload) < SIZE_MIN:
        raise Unreadable(f"expected at least {SIZE_MIN} bytes, not {len(payload)}")
    return Found((dragino.cell_v(payload[:2]),))


def _status(payload: bytes) -> Found:
    """Older firmware ends with an interval instead of the battery: then there is no reading."""
    found = dragino.status(payload)
    battery = float(found.readings[0].value)
    return found if dragino.CELL_V_MIN <= battery <= dragino.CELL_V_MAX else Found()


# By how the model's name begins.
CELLS = {
    "ldds": "ER26500 to 2.45 V",
    "llds12": "ER26500 to 2.45 V",
    "llms01": "ER26500 to 2.45 V",
    "lse01": "ER26500 to 2.45 V",
    "lsph01": "ER26500 to 2.45 V",
    "ltc2": "ER26500 to 2.45 V",
    "dds04lb": "ER26500 to 2.45 V",
    "dds20lb": "ER26500 to 2.45 V",
    "dds45lb": "ER26500 to 2.45 V",
    "dds75lb": "ER26500 to 2.45 V",
    "se0xlb": "ER26500 to 2.45 V",
    "se01lb": "ER26500 to 2.45 V",
}

DRIVER = Driver(
    name="dragino_sensor",
    families=(
        "door",
        "counter",
    ),
    maker="Dragino",
    models=("*",),
    transport="lorawan",
    points=(
        "battery",
        "battery_v",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=(2, 3, 4, 5),
)
