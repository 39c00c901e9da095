"""Dragino LT-22222-L and LT-33222-L controllers: what they count depends on their mode."""

from device_drivers import dragino
from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

DATA_SIZE = 11
MODE_MASK = 0x3F
MODES = range(1, 7)
# By mode: where the counts stand and how long they are.
COUNTS: dict[int, tuple[tuple[int, int], ...]] = {
    2: ((0, 4), (4, 4)),
    3: ((0, 4),),
    4: ((0, 4), (4, 4)),
    5: ((6, 2),),
}


def decode(frame: Frame) -> Found:
    """Port 2: eight bytes of values, states, flags, mode; port 5: versions, no battery."""
    payload = frame.payload or b""
    if frame.fport == dragino.STATUS_PORT or len(payload) == 1:
        return Found()
    if len(payload) != DATA_SIZE:
        raise Unreadable(f"a data frame has {DATA_SIZE} bytes, not {len(payload)}")
    mode = payload[-1] & MODE_MASK
    if mode not in MODES:
        raise Unreadable(f"mode {mode}: expected 1 to 6")
    return Found(tuple(_counts(payload, COUNTS.get(mode, ()))))


def _counts(payload: bytes, places: tuple[tuple[int, int], ...]) -> list[Reading]:
    values = [whole(payload[at : at + size]) for at, size in places]
    if len(values) == 1:
        return [reading("uses", values[0])]
    return [reading(f"uses_{number}", value) for number, value in enumerate(values, start=1)]


DRIVER = Driver(
    name="dragino_lt",
    families=("counter",),
    maker="Dragino",
    models=(
        "lt22222*",
        "lt33222*",
    ),
    transport="lorawan",
    points=(
        "uses",
        "uses_1",
        "uses_2",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(2, 5),
)
