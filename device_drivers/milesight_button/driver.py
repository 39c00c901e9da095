"""Milesight WS101 (also as SOS button) and the scene panels WS136 and WS156."""

from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, code, decoder
from device_drivers.points import reading
from device_drivers.reading import Reading

PRESS = {1: "single", 2: "long", 3: "double"}
PANEL_MODES = (0, 1, 2, 3)
PANEL_PRESS = {1: "single", 2: "double", 3: "long"}


def _panel(data: bytes) -> list[Reading]:
    """Button, mode, event; older firmware sends its D2D command there: a press all the same."""
    _button, mode, event = data
    kind = PANEL_PRESS.get(event, "single") if mode in PANEL_MODES else "single"
    return [reading("press", kind)]


CHANNELS: Table = {
    (0xFF, 0x2E): Channel(1, code("press", PRESS)),
    (0xFF, 0x34): Channel(3, _panel),
}


DRIVER = Driver(
    name="milesight_button",
    families=("button",),
    maker="Milesight",
    models=(
        "ws101*",
        "ws13*",
        "ws15*",
    ),
    transport="lorawan",
    points=(
        "press",
        "battery",
    ),
    expected_silence_s=37 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS),
)
