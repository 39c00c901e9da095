"""Milesight VS121, VS132, VS133 and VS135: people over up to four lines, in and out."""

from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, decoder, number, pair

LINES = 4
CHANNELS_PER_LINE = 3  # total in, total out, both in the period
FIRST_CHANNEL = 3


def _line(line: int) -> Table:
    first = FIRST_CHANNEL + CHANNELS_PER_LINE * (line - 1)
    return {
        (first, 0xD2): Channel(4, number(f"in_{line}", size=4)),
        (first + 1, 0xD2): Channel(4, number(f"out_{line}", size=4)),
        (first + 2, 0xCC): Channel(4, pair(f"rep_{2 * line - 1}", f"rep_{2 * line}")),
    }


CHANNELS: Table = {
    **{key: channel for line in range(1, LINES + 1) for key, channel in _line(line).items()},
    (0x04, 0xC9): Channel(4, number("people")),  # VS121: people now; then by region
    (0x10, 0xF7): Channel(4),  # VS121: over one line
    (0x0D, 0xCC): Channel(4, pair("in_1", "out_1")),  # VS121
}


DRIVER = Driver(
    name="milesight_vs13x",
    families=("counter",),
    maker="Milesight",
    models=(
        "vs121*",
        "vs132*",
        "vs133*",
        "vs135*",
    ),
    transport="lorawan",
    points=(
        "in",
        "out",
        "in_1",
        "out_1",
        "in_2",
        "out_2",
        "in_3",
        "out_3",
        "in_4",
        "out_4",
        "rep_1",
        "rep_2",
        "rep_3",
        "rep_4",
        "rep_5",
        "rep_6",
        "rep_7",
        "rep_8",
        "people",
        "battery",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS, alone=("in", "out")),
)
