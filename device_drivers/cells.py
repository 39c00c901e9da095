"""Cells: percent out of volts, by the curve of the kind of battery that is in a device.

An estimate: it depends on load and cold. Cells of lithium thionyl chloride (ER…) keep their voltage
until shortly before the end. `… to 2.1 V` is the range in which a certain device works: it takes a
straight line for a curve, and says no more than the line does (`step`).
"""

from bisect import bisect_left
from collections.abc import Mapping
from math import floor
from typing import NamedTuple

from device_drivers.driver import Found, Frame, FrameDecoder

Curve = tuple[tuple[float, float], ...]  # (volts, percent), rising
WHOLE_PERCENT = 1
TEN_PERCENT = 10


class Cell(NamedTuple):
    """A kind of battery: its curve, where the figures come from, and how fine they are."""

    curve: Curve
    source: str
    step: int = WHOLE_PERCENT


_LITHIUM_COIN: Curve = (
    (2.1, 0.0),
    (2.44, 6.0),
    (2.74, 18.0),
    (2.9, 42.0),
    (3.0, 100.0),
)
# An alkaline cell: 1.6 V new, 0.9 V empty under a small load.
_ALKALINE: Curve = (
    (0.9, 0.0),
    (1.1, 10.0),
    (1.2, 30.0),
    (1.3, 60.0),
    (1.4, 80.0),
    (1.5, 95.0),
    (1.6, 100.0),
)
_THIONYL: Curve = ((2.0, 0.0), (3.0, 5.0), (3.3, 15.0), (3.5, 50.0), (3.6, 100.0))
_MANGANESE: Curve = ((2.0, 0.0), (2.5, 10.0), (2.7, 30.0), (2.8, 50.0), (2.9, 70.0), (3.0, 100.0))


def _times(number: int, curve: Curve) -> Curve:
    return tuple((volts * number, percent) for volts, percent in curve)


def _line(empty_v: float, full_v: float) -> Curve:
    return ((empty_v, 0.0), (full_v, 100.0))


_COIN_SOURCE = "the piecewise line in common use for 3 V lithium coin cells in Zigbee converters"
_OURS = "our own reading of the usual discharge curve at a small load and 20 °C; not measured"
_AKENZA = "the straight line of akenza's device type library for {}"

CELLS: Mapping[str, Cell] = {
    "CR2032": Cell(_LITHIUM_COIN, _COIN_SOURCE),
    "CR2450": Cell(_LITHIUM_COIN, _COIN_SOURCE),
    "CR2477": Cell(_LITHIUM_COIN, _COIN_SOURCE),
    "CR123A": Cell(_MANGANESE, _OURS),
    "CR17505 to 2.5 V": Cell(_line(2.5, 3.0), _AKENZA.format("Dragino's LHT65"), TEN_PERCENT),
    "3 V lithium to 2.2 V": Cell(_line(2.2, 3.0), _AKENZA.format("comtac"), TEN_PERCENT),
    "3 V lithium to 2.55 V": Cell(
        ((2.55, 0.0), (2.82, 20.0), (3.01, 100.0)),
        "the bent line of akenza's device type library for Swisscom's Multisense",
    ),
    "AA": Cell(_ALKALINE, _OURS),
    "2xAA": Cell(_times(2, _ALKALINE), _OURS),
    "2xAA to 2.1 V": Cell(_line(2.1, 3.0), _AKENZA.format("IMBuildings")),
    "2xC to 2.0 V": Cell(_line(2.0, 3.0), _AKENZA.format("Decentlab")),
    "3xAA": Cell(_times(3, _ALKALINE), _OURS),
    "3xAA to 3.5 V": Cell(  # alkaline or lithium cells, as their owner likes
        _line(3.5, 5.0), _AKENZA.format("Digital Matter's Oyster 3"), TEN_PERCENT
    ),
    "2xAAA": Cell(_times(2, _ALKALINE), _OURS),
    "2xAAA to 2.1 V": Cell(_line(2.1, 3.0), _AKENZA.format("Dragino's LDS02"), TEN_PERCENT),
    "3xAAA": Cell(_times(3, _ALKALINE), _OURS),
    "ER14505": Cell(_THIONYL, _OURS),
    "ER14505 to 2.7 V": Cell(_line(2.7, 3.6), _AKENZA.format("Elsys"), TEN_PERCENT),
    "ER14505 to 3.0 V": Cell(_line(3.0, 3.6), _AKENZA.format("Netvox")),
    "ER14250": Cell(_THIONYL, _OURS),
    "ER14250 to 3.1 V": Cell(
        _line(3.1, 3.6), "the least and the most volts in Browan's reference manuals", TEN_PERCENT
    ),
    "ER18505": Cell(_THIONYL, _OURS),
    "ER26500": Cell(_THIONYL, _OURS),
    "ER26500 to 2.45 V": Cell(
        _line(2.45, 3.6), _AKENZA.format("Dragino's LoRaWAN sensors"), TEN_PERCENT
    ),
    "ER26500 to 2.5 V": Cell(
        _line(2.5, 3.6), _AKENZA.format("Dragino's cellular sensors"), TEN_PERCENT
    ),
    "Li-ion": Cell(_line(3.2, 4.2), _AKENZA.format("Adeunis' field test device")),
}


def percent_of(volts: float, cell: str | None) -> float | None:
    """Percent by the cell's curve; None for a cell that is not known."""
    known = None if cell is None else CELLS.get(cell)
    if known is None:
        return None
    exact = _on_curve(volts, known.curve)
    # Five are rounded up; the sixth digit takes away what binary fractions add.
    return float(known.step * floor(round(exact / known.step, 6) + 0.5))


def _on_curve(volts: float, curve: Curve) -> float:
    place = bisect_left(curve, (volts, -1.0))
    if place == 0:
        return curve[0][1]
    if place == len(curve):
        return curve[-1][1]
    (low_v, low), (high_v, high) = curve[place - 1], curve[place]
    return low + (volts - low_v) / (high_v - low_v) * (high - low)


def cell_of(model: str, kinds: Mapping[str, str]) -> str:
    """The cell of a model, by how its name begins; the longest beginning counts."""
    fitting = [beginning for beginning in kinds if model.startswith(beginning)]
    return kinds[max(fitting, key=len)] if fitting else ""


def with_cells(decode: FrameDecoder, kinds: Mapping[str, str]) -> FrameDecoder:
    """A decoder that also names the cell of the frame's model. An unknown model has none."""

    def decode_with_cell(frame: Frame) -> Found:
        return decode(frame)._replace(cell=cell_of(frame.model, kinds))

    return decode_with_cell
